//! "Your own server": the servers that a student begins with, and one that is
//! finished, graded week by week as the page of the book says.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]
#![allow(clippy::indexing_slicing)]

mod support;

use std::process::{Command, Stdio};
use support::needs;

const PYTHON: &[&str] = &["python3", "-c", "import socketserver"];
const NODE: &[&str] = &["node", "--eval", "import('node:net')"];
const WEEKS: &str = include_str!("../book/src/generated/weeks.md");
const PAGE: &str = include_str!("../book/src/your-own-server.md");

/// A row of the page's table.
struct Week {
    stage: u32,
    /// The points of a server without extensions and limits.
    points: u32,
    /// `PIPELINING` or `{max-size}`, and its points.
    more: Vec<(String, u32)>,
}

fn weeks() -> Vec<Week> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let more = |cell: &str| {
            let (need, points) = cell.rsplit_once(": ")?;
            Some((need.replace('`', ""), points.parse().unwrap()))
        };
        Week {
            stage: cells[3].parse().unwrap(),
            points: cells[5].parse().unwrap(),
            more: cells[6].split("<br>").filter_map(more).collect(),
        }
    };
    WEEKS.lines().skip(2).map(row).collect()
}

/// Grades a server by a stage: the points, how many there could be, and the
/// whole report.
fn grade(server: &str, stage: u32) -> (u32, u32, String) {
    let command = format!("{server} {{port}} {{maildir}}");
    let output = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["replay", "--run", &command, "--jobs", "8"])
        .args(["--timeout", "30", "--wait", "900"])
        .args(["--stage", &stage.to_string(), "transcripts"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    let start = format!("stage {stage}: ");
    let line = report.lines().find_map(|line| line.strip_prefix(&start));
    let (numbers, _) = line.unwrap().split_once(',').unwrap();
    let (points, most) = numbers.split_once(" of ").unwrap();
    (points.parse().unwrap(), most.parse().unwrap(), report)
}

/// A beginning has the points of its greeting, and no more in any week.
fn has_few_points(server: &str) {
    for week in weeks() {
        let (points, most, report) = grade(server, week.stage);
        assert_eq!(most, week.points, "week {}: {report}", week.stage);
        assert!((1..=2).contains(&points), "week {}: {report}", week.stage);
        assert!(report.contains("01-first/hello.txt"), "{report}");
    }
}

#[test]
fn the_starter_in_python_has_few_points_in_every_week() {
    if needs(PYTHON) {
        has_few_points("python3 book/starter/server.py");
    }
}

#[test]
fn the_starter_in_javascript_has_few_points_in_every_week() {
    if needs(NODE) {
        has_few_points("node book/starter/server.mjs");
    }
}

#[test]
fn a_finished_server_has_all_points_of_every_week() {
    if !needs(PYTHON) {
        return;
    }
    // What this one offers in its reply to EHLO.
    let offers = ["PIPELINING", "8BITMIME"];
    for week in weeks() {
        let server = "python3 tests/students/right.py";
        let (points, most, report) = grade(server, week.stage);
        let is_offered = |need: &str| offers.contains(&need);
        let more = week.more.iter().filter(|(need, _)| is_offered(need));
        let more: u32 = more.map(|(_, points)| points).sum();
        assert_eq!(points, most, "week {}: {report}", week.stage);
        assert_eq!(most, week.points + more, "week {}", week.stage);
    }
}

#[test]
fn the_page_shows_what_the_starter_gets_in_the_first_week() {
    if !needs(PYTHON) {
        return;
    }
    let server = "python3 book/starter/server.py";
    let (_, _, report) = grade(server, 1);
    let line = report.lines().find(|line| line.starts_with("stage 1: "));
    assert!(PAGE.contains(line.unwrap()), "{report}");
    // And where its first fault is.
    let show = "--show transcripts/01-first/hello.txt:10";
    assert!(report.contains(show) && PAGE.contains(show), "{report}");
}
