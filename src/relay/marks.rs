//! Marks: how an operator tells a running server what to do with its queue.
//!
//! The queue belongs to the server alone, so nobody else changes it. `pillarbox
//! queue` leaves an empty file in the folder `marks`, and the server, which
//! looks there twice a second, takes it away and obeys. A mark that was left
//! while no server ran is found at the next start.
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

/// Takes all marks away, and tells what they say.
pub(super) fn take(disk: &dyn Disk, queue: &Path) -> Vec<Mark> {
    let folder = queue.join(MARKS);
    // Most of the time there is no such folder.
    let names = disk.names(&folder).unwrap_or_default();
    let marks = names.iter().filter_map(|name| Mark::named(name.to_str()?));
    // A mark that cannot be taken away is not obeyed again and again.
    marks
        .filter(|mark| disk.remove_file(&folder.join(mark.name())).is_ok())
        .collect()
}

fn unless_there(made: io::Result<()>) -> io::Result<()> {
    match made {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}
