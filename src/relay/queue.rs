//! The queue: mail that waits to be sent, so that a power cut after our 250
//! does not lose it (RFC 5321 4.5.4 and 6.1).
//!
//! An entry is two files. `ID.mail` is the message as it will be sent, written
//! once. `ID.entry` is a small text (`entry.rs`): for whom, since when, how
//! often. It is never changed, only replaced as a whole.
//!
// ANCHOR: states
//! The states of an entry, and what a crash in each of them leaves:
//!
//! ```text
//! state             files              a crash leaves
//! being written     ID.mail            rubbish, removed at the next start:
//!   fsync of it                        nobody was promised anything
//! being linked      N.draft, then      rubbish or an entry. That it may be
//!   fsync, link,    also ID.entry      sent does no harm; without ID.mail it
//!   fsync the folder                   is set aside
//! waiting, tried    ID.mail, ID.entry  the entry: now we have said 250
//! being updated     also N.draft       the old entry, or the new one: at worst
//!   fsync, rename,                     mail is sent twice (RFC 1047)
//!   fsync the folder
//! being taken out   ID.mail            rubbish: it is done
//!   fsync the folder
//! ```
// ANCHOR_END: states
//!
//! So the entry's name is the promise: it comes after the content, and it goes
//! before it.
//!
//! Interface:
//!   `Queue`       the folder; `open`, `create`, `replace`, `take_out`, `bury`
//!   `QueueDraft`  a message that is being written
//!   `read_entry`, `entry_ids`, `open_content`
//!                 what anybody may see, also beside a running server
//!
//! Beside the entries there are the folders `dead` (bounces that could not be
//! delivered), `damaged` (what could not be read) and `marks` (`marks.rs`).
//! What the start does with what it finds is in `stock.rs`.

use super::entry::{Entry, Fate, TextNeeds, is_id};
use super::unsaved::Unsaved;
use crate::disk::{Claim, Disk, Draft, Names, shown};
use crate::protocol::outgoing::OutgoingText;
use crate::words::because;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, SystemTime};

/// The queue holds this many entries, except bounces.
pub const ENTRY_LIMIT: usize = 10_000;

/// `dead` holds this many.
pub const DEAD_LIMIT: usize = 1_000;

/// How long we try to get a queue that another program has locked.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

pub(super) const CONTENT: &str = "mail";
pub(super) const ENTRY: &str = "entry";
pub(super) const DRAFT: &str = "draft";
const DEAD: &str = "dead";
const DAMAGED: &str = "damaged";

/// The folder of the queue, which no other program uses at the same time.
pub struct Queue {
    pub(super) folder: PathBuf,
    pub(super) disk: Box<dyn Disk>,
    /// None: it is closed, and nothing is changed any more.
    claim: RwLock<Option<Box<dyn Claim>>>,
    /// What the disk has not taken yet.
    unsaved: Mutex<Unsaved>,
    drafts: Names,
}

impl Queue {
    /// Takes the folder, and makes it if needed. Fails if another program uses
    /// it, or if it cannot be written.
    pub fn open(folder: &Path, disk: Box<dyn Disk>) -> io::Result<Queue> {
        let claim = disk.claim(folder, LOCK_PATIENCE)?;
        if !claim.is_alone() {
            let text = format!("{} is used by another program", shown(folder));
            return Err(io::Error::new(ErrorKind::WouldBlock, text));
        }
        let queue = Queue {
            folder: folder.to_owned(),
            disk,
            claim: RwLock::new(Some(claim)),
            unsaved: Mutex::default(),
            drafts: Names::new(""),
        };
        for name in [DEAD, DAMAGED] {
            queue.make_folder(name)?;
        }
        queue.try_out()?;
        Ok(queue)
    }

    fn make_folder(&self, name: &str) -> io::Result<()> {
        let path = self.folder.join(name);
        match self.disk.is_folder(&path) {
            true => Ok(()),
            false => self.disk.create_folder(&path),
        }
    }

    /// Trouble that a message would meet is met here first.
    fn try_out(&self) -> io::Result<()> {
        let (one, two) = (self.draft_path(), self.draft_path());
        let draft = Draft::create(&*self.disk, &one)?.sync()?;
        draft.link(&two)?;
        self.disk.remove_file(&two)?;
        draft.remove()
    }

    /// Ends all work on the folder, and leaves it to others. Whatever is being
    /// done to it is done to its end.
    pub fn close(&self) {
        self.save();
        let claim = self.claim.write();
        *claim.unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Perhaps the disk is well again.
    fn save(&self) {
        let ids = self.unsaved().ids();
        for id in ids {
            let saved = self.entry(&id).and_then(|entry| {
                entry.map_or(Ok(()), |entry| self.replace(&entry))
            });
            if let Err(error) = saved {
                log::error!("the last results of {id} are lost: {error}");
            }
        }
    }

    /// Nothing is changed without this.
    fn at_work(&self) -> io::Result<AtWork<'_>> {
        let claim = self.claim.read().unwrap_or_else(PoisonError::into_inner);
        let complaint = match claim.as_ref().map(|claim| claim.is_intact()) {
            Some(true) => return Ok(claim),
            Some(false) => "has been removed or replaced: start again",
            None => "is closed",
        };
        let text = format!("queue {} {complaint}", shown(&self.folder));
        Err(io::Error::other(text))
    }

    /// Begins a message. `entry` has no `text` yet: that is found out here.
    /// Fails with `AlreadyExists` if there is an entry of that name.
    pub fn create(&self, entry: Entry) -> io::Result<QueueDraft<'_>> {
        drop(self.at_work()?);
        let path = self.path(&entry.id, CONTENT);
        let draft = Draft::create(&*self.disk, &path)?;
        let (text, scratch) = (OutgoingText::default(), Vec::new());
        Ok(QueueDraft { queue: self, entry, draft, text, scratch })
    }

    /// An entry, as far as it is known; none if somebody has taken it out.
    pub fn entry(&self, id: &str) -> io::Result<Option<Entry>> {
        if let Some(entry) = self.unsaved().entry(id) {
            return Ok(Some(entry));
        }
        let found = read_entry(&*self.disk, &self.folder, id)?;
        let Some(mut entry) = found else { return Ok(None) };
        self.unsaved().complete(&mut entry);
        Ok(Some(entry))
    }

    /// Keeps results whose entry cannot be read just now: `entry` has them as
    /// soon as it can.
    pub fn keep_results(&self, id: &str, results: &[Fate]) {
        self.unsaved().keep_results(id, results);
    }

    /// The message of an entry, from its beginning.
    pub fn content(&self, id: &str) -> io::Result<Box<dyn Read>> {
        open_content(&*self.disk, &self.folder, id)
    }

    /// Puts a newer version of an entry in the place of the old one. After an
    /// error it counts all the same, as long as this process runs.
    pub fn replace(&self, entry: &Entry) -> io::Result<()> {
        let written = self.at_work().and_then(|_at_work| {
            let draft = self.written(entry)?.sync()?;
            draft.rename(&self.path(&entry.id, ENTRY))?;
            self.disk.sync_folder(&self.folder)
        });
        match &written {
            Ok(()) => self.unsaved().forget(&entry.id),
            Err(_) => self.unsaved().keep(entry),
        }
        written
    }

    // ANCHOR: take_out
    /// Takes an entry out: it is done. The promise goes first; a content that
    /// stays is rubbish at the next start.
    pub fn take_out(&self, id: &str) -> io::Result<()> {
        let _at_work = self.at_work()?;
        self.remove(id, ENTRY)?;
        self.unsaved().forget(id);
        self.disk.sync_folder(&self.folder)?;
        if let Err(error) = self.remove(id, CONTENT) {
            log::warn!("left over: {error}");
        }
        Ok(())
    }
    // ANCHOR_END: take_out

    /// Removes a file. If it is not there, that is as good.
    fn remove(&self, id: &str, kind: &str) -> io::Result<()> {
        match self.disk.remove_file(&self.path(id, kind)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Moves an entry that nobody may be told of to `dead`. If that is full it
    /// is taken out, and the answer is no.
    pub fn bury(&self, entry: &Entry) -> io::Result<bool> {
        self.replace(entry)?;
        let dead = self.folder.join(DEAD);
        if entry_ids(&*self.disk, &dead)?.len() >= DEAD_LIMIT {
            return self.take_out(&entry.id).map(|()| false);
        }
        self.move_to(DEAD, &entry.id)?;
        Ok(true)
    }

    /// Sets an entry aside that cannot be read, or has lost its content. If a
    /// crash came while it was being buried, it follows its content.
    pub fn set_aside(&self, id: &str) -> io::Result<()> {
        let buried = self.folder.join(DEAD).join(format!("{id}.{CONTENT}"));
        let is_buried = self.disk.look(&buried).is_ok();
        self.move_to(if is_buried { DEAD } else { DAMAGED }, id)
    }

    /// Moves what there is of an entry. The content goes first, and for good:
    /// a content without an entry would be rubbish at the next start.
    fn move_to(&self, name: &str, id: &str) -> io::Result<()> {
        let _at_work = self.at_work()?;
        let folder = self.folder.join(name);
        for kind in [CONTENT, ENTRY] {
            let file = format!("{id}.{kind}");
            let (from, to) = (self.folder.join(&file), folder.join(&file));
            match self.disk.rename(&from, &to) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                moved => moved?,
            }
            self.disk.sync_folder(&folder)?;
            self.disk.sync_folder(&self.folder)?;
        }
        self.unsaved().forget(id);
        Ok(())
    }

    /// Writes an entry under a passing name.
    fn written(&self, entry: &Entry) -> io::Result<Draft<'_>> {
        let mut draft = Draft::create(&*self.disk, &self.draft_path())?;
        draft.write_all(entry.written().as_bytes())?;
        Ok(draft)
    }

    fn draft_path(&self) -> PathBuf {
        self.path(&self.drafts.next(SystemTime::now()).id, DRAFT)
    }

    fn path(&self, id: &str, kind: &str) -> PathBuf {
        self.folder.join(format!("{id}.{kind}"))
    }

    fn unsaved(&self) -> MutexGuard<'_, Unsaved> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type AtWork<'a> = RwLockReadGuard<'a, Option<Box<dyn Claim>>>;

/// A message that is being written. Dropped before its `commit`, it leaves
/// nothing.
pub struct QueueDraft<'a> {
    queue: &'a Queue,
    entry: Entry,
    draft: Draft<'a>,
    /// Finds out what the text needs.
    text: OutgoingText,
    scratch: Vec<u8>,
}

impl QueueDraft<'_> {
    /// What it will be called.
    pub fn id(&self) -> &str {
        &self.entry.id
    }

    /// Adds to the message. Lines end in LF, as in any file here.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.scratch.clear();
        let taken = self.text.take(bytes, &mut self.scratch);
        taken.map_err(io::Error::other)?;
        self.draft.write_all(bytes)
    }

    // ANCHOR: commit
    /// Makes the message durable: the content, then the entry. With `Ok` it
    /// will be sent, whatever happens; after an error it will not.
    pub fn commit(mut self) -> io::Result<Entry> {
        self.entry.text = self.text_needs()?;
        let QueueDraft { queue, entry, draft, .. } = self;
        let _at_work = queue.at_work()?;
        let content = draft.sync()?;
        let written = queue.written(&entry)?.sync()?;
        let path = queue.path(&entry.id, ENTRY);
        written.link(&path)?;
        let synced = queue.disk.sync_folder(&queue.folder);
        // Some file systems say that an `fsync` went well although they have
        // shut down. But a name that they cannot take away, they do report.
        if let Err(error) = synced.and_then(|()| written.remove()) {
            queue.withdraw(&path);
            return Err(error);
        }
        content.keep();
        Ok(entry)
    }
    // ANCHOR_END: commit

    fn text_needs(&mut self) -> io::Result<TextNeeds> {
        self.scratch.clear();
        let ended = self.text.end(&mut self.scratch);
        ended.map_err(io::Error::other)?;
        let needs = self.text.needs(true, true);
        Ok(TextNeeds {
            size: needs.size,
            eight_bit: needs.eight_bit,
            utf8_header: needs.utf8,
            asks_utf8: self.entry.text.asks_utf8,
        })
    }
}

impl Queue {
    /// Takes back a name that was not promised. The content goes as well, so
    /// that at worst the next start finds an entry of which nothing is left.
    fn withdraw(&self, entry: &Path) {
        if let Err(error) = self.disk.remove_file(entry) {
            log::warn!("a refused message stays in the queue: {error}");
        }
    }
}

/// Reads an entry; none if there is none. `InvalidData`: it is damaged.
pub fn read_entry(
    disk: &dyn Disk,
    folder: &Path,
    id: &str,
) -> io::Result<Option<Entry>> {
    let path = folder.join(format!("{id}.{ENTRY}"));
    let mut file = match disk.open_file(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut bytes = Vec::new();
    let cannot =
        |error| because(&format!("cannot read {}", shown(&path)), &error);
    file.read_to_end(&mut bytes).map_err(cannot)?;
    let text = str::from_utf8(&bytes).ok();
    let entry = text.and_then(|text| Entry::read(id, text));
    let damaged = || {
        let text = format!("{} is damaged", shown(&path));
        io::Error::new(ErrorKind::InvalidData, text)
    };
    entry.map(Some).ok_or_else(damaged)
}

/// The ids of all entries in a folder, the oldest first.
pub fn entry_ids(disk: &dyn Disk, folder: &Path) -> io::Result<Vec<String>> {
    let names = disk.names(folder)?;
    let mut ids: Vec<_> = names
        .into_iter()
        .filter_map(|name| id_of(name.to_str()?, ENTRY))
        .collect();
    ids.sort();
    Ok(ids)
}

/// Opens the message of an entry.
pub fn open_content(
    disk: &dyn Disk,
    folder: &Path,
    id: &str,
) -> io::Result<Box<dyn Read>> {
    disk.open_file(&folder.join(format!("{id}.{CONTENT}")))
}

/// Whether an error of reading an entry, or its message, is there to stay: it
/// is damaged, missing, or no plain file.
pub(super) fn is_damage(error: &io::Error) -> bool {
    use ErrorKind::{InvalidData, InvalidInput, NotFound};
    [InvalidData, InvalidInput, NotFound].contains(&error.kind())
}

/// The id in a file's name of this kind.
pub(super) fn id_of(name: &str, kind: &str) -> Option<String> {
    let id = name.strip_suffix(kind)?.strip_suffix('.')?;
    is_id(id).then(|| id.to_owned())
}
