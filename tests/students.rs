//! Grading: three servers as students write them, each graded with one
//! command.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]
#![allow(clippy::indexing_slicing)]

mod support;

use std::process::{Command, Stdio};
use std::time::Instant;
use support::{DEADLINE, needs};

const PYTHON: &[&str] = &["python3", "-c", "import socketserver"];
const FAULTY: &str = include_str!("students/five_faults.py");

/// Grades the server that `command` starts. What was printed, and the exit
/// code.
fn grade(command: &str, options: &[&str], files: &[&str]) -> (String, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["replay", "--run", command])
        .args(options)
        .args(files)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (text, output.status.code().unwrap())
}

fn student(name: &str) -> String {
    format!("python3 tests/students/{name} {{port}} {{maildir}}")
}

#[test]
fn the_right_one_passes_every_must() {
    if !needs(PYTHON) {
        return;
    }
    let jobs = ["--jobs", "4"];
    let (report, code) = grade(&student("right.py"), &jobs, &["transcripts"]);
    assert_eq!(code, 0, "{report}");
    assert!(report.contains(" 0 failed, "), "{report}");
    let last = report.lines().last().unwrap();
    let (_, rest) = last.split_once(": ").unwrap();
    let passed = rest.split(' ').next().unwrap();
    assert!(passed.parse::<u32>().unwrap() >= 40, "{last}");
}

/// The number of each fault and the transcript that is meant for it, from the
/// head of the faulty server.
fn faults() -> Vec<(String, String)> {
    let lines = FAULTY.lines().filter(|line| line.starts_with("  "));
    let pairs = lines.filter_map(|line| {
        let number = line.split_whitespace().next()?;
        let file = line.split_whitespace().last()?;
        file.ends_with(".txt")
            .then(|| (number.to_owned(), format!("transcripts/{file}")))
    });
    pairs.collect()
}

#[test]
fn each_of_five_faults_is_caught_by_the_transcript_meant_for_it() {
    if !needs(PYTHON) {
        return;
    }
    assert_eq!(faults().len(), 5);
    for (number, file) in faults() {
        let patience = ["--timeout", "2", "--strict"];
        let right = student("right.py");
        let (report, code) = grade(&right, &patience, &[&file]);
        assert_eq!(code, 0, "without fault {number}: {report}");
        let faulty = format!("{} {number}", student("five_faults.py"));
        let (report, code) = grade(&faulty, &patience, &[&file]);
        assert_eq!(code, 1, "fault {number}: {report}");
        assert!(report.contains("rule"), "fault {number}: {report}");
    }
}

#[test]
fn with_all_five_faults_no_mail_comes_in_and_the_report_says_why() {
    if !needs(PYTHON) {
        return;
    }
    let command = student("five_faults.py");
    let file = "transcripts/01-first/helo.txt";
    let (report, code) = grade(&command, &["--timeout", "2"], &[file]);
    assert_eq!(code, 1, "{report}");
    assert!(report.contains("S: 250 2.1.0 Sender OK"), "{report}");
    assert!(report.contains("RFC 5321"), "{report}");
}

#[test]
fn the_hanging_one_ends_in_time() {
    if !needs(PYTHON) {
        return;
    }
    let begin = Instant::now();
    let options = ["--timeout", "0.5", "--jobs", "4"];
    let folder = "transcripts/01-first";
    let (report, code) = grade(&student("hangs.py"), &options, &[folder]);
    assert_eq!(code, 1, "{report}");
    assert!(report.contains("no reply within 0.5 s"), "{report}");
    assert!(begin.elapsed() < DEADLINE);
}

const README: &str = include_str!("../README.md");

#[test]
fn the_readme_shows_the_report_that_a_student_sees() {
    if !needs(PYTHON) {
        return;
    }
    let command = format!("{} 4", student("five_faults.py"));
    assert!(README.contains(&command), "{command}");
    let file = "transcripts/03-order/rcpt-before-mail.txt";
    let (report, code) = grade(&command, &["--timeout", "3"], &[file]);
    assert_eq!(code, 1);
    let lines: Vec<&str> = report.lines().take(7).collect();
    assert!(README.contains(&lines.join("\n")), "{report}");
}

#[test]
fn gradescope_gets_a_point_for_each_must() {
    if !needs(PYTHON) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tsv = folder.path().join("report.tsv").display().to_string();
    let options = ["--report", "tsv", "--out", &tsv, "--timeout", "3"];
    let command = format!("{} 4", student("five_faults.py"));
    let files = ["transcripts/01-first", "transcripts/03-order"];
    let (report, code) = grade(&command, &options, &files);
    assert_eq!(code, 1, "{report}");
    let count = "import json, subprocess, sys
script = 'tests/students/gradescope.py'
made = subprocess.run([sys.executable, script, sys.argv[1]],
                      check=True, capture_output=True).stdout
tests = json.loads(made)['tests']
print(sum(t['score'] for t in tests), sum(t['max_score'] for t in tests),
      sum(t['status'] == 'failed' for t in tests))";
    let output = Command::new("python3")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["-c", count, &tsv])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<u32> =
        text.split_whitespace().map(|n| n.parse().unwrap()).collect();
    let [score, most, failed] = numbers[..] else { panic!("{text}") };
    assert!(score < most && score > 0 && failed >= most - score, "{text}");
    let failures = report.matches("FAIL ").count() as u32;
    assert_eq!(most - score, failures, "{report}");
}
