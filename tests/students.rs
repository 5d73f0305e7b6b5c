//! The three servers in `tests/students/`, judged as a teacher would do it.
//!
//! A grader must find each fault, blame no one who is right, and come to an
//! end. Without Python nothing can be shown: it is said, and for CI it is a
//! failure.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::env;
use std::io::{self, Write};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The faults by their numbers, and the transcripts that are meant for them.
const FAULTS: [(&str, &str); 5] = [
    ("1", "transcripts/01-first/helo.txt"),
    ("2", "transcripts/07-message/dots.txt"),
    ("3", "transcripts/08-end-of-data/lf-dot-lf.txt"),
    ("4", "transcripts/03-order/rcpt-before-mail.txt"),
    ("5", "transcripts/11-clients/two-at-once.txt"),
];

/// A number that is no fault, so that the server has none.
const NO_FAULT: &str = "0";

const ALL_PASSED: Option<i32> = Some(0);
const SOME_FAILED: Option<i32> = Some(1);

#[test]
fn the_right_one_passes_all_that_must_be() {
    if !has_python() {
        return;
    }
    let ran = replay("right.py", &["transcripts"]);
    assert_eq!(ran.status.code(), ALL_PASSED, "{ran:?}");
    let report = String::from_utf8(ran.stdout).unwrap();
    let verdicts = |wanted: &str| {
        let is_wanted = |line: &&str| line.contains(wanted);
        report.lines().filter(is_wanted).count()
    };
    assert_eq!(verdicts("\tmust\tfail\t"), 0, "{report}");
    assert!(verdicts("\tmust\tpass\t") >= 30, "{report}");
}

#[test]
fn each_fault_is_found_by_the_transcript_meant_for_it() {
    if !has_python() {
        return;
    }
    for (fault, file) in FAULTS {
        let without = format!("five_faults.py {NO_FAULT}");
        let ran = replay(&without, &["--strict", file]);
        assert_eq!(ran.status.code(), ALL_PASSED, "{ran:?}");
        let with = format!("five_faults.py {fault}");
        let ran = replay(&with, &["--strict", "--timeout", "2", file]);
        assert_eq!(ran.status.code(), SOME_FAILED, "{ran:?}");
    }
}

/// The first fault hides the others, but it fails all the files.
#[test]
fn with_all_five_faults_each_of_the_five_files_fails() {
    if !has_python() {
        return;
    }
    for (_, file) in FAULTS {
        let options = ["--strict", "--timeout", "2", file];
        let ran = replay("five_faults.py", &options);
        assert_eq!(ran.status.code(), SOME_FAILED, "{ran:?}");
    }
}

#[test]
fn the_one_that_hangs_is_ended_in_time() {
    if !has_python() {
        return;
    }
    let begin = Instant::now();
    let options = ["--timeout", "1", "transcripts/01-first"];
    let ran = replay("hangs.py", &options);
    assert_eq!(ran.status.code(), SOME_FAILED, "{ran:?}");
    assert!(begin.elapsed() < Duration::from_secs(60));
}

/// Judges a student's server. `student` is the file, and what else it is told.
fn replay(student: &str, arguments: &[&str]) -> Output {
    let (file, rest) = student.split_once(' ').unwrap_or((student, ""));
    let run =
        format!("python3 tests/students/{file} {{port}} {{maildir}} {rest}");
    Command::new(env!("CARGO_BIN_EXE_pillarbox"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["replay", "--jobs", "8", "--report", "tsv", "--run", &run])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn has_python() -> bool {
    let mut python = Command::new("python3");
    python.args(["-c", "import socketserver"]);
    if python.output().is_ok_and(|output| output.status.success()) {
        return true;
    }
    assert!(env::var_os("CI").is_none(), "python3 cannot be run");
    let _ = writeln!(io::stderr(), "skipped: python3 is not installed");
    false
}
