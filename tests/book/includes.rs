//! What a page includes is there, and stands on the page as everywhere; what
//! is marked in the source for the book is in the book.

use std::collections::{BTreeMap, BTreeSet};

use super::page::{Include, Page, pages};
use super::tree::{Tree, at};

/// The most lines of an excerpt: what a reader takes in at a glance.
const MOST_LINES: usize = 25;

/// What needs its path above it and a block around it, and which block.
const SHOWN: [(&str, &str); 4] = [
    ("transcripts/", "smtp"),
    ("src/", "rust,ignore"),
    ("book/exercises/", "smtp"),
    ("tests/", ""),
];

/// The part of a file between two marks.
struct Anchor {
    name: String,
    line: usize,
    /// Without the marks; none until the end was found.
    length: Option<usize>,
}

/// All findings about includes and anchors.
pub fn check(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    let mut used = BTreeSet::new();
    for page in pages(tree) {
        for include in page.includes() {
            findings.extend(target(tree, &page, &include));
            findings.extend(frame(&page, &include));
            used.insert((include.target, include.anchor));
        }
    }
    for (path, text) in tree.under("src/") {
        let (anchors, wrong) = anchors(path, text);
        findings.extend(wrong);
        findings.extend(lengths(path, &anchors));
        for anchor in anchors {
            let key = (Some(path.to_owned()), Some(anchor.name.clone()));
            if !used.contains(&key) {
                let what = format!(
                    "no page includes the anchor {}: show it, or delete its \
                     two lines",
                    anchor.name
                );
                findings.push(at(path, anchor.line, &what));
            }
        }
    }
    findings
}

/// Is there what is to be included?
fn target(tree: &Tree, page: &Page, include: &Include) -> Option<String> {
    let finding = |what: &str| Some(at(&page.path, include.line, what));
    let path = include.target.as_deref().unwrap_or_default();
    let Some(text) = tree.text(path) else {
        return finding(&format!("there is no file {path}: mend the path"));
    };
    let Some(name) = include.anchor.as_deref() else {
        let is_source = path.starts_with("src/");
        let what = "a source file is shown by an anchor, not as a whole";
        return is_source.then(|| at(&page.path, include.line, what));
    };
    if !is_name(name) {
        return finding(&format!(
            "'{name}' is no anchor: line numbers drift, put `ANCHOR: name` \
             into {path}"
        ));
    }
    if path.starts_with("transcripts/") {
        return finding("a transcript is shown whole, without an anchor");
    }
    let (anchors, _) = anchors(path, text);
    let is_there = anchors.iter().any(|anchor| anchor.name == name);
    if is_there {
        return None;
    }
    finding(&format!("{path} has no anchor {name}: mend the name"))
}

fn is_name(text: &str) -> bool {
    let is_letter =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(is_letter)
}

/// A line with the path, an empty line, a block with nothing but the include.
fn frame(page: &Page, include: &Include) -> Vec<String> {
    let path = include.target.as_deref().unwrap_or_default();
    let is_it = |(start, _): &&(&str, &str)| path.starts_with(start);
    let Some((_, info)) = SHOWN.iter().find(is_it) else {
        return Vec::new();
    };
    if path.ends_with(".patch") {
        return Vec::new();
    }
    let line = include.line;
    let mut findings = Vec::new();
    let mut want = |is_so: bool, what: String| {
        if !is_so {
            findings.push(at(&page.path, line, &what));
        }
    };
    let opening = page.line(line.saturating_sub(1));
    let fence = format!("```{info}");
    let is_block = match *info {
        "" => opening.starts_with("```"),
        _ => opening == fence,
    };
    want(is_block, format!("the line above the include must be {fence}"));
    let is_alone = page.line(line + 1).trim_end() == "```";
    want(is_alone, "the block holds nothing but the include".to_owned());
    let above = [4, 3, 2].map(|up| page.line(line.saturating_sub(up)));
    let caption = format!("`{path}`");
    let has_caption = above == ["", &caption, ""];
    want(has_caption, format!("a paragraph {caption} must stand above it"));
    findings
}

/// The anchors of a file, and what is wrong with their marks.
fn anchors(path: &str, text: &str) -> (Vec<Anchor>, Vec<String>) {
    let mut anchors: Vec<Anchor> = Vec::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut findings = Vec::new();
    let mut wrong = |line: usize, what: &str| {
        findings.push(at(path, line, what));
    };
    let mut kept = 0;
    for (number, line) in (1..).zip(text.lines()) {
        if let Some(name) = mark(line, "ANCHOR: ") {
            if anchors.iter().any(|anchor| anchor.name == name) {
                wrong(number, &format!("the anchor {name} is there twice"));
            }
            if !is_name(&name) {
                wrong(number, &format!("'{name}' should be in snake_case"));
            }
            open.push((anchors.len(), kept));
            anchors.push(Anchor { name, line: number, length: None });
        } else if let Some(name) = mark(line, "ANCHOR_END: ") {
            match open.pop() {
                Some((at, start)) if anchors[at].name == name => {
                    anchors[at].length = Some(kept - start);
                }
                Some(_) | None => {
                    let what = format!("{name} ends here and is not open");
                    wrong(number, &what);
                }
            }
        } else {
            kept += 1;
        }
    }
    for anchor in anchors.iter().filter(|anchor| anchor.length.is_none()) {
        let what = format!("the anchor {} has no ANCHOR_END", anchor.name);
        wrong(anchor.line, &what);
    }
    (anchors, findings)
}

/// The name in a line that is a mark and nothing else.
fn mark(line: &str, word: &str) -> Option<String> {
    let comment = line.trim().trim_start_matches(['/', '#', '<', '!', '-']);
    let comment = comment.trim_end_matches("-->").trim();
    comment.strip_prefix(word).map(str::to_owned)
}

fn lengths(path: &str, anchors: &[Anchor]) -> Vec<String> {
    let what = |length: usize| match length {
        0 => Some("the anchor holds nothing".to_owned()),
        1..=MOST_LINES => None,
        _ => Some(format!(
            "{length} lines are too many for the page: at most {MOST_LINES}"
        )),
    };
    let finding =
        |anchor: &Anchor| Some(at(path, anchor.line, &what(anchor.length?)?));
    anchors.iter().filter_map(finding).collect()
}

/// Where each file is included: the page's path and the line.
pub fn places(tree: &Tree) -> BTreeMap<String, Vec<(String, usize)>> {
    let mut places: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for page in pages(tree) {
        for include in page.includes() {
            let target = include.target.unwrap_or_default();
            let place = (page.path.clone(), include.line);
            places.entry(target).or_default().push(place);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# A\n\n`src/a.rs`\n\n```rust,ignore\n\
        {{#include ../../src/a.rs:go}}\n```\n\n`transcripts/b/c.txt`\n\n\
        ```smtp\n{{#include ../../transcripts/b/c.txt}}\n```\n";
    const SOURCE: &str = "// ANCHOR: go\nfn go() {}\n// ANCHOR_END: go\n";

    fn good() -> Tree {
        Tree::of(&[
            ("book/src/a.md", PAGE),
            ("src/a.rs", SOURCE),
            ("transcripts/b/c.txt", "Title: t\n"),
        ])
    }

    /// What is found when in one file `old` becomes `new`.
    fn broken(path: &str, old: &str, new: &str) -> String {
        let tree = good();
        let text = tree.text(path).unwrap().replacen(old, new, 1);
        assert_ne!(tree.text(path), Some(text.as_str()));
        check(&tree.with(path, &text)).join("\n")
    }

    #[test]
    fn a_page_as_it_should_be_has_no_finding() {
        assert_eq!(check(&good()), [""; 0]);
    }

    #[test]
    fn a_missing_file_and_a_renamed_anchor_are_found() {
        assert_eq!(
            check(&good().without("transcripts/b/c.txt")),
            ["book/src/a.md:12: there is no file transcripts/b/c.txt: mend \
              the path"]
        );
        assert_eq!(
            broken("src/a.rs", SOURCE, &SOURCE.replace(": go", ": went")),
            "book/src/a.md:6: src/a.rs has no anchor go: mend the name\n\
             src/a.rs:1: no page includes the anchor went: show it, or \
             delete its two lines"
        );
    }

    #[test]
    fn line_numbers_and_whole_source_files_are_refused() {
        for wrong in ["1:3", "2", "go:", ":7"] {
            let found =
                broken("book/src/a.md", "rs:go", &format!("rs:{wrong}"));
            let want = format!("book/src/a.md:6: '{wrong}' is no anchor");
            assert!(found.starts_with(&want), "{found}");
        }
        let found = broken("book/src/a.md", "rs:go", "rs");
        let want = "book/src/a.md:6: a source file is shown by an anchor";
        assert!(found.starts_with(want), "{found}");
        let found = broken("book/src/a.md", "c.txt}}", "c.txt:x}}");
        assert_eq!(
            found,
            "book/src/a.md:12: a transcript is shown whole, without an anchor"
        );
    }

    #[test]
    fn the_block_the_path_and_nothing_else_stand_around_an_include() {
        let cases = [
            ("```rust,ignore", "```rust", "6: the line above the include"),
            ("```smtp", "```text", "12: the line above the include"),
            ("c.txt}}\n", "c.txt}}\nmore\n", "12: the block holds nothing"),
            ("`src/a.rs`", "`a.rs`", "6: a paragraph `src/a.rs` must"),
            ("`src/a.rs`\n", "`src/a.rs`:\n", "6: a paragraph `src/a.rs`"),
            ("# A\n\n", "# A\nText\n", "6: a paragraph `src/a.rs` must"),
        ];
        for (old, new, want) in cases {
            let found = broken("book/src/a.md", old, new);
            let want = format!("book/src/a.md:{want}");
            assert!(found.starts_with(&want), "{found}, not {want}");
        }
    }

    #[test]
    fn marks_come_in_pairs_once_each_and_well_nested() {
        let end = "// ANCHOR_END: go\n";
        let cases = [
            (end, "", "src/a.rs:1: the anchor go has no ANCHOR_END"),
            (SOURCE, &format!("{end}{SOURCE}"), "src/a.rs:1: go ends here"),
            (
                SOURCE,
                &SOURCE.repeat(2),
                "src/a.rs:4: the anchor go is there twice",
            ),
            (
                SOURCE,
                "// ANCHOR: go\n// ANCHOR: b\nx\n// ANCHOR_END: go\n\
                 // ANCHOR_END: b\n",
                "src/a.rs:4: go ends here and is not open",
            ),
            ("fn go() {}\n", "", "src/a.rs:1: the anchor holds nothing"),
            (": go", ": Go", "book/src/a.md:6: src/a.rs has no anchor go"),
        ];
        for (old, new, want) in cases {
            let found = broken("src/a.rs", old, new);
            assert!(found.contains(want), "{found}, not {want}");
        }
    }

    #[test]
    fn a_mark_is_a_comment_of_any_language() {
        for line in ["    // ANCHOR: a", "# ANCHOR: a", "<!-- ANCHOR: a -->"] {
            assert_eq!(mark(line, "ANCHOR: ").as_deref(), Some("a"));
        }
        assert_eq!(mark("let a = \"ANCHOR: a\";", "ANCHOR: "), None);
    }

    #[test]
    fn an_excerpt_of_25_lines_fits_and_one_of_26_does_not() {
        let lines = |count: usize| {
            let body = "x\n".repeat(count);
            broken("src/a.rs", "fn go() {}\n", &body)
        };
        assert_eq!(lines(25), "");
        assert_eq!(
            lines(26),
            "src/a.rs:1: 26 lines are too many for the page: at most 25"
        );
    }
}
