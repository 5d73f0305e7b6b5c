//! One mailbox, as its owner's mail reader sees it (the format is D. J.
//! Bernstein's Maildir; deliveries are in `delivery.rs`).
//!
//! A message that nobody has looked at yet is in `new`. A reader moves it to
//! `cur`, and writes into its name what was done with it: `NAME:2,FS` was
//! flagged and seen. The letters are in the order of ASCII.
//!
//! Interface:
//!   `Reader`    a mailbox: its messages, and which of them are unseen
//!   `Stored`    a message in it
//!   `Head`      what a list says of a message
//!
//! Guarantees:
//! - only plain files in the folders of this mailbox are opened: no address and
//!   no link leads anywhere else;
//! - listing changes nothing, reads no more than `HEAD_LIMIT` bytes of a
//!   file, and keeps the head of one message at a time in memory;
//! - other programs may deliver, read and move messages meanwhile. A message
//!   that is moved from `new` to `cur` is listed once, and never not at all.

mod head;
mod names;

pub use self::head::{HEAD_LIMIT, Head};

use self::names::{LAST_SECOND, is_seen, seconds_in, split_flags, with_seen};
use crate::protocol::session::LocalMailbox;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// A mailbox of which the messages are read.
#[derive(Debug)]
pub struct Reader {
    folder: PathBuf,
}

/// The two folders with messages. The order counts: see `messages`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Cur,
    New,
}

/// A message in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// When it came, in seconds since 1970.
    pub arrived: u64,
    /// The size of its file, in bytes.
    pub size: u64,
    /// Whether somebody has seen it.
    pub is_seen: bool,
    place: Place,
    name: OsString,
}

impl Reader {
    /// This mailbox below `root`. `None` if there is none, or none yet: it is
    /// made when mail comes.
    ///
    /// A mailbox `bob+tag` is looked for first, and then `bob`, as the directory
    /// does it for a delivery.
    pub fn open(
        root: &Path,
        mailbox: &LocalMailbox,
    ) -> io::Result<Option<Reader>> {
        let domain = root.join(&mailbox.domain);
        if !is_one_name(&mailbox.domain) || !is_folder(&domain)? {
            return Ok(None);
        }
        let whole = mailbox.local_part.as_str();
        let without_tag = whole.split('+').next().unwrap_or_default();
        for name in [whole, without_tag] {
            let folder = domain.join(name);
            if is_one_name(name)
                && is_folder(&folder)?
                && is_folder(&folder.join("new"))?
            {
                return Ok(Some(Reader { folder }));
            }
        }
        Ok(None)
    }

    /// All messages, the oldest first.
    ///
    /// `new` is read before `cur`: a message that is moved meanwhile is found
    /// twice rather than not at all, and then taken once.
    pub fn messages(&self) -> io::Result<Vec<Stored>> {
        let mut found = Vec::new();
        for place in [Place::New, Place::Cur] {
            for name in self.names(place)? {
                found.extend(self.stored(place, name)?);
            }
        }
        found.sort_by(|one, other| one.order().cmp(&other.order()));
        found.dedup_by(|later, kept| later.unique() == kept.unique());
        Ok(found)
    }

    /// Whether there is a message that nobody has seen.
    pub fn has_unseen(&self) -> io::Result<bool> {
        for place in [Place::New, Place::Cur] {
            for name in self.names(place)? {
                let is_unseen = !is_seen(name.as_bytes());
                if is_unseen && self.stored(place, name)?.is_some() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// What a list says of this message.
    pub fn head(&self, message: &Stored) -> io::Result<Head> {
        head::read(self.open_message(message)?)
    }

    /// The file of this message.
    pub fn open_message(&self, message: &Stored) -> io::Result<File> {
        File::open(self.path(message.place, &message.name))
    }

    /// Moves a message to those that were seen. Its name stays, and the other
    /// flags in it.
    pub fn mark_seen(&self, message: &Stored) -> io::Result<()> {
        let name = OsString::from_vec(with_seen(message.name.as_bytes()));
        if message.place == Place::Cur && name == message.name {
            return Ok(());
        }
        let target = self.path(Place::Cur, &name);
        // A rename would replace what is there.
        if fs::symlink_metadata(&target).is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        fs::rename(self.path(message.place, &message.name), target)
    }

    /// The names in a folder, except hidden ones. Somebody may have removed
    /// the folder.
    fn names(&self, place: Place) -> io::Result<Vec<OsString>> {
        let folder = self.folder.join(place.folder());
        if !is_folder(&folder)? {
            return Ok(Vec::new());
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name();
            if !name.as_bytes().starts_with(b".") {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// The message of this name, if it is a plain file and still there.
    fn stored(
        &self,
        place: Place,
        name: OsString,
    ) -> io::Result<Option<Stored>> {
        let Some(found) = metadata(&self.path(place, &name))? else {
            return Ok(None);
        };
        if !found.is_file() {
            return Ok(None);
        }
        let bytes = name.as_bytes();
        let is_seen = is_seen(bytes);
        let arrived = seconds_in(bytes).unwrap_or_else(|| changed(&found));
        let size = found.len();
        Ok(Some(Stored { arrived, size, is_seen, place, name }))
    }

    fn path(&self, place: Place, name: &OsStr) -> PathBuf {
        self.folder.join(place.folder()).join(name)
    }
}

impl Place {
    fn folder(self) -> &'static str {
        match self {
            Place::New => "new",
            Place::Cur => "cur",
        }
    }
}

impl Stored {
    /// By arrival, then by name. Flags do not count: a message must not change
    /// its place in the list when it is seen.
    fn order(&self) -> (u64, &[u8], Place) {
        (self.arrived, self.unique(), self.place)
    }

    fn unique(&self) -> &[u8] {
        split_flags(self.name.as_bytes()).0
    }
}

/// Whether it names something in a folder, and nothing elsewhere.
fn is_one_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0'])
}

fn changed(found: &fs::Metadata) -> u64 {
    let time = found.modified().unwrap_or(UNIX_EPOCH);
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs().min(LAST_SECOND)
}

/// Whether there is a folder, and not a link to one.
fn is_folder(path: &Path) -> io::Result<bool> {
    Ok(metadata(path)?.is_some_and(|found| found.is_dir()))
}

/// About the file itself, also if it is a link. `None` if it is not there.
fn metadata(path: &Path) -> io::Result<Option<fs::Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
