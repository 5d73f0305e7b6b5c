//! Names for files that no other file has, in this run or another.
//!
//! A name is the time, then an id, then the host, with dots between:
//! `1795412756.M559687P6716Q0Re426d256fbefb668.mx.example.org`. The id tells
//! the microsecond (M), the process (P), the count in this process (Q) and the
//! run (R). The run is random: in a container every process may have the
//! number 1. Files sort by their arrival.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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
            host: host.replace('/', "\\057").replace(':', "\\072"),
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

/// Whether a file's name is of the kind that `Names` makes.
pub fn is_our_name(name: &str) -> bool {
    let mut parts = name.split('.');
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let has_time = parts.next().is_some_and(is_number);
    let Some(id) = parts.next() else { return false };
    let marks: String = id.chars().filter(char::is_ascii_uppercase).collect();
    has_time && marks == "MPQR"
}
