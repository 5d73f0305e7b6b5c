//! Marks: how an operator tells a running server what to do with its queue.
//!
//! The queue belongs to the server alone, so nobody else changes it. `pillarbox
//! queue` leaves an empty file in the folder `marks`, and the server, which
//! looks there at least twice a second, takes it away and obeys. A mark that was
//! left while no server ran is found at the next start.
//!
//! Interface:
//!   `Mark`          what to do
//!   `leave`, `take` for the operator, and for the server

use super::entry::is_id;
use crate::disk::Disk;
use std::io::{self, ErrorKind};
use std::path::Path;

const MARKS: &str = "marks";
const FLUSH: &str = "flush";
const REMOVE: &str = "remove-";

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Every entry is due now.
    Flush,
    /// The entry with this id is taken out, and nobody gets a bounce.
    Remove(String),
}

impl Mark {
    fn name(&self) -> String {
        match self {
            Mark::Flush => FLUSH.to_owned(),
            Mark::Remove(id) => format!("{REMOVE}{id}"),
        }
    }

    fn named(name: &str) -> Option<Mark> {
        match name.strip_prefix(REMOVE) {
            Some(id) if is_id(id) => Some(Mark::Remove(id.to_owned())),
            Some(_) => None,
            None => (name == FLUSH).then_some(Mark::Flush),
        }
    }
}

/// Leaves a mark in the folder of a queue. One that is there already is enough.
pub fn leave(disk: &dyn Disk, queue: &Path, mark: &Mark) -> io::Result<()> {
    let folder = queue.join(MARKS);
    if !disk.is_folder(&folder) {
        unless_there(disk.create_folder(&folder))?;
    }
    unless_there(disk.create_file(&folder.join(mark.name())).map(drop))
}

/// Takes all marks away, and hands over what they say. A mark that cannot be
/// taken away is not obeyed again and again: it is an error, and the others
/// are obeyed all the same.
pub(super) fn take(
    disk: &dyn Disk,
    queue: &Path,
    obey: &mut dyn FnMut(Mark),
) -> io::Result<()> {
    let folder = queue.join(MARKS);
    let names = match disk.names(&folder) {
        // Most of the time there is no such folder.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    let mut taken = Ok(());
    for mark in names.iter().filter_map(|name| Mark::named(name.to_str()?)) {
        match disk.remove_file(&folder.join(mark.name())) {
            Ok(()) => obey(mark),
            // Somebody has taken it back.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => taken = Err(error),
        }
    }
    taken
}

fn unless_there(made: io::Result<()>) -> io::Result<()> {
    match made {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}
