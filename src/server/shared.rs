//! What all connections of a server have in common.

use super::outgoing;
use super::recorder::Recorders;
use super::settings::Settings;
use crate::disk::{RealDisk, shown};
use crate::mailbox::directory::{Directory, Found};
use crate::mailbox::maildir::Maildirs;
use crate::protocol::address::{ForwardPath, Mailbox};
use crate::protocol::extension::Offer;
use crate::protocol::reply;
use crate::protocol::session::{Destination, Verdict};
use crate::relay::local::LocalMail;
use crate::relay::office::{Around, Relay};
use crate::words::because;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What all connections have in common.
pub(super) struct Shared {
    pub(super) offer: Offer,
    pub(super) directory: Arc<Directory>,
    pub(super) maildirs: Arc<Maildirs>,
    /// Sends mail to other domains; without it none is taken.
    pub(super) relay: Option<Relay>,
    pub(super) timeout: Duration,
    /// Whether the dialogue is shown as it goes.
    pub(super) explain: bool,
    pub(super) recorders: Option<Recorders>,
}

impl Shared {
    /// Opens the mail folder and the queue. The error says what cannot be
    /// done.
    pub(super) fn open(settings: Settings) -> io::Result<Shared> {
        let folder = settings.record.clone();
        let recorders = folder.map(|f| Recorders::open(f, &settings));
        let recorders = recorders.transpose()?;
        let Settings { mail, offer, disk, .. } = settings;
        let directory = Directory::new(settings.domains, settings.mailboxes);
        let now = SystemTime::now();
        let maildirs = Maildirs::open(&mail, &offer.hostname, disk, now)
            .and_then(|maildirs| prepare(maildirs, &directory))
            .map_err(|error| {
                let folder = shown(&mail);
                because(&format!("cannot use mail folder {folder}"), &error)
            })?;
        let relay = settings
            .relay
            .map(|relay| {
                Relay::open(relay, &offer.hostname, Box::new(RealDisk))
            })
            .transpose()?;
        Ok(Shared {
            offer,
            directory: Arc::new(directory),
            maildirs: Arc::new(maildirs),
            relay,
            timeout: settings.timeout,
            explain: settings.explain,
            recorders,
        })
    }

    /// Starts to send what is in the queue. `listening` is where we listen.
    pub(super) fn start_to_send(
        &self,
        listening: &[SocketAddr],
    ) -> io::Result<()> {
        let Some(relay) = &self.relay else { return Ok(()) };
        let first = self.directory.domains().first();
        relay.start(Around {
            domain: first.unwrap_or(&self.offer.hostname).clone(),
            mailboxes: LocalMail {
                directory: Arc::clone(&self.directory),
                maildirs: Arc::clone(&self.maildirs),
            },
            listening: listening.to_vec(),
            observer: outgoing::observer(self.explain),
        })
    }

    // ANCHOR: verdict
    /// Whether a recipient is welcome to this client. The directory knows who
    /// lives here. Mail for others is taken from the clients that may relay,
    /// and from nobody else (RFC 5321 7.9).
    pub(super) fn verdict(
        &self,
        path: &ForwardPath,
        client: Option<IpAddr>,
    ) -> Verdict {
        match (self.directory.find(path), path) {
            (Found::Here(mailbox), _) => {
                Verdict::Welcome(Destination::Here(mailbox))
            }
            (Found::Refused(refusal), _) => Verdict::Refused(refusal),
            (Found::Elsewhere, ForwardPath::Mailbox(mailbox)) => {
                self.verdict_elsewhere(mailbox, client)
            }
            (Found::Elsewhere, ForwardPath::Postmaster) => {
                Verdict::Refused(reply::NO_SUCH_MAILBOX)
            }
        }
    }
    // ANCHOR_END: verdict

    fn verdict_elsewhere(
        &self,
        mailbox: &Mailbox,
        client: Option<IpAddr>,
    ) -> Verdict {
        let may_relay = |relay: &&Relay| {
            client.is_some_and(|client| relay.settings().is_for(client))
        };
        match self.relay.as_ref().filter(may_relay) {
            None => Verdict::Refused(reply::RELAYING_REFUSED),
            Some(relay) if !relay.has_room() => {
                Verdict::Refused(reply::NO_SPACE)
            }
            Some(_) => {
                Verdict::Welcome(Destination::Elsewhere(mailbox.clone()))
            }
        }
    }
}

/// Makes the mailboxes that were named, and learns of the others.
fn prepare(maildirs: Maildirs, directory: &Directory) -> io::Result<Maildirs> {
    for mailbox in directory.named() {
        maildirs.make(mailbox)?;
    }
    directory.remember(maildirs.existing().iter().cloned());
    Ok(maildirs)
}
