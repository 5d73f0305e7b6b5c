//! Clients with one oddity each: what a client may do costs nothing, and what
//! it should do costs the page that is about it, and no other.

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use support::needs;

/// The pages that failed, also weakly, for the client with this oddity.
fn failed(oddity: &str) -> (BTreeSet<String>, String) {
    let client = format!(
        "python3 tests/students/odd_client.py \
         {{port}} {{from}} {{message}} {oddity} {{recipients}}"
    );
    let output = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["replay", "--client", &client])
        .args(["--tells", "refused=69,later=75", "--jobs", "8"])
        .arg("transcripts/clients")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    let name = |line: &str| {
        let (word, rest) = line.split_once(" transcripts/clients/")?;
        let (name, _) = rest.split_once(".txt:")?;
        matches!(word, "FAIL" | "WEAK").then(|| name.to_owned())
    };
    let names = report.lines().filter_map(name).collect();
    (names, format!("{report}{errors}"))
}

#[test]
fn an_oddity_costs_its_own_page_and_no_other() {
    if !needs(&["python3", "-c", "import socket"]) {
        return;
    }
    let (plain, report) = failed("none");
    assert!(report.contains(" passed, "), "{report}");
    let table = [
        ("rset", None),
        ("noop", None),
        ("helo", Some("says-ehlo")),
        ("no-quit", Some("goodbye")),
    ];
    for (oddity, own) in table {
        let (odd, report) = failed(oddity);
        let more: Vec<&String> = odd.difference(&plain).collect();
        let own: Vec<&str> = own.into_iter().collect();
        assert_eq!(more, own, "{oddity}: {report}");
    }
}
