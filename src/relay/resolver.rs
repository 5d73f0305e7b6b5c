//! Finds records: whom to ask, how often, and where an alias leads
//! (RFC 5321 5.1).
//!
//! A server that stays silent is asked once more, after the others have had
//! their turn. An answer that does not fit in a datagram is fetched by TCP.
//! What no server can tell us now may still be there tomorrow: mail waits.
//!
//! Interface:
//!   `Resolver`      which servers, and how long to wait; `start`
//!   `LookUp`        one search: `records`, `addresses`
//!   `Unknown`       why there is nothing
//!   `name_servers`  reads a `resolv.conf`
//!   `random`        a number that nobody can foresee
//!
//! Guarantees:
//! - a look-up ends in time, whatever the servers do;
//! - that a name does not exist is the word of a server, never our guess;
//! - a name is looked up as it is, and nothing is ever added to it.
//!
//! How one server is asked: see `ask.rs`. How mail uses it: see `mx.rs`.

use super::ask::{Trouble, by_datagram, by_tcp};
use super::dns::{Answer, Data, Kind, Question, Record, follow};
use super::step::Step;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

/// How often we ask a server that does not answer.
const TRIES: usize = 2;

/// An alias may lead to an alias, but not for ever.
const ALIAS_LIMIT: usize = 8;

const RESOLV_CONF: &str = "/etc/resolv.conf";
const PORT: u16 = 53;

/// Which name servers to ask, and how long to wait for them.
#[derive(Debug, Clone)]
pub struct Resolver {
    /// They are asked in this order. If there are none, those in
    /// `/etc/resolv.conf` are, which is read anew for each look-up.
    pub servers: Vec<SocketAddr>,
    /// For the answer to one datagram.
    pub datagram_time: Duration,
    /// For an answer by TCP.
    pub tcp_time: Duration,
    /// For all questions of one look-up together.
    pub total_time: Duration,
}

/// One search, which may take several questions.
pub struct LookUp<'a> {
    resolver: &'a Resolver,
    servers: Vec<SocketAddr>,
    deadline: Instant,
    watch: &'a mut dyn FnMut(Step),
}

/// What a search has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The name that was asked for, or the one that it is an alias of.
    pub name: String,
    /// What was asked for. If the name has no such record, it is empty.
    pub data: Vec<Data>,
}

/// Why a search has found nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// A server has said that the name does not exist.
    NoSuchName,
    /// No server could say, for this reason. Ask later.
    NotNow(String),
}

impl Resolver {
    /// A resolver as patient as resolvers usually are.
    pub fn new(servers: Vec<SocketAddr>) -> Resolver {
        Resolver {
            servers,
            datagram_time: Duration::from_secs(5),
            tcp_time: Duration::from_secs(10),
            total_time: Duration::from_secs(30),
        }
    }

    /// Begins a search. Its time runs from now.
    pub fn start<'a>(&'a self, watch: &'a mut dyn FnMut(Step)) -> LookUp<'a> {
        let servers = match self.servers.as_slice() {
            // A file that cannot be read names no server.
            [] => name_servers(&fs::read(RESOLV_CONF).unwrap_or_default()),
            servers => servers.to_vec(),
        };
        let deadline = Instant::now() + self.total_time;
        LookUp { resolver: self, servers, deadline, watch }
    }
}

impl LookUp<'_> {
    /// Tells the watcher.
    pub fn tell(&mut self, step: Step) {
        (self.watch)(step);
    }

    /// The addresses of a host: IPv4 first, and each kind as the server has
    /// put it in order. One kind is enough: some servers do not answer for the
    /// other one.
    pub fn addresses(&mut self, host: &str) -> Result<Vec<IpAddr>, Unknown> {
        let mut addresses = Vec::new();
        let mut trouble = None;
        for kind in [Kind::A, Kind::Aaaa] {
            match self.records(host, kind) {
                Ok(found) => {
                    let data = found.data.into_iter();
                    addresses.extend(data.filter_map(Data::address));
                }
                Err(unknown) => {
                    trouble.get_or_insert(unknown);
                }
            }
            if trouble == Some(Unknown::NoSuchName) {
                break;
            }
        }
        match trouble {
            Some(trouble) if addresses.is_empty() => Err(trouble),
            Some(_) | None => Ok(addresses),
        }
    }

    /// The records of one kind. An alias is followed: in the answer as far as
    /// it goes there, then by a new question.
    pub fn records(
        &mut self,
        name: &str,
        kind: Kind,
    ) -> Result<Found, Unknown> {
        let mut name = name.to_ascii_lowercase();
        let mut steps = ALIAS_LIMIT;
        loop {
            let records = self.ask(&name, kind)?;
            let Some(end) = follow(&records, &name, &mut steps) else {
                let why = format!("{name} is an alias of too many aliases");
                return Err(Unknown::NotNow(why));
            };
            let is_wanted = |r: &&Record| r.name == end && r.data.is(kind);
            let wanted = records.iter().filter(is_wanted);
            let data: Vec<_> = wanted.map(|r| r.data.clone()).collect();
            let is_all = !data.is_empty() || end == name;
            name = end.to_owned();
            if is_all {
                return Ok(Found { name, data });
            }
        }
    }

    /// Asks one server after another; then once more those that were silent.
    fn ask(&mut self, name: &str, kind: Kind) -> Result<Vec<Record>, Unknown> {
        let mut servers = self.servers.clone();
        let mut why = format!("no time was left to look up {name}");
        for _ in 0..TRIES {
            let mut silent = Vec::new();
            for server in servers {
                if Instant::now() >= self.deadline {
                    return Err(Unknown::NotNow(why));
                }
                let trouble = match self.ask_server(server, name, kind) {
                    Ok(Answer::Records(records)) => return Ok(records),
                    Ok(Answer::NoSuchName) => return Err(Unknown::NoSuchName),
                    // Too long for TCP as well, or it says that it has failed.
                    Ok(answer) => answer.to_string(),
                    Err(trouble) => {
                        if trouble == Trouble::Silence {
                            silent.push(server);
                        }
                        trouble.to_string()
                    }
                };
                why = format!("name server {server}: {trouble}");
            }
            servers = silent;
        }
        Err(Unknown::NotNow(why))
    }

    /// Asks once in a datagram; and once by TCP, if the answer is too long.
    fn ask_server(
        &mut self,
        server: SocketAddr,
        name: &str,
        kind: Kind,
    ) -> Result<Answer, Trouble> {
        let [.., high, low] = random().to_be_bytes();
        let id = u16::from_be_bytes([high, low]);
        let Some(question) = Question::new(id, name, kind) else {
            return Err(Trouble::Failed(format!("{name} is no host name")));
        };
        self.tell(Step::Asked(server, question.clone()));
        let until = self.until(self.resolver.datagram_time);
        let watch = &mut self.watch;
        let mut ignored = || watch(Step::Ignored);
        let heard = by_datagram(server, &question, until, &mut ignored);
        self.tell(Step::Heard(heard.clone()));
        if heard != Ok(Answer::Truncated) {
            return heard;
        }
        self.tell(Step::AskedByTcp(server, question.clone()));
        let until = self.until(self.resolver.tcp_time);
        let heard = by_tcp(server, &question, until);
        self.tell(Step::Heard(heard.clone()));
        heard
    }

    /// When a wait that begins now is over.
    fn until(&self, time: Duration) -> Instant {
        self.deadline.min(Instant::now() + time)
    }
}

/// A number that nobody can foresee: the keys of std's hash tables are random.
pub fn random() -> u64 {
    RandomState::new().hash_one(0)
}

/// The name servers of a `resolv.conf`: three at the most, and this machine if
/// there is none. Among the rest of such a file are domains to be added to a
/// name that was not found. Mail must not do that (RFC 5321 5.1).
pub fn name_servers(file: &[u8]) -> Vec<SocketAddr> {
    let text = String::from_utf8_lossy(file);
    let server = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        words.next().filter(|word| *word == "nameserver")?;
        let address: IpAddr = words.next()?.parse().ok()?;
        Some(SocketAddr::new(address, PORT))
    };
    let mut found: Vec<_> = text.lines().filter_map(server).take(3).collect();
    if found.is_empty() {
        found.push(SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)));
    }
    found
}
