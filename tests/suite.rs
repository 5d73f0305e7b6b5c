//! The built-in suite: the program has all of `transcripts/` in it, and needs
//! no checkout.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use pillarbox::transcript::format::folder::read_all;
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use support::needs;

const LIST: &str = "src/transcript/format/suite_files.rs";

const HEAD: &str = "\
//! The files of `transcripts/`, built in. Nobody writes this list:
//! `PILLARBOX_REDRAW=1 cargo test --test suite` draws it anew.

/// The path and the text of each.
#[rustfmt::skip]
pub(super) const FILES: &[(&str, &str)] = &[
";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The list as it must be for the files in the folder.
fn list() -> String {
    let mut text = HEAD.to_owned();
    for page in read_all(&root().join("transcripts")).unwrap() {
        let path = page.path.strip_prefix(root()).unwrap().display();
        let include = format!("include_str!(\"../../../{path}\")");
        text.push_str(&format!("    (\"{path}\",\n     {include}),\n"));
    }
    text + "];\n"
}

#[test]
fn the_list_of_built_in_files_is_the_folder() {
    let (path, wanted) = (root().join(LIST), list());
    let is_set = |name| env::var_os(name).is_some_and(|v| !v.is_empty());
    if is_set("PILLARBOX_REDRAW") && !is_set("CI") {
        fs::write(&path, &wanted).unwrap();
    }
    let how = "run PILLARBOX_REDRAW=1 cargo test --test suite";
    assert!(fs::read_to_string(path).unwrap() == wanted, "{LIST}: {how}");
}

/// What was printed, what was complained of, and the exit code.
fn replay(place: &Path, words: &[&str]) -> (String, String, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
        .current_dir(place)
        .arg("replay")
        .args(words)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    (text(output.stdout), text(output.stderr), code)
}

#[test]
fn without_a_checkout_the_same_files_are_there_under_the_same_paths() {
    let empty = tempfile::tempdir().unwrap();
    let away = |words: &[&str]| replay(empty.path(), words);
    let here = |words: &[&str]| replay(root(), words);
    let all = here(&["--list", "transcripts"]);
    assert_eq!(away(&["--list"]), all);
    assert_eq!(away(&["--list", "transcripts/"]), all);
    let folder = ["--list", "transcripts/01-first"];
    assert_eq!(away(&folder), here(&folder));
    assert_eq!(away(&["--check"]), here(&["--check", "transcripts"]));
    let show = ["--show", "transcripts/01-first/quit.txt:9"];
    assert_eq!(away(&show), here(&show));
    assert_eq!(away(&show).2, 0);
}

#[test]
fn a_server_is_judged_without_a_checkout_as_with_one() {
    if !needs(&["python3", "-c", "import socketserver"]) {
        return;
    }
    let empty = tempfile::tempdir().unwrap();
    let server = root().join("tests/students/five_faults.py");
    let run = format!("python3 '{}' {{port}} {{maildir}} 4", server.display());
    let report = |place, files: &[&str]| {
        let words =
            [&["--run", &run, "--stage", "2", "--wait", "900"], files].concat();
        let (report, _, code) = replay(place, &words);
        let without_time = report.lines().map(|line| match line {
            line if line.contains(" transcripts: ") => {
                line.split(", in ").next().unwrap()
            }
            line => line,
        });
        (without_time.collect::<Vec<_>>().join("\n"), code)
    };
    let away = report(empty.path(), &[]);
    assert_eq!(away, report(root(), &["transcripts"]));
}

#[test]
fn what_was_exported_has_the_same_name_in_a_report_and_is_not_written_over() {
    let place = tempfile::tempdir().unwrap();
    let export = ["--export", "transcripts"];
    let (said, _, code) = replay(place.path(), &export);
    assert_eq!(code, 0);
    assert!(said.contains(" transcripts are in transcripts"), "{said}");
    // These are files now, and the list is that of this repository.
    let all = replay(place.path(), &["--list", "transcripts"]);
    assert_eq!(all, replay(root(), &["--list", "transcripts"]));
    let (_, complaint, code) = replay(place.path(), &export);
    assert_eq!(code, 1);
    assert!(complaint.contains("is there already"), "{complaint}");
    let (_, complaint, code) = replay(place.path(), &["--export", "a", "b"]);
    assert_eq!(code, 2, "{complaint}");
}

#[test]
fn what_is_in_the_program_cannot_be_blessed() {
    let empty = tempfile::tempdir().unwrap();
    for words in [&["--bless"][..], &["--bless", "transcripts/01-first"]] {
        let (_, complaint, code) = replay(empty.path(), words);
        assert_eq!(code, 2, "{complaint}");
    }
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
}
