//! What has become of recipients, and is not on the disk yet because the disk
//! has failed. Until it is there, it counts from here: nobody who has a message
//! gets it once more, as long as this process runs.
//!
//! Interface:
//!   `Unsaved`  entries that could not be written, and results whose entry could
//!              not be read

use super::entry::{Entry, Fate};
use std::collections::{BTreeMap, BTreeSet};

/// What is not on the disk yet, by the id of the entry.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    entries: BTreeMap<String, Entry>,
    results: BTreeMap<String, Vec<Fate>>,
}

impl Unsaved {
    /// An entry that could not be written. All results are in it.
    pub(super) fn entry(&self, id: &str) -> Option<Entry> {
        self.entries.get(id).cloned()
    }

    /// Adds what is known to an entry that has been read.
    pub(super) fn complete(&self, entry: &mut Entry) {
        if let Some(results) = self.results.get(&entry.id) {
            entry.enter(results);
        }
    }

    /// Keeps an entry that could not be written.
    pub(super) fn keep(&mut self, entry: &Entry) {
        self.forget(&entry.id);
        self.entries.insert(entry.id.clone(), entry.clone());
    }

    /// Keeps results whose entry could not be read. Those of other groups may
    /// be here already.
    pub(super) fn keep_results(&mut self, id: &str, results: &[Fate]) {
        let kept = self.results.entry(id.to_owned()).or_default();
        kept.extend_from_slice(results);
    }

    /// All is on the disk, or the entry is gone.
    pub(super) fn forget(&mut self, id: &str) {
        self.entries.remove(id);
        self.results.remove(id);
    }

    /// The entries of which something is here.
    pub(super) fn ids(&self) -> BTreeSet<String> {
        self.entries.keys().chain(self.results.keys()).cloned().collect()
    }
}
