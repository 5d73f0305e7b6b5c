//! Exercises: what stands on the page, and what lies in the folder, agree; and
//! each case is a transcript, like the recordings.
//!
//! Whether a case is red before its solution and green with it, the script
//! `tests/exercises` shows.

use pillarbox::transcript::format::lint::check as lint;
use pillarbox::transcript::format::parse::parse;
use std::collections::BTreeMap;
use std::path::Path;

use super::chapters::{chapters, folds};
use super::page::{Heading, Page};
use super::tree::{Tree, at};

const FOLDER: &str = "book/exercises/";

/// An exercise of a chapter.
pub struct Exercise {
    pub line: usize,
    /// Behind `### `.
    pub title: String,
    /// What a link to its heading ends in.
    pub id: String,
    /// The folders of the cases that are shown, with their lines.
    pub folders: Vec<(usize, String)>,
    pub has_hint: bool,
}

/// The exercises of a page, in order.
pub fn on_page(page: &Page) -> Vec<Exercise> {
    let headings = page.headings();
    let mut exercises = Vec::new();
    for (number, heading) in headings.iter().enumerate() {
        if heading.level == 3 && heading.text.starts_with("Exercise ") {
            let mut after = headings.iter().skip(number + 1);
            let next = after.find(|heading| heading.level <= 3);
            let end = next.map_or(page.length() + 1, |next| next.line);
            exercises.push(exercise(page, heading, end));
        }
    }
    exercises
}

fn exercise(page: &Page, heading: &Heading, end: usize) -> Exercise {
    let lines = heading.line..end;
    let folder = |include: super::page::Include| {
        let target = include.target?;
        let name = target.strip_prefix(FOLDER)?.strip_suffix("/case.txt")?;
        let is_here = lines.contains(&include.line);
        is_here.then(|| (include.line, name.to_owned()))
    };
    Exercise {
        line: heading.line,
        title: heading.text.clone(),
        id: heading.id.clone(),
        folders: page.includes().into_iter().filter_map(folder).collect(),
        has_hint: lines.clone().any(|line| folds(page, line, "Hint")),
    }
}

/// What is wrong with the exercises of a chapter: line, and what.
pub fn check(chapter: usize, exercises: &[Exercise]) -> Vec<(usize, String)> {
    let mut findings = Vec::new();
    for (number, exercise) in (1..).zip(exercises) {
        let mut want = |is_so: bool, what: &str| {
            if !is_so {
                findings.push((exercise.line, what.to_owned()));
            }
        };
        let start = format!("Exercise {chapter}.{number}: ");
        let rest = exercise.title.strip_prefix(&start);
        want(rest.is_some(), &format!("the heading begins with `{start}`"));
        let effort = rest.and_then(Effort::read);
        want(
            rest.is_none() || effort.is_some(),
            r"a heading ends in stars and time: `\*\* (40 min)`",
        );
        let is_easy = number > 1 || effort.is_none_or(|e| e.stars == r"\*");
        want(is_easy, r"the first exercise of a chapter has one star: `\*`");
        want(exercise.has_hint, "no hint: <summary>Hint</summary>");
        want(exercise.folders.len() == 1, "it must show one case.txt");
        let prefix = format!("{chapter:02}-");
        let is_ours = |(_, name): &(_, String)| name.starts_with(&prefix);
        let what = format!("the folder's name begins with {prefix}");
        want(exercise.folders.iter().all(is_ours), &what);
    }
    if exercises.len() < 2 {
        let line = exercises.first().map_or(1, |exercise| exercise.line);
        findings.push((line, "at least two exercises".to_owned()));
    }
    findings
}

/// What a heading says of an exercise: `The plus sign moves \* (10 min)`.
struct Effort<'a> {
    name: &'a str,
    /// As in Markdown, each with its backslash.
    stars: &'a str,
    time: &'a str,
}

impl Effort<'_> {
    fn read(title: &str) -> Option<Effort<'_>> {
        let (words, time) = title.strip_suffix(')')?.rsplit_once(" (")?;
        let (name, stars) = words.rsplit_once(' ')?;
        let count = stars.matches(r"\*").count();
        let is_stars = stars == r"\*".repeat(count) && (1..=3).contains(&count);
        // `10 min`, `project, 6 to 10 hours`
        let (amount, unit) = time.rsplit_once(' ')?;
        let is_amount = amount.ends_with(|c: char| c.is_ascii_digit());
        let units = ["min", "minutes", "h", "hour", "hours"];
        let is_time = is_amount && units.contains(&unit);
        let is_right = !name.is_empty() && is_stars && is_time;
        is_right.then_some(Effort { name, stars, time })
    }
}

/// All exercises of the book as a table, for whoever plans a lesson. One whose
/// heading is not as it should be is left out: `check` speaks of it.
pub fn table(tree: &Tree) -> String {
    let mut rows = String::from(
        "| exercise | time | what to do | folder |\n|---|---|---|---|\n",
    );
    for chapter in chapters(tree) {
        let page = chapter.page.path.trim_start_matches("book/src/");
        for exercise in on_page(&chapter.page) {
            let title = exercise.title.trim_start_matches("Exercise ");
            let (Some(Effort { name, stars, time }), Some((_, folder))) =
                (Effort::read(title), exercise.folders.first())
            else {
                continue;
            };
            let (id, kind) = (&exercise.id, kind(tree, folder));
            rows.push_str(&format!(
                "| [{name}](../{page}#{id}) {stars} | {time} | {kind} | \
                 `{folder}` |\n",
            ));
        }
    }
    rows
}

/// What a student does in an exercise, as its patches tell.
fn kind(tree: &Tree, name: &str) -> &'static str {
    let patch = |file| tree.text(&format!("{FOLDER}{name}/{file}.patch"));
    let changes_code =
        patch("solution").is_some_and(|text| text.contains("\n+++ b/src/"));
    match (patch("seed"), changes_code) {
        (Some(_), _) => "find the bug",
        (None, true) => "change the code",
        (None, false) => "fill in the page",
    }
}

/// The folders and the pages agree, and each case can be played.
pub fn folders(tree: &Tree) -> Vec<String> {
    let shown = shown(tree);
    let mut findings = Vec::new();
    for name in names(tree) {
        let folder = format!("{FOLDER}{name}");
        findings.extend(files(tree, &folder));
        match shown.get(&name).map_or(&[][..], Vec::as_slice) {
            [_] => {}
            [] => findings.push(at(&folder, 1, "is an exercise of no chapter")),
            [_, again, ..] => {
                findings.push(format!("{again}: {name} is shown twice"));
            }
        }
    }
    for (name, places) in &shown {
        if !tree.has(&format!("{FOLDER}{name}")) {
            findings.push(format!("{}: there is no {name}", places[0]));
        }
    }
    let played = [FOLDER, "book/recordings/"].into_iter();
    let cases = played.flat_map(|folder| tree.under(folder));
    let cases = cases.filter(|(path, _)| path.ends_with(".txt"));
    findings.extend(cases.flat_map(|(path, text)| case(path, text)));
    findings
}

/// What must lie in a folder, and what may.
fn files(tree: &Tree, folder: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for name in ["case.txt", "solution.patch"] {
        if tree.text(&format!("{folder}/{name}")).is_none() {
            findings.push(at(folder, 1, &format!("has no {name}")));
        }
    }
    for (path, text) in tree.under(&format!("{folder}/")) {
        let name = &path[folder.len() + 1..];
        match name.strip_suffix(".patch") {
            Some("solution" | "seed") => {
                findings.extend(patch(tree, path, text));
            }
            None if name.starts_with("case") && name.ends_with(".txt") => {}
            Some(_) | None => {
                let what = "is no file of an exercise: delete it";
                findings.push(at(path, 1, what));
            }
        }
    }
    findings
}

/// A patch changes files that are there. Whether it fits, the script shows.
fn patch(tree: &Tree, path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        if let Some(file) = text.strip_prefix("--- a/")
            && !tree.has(file)
        {
            findings.push(at(path, line, &format!("there is no {file}")));
        }
    }
    if !text.contains("\n@@ ") {
        findings.push(at(path, 1, "is no patch: make it by `git diff`"));
    }
    findings
}

/// Where each folder is shown on the page of a chapter.
fn shown(tree: &Tree) -> BTreeMap<String, Vec<String>> {
    let mut shown: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for chapter in chapters(tree) {
        let exercises = on_page(&chapter.page);
        for (line, name) in exercises.into_iter().flat_map(|e| e.folders) {
            let place = format!("{}:{line}", chapter.page.path);
            shown.entry(name).or_default().push(place);
        }
    }
    shown
}

fn names(tree: &Tree) -> Vec<String> {
    let name = |path: &str| {
        let (name, _) = path.strip_prefix(FOLDER)?.split_once('/')?;
        Some(name.to_owned())
    };
    let mut names: Vec<String> =
        tree.under(FOLDER).filter_map(|(path, _)| name(path)).collect();
    names.dedup();
    names
}

fn case(path: &str, text: &str) -> Vec<String> {
    match parse(Path::new(path), text.as_bytes()) {
        Err(error) => vec![error.to_string()],
        Ok(transcript) => lint(&transcript)
            .into_iter()
            .map(|(line, what)| at(path, line, &what))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = include_str!("good_chapter.md");
    const PATCH: &str = "--- a/book/src/03-a.md\n+++ b\n@@ -1 +1 @@\n";
    const CASE: &str =
        "Title: t\nLevel: own\n\nS: 220 {...}\n(client closes)\n";

    fn good() -> Tree {
        Tree::of(&[
            ("book/src/SUMMARY.md", "- [3. A](03-a.md)\n"),
            ("book/src/03-a.md", GOOD),
            ("book/exercises/03-one/case.txt", CASE),
            ("book/exercises/03-one/solution.patch", PATCH),
            ("book/exercises/03-two/case.txt", CASE),
            ("book/exercises/03-two/solution.patch", PATCH),
        ])
    }

    #[test]
    fn a_heading_has_stars_and_a_time() {
        for (title, want) in [
            (r"Plus \* (10 min)", Some(1)),
            (r"Plus and minus \*\* (1 h)", Some(2)),
            (r"BDAT \*\*\* (project, 6 to 10 hours)", Some(3)),
            (r"Plus \*", None),
            (r"Plus * (10 min)", None),
            (r"Plus \*\*\*\* (10 min)", None),
            (r"Plus (10 min)", None),
            (r"Plus \* (soon)", None),
            (r"Plus \* (10)", None),
        ] {
            let stars = Effort::read(title).map(|e| e.stars.len() / 2);
            assert_eq!(stars, want, "{title}");
        }
    }

    #[test]
    fn the_table_says_what_a_student_does_as_the_patches_tell() {
        let kinds = |tree: Tree| {
            let kind =
                |row: &str| row.split('|').nth(3)?.trim().to_owned().into();
            let kinds: Vec<String> =
                table(&tree).lines().skip(2).filter_map(kind).collect();
            kinds
        };
        let fills = "fill in the page";
        let page = "--- a/case.txt\n+++ b/case.txt\n@@ -1 +1 @@\n";
        let code = "--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1 +1 @@\n";
        let solution = "book/exercises/03-one/solution.patch";
        let seed = "book/exercises/03-one/seed.patch";
        let tree = || good().with(solution, page);
        assert_eq!(kinds(tree())[0], fills);
        assert_eq!(kinds(tree().with(solution, code))[0], "change the code");
        assert_eq!(kinds(tree().with(seed, code))[0], "find the bug");
    }

    #[test]
    fn each_part_of_an_exercise_can_be_missed() {
        for (old, new, want) in [
            ("Exercise 3.1", "Exercise 3.2", "begins with `Exercise 3.1: `"),
            ("Exercise 3.2", "Exercise 2.2", "begins with `Exercise 3.2: `"),
            (r" \* (10", r" \*\* (10", "the first exercise of a chapter"),
            ("(10 min)", "", "ends in stars and time"),
            ("<summary>Hint", "<summary>Help", "no hint"),
            (
                "/03-one/case.txt}}",
                "/03-one/it.txt}}",
                "must show one case.txt",
            ),
            ("../exercises/03-", "../exercises/04-", "begins with 03-"),
            ("### Exercise 3.2", "### Task 3.2", "at least two exercises"),
        ] {
            let text = GOOD.replacen(old, new, 1);
            assert_ne!(text, GOOD, "{old}");
            let page = Page::new("book/src/03-a.md", &text);
            let found = check(3, &on_page(&page));
            let is_it = |(_, what): &(_, String)| what.contains(want);
            assert!(found.iter().any(is_it), "{found:?}, not {want}");
        }
    }

    #[test]
    fn smaller_headings_stand_inside_of_an_exercise() {
        let text = GOOD.replace("(10 min)\n", "(10 min)\n\n#### Rules\n");
        let page = Page::new("book/src/03-a.md", &text);
        assert_eq!(check(3, &on_page(&page)), []);
    }

    #[test]
    fn folders_and_pages_agree_both_ways() {
        assert_eq!(folders(&good()), [""; 0]);
        let new = "book/exercises/03-new/case.txt";
        let found = folders(&good().with(new, CASE)).join("\n");
        assert!(found.contains("03-new:1: has no solution.patch"), "{found}");
        assert!(found.contains("03-new:1: is an exercise of no chapter"));
        let patch = "book/exercises/03-one/solution.patch";
        let without = good().without(patch);
        let found = folders(&without.without("book/exercises/03-one/case.txt"));
        let line = 1 + GOOD
            .lines()
            .position(|l| l.contains("03-one/case.txt}"))
            .unwrap();
        let want = format!("book/src/03-a.md:{line}: there is no 03-one");
        assert_eq!(found, [want]);
        let twice = GOOD.replace("03-two", "03-one");
        let found = folders(&good().with("book/src/03-a.md", &twice));
        assert!(found.join("\n").contains(": 03-one is shown twice"));
    }

    #[test]
    fn a_patch_that_is_none_and_a_file_too_many_are_found() {
        let path = "book/exercises/03-one/solution.patch";
        let found = folders(&good().with(path, ""));
        let want = "is no patch: make it by `git diff`";
        assert_eq!(found, [format!("{path}:1: {want}")]);
        let gone = PATCH.replace("03-a", "03-b");
        let found = folders(&good().with(path, &gone));
        assert_eq!(found, [format!("{path}:1: there is no book/src/03-b.md")]);
        let path = "book/exercises/03-one/notes.txt";
        let found = folders(&good().with(path, CASE)).join("\n");
        assert!(found.contains("is no file of an exercise"), "{found}");
    }

    #[test]
    fn a_recording_is_a_transcript_too() {
        let path = "book/recordings/a.txt";
        let found = folders(&good().with(path, "Title: t\n\nS: x\n"));
        assert!(found[0].starts_with(&format!("{path}:2: ")), "{found:?}");
    }

    #[test]
    fn a_case_is_a_transcript_that_is_fit_for_the_book() {
        let path = "book/exercises/03-one/case.txt";
        let found = folders(&good().with(path, "Title: t\n\nS: x\n"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(&format!("{path}:2: ")), "{found:?}");
        let text = CASE.replace("Title: t", "Title: t.");
        let found = folders(&good().with(path, &text));
        assert_eq!(found, [format!("{path}:1: a title has no full stop")]);
    }
}
