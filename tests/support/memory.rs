//! A file system in memory that can lose power.
//!
//! Each file and each folder has two states: what a program sees, and what is
//! on the disk for certain. A sync makes the one the other. `crashes` gives the
//! disks that a power cut may leave:
//! - of the names that were made or taken away and not synced, any subset;
//! - of the bytes that were written and not synced: none, the first half, all,
//!   or as many zeros.
//!
//! It promises no more than POSIX does, which is less than ext4 keeps: a rename
//! is one step, and all else that was not synced may come in any order. As on
//! Linux, a file whose sync has failed is never synced any more, though later
//! calls say that it is.

// Each test program uses a part of it. A test fails by panicking.
#![allow(dead_code, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::disk::OUR_FOLDER;
use pillarbox::disk::{Claim, Disk, DiskFile, Found, Kind};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A disk. A clone is the same disk, as two programs see it.
#[derive(Clone, Default)]
pub struct MemoryDisk(Arc<Mutex<Life>>);

/// A disk, and what it was before.
#[derive(Default)]
struct Life {
    now: State,
    past: Vec<State>,
    /// From which call on the past is kept.
    kept_from: Option<usize>,
}

impl Life {
    fn remember(&mut self) {
        if self.kept_from.is_some_and(|from| from <= self.now.calls.len()) {
            let calls = Vec::new();
            self.past.push(State { calls, ..self.now.clone() });
        }
    }
}

/// Which call fails, and how.
#[derive(Clone, Copy)]
pub struct Fault {
    /// The number of the call, from 1.
    pub at: usize,
    /// The number of the error, as in `errno`.
    pub errno: i32,
    /// Whether the call has done its work all the same.
    pub is_done: bool,
}

#[derive(Clone, Default)]
struct State {
    nodes: Vec<Node>,
    /// The names that are not on the disk yet, in the order of their making.
    names: Vec<Change>,
    calls: Vec<String>,
    fault: Option<Fault>,
    /// Whether a sync of a folder does nothing, and says that all is well.
    no_folder_sync: bool,
    /// What the test has noted down until now.
    notes: usize,
}

#[derive(Clone)]
enum Node {
    Folder { seen: Names, kept: Names },
    File { seen: Vec<u8>, kept: usize, is_lost: bool },
}

type Names = BTreeMap<OsString, usize>;

/// A name that was made or taken away. A rename is one change of two names.
#[derive(Clone, PartialEq, Eq)]
struct Change(Vec<NameChange>);

#[derive(Clone, PartialEq, Eq)]
struct NameChange {
    folder: usize,
    name: OsString,
    node: Option<usize>,
}

impl Node {
    fn folder() -> Node {
        Node::Folder { seen: Names::new(), kept: Names::new() }
    }
}

impl State {
    fn find(&self, path: &Path) -> io::Result<usize> {
        let mut at = 0;
        for part in path.iter().filter(|part| *part != "/") {
            let Some(Node::Folder { seen, .. }) = self.nodes.get(at) else {
                return Err(ErrorKind::NotADirectory.into());
            };
            at = *seen.get(part).ok_or(ErrorKind::NotFound)?;
        }
        Ok(at)
    }

    /// The folder that a path is in, and its name there.
    fn place<'a>(&self, path: &'a Path) -> io::Result<(usize, &'a OsStr)> {
        let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
        Ok((self.find(path.parent().unwrap())?, name))
    }

    fn seen(&mut self, folder: usize) -> io::Result<&mut Names> {
        match &mut self.nodes[folder] {
            Node::Folder { seen, .. } => Ok(seen),
            Node::File { .. } => Err(ErrorKind::NotADirectory.into()),
        }
    }

    fn change(&mut self, changes: Vec<NameChange>) -> io::Result<()> {
        for NameChange { folder, name, node } in &changes {
            let seen = self.seen(*folder)?;
            match node {
                Some(node) => seen.insert(name.clone(), *node),
                None => seen.remove(name),
            };
        }
        self.names.push(Change(changes));
        Ok(())
    }

    fn add(&mut self, path: &Path, node: usize) -> io::Result<()> {
        let (folder, name) = self.place(path)?;
        if self.seen(folder)?.contains_key(name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let (name, node) = (name.to_owned(), Some(node));
        self.change(vec![NameChange { folder, name, node }])
    }

    fn make(&mut self, path: &Path, node: Node) -> io::Result<usize> {
        self.nodes.push(node);
        let number = self.nodes.len() - 1;
        self.add(path, number).map(|()| number)
    }

    fn take_away(&mut self, path: &Path, is_folder: bool) -> io::Result<()> {
        let node = self.find(path)?;
        match &self.nodes[node] {
            Node::Folder { seen, .. } if is_folder && !seen.is_empty() => {
                return Err(ErrorKind::DirectoryNotEmpty.into());
            }
            Node::Folder { .. } if !is_folder => {
                return Err(ErrorKind::IsADirectory.into());
            }
            Node::File { .. } if is_folder => {
                return Err(ErrorKind::NotADirectory.into());
            }
            Node::Folder { .. } | Node::File { .. } => {}
        }
        let (folder, name) = self.place(path)?;
        let name = name.to_owned();
        self.change(vec![NameChange { folder, name, node: None }])
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let node = Some(self.find(from)?);
        let (new_folder, new_name) = self.place(to)?;
        let (folder, name) = self.place(from)?;
        self.change(vec![
            NameChange { folder: new_folder, name: new_name.into(), node },
            NameChange { folder, name: name.into(), node: None },
        ])
    }

    /// What is changed in this folder is on the disk from now on; so is the
    /// other half of a rename.
    fn sync_names(&mut self, folder: usize) {
        if self.no_folder_sync {
            return;
        }
        let all = std::mem::take(&mut self.names);
        for change in all {
            match change.0.iter().any(|c| c.folder == folder) {
                true => self.keep(&change),
                false => self.names.push(change),
            }
        }
    }

    fn keep(&mut self, change: &Change) {
        for NameChange { folder, name, node } in &change.0 {
            let Node::Folder { kept, .. } = &mut self.nodes[*folder] else {
                continue;
            };
            match node {
                Some(node) => kept.insert(name.clone(), *node),
                None => kept.remove(name),
            };
        }
    }

    /// What a power cut leaves if these changes, and this much of each
    /// file that was not synced, have reached the disk.
    fn cut(&self, names: &dyn Fn(usize) -> bool, bytes: &[Bytes]) -> State {
        let mut after = self.clone();
        after.fault = None;
        for (number, change) in self.names.iter().enumerate() {
            if names(number) {
                after.keep(change);
            }
        }
        after.names.clear();
        let mut how_much = bytes.iter();
        for node in &mut after.nodes {
            match node {
                Node::Folder { seen, kept } => *seen = kept.clone(),
                Node::File { seen, kept, is_lost } => {
                    if *kept < seen.len() {
                        let some = how_much.next().unwrap_or(&Bytes::None);
                        some.of(seen, *kept);
                    }
                    (*kept, *is_lost) = (seen.len(), false);
                }
            }
        }
        after
    }

    fn unsynced_files(&self) -> usize {
        let is_unsynced = |node: &&Node| matches!(node, Node::File { seen, kept, .. } if *kept < seen.len());
        self.nodes.iter().filter(is_unsynced).count()
    }
}

/// How much of what was not synced is on the disk.
#[derive(Clone, Copy)]
enum Bytes {
    None,
    Half,
    All,
    Zeros,
}

impl Bytes {
    fn of(self, content: &mut Vec<u8>, kept: usize) {
        match self {
            Bytes::None => content.truncate(kept),
            Bytes::Half => content.truncate(kept.midpoint(content.len())),
            Bytes::All => {}
            Bytes::Zeros => content[kept..].fill(0),
        }
    }

    fn number(number: usize) -> Bytes {
        [Bytes::None, Bytes::Half, Bytes::All, Bytes::Zeros][number % 4]
    }
}

/// With this many choices or fewer, all are tried.
const ALL_UP_TO: usize = 10;

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> MemoryDisk {
        let disk = MemoryDisk::default();
        disk.state(|state| state.nodes.push(Node::folder()));
        disk
    }

    fn state<T>(&self, what: impl FnOnce(&mut State) -> T) -> T {
        what(&mut self.0.lock().unwrap().now)
    }

    /// From now on a sync of a folder is a lie.
    pub fn without_folder_sync(self) -> MemoryDisk {
        self.state(|state| state.no_folder_sync = true);
        self
    }

    /// From now on a call fails. Calls are counted from here.
    pub fn fail(&self, fault: Fault) {
        self.state(|state| {
            state.calls.clear();
            state.fault = Some(fault);
        });
    }

    /// No call fails any more.
    pub fn be_well(&self) {
        self.state(|state| state.fault = None);
    }

    /// From this call on, the disk is kept as it is after each of them.
    pub fn remember_from(&self, call: usize) {
        let mut life = self.0.lock().unwrap();
        life.kept_from = Some(call);
        life.remember();
    }

    /// The calls since the last fault was set, each with its path.
    pub fn calls(&self) -> Vec<String> {
        self.state(|state| state.calls.clone())
    }

    /// Notes that one more promise is made. It is known to each disk of
    /// `past` from here on.
    pub fn note(&self) {
        let mut life = self.0.lock().unwrap();
        life.now.notes += 1;
        life.remember();
    }

    /// How many promises had been made.
    pub fn notes(&self) -> usize {
        self.state(|state| state.notes)
    }

    /// The disk after each call since `remember_from`.
    pub fn past(&self) -> Vec<MemoryDisk> {
        let past = self.0.lock().unwrap().past.clone();
        past.into_iter().map(MemoryDisk::of).collect()
    }

    fn of(now: State) -> MemoryDisk {
        MemoryDisk(Arc::new(Mutex::new(Life { now, ..Life::default() })))
    }

    /// The disks that a power cut may leave just now: all, or a sample where
    /// they are too many.
    pub fn crashes(&self, sample: u64) -> Vec<MemoryDisk> {
        let state = self.state(|state| state.clone());
        let (names, files) = (state.names.len(), state.unsynced_files());
        if names + 2 * files <= ALL_UP_TO
            && 1 << (names + 2 * files) <= 8 * sample
        {
            let choices = 1_usize << (names + 2 * files);
            let cut = |choice: usize| {
                let bytes: Vec<_> = (0..files)
                    .map(|file| Bytes::number(choice >> (names + 2 * file)))
                    .collect();
                state.cut(&|name| choice >> name & 1 == 1, &bytes)
            };
            return (0..choices).map(cut).map(MemoryDisk::of).collect();
        }
        // The two ends first: nothing has reached the disk, and all has.
        let ends = [(false, Bytes::None), (true, Bytes::All)];
        let ends =
            ends.map(|(all, some)| state.cut(&|_| all, &vec![some; files]));
        let sample = (0..sample).map(|seed| {
            let dice = Dice(seed);
            let bytes = (0..files)
                .map(|file| Bytes::number(dice.roll(names + file) as usize));
            let bytes: Vec<_> = bytes.collect();
            state.cut(&|name| dice.roll(name) % 2 == 1, &bytes)
        });
        ends.into_iter().chain(sample).map(MemoryDisk::of).collect()
    }

    /// The plain files in a folder; none if there is no such folder.
    pub fn files(&self, folder: &Path) -> Vec<(String, Vec<u8>)> {
        self.state(|state| {
            let Ok(folder) = state.find(folder) else { return Vec::new() };
            let names = state.seen(folder).unwrap().clone();
            let file =
                |(name, node): (OsString, usize)| match &state.nodes[node] {
                    Node::File { seen, .. } => {
                        Some((name.into_string().unwrap(), seen.clone()))
                    }
                    Node::Folder { .. } => None,
                };
            names.into_iter().filter_map(file).collect()
        })
    }

    /// Does a call, unless it is the one that fails.
    fn call<T>(
        &self,
        name: &str,
        path: &Path,
        real: impl FnOnce(&mut State) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut life = self.0.lock().unwrap();
        let state = &mut life.now;
        state.calls.push(format!("{name} {}", path.display()));
        let number = state.calls.len();
        let outcome = match state.fault.filter(|fault| fault.at == number) {
            Some(fault) if !fault.is_done => Err(failure(fault)),
            Some(fault) => real(state).and(Err(failure(fault))),
            None => real(state),
        };
        // A call that only looks leaves the disk as it was.
        if !["look", "names", "open"].contains(&name) {
            life.remember();
        }
        outcome
    }
}

fn failure(fault: Fault) -> io::Error {
    io::Error::from_raw_os_error(fault.errno)
}

/// Dice that fall the same way each time (the finaliser of SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&self, number: usize) -> u64 {
        let mut z = self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = z.wrapping_add(number as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) >> 8
    }
}

impl Disk for MemoryDisk {
    /// The folder is there for good, as if somebody had made it last week.
    fn claim(
        &self,
        folder: &Path,
        _patience: Duration,
    ) -> io::Result<Box<dyn Claim>> {
        self.state(|state| {
            let mut path = PathBuf::from("/");
            for part in folder.iter().filter(|part| *part != "/") {
                path.push(part);
                if state.find(&path).is_err() {
                    state.make(&path, Node::folder())?;
                    let change = state.names.pop().unwrap();
                    state.keep(&change);
                }
            }
            Ok(Box::new(NoOther) as Box<dyn Claim>)
        })
    }

    fn look(&self, path: &Path) -> io::Result<Found> {
        self.call("look", path, |state| {
            let node = state.find(path)?;
            let kind = match state.nodes[node] {
                Node::Folder { .. } => Kind::Folder,
                Node::File { .. } => Kind::File,
            };
            Ok(Found { kind, ..OUR_FOLDER })
        })
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let make = |state: &mut State| state.make(path, Node::folder());
        self.call("mkdir", path, make).map(drop)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.call("rmdir", path, |state| state.take_away(path, true))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.call("syncdir", path, |state| {
            let folder = state.find(path)?;
            state.sync_names(folder);
            Ok(())
        })
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        self.call("names", folder, |state| {
            let folder = state.find(folder)?;
            Ok(state.seen(folder)?.keys().cloned().collect())
        })
    }

    fn create_file(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let node = Node::File { seen: Vec::new(), kept: 0, is_lost: false };
        let make = |state: &mut State| state.make(path, node);
        let node = self.call("create", path, make)?;
        let path = path.to_owned();
        Ok(Box::new(MemoryFile { disk: self.clone(), node, path }))
    }

    fn open_file(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        self.call("open", path, |state| {
            let node = state.find(path)?;
            match &state.nodes[node] {
                Node::File { seen, .. } => {
                    Ok(Box::new(io::Cursor::new(seen.clone())) as _)
                }
                Node::Folder { .. } => Err(ErrorKind::IsADirectory.into()),
            }
        })
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call("link", to, |state| {
            let node = state.find(from)?;
            state.add(to, node)
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call("rename", to, |state| state.rename(from, to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.call("remove", path, |state| state.take_away(path, false))
    }
}

struct MemoryFile {
    disk: MemoryDisk,
    node: usize,
    path: PathBuf,
}

impl Write for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.call("write", &self.path, |state| {
            if let Node::File { seen, .. } = &mut state.nodes[self.node] {
                seen.extend(bytes);
            }
            Ok(bytes.len())
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for MemoryFile {
    fn sync(&self) -> io::Result<()> {
        let synced = self.disk.call("sync", &self.path, |state| {
            if let Node::File { seen, kept, is_lost: false } =
                &mut state.nodes[self.node]
            {
                *kept = seen.len();
            }
            Ok(())
        });
        if synced.is_err() {
            self.disk.state(|state| {
                if let Node::File { is_lost, .. } = &mut state.nodes[self.node]
                {
                    *is_lost = true;
                }
            });
        }
        synced
    }
}

struct NoOther;

impl Claim for NoOther {
    fn is_alone(&self) -> bool {
        true
    }
    fn share(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn is_intact(&self) -> bool {
        true
    }
}

/// The folders that are there, for a test that looks for left-overs.
pub fn folders(disk: &MemoryDisk, at: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for name in disk.names(at).unwrap() {
        let path = at.join(name);
        if disk.is_folder(&path) {
            found.extend(folders(disk, &path));
            found.insert(path);
        }
    }
    found
}
