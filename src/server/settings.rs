//! What a server needs to know, and what its connections have in common.

use super::explain::Explainer;
use super::recorder::Recorders;
use crate::mailbox::directory::Directory;
use crate::mailbox::disk::{Disk, RealDisk};
use crate::mailbox::maildir::Maildirs;
use crate::protocol::extension::Offer;
use crate::protocol::session::LocalMailbox;
use crate::words::because;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// What a server needs to know. `Settings::new` fills in what a class or a test
/// would choose; the command line changes it.
pub struct Settings {
    /// Where to listen; port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// The server's name, its extensions and limits.
    pub offer: Offer,
    /// The domains whose mail is kept here, in canonical form.
    pub domains: Vec<String>,
    /// The mailboxes that exist; none for "every plain name".
    pub mailboxes: Vec<LocalMailbox>,
    /// The folder of the mailboxes.
    pub mail: PathBuf,
    /// The file system: `RealDisk`, but for tests.
    pub disk: Box<dyn Disk>,
    /// The most connections at a time.
    pub max_connections: usize,
    /// The most from one address; `None` for 50, with loopback spared.
    pub max_per_client: Option<usize>,
    /// How long a client may take for one command.
    pub timeout: Duration,
    /// Whether to explain the dialogue on standard error.
    pub explain: bool,
    /// The folder where each session becomes a transcript, if any.
    pub record: Option<PathBuf>,
}

impl Settings {
    /// A server for `localhost`, on port 2525 of the loopback address, that
    /// keeps its mail in the folder `mail`.
    pub fn new(mail: impl Into<PathBuf>) -> Settings {
        Settings {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 2525))],
            offer: Offer {
                hostname: "localhost".to_owned(),
                max_size: 26_214_400,
                max_recipients: 100,
                without: Vec::new(),
            },
            domains: vec!["localhost".to_owned()],
            mailboxes: Vec::new(),
            mail: mail.into(),
            disk: Box::new(RealDisk),
            max_connections: 500,
            max_per_client: None,
            timeout: Duration::from_secs(300),
            explain: false,
            record: None,
        }
    }
}

/// What all connections have in common.
pub(super) struct Shared {
    pub(super) offer: Offer,
    pub(super) directory: Directory,
    pub(super) maildirs: Maildirs,
    pub(super) timeout: Duration,
    pub(super) explainer: Option<Explainer>,
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
                let folder = mail.display();
                because(&format!("cannot use mail folder {folder}"), &error)
            })?;
        Ok(Shared {
            offer,
            directory,
            maildirs,
            timeout: settings.timeout,
            explainer: settings.explain.then(Explainer::new),
            recorders,
        })
    }
}

/// Makes the mailboxes that were named, and learns of the others.
fn prepare(maildirs: Maildirs, directory: &Directory) -> io::Result<Maildirs> {
    for recipient in directory.named() {
        maildirs.make(recipient)?;
    }
    directory.remember(maildirs.existing()?);
    Ok(maildirs)
}
