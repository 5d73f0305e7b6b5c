//! What happens in a look-up, for somebody who watches: `--explain`, the log
//! and the tests. Each step is a plain value, and one line as text.

use super::ask::Trouble;
use super::dns::{Answer, Data, Question, Record};
use std::fmt;
use std::net::SocketAddr;

/// An answer may have thousands of records. This many are shown.
const SHOWN: usize = 10;

/// Something that happened in a look-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A question went to this server.
    Asked(SocketAddr, Question),
    /// The same question went to it by TCP.
    AskedByTcp(SocketAddr, Question),
    /// A packet came that is not the answer. Somebody may have forged it.
    Ignored,
    /// The answer came, or it did not.
    Heard(Result<Answer, Trouble>),
    /// A mail host is not used, for this reason.
    PassedOver(String, String),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Asked(server, question) => {
                write!(f, "asking {server}: {question}")
            }
            Step::AskedByTcp(server, question) => {
                write!(f, "asking {server} by TCP: {question}")
            }
            Step::Ignored => f.write_str("ignored: a packet that does not fit"),
            Step::Heard(Ok(answer)) => write!(f, "answer: {answer}"),
            Step::Heard(Err(trouble)) => write!(f, "no answer: {trouble}"),
            Step::PassedOver(host, why) => write!(f, "not {host}: {why}"),
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}?", self.kind().name(), self.name())
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::NoSuchName => f.write_str("there is no such name"),
            Answer::Truncated => f.write_str("it is too long"),
            Answer::Failed(why) => f.write_str(why),
            Answer::Records(records) if records.is_empty() => {
                f.write_str("no such record")
            }
            Answer::Records(records) => {
                let shown = records.iter().take(SHOWN).map(Record::to_string);
                f.write_str(&shown.collect::<Vec<_>>().join(", "))?;
                let is_all = records.len() <= SHOWN;
                f.write_str(if is_all { "" } else { ", and more" })
            }
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.data {
            Data::Address(address) => write!(f, "{} {address}", self.name),
            Data::Alias(target) => write!(f, "{} CNAME {target}", self.name),
            Data::Exchanger(preference, host) => {
                write!(f, "{} MX {preference} {host}", self.name)
            }
        }
    }
}
