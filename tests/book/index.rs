//! The way from a section of an RFC into the source and the transcripts: every
//! section that a comment, a reply or a header names, with the places.

use pillarbox::transcript::format::parse::parse;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::includes::places;
use super::page::Page;
use super::rfc::{Section, sections};
use super::shown::entries;
use super::titles::{is_listed, rfc_title, section_title};
use super::tree::Tree;

/// What names a section: source files, and transcripts as links.
#[derive(Default)]
struct Named {
    files: BTreeSet<String>,
    transcripts: BTreeSet<String>,
}

/// The whole index: a heading and a table for each RFC, the one with the most
/// sections first. Those with one section share a table at the end.
pub fn index(tree: &Tree) -> String {
    let mut rfcs: BTreeMap<u32, Vec<(Section, Named)>> = BTreeMap::new();
    for (section, named) in named(tree) {
        rfcs.entry(section.rfc).or_default().push((section, named));
    }
    let mut rfcs: Vec<_> = rfcs.into_iter().collect();
    rfcs.sort_by_key(|(rfc, rows)| (Reverse(rows.len()), *rfc));
    let small = rfcs.partition_point(|(_, rows)| rows.len() > 1);
    let mut text = String::new();
    for (rfc, rows) in &rfcs[..small] {
        text += &heading(*rfc);
        for (section, named) in rows {
            text += &row(section, named, is_listed(*rfc));
        }
    }
    if small < rfcs.len() {
        text += "\n## Others\n\n| section | what it is about | source \
                 | transcripts |\n|---|---|---|---|\n";
    }
    for (_, rows) in &rfcs[small..] {
        for (section, named) in rows {
            text += &row(section, named, true);
        }
    }
    text.trim_start().to_owned()
}

fn heading(rfc: u32) -> String {
    let title = rfc_title(rfc).map_or(String::new(), |t| format!(": {t}"));
    format!(
        "\n## RFC {rfc}{title}\n\n\
         | section |{} source | transcripts |\n\
         |---|{}---|---|\n",
        if is_listed(rfc) { " what it is about |" } else { "" },
        if is_listed(rfc) { "---|" } else { "" },
    )
}

fn row(section: &Section, named: &Named, has_title: bool) -> String {
    let link = format!("https://www.rfc-editor.org/rfc/rfc{}", section.rfc);
    let number = &section.number;
    let is_letter = number.starts_with(|c: char| c.is_ascii_uppercase());
    let number = match number.as_str() {
        "" => format!("[all]({link})"),
        _ if is_letter => format!("[{number}]({link}#appendix-{number})"),
        _ => format!("[{number}]({link}#section-{number})"),
    };
    let is_alone = has_title && !is_listed(section.rfc);
    let title = match is_alone {
        // In the table of many RFCs.
        true => rfc_title(section.rfc),
        false => section_title(section),
    };
    let title = title.unwrap_or_default().replace('<', "&lt;");
    let number = match is_alone {
        true => format!("RFC {} {number}", section.rfc),
        false => number,
    };
    let title = match has_title {
        true => format!(" {title} |"),
        false => String::new(),
    };
    let files = named.files.iter().cloned().collect::<Vec<_>>().join(", ");
    let transcripts = named.transcripts.iter().cloned().collect::<Vec<_>>();
    let transcripts = transcripts.join(", ");
    format!("| {number} |{title} {files} | {transcripts} |\n")
}

/// Every section that is named anywhere, in order.
fn named(tree: &Tree) -> BTreeMap<Section, Named> {
    let mut found: BTreeMap<Section, Named> = BTreeMap::new();
    let is_rust = |(path, _): &(&str, &str)| path.ends_with(".rs");
    let shown = shown_at(tree, "appendix/");
    let link = |path: &str, name: String| match shown.get(path) {
        Some(target) => format!("[{name}]({target})"),
        None => name,
    };
    for (path, text) in tree.under("src/").filter(is_rust) {
        let name = format!("`{}`", path.trim_start_matches("src/"));
        for section in in_source(text) {
            let file = link(path, name.clone());
            found.entry(section).or_default().files.insert(file);
        }
    }
    for (path, text) in tree.under("transcripts/") {
        for section in in_transcript(path, text) {
            let link = link(path, short(path).to_owned());
            found.entry(section).or_default().transcripts.insert(link);
        }
    }
    found
}

/// The sections in the comments of a file and in its replies. Its tests are
/// left out.
pub fn in_source(text: &str) -> BTreeSet<Section> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut words = String::new();
    for line in code.lines() {
        let line = line.trim();
        let comment = line.strip_prefix("//");
        let comment = comment.map(|c| c.trim_start_matches(['/', '!']).trim());
        let field = line.strip_prefix("section: \"");
        match (comment, field) {
            (Some(comment), _) => words.push_str(comment),
            // A comment goes on in the next line; all else parts them.
            (None, Some(field)) => words.push_str(&format!("; {field} ;")),
            (None, None) => words.push_str(" ;"),
        }
        words.push(' ');
    }
    sections(&words)
}

/// The sections in the header of a transcript.
pub fn in_transcript(path: &str, text: &str) -> BTreeSet<Section> {
    let transcript = parse(Path::new(path), text.as_bytes());
    let spec = transcript.map(|read| read.header.spec.join("; "));
    sections(&spec.unwrap_or_default())
}

/// `01-first/helo`
pub fn short(path: &str) -> &str {
    let path = path.strip_prefix("transcripts/").unwrap_or(path);
    path.strip_suffix(".txt").unwrap_or(path)
}

/// Where each file is shown in the book: the first place in the order of the
/// book, at the heading above it. Seen from a page in `folder`, which is
/// `appendix/` or nothing.
pub fn shown_at(tree: &Tree, folder: &str) -> BTreeMap<String, String> {
    let order: Vec<String> =
        entries(tree).into_iter().map(|entry| entry.path).collect();
    let rank = |(page, line): &(String, usize)| {
        (order.iter().position(|path| path == page), *line)
    };
    let mut shown = BTreeMap::new();
    for (path, mut places) in places(tree) {
        places.sort_by_key(rank);
        if let Some((page, line)) = places.first() {
            let text = tree.text(page).unwrap_or_default();
            let page = Page::new(page, text);
            shown.insert(path, target(&page, *line, folder));
        }
    }
    shown
}

/// The page, seen from a folder, and the heading above a line of it.
fn target(page: &Page, line: usize, folder: &str) -> String {
    let root = "book/src/";
    let inner = page.path.strip_prefix(root).unwrap_or(&page.path);
    let path = match inner.strip_prefix(folder) {
        Some(beside) => beside.to_owned(),
        None => format!("{}{inner}", "../".repeat(folder.matches('/').count())),
    };
    let headings = page.headings();
    let above = headings.iter().rfind(|heading| heading.line < line);
    let id = above.map_or(String::new(), |heading| format!("#{}", heading.id));
    format!("{path}{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rfc_with_the_most_sections_comes_first_and_single_ones_last() {
        let source = "//! RFC 1870 section 3, RFC 2920 3.1 and 3.2.\n\
            //! RFC 5321 3.1, 3.2 and 3.3.\n";
        let page = "# A\n## Code\n```rust,ignore\n\
            {{#include ../../src/a.rs:x}}\n```\n";
        let index = index(&Tree::of(&[
            ("src/a.rs", source),
            ("book/src/SUMMARY.md", "- [A](a.md)\n"),
            ("book/src/a.md", page),
        ]));
        let headings: Vec<&str> = index
            .lines()
            .filter_map(|line| line.strip_prefix("## "))
            .map(|line| line.split(':').next().unwrap_or_default())
            .collect();
        assert_eq!(headings, ["RFC 5321", "RFC 2920", "Others"]);
        assert!(index.contains("[`a.rs`](../a.md#code)"), "{index}");
    }

    #[test]
    fn a_section_leads_to_the_source_and_to_the_page_of_a_transcript() {
        let source = "//! The end of the data (RFC 5321\n//! 4.1.1.4).\n\
            fn f() {}\n    section: \"RFC 5321 3.3\",\n\
            /// RFC 5321\nfn g() {} // 4.4\n#[cfg(test)]\n// RFC 5321 9.9\n";
        let transcript = "Title: t\nSpec: RFC 5321 4.1.1.4\nLevel: must\n\n\
            S: 220 x\n";
        let page = "# A\n## Two words\n\
            {{#include ../../transcripts/b/c.txt}}\n";
        let tree = Tree::of(&[
            ("src/a/b.rs", source),
            ("transcripts/b/c.txt", transcript),
            ("book/src/SUMMARY.md", "- [A](a.md)\n"),
            ("book/src/a.md", page),
        ]);
        let index = index(&tree);
        let rows: Vec<&str> = index.lines().skip(4).collect();
        let link = "https://www.rfc-editor.org/rfc/rfc5321";
        let want = [
            format!("| [all]({link}) |  | `a/b.rs` |  |"),
            format!(
                "| [3.3]({link}#section-3.3) | Mail Transactions | `a/b.rs` \
                 |  |"
            ),
            format!(
                "| [4.1.1.4]({link}#section-4.1.1.4) | DATA (DATA) | `a/b.rs` \
                 | [b/c](../a.md#two-words) |"
            ),
        ];
        assert_eq!(rows, want);
    }
}
