//! A folder of mailboxes on a disk that writes down each call, and fails at
//! the one that it is told to.

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

use super::disk::{FakeDisk, Play};
use pillarbox::disk::Disk;
use pillarbox::mailbox::maildir::Maildirs;
use pillarbox::protocol::session::LocalMailbox;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;
use tempfile::TempDir;

pub const TEXT: &[u8] = b"Subject: hi\n\nHello.\n";

/// The calls so far, and which one fails.
#[derive(Default)]
pub struct Log {
    pub calls: Vec<String>,
    pub fails_at: Option<(usize, ErrorKind)>,
    /// Fails every call of this name.
    pub fails_always: Option<(&'static str, ErrorKind)>,
}

pub type SharedLog = Arc<Mutex<Log>>;

/// A disk that writes its calls down, and fails where it is told to.
pub fn faulty_disk(log: SharedLog) -> FakeDisk {
    FakeDisk::new(move |call, path| {
        // What changes nothing is not counted.
        if ["claim", "look", "names"].contains(&call) {
            return Play::Real;
        }
        let mut log = log.lock().unwrap();
        log.calls.push(format!("{call} {}", place(call, path)));
        let now = log.calls.len();
        match (log.fails_always, log.fails_at) {
            (Some((which, kind)), _) if which == call => Play::Fail(kind),
            (_, Some((at, kind))) if at == now => Play::Fail(kind),
            _ => Play::Real,
        }
    })
}

/// A message by its folder, all else by its name.
pub fn place(call: &str, path: &Path) -> String {
    if ["write", "sync"].contains(&call) {
        return "file".to_owned();
    }
    let is_message = path.to_string_lossy().contains(".M");
    let place = if is_message { path.parent().unwrap() } else { path };
    let place = place.file_name().unwrap();
    place.to_string_lossy().into_owned()
}

/// A folder of mailboxes on a disk that can fail.
pub struct Post {
    pub folder: TempDir,
    pub log: SharedLog,
    pub maildirs: Maildirs,
}

pub fn post() -> Post {
    post_in(TempDir::new().unwrap())
}

pub fn post_in(folder: TempDir) -> Post {
    let log = SharedLog::default();
    let disk = Box::new(faulty_disk(Arc::clone(&log)));
    let root = folder.path().join("mail");
    let maildirs = open(&root, disk).unwrap();
    Post { folder, log, maildirs }
}

pub fn open(root: &Path, disk: Box<dyn Disk>) -> io::Result<Maildirs> {
    Maildirs::open(root, "mx.example.org", disk, SystemTime::now())
}

pub fn mailbox(name: &str) -> LocalMailbox {
    LocalMailbox { domain: "example.org".into(), local_part: name.into() }
}

pub fn two() -> Vec<LocalMailbox> {
    vec![mailbox("bob"), mailbox("carol")]
}

impl Post {
    /// Ends the process, as it were, and starts it again.
    pub fn restart(self) -> Post {
        drop(self.maildirs);
        post_in(self.folder)
    }

    pub fn deliver(&self, mailboxes: &[LocalMailbox]) -> io::Result<String> {
        let now = SystemTime::now();
        let mut staged = self.maildirs.stage(mailboxes, now)?;
        staged.write(TEXT)?;
        staged.commit()
    }

    /// The same, failing at call `at`; then the disk is well again.
    pub fn deliver_failing(
        &self,
        at: usize,
        kind: ErrorKind,
    ) -> io::Result<()> {
        let mut log = self.log.lock().unwrap();
        log.calls.clear();
        log.fails_at = Some((at, kind));
        drop(log);
        let outcome = self.deliver(&two()).map(|_| ());
        self.log.lock().unwrap().fails_at = None;
        outcome
    }

    /// The calls of a delivery to mailboxes that are there and synced.
    pub fn calls_of_a_usual_delivery(
        &self,
        mailboxes: &[LocalMailbox],
    ) -> Vec<String> {
        // The first one makes the folders and syncs them.
        self.deliver(mailboxes).unwrap();
        self.forget_calls();
        self.deliver(mailboxes).unwrap();
        self.calls()
    }

    pub fn forget_calls(&self) {
        self.log.lock().unwrap().calls.clear();
    }

    /// A place in the mail folder.
    pub fn at(&self, place: &str) -> PathBuf {
        self.folder.path().join("mail").join(place)
    }

    /// A mailbox that somebody else has made.
    pub fn make_by_hand(&self, name: &str) {
        for folder in ["tmp", "new", "cur"] {
            let path = self.at("example.org").join(name).join(folder);
            fs::create_dir_all(path).unwrap();
        }
    }

    pub fn calls(&self) -> Vec<String> {
        self.log.lock().unwrap().calls.clone()
    }

    pub fn files(&self, name: &str, place: &str) -> Vec<Vec<u8>> {
        let mailbox = self.at("example.org").join(name);
        let Ok(found) = fs::read_dir(mailbox.join(place)) else {
            return Vec::new();
        };
        found.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
    }

    /// All that is in the mail folder, without what is hidden.
    pub fn mailboxes(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut left = vec![self.folder.path().join("mail")];
        while let Some(folder) = left.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let is_hidden = path.iter().any(|part| {
                    [".tmp", ".lock"].iter().any(|hidden| *hidden == part)
                });
                if path.is_dir() && !is_hidden {
                    left.push(path.clone());
                    found.push(path.display().to_string());
                }
            }
        }
        found.sort();
        found
    }

    pub fn count(&self, place: &str) -> usize {
        self.everyone(place).iter().map(Vec::len).sum()
    }

    pub fn everyone(&self, place: &str) -> Vec<Vec<Vec<u8>>> {
        ["bob", "carol"].map(|name| self.files(name, place)).to_vec()
    }
}
