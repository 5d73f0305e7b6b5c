//! The agenda: which entries wait, which are being tried, and which groups have
//! a turn. The threads of the sending half share it. After a crash nothing in it
//! is missed: it is made anew from what is on the disk.
//!
//! Interface:
//!   `Agenda`   the whole; every method takes the lock for a moment
//!   `Attempt`  an entry that is being tried

use super::line::{Group, Line};
use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// At most this many entries are begun at once; then turns are begun.
const BATCH: usize = 100;

/// `wait` returns after this long even if nothing is due: somebody has to look
/// for marks. The runner does so if a pause has passed since its last look; when it
/// wakes a moment too early, it waits for one more. So it looks at least twice a
/// second.
pub(super) const PAUSE: Duration = Duration::from_millis(250);

/// What is to be done, and what is being done.
#[derive(Default)]
pub(super) struct Agenda {
    state: Mutex<State>,
    /// Something has changed.
    change: Condvar,
}

#[derive(Default)]
struct State {
    /// Entries by the time when they are due.
    waiting: BTreeSet<(Duration, String)>,
    trying: BTreeSet<String>,
    /// Of those, the ones that are taken out as soon as their try is over.
    doomed: BTreeSet<String>,
    line: Line<Arc<Attempt>>,
    /// How many turns have begun since the start.
    turns: u64,
    /// The connections, by the number of their turn.
    sockets: BTreeMap<u64, TcpStream>,
    is_stopping: bool,
}

/// An entry that is being tried.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) id: String,
    /// How many of its groups have no results yet.
    pub(super) groups_left: Mutex<usize>,
}

impl Agenda {
    /// Adds entries, with the times when they are due.
    pub(super) fn add(
        &self,
        entries: impl IntoIterator<Item = (Duration, String)>,
    ) {
        self.state().waiting.extend(entries);
        self.change.notify_all();
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        let state = self.state();
        state.waiting.len() + state.trying.len()
    }

    /// Waits until there is something to do, or for a pause. Gives the entries
    /// that are due; none at all when everything comes to its end.
    pub(super) fn wait(&self, now: Duration) -> Option<Vec<String>> {
        let (began, mut state) = (Instant::now(), self.state());
        loop {
            if state.is_stopping {
                return None;
            }
            let passed = began.elapsed();
            let due = state.begin_due(now + passed);
            let left = PAUSE.saturating_sub(passed);
            if !due.is_empty() || left.is_zero() || state.line.has_turn_left() {
                return Some(due);
            }
            let next = state.waiting.first().map(|(next, _)| *next);
            let wait = next.map_or(left, |n| n.saturating_sub(now + passed));
            state = self.wait_for_change(state, wait.min(left));
        }
    }

    fn wait_for_change<'a>(
        &'a self,
        state: MutexGuard<'a, State>,
        time: Duration,
    ) -> MutexGuard<'a, State> {
        let waited = self.change.wait_timeout(state, time);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// The entry is to be tried for these groups.
    pub(super) fn line_up(&self, id: String, groups: &BTreeSet<Group>) {
        let groups_left = Mutex::new(groups.len());
        let attempt = Arc::new(Attempt { id, groups_left });
        let mut state = self.state();
        for group in groups {
            state.line.add(group, Arc::clone(&attempt));
        }
    }

    /// Begins a turn, if there may be one more; gives its number.
    pub(super) fn begin_turn(&self) -> Option<(u64, Group)> {
        let mut state = self.state();
        let group = state.line.begin_turn()?;
        state.turns += 1;
        Some((state.turns, group))
    }

    /// The next entry for a turn; none at the end.
    pub(super) fn next(&self, group: &Group) -> Option<Arc<Attempt>> {
        let mut state = self.state();
        if state.is_stopping { None } else { state.line.next(group) }
    }

    /// This entry was not tried after all.
    pub(super) fn put_back(&self, group: &Group, attempt: Arc<Attempt>) {
        self.state().line.put_back(group, attempt);
    }

    /// The hosts of a group have answered: there may be another turn.
    pub(super) fn is_there(&self, group: &Group) {
        self.state().line.is_there(group);
        self.change.notify_all();
    }

    /// The hosts of a group are away. Gives all entries that are not tried
    /// because of that.
    pub(super) fn is_away(&self, group: &Group) -> Vec<Arc<Attempt>> {
        self.state().line.is_away(group)
    }

    /// Ends a turn.
    pub(super) fn end_turn(&self, number: u64, group: &Group) {
        let mut state = self.state();
        state.line.end_turn(group);
        state.sockets.remove(&number);
        self.change.notify_all();
    }

    /// Whether an entry is to be taken out when its try is over.
    pub(super) fn is_doomed(&self, id: &str) -> bool {
        self.state().doomed.contains(id)
    }

    /// The try of an entry is over. Whether the entry is to be taken out,
    /// whatever has become of it.
    pub(super) fn end_try(&self, id: &str, next: Option<Duration>) -> bool {
        let mut state = self.state();
        state.trying.remove(id);
        let is_doomed = state.doomed.remove(id) && next.is_some();
        if let (Some(next), false) = (next, is_doomed) {
            state.waiting.insert((next, id.to_owned()));
        }
        self.change.notify_all();
        is_doomed
    }

    /// All entries that wait are due.
    pub(super) fn flush(&self) {
        let mut state = self.state();
        let waiting = mem::take(&mut state.waiting).into_iter();
        state.waiting = waiting.map(|(_, id)| (Duration::ZERO, id)).collect();
    }

    /// An operator wants an entry to be taken out. Whether that can be done
    /// now; if it is being tried, it is done after that.
    pub(super) fn remove(&self, id: &str) -> bool {
        let mut state = self.state();
        let before = state.waiting.len();
        state.waiting.retain(|(_, other)| other != id);
        if state.trying.contains(id) {
            state.doomed.insert(id.to_owned());
        }
        state.waiting.len() < before
    }

    /// A turn has a connection, which can be ended from here.
    pub(super) fn connected(&self, number: u64, stream: &TcpStream) {
        let mut state = self.state();
        if state.is_stopping {
            // It may be gone already.
            let _ = stream.shutdown(Shutdown::Both);
        } else if let Ok(stream) = stream.try_clone() {
            state.sockets.insert(number, stream);
        }
    }

    /// The connection is gone.
    pub(super) fn closed(&self, number: u64) {
        self.state().sockets.remove(&number);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.state().is_stopping
    }

    /// Begins nothing more, and cuts all connections.
    pub(super) fn stop(&self) {
        let mut state = self.state();
        state.is_stopping = true;
        for stream in mem::take(&mut state.sockets).values() {
            // It may be gone already.
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.change.notify_all();
    }

    /// Waits until all turns are over, but not longer than this.
    pub(super) fn wait_for_turns(&self, patience: Duration) {
        let has_turns = |state: &mut State| state.line.turns() > 0;
        // What is not over then comes to its end by itself.
        let _ =
            self.change.wait_timeout_while(self.state(), patience, has_turns);
    }

    /// A thread that panicked while it held the lock left no work half done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The entries that are due are being tried now.
    fn begin_due(&mut self, now: Duration) -> Vec<String> {
        let mut due = Vec::new();
        while due.len() < BATCH
            && let Some((next, id)) = self.waiting.pop_first()
        {
            if next > now {
                self.waiting.insert((next, id));
                break;
            }
            self.trying.insert(id.clone());
            due.push(id);
        }
        due
    }
}
