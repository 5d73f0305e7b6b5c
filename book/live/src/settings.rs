//! The settings of the server in the page, as a transcript writes them:
//! `max-size=1000 without=HELP`.
//!
//! They are those of `pillarbox serve` that mean something without a network
//! and a disk. What is not given is as in every transcript: the host
//! `mx.example.org`, with the mailboxes of Bob and Carol.

use crate::mailbox::directory::Directory;
use crate::protocol::address;
use crate::protocol::extension::{Extension, Offer};
use crate::protocol::session::LocalMailbox;

/// What a server of the page needs to know.
pub(crate) struct Settings {
    pub(crate) offer: Offer,
    pub(crate) directory: Directory,
    /// The words that were not understood.
    pub(crate) wrong: Vec<String>,
}

/// The options as far as they were read. Those that may be repeated are lists.
#[derive(Default)]
struct Given {
    hostname: Option<String>,
    domains: Vec<String>,
    mailboxes: Vec<LocalMailbox>,
    max_size: Option<u64>,
    max_recipients: Option<usize>,
    without: Vec<Extension>,
}

impl Settings {
    pub(crate) fn read(text: &str) -> Settings {
        let mut given = Given::default();
        let is_wrong = |word: &&str| given.take(word).is_none();
        let wrong = text.split_ascii_whitespace().filter(is_wrong);
        let wrong = wrong.map(str::to_owned).collect();
        if given.domains.is_empty() {
            given.domains = vec!["example.org".to_owned()];
        }
        if given.mailboxes.is_empty() {
            let cast = ["bob@example.org", "carol@example.org"].into_iter();
            given.mailboxes = cast.filter_map(mailbox).collect();
        }
        let host = || "mx.example.org".to_owned();
        Settings {
            offer: Offer {
                hostname: given.hostname.unwrap_or_else(host),
                max_size: given.max_size.unwrap_or(26_214_400),
                max_recipients: given.max_recipients.unwrap_or(100),
                without: given.without,
            },
            directory: Directory::new(given.domains, given.mailboxes),
            wrong,
        }
    }
}

impl Given {
    /// Takes one word, if it is an option and can be read.
    fn take(&mut self, word: &str) -> Option<()> {
        let (key, value) = word.split_once('=')?;
        match key {
            "hostname" => self.hostname = Some(value.to_owned()),
            "domain" => {
                self.domains.push(address::whole_host(value).ok()?.canonical());
            }
            "mailbox" => self.mailboxes.push(mailbox(value)?),
            "max-size" => self.max_size = Some(value.parse().ok()?),
            "max-recipients" => {
                self.max_recipients = Some(value.parse().ok()?);
            }
            "without" => self.without.push(Extension::named(value)?),
            _ => return None,
        }
        Some(())
    }
}

fn mailbox(text: &str) -> Option<LocalMailbox> {
    let mailbox = address::mailbox(text).ok()?;
    let local_part = mailbox.local_part.to_ascii_lowercase();
    Some(LocalMailbox { domain: mailbox.host.canonical(), local_part })
}
