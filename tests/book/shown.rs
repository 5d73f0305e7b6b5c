//! Nothing lies about: every transcript and every recording is on a page, every
//! page is in the table of contents, every picture and generated part is used.

use std::collections::BTreeSet;

use super::includes::places;
use super::links::links;
use super::page::pages;
use super::tree::{Tree, at, resolve};

const SUMMARY: &str = "book/src/SUMMARY.md";

/// One entry of the table of contents.
pub struct Entry {
    pub line: usize,
    pub title: String,
    /// From the root.
    pub path: String,
}

/// The entries of SUMMARY.md, in the order of the book.
pub fn entries(tree: &Tree) -> Vec<Entry> {
    let text = tree.text(SUMMARY).unwrap_or_default();
    let entry = |(line, text): (usize, &str)| {
        let (before, rest) = text.split_once("](")?;
        let (_, title) = before.split_once('[')?;
        let target = rest.split_once(')')?.0;
        let path = resolve(SUMMARY, target).unwrap_or_default();
        Some(Entry { line, title: title.to_owned(), path })
    };
    (1..).zip(text.lines()).filter_map(entry).collect()
}

/// All findings about what is not shown, or not there.
pub fn check(tree: &Tree) -> Vec<String> {
    [summary(tree), transcripts(tree), parts(tree), unbuilt(tree)].concat()
}

fn summary(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    let mut listed = BTreeSet::new();
    for entry in entries(tree) {
        if tree.text(&entry.path).is_none() {
            findings.push(at(SUMMARY, entry.line, &no_file(&entry.path)));
        }
        if !listed.insert(entry.path) {
            findings.push(at(SUMMARY, entry.line, "is there twice"));
        }
    }
    for page in pages(tree) {
        if !listed.contains(&page.path) {
            let what = "is not in SUMMARY.md: add it there, or delete it";
            findings.push(at(&page.path, 1, what));
        }
    }
    findings
}

fn transcripts(tree: &Tree) -> Vec<String> {
    let places = places(tree);
    let is_missing = |path: &&str| !places.contains_key(*path);
    let folders = ["transcripts/", "book/recordings/"].into_iter();
    let files = folders.flat_map(|folder| tree.under(folder));
    let files = files.map(|(path, _)| path);
    let finding = |path: &str| {
        at(path, 1, "stands on no page of the book: include it on one")
    };
    files.filter(is_missing).map(finding).collect()
}

/// The files that are no pages: each is included, or shown as a picture.
fn parts(tree: &Tree) -> Vec<String> {
    let mut used: BTreeSet<String> = places(tree).into_keys().collect();
    for page in pages(tree) {
        let targets = links(&page.whole(tree));
        let paths = targets.iter().map(|link| resolve(&page.path, &link.path));
        used.extend(paths.flatten());
    }
    let is_part =
        |path: &&str| !path.ends_with(".md") || path.contains("/generated/");
    let files = tree.under("book/src/").map(|(path, _)| path);
    files
        .filter(is_part)
        .filter(|path| !used.contains(*path) && !is_loaded(tree, path))
        .map(|path| at(path, 1, "is used by no page: use it, or delete it"))
        .collect()
}

/// Whether a script of the pages asks for this file: by `load`, or by its path.
fn is_loaded(tree: &Tree, path: &str) -> bool {
    let path = path.strip_prefix("book/src/").unwrap_or(path);
    let name = path.strip_prefix("live/").unwrap_or(path);
    let is_script = |file: &str| {
        let file = file.strip_prefix("book/").unwrap_or(file);
        !file.starts_with("src/") && file.ends_with(".js")
    };
    let scripts = tree.under("book/").filter(|(file, _)| is_script(file));
    let asks = |text: &str| {
        text.contains(&format!("load('{name}')")) || text.contains(path)
    };
    scripts.into_iter().any(|(_, text)| asks(text))
}

/// What mdBook would stop at.
fn unbuilt(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    let book = tree.text("book/book.toml").unwrap_or_default();
    for (line, text) in (1..).zip(book.lines()) {
        let is_ours = |n: &&str| n.ends_with(".js") || n.ends_with(".css");
        let names = text.split('"').filter(is_ours);
        let gone = names.filter(|name| !tree.has(&format!("book/{name}")));
        let finding = |name| at("book/book.toml", line, &no_file(name));
        findings.extend(gone.map(finding));
    }
    // So a byte that is no UTF-8 has been read.
    for (path, text) in tree.under("book/src/") {
        let line = text.lines().position(|line| line.contains('\u{fffd}'));
        let finding = |line| at(path, line + 1, "is no UTF-8: mend the line");
        findings.extend(line.map(finding));
    }
    findings
}

fn no_file(name: &str) -> String {
    format!("there is no file {name}: mend it")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Tree {
        let page = "# A\n{{#include ../../transcripts/b/c.txt}}\n\
            {{#include generated/t.md}}\n![A picture.](pictures/p.svg)\n";
        Tree::of(&[
            ("book/src/SUMMARY.md", "# Summary\n\n- [A](a.md)\n"),
            ("book/src/a.md", page),
            ("book/src/generated/t.md", ""),
            ("book/src/pictures/p.svg", ""),
            ("transcripts/b/c.txt", ""),
        ])
    }

    #[test]
    fn a_book_in_which_all_is_shown_has_no_finding() {
        assert_eq!(check(&good()), [""; 0]);
    }

    #[test]
    fn each_file_that_nobody_shows_is_found() {
        for (path, want) in [
            ("transcripts/b/d.txt", "stands on no page of the book"),
            ("book/recordings/d.txt", "stands on no page of the book"),
            ("book/src/b.md", "is not in SUMMARY.md"),
            ("book/src/generated/u.md", "is used by no page"),
            ("book/src/pictures/q.svg", "is used by no page"),
        ] {
            let findings = check(&good().with(path, ""));
            assert_eq!(findings.len(), 1, "{findings:?}");
            let want = format!("{path}:1: {want}");
            assert!(findings[0].starts_with(&want), "{findings:?}");
        }
    }

    #[test]
    fn what_mdbook_would_stop_at_is_found() {
        let toml = "additional-js = [\"pillarbox.js\"]\n";
        let found = check(&good().with("book/book.toml", toml));
        let want = "book/book.toml:1: there is no file pillarbox.js: mend it";
        assert_eq!(found, [want]);
        let found =
            check(&good().with("book/src/generated/t.md", "\n\u{fffd}"));
        let want = "book/src/generated/t.md:2: is no UTF-8: mend the line";
        assert_eq!(found, [want]);
    }

    #[test]
    fn what_a_script_of_the_pages_loads_is_used() {
        let tree = good().with("book/src/live/m.js", "");
        assert_eq!(check(&tree).len(), 1);
        let tree = tree.with("book/live/page.js", "load('m.js')");
        assert_eq!(check(&tree), [""; 0]);
    }

    #[test]
    fn a_page_that_is_listed_twice_is_found() {
        let twice = "- [A](a.md)\n- [A](a.md)\n";
        let found = check(&good().with(SUMMARY, twice));
        assert_eq!(found, [format!("{SUMMARY}:2: is there twice")]);
    }

    #[test]
    fn a_page_that_is_gone_is_found() {
        let findings = check(&good().without("book/src/a.md"));
        let want = "book/src/SUMMARY.md:3: there is no file book/src/a.md";
        assert!(findings[0].starts_with(want), "{findings:?}");
    }
}
