//! What the system allows this process, compared with what it may need.
//!
//! A limit that is too low is found by the client that comes last, in the
//! middle of the night. So it is told at the start.

use super::settings::Settings;
use crate::relay::line::{GROUP_LIMIT, TURN_LIMIT};
use std::fs;

/// Standard input, output and error, the listeners, the folders that are
/// synced, the lock, and some to spare.
const FOR_THE_SERVER: u64 = 64;

/// Each turn of the queue is a socket, a second descriptor of it by which it
/// can be cut off, and the message that goes out. A turn that stays on this
/// host has the message, and a copy of it that is being made.
const FOR_THE_TURNS: u64 = 3 * (TURN_LIMIT + GROUP_LIMIT) as u64;

/// The fields that the server puts on top of a message, in bytes at most.
const FOR_THE_TOP: u64 = 4096;

/// Says in the log which limits of the system are too low for these settings.
///
/// Two of them end the process when they are met: it gets the signal SIGXFSZ
/// when a file grows over RLIMIT_FSIZE, and it is aborted when there is no
/// memory to be had (RLIMIT_AS). No mail that was answered 250 is lost by that.
pub(super) fn warn_of_limits(settings: &Settings) {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    for warning in warnings(&limits, settings) {
        log::warn!("{warning}");
    }
}

fn warnings(limits: &str, settings: &Settings) -> Vec<String> {
    let mut found = Vec::new();
    let files = needed_files(settings);
    if let Some(allowed) = limit(limits, "Max open files")
        && allowed < files
    {
        found.push(format!(
            "{} connections may need {files} open files, and the system \
             allows {allowed}: raise it (ulimit -n {files}), or lower \
             --max-connections",
            settings.max_connections,
        ));
    }
    let size = settings.offer.max_size;
    if let Some(allowed) = limit(limits, "Max file size")
        && allowed < size.saturating_add(FOR_THE_TOP)
    {
        found.push(format!(
            "a message may have {size} bytes, and the system ends a program \
             whose file has more than {allowed}: raise it (ulimit -f), or \
             lower --max-size"
        ));
    }
    if let Some(allowed) = limit(limits, "Max address space") {
        found.push(format!(
            "the system ends a program that wants more than {allowed} bytes of \
             memory (ulimit -v), and each connection takes some"
        ));
    }
    found
}

/// Each connection is a socket and a message that comes in; and a recording.
/// With a queue, the message may come into two files at a time.
fn needed_files(settings: &Settings) -> u64 {
    let (records, relays) =
        (settings.record.is_some(), settings.relay.is_some());
    let each = 2 + u64::from(records) + u64::from(relays);
    let to_send = if relays { FOR_THE_TURNS } else { 0 };
    settings.max_connections as u64 * each + to_send + FOR_THE_SERVER
}

/// A limit, as the kernel tells it; `None` if there is none.
fn limit(limits: &str, name: &str) -> Option<u64> {
    let rest = limits.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::settings::RelaySettings;

    const LIMITS: &str = "\
Limit                     Soft Limit           Hard Limit           Units
Max file size             unlimited            unlimited            bytes
Max open files            1064                 524288               files
Max address space         unlimited            unlimited            bytes
";

    #[test]
    fn limits_that_suffice_are_not_spoken_of() {
        let settings = Settings::new("mail");
        assert_eq!(warnings(LIMITS, &settings), Vec::<String>::new());
        assert_eq!(warnings("", &settings), Vec::<String>::new());
    }

    #[test]
    fn a_queue_takes_files_for_each_connection_and_for_its_own() {
        let mut settings = Settings::new("mail");
        settings.relay = Some(RelaySettings::new("queue"));
        let [files] = warnings(LIMITS, &settings).try_into().unwrap();
        assert!(files.contains("1630") && files.contains("1064"), "{files}");
    }

    #[test]
    fn each_limit_that_is_too_low_is_told() {
        let mut settings = Settings::new("mail");
        // A recording is one more file for each connection.
        settings.record = Some("raw".into());
        let [files] = warnings(LIMITS, &settings).try_into().unwrap();
        assert!(files.contains("1564") && files.contains("1064"), "{files}");
        settings.record = None;
        for (name, value) in
            [("Max file size", "26214400"), ("Max address space", "1000000")]
        {
            let limits = LIMITS.replace(
                &format!("{name:26}unlimited"),
                &format!("{name:26}{value}"),
            );
            let [warning] = warnings(&limits, &settings).try_into().unwrap();
            assert!(warning.contains(value), "{warning}");
        }
    }

    #[test]
    fn the_kernel_writes_it_so() {
        let own = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        assert!(own.is_empty() || own.contains("\nMax open files  "));
    }
}
