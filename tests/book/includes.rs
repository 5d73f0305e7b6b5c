//! What a page includes is there, and stands on the page as everywhere; what
//! is marked in the source for the book is in the book, whole.
//!
//! mdBook itself puts nothing in the place of an include that leads nowhere.

use std::collections::{BTreeMap, BTreeSet};

use super::anchors::{self, is_name, names};
use super::page::{Include, Page, pages};
use super::tree::{Tree, at};

/// What stands behind the fence of a transcript: no language that highlight.js
/// would have to know, and a class for our style.
const TRANSCRIPT: &str = "text,smtp";

/// What can be shown: where it lies, the block that must stand around it, and
/// whether its path must stand above. Without a block, it is text of the page.
const SHOWN: [(&str, &str, bool); 9] = [
    ("transcripts/", TRANSCRIPT, true),
    ("book/exercises/", TRANSCRIPT, true),
    ("book/recordings/", TRANSCRIPT, true),
    ("src/", "rust,ignore", true),
    ("book/src/generated/help", "text", false),
    ("book/src/generated/", "", false),
    ("book/matrix.md", "", false),
    // The answers to a chapter's questions: `answers.rs` says which.
    ("book/src/0", "", false),
    ("book/src/10-more.md", "", false),
];

/// All findings about includes and anchors.
pub fn check(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for page in pages(tree) {
        findings.extend(misread(&page));
        for include in page.includes() {
            let wrong = wrong(tree, &page, &include);
            let finding = |what: String| at(&page.path, include.line, &what);
            findings.extend(wrong.into_iter().map(finding));
            let names = used.entry(include.target.unwrap_or_default());
            names.or_default().extend(include.anchor);
        }
    }
    for (path, text) in tree.under("src/") {
        let used = used.get(path).cloned().unwrap_or_default();
        findings.extend(anchors::check(path, text, &used));
    }
    findings
}

/// What mdBook would read in another way than we do, and what looks like a
/// file of ours and is none.
fn misread(page: &Page) -> Vec<String> {
    let mut findings = Vec::new();
    let includes = page.includes();
    for (line, _, text) in page.lines() {
        let is_escaped = text.contains("\\{{");
        let is_read = includes.iter().any(|include| include.line == line);
        if text.contains("{{") && text.contains('#') && !is_escaped && !is_read
        {
            let what = "write {{#include FILE}}, alone in its line";
            findings.push(at(&page.path, line, what));
        }
    }
    for block in page.blocks().iter().filter(|b| b.info == TRANSCRIPT) {
        let mut inside = block.line + 1..=block.line + block.lines.len();
        if !inside.any(|line| includes.iter().any(|i| i.line == line)) {
            let what = "a transcript is included; a sketch is a ```text block";
            findings.push(at(&page.path, block.line, what));
        }
    }
    findings
}

/// What is wrong with an include.
fn wrong(tree: &Tree, page: &Page, include: &Include) -> Vec<String> {
    let path = include.target.as_deref().unwrap_or_default();
    let is_it = |(start, _, _): &&(&str, &str, bool)| path.starts_with(start);
    let Some(&(_, info, has_path)) = SHOWN.iter().find(is_it) else {
        let what = format!("the book shows nothing of '{path}'");
        return vec![what + ": see SHOWN in tests/book/includes.rs"];
    };
    let mut wrong = frame(page, include.line, path, info);
    let above = [4, 3, 2].map(|up| page.line(include.line.saturating_sub(up)));
    let caption = format!("`{path}`");
    if has_path && above != ["", &caption, ""] {
        wrong.push(format!("a paragraph {caption} must stand above it"));
    }
    wrong.extend(target(tree, path, include.anchor.as_deref()));
    wrong
}

/// Is there what is to be included?
fn target(tree: &Tree, path: &str, anchor: Option<&str>) -> Option<String> {
    let Some(text) = tree.text(path) else {
        return Some(format!("there is no file {path}: mend the path"));
    };
    let needs_anchor = path.starts_with("src/")
        || path == "book/matrix.md"
        || path.ends_with("-more.md");
    match anchor {
        None if needs_anchor => {
            Some(format!("{path} is shown by an anchor, not as a whole"))
        }
        None => None,
        Some(name) if !is_name(name) => Some(format!(
            "'{name}' is no anchor: line numbers drift, put `ANCHOR: name` \
             into {path}"
        )),
        Some(_) if !needs_anchor => {
            Some(format!("{path} is shown whole, without an anchor"))
        }
        Some(name) if !names(text).iter().any(|n| n == name) => {
            Some(format!("{path} has no anchor {name}: mend the name"))
        }
        Some(_) => None,
    }
}

/// A block with nothing but the include, or none if `info` is empty.
fn frame(page: &Page, line: usize, path: &str, info: &str) -> Vec<String> {
    let blocks = page.blocks();
    let block = blocks.iter().find(|block| block.line + 1 == line);
    let found = block.map_or("", |block| &block.info);
    let wrong = if info.is_empty() {
        page.is_in_block(line).then(|| format!("{path} stands in no block"))
    } else if found != info {
        Some(format!("the line above the include must be ```{info}"))
    } else {
        let is_alone = block.is_some_and(|block| block.lines.len() == 1);
        let what = "the block holds nothing but the include";
        (!is_alone).then(|| what.to_owned())
    };
    wrong.into_iter().collect()
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
        {{#include ../../src/a.rs:rset}}\n```\n\n`transcripts/b/c.txt`\n\n\
        ```text,smtp\n{{#include ../../transcripts/b/c.txt}}\n```\n";
    const SOURCE: &str = "// ANCHOR: rset\nfn rset() {}\n// ANCHOR_END: rset\n";

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
            broken("src/a.rs", SOURCE, &SOURCE.replace(": rset", ": went")),
            "book/src/a.md:6: src/a.rs has no anchor rset: mend the name\n\
             src/a.rs:1: no page includes the anchor went: show it, or \
             delete its two lines"
        );
    }

    #[test]
    fn line_numbers_and_whole_source_files_are_refused() {
        for wrong in ["1:3", "2", "rset:", ":7"] {
            let found =
                broken("book/src/a.md", "rs:rset", &format!("rs:{wrong}"));
            let want = format!("book/src/a.md:6: '{wrong}' is no anchor");
            assert!(found.starts_with(&want), "{found}");
        }
        let found = broken("book/src/a.md", "rs:rset", "rs");
        let want = "book/src/a.md:6: src/a.rs is shown by an anchor";
        assert!(found.starts_with(want), "{found}");
        let found = broken("book/src/a.md", "c.txt}}", "c.txt:x}}");
        assert_eq!(
            found,
            "book/src/a.md:12: transcripts/b/c.txt is shown whole, without an \
             anchor"
        );
    }

    #[test]
    fn the_block_the_path_and_nothing_else_stand_around_an_include() {
        let cases = [
            ("```rust,ignore", "```rust", "6: the line above the include"),
            ("```text,smtp", "```text", "12: the line above the include"),
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
    fn other_ways_to_include_and_other_files_are_refused() {
        let old = "# A\n";
        for new in [
            "{{#include../a.md}}",
            "{{ #include generated/a.md }}",
            "{{#rustdoc_include ../../src/a.rs}}",
            "x {{#include generated/a.md}}",
            "{{#include generated/a.md}} {{#include generated/b.md}}",
        ] {
            let found = broken("book/src/a.md", old, &format!("{new}\n"));
            let want = "book/src/a.md:1: write {{#include FILE}}";
            assert!(found.starts_with(want), "{new}: {found}");
        }
        for (new, want) in [
            ("{{#include ../../Cargo.toml}}", "1: the book shows nothing of"),
            ("{{#include ../../../x}}", "1: the book shows nothing of ''"),
            ("{{#include ../matrix.md}}", "1: there is no file book/matrix"),
            (
                "```text\n{{#include generated/t.md}}\n```",
                "2: book/src/generated/t.md stands in no block",
            ),
            (
                "{{#include generated/help-a.txt}}",
                "1: the line above the include must be ```text",
            ),
            ("```text,smtp\nS: 220 x\n```", "1: a transcript is included"),
        ] {
            let found = broken("book/src/a.md", old, &format!("{new}\n"));
            let want = format!("book/src/a.md:{want}");
            assert!(found.starts_with(&want), "{new}: {found}");
        }
    }
}
