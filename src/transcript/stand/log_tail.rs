//! The end of what a server prints. A thread reads it all, so that the server
//! never waits to be read, unless it prints without end.

use std::io::{self, Read};
use std::sync::{Arc, Mutex};
use std::thread::{self, Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::words::no_thread;

/// How much is kept, how many lines of it are shown, and how much of each.
const LOG_BYTES: usize = 16 * 1024;
const LOG_LINES: usize = 12;
const LINE_LENGTH: usize = 500;

/// A server that has printed more than this has to wait: it would keep a
/// processor busy, and make others late.
const ORDINARY_BYTES: usize = 1024 * 1024;
const PAUSE: Duration = Duration::from_millis(2);

/// How long a log may take to end, once its process was ended. A process that
/// got away may hold the other end for ever.
const LOG_END: Duration = Duration::from_secs(1);

/// The end of it, and how much it was in all.
#[derive(Debug, Default)]
struct Kept {
    end: Vec<u8>,
    count: usize,
}

/// What a server prints.
#[derive(Debug)]
pub(super) struct LogTail {
    kept: Arc<Mutex<Kept>>,
    reader: JoinHandle<()>,
}

impl LogTail {
    /// Begins to read.
    pub(super) fn of(
        stream: impl Read + Send + 'static,
    ) -> io::Result<LogTail> {
        let kept = Arc::default();
        let ours = Arc::clone(&kept);
        let read = move || keep_end(stream, &ours);
        let reader = Builder::new().spawn(read).map_err(no_thread)?;
        Ok(LogTail { kept, reader })
    }

    /// The same number as `count`, for another thread.
    pub(super) fn counter(&self) -> impl Fn() -> usize + Send + 'static {
        let kept = Arc::clone(&self.kept);
        move || kept.lock().map(|kept| kept.count).unwrap_or_default()
    }

    /// How many bytes have been printed so far.
    pub(super) fn count(&self) -> usize {
        self.kept.lock().map(|kept| kept.count).unwrap_or_default()
    }

    /// The last lines of what came after the first `from` bytes, without
    /// control characters. The server must have been ended before.
    pub(super) fn last_lines(&self, from: usize) -> Vec<String> {
        let until = Instant::now() + LOG_END;
        while !self.is_all() && Instant::now() < until {
            thread::sleep(Duration::from_millis(2));
        }
        let Ok(kept) = self.kept.lock() else {
            return Vec::new();
        };
        let wanted = kept.count.saturating_sub(from).min(kept.end.len());
        let (_, log) = kept.end.split_at(kept.end.len() - wanted);
        let log = String::from_utf8_lossy(log);
        let lines: Vec<&str> = log.lines().collect();
        let first = lines.len().saturating_sub(LOG_LINES);
        lines.into_iter().skip(first).map(printable).collect()
    }

    /// Whether nobody can write any more.
    pub(super) fn is_all(&self) -> bool {
        self.reader.is_finished()
    }

    /// Whether anything was printed.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.count() == 0
    }
}

/// Reads all of the log, and keeps its end.
fn keep_end(mut stream: impl Read, kept: &Mutex<Kept>) {
    let mut buffer = [0; 4096];
    let mut count = 0;
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        let (bytes, _) = buffer.split_at(length);
        count += length;
        if let Ok(mut kept) = kept.lock() {
            kept.end.extend(bytes);
            let too_many = kept.end.len().saturating_sub(LOG_BYTES);
            kept.end.drain(..too_many);
            kept.count = count;
        }
        if count > ORDINARY_BYTES {
            thread::sleep(PAUSE);
        }
    }
}

fn printable(line: &str) -> String {
    let visible = line.chars().filter(|c| !c.is_control());
    visible.take(LINE_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_log_is_kept() {
        let log = Mutex::default();
        keep_end([b'x'; LOG_BYTES].as_slice(), &log);
        keep_end(b"the end".as_slice(), &log);
        let kept = log.into_inner().unwrap();
        assert_eq!(kept.end.len(), LOG_BYTES);
        assert!(kept.end.ends_with(b"xthe end"));
    }

    #[test]
    fn the_last_lines_of_a_log_have_no_control_characters() {
        let text = "one\n".repeat(50) + "\x1b[31mtwo\nthree";
        let log = LogTail::of(io::Cursor::new(text.into_bytes())).unwrap();
        let lines = log.last_lines(0);
        assert_eq!(lines.len(), LOG_LINES);
        assert_eq!(lines[LOG_LINES - 2..], ["[31mtwo", "three"]);
        assert_eq!(log.last_lines(log.count() - 5), ["three"]);
        assert!(log.last_lines(log.count()).is_empty());
    }
}
