//! The sending half as a whole, as the server sees it: it takes mail for other
//! hosts, and the rest is its own business.
//!
//! Interface:
//!   `Relay`     open it, start it, stage mail; dropping it ends its threads
//!   `Around`    what it must know of the server around it
//!   `Arrival`   a message that is to be sent
//!   `Outgoing`  that message while it is being written
//!   `Stored`    that message when it is in the queue, and may still be refused

use super::agenda::Agenda;
use super::desk::{Desk, now};
use super::entry::{Entry, Recipient, TextNeeds};
use super::event::Observer;
use super::local::LocalMail;
use super::mx::Router;
use super::queue::{ENTRY_LIMIT, Queue, QueueDraft};
use super::resolver::Resolver;
use super::runner;
use super::schedule::Schedule;
use super::settings::RelaySettings;
use super::smart_host::SmartHost;
use super::stock::take_stock;
use crate::disk::{Disk, shown};
use crate::protocol::address::{Mailbox, ReversePath};
use crate::words::{because, no_thread};
use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// How long the end waits for turns whose connections were cut.
const LAST_TURNS: Duration = Duration::from_secs(1);

/// How often another id is tried when one is taken.
const ID_TRIES: u32 = 1_000;

/// The sending half.
pub struct Relay {
    settings: RelaySettings,
    hostname: String,
    queue: Arc<Queue>,
    agenda: Arc<Agenda>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the sending half must know of the server around it.
pub struct Around {
    /// The domain whose postmaster signs bounces.
    pub domain: String,
    /// The mailboxes here.
    pub mailboxes: LocalMail,
    /// Where the server listens: mail must not go back there.
    pub listening: Vec<SocketAddr>,
    /// Is told what happens.
    pub observer: Box<Observer<'static>>,
}

/// A message that is to be sent.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Where a bounce goes.
    pub reverse_path: ReversePath,
    /// The recipients: one at least.
    pub recipients: Vec<Mailbox>,
    /// Whether it came with SMTPUTF8.
    pub asks_utf8: bool,
}

impl Relay {
    /// Opens the queue, and finds out what is in it. Nothing is sent yet, but
    /// mail can be taken. The error says what cannot be done.
    pub fn open(
        settings: RelaySettings,
        hostname: &str,
        disk: Box<dyn Disk>,
    ) -> io::Result<Relay> {
        let folder = &settings.queue;
        let queue = Queue::open(folder, disk);
        let stock = queue.and_then(|queue| Ok((take_stock(&queue)?, queue)));
        let (entries, queue) = stock.map_err(|error| {
            because(&format!("cannot use queue {}", shown(folder)), &error)
        })?;
        let agenda = Arc::new(Agenda::default());
        agenda.add(entries);
        Ok(Relay {
            settings,
            hostname: hostname.to_owned(),
            queue: Arc::new(queue),
            agenda,
            thread: Mutex::default(),
        })
    }

    /// Starts to send.
    pub fn start(&self, around: Around) -> io::Result<()> {
        let desk = Arc::new(self.desk(around));
        let thread = Builder::new().name("runner".to_owned());
        let run = move || runner::run(&desk);
        let thread = thread.spawn(run).map_err(no_thread)?;
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(thread);
        Ok(())
    }

    fn desk(&self, around: Around) -> Desk {
        let settings = &self.settings;
        let smart_host = settings.smart_host.as_ref().map(|host| {
            let is_bare_ipv6 = host.host.contains(':');
            let name = match is_bare_ipv6 {
                true => format!("[{}]", host.host),
                false => host.host.clone(),
            };
            SmartHost { host: name, port: host.port }
        });
        Desk {
            queue: Arc::clone(&self.queue),
            agenda: Arc::clone(&self.agenda),
            router: Router {
                resolver: Resolver::new(Vec::from_iter(settings.resolver)),
                smart_host,
                mx_port: settings.mx_port,
                hostname: self.hostname.clone(),
                listening: around.listening,
            },
            schedule: Schedule {
                first: settings.retry_first,
                max: settings.retry_max,
                give_up: settings.give_up,
            },
            hostname: self.hostname.clone(),
            domain: around.domain,
            mailboxes: around.mailboxes,
            observer: around.observer,
            timeout_cap: settings.send_timeout.unwrap_or(Duration::MAX),
        }
    }

    /// What it was told.
    pub fn settings(&self) -> &RelaySettings {
        &self.settings
    }

    /// Whether the queue takes one more message. Sessions that ask at the same
    /// time get the same answer, so it may hold a few more in the end.
    pub fn has_room(&self) -> bool {
        self.agenda.len() < ENTRY_LIMIT
    }

    /// Begins a message.
    pub fn stage(&self, arrival: &Arrival) -> io::Result<Outgoing<'_>> {
        let accepted = now();
        for number in 0..ID_TRIES {
            let id = new_id(number);
            match self.queue.create(arrival.entry(id, accepted)) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                created => {
                    let (draft, relay) = (created?, self);
                    return Ok(Outgoing { draft, relay });
                }
            }
        }
        Err(io::Error::new(ErrorKind::AlreadyExists, "each new id is taken"))
    }

    /// Ends everything, in about a second at the most: the threads, and the
    /// claim on the folder.
    ///
    /// One thing cannot be cut short: a connection that is just being made,
    /// or a look-up. It comes to its end by its own time-out, and what comes
    /// of it counts for nothing.
    pub fn stop(&self) {
        self.agenda.stop();
        let mut thread =
            self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // Whether it has panicked is no matter any more.
            let _ = thread.join();
        }
        self.agenda.wait_for_turns(LAST_TURNS);
        self.queue.close();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Arrival {
    /// A recipient that was named twice is kept once.
    fn entry(&self, id: String, accepted: Duration) -> Entry {
        let mut known = BTreeSet::new();
        let mut recipients = self.recipients.clone();
        recipients.retain(|mailbox| {
            known.insert((mailbox.local_part.clone(), mailbox.host.canonical()))
        });
        Entry {
            id,
            accepted,
            tries: 0,
            next: accepted,
            text: TextNeeds {
                asks_utf8: self.asks_utf8,
                ..TextNeeds::default()
            },
            reverse_path: self.reverse_path.clone(),
            about: None,
            tells: Vec::new(),
            recipients: recipients.into_iter().map(Recipient::new).collect(),
        }
    }
}

/// A message that is being written. Dropped before it is stored, it leaves
/// nothing.
pub struct Outgoing<'a> {
    draft: QueueDraft<'a>,
    relay: &'a Relay,
}

impl<'a> Outgoing<'a> {
    /// What it is called: one word, fit for a `Received`.
    pub fn id(&self) -> &str {
        self.draft.id()
    }

    /// Adds to the message. Lines end in LF, as in any file here. It begins
    /// with our own Received, and has no Return-Path.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.draft.write(bytes)
    }

    /// Makes the message durable, and does not send it yet: the mailboxes here
    /// may still say no. With `Ok` we may say 250.
    pub fn store(self) -> io::Result<Stored<'a>> {
        let Outgoing { draft, relay } = self;
        let entry = draft.commit()?;
        Ok(Stored { entry: Some(entry), relay })
    }
}

/// A message that is in the queue. Dropped before it is sent, it is taken out
/// again.
pub struct Stored<'a> {
    /// None: it is sent.
    entry: Option<Entry>,
    relay: &'a Relay,
}

impl Stored<'_> {
    /// Lets it go, and gives its id.
    pub fn send(mut self) -> String {
        let Some(entry) = self.entry.take() else { return String::new() };
        self.relay.agenda.add([(entry.next, entry.id.clone())]);
        entry.id
    }
}

impl Drop for Stored<'_> {
    fn drop(&mut self) {
        if let Some(entry) = &self.entry
            && let Err(error) = self.relay.queue.take_out(&entry.id)
        {
            log::warn!("a refused message stays in the queue: {error}");
        }
    }
}

/// The time, to the microsecond: ids sort by arrival. `number` makes it another
/// one.
fn new_id(number: u32) -> String {
    let now = now() + Duration::from_micros(number.into());
    format!("{}-{:06}", now.as_secs(), now.subsec_micros())
}
