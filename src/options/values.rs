//! What the value of an option must look like: one reader for each kind, for
//! all commands.
//!
//! A reader takes the text of a value. If it is no good, the reader says what
//! it should have been, in words that go on after "is not".

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// A value, or what it should have been.
pub(super) type Read<T> = Result<T, String>;

const LONGEST_SECONDS: f64 = 86_400.0;

/// `ADDR:PORT`: an address of this machine. No name is looked up.
pub(super) fn address_and_port(text: &str) -> Read<SocketAddr> {
    let what = "an IP address and a port, such as 127.0.0.1:2525";
    text.parse().map_err(|_| what.to_owned())
}

/// `HOST:PORT`: a server somewhere. The name is looked up later.
pub(super) fn host_and_port(text: &str) -> Read<String> {
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && is_port(port) => {
            Ok(text.to_owned())
        }
        Some(_) | None => {
            Err("a host and a port, such as 127.0.0.1:2525".to_owned())
        }
    }
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

/// `SECONDS`: digits, perhaps with a point among them. No sign, no exponent,
/// and none of the words that a float may also be.
pub(super) fn seconds(text: &str) -> Read<Duration> {
    let limit = LONGEST_SECONDS;
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
