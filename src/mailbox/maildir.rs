//! A message into its recipients' Maildirs, so that a power cut after our 250
//! does not lose it (RFC 5321 6.1; the format is D. J. Bernstein's Maildir).
//!
//! A mailbox is three folders. A message is written in `tmp`, and appears in
//! `new` only when it is whole; a mail reader moves it to `cur`.
//!
//! Guarantee: after `Staged::commit` has said `Ok`, the message is in the
//! `new` of every recipient, whole, and stays there after a crash. After an
//! `Err`, or when a `Staged` is dropped, no recipient has it: at the worst a
//! duplicate is left, never a loss.
//!
//! The steps, and what a crash after each of them leaves:
//!
//! ```text
//! create tmp/NAME, write       part of a file in tmp, removed at next start
//! sync the file                the whole file in tmp, removed at next start
//! link to new/NAME, each       the message, perhaps: nobody has promised it
//! remove tmp/NAME              the same
//! sync new/, each              the message, for certain: now say 250
//! ```
//!
//! Interface:
//!   `Maildirs`  all mailboxes below one folder
//!   `Staged`    a message that is being written
//!   `trouble`   which reply a failed delivery gets
//!
//! Not here: which mailboxes exist (`directory.rs`). No network file systems:
//! they report some errors only when a file is closed, and std drops those.

use super::disk::{Claim, Disk, DiskFile};
use crate::protocol::reply::{self, Reply};
use crate::protocol::session::Recipient;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A stranger's file in `tmp` is older than this before we remove it: the
/// Maildir format allows readers no less.
const ABANDONED: Duration = Duration::from_secs(36 * 3600);

/// How often another name is tried when one is taken.
const NAME_TRIES: usize = 10;

const SUBFOLDERS: [&str; 3] = ["tmp", "new", "cur"];

/// All mailboxes below one folder: `ROOT/DOMAIN/LOCAL-PART/{tmp,new,cur}`.
pub struct Maildirs {
    root: PathBuf,
    disk: Box<dyn Disk>,
    names: Names,
    /// The mailboxes whose folders this process has seen on the disk, synced.
    ready: Mutex<BTreeSet<Recipient>>,
    /// While we hold it no other Pillarbox takes our `tmp` for abandoned.
    _claim: Claim,
}

impl Maildirs {
    /// Takes the folder `root` for the mailboxes, and makes it if needed.
    ///
    /// `host` becomes part of the files' names. Fails if the folder cannot be
    /// written, if others could write into it, or if another Pillarbox uses
    /// it.
    pub fn open(
        root: &Path,
        host: &str,
        disk: Box<dyn Disk>,
    ) -> io::Result<Maildirs> {
        let claim = disk.claim(root)?;
        probe(&*disk, &root.join(".probe"))?;
        Ok(Maildirs {
            root: root.to_owned(),
            disk,
            names: Names::new(host),
            ready: Mutex::default(),
            _claim: claim,
        })
    }

    /// The mailboxes that are on the disk already.
    pub fn existing(&self) -> io::Result<Vec<Recipient>> {
        let mut found = Vec::new();
        for domain in self.folders(&self.root)? {
            for local_part in self.folders(&self.root.join(&domain))? {
                let domain = domain.clone();
                found.push(Recipient { domain, local_part });
            }
        }
        Ok(found)
    }

    /// Removes from each `tmp` what a crash has left. `now` is the time.
    ///
    /// Files with our kind of name are ours, and nobody writes them any more:
    /// the lock says so. Other files are removed when they are old.
    pub fn clean(&self, now: SystemTime) -> io::Result<()> {
        for recipient in self.existing()? {
            let tmp = self.folder(&recipient).join("tmp");
            if !self.disk.is_directory(&tmp) {
                continue;
            }
            for name in self.disk.names(&tmp)? {
                let path = tmp.join(&name);
                let is_ours = is_our_name(&name.to_string_lossy());
                if is_ours || self.is_abandoned(&path, now) {
                    log::info!("removing left-over {}", path.display());
                    self.disk.remove_file(&path)?;
                }
            }
        }
        Ok(())
    }

    /// Makes the folders of a mailbox, where they are missing, for good.
    ///
    /// One mailbox at a time: a second session that finds the folders must
    /// not count on them before the first has synced them.
    pub fn make(&self, recipient: &Recipient) -> io::Result<()> {
        let domain = self.root.join(&recipient.domain);
        let mailbox = self.folder(recipient);
        let [tmp, new, cur] = SUBFOLDERS.map(|name| mailbox.join(name));
        let folders = [&domain, &mailbox, &tmp, &new, &cur];
        let is_whole = folders.iter().all(|f| self.disk.is_directory(f));
        let mut ready =
            self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if is_whole && ready.contains(recipient) {
            return Ok(());
        }
        for folder in folders {
            if !self.disk.is_directory(folder) {
                self.disk.create_directory(folder)?;
            }
        }
        // Also if they were there: who made them may have died before this.
        for folder in folders.into_iter().chain([&self.root]) {
            self.disk.sync_directory(folder)?;
        }
        ready.insert(recipient.clone());
        Ok(())
    }

    /// Opens a message for these mailboxes, in the `tmp` of the first.
    /// `now` becomes part of its name.
    pub fn stage(
        &self,
        recipients: &[Recipient],
        now: SystemTime,
    ) -> io::Result<Staged<'_>> {
        let first = recipients.first().ok_or(ErrorKind::InvalidInput)?;
        for recipient in recipients {
            self.make(recipient)?;
        }
        let tmp = self.folder(first).join("tmp");
        for _ in 0..NAME_TRIES {
            let id = self.names.delivery_id(now);
            let name = self.names.file_name(now, &id);
            let path = tmp.join(&name);
            match self.disk.create_file(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(file) => {
                    let file = BufWriter::new(file);
                    let boxes =
                        recipients.iter().map(|r| self.folder(r)).collect();
                    let disk = &*self.disk;
                    let is_in_tmp = true;
                    return Ok(Staged {
                        disk,
                        id,
                        name,
                        path,
                        file,
                        boxes,
                        is_in_tmp,
                    });
                }
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    fn folder(&self, recipient: &Recipient) -> PathBuf {
        self.root
            .join(&recipient.domain)
            .join(&recipient.local_part)
    }

    /// The sub-folders of `folder`, but for hidden ones.
    fn folders(&self, folder: &Path) -> io::Result<Vec<String>> {
        let names = self.disk.names(folder)?;
        let text = names.into_iter().filter_map(|name| name.into_string().ok());
        let is_folder = |name: &String| {
            !name.starts_with('.') && self.disk.is_directory(&folder.join(name))
        };
        Ok(text.filter(is_folder).collect())
    }

    fn is_abandoned(&self, path: &Path, now: SystemTime) -> bool {
        let age = self.disk.modified(path).map(|t| now.duration_since(t));
        matches!(age, Ok(Ok(age)) if age > ABANDONED)
    }
}

/// A message that is being written. Dropped before its `commit`, it leaves
/// nothing behind.
pub struct Staged<'a> {
    disk: &'a dyn Disk,
    id: String,
    name: String,
    path: PathBuf,
    file: BufWriter<Box<dyn DiskFile>>,
    boxes: Vec<PathBuf>,
    is_in_tmp: bool,
}

impl Staged<'_> {
    /// What makes the file's name unique: one word, fit for a `Received`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Adds to the message. Lines end in LF, as in any file here.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Makes the message durable in every mailbox, and gives the file's name.
    pub fn commit(mut self) -> io::Result<String> {
        self.file.flush()?;
        self.file.get_ref().sync()?;
        let mut done = Vec::new();
        let outcome = self.publish(&mut done);
        if let Err(error) = outcome {
            self.withdraw(&done);
            return Err(error);
        }
        Ok(mem::take(&mut self.name))
    }

    /// Links the file into every `new` and syncs these. In `done` stand the
    /// links that were made, also after an error.
    fn publish(&mut self, done: &mut Vec<PathBuf>) -> io::Result<()> {
        for folder in &self.boxes {
            let target = folder.join("new").join(&self.name);
            match self.disk.link(&self.path, &target) {
                Err(error) if needs_a_copy(&error) => {
                    self.copy(folder, &target)?;
                }
                outcome => outcome?,
            }
            done.push(target);
        }
        self.leave_tmp();
        for folder in &self.boxes {
            self.disk.sync_directory(&folder.join("new"))?;
        }
        Ok(())
    }

    /// Instead of a link: a copy, by way of that mailbox's own `tmp`.
    fn copy(&self, folder: &Path, target: &Path) -> io::Result<()> {
        let copy = folder.join("tmp").join(format!("{}.copy", self.name));
        let outcome = self
            .disk
            .copy_file(&self.path, &copy)
            .and_then(|()| self.disk.rename(&copy, target));
        if outcome.is_err() {
            self.remove(&copy);
        }
        outcome
    }

    fn withdraw(&self, links: &[PathBuf]) {
        for link in links {
            self.remove(link);
        }
    }

    fn leave_tmp(&mut self) {
        if self.is_in_tmp {
            self.is_in_tmp = false;
            self.remove(&self.path);
        }
    }

    /// A name that stays is removed at the next start, so no error is made
    /// of it.
    fn remove(&self, path: &Path) {
        if let Err(error) = self.disk.remove_file(path) {
            log::warn!("cannot remove {}: {error}", path.display());
        }
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        self.leave_tmp();
    }
}

/// The reply to a message that could not be stored: always temporary. No mail
/// may bounce because of our own trouble (RFC 5321 4.2.3).
pub fn trouble(error: &io::Error) -> Reply {
    let known = [
        (ErrorKind::StorageFull, reply::NO_SPACE),
        (ErrorKind::QuotaExceeded, reply::MAILBOX_FULL),
    ];
    let found = known.iter().find(|(kind, _)| *kind == error.kind());
    found.map_or(reply::LOCAL_ERROR, |(_, reply)| *reply)
}

/// Gives files names that no other file has, in this run or another.
struct Names {
    host: String,
    /// Tells this run from all others, also in a container where every
    /// process has the number 1.
    run: String,
    count: AtomicU64,
}

impl Names {
    fn new(host: &str) -> Names {
        Names {
            host: host.replace('/', "\\057").replace(':', "\\072"),
            run: format!("{:016x}", RandomState::new().hash_one(0)),
            count: AtomicU64::new(0),
        }
    }

    /// Microseconds, process, count in this process, run.
    fn delivery_id(&self, now: SystemTime) -> String {
        let micros = since_1970(now).subsec_micros();
        let process = std::process::id();
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        format!("M{micros}P{process}Q{count}R{}", self.run)
    }

    fn file_name(&self, now: SystemTime, id: &str) -> String {
        format!("{}.{id}.{}", since_1970(now).as_secs(), self.host)
    }
}

/// Whether a file's name is of the kind that `Names` gives.
fn is_our_name(name: &str) -> bool {
    let mut parts = name.split('.');
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let has_time = parts.next().is_some_and(is_number);
    let Some(id) = parts.next() else { return false };
    let marks: String = id.chars().filter(char::is_ascii_uppercase).collect();
    has_time && marks == "MPQR"
}

/// A clock that stands before 1970 counts as 1970.
fn since_1970(now: SystemTime) -> Duration {
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Some file systems have no second names, and no name reaches over to
/// another file system.
fn needs_a_copy(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::CrossesDevices
            | ErrorKind::PermissionDenied
            | ErrorKind::TooManyLinks
            | ErrorKind::Unsupported
    )
}

/// Finds out at the start, and not at the first message, that the folder
/// cannot be written.
fn probe(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    // A crash may have left it.
    let _ = disk.remove_file(path);
    disk.create_file(path)?.sync()?;
    disk.remove_file(path)
}
