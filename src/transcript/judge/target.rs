//! A server to talk to, and how strictly it is judged.
//!
//! Interface:
//!   `Match`         exact, by code, or by class
//!   `Rules`         what is the same for all files of a run
//!   `Leniency`      what is noted and played on
//!   `Target`        one server that listens (or soon will), and its mail
//!   `Target::open`  connects to it
//!   `Mail`          where its mailboxes are

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::alias::Aliases;
use super::talk::Talk;
use crate::transcript::format::script::MailboxAddress;

/// How long a step waits for the server.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// How often a server that is still starting is tried.
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// How closely a reply must be the one on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// Every byte, holes aside. For our own server.
    Exact,
    /// The three digits, or another code that is also right.
    Code,
    /// The first digit, or another code that is also right.
    Class,
}

/// What is the same for all files of a run.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How closely replies are compared.
    pub matching: Match,
    /// How long a step waits for the server.
    pub deadline: Duration,
    /// Whether another server is asked for what is our own way.
    pub judges_own: bool,
    /// Other names for the cast.
    pub aliases: Aliases,
    /// Names that have a value before the first line.
    pub values: Vec<(String, String)>,
    /// Whether nobody looks into the mailboxes.
    pub no_mailbox: bool,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            matching: Match::Exact,
            deadline: DEADLINE,
            judges_own: false,
            aliases: Aliases::default(),
            values: Vec::new(),
            no_mailbox: false,
        }
    }
}

/// What is wrong, but no reason to stop: it costs the page that is about it,
/// and no other. Never with our own server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leniency {
    /// A reply may end in LF alone.
    pub line_ends: bool,
    /// The connection may stay open after QUIT.
    pub closing: bool,
    /// QUIT is known to go wrong, so nobody waits for its reply.
    pub quit: bool,
}

/// One server.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it listens; the first one that answers is taken.
    pub addresses: Vec<SocketAddr>,
    /// How long the first connection may be refused.
    pub wait: Duration,
    /// Where its mailboxes are.
    pub mail: Mail,
}

impl Target {
    /// Connects to the first address that answers. A server that is still
    /// starting may refuse for as long as `wait`.
    pub(crate) fn open(
        &self,
        wait: Duration,
        deadline: Duration,
    ) -> io::Result<Talk> {
        let until = Instant::now() + wait;
        loop {
            let mut problem = io::ErrorKind::AddrNotAvailable.into();
            for address in &self.addresses {
                match Talk::open(*address, deadline) {
                    Ok(talk) => return Ok(talk),
                    Err(error) => problem = error,
                }
            }
            if Instant::now() >= until {
                return Err(problem);
            }
            thread::sleep(BETWEEN_TRIES);
        }
    }
}

/// Where the mailboxes of a server are.
#[derive(Debug, Clone)]
pub enum Mail {
    /// Pillarbox's own folder. What was answered 250 is there at once.
    Own(PathBuf),
    /// The folder that a student's server was given.
    Student(PathBuf),
    /// The Maildirs of some addresses, as the page has them.
    Given(Vec<(MailboxAddress, PathBuf)>),
}

impl Mail {
    /// The Maildirs that a mailbox may be in; none if nobody knows. `other` is
    /// the address as this server knows it.
    pub(crate) fn folders(
        &self,
        address: &MailboxAddress,
        other: &str,
    ) -> Vec<PathBuf> {
        match self {
            Mail::Own(root) => vec![by_domain(root, &address.to_string())],
            Mail::Student(root) => {
                vec![by_domain(root, other), root.join(other.to_lowercase())]
            }
            Mail::Given(pairs) => {
                let same = pairs.iter().filter(|(given, _)| given == address);
                same.map(|(_, folder)| folder.clone()).collect()
            }
        }
    }

    /// The one Maildir of a student's server that has no other.
    pub(crate) fn shared(&self) -> Option<&Path> {
        match self {
            Mail::Student(root) => Some(root),
            Mail::Own(_) | Mail::Given(_) => None,
        }
    }

    /// Whether a message is there as soon as it was answered 250.
    ///
    /// It should be (RFC 5321 4.2.5), but that a server put it into its queue
    /// is as good.
    pub(crate) fn is_at_once(&self) -> bool {
        matches!(self, Mail::Own(_))
    }

    /// Whether mail of an earlier transcript may still come.
    pub(crate) fn has_a_past(&self) -> bool {
        matches!(self, Mail::Given(_))
    }
}

/// `ROOT/DOMAIN/LOCAL-PART`, in lower case.
fn by_domain(root: &Path, address: &str) -> PathBuf {
    let address = address.to_lowercase();
    let (local_part, domain) =
        address.rsplit_once('@').unwrap_or((&address, ""));
    root.join(domain).join(local_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_server_has_its_mailboxes_elsewhere() {
        let address = |local_part: &str| MailboxAddress {
            local_part: local_part.into(),
            domain: "Example.org".into(),
        };
        let (root, bob) = (PathBuf::from("mail"), address("Bob"));
        let folders = |mail: Mail| mail.folders(&bob, "S@localhost");
        let own = folders(Mail::Own(root.clone()));
        assert_eq!(own, [Path::new("mail/example.org/bob")]);
        let student = folders(Mail::Student(root.clone()));
        let wanted = ["mail/localhost/s", "mail/s@localhost"];
        assert_eq!(student, wanted.map(PathBuf::from));
        let given = vec![(bob.clone(), root), (address("x"), "y".into())];
        assert_eq!(folders(Mail::Given(given)), [Path::new("mail")]);
        assert!(folders(Mail::Given(Vec::new())).is_empty());
    }
}
