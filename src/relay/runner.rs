//! The runner: one thread that begins the tries when they are due, and a
//! thread for each turn (`turn.rs`). A host or a name server that is slow holds
//! up nobody but the turns that wait for it.

use super::agenda::PAUSE;
use super::desk::{Desk, now};
use super::entry::Entry;
use super::event::Event;
use super::line::Group;
use super::marks::{self, Mark};
use super::turn::Turn;
use crate::words::reason;
use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

/// A pause after the system has refused a thread.
const THREAD_PAUSE: Duration = Duration::from_millis(100);

/// Runs until the agenda comes to its end.
pub(super) fn run(desk: &Arc<Desk>) {
    let mut looked: Option<Instant> = None;
    let (mut lacks_threads, mut is_deaf) = (false, false);
    while let Some(due) = desk.agenda.wait(now()) {
        for id in due {
            begin(desk, id);
        }
        if looked.is_none_or(|time| time.elapsed() >= PAUSE) {
            obey_marks(desk, &mut is_deaf);
            looked = Some(Instant::now());
        }
        begin_turns(desk, &mut lacks_threads);
    }
}

/// Begins a try: the recipients who wait, in groups.
fn begin(desk: &Desk, id: String) {
    let groups = match desk.queue.entry(&id) {
        Ok(Some(entry)) => groups(desk, &entry),
        Ok(None) => BTreeSet::new(),
        Err(error) if desk.is_lost(&id, &error) => return,
        Err(_) => BTreeSet::new(),
    };
    if groups.is_empty() {
        desk.close(&id, &[]);
    } else {
        desk.agenda.line_up(id, &groups);
    }
}

fn groups(desk: &Desk, entry: &Entry) -> BTreeSet<Group> {
    entry.waiting().map(|mailbox| desk.group_of(mailbox)).collect()
}

/// As many turns as may be. If there is no thread to be had, one line in the
/// log is enough, until there are threads again.
fn begin_turns(desk: &Arc<Desk>, lacks_threads: &mut bool) {
    while let Some((number, group)) = desk.agenda.begin_turn() {
        let turn = Turn::new(Arc::clone(desk), number, group);
        let thread = Builder::new().name("turn".to_owned());
        if let Err(error) = thread.spawn(move || turn.run()) {
            if !mem::replace(lacks_threads, true) {
                log::error!("no thread to send with: {}", reason(&error));
            }
            thread::sleep(THREAD_PAUSE);
            return;
        }
        *lacks_threads = false;
    }
}

/// Does what operators have asked for. If their marks cannot be read or taken
/// away, one line in the log is enough, until they can.
fn obey_marks(desk: &Desk, is_deaf: &mut bool) {
    let (disk, folder) = (&*desk.queue.disk, &desk.queue.folder);
    let taken = marks::take(disk, folder, &mut |mark| obey(desk, mark));
    let was_deaf = mem::replace(is_deaf, taken.is_err());
    if let Err(error) = taken
        && !was_deaf
    {
        log::error!("[queue] cannot obey an operator: {error}");
    }
}

fn obey(desk: &Desk, mark: Mark) {
    match mark {
        Mark::Flush => {
            desk.agenda.flush();
            desk.tell(Event::Flushed);
        }
        Mark::Remove(id) if desk.agenda.remove(&id) => {
            if !desk.take_out(&id) {
                desk.put_off(id);
            }
        }
        // It is being tried, or it is not there.
        Mark::Remove(_) => {}
    }
}
