//! What a section of an RFC is called, copied from the tables of contents.
//!
//! A section that is named somewhere and is not there is a finding. Only the
//! three that the book quotes from are here with their sections.

use std::collections::BTreeSet;

use super::index::{in_source, in_transcript};
use super::page::pages_and_readme;
use super::rfc::{Section, sections};
use super::tree::{Tree, at};

/// `5321 4.1.4 Order of Commands`, a line each.
const SECTIONS: &str = include_str!("titles.txt");

const RFCS: [(u32, &str); 15] = [
    (1035, "Domain names - implementation and specification"),
    (1870, "SMTP Service Extension for Message Size Declaration"),
    (2034, "SMTP Service Extension for Returning Enhanced Error Codes"),
    (2119, "Key words for use in RFCs to Indicate Requirement Levels"),
    (2606, "Reserved Top Level DNS Names"),
    (2920, "SMTP Service Extension for Command Pipelining"),
    (
        3030,
        "SMTP Service Extensions for Transmission of Large and Binary \
            MIME Messages",
    ),
    (
        3207,
        "SMTP Service Extension for Secure SMTP over Transport Layer \
            Security",
    ),
    (3463, "Enhanced Mail System Status Codes"),
    (4954, "SMTP Service Extension for Authentication"),
    (5321, "Simple Mail Transfer Protocol"),
    (5322, "Internet Message Format"),
    (6152, "SMTP Service Extension for 8-bit MIME Transport"),
    (6531, "SMTP Extension for Internationalized Email"),
    (9422, "The LIMITS SMTP Service Extension"),
];

/// A section that no RFC has is a slip of the pen: on a page, in the source or
/// in a transcript.
pub fn check(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    let mut want = |path: &str, text: &str, named: BTreeSet<Section>| {
        for section in named.iter().filter(|section| is_unknown(section)) {
            let number = &section.number;
            let line = text.lines().position(|line| line.contains(number));
            let what = format!("RFC {} has no section {number}", section.rfc);
            findings.push(at(path, line.unwrap_or(0) + 1, &what));
        }
    };
    for page in pages_and_readme(tree) {
        let words = page.words().replace("\n>", "\n");
        want(&page.path, &words, sections(&words));
    }
    for (path, text) in tree.under("src/") {
        want(path, text, in_source(text));
    }
    for (path, text) in tree.under("transcripts/") {
        want(path, text, in_transcript(path, text));
    }
    findings
}

fn is_unknown(section: &Section) -> bool {
    is_listed(section.rfc)
        && !section.number.is_empty()
        && section_title(section).is_none()
}

pub fn rfc_title(rfc: u32) -> Option<&'static str> {
    RFCS.iter().find(|(number, _)| *number == rfc).map(|(_, title)| *title)
}

/// None for a whole RFC, and for one whose sections are not listed here.
pub fn section_title(section: &Section) -> Option<&'static str> {
    let start = format!("{} {} ", section.rfc, section.number);
    SECTIONS.lines().find_map(|line| line.strip_prefix(&start))
}

/// The RFCs of which every section has its title here.
pub fn is_listed(rfc: u32) -> bool {
    matches!(rfc, 1870 | 5321 | 5322)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_that_the_rfc_has_not_is_found() {
        let page = "# A\n(RFC 5321 4.1.4, RFC 2034 8.8)\n(RFC\n> 1870 9.9)\n";
        let source = "// RFC 5321 9.9\n";
        let tree = Tree::of(&[("book/src/a.md", page), ("src/b.rs", source)]);
        let want = [
            "book/src/a.md:4: RFC 1870 has no section 9.9",
            "src/b.rs:1: RFC 5321 has no section 9.9",
        ];
        assert_eq!(check(&tree), want);
    }
}
