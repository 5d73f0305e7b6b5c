//! Standard error, for which no session waits.
//!
//! The log and the live dialogue are for people, and people stop reading: they
//! press Ctrl-S, or leave a pager open. Then the pipe is full, and a thread that
//! writes to it stands still, and with it the client that it serves. So whatever
//! is for standard error goes through a channel with room for some lines, and
//! one thread writes them. What does not fit is dropped and counted: of the two
//! promises, that the mail goes on and that each line of the log is read, only
//! the first is worth a client's time.
//!
//! Interface:
//!   `Console`          takes lines; `flush_for` waits until they are written
//!   `is_the_dialogue`  whether standard error leads to the client

use crate::words::no_thread;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// How many lines may wait to be written.
const ROOM: usize = 1024;

/// How often `flush_for` looks.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Takes what is for standard error, and does not wait.
#[derive(Debug, Clone)]
pub struct Console {
    lines: SyncSender<Vec<u8>>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Taken, and not written yet.
    waiting: AtomicUsize,
    /// Not taken, and not told yet.
    dropped: AtomicUsize,
}

impl Console {
    /// Starts the thread that writes to standard error.
    pub fn start() -> io::Result<Console> {
        Console::over(io::stderr())
    }

    /// The same, for any place that may be slow.
    fn over(place: impl Write + Send + 'static) -> io::Result<Console> {
        let (lines, waiting) = sync_channel(ROOM);
        let counts = Arc::<Counts>::default();
        let shared = Arc::clone(&counts);
        thread::Builder::new()
            .name("console".to_owned())
            .spawn(move || write_all(&waiting, &shared, place))
            .map_err(no_thread)?;
        Ok(Console { lines, counts })
    }

    /// Waits until everything is written, but not for longer than this: at the
    /// end of the process.
    pub fn flush_for(&self, patience: Duration) {
        let end = Instant::now() + patience;
        while self.counts.waiting.load(Ordering::SeqCst) > 0
            && Instant::now() < end
        {
            thread::sleep(LOOK_AGAIN);
        }
    }
}

/// Each write is a whole line, or the lines that belong together.
impl Write for Console {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.counts.waiting.fetch_add(1, Ordering::SeqCst);
        if self.lines.try_send(line.to_vec()).is_err() {
            self.counts.waiting.fetch_sub(1, Ordering::SeqCst);
            self.counts.dropped.fetch_add(1, Ordering::SeqCst);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes what comes, and tells how much did not.
fn write_all(
    lines: &Receiver<Vec<u8>>,
    counts: &Counts,
    mut place: impl Write,
) {
    for mut line in lines {
        let dropped = counts.dropped.swap(0, Ordering::SeqCst);
        if dropped > 0 {
            let word = format!(
                "pillarbox: {dropped} messages to standard error were dropped: \
                 nobody read them in time\n"
            );
            line.splice(..0, word.into_bytes());
        }
        // If nobody reads it, the mail goes on all the same.
        let _ = place.write_all(&line).and_then(|()| place.flush());
        counts.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Whether standard error is the very socket or pipe over which a session
/// speaks on standard input and output. A super-server (inetd) starts programs
/// so. What is logged there would be read by the client.
pub fn is_the_dialogue() -> bool {
    let [input, output, errors] = [
        same_file(io::stdin().as_fd()),
        same_file(io::stdout().as_fd()),
        same_file(io::stderr().as_fd()),
    ];
    errors.is_some() && (errors == input || errors == output)
}

/// Device and inode, if it is a socket or a pipe.
fn same_file(descriptor: BorrowedFd<'_>) -> Option<(u64, u64)> {
    let file = File::from(descriptor.try_clone_to_owned().ok()?);
    let found = file.metadata().ok()?;
    let kind = found.file_type();
    let carries_a_dialogue = kind.is_socket() || kind.is_fifo();
    carries_a_dialogue.then(|| (found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{PipeReader, Read, pipe};

    /// A console whose reader has not begun to read.
    fn stuck() -> (Console, PipeReader) {
        let (reader, writer) = pipe().unwrap();
        (Console::over(writer).unwrap(), reader)
    }

    #[test]
    fn what_nobody_reads_is_dropped_and_counted_and_nobody_waits() {
        let (mut console, mut reader) = stuck();
        // More than the channel and any pipe can hold.
        let line = [b'x'; 4096].as_slice();
        for _ in 0..2 * ROOM {
            console.write_all(line).unwrap();
        }
        let dropped = console.counts.dropped.load(Ordering::SeqCst);
        assert!(dropped > 0);
        // When the reader comes back it is told.
        let reading = thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            text
        });
        console.flush_for(Duration::from_secs(60));
        console.write_all(b"the end\n").unwrap();
        console.flush_for(Duration::from_secs(60));
        drop(console);
        let text = reading.join().unwrap();
        assert!(text.contains("messages to standard error were dropped"));
        assert!(text.ends_with("the end\n"));
    }

    #[test]
    fn a_flush_ends_although_nobody_reads() {
        let (mut console, _reader) = stuck();
        for _ in 0..ROOM {
            console.write_all(&[b'x'; 4096]).unwrap();
        }
        console.flush_for(Duration::from_millis(20));
        assert!(console.counts.waiting.load(Ordering::SeqCst) > 0);
    }
}
