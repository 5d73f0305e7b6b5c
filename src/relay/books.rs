//! The books: what the results of a try make of an entry. Read `close`.
//!
//! A try is over when all groups of its recipients have their results. Then an
//! entry waits for the next try, or is taken out. For the recipients that
//! are given up there is a bounce (RFC 5321 6.1), an entry like any other:
//!
//! ```text
//! the bounce is made      as ID-TRY-n, and it lists whom it tells of
//! the entry is updated    these recipients are `told`, or all is over
//! the bounce is sent
//! ```
//!
//! A crash after the first step leaves an entry that does not know of its
//! bounce; the next start reads it from the bounce (`stock.rs`). So nobody is
//! told twice. Mail from `<>` is never answered with mail (4.5.5): it goes to
//! `dead`.
//!
//! Interface:
//!   `Books`    enters results; `close` ends a try
//!   `Closed`   what follows

use super::bounce::{self, Bounce, Failure};
use super::entry::{Answer, Entry, Fate, Recipient, State, TextNeeds};
use super::event::{Event, Observer};
use super::queue::Queue;
use super::schedule::{Next, Schedule};
use crate::protocol::address::{Mailbox, ReversePath};
use std::io::{self, ErrorKind, Read};
use std::time::Duration;

/// The header of a message is looked for in this many bytes.
const HEADER_LIMIT: u64 = 65_536;

/// Enters results.
#[derive(Clone, Copy)]
pub struct Books<'a> {
    /// Where the entries are.
    pub queue: &'a Queue,
    /// When to try again.
    pub schedule: Schedule,
    /// Our name.
    pub hostname: &'a str,
    /// The domain whose postmaster signs bounces.
    pub domain: &'a str,
    /// Is told what happens.
    pub observer: &'a Observer<'a>,
}

/// What follows a try.
#[derive(Debug, PartialEq, Eq)]
pub struct Closed {
    /// When the next one is; none if all is over.
    pub next: Option<Duration>,
    /// The bounces that were made.
    pub bounces: Vec<String>,
}

impl Books<'_> {
    /// Enters what one group has brought, while others are still being tried.
    pub fn enter(&self, id: &str, results: &[Fate]) {
        let entered = match self.queue.entry(id) {
            Ok(Some(mut entry)) => {
                self.take(&mut entry, results);
                self.queue.replace(&entry)
            }
            Ok(None) => Ok(()),
            Err(error) => {
                self.keep(id, results);
                Err(error)
            }
        };
        if let Err(error) = entered {
            self.tell(Event::Trouble(id, &error));
        }
    }

    /// Enters what the last group has brought, and ends the try. `spread` is
    /// the random factor of the schedule.
    pub fn close(
        &self,
        id: &str,
        results: &[Fate],
        now: Duration,
        spread: f64,
    ) -> Closed {
        let mut entry = match self.queue.entry(id) {
            Ok(Some(entry)) => entry,
            Ok(None) => return Closed { next: None, bounces: Vec::new() },
            Err(error) => {
                self.keep(id, results);
                return self.postponed(id, &error, now);
            }
        };
        self.take(&mut entry, results);
        entry.tries = entry.tries.saturating_add(1);
        self.plan(&mut entry, now, spread);
        let bounces = self.bounce_all(&mut entry, now);
        let next = self.file(&entry).unwrap_or_else(|error| {
            self.tell(Event::Trouble(id, &error));
            Some(entry.next)
        });
        if let Some(next) = next {
            let wait = next.saturating_sub(now);
            self.tell(Event::Later(id, entry.tries, wait));
        }
        Closed { next, bounces }
    }

    /// An entry that cannot be read is left as it is, for some time.
    fn postponed(&self, id: &str, error: &io::Error, now: Duration) -> Closed {
        self.tell(Event::Trouble(id, error));
        let next = Some(now + self.schedule.first);
        Closed { next, bounces: Vec::new() }
    }

    fn take(&self, entry: &mut Entry, results: &[Fate]) {
        entry.enter(results);
        self.tell_results(&entry.id, results);
    }

    /// The entry cannot be read. Those who have the message must not get it
    /// again because of that.
    fn keep(&self, id: &str, results: &[Fate]) {
        self.queue.keep_results(id, results);
        self.tell_results(id, results);
    }

    fn tell_results(&self, id: &str, results: &[Fate]) {
        for Fate { mailbox, class, answer } in results {
            self.tell(Event::Settled(id, mailbox, *class, answer));
        }
    }

    /// Those who still wait get another try, or are given up.
    fn plan(&self, entry: &mut Entry, now: Duration, spread: f64) {
        let age = now.saturating_sub(entry.accepted);
        let wait = match self.schedule.next(entry.tries, age, spread) {
            Next::Wait(wait) => wait,
            Next::GiveUp => {
                entry.give_up();
                // Should there be trouble with the bounce.
                self.schedule.first
            }
        };
        entry.next = now + wait;
    }

    /// Puts the entry where it belongs now, and gives the time of its next
    /// try.
    fn file(&self, entry: &Entry) -> io::Result<Option<Duration>> {
        let id = &entry.id;
        let is_dead =
            entry.reverse_path == ReversePath::Null && entry.has(State::Failed);
        if entry.has(State::Waiting) || entry.has(State::Failed) && !is_dead {
            self.queue.replace(entry)?;
            return Ok(Some(entry.next));
        }
        if is_dead {
            let is_kept = self.queue.bury(entry)?;
            self.tell(Event::Dead(id, is_kept));
            return Ok(None);
        }
        if let Err(error) = self.queue.take_out(id) {
            // It is tried again, and until then nobody must get it twice: not
            // after a restart either.
            self.queue.replace(entry)?;
            return Err(error);
        }
        self.tell(Event::Over(id));
        Ok(None)
    }

    /// Makes bounces until all who failed are told of. One is enough, unless
    /// there are hundreds.
    fn bounce_all(&self, entry: &mut Entry, now: Duration) -> Vec<String> {
        let mut bounces = Vec::new();
        let ReversePath::Mailbox(sender) = entry.reverse_path.clone() else {
            return bounces;
        };
        while entry.has(State::Failed) {
            match self.bounce(entry, &sender, now) {
                Ok((bounce, is_new)) => {
                    entry.mark_told(&bounce.tells);
                    self.tell(Event::Bounced(&entry.id, &bounce.id, &sender));
                    bounces.extend(is_new.then_some(bounce.id));
                }
                Err(error) => {
                    self.tell(Event::Trouble(&entry.id, &error));
                    break;
                }
            }
        }
        bounces
    }

    /// Makes a bounce, or finds the one that was made before. Whether it is a
    /// new one.
    fn bounce(
        &self,
        entry: &Entry,
        sender: &Mailbox,
        now: Duration,
    ) -> io::Result<(Entry, bool)> {
        let told = entry.in_state(State::Told).count();
        let id = format!("{}-{}-{told}", entry.id, entry.tries);
        let (text, tells) = self.written(entry, sender, &id, now)?;
        let bounce = Entry {
            id: id.clone(),
            accepted: now,
            tries: 0,
            next: now,
            // Only its own recipient can make it need SMTPUTF8.
            text: TextNeeds { asks_utf8: true, ..TextNeeds::default() },
            reverse_path: ReversePath::Null,
            about: Some(entry.id.clone()),
            tells,
            recipients: vec![Recipient::new(sender.clone())],
        };
        match self.queue.create(bounce) {
            Ok(mut draft) => {
                draft.write(text.as_bytes())?;
                Ok((draft.commit()?, true))
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Ok((self.queue.entry(&id)?.ok_or(error)?, false))
            }
            Err(error) => Err(error),
        }
    }

    /// The text of a bounce, and whom it tells of.
    fn written(
        &self,
        entry: &Entry,
        sender: &Mailbox,
        id: &str,
        now: Duration,
    ) -> io::Result<(String, Vec<Mailbox>)> {
        let failed: Vec<_> = entry.in_state(State::Failed).collect();
        let words: Vec<_> =
            failed.iter().map(|r| Words::about(r, entry, now)).collect();
        let failures: Vec<_> = words.iter().map(Words::failure).collect();
        let mut original = Vec::new();
        // As much as can be read of it: a bounce without a header is better
        // than none.
        if let Ok(content) = self.queue.content(&entry.id) {
            let _ = content.take(HEADER_LIMIT).read_to_end(&mut original);
        }
        let written = Bounce {
            hostname: self.hostname,
            domain: self.domain,
            sender: &sender.to_string(),
            id,
            now: now.as_secs(),
            arrived: entry.accepted.as_secs(),
            failures: &failures,
            original: &original,
        }
        .written();
        if written.told == 0 {
            return Err(io::Error::other("nobody fits into the bounce"));
        }
        let tells = failed.into_iter().take(written.told);
        let tells = tells.map(|recipient| recipient.mailbox.clone()).collect();
        Ok((written.text, tells))
    }

    fn tell(&self, event: Event<'_>) {
        (self.observer)(event);
    }
}

/// What a bounce says about one recipient.
struct Words<'a> {
    recipient: String,
    why: String,
    answer: Option<&'a Answer>,
    now: Duration,
}

impl Words<'_> {
    fn about<'a>(
        recipient: &'a Recipient,
        entry: &Entry,
        now: Duration,
    ) -> Words<'a> {
        let answer = recipient.answer.as_ref();
        let is_late = answer.is_none_or(|a| !a.status.starts_with('5'));
        let said = match answer {
            Some(answer) if !answer.is_reply => answer.to_string(),
            Some(_) => "Its mail host did not take it.".to_owned(),
            None => "It was not tried.".to_owned(),
        };
        let why = if is_late {
            let age = in_words(now.saturating_sub(entry.accepted));
            let tries = match entry.tries {
                1 => "1 try".to_owned(),
                tries => format!("{tries} tries"),
            };
            format!("Given up after {age} and {tries}: {said}")
        } else {
            said
        };
        Words { recipient: recipient.mailbox.to_string(), why, answer, now }
    }

    fn failure(&self) -> Failure<'_> {
        let reply = self.answer.filter(|answer| answer.is_reply);
        Failure {
            recipient: &self.recipient,
            why: &self.why,
            status: self.answer.map_or("4.0.0", |answer| &answer.status),
            answer: reply.map(|reply| bounce::Answer {
                host: &reply.host,
                reply: &reply.words,
            }),
            last_attempt: self.answer.map_or(self.now.as_secs(), |a| a.at),
        }
    }
}

/// Whole hours, minutes or seconds.
fn in_words(age: Duration) -> String {
    let (count, unit) = match age.as_secs() {
        seconds @ 3600.. => (seconds / 3600, "hour"),
        seconds @ 60.. => (seconds / 60, "minute"),
        seconds => (seconds, "second"),
    };
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{ending}")
}
