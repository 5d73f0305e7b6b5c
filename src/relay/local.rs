//! Mail of the queue for mailboxes on this host: bounces, mostly.
//!
//! Interface:
//!   `LocalMail`  the mailboxes; `is_for`, `deliver`

use super::entry::Answer;
use crate::mailbox::directory::{Directory, Found};
use crate::mailbox::maildir::Maildirs;
use crate::protocol::address::{ForwardPath, Mailbox, ReversePath};
use crate::protocol::decision::Class;
use crate::protocol::reply::Reply;
use crate::protocol::session::LocalMailbox;
use crate::protocol::trace::return_path;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The mailboxes on this host.
#[derive(Clone)]
pub struct LocalMail {
    /// Which ones there are.
    pub directory: Arc<Directory>,
    /// How mail gets into them.
    pub maildirs: Arc<Maildirs>,
}

impl LocalMail {
    /// Whether mail for this address must not leave the host: also if there
    /// is no such mailbox.
    pub fn is_for(&self, mailbox: &Mailbox) -> bool {
        match self.find(mailbox) {
            Found::Here(_) | Found::Refused(_) => true,
            Found::Elsewhere => false,
        }
    }

    /// Puts a message into a mailbox, and says what became of it.
    pub fn deliver(
        &self,
        mailbox: &Mailbox,
        reverse_path: &ReversePath,
        content: io::Result<Box<dyn Read>>,
        now: Duration,
    ) -> (Class, Answer) {
        let stored = match self.find(mailbox) {
            Found::Here(mailbox) => self.store(mailbox, reverse_path, content),
            Found::Refused(reply) => Ok(Err(reply)),
            // A domain that was ours when the try began is ours now.
            Found::Elsewhere => return trouble(now, "not here any more"),
        };
        match stored {
            Ok(Ok(name)) => {
                let words = format!("stored as {name}");
                (Class::Delivered, own_words(now, "2.0.0", &words))
            }
            Ok(Err(reply)) => {
                let class = match reply.code {
                    500.. => Class::Permanent,
                    _ => Class::Temporary,
                };
                (class, own_words(now, reply.enhanced, reply.text))
            }
            Err(error) => trouble(now, &error.to_string()),
        }
    }

    fn find(&self, mailbox: &Mailbox) -> Found {
        self.directory.find(&ForwardPath::Mailbox(mailbox.clone()))
    }

    /// On top goes the one field that a message gets when it has arrived
    /// (RFC 5321 4.4).
    fn store(
        &self,
        mailbox: LocalMailbox,
        reverse_path: &ReversePath,
        content: io::Result<Box<dyn Read>>,
    ) -> io::Result<Result<String, Reply>> {
        let mailboxes = [mailbox];
        let place = match self.directory.take_places(&mailboxes) {
            Ok(place) => place,
            Err(reply) => return Ok(Err(reply)),
        };
        let mut staged = self.maildirs.stage(&mailboxes, SystemTime::now())?;
        staged.write(return_path(reverse_path).as_bytes())?;
        let (mut content, mut block) = (content?, vec![0; 8192]);
        loop {
            match content.read(&mut block)? {
                0 => break,
                count => {
                    staged.write(block.get(..count).unwrap_or_default())?
                }
            }
        }
        let name = staged.commit()?;
        place.keep();
        Ok(Ok(name))
    }
}

/// Trouble of our own is over some day.
fn trouble(now: Duration, words: &str) -> (Class, Answer) {
    (Class::Temporary, own_words(now, "4.3.0", words))
}

fn own_words(now: Duration, status: &str, words: &str) -> Answer {
    Answer::new(now, status, "", false, words.as_bytes())
}
