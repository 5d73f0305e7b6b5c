//! What is in the queue when we start: entries, and what a crash has left.
//!
//! - a draft, or a content without an entry, is rubbish: nobody was promised
//!   it, or it is done;
//! - an entry that cannot be read, or has lost its content, is set aside, and
//!   the others go on;
//! - a bounce whose message does not know of it yet was made just before the
//!   crash: the message learns of it now, and no second bounce is made.

use super::entry::{Entry, State};
use super::queue::{CONTENT, DRAFT, ENTRY, Queue, id_of, is_damage};
use crate::disk::shown;
use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

/// Clears up, and tells which entries there are and when they are due.
pub(super) fn take_stock(
    queue: &Queue,
) -> io::Result<BTreeSet<(Duration, String)>> {
    let names = queue.disk.names(&queue.folder)?;
    let names: Vec<_> = names.iter().filter_map(|name| name.to_str()).collect();
    let ids = |kind| -> BTreeSet<String> {
        names.iter().filter_map(|name| id_of(name, kind)).collect()
    };
    let (entries, contents) = (ids(ENTRY), ids(CONTENT));
    for id in ids(DRAFT) {
        remove(queue, &id, DRAFT);
    }
    for id in contents.difference(&entries) {
        remove(queue, id, CONTENT);
    }
    let (mut due, mut bounces) = (BTreeSet::new(), Vec::new());
    for id in entries {
        let Some(entry) = look_at(queue, &id, contents.contains(&id)) else {
            continue;
        };
        due.insert((entry.next, id));
        if entry.about.is_some() {
            bounces.push(entry);
        }
    }
    for bounce in bounces {
        if let Some(off) = finish(queue, &bounce)? {
            due.remove(&off);
        }
    }
    Ok(due)
}

/// What cannot be removed (a stranger's folder, perhaps) is no reason not to
/// start.
fn remove(queue: &Queue, id: &str, kind: &str) {
    let path = queue.folder.join(format!("{id}.{kind}"));
    match queue.disk.remove_file(&path) {
        Ok(()) => log::info!("removed left-over {}", shown(&path)),
        Err(error) => log::warn!("left-over {error}"),
    }
}

/// An entry, if it is whole. One that the disk does not give us just now stays
/// where it is, and waits for another start.
fn look_at(queue: &Queue, id: &str, has_content: bool) -> Option<Entry> {
    let why = match queue.entry(id) {
        Ok(Some(entry)) if has_content => return Some(entry),
        Ok(Some(_)) => "its content is missing".to_owned(),
        Ok(None) => return None,
        Err(error) if is_damage(&error) => error.to_string(),
        Err(error) => {
            log::error!("queue entry {id} is passed over: {error}");
            return None;
        }
    };
    log::error!("queue entry {id} is set aside in 'damaged': {why}");
    if let Err(error) = queue.set_aside(id) {
        log::error!("queue entry {id}: {error}");
    }
    None
}

/// Lets the message that a bounce is about know of it. Gives what is not due
/// any more: the message, if that was all that it waited for; or the bounce, if
/// the disk does not give us the message just now. It waits with it, because
/// once the bounce is gone, the sender would be told of the same again.
fn finish(
    queue: &Queue,
    bounce: &Entry,
) -> io::Result<Option<(Duration, String)>> {
    let about = bounce.about.as_deref().unwrap_or_default();
    let mut entry = match queue.entry(about) {
        Ok(Some(entry)) => entry,
        Ok(None) => return Ok(None),
        // It was set aside.
        Err(error) if is_damage(&error) => return Ok(None),
        Err(_) => return Ok(Some((bounce.next, bounce.id.clone()))),
    };
    let before = entry.clone();
    entry.mark_told(&bounce.tells);
    if entry == before {
        return Ok(None);
    }
    if entry.has(State::Waiting) || entry.has(State::Failed) {
        return queue.replace(&entry).map(|()| None);
    }
    queue.take_out(about)?;
    Ok(Some((entry.next, about.to_owned())))
}
