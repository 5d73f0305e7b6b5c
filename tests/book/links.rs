//! Links lead somewhere: to a page, to a heading of it, to a picture, or to
//! one of the few places outside that the book sends a reader to. The README
//! may lead to any file.

use std::collections::BTreeSet;

use super::page::{Page, pages_and_readme};
use super::tree::{Tree, at, resolve};

/// Where a link may lead out of the book.
const OUTSIDE: [&str; 1] = ["https://www.rfc-editor.org/rfc/rfc"];

/// Its links lead to the place where a word is explained, not to a chapter.
const GLOSSARY: &str = "book/src/appendix/glossary.md";

/// A link or a picture.
#[derive(Debug, PartialEq, Eq)]
pub struct Link {
    pub line: usize,
    pub is_picture: bool,
    /// What is read in the place of a picture; what is clicked.
    pub text: String,
    /// Without its fragment.
    pub path: String,
    pub fragment: Option<String>,
}

/// All findings about links.
pub fn check(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    for page in pages_and_readme(tree) {
        for link in links(&page) {
            let found = wrong(tree, &page.path, &link);
            findings.extend(found.map(|w| at(&page.path, link.line, &w)));
        }
        // What is included is text of the page: its links start from there.
        for target in page.includes().into_iter().filter_map(|i| i.target) {
            let text = tree.text(&target).unwrap_or_default();
            let text = if target.ends_with(".md") { text } else { "" };
            for link in links(&Page::new(&target, text)) {
                let found = wrong(tree, &page.path, &link);
                findings.extend(found.map(|w| at(&target, link.line, &w)));
            }
        }
    }
    findings
}

/// The links of a page: `[text](target)`, `<target>`, and those of HTML. A
/// link by a name, `[text][name]`, is given with what cannot be a target.
pub fn links(page: &Page) -> Vec<Link> {
    let text = page.words();
    let mut found = Vec::new();
    for (mark, ends) in [
        ("](", [')', ' ', '\n']),
        ("href=\"", ['"'; 3]),
        ("src=\"", ['"'; 3]),
        ("<", ['>'; 3]),
    ] {
        for (start, _) in text.match_indices(mark) {
            let (before, rest) = text.split_at(start);
            let target = rest[mark.len()..].split(ends).next();
            let target = target.unwrap_or_default();
            let (words, is_picture) = match mark {
                "](" => words_before(before),
                "<" if !target.starts_with("http") => continue,
                _ => ("", false),
            };
            found.push(link(line_of(&text, start), is_picture, words, target));
        }
    }
    for mark in ["][", "\n["] {
        for (start, _) in text.match_indices(mark) {
            let rest = &text[start + mark.len()..];
            let end = rest.find(']').unwrap_or(0);
            if mark == "][" || rest[end..].starts_with("]: ") {
                found.push(link(line_of(&text, start + 1), false, "", "["));
            }
        }
    }
    found
}

fn line_of(text: &str, place: usize) -> usize {
    text[..place].matches('\n').count() + 1
}

/// The words in the brackets that end here, and whether it is a picture.
fn words_before(text: &str) -> (&str, bool) {
    let start = text.rfind('[').unwrap_or(0);
    let words = text[start..].trim_start_matches('[');
    (words, text[..start].ends_with('!'))
}

fn link(line: usize, is_picture: bool, text: &str, target: &str) -> Link {
    let (path, fragment) = match target.split_once('#') {
        Some((path, fragment)) => (path, Some(fragment.to_owned())),
        None => (target, None),
    };
    let (text, path) = (text.trim().to_owned(), path.to_owned());
    Link { line, is_picture, text, path, fragment }
}

/// Why a link of this page leads nowhere.
fn wrong(tree: &Tree, page: &str, link: &Link) -> Option<String> {
    let path = link.path.as_str();
    if path == "[" {
        return Some("write [text](target): links have no names here".into());
    }
    if path.starts_with('/') {
        return Some(format!("{path} begins at this page, without a /"));
    }
    if path.contains("://") || path.starts_with("mailto:") {
        let is_known = OUTSIDE.iter().any(|start| path.starts_with(start));
        let what = format!("{path} is not a place the book links to");
        return (!is_known).then_some(what);
    }
    let target = match path {
        "" => page.to_owned(),
        path => resolve(page, path).unwrap_or_default(),
    };
    if !target.starts_with("book/src/") && page != "README.md" {
        return Some(format!(
            "{path} is not in the book: name it in code font instead"
        ));
    }
    let Some(text) = tree.text(&target) else {
        return Some(format!("there is no {target}: mend the link"));
    };
    if link.is_picture && link.text.is_empty() {
        return Some("say in the brackets what the picture shows".into());
    }
    if page == GLOSSARY && link.fragment.is_none() {
        return Some(format!(
            "lead to the place in {path} where the word is explained: a #"
        ));
    }
    let fragment = link.fragment.as_deref()?;
    let headings = ids(&Page::new(&target, text).whole(tree));
    (!headings.contains(fragment))
        .then(|| format!("{target} has no heading #{fragment}: mend the link"))
}

/// All that a fragment can lead to.
fn ids(page: &Page) -> BTreeSet<String> {
    let mut ids: BTreeSet<String> =
        page.headings().into_iter().map(|heading| heading.id).collect();
    let words = page.words();
    for part in words.split(" id=\"").skip(1) {
        ids.extend(part.split('"').next().map(str::to_owned));
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHER: &str = "# B\n## Twice\n## Twice\n{{#include \
        ../generated/t.md}}\n<a id=\"mine\"></a>\n";

    fn found(text: &str) -> Vec<String> {
        check(&Tree::of(&[
            ("book/src/a.md", text),
            ("book/src/appendix/b.md", OTHER),
            ("book/src/generated/t.md", "## From a file\n"),
            ("book/src/pictures/p.svg", ""),
            ("src/lib.rs", ""),
        ]))
    }

    #[test]
    fn links_that_lead_somewhere_are_no_findings() {
        let text = "# A\n[b](appendix/b.md) [c](appendix/b.md#twice-1)\n\
            [own](#a), ![A machine\nwith states.](pictures/p.svg)\n\
            [RFC](https://www.rfc-editor.org/rfc/rfc5321#section-2)\n\
            [d](appendix/b.md#from-a-file) [e](appendix/b.md#mine)\n\
            `[code](nowhere.md)`\n```text\n[block](nowhere.md)\n```\n";
        assert_eq!(found(text), [""; 0]);
    }

    #[test]
    fn the_glossary_leads_to_places_and_not_to_chapters() {
        let tree = |target: &str| {
            let text = format!("# G\n\n- **x** ([1](../a.md{target})): y\n");
            let pages = [("book/src/a.md", "# A\n"), (GLOSSARY, &text)];
            check(&Tree::of(&pages))
        };
        assert_eq!(tree("#a"), [""; 0]);
        let found = tree("");
        assert!(found[0].contains(":3: lead to the place in"), "{found:?}");
    }

    #[test]
    fn each_dead_link_is_found_with_its_line() {
        for (link, want) in [
            ("[x](c.md)", "there is no book/src/c.md: mend the link"),
            (
                "[x](appendix/b.md#twice-2)",
                "book/src/appendix/b.md has no heading #twice-2: mend the link",
            ),
            ("[x](#b)", "book/src/a.md has no heading #b: mend the link"),
            (
                "![P.](pictures/q.svg)",
                "there is no book/src/pictures/q.svg: mend the link",
            ),
            (
                "![](pictures/p.svg)",
                "say in the brackets what the picture shows",
            ),
            (
                "[x](../../src/lib.rs)",
                "../../src/lib.rs is not in the book: name it in code font \
                 instead",
            ),
            (
                "[x](https://example.org/)",
                "https://example.org/ is not a place the book links to",
            ),
            (
                "<https://example.org/>",
                "https://example.org/ is not a place the book links to",
            ),
            ("[x]: c.md", "write [text](target): links have no names here"),
            ("[x][c]", "write [text](target): links have no names here"),
            ("[x](/a.md)", "/a.md begins at this page, without a /"),
            (
                "<a href=\"c.md\">x</a>",
                "there is no book/src/c.md: mend the link",
            ),
        ] {
            let text = format!("# A\n\n{link}\n");
            assert_eq!(found(&text), [format!("book/src/a.md:3: {want}")]);
        }
    }

    #[test]
    fn the_readme_may_lead_to_any_file() {
        let text = "# A\n[a](src/lib.rs)\n[b](src/gone.rs)\n";
        let tree = Tree::of(&[("README.md", text), ("src/lib.rs", "")]);
        let want = "README.md:3: there is no src/gone.rs: mend the link";
        assert_eq!(check(&tree), [want]);
    }

    #[test]
    fn a_dead_link_in_what_is_included_is_found_there() {
        let tree = Tree::of(&[
            ("book/src/appendix/b.md", OTHER),
            ("book/src/generated/t.md", "\n[x](a.md#y)\n"),
        ]);
        let want = "book/src/generated/t.md:2: there is no \
            book/src/appendix/a.md: mend the link";
        assert_eq!(check(&tree), [want]);
    }
}
