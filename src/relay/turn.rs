//! One turn of a group: the look-up, one connection, and up to a hundred
//! messages over it (RFC 5321 5.1 and 4.5.4.1).
//!
//! If nobody answers, that counts for all mail of the group that is due: a
//! thousand messages to a host that is away cost one try.

use super::agenda::Attempt;
use super::client::{self, Courier, Orders, Report};
use super::desk::{Desk, now};
use super::entry::{Answer, Entry, Fate};
use super::event::Event;
use super::line::Group;
use super::route::NoRoute;
use crate::protocol::address::Mailbox;
use crate::protocol::decision::Class;
use crate::protocol::outcome::{Cause, Settled};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

/// One connection carries this many messages.
const MESSAGE_LIMIT: usize = 100;

/// One turn. It ends when this value is dropped.
pub(super) struct Turn {
    desk: Arc<Desk>,
    number: u64,
    group: Group,
    /// Whether a host has answered in this turn.
    has_answer: Cell<bool>,
}

impl Turn {
    pub(super) fn new(desk: Arc<Desk>, number: u64, group: Group) -> Turn {
        Turn { desk, number, group, has_answer: Cell::new(false) }
    }

    pub(super) fn run(&self) {
        self.tell(Event::TurnBegins(self.number, &self.group));
        match &self.group {
            Group::Here => self.deliver_here(),
            Group::SmartHost => self.deliver_to(""),
            Group::Domain(domain) => self.deliver_to(domain),
        }
    }

    /// To the hosts of a domain, or to the smart host.
    fn deliver_to(&self, domain: &str) {
        let mut watch = |step| self.tell(Event::LookUp(self.number, &step));
        let addresses = match self.desk.router.route(domain, &mut watch) {
            Ok(addresses) => addresses,
            Err(why) => return self.no_route(&why),
        };
        let observer = |event: client::Event<'_>| self.observe(&event);
        let mut courier = Courier::new(Orders {
            name: &self.desk.hostname,
            timeout_cap: self.desk.timeout_cap,
            observer: &observer,
        });
        for _ in 0..MESSAGE_LIMIT {
            let Some(attempt) = self.desk.agenda.next(&self.group) else {
                break;
            };
            let Some((entry, recipients)) = self.look_at(&attempt) else {
                continue;
            };
            self.tell(Event::Trying(self.number, &entry.id, &recipients));
            let content = || self.desk.queue.content(&entry.id);
            let mut report = Report::default();
            for envelope in entry.envelopes(recipients) {
                report.add(courier.deliver(&addresses, &envelope, &content));
                if !report.has_opened {
                    break;
                }
            }
            if !self.take(attempt, &report) {
                break;
            }
        }
    }

    /// To mailboxes on this host.
    fn deliver_here(&self) {
        while let Some(attempt) = self.desk.agenda.next(&self.group) {
            let Some((entry, recipients)) = self.look_at(&attempt) else {
                continue;
            };
            self.tell(Event::Trying(self.number, &entry.id, &recipients));
            let deliver = |mailbox: Mailbox| {
                let content = self.desk.queue.content(&entry.id);
                let path = &entry.reverse_path;
                let (class, answer) =
                    self.desk.mailboxes.deliver(&mailbox, path, content, now());
                Fate { mailbox, class, answer }
            };
            let results: Vec<_> = recipients.into_iter().map(deliver).collect();
            self.desk.settle(&attempt, &results);
        }
    }

    /// The entry of an attempt, and its recipients in this group. None: there
    /// is nothing to do.
    fn look_at(&self, attempt: &Attempt) -> Option<(Entry, Vec<Mailbox>)> {
        let (id, queue) = (&attempt.id, &self.desk.queue);
        let with_content = |entry| queue.content(id).map(|_| entry);
        let found = queue.entry(id);
        match found.and_then(|e| e.map(with_content).transpose()) {
            Ok(Some(entry)) => {
                let mine = self.mine(&entry);
                return Some((entry, mine));
            }
            Err(error) if self.desk.is_lost(id, &error) => {}
            Ok(None) | Err(_) => self.desk.settle(attempt, &[]),
        }
        None
    }

    /// The recipients in this group that wait.
    fn mine(&self, entry: &Entry) -> Vec<Mailbox> {
        let is_mine = |m: &&Mailbox| self.desk.group_of(m) == self.group;
        entry.waiting().filter(is_mine).cloned().collect()
    }

    /// Takes what the courier brings back. Whether it may go on.
    fn take(&self, attempt: Arc<Attempt>, report: &Report) -> bool {
        let at = now();
        let is_cut = |s: &Settled| matches!(s.outcome.cause, Cause::Trouble(_));
        if self.desk.agenda.is_stopping() && report.settled.iter().any(is_cut) {
            return false;
        }
        if !report.has_opened
            && let Some(first) = report.settled.first()
            && first.outcome.class == Class::Temporary
        {
            self.desk.agenda.put_back(&self.group, attempt);
            self.nobody_there(Class::Temporary, &answer(first, at));
            return false;
        }
        if report.has_opened && !self.has_answer.replace(true) {
            self.desk.agenda.is_there(&self.group);
        }
        let fate = |settled: &Settled| Fate {
            mailbox: settled.recipient.clone(),
            class: settled.outcome.class,
            answer: answer(settled, at),
        };
        let results: Vec<_> = report.settled.iter().map(fate).collect();
        self.desk.settle(&attempt, &results);
        true
    }

    fn no_route(&self, why: &NoRoute) {
        let class = match why.is_permanent() {
            true => Class::Permanent,
            false => Class::Temporary,
        };
        let words = format!("{}: {why}", self.group);
        let answer =
            Answer::new(now(), why.status(), "", false, words.as_bytes());
        self.nobody_there(class, &answer);
    }

    /// All mail of the group that is due has the same result.
    fn nobody_there(&self, class: Class, answer: &Answer) {
        if self.desk.agenda.is_stopping() {
            return;
        }
        let fate = |mailbox| Fate { mailbox, class, answer: answer.clone() };
        for attempt in self.desk.agenda.is_away(&self.group) {
            let entry = self.desk.queue.entry(&attempt.id);
            // If it cannot be read, the next try finds out the same.
            let mine = entry.map(|entry| entry.map(|e| self.mine(&e)));
            let mine = mine.ok().flatten().unwrap_or_default();
            let results: Vec<_> = mine.into_iter().map(fate).collect();
            self.desk.settle(&attempt, &results);
        }
    }

    fn observe(&self, event: &client::Event<'_>) {
        match event {
            client::Event::Connected(_, stream) => {
                self.desk.agenda.connected(self.number, stream);
            }
            client::Event::Closed => self.desk.agenda.closed(self.number),
            client::Event::Connecting(_)
            | client::Event::Unreachable(..)
            | client::Event::Said(_)
            | client::Event::SaidText(_)
            | client::Event::Heard(_)
            | client::Event::Decided(..) => {}
        }
        self.tell(Event::Dialogue(self.number, event));
    }

    fn tell(&self, event: Event<'_>) {
        self.desk.tell(event);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.tell(Event::TurnEnds(self.number));
        self.desk.agenda.end_turn(self.number, &self.group);
    }
}

/// What an entry keeps of an outcome.
fn answer(settled: &Settled, at: Duration) -> Answer {
    let outcome = &settled.outcome;
    let (is_reply, words) = match &outcome.cause {
        Cause::Reply(reply) => (true, reply.lines.join(&b' ')),
        Cause::Trouble(words) => (false, words.clone().into_bytes()),
    };
    Answer::new(at, &outcome.status(), &settled.host, is_reply, &words)
}
