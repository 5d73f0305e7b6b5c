//! The words of a line that is written anew.
//!
//! Where the server says its own name, or another value that the old lines had
//! a hole for, the hole comes back; and of old words with holes, those that
//! still fit stay.
//!
//! Guarantee: what comes out is read as a text, and fits the line.

use super::align::{Change, Fit, Lists, align};
use super::matching::Names;
use super::text::{MOST_HOLES, Text, escape};

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
    let texts: Vec<Option<Text>> =
        old.iter().map(|word| Text::parse(word).ok()).collect();
    let fit = |i: usize, j: usize| match (texts.get(i), new.get(j)) {
        (Some(Some(text)), Some(word)) => {
            Fit::of(names.clone().fit(text, word))
        }
        _ => Fit::No,
    };
    let changes = align(&Lists {
        old: old.len(),
        new: new.len(),
        is_wild: &|i| old.get(i) == Some(&"{...}"),
        fit: &fit,
    });
    let old = |i: usize| old.get(i).copied().unwrap_or_default().to_owned();
    let new = |j: usize| new.get(j).copied().unwrap_or_default();
    let mut words = Vec::new();
    let mut absorbed = 0;
    for change in changes {
        match change {
            Change::Keep(i, _) => words.push(old(i)),
            Change::Wild(i) if absorbed > 0 => words.push(old(i)),
            Change::Replace(_, j) | Change::Insert(j) => {
                words.push(literal(new(j), known));
            }
            Change::Delete(_) | Change::Wild(_) | Change::Absorb(_) => {}
        }
        let is_absorbed = matches!(change, Change::Absorb(_));
        absorbed = if is_absorbed { absorbed + 1 } else { 0 };
    }
    words.join(" ")
}

/// Bytes as words, with a hole wherever a known value stands alone.
pub(super) fn literal(line: &[u8], known: &Known) -> String {
    let mut words = String::new();
    let mut start = 0;
    let mut place = 0;
    let mut holes = 0;
    while let Some(rest) = line.get(place..).filter(|rest| !rest.is_empty()) {
        let before = place.checked_sub(1).and_then(|at| line.get(at));
        let here = |(_, value): &&(String, Vec<u8>)| {
            let behind = rest.strip_prefix(value.as_slice());
            !value.is_empty()
                && behind.is_some_and(|behind| !is_name(behind.first()))
        };
        let found = known.iter().find(here);
        match found.filter(|_| !is_name(before) && holes < MOST_HOLES) {
            Some((name, value)) => {
                words.push_str(&inner(line.get(start..place)));
                words.push_str(&format!("{{{name}}}"));
                place += value.len();
                start = place;
                holes += 1;
            }
            None => place += 1,
        }
    }
    words + &escape(line.get(start..).unwrap_or_default())
}

/// Whether a name goes on with this byte.
fn is_name(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| {
        byte.is_ascii_alphanumeric() || b".-_".contains(byte)
    })
}

/// Words that others follow: a blank at their end is at no end.
fn inner(bytes: Option<&[u8]>) -> String {
    let mut words = escape(&[bytes.unwrap_or_default(), b"x"].concat());
    words.pop();
    words
}
