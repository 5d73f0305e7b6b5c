//! The teacher's pack: slides, a bank of questions, and sheets to print. What
//! the bank calls right is what the machine does, and nothing of it is in the
//! book.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)]
#![allow(clippy::indexing_slicing)]

mod support;

#[path = "teacher/gift.rs"]
mod gift;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use support::machine::{COLUMNS, outcome};
use support::needs;

/// The first Python that the script runs on.
const PYTHON: &[&str] =
    &["python3", "-c", "import sys; sys.exit(sys.version_info < (3, 9))"];
const BANK: &str = "questions/bank.gift";
const SHEETS: &str = "questions/sheets.html";
const ANSWERS: &str = "questions/answers.html";

/// What the script has made in a folder of its own.
struct Pack(tempfile::TempDir);

impl Pack {
    fn build(options: &[&str]) -> Option<Pack> {
        if !needs(PYTHON) {
            return None;
        }
        let pack = Pack(tempfile::tempdir().unwrap());
        let output = Command::new("python3")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["tests/teacher/build", "--no-epub", "--out"])
            .arg(pack.0.path())
            .args(options)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        Some(pack)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }
}

#[test]
fn the_bank_is_gift_with_150_questions_and_one_right_answer_to_each() {
    let Some(pack) = Pack::build(&[]) else { return };
    let questions = gift::parse(&pack.text(BANK)).unwrap();
    assert!(questions.len() >= 150, "{}", questions.len());
    let names: BTreeSet<&str> = questions.iter().map(|q| &*q.name).collect();
    assert_eq!(names.len(), questions.len(), "two have the same name");
    for question in &questions {
        let all = question.right.iter().chain(&question.wrong);
        let different: BTreeSet<&String> = all.collect();
        assert_eq!(question.right.len(), 1, "{}", question.name);
        assert_eq!(question.wrong.len(), 3, "{}", question.name);
        assert_eq!(different.len(), 4, "{}", question.name);
        assert!(question.text.starts_with("<p>") && !question.why.is_empty());
    }
    for kind in ["state: ", "next: ", "rule: ", "then: ", "talk: "] {
        let is_it = |name: &&&str| name.starts_with(kind);
        assert!(names.iter().filter(is_it).count() >= 10, "{kind}");
    }
}

#[test]
fn what_the_bank_calls_right_is_what_the_machine_does() {
    let Some(pack) = Pack::build(&[]) else { return };
    let mut count = 0;
    for question in gift::parse(&pack.text(BANK)).unwrap() {
        let Some((kind, rest)) = question.name.split_once(": ") else {
            continue;
        };
        let Some((row, state)) = rest.split_once(" in ") else { continue };
        let column = COLUMNS.iter().find(|(name, _)| *name == state).unwrap();
        let done = outcome(column.1, row);
        let (code, after) = done.split_once(' ').unwrap_or((&done, state));
        let want = match kind {
            "state" => code,
            "next" => after.trim_end_matches('*'),
            _ => continue,
        };
        assert_eq!(question.right, [want], "{}", question.name);
        count += 1;
    }
    assert!(count >= 100, "{count}");
}

#[test]
fn the_same_seed_gives_the_same_sheets_and_another_one_others() {
    let Some(first) = Pack::build(&["--exam", "May"]) else { return };
    let again = Pack::build(&["--exam", "May"]).unwrap();
    let june = Pack::build(&["--exam", "June"]).unwrap();
    for name in [SHEETS, ANSWERS] {
        assert_eq!(first.text(name), again.text(name));
        let other = june.text(name).replace("June", "May");
        assert_ne!(first.text(name), other);
    }
    // Two students of one examination have different questions.
    let sheets = first.text(SHEETS);
    let sheets: Vec<&str> = sheets.split("<ol>").skip(1).collect();
    assert_eq!(sheets.len(), 3);
    assert_ne!(sheets[0], sheets[1]);
}

#[test]
fn a_sheet_has_what_was_asked_for_and_does_not_tell_the_answers() {
    let folder = tempfile::tempdir().unwrap();
    let names = folder.path().join("names.txt");
    fs::write(&names, "Ann <3\n\nBert\n").unwrap();
    let names = names.display().to_string();
    let options = [
        "--students",
        &names,
        "--questions",
        "5",
        "--up-to",
        "3",
        "--exam",
        "x",
    ];
    let Some(pack) = Pack::build(&options) else { return };
    let sheets = pack.text(SHEETS);
    assert!(sheets.contains("Ann &lt;3") && sheets.contains("Bert"));
    assert_eq!(sheets.matches("<li class='question'>").count(), 10);
    assert_eq!(sheets.matches("class='box'").count(), 40);
    // Without the letters and the text, all answers look the same.
    for question in gift::parse(&pack.text(BANK)).unwrap() {
        assert!(!sheets.contains(&question.why), "{}", question.name);
    }
    assert!(!sheets.contains("answers.html"));
    assert!(pack.text(ANSWERS).contains("Ann &lt;3"));
}

#[test]
fn a_student_is_asked_about_the_same_step_once() {
    let options = ["--exam", "May 2027", "--questions", "15", "--up-to", "5"];
    let Some(pack) = Pack::build(&options) else { return };
    let questions = gift::parse(&pack.text(BANK)).unwrap();
    let answers = pack.text(ANSWERS);
    let mut count = 0;
    for student in answers.split("<h2>").skip(1) {
        let is_asked = |place: &str| student.contains(place);
        let mut steps = BTreeSet::new();
        for question in &questions {
            // The name of a dialogue's question is its file and its line.
            let Some(place) = question.name.strip_prefix("talk: ") else {
                continue;
            };
            let (file, line) = place.rsplit_once(':').unwrap();
            let place = format!("<code>{file}</code>, line {line}<");
            if is_asked(&place) {
                let (_, said) = question.text.rsplit_once("C: ").unwrap();
                let verb = said.split_whitespace().next().unwrap();
                let step = format!("{verb} {}", question.right[0]);
                assert!(steps.insert(step.clone()), "twice: {step}");
                count += 1;
            }
        }
    }
    assert!(count >= 10, "only {count} dialogues are asked about");
}

#[test]
fn nothing_of_the_bank_is_on_a_page_of_the_book() {
    let Some(pack) = Pack::build(&[]) else { return };
    let mut pages = String::new();
    read_all(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("book/src"),
        &mut pages,
    );
    assert!(pages.len() > 100_000);
    for question in gift::parse(&pack.text(BANK)).unwrap() {
        assert!(!pages.contains(&question.name), "{}", question.name);
    }
}

fn read_all(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, text);
        } else if path.extension().is_some_and(|end| end == "md") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_chapter_has_a_deck_with_its_goals_pictures_and_questions() {
    let Some(pack) = Pack::build(&[]) else { return };
    let index = pack.text("index.html");
    let decks = fs::read_dir(pack.0.path().join("slides")).unwrap();
    let mut count = 0;
    for deck in decks {
        let name = deck.unwrap().file_name().into_string().unwrap();
        let text = pack.text(&format!("slides/{name}"));
        let sections = |kind: &str| {
            text.matches(&format!("<section class='{kind}'>")).count()
        };
        assert_eq!((sections("title"), sections("goals")), (1, 1), "{name}");
        assert!(sections("dialogue") >= 1, "{name}");
        assert!(sections("code") >= 2, "{name}");
        // Two that the teacher asks, and two to predict.
        assert!(sections("question") >= 4, "{name}");
        let (title, _) = text.split_once("<section class='goals'>").unwrap();
        for word in ["Minutes: ", "Demonstrations", "Traps"] {
            assert!(title.contains(word), "{name}: {word}");
        }
        // Nothing that was meant for mdBook is left, and nothing is loaded.
        assert!(!text.contains("{{#") && !text.contains("ANCHOR"), "{name}");
        assert!(!text.contains(" src='http") && !text.contains("<link"));
        assert!(index.contains(&format!("slides/{name}")), "{name}");
        count += 1;
    }
    assert_eq!(count, 11);
}
