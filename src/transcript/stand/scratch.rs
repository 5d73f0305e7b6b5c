//! A folder for one process, with its mail. It goes away with the process.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

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

    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        &self.0
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

#[cfg(test)]
mod tests {
    use super::*;

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
