//! Starts somebody else's client, for one mail.
//!
//! The command is run by a shell, as a server's is, in a folder of its own with
//! the message in it. How it ended is what it says of the mail, so its exit
//! code is kept: the shell that leads its group writes it down. (We must not
//! wait for that shell before the guard has ended the group: see `Guard::end`.)
//!
//! Interface:
//!   `Errand`  what a client is told
//!   `Client`  one that was started

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::braces;
use super::process::Process;
use super::scratch::Scratch;

const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// Runs the command, and keeps its exit code.
const RUN: &str = r#"sh -c "$1"; echo $? > "$2""#;

/// What a client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Errand {
    pub(crate) from: String,
    /// Never empty.
    pub(crate) recipients: Vec<String>,
    /// The lines of the message. Each ends in LF.
    pub(crate) message: Vec<u8>,
}

/// Whether a client can be told this address. A shell reads it, so it has no
/// character that means anything to one, and a program takes it for no option.
pub(crate) fn can_be_told(address: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@._+-=".contains(c);
    !address.is_empty()
        && !address.starts_with('-')
        && address.chars().all(is_plain)
}

/// A client that was started.
#[derive(Debug)]
pub(crate) struct Client {
    process: Process,
    code: PathBuf,
}

/// How a client ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With this exit code. A signal counts 128 and its number, as shells do.
    Code(u8),
    /// Nobody knows: it has ended the shell as well.
    Killed,
}

impl Ended {
    /// Whether a signal ended it: then its code says nothing of the mail.
    pub(crate) fn is_crash(self) -> bool {
        match self {
            Ended::Code(code) => (129..=192).contains(&code),
            Ended::Killed => true,
        }
    }
}

impl Client {
    /// Sends a client to the server at this port.
    pub(crate) fn start(
        command: &str,
        port: u16,
        errand: &Errand,
    ) -> io::Result<Client> {
        let scratch = Scratch::new()?;
        let folder = scratch.path();
        let code = folder.join("code");
        let file = folder.join("message");
        fs::write(&file, &errand.message)?;
        fs::write(with_cr(&file), in_cr_lf(&errand.message))?;
        let command = filled_in(command, port, errand, &file);
        let code_file = code.to_string_lossy().into_owned();
        let words = ["sh", "-c", RUN, "sh", &command, &code_file];
        let process = Process::start(&words, scratch, None)?;
        Ok(Client { process, code })
    }

    /// How it has ended, if it has.
    pub(crate) fn ended(&self) -> Option<Ended> {
        // First this: what is written when it closes, is written before.
        let is_over = self.process.has_ended();
        let code = fs::read_to_string(&self.code).unwrap_or_default();
        match code.trim().parse() {
            Ok(code) => Some(Ended::Code(code)),
            Err(_) => is_over.then_some(Ended::Killed),
        }
    }

    /// Waits for its end until then.
    pub(crate) fn ends(&self, until: Instant) -> Option<Ended> {
        loop {
            let ended = self.ended();
            if ended.is_some() || Instant::now() >= until {
                return ended;
            }
            thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// Ends it, and all that it has started. Gives back the last lines that it
    /// printed.
    pub(crate) fn stop(self) -> Vec<String> {
        self.process.stop(0)
    }
}

/// The command for this errand.
fn filled_in(command: &str, port: u16, errand: &Errand, file: &Path) -> String {
    let value = |word: &str| match word {
        "port" => Some(port.to_string()),
        "from" => Some(errand.from.clone()),
        "message" => Some(file.to_string_lossy().into_owned()),
        "message-crlf" => Some(with_cr(file).to_string_lossy().into_owned()),
        _ => None,
    };
    braces::filled_in(&for_each(command, &errand.recipients), value)
}

/// A word with `{recipients}` in it is there once for each of them. It ends
/// where a word of the shell does.
fn for_each(command: &str, recipients: &[String]) -> String {
    const RECIPIENTS: &str = "{recipients}";
    let is_end = |c: char| c.is_whitespace() || ";&|()<>".contains(c);
    let words = command.split_inclusive(is_end).map(|word| {
        let (word, end) = match word.char_indices().next_back() {
            Some((place, last)) if is_end(last) => word.split_at(place),
            Some(_) | None => (word, ""),
        };
        let each = recipients.iter().map(|who| word.replace(RECIPIENTS, who));
        match word.contains(RECIPIENTS) {
            true => each.collect::<Vec<_>>().join(" ") + end,
            false => format!("{word}{end}"),
        }
    });
    words.collect()
}

fn with_cr(file: &Path) -> PathBuf {
    file.with_extension("crlf")
}

/// The lines of a text as they are on the wire.
fn in_cr_lf(text: &[u8]) -> Vec<u8> {
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    let lines = lines.map(|line| match line.strip_suffix(b"\n") {
        Some(line) => [line, b"\r\n"].concat(),
        None => line.to_vec(),
    });
    lines.collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATE: Duration = Duration::from_secs(60);

    fn errand() -> Errand {
        Errand {
            from: "alice@client.example".into(),
            recipients: vec!["bob@example.org".into(), "c@example.org".into()],
            message: b"one\ntwo\n".to_vec(),
        }
    }

    #[test]
    fn a_word_with_recipients_is_there_for_each() {
        let table = [
            ("a {recipients};b", "a bob@example.org c@example.org;b"),
            (
                "a --to='{recipients}' {port}",
                "a --to='bob@example.org' --to='c@example.org' 25",
            ),
            (
                "a {from} <{message} {message-crlf} {x} ${HOME}",
                "a alice@client.example </m/x /m/x.crlf {x} ${HOME}",
            ),
        ];
        for (command, wanted) in table {
            let filled = filled_in(command, 25, &errand(), Path::new("/m/x"));
            assert_eq!(filled, wanted);
        }
    }

    #[test]
    fn no_address_is_more_than_a_word_to_a_shell() {
        for address in ["bob@example.org", "a.b+c-d_e=f@x"] {
            assert!(can_be_told(address), "{address}");
        }
        let others = ["", "-x@y", "a b@c", "$(id)@x", "'a'@b", "a;b@c", "*@x"];
        for address in others {
            assert!(!can_be_told(address), "{address}");
        }
    }

    /// How it ended, and what it printed.
    fn run(command: &str) -> (Option<Ended>, Vec<String>) {
        let client = Client::start(command, 25, &errand()).unwrap();
        let ended = client.ends(Instant::now() + LATE);
        (ended, client.stop())
    }

    #[test]
    fn the_exit_code_is_kept_and_what_was_printed_as_well() {
        let (ended, log) = run("cat {message}; exit 3");
        assert_eq!(ended, Some(Ended::Code(3)));
        assert_eq!(log, ["one", "two"]);
        let (ended, log) = run("od -c {message-crlf} >&2; kill -9 $$");
        assert_eq!(ended, Some(Ended::Code(128 + 9)));
        assert!(log.first().unwrap().contains(r"\r  \n"), "{log:?}");
    }

    #[test]
    fn one_that_kills_its_whole_group_has_ended_as_well() {
        assert_eq!(run("kill -9 0").0, Some(Ended::Killed));
    }

    #[test]
    fn one_that_does_not_end_is_ended() {
        let command = "sleep 1000 & sleep 1000";
        let client = Client::start(command, 25, &errand()).unwrap();
        assert_eq!(client.ends(Instant::now()), None);
        let begin = Instant::now();
        client.stop();
        assert!(begin.elapsed() < LATE);
    }
}
