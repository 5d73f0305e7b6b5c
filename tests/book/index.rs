//! The way from a section of an RFC into the source and the transcripts: every
//! section that a comment, a reply or a header names, with the places.

use pillarbox::transcript::format::parse::parse;
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

/// The whole index: a heading and a table for each RFC.
pub fn index(tree: &Tree) -> String {
    let mut text = String::new();
    let mut rfc = 0;
    for (section, named) in named(tree) {
        if section.rfc != rfc {
            rfc = section.rfc;
            text += &heading(rfc);
        }
        text += &row(&section, &named);
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

fn row(section: &Section, named: &Named) -> String {
    let link = format!("https://www.rfc-editor.org/rfc/rfc{}", section.rfc);
    let number = &section.number;
    let is_letter = number.starts_with(|c: char| c.is_ascii_uppercase());
    let number = match number.as_str() {
        "" => format!("[all]({link})"),
        _ if is_letter => format!("[{number}]({link}#appendix-{number})"),
        _ => format!("[{number}]({link}#section-{number})"),
    };
    let title = section_title(section).unwrap_or_default();
    let title = match is_listed(section.rfc) {
        true => format!(" {} |", title.replace('<', "&lt;")),
        false => String::new(),
    };
    let files = named.files.iter().map(|file| format!("`{file}`"));
    let files = files.collect::<Vec<_>>().join(", ");
    let transcripts = named.transcripts.iter().cloned().collect::<Vec<_>>();
    let transcripts = transcripts.join(", ");
    format!("| {number} |{title} {files} | {transcripts} |\n")
}

/// Every section that is named anywhere, in order.
fn named(tree: &Tree) -> BTreeMap<Section, Named> {
    let mut found: BTreeMap<Section, Named> = BTreeMap::new();
    let is_rust = |(path, _): &(&str, &str)| path.ends_with(".rs");
    for (path, text) in tree.under("src/").filter(is_rust) {
        let name = path.trim_start_matches("src/");
        for section in in_source(text) {
            found.entry(section).or_default().files.insert(name.to_owned());
        }
    }
    let links = links(tree);
    for (path, text) in tree.under("transcripts/") {
        for section in in_transcript(path, text) {
            let link = links.get(path).cloned();
            let link = link.unwrap_or_else(|| format!("`{}`", short(path)));
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
fn short(path: &str) -> &str {
    let path = path.strip_prefix("transcripts/").unwrap_or(path);
    path.strip_suffix(".txt").unwrap_or(path)
}

/// A link to each transcript where it stands in the book: the first place in
/// the order of the book, and the heading above it.
fn links(tree: &Tree) -> BTreeMap<String, String> {
    let order: Vec<String> =
        entries(tree).into_iter().map(|entry| entry.path).collect();
    let rank = |(page, line): &(String, usize)| {
        (order.iter().position(|path| path == page), *line)
    };
    let mut links = BTreeMap::new();
    for (path, mut places) in places(tree) {
        places.sort_by_key(rank);
        if let Some((page, line)) = places.first() {
            let text = tree.text(page).unwrap_or_default();
            let target = target(&Page::new(page, text), *line);
            links.insert(path.clone(), format!("[{}]({target})", short(&path)));
        }
    }
    links
}

/// The page, seen from the folder of the index, and the heading above a line
/// of it.
fn target(page: &Page, line: usize) -> String {
    let folder = "book/src/";
    let inner = page.path.strip_prefix(folder).unwrap_or(&page.path);
    let is_beside = inner.starts_with("appendix/");
    let path = match is_beside {
        true => inner.trim_start_matches("appendix/").to_owned(),
        false => format!("../{inner}"),
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
