//! What every server that we start needs: a folder that goes away, and the
//! last lines of what it wrote.
//!
//! Interface:
//!   `Scratch`  a folder of its own
//!   `guarded`  a command that ends with us, however we end
//!   `LogTail`  reads a stream to its end, and keeps the last lines
//!
//! The processes themselves are in `own_server.rs` and `student.rs`.

use std::fs;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{self, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How much of a log is kept, and how many lines of it are shown.
const LOG_BYTES: usize = 16 * 1024;
const LOG_LINES: usize = 12;

/// How long a log may take to end, once its process was ended. A process that
/// left its group may hold the other end for ever.
const LOG_END: Duration = Duration::from_secs(1);

/// Runs a command beside itself. When its input ends, because we say so or
/// because we have ended, it ends the command, removes the folder, and ends
/// its whole group. Of the command's output it holds nothing: that ends with
/// the command.
const GUARD: &str = "folder=$1; shift; \"$@\" < /dev/null & \
    exec > /dev/null 2>&1; read -r end; kill -s KILL $!; wait $!; \
    rm -rf -- \"$folder\"; kill -s KILL 0";

/// A command that starts what is added to it as arguments, under a guard:
/// whoever drops the guard's standard input ends it all.
pub(super) fn guarded(scratch: &Scratch) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", GUARD, "sh"]).arg(&scratch.0);
    command.stdin(Stdio::piped()).process_group(0);
    command
}

/// A folder of its own that goes away.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// `create_dir` fails if the folder exists, so nobody shares one.
    pub(super) fn new() -> io::Result<Scratch> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        loop {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("pillarbox-{}-{number}", process::id());
            let path = std::env::temp_dir().join(name);
            match fs::create_dir(&path) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                result => return result.map(|()| Scratch(path)),
            }
        }
    }

    /// Where the server stores its mail. It is not made here.
    pub(super) fn mail(&self) -> PathBuf {
        self.0.join("mail")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a server writes; a thread reads it, so that the server never waits.
#[derive(Debug)]
pub(super) struct LogTail {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl LogTail {
    /// Begins to read.
    pub(super) fn of(stream: impl Read + Send + 'static) -> LogTail {
        let bytes = Arc::default();
        let kept = Arc::clone(&bytes);
        let reader = thread::spawn(move || keep_end(stream, &kept));
        LogTail { bytes, reader }
    }

    /// The last lines, without control characters. The server must have been
    /// ended before.
    pub(super) fn last_lines(&self) -> Vec<String> {
        let until = Instant::now() + LOG_END;
        while !self.is_all() && Instant::now() < until {
            thread::sleep(Duration::from_millis(2));
        }
        let bytes = self.bytes.lock().map(|log| log.clone());
        let log = bytes.unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let first = lines.len().saturating_sub(LOG_LINES);
        lines.into_iter().skip(first).map(printable).collect()
    }

    /// Whether nobody can write any more.
    pub(super) fn is_all(&self) -> bool {
        self.reader.is_finished()
    }

    #[cfg(test)]
    pub(super) fn has_begun(&self) -> bool {
        !self.bytes.lock().unwrap().is_empty()
    }
}

/// Reads all of the log, and keeps its end.
fn keep_end(mut stream: impl Read, log: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        let (bytes, _) = buffer.split_at(length);
        if let Ok(mut log) = log.lock() {
            log.extend(bytes);
            let too_many = log.len().saturating_sub(LOG_BYTES);
            log.drain(..too_many);
        }
    }
}

fn printable(line: &str) -> String {
    line.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_log_is_kept() {
        let log = Mutex::default();
        keep_end([b'x'; LOG_BYTES].as_slice(), &log);
        keep_end(b"the end".as_slice(), &log);
        let log = log.into_inner().unwrap();
        assert_eq!(log.len(), LOG_BYTES);
        assert!(log.ends_with(b"xthe end"));
    }

    #[test]
    fn the_last_lines_of_a_log_have_no_control_characters() {
        let text = "one\n".repeat(50) + "\x1b[31mtwo\nthree";
        let log = LogTail::of(io::Cursor::new(text.into_bytes()));
        let lines = log.last_lines();
        assert_eq!(lines.len(), LOG_LINES);
        assert_eq!(lines[LOG_LINES - 2..], ["[31mtwo", "three"]);
    }

    #[test]
    fn a_scratch_folder_is_nobody_elses_and_goes_away() {
        let (one, two) = (Scratch::new().unwrap(), Scratch::new().unwrap());
        assert_ne!(one.0, two.0);
        fs::create_dir_all(one.mail().join("example.org")).unwrap();
        let path = one.0.clone();
        drop(one);
        assert!(!path.exists());
    }
}
