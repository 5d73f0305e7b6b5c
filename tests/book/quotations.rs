//! What the book quotes of an RFC is what the RFC says.
//!
//! The texts of the RFCs are not ours to commit. So each quotation that was
//! found in its section leaves a hash in `quotations.txt`, and every run
//! compares those: a word that changes on a page is found. With the folder of
//! the texts (`rfc5321.txt` and so on) each one is looked up again, and with
//! `PILLARBOX_REDRAW=1` as well, the hashes are written anew:
//!
//! ```console
//! $ PILLARBOX_RFC=FOLDER cargo test --test book quotation
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::page::{Page, pages};
use super::tree::{Tree, at};

const HASHES: &str = "tests/book/quotations.txt";
const HOW: &str = "compare it with the RFC: PILLARBOX_RFC=FOLDER \
    PILLARBOX_REDRAW=1 cargo test --test book quotation, where the folder has \
    the texts (rfc5321.txt)";

/// A blockquote that ends in its section.
struct Quotation {
    /// The page, and where it ends there.
    place: (String, usize),
    words: String,
    rfc: String,
    section: String,
}

/// All findings: a quotation without its hash, and a hash without its
/// quotation.
pub fn compare(tree: &Tree) -> Vec<String> {
    let known: BTreeSet<&str> =
        tree.text(HASHES).unwrap_or_default().lines().collect();
    let mut findings = Vec::new();
    let mut used = BTreeSet::new();
    for quotation in quotations(tree) {
        let line = line_of(&quotation);
        if !known.contains(line.as_str()) {
            let (path, number) = &quotation.place;
            findings.push(at(path, *number, HOW));
        }
        used.insert(line);
    }
    for (number, line) in (1..).zip(&known) {
        if !used.contains(*line) {
            let what = format!("{line} is quoted nowhere: {HOW}");
            findings.push(at(HASHES, number, &what));
        }
    }
    findings
}

/// All findings about quotations that are not in their section.
pub fn look_up(tree: &Tree, folder: &Path) -> Vec<String> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut findings = Vec::new();
    for quotation in quotations(tree) {
        let rfc = &quotation.rfc;
        let text = texts.entry(rfc.clone()).or_insert_with(|| {
            let file = folder.join(format!("rfc{rfc}.txt"));
            lines(&fs::read(file).unwrap_or_default())
        });
        let section = section(text, &quotation.section);
        let mut rest = section.as_str();
        for part in parts(&quotation.words) {
            match rest.split_once(part) {
                Some((_, after)) => rest = after,
                None => {
                    let what = format!(
                        "RFC {rfc} {} does not say: {part}",
                        quotation.section
                    );
                    let (path, line) = &quotation.place;
                    findings.push(at(path, *line, &what));
                }
            }
        }
    }
    findings
}

/// What `quotations.txt` must be.
pub fn hashes(tree: &Tree) -> String {
    let lines: BTreeSet<String> =
        quotations(tree).iter().map(line_of).collect();
    lines.into_iter().map(|line| line + "\n").collect()
}

/// Where the hashes are.
pub fn path() -> &'static str {
    HASHES
}

fn line_of(quotation: &Quotation) -> String {
    let Quotation { rfc, section, words, .. } = quotation;
    format!("RFC {rfc} {section} {:016x}", fnv(words.as_bytes()))
}

/// The hash FNV-1a: the same with every compiler, and in four lines.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn quotations(tree: &Tree) -> Vec<Quotation> {
    pages(tree).iter().flat_map(on_page).collect()
}

fn on_page(page: &Page) -> Vec<Quotation> {
    let mut found = Vec::new();
    let mut text = String::new();
    for (line, prose) in page.prose().filter(|(_, l)| l.starts_with('>')) {
        text += prose.trim_start_matches('>');
        text.push(' ');
        if !page.line(line + 1).starts_with('>') {
            found.extend(quotation(page, line, &plain(&text)));
            text.clear();
        }
    }
    found
}

/// `"words" (RFC 5321 4.1.4)`
fn quotation(page: &Page, line: usize, text: &str) -> Option<Quotation> {
    let (words, source) = text.rsplit_once(" (RFC ")?;
    let (rfc, section) = source.strip_suffix(')')?.split_once(' ')?;
    let words = words.strip_prefix('"')?.strip_suffix('"')?;
    Some(Quotation {
        place: (page.path.clone(), line),
        words: words.to_owned(),
        rfc: rfc.to_owned(),
        section: section.to_owned(),
    })
}

/// One blank between two words, and no marks of code.
fn plain(text: &str) -> String {
    let text = text.replace('`', "");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where something was left out, a quotation has three dots in one character.
fn parts(words: &str) -> impl Iterator<Item = &str> {
    words.split('…').map(str::trim).filter(|part| !part.is_empty())
}

/// The lines of an RFC without the heads and feet of its printed pages.
fn lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes).replace('\u{c}', "");
    let is_text = |line: &&str| {
        let line = line.trim_end();
        let is_foot = line.ends_with(']') && line.contains("[Page ");
        let last = line.rsplit(' ').next().unwrap_or_default();
        let has_year = last.len() == 4 && last.parse::<u16>().is_ok();
        let is_head = line.starts_with("RFC ") && has_year;
        !is_foot && !is_head
    };
    text.lines().filter(is_text).map(str::to_owned).collect()
}

/// The words of a section and of those below it.
fn section(lines: &[String], wanted: &str) -> String {
    let mut is_in = false;
    let mut words = String::new();
    for line in lines {
        if let Some(number) = number(line) {
            let below = number.strip_prefix(wanted);
            is_in = below.is_some_and(|b| b.is_empty() || b.starts_with('.'));
        }
        if is_in {
            words += line;
            words.push(' ');
        }
    }
    plain(&words)
}

/// The number of a heading, which begins at the left margin: `4.1.4.  Order`.
fn number(line: &str) -> Option<&str> {
    let (number, title) = line.split_once(' ')?;
    let number = number.trim_end_matches('.');
    let is_number = number.starts_with(|c: char| c.is_ascii_digit())
        && number.chars().all(|c| c.is_ascii_digit() || c == '.');
    (is_number && !title.trim().is_empty()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# A\n\n> \"The `<CRLF>` ends\n> a line … always.\" (RFC \
        9999 1.2)\n\nSo it is.\n";
    const TEXT: &str = "1.2.  Lines\n\n   The <CRLF> ends\n\nA. Author    \
        Standards Track   [Page 7]\n\x0cRFC 9999      Lines      May 2008\n   \
        a line, and\n   it does so always.\n\n1.3.  Others\n\n   Never.\n";

    fn tree(page: &str) -> Tree {
        let tree = Tree::of(&[("book/src/a.md", page)]);
        let hashes = hashes(&Tree::of(&[("book/src/a.md", PAGE)]));
        tree.with(HASHES, &hashes)
    }

    #[test]
    fn a_quotation_that_changes_is_found_without_the_texts() {
        assert_eq!(compare(&tree(PAGE)), [""; 0]);
        // Other line ends and other marks of code are no change.
        let other = PAGE.replace('`', "").replace("ends\n> a", "ends a");
        assert_eq!(compare(&tree(&other)), [""; 0]);
        for (old, new) in [("ends", "end"), ("1.2", "1.3"), ("9999", "9998")] {
            let found = compare(&tree(&PAGE.replace(old, new)));
            assert_eq!(found.len(), 2, "{found:?}");
            let want = "book/src/a.md:4: compare it with the RFC";
            assert!(found[0].starts_with(want), "{found:?}");
            assert!(found[1].contains("RFC 9999 1.2 "), "{found:?}");
        }
    }

    #[test]
    fn a_quotation_is_looked_up_in_its_section_over_the_end_of_a_page() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("rfc9999.txt"), TEXT).unwrap();
        let found = |page: &str| look_up(&tree(page), folder.path());
        assert_eq!(found(PAGE), [""; 0]);
        for (old, new, want) in [
            ("always", "never", "RFC 9999 1.2 does not say: never."),
            ("1.2", "1.3", "RFC 9999 1.3 does not say: The <CRLF> ends a line"),
            ("9999", "1", "RFC 1 1.2 does not say: The <CRLF> ends a line"),
        ] {
            let found = found(&PAGE.replace(old, new));
            let want = format!("book/src/a.md:4: {want}");
            assert_eq!(found.first(), Some(&want));
        }
    }
}
