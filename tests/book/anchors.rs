//! Parts of the source that are marked for the book.
//!
//! Interface:
//!   `check`    what is wrong with the anchors of a file
//!   `names`    their names
//!   `is_name`  whether an anchor can have this name
//!
//! Each is one whole piece of code, short enough for a page, and on one.

use std::collections::BTreeSet;

use super::tree::at;

/// The most lines of an excerpt: what a reader takes in at a glance.
const MOST_LINES: usize = 25;

/// The part of a file between two marks.
struct Anchor {
    name: String,
    /// Where it begins.
    line: usize,
    /// Without the marks of other anchors.
    text: String,
    /// The number of the line that ends it.
    end: Option<usize>,
}

/// The names of the anchors of a file.
pub fn names(text: &str) -> Vec<String> {
    read("", text).0.into_iter().map(|anchor| anchor.name).collect()
}

/// All findings about the anchors of a file. `used` are those on a page.
pub fn check(path: &str, text: &str, used: &BTreeSet<String>) -> Vec<String> {
    let (anchors, mut findings) = read(path, text);
    for anchor in anchors {
        let is_used = used.contains(&anchor.name);
        let wrong = wrong(&anchor, text, is_used);
        findings.extend(wrong.map(|what| at(path, anchor.line, &what)));
    }
    findings
}

/// The anchors of a file, and what is wrong with their marks.
fn read(path: &str, text: &str) -> (Vec<Anchor>, Vec<String>) {
    let mut anchors: Vec<Anchor> = Vec::new();
    let mut findings = Vec::new();
    let mut wrong = |line: usize, what: String| {
        findings.push(at(path, line, &what));
    };
    for (number, line) in (1..).zip(text.lines()) {
        let mut open = anchors.iter_mut().filter(|a| a.end.is_none());
        if let Some(name) = mark(line, "ANCHOR: ") {
            if anchors.iter().any(|anchor| anchor.name == name) {
                wrong(number, format!("the anchor {name} is there twice"));
            }
            let (line, text) = (number, String::new());
            anchors.push(Anchor { name, line, text, end: None });
        } else if let Some(name) = mark(line, "ANCHOR_END: ") {
            match open.next_back().filter(|anchor| anchor.name == name) {
                Some(anchor) => anchor.end = Some(number),
                None => wrong(number, format!("{name} is not open here")),
            }
        } else {
            open.for_each(|anchor| anchor.text += &format!("{line}\n"));
        }
    }
    for anchor in anchors.iter().filter(|anchor| anchor.end.is_none()) {
        let what = format!("the anchor {} has no ANCHOR_END", anchor.name);
        wrong(anchor.line, what);
    }
    (anchors, findings)
}

/// The name in a line that is a mark and nothing else.
fn mark(line: &str, word: &str) -> Option<String> {
    let comment = line.trim().trim_start_matches(['/', '#', '<', '!', '-']);
    let comment = comment.trim_end_matches("-->").trim();
    comment.strip_prefix(word).map(str::to_owned)
}

/// What is wrong with an anchor in the source: first of all, who uses it.
fn wrong(anchor: &Anchor, text: &str, is_used: bool) -> Option<String> {
    let name = &anchor.name;
    let length = anchor.text.lines().count();
    let next = text.lines().nth(anchor.end?).unwrap_or_default().trim();
    let is_end = ["", "//!"].contains(&next)
        || next.starts_with('}')
        || next.contains("ANCHOR");
    if !is_used {
        Some(format!(
            "no page includes the anchor {name}: show it, or delete its two \
             lines"
        ))
    } else if length > MOST_LINES {
        Some(format!(
            "{length} lines are too many for the page: at most {MOST_LINES}"
        ))
    } else if !names_itself(anchor) {
        Some(format!("the anchor {name} holds nothing of that name"))
    } else if !is_balanced(&anchor.text) || !is_end {
        Some(format!("the anchor {name} must hold whole items"))
    } else {
        None
    }
}

/// Whether a word of its name stands in it: else the item has moved away.
fn names_itself(anchor: &Anchor) -> bool {
    let text = anchor.text.to_lowercase();
    let mut words = anchor.name.split('_').map(|w| w.trim_end_matches('s'));
    words.any(|word| word.len() > 2 && text.contains(word))
}

/// Whether each bracket is closed, roughly: also one in quotes counts.
fn is_balanced(text: &str) -> bool {
    let is_even = |pair: [char; 2]| {
        let [opened, closed] = pair.map(|mark| text.matches(mark).count());
        opened == closed
    };
    [['(', ')'], ['[', ']'], ['{', '}']].into_iter().all(is_even)
}

/// Whether an anchor can have this name.
pub fn is_name(text: &str) -> bool {
    let is_letter =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "// ANCHOR: rset\nfn rset() {}\n// ANCHOR_END: rset\n";

    fn found(text: &str) -> String {
        let used = BTreeSet::from(["rset".to_owned(), "b".to_owned()]);
        check("src/a.rs", text, &used).join("\n")
    }

    #[test]
    fn marks_come_in_pairs_once_each_and_well_nested() {
        let end = "// ANCHOR_END: rset\n";
        let cases = [
            (end, "", "src/a.rs:1: the anchor rset has no ANCHOR_END"),
            (
                SOURCE,
                &format!("{end}{SOURCE}"),
                "src/a.rs:1: rset is not open here",
            ),
            (
                SOURCE,
                &SOURCE.repeat(2),
                "src/a.rs:4: the anchor rset is there twice",
            ),
            (
                SOURCE,
                "// ANCHOR: rset\n// ANCHOR: b\nx\n// ANCHOR_END: rset\n\
                 // ANCHOR_END: b\n",
                "src/a.rs:4: rset is not open here",
            ),
            ("fn rset() {}\n", "", "src/a.rs:1: the anchor rset holds nothing"),
        ];
        for (old, new, want) in cases {
            let found = found(&SOURCE.replace(old, new));
            assert!(found.contains(want), "{found}, not {want}");
        }
    }

    #[test]
    fn an_anchor_that_the_item_has_left_is_found() {
        let body = "// ANCHOR: rset\nfn rset() {\n    1;\n}\n\nfn x() {}\n";
        assert_eq!(found(&format!("{body}// ANCHOR_END: rset\n")), "");
        let end = "// ANCHOR_END: rset\n";
        let early = body.replace("    1;\n", &format!("{end}    1;\n"));
        let want = "src/a.rs:1: the anchor rset must hold whole items";
        assert_eq!(found(&early), want);
        let cut = body.replace("fn x", &format!("rset();\n{end}fn x"));
        assert_eq!(found(&cut), want);
        let moved = body.replace("fn rset", "fn no");
        let want = "src/a.rs:1: the anchor rset holds nothing of that name";
        assert_eq!(found(&format!("{moved}{end}")), want);
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
            found(&SOURCE.replace("fn rset() {}\n", &"rset\n".repeat(count)))
        };
        assert_eq!(lines(25), "");
        assert_eq!(
            lines(26),
            "src/a.rs:1: 26 lines are too many for the page: at most 25"
        );
    }
}
