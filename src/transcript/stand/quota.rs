//! How much a server may write: what is more than that ends it.
//!
//! A loop that a student has forgotten to leave fills a disk in a minute. So a
//! thread looks at the server's own folder, and at how much it has printed, as
//! long as it runs. Beside it the system keeps each file small (`ulimit -f` in
//! `student.rs`), wherever it is. What a server writes into many files
//! somewhere else is seen by nobody: that is for a sandbox to forbid.
//!
//! Interface:
//!   `Quota`  watches one server, until it is dropped

use std::fs;
use std::io;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::Builder;
use std::time::Duration;

use crate::words::no_thread;

/// Most servers have ended before the first look.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// The watch over one server.
#[derive(Debug)]
pub(super) struct Quota {
    /// Why the server was ended, if it was.
    broken: Arc<OnceLock<String>>,
    /// The thread ends when this does.
    _running: Sender<()>,
}

impl Quota {
    /// Begins to watch. `end` is called once, if there is more than `most`.
    pub(super) fn watch(
        folder: &Path,
        printed: impl Fn() -> usize + Send + 'static,
        most: u64,
        end: impl FnOnce() + Send + 'static,
    ) -> io::Result<Quota> {
        let (running, is_over) = channel();
        let broken = Arc::new(OnceLock::new());
        let told = Arc::clone(&broken);
        let folder = folder.to_owned();
        let look = move || {
            let next = || is_over.recv_timeout(BETWEEN_LOOKS);
            while let Err(RecvTimeoutError::Timeout) = next() {
                let printed = u64::try_from(printed()).unwrap_or(u64::MAX);
                let written = size(&folder).saturating_add(printed);
                if written > most {
                    let _ = told.set(format!(
                        "(ended: it has written more than {most} bytes)"
                    ));
                    end();
                    return;
                }
            }
        };
        Builder::new().spawn(look).map_err(no_thread)?;
        Ok(Quota { broken, _running: running })
    }

    /// Why it was ended, if it was.
    pub(super) fn broken(&self) -> Option<String> {
        self.broken.get().cloned()
    }
}

/// The bytes of all files under a folder. Links are not followed; what goes
/// away while we look is nothing.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => size(&entry.path()),
        Ok(_) | Err(_) => entry.metadata().map_or(0, |found| found.len()),
    });
    sizes.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Instant;

    fn wait_until(is_so: impl Fn() -> bool) {
        let begin = Instant::now();
        while !is_so() {
            assert!(begin.elapsed() < Duration::from_secs(60));
            thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn what_is_printed_and_what_is_stored_count_together() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("mail/new");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("1"), [0; 60]).unwrap();
        let printed = Arc::new(AtomicUsize::new(30));
        let counted = Arc::clone(&printed);
        let printing = move || counted.load(Ordering::Relaxed);
        let quota = Quota::watch(folder.path(), printing, 90, || ()).unwrap();
        assert_eq!(quota.broken(), None);
        printed.store(31, Ordering::Relaxed);
        wait_until(|| quota.broken().is_some());
        assert!(quota.broken().unwrap().contains("more than 90 bytes"));
    }
}
