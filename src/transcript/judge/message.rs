//! Does a stored message have the `M:` lines of the page?
//!
//! `M: ...` is any number of lines. Line ends are ignored, LF or CR LF: a file
//! may have either. The name of a header field has no case (RFC 5322 1.2.2),
//! so another server may write `Return-path:`; our own may not.

use super::failure::Mismatch;
use super::shown::show;
use super::target::Match;
use crate::transcript::format::matching::Names;
use crate::transcript::format::script::{MailLine, Source};
use crate::transcript::format::text::{Part, Text};

/// To explain what is wrong, this many lines are compared: a page may have
/// many thousand lines that are all the same.
const MOST_WORK: usize = 1_000_000;

/// When a line of a message is the one on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fits {
    /// Every byte.
    Exactly,
    /// The case of a header field's name aside.
    InAnyCase,
}

impl Fits {
    pub(crate) fn of(matching: Match) -> Fits {
        match matching {
            Match::Exact => Fits::Exactly,
            Match::Code | Match::Class => Fits::InAnyCase,
        }
    }
}

/// One line of a stored message.
struct Line<'a> {
    bytes: &'a [u8],
    /// Whether it may begin with a field's name that is in any case.
    in_any_case: bool,
}

impl Line<'_> {
    fn fits(&self, wanted: &Text, names: &mut Names) -> bool {
        if names.fit(wanted, self.bytes) {
            return true;
        }
        self.in_any_case
            && names.fit(&lower_text(wanted), &lower_name(self.bytes))
    }
}

/// Compares the lines of one message.
///
/// `M: ...` cuts the wanted lines into blocks. The first block is at the
/// beginning, the last one at the end, and each other one at the first place
/// where it fits.
pub(crate) fn compare(
    source: &Source,
    wanted: &[MailLine],
    message: &[u8],
    fits: Fits,
    names: &mut Names,
) -> Result<(), Mismatch> {
    let lines = lines(message, fits);
    let blocks: Vec<&[MailLine]> =
        wanted.split(|line| line.text.is_none()).collect();
    let last = blocks.len().saturating_sub(1);
    let mut rest = lines.as_slice();
    for (number, block) in blocks.iter().enumerate() {
        let furthest = rest.len().saturating_sub(block.len());
        let places = match (number == 0, number == last) {
            (true, _) => 0..=0,
            (false, true) => furthest..=furthest,
            (false, false) => 0..=furthest,
        };
        let after = places
            .clone()
            .find_map(|place| fit_block(block, rest.get(place..)?, names));
        rest = match after {
            Some(after) if number < last || after.is_empty() => after,
            Some(_) | None => {
                return Err(explain(source, block, rest, number == 0, names));
            }
        };
    }
    Ok(())
}

/// The lines of a message without their ends.
fn lines(message: &[u8], fits: Fits) -> Vec<Line<'_>> {
    let whole = message.strip_suffix(b"\n").unwrap_or(message);
    if message.is_empty() {
        return Vec::new();
    }
    let mut in_any_case = fits == Fits::InAnyCase;
    let lines = whole.split(|byte| *byte == b'\n');
    lines
        .map(|line| {
            let bytes = line.strip_suffix(b"\r").unwrap_or(line);
            // The header ends at the first empty line.
            in_any_case &= !bytes.is_empty();
            Line { bytes, in_any_case }
        })
        .collect()
}

/// What follows the block, if these lines begin with it.
fn fit_block<'a, 'b>(
    block: &[MailLine],
    lines: &'a [Line<'b>],
    names: &mut Names,
) -> Option<&'a [Line<'b>]> {
    let mut tried = names.clone();
    if fitting(block, lines, &mut tried) < block.len() {
        return None;
    }
    *names = tried;
    lines.get(block.len()..)
}

/// How many lines fit, from the first one.
fn fitting(block: &[MailLine], lines: &[Line<'_>], names: &mut Names) -> usize {
    let mut fits = |wanted: &MailLine, line: &Line<'_>| match &wanted.text {
        Some(text) => line.fits(text, names),
        None => true,
    };
    let pairs = block.iter().zip(lines);
    pairs.take_while(|(wanted, line)| fits(wanted, line)).count()
}

/// Says which line is wrong, at the place where most of the block fits.
fn explain(
    source: &Source,
    block: &[MailLine],
    lines: &[Line<'_>],
    is_first: bool,
    names: &Names,
) -> Mismatch {
    let most = MOST_WORK / block.len().max(1);
    let last_place = if is_first { 0 } else { lines.len().min(most) };
    let fitting_at = |place: &usize| {
        let lines = lines.get(*place..).unwrap_or_default();
        fitting(block, lines, &mut names.clone())
    };
    // The first of equals: `max_by_key` alone would take the last.
    let best = (0..=last_place).rev().max_by_key(fitting_at).unwrap_or(0);
    let fits = fitting_at(&best);
    let got = match lines.get(best + fits) {
        Some(_) if fits == 0 && !is_first => "no such line".into(),
        Some(line) => format!("M: {}", show(line.bytes)),
        None => "the message ends".into(),
    };
    match (block.get(fits), block.last()) {
        (Some(wanted), _) => {
            Mismatch::new(&wanted.source, "wrong message in the mailbox", got)
        }
        (None, Some(last)) => {
            Mismatch::new(&last.source, "the message goes on", got)
        }
        (None, None) => Mismatch::new(source, "the message goes on", got),
    }
}

/// A line of the page with the name of its field in lower case.
fn lower_text(text: &Text) -> Text {
    let mut text = text.clone();
    if let Some(Part::Bytes(first)) = text.parts.first_mut() {
        *first = lower_name(first);
    }
    text
}

/// What comes before the first colon, in lower case. A line that goes on
/// from the one before begins with a blank, and has no name.
fn lower_name(line: &[u8]) -> Vec<u8> {
    let is_no_name = |byte: &u8| !byte.is_ascii_graphic() || *byte == b':';
    let end = line.iter().position(is_no_name).unwrap_or(0);
    let (name, rest) = line.split_at(end);
    [name.to_ascii_lowercase().as_slice(), rest].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::format::script::Action;
    use crate::transcript::format::testing;

    fn fits(lines: &str, message: &str, fits: Fits) -> bool {
        let mailbox = "(mailbox bob@example.org has 1 message)";
        let file = format!("Title: t\nLevel: own\n\n{mailbox}\n{lines}");
        let transcript = testing::read(&file).unwrap();
        let step = &transcript.steps[0];
        let Action::Mailbox(look) = &step.action else {
            panic!("{step:?}");
        };
        let lines = &look.messages[0];
        let names = &mut Names::default();
        compare(&step.source, lines, message.as_bytes(), fits, names).is_ok()
    }

    #[test]
    fn only_the_name_of_a_field_has_no_case_and_only_for_others() {
        let page = "M: Return-Path: <{who}>\nM: ...\nM:\nM: Note: x\n";
        let table = [
            ("Return-Path: <a>\n\nNote: x\n", true, true),
            ("return-path: <a>\n\nNote: x\n", false, true),
            ("RETURN-PATH: <a>\r\n\r\nNote: x\r\n", false, true),
            ("Return-Path: [a]\n\nNote: x\n", false, false),
            ("Return-Path: <a>\n\nnote: x\n", false, false),
            ("Return-Path: <a>\n\nNote: X\n", false, false),
        ];
        for (message, exactly, in_any_case) in table {
            assert_eq!(fits(page, message, Fits::Exactly), exactly);
            assert_eq!(fits(page, message, Fits::InAnyCase), in_any_case);
        }
    }
}
