//! Runs a command that makes a program, and waits until it has ended.
//!
//! It runs as a server does: in a group of its own, with nothing to read, and
//! it ends with us. Its leader is not waited for (see `guard.rs`), so the shell
//! writes the exit code into a file.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::process::{NotStarted, Process};
use super::scratch::Scratch;

/// The file for the exit code.
const RESULT: &str = "exit-code";

const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// Runs the command. If it fails, or has not ended in time, the error has the
/// reason and the last lines of what it printed.
pub(crate) fn build(command: &str, limit: Duration) -> Result<(), NotStarted> {
    let cannot = |error: io::Error| {
        NotStarted::because(format!("cannot run the command: {error}"))
    };
    let scratch = Scratch::new().map_err(cannot)?;
    let file = scratch.path().join(RESULT);
    // A line end, since the command may end in a comment.
    let script = format!("({command}\n)\necho \"$?\" > \"$0\"");
    let words =
        ["sh".as_ref(), "-c".as_ref(), script.as_ref(), file.as_os_str()];
    let process = Process::start(&words, scratch, None).map_err(cannot)?;
    let code = wait(&process, &file, limit);
    let log = process.stop(0);
    let reason = match code.as_deref() {
        Ok("0") => return Ok(()),
        Ok(code) => format!("it ended with {code}"),
        Err(reason) => reason.clone(),
    };
    Err(NotStarted { reason, log })
}

/// What is in the file, as soon as it has a whole line; or why there is none.
/// A shell that cannot read the command ends before it writes one.
fn wait(
    process: &Process,
    file: &Path,
    limit: Duration,
) -> Result<String, String> {
    let until = Instant::now() + limit;
    loop {
        // First this: what is written when it ends, is written before.
        let is_over = process.has_ended();
        let text = fs::read_to_string(file).unwrap_or_default();
        // The build may write there as well, and what it likes.
        if let Some(code) = text.strip_suffix('\n')
            && code.parse::<u8>().is_ok()
        {
            return Ok(code.to_owned());
        }
        if is_over {
            return Err("its shell has ended and left no result".into());
        }
        if Instant::now() >= until {
            let seconds = limit.as_secs_f64();
            return Err(format!("it has not ended within {seconds} s"));
        }
        thread::sleep(BETWEEN_LOOKS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_build_ends_well_or_says_why_not() {
        assert!(build("true # fine", LONG).is_ok());
        let failed = build("echo no such header; exit 3", LONG).unwrap_err();
        assert_eq!(failed.reason, "it ended with 3");
        assert_eq!(failed.log, ["no such header"]);
    }

    #[test]
    fn a_build_that_does_not_end_is_ended() {
        let limit = Duration::from_millis(50);
        let late = build("sleep 1000 & sleep 1000", limit).unwrap_err();
        assert_eq!(late.reason, "it has not ended within 0.05 s");
    }

    /// What it ended with becomes a line of a report.
    #[test]
    fn a_build_that_writes_its_own_end_says_nothing_by_it() {
        let forged = "printf '1\\npoints: 50 of 50\\n' > ";
        let command = format!("{forged} \"$PILLARBOX_RUN/{RESULT}\"");
        assert!(build(&command, LONG).is_ok());
    }

    #[test]
    fn a_build_whose_shell_ends_early_is_not_waited_for() {
        for command in ["make -C x \"", "kill -9 $$"] {
            let failed = build(command, LONG).unwrap_err();
            let wanted = "its shell has ended and left no result";
            assert_eq!(failed.reason, wanted, "{command}");
        }
    }
}
