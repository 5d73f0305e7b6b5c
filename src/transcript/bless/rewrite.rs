//! The words of a line that is written anew.
//!
//! Where the server says its own name, or another value that the old lines had
//! a hole for, the hole comes back; and of old words with holes, those that
//! still fit stay.
//!
//! Guarantee: what comes out is read as a text, and fits the line.

use super::align::{Change, Fit, align};
use crate::transcript::format::matching::Names;
use crate::transcript::format::text::{MOST_HOLES, Text, escape, escape_inner};

/// The names whose values are put back, with the values.
pub(super) type Known = Vec<(String, Vec<u8>)>;

/// Words for a line that the old words do not fit. If these have holes, what
/// still fits of them stays.
pub(super) fn rewrite(
    old: &str,
    line: &[u8],
    names: &mut Names,
    known: &Known,
) -> String {
    let mended = mend(old, line, names, known);
    let fits = |text: &Text| names.clone().fit(text, line);
    match Text::parse(&mended) {
        Ok(text) if fits(&text) => {
            names.fit(&text, line);
            mended
        }
        Ok(_) | Err(_) => literal(line, known),
    }
}

/// The old words, where they fit, and the new ones, where not.
fn mend(old: &str, line: &[u8], names: &Names, known: &Known) -> String {
    if !old.contains('{') {
        return literal(line, known);
    }
    let old: Vec<&str> = old.split(' ').collect();
    let new: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let is_wild = |word: &&str| *word == "{...}";
    let fit = |old: &&str, new: &&[u8]| {
        let text = Text::parse(old);
        Fit::of(text.is_ok_and(|text| names.clone().fit(&text, new)))
    };
    let mut words = Vec::new();
    let mut has_absorbed = false;
    for change in align(&old, &new, &is_wild, &fit) {
        match change {
            Change::Keep(old, _) => words.push((*old).to_owned()),
            Change::Replace(_, new) | Change::Insert(new) => {
                words.push(literal(new, known));
            }
            Change::Wild(old) if has_absorbed => words.push((*old).to_owned()),
            Change::Delete(_) | Change::Wild(_) | Change::Absorb(_) => {}
        }
        has_absorbed = matches!(change, Change::Absorb(_));
    }
    words.join(" ")
}

/// Bytes as words, with a hole wherever a known value is a word of its own.
pub(super) fn literal(line: &[u8], known: &Known) -> String {
    let mut words = String::new();
    // What was read and is not in the words yet.
    let mut plain = Vec::new();
    let mut before = None;
    let mut holes = 0;
    let mut rest = line;
    while let Some((byte, after)) = rest.split_first() {
        let may_begin = holes < MOST_HOLES && !is_name(before);
        match value_at(rest, known).filter(|_| may_begin) {
            Some((name, value, after)) => {
                words.push_str(&escape_inner(&plain));
                words.push_str(&format!("{{{name}}}"));
                plain.clear();
                holes += 1;
                (before, rest) = (value.last(), after);
            }
            None => {
                plain.push(*byte);
                (before, rest) = (Some(byte), after);
            }
        }
    }
    words + &escape(&plain)
}

/// The known value that the bytes begin with, its name, and what comes after
/// it. No longer name begins with it.
fn value_at<'a>(
    bytes: &'a [u8],
    known: &'a Known,
) -> Option<(&'a str, &'a [u8], &'a [u8])> {
    known.iter().filter(|(_, value)| !value.is_empty()).find_map(
        |(name, value)| {
            let after = bytes.strip_prefix(value.as_slice())?;
            let is_alone = !is_name(after.first());
            is_alone.then_some((name.as_str(), value.as_slice(), after))
        },
    )
}

/// Whether a name goes on with this byte.
fn is_name(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| {
        byte.is_ascii_alphanumeric() || b".-_".contains(byte)
    })
}
