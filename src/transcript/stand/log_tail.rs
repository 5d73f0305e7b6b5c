//! The end of what a server prints. A thread reads it all, so that the server
//! never waits to be read, unless it prints without end.

use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How much is kept, and how many lines of it are shown.
const LOG_BYTES: usize = 16 * 1024;
const LOG_LINES: usize = 12;

/// A server that has printed more than this has to wait: it would keep a
/// processor busy, and make others late.
const ORDINARY_BYTES: u64 = 1024 * 1024;
const PAUSE: Duration = Duration::from_millis(2);

/// How long a log may take to end, once its process was ended. A process that
/// got away may hold the other end for ever.
const LOG_END: Duration = Duration::from_secs(1);

/// What a server prints.
#[derive(Debug)]
pub(super) struct LogTail {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// How many bytes were printed in all.
    count: Arc<AtomicU64>,
    reader: JoinHandle<()>,
}

impl LogTail {
    /// Begins to read.
    pub(super) fn of(stream: impl Read + Send + 'static) -> LogTail {
        let (bytes, count) = (Arc::default(), Arc::default());
        let (kept, counted) = (Arc::clone(&bytes), Arc::clone(&count));
        let reader = thread::spawn(move || keep_end(stream, &kept, &counted));
        LogTail { bytes, count, reader }
    }

    /// How many bytes were printed; it grows with them.
    pub(super) fn count(&self) -> &Arc<AtomicU64> {
        &self.count
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

    /// Whether anything was printed.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.lock().unwrap().is_empty()
    }
}

/// Reads all of the log, and keeps its end.
fn keep_end(mut stream: impl Read, log: &Mutex<Vec<u8>>, printed: &AtomicU64) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        let (bytes, _) = buffer.split_at(length);
        if let Ok(mut log) = log.lock() {
            log.extend(bytes);
            let too_many = log.len().saturating_sub(LOG_BYTES);
            log.drain(..too_many);
        }
        let more = u64::try_from(length).unwrap_or_default();
        let before = printed.fetch_add(more, Ordering::Relaxed);
        if before > ORDINARY_BYTES {
            thread::sleep(PAUSE);
        }
    }
}

fn printable(line: &str) -> String {
    line.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn the_end_of_a_long_log_is_kept() {
        let (log, count) = (Mutex::default(), AtomicU64::default());
        keep_end([b'x'; LOG_BYTES].as_slice(), &log, &count);
        keep_end(b"the end".as_slice(), &log, &count);
        assert_eq!(count.into_inner(), LOG_BYTES as u64 + 7);
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
}
