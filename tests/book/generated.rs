//! The parts of the book that nobody writes: tables, helps and pictures.
//!
//! A test compares them with the files that are committed.
//! `PILLARBOX_REDRAW=1 cargo test --test book` writes them all anew; not where
//! CI is set, which would find all well after it has changed it.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::links::links;
use super::page::pages;
use super::tree::{Tree, at, root};
use super::{
    client_picture, client_table, exercises, figures, index, ladder,
    machine_picture, matrix, measured_pictures, microscope, model_picture,
    queue_picture, retry_picture, tables, talks, walk, weeks,
};

const TABLES: &str = "book/src/generated";
const PICTURES: &str = "book/src/pictures";
const LIVE: &str = "book/src/live";

/// The commands whose help is shown. The program itself has one, too.
const COMMANDS: [&str; 8] = [
    "pillarbox",
    "serve",
    "replay",
    "grade",
    "record",
    "send",
    "inbox",
    "queue",
];

/// What a difference says.
const HOW: &str = "run PILLARBOX_REDRAW=1 cargo test --test book, and look at \
    what has changed";

/// Files by their path, and what they must be.
pub type Files = BTreeMap<String, String>;

/// The help of each command, as the program prints it.
pub fn helps(binary: &Path) -> Vec<(&'static str, String)> {
    let help = |command: &'static str| {
        let is_itself = command == "pillarbox";
        let words = if is_itself { &[][..] } else { &[command] };
        let output = Command::new(binary)
            .args(words)
            .arg("--help")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (command, String::from_utf8(output.stdout).unwrap())
    };
    COMMANDS.map(help).to_vec()
}

/// Everything that is generated. What cannot be, is a finding.
pub fn all(tree: &Tree, binary: &Path) -> (Files, Vec<String>) {
    let mut files = Files::new();
    let mut add = |folder: &str, name: &str, text: String| {
        files.insert(format!("{folder}/{name}"), text);
    };
    add(TABLES, "state-table.md", tables::states());
    add(TABLES, "reply-table.md", tables::replies(tree));
    add(TABLES, "rfc-index.md", index::index(tree));
    add(TABLES, "matrix.md", matrix::page(tree, matrix::SERVERS));
    add(TABLES, "clients-matrix.md", matrix::page(tree, matrix::CLIENTS));
    add(TABLES, "exercises.md", exercises::table(tree));
    add(TABLES, "client-table.md", client_table::table());
    add(TABLES, "retries.md", tables::retries());
    add(TABLES, "weeks.md", weeks::table(tree));
    for (command, help) in helps(binary) {
        let name = format!("help-{command}.txt");
        add(TABLES, &name.replace("-pillarbox", ""), help);
    }
    add(LIVE, "walks.js", walk::script(tree));
    add(PICTURES, "state-machine.svg", machine_picture::draw());
    add(PICTURES, "state-machine-small.svg", machine_picture::draw_small());
    add(PICTURES, "mail-model.svg", model_picture::draw());
    add(PICTURES, "client-machine.svg", client_picture::draw());
    add(PICTURES, "retries.svg", retry_picture::draw());
    let (talks, mut findings) = talks::parts(tree);
    for (name, part) in talks {
        add(TABLES, &name, part);
    }
    let (measured, missing) = figures::parts(tree);
    for (name, table) in measured {
        add(TABLES, &name, table);
    }
    findings.extend(missing);
    match measured_pictures::parts(tree) {
        Ok(pictures) => {
            for (name, picture) in pictures {
                add(PICTURES, &name, picture);
            }
        }
        Err(finding) => findings.push(finding),
    }
    for (name, part) in microscope::parts(tree) {
        add("book/src", &name, part);
    }
    findings.extend(tables::missing(tree));
    match queue_picture::draw(tree) {
        Ok(picture) => add(PICTURES, "queue-states.svg", picture),
        Err(finding) => findings.push(finding),
    }
    for (place, name) in wanted_ladders(tree) {
        match ladder::draw(tree, &name) {
            Ok(picture) => add(PICTURES, &name, picture),
            Err(why) => findings.push(format!("{place}: {why}")),
        }
    }
    (files, findings)
}

/// The ladders that pages ask for: where, and the file's name.
fn wanted_ladders(tree: &Tree) -> Vec<(String, String)> {
    let mut wanted = Vec::new();
    for page in pages(tree) {
        for link in links(&page) {
            let name = link.path.rsplit('/').next().unwrap_or_default();
            if name.starts_with("ladder-") && name.ends_with(".svg") {
                let place = format!("{}:{}", page.path, link.line);
                wanted.push((place, name.to_owned()));
            }
        }
    }
    wanted
}

/// What is not as it must be.
pub fn compare(tree: &Tree, files: &Files) -> Vec<String> {
    let mut findings = Vec::new();
    for (path, want) in files {
        match tree.text(path) {
            Some(text) if text == want => {}
            Some(text) => {
                let pairs = text.lines().zip(want.lines());
                let same = pairs.take_while(|(a, b)| a == b).count();
                let what = format!("is not what the source says: {HOW}");
                findings.push(at(path, same + 1, &what));
            }
            None => findings.push(at(path, 1, &format!("is missing: {HOW}"))),
        }
    }
    for folder in [TABLES, PICTURES] {
        let start = format!("{folder}/");
        for (path, _) in tree.under(&start) {
            let is_drawn = path.ends_with(".svg") || folder == TABLES;
            if is_drawn && !files.contains_key(path) {
                let what = "nothing asks for it any more: delete it";
                findings.push(at(path, 1, what));
            }
        }
    }
    findings
}

/// Whether somebody has asked to have all drawn anew, and may.
pub fn is_asked_to_redraw() -> bool {
    is_asked(env::var_os("PILLARBOX_REDRAW"), env::var_os("CI"))
}

fn is_asked(redraw: Option<OsString>, ci: Option<OsString>) -> bool {
    let is_set =
        |value: Option<OsString>| value.is_some_and(|value| !value.is_empty());
    is_set(redraw) && !is_set(ci)
}

/// Writes what has changed, and nothing else.
pub fn redraw(tree: &Tree, files: &Files) {
    for folder in [TABLES, PICTURES] {
        fs::create_dir_all(root().join(folder)).unwrap();
    }
    for (path, text) in files {
        if tree.text(path) != Some(text) {
            fs::write(root().join(path), text).unwrap();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_drawn_anew_where_ci_is_set() {
        let set = || Some(OsString::from("1"));
        assert!(is_asked(set(), None));
        assert!(!is_asked(set(), set()));
        assert!(!is_asked(None, None));
    }

    #[test]
    fn a_changed_a_missing_and_an_unwanted_file_are_found() {
        let path = |name: &str| format!("{TABLES}/{name}");
        let mut files = Files::new();
        files.insert(path("a.md"), "one\ntwo\n".into());
        files.insert(path("b.md"), "one\n".into());
        let tree = Tree::of(&[
            (&path("a.md"), "one\nthree\n"),
            (&path("c.md"), ""),
            (&format!("{PICTURES}/ladder-x.svg"), ""),
        ]);
        let found = compare(&tree, &files);
        assert_eq!(
            found,
            [
                format!("{TABLES}/a.md:2: is not what the source says: {HOW}"),
                format!("{TABLES}/b.md:1: is missing: {HOW}"),
                format!(
                    "{TABLES}/c.md:1: nothing asks for it any more: delete it"
                ),
                format!(
                    "{PICTURES}/ladder-x.svg:1: nothing asks for it any more: \
                     delete it"
                ),
            ]
        );
        let tree = Tree::of(&[(&path("a.md"), "one\ntwo\n")]);
        files.remove(&path("b.md"));
        assert_eq!(compare(&tree, &files), [""; 0]);
    }
}
