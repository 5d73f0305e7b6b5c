//! What the value of an option must look like: one reader for each kind, for
//! all commands.
//!
//! A reader takes the text of a value. If it is no good, the reader says what
//! it should have been, in words that go on after "is not".

use crate::relay::settings::HostPort;
use std::fmt::Display;
use std::net::{Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// A value, or what it should have been.
pub(super) type Read<T> = Result<T, String>;

const DAY: f64 = 86_400.0;
const YEAR: f64 = 365.0 * DAY;

/// `ADDR:PORT`: an address of this machine. No name is looked up.
pub(super) fn address_and_port(text: &str) -> Read<SocketAddr> {
    let what = "an IP address and a port, such as 127.0.0.1:2525";
    text.parse().map_err(|_| what.to_owned())
}

/// `HOST:PORT`: a server somewhere. The name is looked up later; an address of
/// IPv6 has its brackets.
pub(super) fn host_and_port(text: &str) -> Read<HostPort> {
    let what = "a host and a port, such as 127.0.0.1:2525";
    let place = text.rsplit_once(':').and_then(|(host, digits)| {
        Some(HostPort { host: host_name(host)?, port: port(digits).ok()? })
    });
    place.ok_or_else(|| what.to_owned())
}

/// A name that could be one, or an address without its brackets.
fn host_name(text: &str) -> Option<String> {
    let is_odd =
        |c: char| c.is_whitespace() || c.is_control() || ":/@[]".contains(c);
    let literal = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    match literal {
        Some(literal) => {
            let is_address = literal.parse::<Ipv6Addr>().is_ok();
            is_address.then(|| literal.to_owned())
        }
        None if text.is_empty() || text.contains(is_odd) => None,
        None => Some(text.to_owned()),
    }
}

/// `PORT`, at which something listens: not 0.
pub(super) fn port(text: &str) -> Read<u16> {
    whole(1..=u16::MAX)(text)
}

/// `DIR`.
pub(super) fn folder(text: &str) -> Read<PathBuf> {
    path(text).ok_or_else(|| "the name of a folder".to_owned())
}

/// `FILE`.
pub(super) fn file(text: &str) -> Read<PathBuf> {
    path(text).ok_or_else(|| "the name of a file".to_owned())
}

fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| PathBuf::from(text))
}

/// `N`: a whole number within `range`, written in digits alone.
pub(super) fn whole<N: FromStr + PartialOrd + Display>(
    range: RangeInclusive<N>,
) -> impl Fn(&str) -> Read<N> {
    move |text| {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| is_plain);
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            let (from, to) = (range.start(), range.end());
            format!("a whole number from {from} to {to}")
        })
    }
}

/// `SECONDS`, up to a day: how long something may take.
pub(super) fn seconds(text: &str) -> Read<Duration> {
    seconds_up_to(DAY, text)
}

/// `SECONDS`, up to a year: how long something may wait.
pub(super) fn long_seconds(text: &str) -> Read<Duration> {
    seconds_up_to(YEAR, text)
}

/// Digits, perhaps with a point among them. No sign, no exponent, and none of
/// the words that a float may also be.
fn seconds_up_to(limit: f64, text: &str) -> Read<Duration> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let seconds = text.parse::<f64>().ok().filter(|_| is_plain);
    match seconds.filter(|seconds| (0.001..=limit).contains(seconds)) {
        Some(seconds) => Ok(Duration::from_secs_f64(seconds)),
        None => Err(format!("a number of seconds from 0.001 to {limit}")),
    }
}

/// `LEFT=RIGHT`, of which neither side is empty; nothing if it is not so. The
/// right side may hold an equals sign.
pub(super) fn pair(text: &str) -> Option<(String, String)> {
    let (left, right) = text.split_once('=')?;
    let is_whole = !left.is_empty() && !right.is_empty();
    is_whole.then(|| (left.to_owned(), right.to_owned()))
}
