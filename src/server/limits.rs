//! What the system allows this process, compared with what it may need.
//!
//! A limit that is too low is found by the client that comes last, in the
//! middle of the night. So it is told at the start.

use super::settings::Settings;
use std::fs;

/// Standard input, output and error, the listeners, the folders that are
/// synced, the lock, and some to spare.
const FOR_THE_SERVER: u64 = 64;

/// Says in the log if the system does not allow as many open files as the
/// connections may need.
pub(super) fn warn_of_descriptors(settings: &Settings) {
    let Ok(limits) = fs::read_to_string("/proc/self/limits") else { return };
    let Some(allowed) = open_files(&limits) else { return };
    let needed = needed(settings);
    if needed > allowed {
        log::warn!(
            "{} connections may need {needed} open files, and the system \
             allows {allowed}: raise it (ulimit -n {needed}), or lower \
             --max-connections",
            settings.max_connections,
        );
    }
}

/// Each connection is a socket and a message that comes in; and a recording.
fn needed(settings: &Settings) -> u64 {
    let each = 2 + u64::from(settings.record.is_some());
    settings.max_connections as u64 * each + FOR_THE_SERVER
}

/// How many files may be open, as the kernel tells it. `None` is no limit.
fn open_files(limits: &str) -> Option<u64> {
    let line = limits.lines().find(|l| l.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_read_as_the_kernel_writes_it() {
        let limits = "\
Limit                     Soft Limit           Hard Limit           Units
Max processes             95796                95796                processes
Max open files            1024                 524288               files
";
        assert_eq!(open_files(limits), Some(1024));
        assert_eq!(open_files(&limits.replace("1024 ", "unlimited ")), None);
        let own = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        assert!(own.is_empty() || own.contains("Max open files"));
    }

    #[test]
    fn a_recording_needs_a_file_more_for_each_connection() {
        let mut settings = Settings::new("mail");
        settings.max_connections = 100;
        assert_eq!(needed(&settings), 264);
        settings.record = Some("raw".into());
        assert_eq!(needed(&settings), 364);
    }
}
