//! `kill -9` while messages are on their way (RFC 5321 6.1). This is the short
//! form of `tests/power/kill`, which says how it is done.

use crate::support::needs;
use std::process::Command;

#[test]
fn case_07_of_two_hosts_that_are_killed_all_the_time_no_mail_gets_lost() {
    if !needs(&["python3", "--version"]) {
        return;
    }
    let output = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/power/kill"))
        .args(["--kills", "15", "--messages", "60", "--seed", "11"])
        .env("PILLARBOX", env!("CARGO_BIN_EXE_pillarbox"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{output:?}");
    assert!(text.contains(" 60 acknowledged, 0 lost, "), "{text}");
}
