//! The desk: what the threads of the sending half have in common, and where
//! the results of their turns come in.

use super::agenda::{Agenda, Attempt};
use super::books::{Books, Closed};
use super::entry::Fate;
use super::event::{Event, Observer};
use super::line::Group;
use super::local::LocalMail;
use super::mx::Router;
use super::queue::{Queue, is_damage};
use super::resolver::random;
use super::schedule::{Schedule, spread};
use crate::protocol::address::Mailbox;
use crate::words::because;
use std::io;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the threads have in common.
pub(super) struct Desk {
    pub(super) queue: Arc<Queue>,
    pub(super) agenda: Arc<Agenda>,
    pub(super) router: Router,
    pub(super) schedule: Schedule,
    pub(super) hostname: String,
    /// The domain whose postmaster signs bounces.
    pub(super) domain: String,
    pub(super) mailboxes: LocalMail,
    pub(super) observer: Box<Observer<'static>>,
    /// Caps each time-out of the client.
    pub(super) timeout_cap: Duration,
}

/// The time since 1970. A clock that is set to a time before that counts as
/// 1970.
pub(super) fn now() -> Duration {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    since_1970.unwrap_or_default()
}

impl Desk {
    /// Which group mail for this address belongs to.
    pub(super) fn group_of(&self, mailbox: &Mailbox) -> Group {
        if self.mailboxes.is_for(mailbox) {
            Group::Here
        } else if self.router.smart_host.is_some() {
            Group::SmartHost
        } else {
            Group::Domain(mailbox.host.canonical())
        }
    }

    /// Enters what a group has brought. With the last group, the try is over.
    pub(super) fn settle(&self, attempt: &Attempt, results: &[Fate]) {
        let groups_left = attempt.groups_left.lock();
        let mut groups_left =
            groups_left.unwrap_or_else(PoisonError::into_inner);
        *groups_left = groups_left.saturating_sub(1);
        if *groups_left > 0 {
            self.books().enter(&attempt.id, results);
        } else {
            self.close(&attempt.id, results);
        }
    }

    /// The end of a try. If an operator does not want the entry any more, its
    /// results do not matter, unless it cannot be taken out.
    pub(super) fn close(&self, id: &str, results: &[Fate]) {
        let now = now();
        let closed = match self.agenda.is_doomed(id) {
            true => Closed { next: Some(now), bounces: Vec::new() },
            false => self.books().close(id, results, now, spread(random())),
        };
        if self.agenda.end_try(id, closed.next) && !self.take_out(id) {
            self.books().enter(id, results);
            self.put_off(id.to_owned());
        }
        self.agenda.add(closed.bounces.into_iter().map(|id| (now, id)));
    }

    fn books(&self) -> Books<'_> {
        Books {
            queue: &self.queue,
            schedule: self.schedule,
            hostname: &self.hostname,
            domain: &self.domain,
            observer: &*self.observer,
        }
    }

    /// An operator wants an entry to be taken out. Whether it is.
    pub(super) fn take_out(&self, id: &str) -> bool {
        let taken = self.queue.take_out(id);
        self.tell(match &taken {
            Ok(()) => Event::Removed(id),
            Err(error) => Event::Trouble(id, error),
        });
        taken.is_ok()
    }

    /// An entry that could not be taken out waits as before: it can be asked
    /// for again, and if nobody does, it is tried again.
    pub(super) fn put_off(&self, id: String) {
        self.agenda.add([(now() + self.schedule.first, id)]);
    }

    /// An entry could not be read. If it is damaged it is set aside; if not,
    /// or if that cannot be done now, the disk may be better later. Whether it
    /// is off the agenda.
    pub(super) fn is_lost(&self, id: &str, error: &io::Error) -> bool {
        if !is_damage(error) {
            self.tell(Event::Trouble(id, error));
            return false;
        }
        let error = because("set aside in 'damaged'", error);
        self.tell(Event::Trouble(id, &error));
        if let Err(error) = self.queue.set_aside(id) {
            self.tell(Event::Trouble(id, &error));
            return false;
        }
        self.agenda.end_try(id, None);
        true
    }

    pub(super) fn tell(&self, event: Event<'_>) {
        (self.observer)(event);
    }
}
