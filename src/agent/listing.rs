//! How the list of a mailbox looks: to a program, and to a person.
//!
//! ```text
//! 1⇥seen⇥2026-11-22 10:30⇥Alice <alice@example.org>⇥Lunch⇥512
//!
//! bob@example.org: 2 messages, 1 new. The times are UTC.
//!  1       22 Nov 10:30  Alice               Lunch                          512
//!  2  new  22 Nov 10:34  Al                  Re: Lunch                     1.2k
//! ```
//!
//! One message at a time is read and printed, so that the longest list takes no
//! more memory than its names.

use super::encoded::{Piece, decode};
use super::screen::{escaped, fitted, shortened};
use crate::mailbox::reader::{Head, Reader, Stored};
use crate::protocol::trace::{date_time, iso_date_time};
use crate::words::because;
use std::io::{self, ErrorKind, Write};

/// A field in the list of a program has this many characters at the most.
const LONGEST_FIELD: usize = 998;

/// The widths of the columns for people. With two blanks between, and a number
/// of two digits, a line is 79 wide.
const FROM: usize = 18;
const SUBJECT: usize = 30;
const DATE: usize = 12;
const SIZE: usize = 4;

/// An older message has its year in the place of its hour.
const HALF_A_YEAR: u64 = 182 * DAY;

/// A clock may be a little wrong, and mail may come while we print.
const DAY: u64 = 86_400;

/// The messages to list.
pub(super) struct List<'a> {
    pub(super) reader: &'a Reader,
    pub(super) messages: &'a [Stored],
}

impl List<'_> {
    /// Fields with tabs between, and no other line.
    pub(super) fn for_programs(&self, out: &mut dyn Write) -> io::Result<()> {
        self.each(|number, message, head| {
            let state = if message.is_seen { "seen" } else { "new" };
            let from = line_of(&head.from);
            let from = shortened(&from, LONGEST_FIELD);
            let subject = line_of(&head.subject);
            let subject = shortened(&subject, LONGEST_FIELD);
            let (date, size) = (minute(message.arrived), message.size);
            writeln!(
                out,
                "{number}\t{state}\t{date}\t{from}\t{subject}\t{size}"
            )
        })
    }

    /// Columns for a terminal that is 80 wide.
    pub(super) fn for_people(
        &self,
        address: &str,
        now: u64,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        writeln!(out, "{address}: {}", self.summary())?;
        let digits = self.messages.len().to_string().len().max(2);
        let wide = (SUBJECT + 2).saturating_sub(digits);
        self.each(|number, message, head| {
            let state = if message.is_seen { "   " } else { "new" };
            let date = date_for_people(message.arrived, now);
            let from = fitted(&line_of(sender(&head.from)), FROM);
            let subject = fitted(&line_of(&head.subject), wide);
            let size = size_for_people(message.size);
            writeln!(
                out,
                "{number:digits$}  {state}  {date:DATE$}  {from}  {subject}  \
                 {size:>SIZE$}"
            )
        })
    }

    fn summary(&self) -> String {
        let count = self.messages.len();
        let unseen = self.messages.iter().filter(|m| !m.is_seen).count();
        match count {
            0 => "no messages".to_owned(),
            1 => format!("1 message, {unseen} new. The time is UTC."),
            _ => format!("{count} messages, {unseen} new. The times are UTC."),
        }
    }

    /// Calls `print` for each message. One that somebody has just moved away is
    /// listed without its fields. One that cannot be read is too, and the end
    /// is an error.
    fn each(
        &self,
        mut print: impl FnMut(usize, &Stored, &Head) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut outcome = Ok(());
        for (number, message) in (1..).zip(self.messages) {
            let head = self.reader.head(message).unwrap_or_else(|error| {
                if error.kind() != ErrorKind::NotFound {
                    let what = format!("cannot read message {number}");
                    outcome = Err(because(&what, &error));
                }
                Head::default()
            });
            print(number, message, &head)?;
        }
        outcome
    }
}

/// A field's value with its encoded words read, fit to be printed.
fn line_of(value: &[u8]) -> String {
    let bytes = decode(value).into_iter().flat_map(|piece| match piece {
        Piece::Plain(bytes) | Piece::Decoded(bytes) => bytes,
    });
    escaped(&bytes.collect::<Vec<u8>>())
}

/// The name before an address in angle brackets, else the address
/// (RFC 5322 3.4).
fn sender(from: &[u8]) -> &[u8] {
    let Some(at) = from.iter().position(|byte| *byte == b'<') else {
        return from;
    };
    let (name, address) = from.split_at(at);
    let name = name.trim_ascii();
    let quoted = name.strip_prefix(b"\"").and_then(|n| n.strip_suffix(b"\""));
    match quoted.unwrap_or(name) {
        [] => address,
        name => name,
    }
}

/// `2026-11-22 10:30`.
fn minute(seconds: u64) -> String {
    let date = iso_date_time(seconds).replace('T', " ");
    let end = "2026-11-22 10:30".len();
    date.get(..end).unwrap_or_default().to_owned()
}

/// `22 Nov 10:30`, or `22 Nov  2025` if that is long ago or still to come.
fn date_for_people(seconds: u64, now: u64) -> String {
    let date = date_time(seconds);
    let mut words = date.split(' ').skip(1);
    let mut next = || words.next().unwrap_or_default();
    let (day, month, year, time) = (next(), next(), next(), next());
    let time = time.get(.."10:30".len()).unwrap_or_default();
    match (now + DAY).checked_sub(seconds) {
        Some(age) if age < HALF_A_YEAR + DAY => format!("{day} {month} {time}"),
        Some(_) | None => format!("{day} {month}  {year}"),
    }
}

/// `512`, `1.2k`, `25M`: four characters at the most.
fn size_for_people(bytes: u64) -> String {
    let mut unit = 1;
    for letter in ["", "k", "M", "G", "T", "P"] {
        let tenths = bytes / (unit / 10).max(1);
        match (bytes / unit, letter) {
            (whole @ 0..1000, "") => return whole.to_string(),
            (whole @ 0..10, _) => {
                return format!("{whole}.{}{letter}", tenths % 10);
            }
            (whole @ 10..1000, _) => return format!("{whole}{letter}"),
            (_, _) => unit *= 1000,
        }
    }
    "huge".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_takes_four_characters() {
        for (bytes, want) in [
            (0, "0"),
            (999, "999"),
            (1000, "1.0k"),
            (1299, "1.2k"),
            (9999, "9.9k"),
            (10_000, "10k"),
            (999_999, "999k"),
            (1_000_000, "1.0M"),
            (26_214_400, "26M"),
            (u64::MAX, "huge"),
        ] {
            assert_eq!(size_for_people(bytes), want);
        }
    }

    #[test]
    fn a_date_has_the_hour_if_it_is_near_and_else_the_year() {
        let time = 784_111_777; // Sun, 06 Nov 1994 08:49:37
        for (now, want) in [
            (time, "06 Nov 08:49"),
            (time + HALF_A_YEAR - 1, "06 Nov 08:49"),
            (time + HALF_A_YEAR, "06 Nov  1994"),
            (time - DAY, "06 Nov 08:49"),
            (time - DAY - 1, "06 Nov  1994"),
        ] {
            assert_eq!(date_for_people(time, now), want);
            assert_eq!(want.len(), DATE);
        }
        assert_eq!(minute(time), "1994-11-06 08:49");
    }

    #[test]
    fn people_see_the_name_if_there_is_one() {
        for (from, want) in [
            ("Alice <a@b>", "Alice"),
            ("\"A. B.\" <a@b>", "A. B."),
            ("<a@b>", "<a@b>"),
            ("\"\" <a@b>", "<a@b>"),
            ("a@b", "a@b"),
            ("a@b (Alice)", "a@b (Alice)"),
            ("", ""),
        ] {
            assert_eq!(sender(from.as_bytes()), want.as_bytes());
        }
    }
}
