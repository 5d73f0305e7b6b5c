//! The directory: which mailboxes exist (RFC 5321 3.3 and 4.5.1).
//!
//! A client's text is looked up here and never becomes a path by itself. What
//! comes out is a `LocalMailbox` in the directory's own spelling: either one of
//! the mailboxes that were named at the start, or a word from a narrow
//! alphabet in which no path can be written.
//!
//! Interface:
//!   `Directory`  the mailboxes that exist
//!   `Found`      what it says of a recipient's address
//!
//! Guarantees:
//! - `postmaster` exists in every domain, in any case (RFC 5321 4.5.1);
//! - the same mailbox has one spelling: quotes, case and `+tag` do not count;
//! - there are at most `MAILBOX_LIMIT` mailboxes.
//!
//! Not here: folders and files (`maildir.rs`).

use crate::protocol::address::{ForwardPath, Host};
use crate::protocol::reply::{self, Reply};
use crate::protocol::session::LocalMailbox;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many mailboxes there may be. Without a limit, a client that makes up
/// names could fill the disk with folders.
pub const MAILBOX_LIMIT: usize = 1000;

const POSTMASTER: &str = "postmaster";

/// Which mailboxes exist.
#[derive(Debug)]
pub struct Directory {
    domains: Vec<String>,
    named: BTreeSet<LocalMailbox>,
    is_open: bool,
    places: Mutex<Places>,
}

/// The mailboxes that take one of the `MAILBOX_LIMIT` places.
#[derive(Debug, Default)]
struct Places {
    /// The mailboxes that have got a message, or were named.
    made: BTreeSet<LocalMailbox>,
    /// Those whose first message is being stored, with the number of messages.
    pending: BTreeMap<LocalMailbox, usize>,
}

/// What the directory says of a recipient's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The mailbox is one of ours.
    Here(LocalMailbox),
    /// The domain is not one of ours.
    Elsewhere,
    /// The address should be ours, and mail for it cannot be taken.
    Refused(Reply),
}

impl Directory {
    /// A directory of the mailboxes in `named`, and the postmasters.
    ///
    /// `domains` are in canonical form, the first one is `<postmaster>`'s. If
    /// `named` is empty the directory is open: every plain name has a mailbox.
    pub fn new(domains: Vec<String>, named: Vec<LocalMailbox>) -> Directory {
        let is_open = named.is_empty();
        let mut named: BTreeSet<LocalMailbox> = named.into_iter().collect();
        named.extend(domains.iter().map(|domain| local(domain, POSTMASTER)));
        let made = named.clone();
        let places = Mutex::new(Places { made, ..Places::default() });
        Directory { domains, named, is_open, places }
    }

    /// The domains whose mail is kept here; the first one is `<postmaster>`'s.
    pub fn domains(&self) -> &[String] {
        &self.domains
    }

    /// The mailboxes that exist before any mail has come.
    pub fn named(&self) -> impl Iterator<Item = &LocalMailbox> {
        self.named.iter()
    }

    /// Learns of mailboxes that were made in an earlier run.
    pub fn remember(&self, made: impl IntoIterator<Item = LocalMailbox>) {
        self.places().made.extend(made);
    }

    // ANCHOR: find
    /// Whose mailbox the path of a RCPT leads to (RFC 5321 3.3).
    pub fn find(&self, path: &ForwardPath) -> Found {
        let mailbox = match path {
            ForwardPath::Postmaster => return self.first_postmaster(),
            ForwardPath::Mailbox(mailbox) => mailbox,
        };
        let domain = mailbox.host.canonical();
        if self.domains.contains(&domain) {
            return self.find_here(domain, &mailbox.local_part);
        }
        match mailbox.host {
            Host::Domain(_) => Found::Elsewhere,
            Host::Address(_) | Host::General(_) => {
                Found::Refused(reply::NO_SUCH_DOMAIN)
            }
        }
    }
    // ANCHOR_END: find

    fn find_here(&self, domain: String, local_part: &str) -> Found {
        let whole = local_part.to_ascii_lowercase();
        let without_tag = whole.split('+').next().unwrap_or_default();
        for local_part in [&whole, without_tag] {
            let mailbox = local(&domain, local_part);
            if self.named.contains(&mailbox) {
                return Found::Here(mailbox);
            }
        }
        if self.is_open && is_plain(without_tag) {
            self.if_there_is_room(local(&domain, without_tag))
        } else {
            Found::Refused(reply::NO_SUCH_MAILBOX)
        }
    }

    /// `<postmaster>` without a domain is that of the first one.
    fn first_postmaster(&self) -> Found {
        match self.domains.first() {
            Some(domain) => Found::Here(local(domain, POSTMASTER)),
            None => Found::Refused(reply::NO_SUCH_MAILBOX),
        }
    }

    fn if_there_is_room(&self, mailbox: LocalMailbox) -> Found {
        if self.places().has_room_for(&mailbox) {
            Found::Here(mailbox)
        } else {
            Found::Refused(reply::TOO_MANY_MAILBOXES)
        }
    }

    /// Takes places for these mailboxes, all of them or none, while a message
    /// for them is being stored.
    ///
    /// RCPT makes no mailbox, delivery does. So the last free place may have
    /// been promised to several transactions.
    pub fn take_places(
        &self,
        mailboxes: &[LocalMailbox],
    ) -> Result<TakenPlaces<'_>, Reply> {
        let mut places = self.places();
        let is_new = |m: &&LocalMailbox| !places.made.contains(m);
        let new: Vec<_> = mailboxes.iter().filter(is_new).cloned().collect();
        let takes_place = |m: &&LocalMailbox| !places.pending.contains_key(m);
        let more = new.iter().filter(takes_place).count();
        if more > 0 && places.taken() + more > MAILBOX_LIMIT {
            return Err(reply::TOO_MANY_MAILBOXES);
        }
        for mailbox in &new {
            *places.pending.entry(mailbox.clone()).or_default() += 1;
        }
        Ok(TakenPlaces { directory: self, new })
    }

    /// A session that panicked while it held the lock left the places as they
    /// were: nothing in here stops half-way.
    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn taken(&self) -> usize {
        let new = self.pending.keys().filter(|m| !self.made.contains(*m));
        self.made.len() + new.count()
    }

    fn has_room_for(&self, mailbox: &LocalMailbox) -> bool {
        self.made.contains(mailbox)
            || self.pending.contains_key(mailbox)
            || self.taken() < MAILBOX_LIMIT
    }
}

/// Places for new mailboxes. Dropped without `keep`, it gives them back.
pub struct TakenPlaces<'a> {
    directory: &'a Directory,
    new: Vec<LocalMailbox>,
}

impl TakenPlaces<'_> {
    /// The message is stored: the mailboxes are made, and keep their places.
    pub fn keep(self) {
        self.directory.places().made.extend(self.new.iter().cloned());
    }
}

impl Drop for TakenPlaces<'_> {
    fn drop(&mut self) {
        let mut places = self.directory.places();
        for mailbox in &self.new {
            match places.pending.get_mut(mailbox) {
                Some(messages) if *messages > 1 => *messages -= 1,
                Some(_) | None => drop(places.pending.remove(mailbox)),
            }
        }
    }
}

fn local(domain: &str, local_part: &str) -> LocalMailbox {
    LocalMailbox {
        domain: domain.to_owned(),
        local_part: local_part.to_owned(),
    }
}

/// Whether a mailbox of this name may be made because mail came for it:
/// `[a-z0-9][a-z0-9._-]{0,63}`. No slash, no leading dot.
pub fn is_plain(local_part: &str) -> bool {
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=64).contains(&local_part.len())
        && local_part.starts_with(is_end)
        && local_part.chars().all(|c| is_end(c) || "._-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::address;

    fn mailbox(text: &str) -> LocalMailbox {
        let (local_part, domain) = text.rsplit_once('@').unwrap();
        local(domain, local_part)
    }

    fn domains() -> Vec<String> {
        vec!["example.org".into(), "example.net".into(), "[127.0.0.1]".into()]
    }

    const ELSEWHERE: Option<Reply> = None;

    /// The mailbox that is found, or the refusal, or `ELSEWHERE`.
    fn ask(directory: &Directory, path: &str) -> Result<String, Option<Reply>> {
        let path = address::forward_path(path).expect(path).0;
        match directory.find(&path) {
            Found::Here(m) => Ok(format!("{}@{}", m.local_part, m.domain)),
            Found::Refused(refusal) => Err(Some(refusal)),
            Found::Elsewhere => Err(ELSEWHERE),
        }
    }

    #[test]
    fn named_mailboxes_are_found_in_every_spelling() {
        let named = ["bob@example.org", "kate@example.org", "a+b@example.org"];
        let named = named.map(mailbox).to_vec();
        let directory = Directory::new(domains(), named);
        for (path, want) in [
            ("<bob@example.org>", Ok("bob@example.org")),
            ("<BOB@EXAMPLE.ORG>", Ok("bob@example.org")),
            ("<\"b\\ob\"@example.org>", Ok("bob@example.org")),
            ("<bob+tag@example.org>", Ok("bob@example.org")),
            ("<\"bob+../../y\"@example.org>", Ok("bob@example.org")),
            ("<A+B@example.org>", Ok("a+b@example.org")),
            // The sign of the kelvin is no k.
            ("<\u{212a}ate@example.org>", Err(Some(reply::NO_SUCH_MAILBOX))),
            ("<bob@example.or\u{261}>", Err(ELSEWHERE)),
            ("<postmaster>", Ok("postmaster@example.org")),
            ("<Postmaster@Example.Net>", Ok("postmaster@example.net")),
            ("<postmaster@[127.0.0.1]>", Ok("postmaster@[127.0.0.1]")),
            ("<bob@example.net>", Err(Some(reply::NO_SUCH_MAILBOX))),
            ("<nobody@example.org>", Err(Some(reply::NO_SUCH_MAILBOX))),
            ("<bob@elsewhere.example>", Err(ELSEWHERE)),
            ("<bob@[127.0.0.2]>", Err(Some(reply::NO_SUCH_DOMAIN))),
            ("<bob@[x:y]>", Err(Some(reply::NO_SUCH_DOMAIN))),
            (
                "<bob%elsewhere.example@example.org>",
                Err(Some(reply::NO_SUCH_MAILBOX)),
            ),
            (
                "<\"bob@example.org\"@example.org>",
                Err(Some(reply::NO_SUCH_MAILBOX)),
            ),
        ] {
            let want = want.map(str::to_owned);
            assert_eq!(ask(&directory, path), want, "{path}");
        }
    }

    #[test]
    fn an_open_directory_takes_plain_names_and_nothing_like_a_path() {
        let directory = Directory::new(domains(), Vec::new());
        for local_part in ["a", "7", "Alice.B_c-d", "x+tag", "new", "con"] {
            let path = format!("<{local_part}@example.org>");
            assert!(ask(&directory, &path).is_ok(), "{path}");
        }
        for local_part in [
            "\"..\"",
            "\"../x\"",
            "\"/etc/x\"",
            "\"a/b\"",
            "\"a\\\\b\"",
            "%2e%2e",
            "-a",
            "_a",
            "\".a\"",
            "\"\"",
            "\" \"",
            "\"a b\"",
            "+tag",
            "a'b",
            "\"$(id)\"",
            "|id",
            "käthe",
        ] {
            let path = format!("<{local_part}@example.org>");
            let want = Err(Some(reply::NO_SUCH_MAILBOX));
            assert_eq!(ask(&directory, &path), want, "{path}");
        }
    }

    #[test]
    fn the_thousandth_mailbox_is_the_last_but_old_ones_go_on() {
        let directory = Directory::new(domains(), Vec::new());
        let name = |n: usize| mailbox(&format!("u{n}@example.org"));
        // Three postmasters count too.
        let many: Vec<_> = (0..MAILBOX_LIMIT - 3).map(name).collect();
        directory.take_places(&many).unwrap().keep();
        let full = reply::TOO_MANY_MAILBOXES;
        assert_eq!(directory.take_places(&[name(5000)]).err(), Some(full));
        assert_eq!(ask(&directory, "<u5000@example.org>"), Err(Some(full)));
        directory.take_places(&[name(5)]).unwrap().keep();
        assert!(ask(&directory, "<u5@example.org>").is_ok());
        assert!(ask(&directory, "<postmaster>").is_ok());
    }

    #[test]
    fn a_mailbox_that_got_no_message_gives_its_place_back() {
        let directory = Directory::new(domains(), Vec::new());
        let name = |n: usize| mailbox(&format!("u{n}@example.org"));
        let many: Vec<_> = (0..MAILBOX_LIMIT - 4).map(name).collect();
        directory.remember(many);
        let full = Some(reply::TOO_MANY_MAILBOXES);
        let last = [name(2000)];
        // Two messages for the last place; others find none.
        let [first, second] = [(); 2].map(|()| directory.take_places(&last));
        assert_eq!(directory.take_places(&[name(3000)]).err(), full);
        assert_eq!(ask(&directory, "<u3000@example.org>"), Err(full));
        assert!(ask(&directory, "<u2000@example.org>").is_ok());
        drop(first);
        assert_eq!(directory.take_places(&[name(3000)]).err(), full);
        drop(second);
        directory.take_places(&[name(3000)]).unwrap().keep();
        assert_eq!(directory.take_places(&last).err(), full);
        // One fails, the other does not: the mailbox is there.
        let directory = Directory::new(domains(), Vec::new());
        let [first, second] = [(); 2].map(|()| directory.take_places(&last));
        second.unwrap().keep();
        drop(first);
        let many: Vec<_> = (0..MAILBOX_LIMIT - 4).map(name).collect();
        directory.remember(many);
        assert_eq!(directory.take_places(&[name(3000)]).err(), full);
    }
}
