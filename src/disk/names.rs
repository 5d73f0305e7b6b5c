//! Names for files that no other file has, in this run or another.
//!
//! A name is the time, then an id, then the host, with dots between:
//! `1795412756.M559687P6716Q0Re426d256fbefb668.mx.example.org`. The id tells
//! the microsecond (M), the process (P), the count in this process (Q) and the
//! run (R). The run is random: in a container every process may have the
//! number 1. Files sort by their arrival.
//!
//! A file system takes 255 bytes, and a mail reader adds its own to the end
//! (`:2,S`). A long host is cut for that: it tells people where a file comes
//! from, and makes nothing unique.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How much of the host is in a name. Time and id have up to 75 bytes: the
/// readers keep 100 for their flags and sizes.
const HOST_LENGTH: usize = 80;

/// Makes the names.
pub struct Names {
    host: String,
    /// What tells this run from all others.
    run: String,
    count: AtomicU64,
}

/// A name that no other file has.
pub struct Name {
    /// The part in the middle: one word, fit for a `Received`.
    pub id: String,
    /// The whole name.
    pub file: String,
}

impl Names {
    /// Names that end in this host. It may hold what a file's name may not,
    /// such as `[IPv6:::1]`.
    pub fn new(host: &str) -> Names {
        Names {
            host: fit_for_a_name(host),
            run: format!("{:016x}", RandomState::new().hash_one(0)),
            count: AtomicU64::new(0),
        }
    }

    /// The next name, for a file made `now`.
    pub fn next(&self, now: SystemTime) -> Name {
        // A clock that is set to a time before 1970 counts as 1970.
        let time: Duration = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (seconds, micros) = (time.as_secs(), time.subsec_micros());
        let process = std::process::id();
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let id = format!("M{micros:06}P{process}Q{count}R{}", self.run);
        let file = format!("{seconds}.{id}.{}", self.host);
        Name { id, file }
    }
}

/// The host without what a file's name may not hold, and not too long.
fn fit_for_a_name(host: &str) -> String {
    let mut fit = String::new();
    for letter in host.chars() {
        let text = match letter {
            '/' => "\\057".to_owned(),
            ':' => "\\072".to_owned(),
            other => other.to_string(),
        };
        if fit.len() + text.len() > HOST_LENGTH {
            break;
        }
        fit.push_str(&text);
    }
    fit
}

/// Whether a file's name is of the kind that `Names` makes.
pub fn is_our_name(name: &str) -> bool {
    let is_number = |text: &str| is_made_of(text, |c| c.is_ascii_digit());
    let is_hex = |text: &str| is_made_of(text, |c| c.is_ascii_hexdigit());
    parts_of(name).is_some_and(|(numbers, run)| {
        numbers.into_iter().all(is_number) && is_hex(run)
    })
}

/// The time, the numbers after M, P and Q, and the run.
fn parts_of(name: &str) -> Option<([&str; 4], &str)> {
    let (time, rest) = name.split_once('.')?;
    let (id, _host) = rest.split_once('.')?;
    let (micros, rest) = id.strip_prefix('M')?.split_once('P')?;
    let (process, rest) = rest.split_once('Q')?;
    let (count, run) = rest.split_once('R')?;
    Some(([time, micros, process, count], run))
}

fn is_made_of(text: &str, is_right: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(is_right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_room_for_the_flags_of_a_reader_however_long_the_host() {
        let longest =
            SystemTime::UNIX_EPOCH + Duration::from_secs(99_999_999_999);
        let letters = ["h", ":", "/", "\u{e4}", "h."];
        for host in letters.map(|letter| letter.repeat(255)) {
            let names = Names::new(&host);
            names.count.store(u64::MAX, Ordering::Relaxed);
            let name = names.next(longest).file;
            // The number of a process has ten digits at most.
            let digits = std::process::id().to_string().len();
            assert!(name.len() + 10 - digits <= 255 - 100, "{name}");
            assert!(is_our_name(&name), "{name}");
            assert!(!name.contains(['/', ':']), "{name}");
        }
        let name = Names::new("mx.example.org").next(SystemTime::now()).file;
        assert!(name.ends_with(".mx.example.org"), "{name}");
    }

    #[test]
    fn names_of_others_are_not_taken_for_ours() {
        for name in [
            "thesis.tex",
            "1700000000.12345.strange.example",
            "1700000000.M5P7.strange.example",
            "1700000000.M5P7V0000I0000_0.strange.example,S=5",
            "1700000000.MPQR.mx.example.org",
            "1700000000.R5P7Q0M5.mx.example.org",
            "1700000000.M5P7Q0R00ffX.mx.example.org",
            "1700000000.xM5P7Q0R00ff.mx.example.org",
            "now.M5P7Q0R00ff.mx.example.org",
            ".M5P7Q0R00ff",
            "2026",
        ] {
            assert!(!is_our_name(name), "{name}");
        }
        assert!(is_our_name("1700000000.M000005P7Q0R00ff.mx.example.org"));
    }
}
