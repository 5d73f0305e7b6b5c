//! What a server needs to know.

use crate::disk::{Disk, RealDisk};
use crate::protocol::extension::Offer;
use crate::protocol::session::LocalMailbox;
use crate::relay::settings::RelaySettings;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// What a server needs to know. `Settings::new` fills in what a class or a test
/// would choose; the command line changes it.
pub struct Settings {
    /// Where to listen; port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// Whether standard input is a socket that listens already.
    pub listen_on_stdin: bool,
    /// The server's name, its extensions and limits.
    pub offer: Offer,
    /// The domains whose mail is kept here, in canonical form.
    pub domains: Vec<String>,
    /// The mailboxes that exist; none for "every plain name".
    pub mailboxes: Vec<LocalMailbox>,
    /// The folder of the mailboxes.
    pub mail: PathBuf,
    /// The file system: `RealDisk`, except in tests.
    pub disk: Box<dyn Disk>,
    /// The most connections at a time.
    pub max_connections: usize,
    /// The most from one address; `None` for 50, with loopback spared.
    pub max_per_client: Option<usize>,
    /// How long a client may take for one command. RFC 5321 4.5.3.2.7 wants
    /// five minutes at least.
    pub timeout: Duration,
    /// Whether to show the dialogue and its reasons as it goes: as messages in
    /// the log, with the target [`LIVE_DIALOGUE`](super::LIVE_DIALOGUE).
    pub explain: bool,
    /// The folder where each session becomes a transcript, if any.
    pub record: Option<PathBuf>,
    /// What happens to mail for other domains; none of it is taken without.
    pub relay: Option<RelaySettings>,
}

impl Settings {
    /// A server for `localhost`, on port 2525 of the loopback address, that
    /// keeps its mail in the folder `mail`.
    pub fn new(mail: impl Into<PathBuf>) -> Settings {
        Settings {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 2525))],
            listen_on_stdin: false,
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
            relay: None,
        }
    }
}
