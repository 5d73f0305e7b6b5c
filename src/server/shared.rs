//! What all connections of a server have in common.

use super::recorder::Recorders;
use super::settings::Settings;
use crate::disk::shown;
use crate::mailbox::directory::{Directory, Found};
use crate::mailbox::maildir::Maildirs;
use crate::protocol::address::ForwardPath;
use crate::protocol::extension::Offer;
use crate::protocol::reply;
use crate::protocol::session::{Destination, Verdict};
use crate::words::because;
use std::io;
use std::time::{Duration, SystemTime};

/// What all connections have in common.
pub(super) struct Shared {
    pub(super) offer: Offer,
    pub(super) directory: Directory,
    pub(super) maildirs: Maildirs,
    pub(super) timeout: Duration,
    /// Whether the dialogue is shown as it goes.
    pub(super) explain: bool,
    pub(super) recorders: Option<Recorders>,
}

impl Shared {
    /// Opens the mail folder. The error says what cannot be done.
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
        Ok(Shared {
            offer,
            directory,
            maildirs,
            timeout: settings.timeout,
            explain: settings.explain,
            recorders,
        })
    }

    /// Whether a recipient is welcome: the directory knows who lives here.
    pub(super) fn verdict(&self, path: &ForwardPath) -> Verdict {
        match self.directory.find(path) {
            Found::Here(mailbox) => {
                Verdict::Welcome(Destination::Here(mailbox))
            }
            Found::Elsewhere => Verdict::Refused(reply::RELAYING_REFUSED),
            Found::Refused(refusal) => Verdict::Refused(refusal),
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
