//! What is said to a name server and what it answers, as bytes (RFC 1035
//! section 4).
//!
//! A question has a name and a kind; it goes out with a random number. An
//! answer repeats both, and carries records. Anybody can send us a packet. So an
//! answer that does not repeat our question is not ours, and every length in it
//! is a claim to be checked.
//!
//! Interface:
//!   `Question`        a name, a kind and a number; `to_bytes`
//!   `read_answer`     bytes in, `Answer` out, or why there is none
//!   `Record`, `Data`  what is known about a name
//!   `follow`          from an alias to the name that it stands for
//!
//! Guarantees:
//! - no packet makes it panic, and none keeps it busy;
//! - records come from the answer section alone. What a server adds unasked
//!   could be about anybody's domain.
//!
//! How names are read and written: see `names.rs`.

use super::names::{Reader, is_host_name, to_bytes};
use core::net::IpAddr;

const INTERNET: u16 = 1;

/// What a question asks for (RFC 1035 3.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// IPv4 addresses.
    A = 1,
    /// The hosts that take mail for a domain.
    Mx = 15,
    /// IPv6 addresses (RFC 3596).
    Aaaa = 28,
}

/// A question to a name server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    id: u16,
    name: String,
    kind: Kind,
}

/// One record: what is known about a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The name, in small letters, without a dot at its end.
    pub name: String,
    /// What is known.
    pub data: Data,
}

/// What a record says. Records of other kinds are passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// A, AAAA: the host has this address.
    Address(IpAddr),
    /// CNAME: the name is another name for this one.
    Alias(String),
    /// MX: this host takes mail for the domain; the lowest preference first.
    Exchanger(u16, String),
}

/// What a name server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// What is known about the name; nothing, if there is no record of this
    /// kind.
    Records(Vec<Record>),
    /// The name does not exist.
    NoSuchName,
    /// There is more than a datagram can hold: ask again by TCP.
    Truncated,
    /// The server cannot say: ask later.
    Failed(&'static str),
}

/// Why a packet is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// It answers another question, or none. It may be forged: the right one
    /// may still come.
    NotOurs,
    /// It answers ours, and what it says cannot be read.
    Malformed,
}

impl Question {
    /// A question, if `name` can be the name of a host or a domain.
    pub fn new(id: u16, name: &str, kind: Kind) -> Option<Question> {
        let name = name.strip_suffix('.').unwrap_or(name);
        let name = name.to_ascii_lowercase();
        is_host_name(&name).then_some(Question { id, name, kind })
    }

    /// The name, in small letters.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it asks for.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The question as it is sent: a header that wants a server which asks
    /// others for us, and one entry (RFC 1035 4.1.1 and 4.1.2).
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = [self.id, RECURSION_DESIRED, 1, 0, 0, 0];
        let mut bytes = header.map(u16::to_be_bytes).concat();
        bytes.extend(to_bytes(&self.name));
        for number in [self.kind as u16, INTERNET] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes
    }
}

impl Kind {
    /// The kind's name.
    pub fn name(self) -> &'static str {
        match self {
            Kind::A => "A",
            Kind::Mx => "MX",
            Kind::Aaaa => "AAAA",
        }
    }
}

impl Data {
    /// Whether a question of this kind asks for it.
    pub fn is(&self, kind: Kind) -> bool {
        match self {
            Data::Address(IpAddr::V4(_)) => kind == Kind::A,
            Data::Address(IpAddr::V6(_)) => kind == Kind::Aaaa,
            Data::Exchanger(_, _) => kind == Kind::Mx,
            Data::Alias(_) => false,
        }
    }

    /// The address, if it is one.
    pub fn address(self) -> Option<IpAddr> {
        match self {
            Data::Address(address) => Some(address),
            Data::Alias(_) | Data::Exchanger(_, _) => None,
        }
    }

    /// Preference and host, if it is a mail host.
    pub fn exchanger(self) -> Option<(u16, String)> {
        match self {
            Data::Exchanger(preference, host) => Some((preference, host)),
            Data::Alias(_) | Data::Address(_) => None,
        }
    }
}

/// The name that an alias stands for, as far as these records tell
/// (RFC 1034 3.6.2). An alias may lead to an alias: each one takes a step from
/// `steps`, and when there is none left there is no name.
pub fn follow<'a>(
    records: &'a [Record],
    mut name: &'a str,
    steps: &mut usize,
) -> Option<&'a str> {
    let alias = |name: &str| {
        records.iter().find_map(|record| match &record.data {
            Data::Alias(target) if record.name == name => Some(target),
            Data::Alias(_) | Data::Address(_) | Data::Exchanger(_, _) => None,
        })
    };
    while let Some(target) = alias(name) {
        *steps = steps.checked_sub(1)?;
        name = target;
    }
    Some(name)
}

/// Reads a packet as the answer to `question` (RFC 1035 4.1).
///
/// It has to repeat the number and the whole question. Who has sent it is for
/// the caller to look at.
pub fn read_answer(
    packet: &[u8],
    question: &Question,
) -> Result<Answer, NoAnswer> {
    let mut reader = Reader::new(packet);
    let header = header(&mut reader).ok_or(NoAnswer::NotOurs)?;
    let repeated = repeated_question(&mut reader).ok_or(NoAnswer::NotOurs)?;
    let Question { id, name, kind } = question;
    if header.id != *id
        || header.flags & RESPONSE_AND_OPCODE != RESPONSE
        || header.questions != 1
        || repeated != (name.clone(), *kind as u16, INTERNET)
    {
        return Err(NoAnswer::NotOurs);
    }
    if header.flags & CODE != 0 {
        return Ok(refusal(header.flags & CODE));
    }
    if header.flags & TRUNCATED != 0 {
        return Ok(Answer::Truncated);
    }
    let records = records(&mut reader, header.answers);
    let records = records.ok_or(NoAnswer::Malformed)?;
    // An empty answer from a server that neither owns the domain nor asks
    // others for us means "ask somebody else". Taken for "there is no record",
    // it would bounce good mail.
    if records.is_empty() && header.flags & AUTHORITY_OR_RECURSION == 0 {
        return Ok(Answer::Failed("it only named other servers"));
    }
    Ok(Answer::Records(records))
}

/// The codes of RFC 1035 4.1.1, other than 0. Only the third one says that
/// the name does not exist; mail must wait for all others (RFC 5321 5.1).
fn refusal(code: u16) -> Answer {
    match code {
        1 => Answer::Failed("it could not read the question (FORMERR)"),
        2 => Answer::Failed("it failed (SERVFAIL)"),
        3 => Answer::NoSuchName,
        4 => Answer::Failed("it does not know such questions (NOTIMP)"),
        5 => Answer::Failed("it refused (REFUSED)"),
        _ => Answer::Failed("it answered with an unknown code"),
    }
}

/// The first twelve bytes (RFC 1035 4.1.1), without what we have no use for.
struct Header {
    id: u16,
    flags: u16,
    questions: u16,
    answers: u16,
}

/// |QR|   Opcode  |AA|TC|RD|RA|   Z    |   RCODE   |
const RESPONSE: u16 = 0x8000;
const RESPONSE_AND_OPCODE: u16 = 0xf800;
const AUTHORITY_OR_RECURSION: u16 = 0x0480;
const TRUNCATED: u16 = 0x0200;
const RECURSION_DESIRED: u16 = 0x0100;
const CODE: u16 = 0x000f;

fn header(reader: &mut Reader) -> Option<Header> {
    let mut numbers = [0; 6];
    for number in &mut numbers {
        *number = reader.number()?;
    }
    // The last two are counts of what a server adds unasked.
    let [id, flags, questions, answers, _, _] = numbers;
    Some(Header { id, flags, questions, answers })
}

fn repeated_question(reader: &mut Reader) -> Option<(String, u16, u16)> {
    Some((reader.name()?, reader.number()?, reader.number()?))
}

fn records(reader: &mut Reader, count: u16) -> Option<Vec<Record>> {
    let mut records = Vec::new();
    for _ in 0..count {
        let name = reader.name()?;
        if let Found::Data(data) = found(reader)? {
            records.push(Record { name, data });
        }
    }
    Some(records)
}

/// What a record holds.
enum Found {
    Data(Data),
    /// We never ask for its kind.
    OtherKind,
}

/// The next record, after its name (RFC 1035 4.1.3).
fn found(reader: &mut Reader) -> Option<Found> {
    let (kind, class) = (reader.number()?, reader.number()?);
    let _time_to_live: [u8; 4] = reader.bytes()?;
    let length = usize::from(reader.number()?);
    let end = reader.at() + length;
    let found = match (class, kind) {
        (INTERNET, 1) => Found::Data(address(reader.bytes::<4>()?)),
        (INTERNET, 5) => Found::Data(Data::Alias(reader.name()?)),
        (INTERNET, 15) => Found::Data(exchanger(reader)?),
        (INTERNET, 28) => Found::Data(address(reader.bytes::<16>()?)),
        _ => reader.take(length).map(|_| Found::OtherKind)?,
    };
    // What was read has to be as long as the record says that it is.
    (reader.at() == end).then_some(found)
}

fn exchanger(reader: &mut Reader) -> Option<Data> {
    Some(Data::Exchanger(reader.number()?, reader.name()?))
}

fn address(bytes: impl Into<IpAddr>) -> Data {
    Data::Address(bytes.into())
}
