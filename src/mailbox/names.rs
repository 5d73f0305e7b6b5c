//! Names for messages that no other file has, in this run or another.
//!
//! A name is the time, then an id, then the host, with dots between:
//! `1795412756.M559687P6716Q0Re426d256fbefb668.mx.example.org`. The id tells
//! the microsecond, the process, the count in this process, and the run. In a
//! container every process may have the number 1; the run is random.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Gives files names that no other file has, in this run or another.
pub(super) struct Names {
    host: String,
    /// Tells this run from all others, also in a container where every
    /// process has the number 1.
    run: String,
    count: AtomicU64,
}

impl Names {
    pub(super) fn new(host: &str) -> Names {
        Names {
            host: host.replace('/', "\\057").replace(':', "\\072"),
            run: format!("{:016x}", RandomState::new().hash_one(0)),
            count: AtomicU64::new(0),
        }
    }

    /// Microseconds, process, count in this process, run. Files sort by arrival.
    pub(super) fn delivery_id(&self, now: SystemTime) -> String {
        let micros = since_1970(now).subsec_micros();
        let process = std::process::id();
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        format!("M{micros:06}P{process}Q{count}R{}", self.run)
    }

    pub(super) fn file_name(&self, now: SystemTime, id: &str) -> String {
        format!("{}.{id}.{}", since_1970(now).as_secs(), self.host)
    }
}

/// Whether a file's name is of the kind that `Names` gives.
pub(super) fn is_our_name(name: &str) -> bool {
    let mut parts = name.split('.');
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let has_time = parts.next().is_some_and(is_number);
    let Some(id) = parts.next() else { return false };
    let marks: String = id.chars().filter(char::is_ascii_uppercase).collect();
    has_time && marks == "MPQR"
}

/// A clock that stands before 1970 counts as 1970.
fn since_1970(now: SystemTime) -> Duration {
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}
