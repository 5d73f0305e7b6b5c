//! What a list says of a message: two fields from the beginning of its header.

use crate::protocol::line::without_trailing_blanks;
use std::io::{self, BufRead, BufReader, Read};

/// No more of a message is read for the list.
pub const HEAD_LIMIT: u64 = 65_536;

/// What a list says of a message: two fields of its header, each on one line,
/// and nothing in them decoded.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Who wrote it.
    pub from: Vec<u8>,
    /// What it is about.
    pub subject: Vec<u8>,
}

/// Reads as much of a message as a list needs. The first field of a name
/// counts (RFC 5322 3.6 allows no second one).
pub(super) fn read(file: impl Read) -> io::Result<Head> {
    let mut lines = BufReader::with_capacity(4096, file.take(HEAD_LIMIT));
    let (mut from, mut subject) = (None, None);
    let mut field = Vec::new();
    loop {
        let mut line = Vec::new();
        lines.read_until(b'\n', &mut line)?;
        let is_more = line.starts_with(b" ") || line.starts_with(b"\t");
        if !is_more {
            take(&mut from, &field, b"from");
            take(&mut subject, &field, b"subject");
            field.clear();
        }
        let is_end = matches!(line.as_slice(), b"" | b"\n" | b"\r\n");
        if is_end || (from.is_some() && subject.is_some()) {
            break;
        }
        field.extend(line.strip_suffix(b"\n").unwrap_or(&line));
        field.pop_if(|byte| *byte == b'\r');
    }
    let (from, subject) =
        (from.unwrap_or_default(), subject.unwrap_or_default());
    Ok(Head { from, subject })
}

/// Puts the value of the field into `place` if it has this name.
fn take(place: &mut Option<Vec<u8>>, field: &[u8], name: &[u8]) {
    let Some(colon) = field.iter().position(|byte| *byte == b':') else {
        return;
    };
    let (found, value) = field.split_at(colon);
    let found = without_trailing_blanks(found);
    if place.is_none() && found.eq_ignore_ascii_case(name) {
        let value = value.strip_prefix(b":").unwrap_or_default();
        *place = Some(value.trim_ascii().to_vec());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &[u8], from: &str, subject: &str) {
        let head = read(message).unwrap();
        let want = Head { from: from.into(), subject: subject.into() };
        assert_eq!(head, want, "{}", message.escape_ascii());
    }

    #[test]
    fn two_fields_are_found_and_unfolded_rfc_5322_2_2_3() {
        for message in [
            b"Subject: a\n b\nFrom: x@y\n\ntext\n".as_slice(),
            b"X: y\nfrom:x@y\r\nSUBJECT:\ta\r\n b\r\n\r\ntext",
            b"From : x@y\nSubject: a b\nSubject: second\nFrom: third\n\n",
            b"no field\nFrom: x@y\nSubject:\n a b\n \n\n",
            b"From: x@y\nSubject: a b",
        ] {
            check(message, "x@y", "a b");
        }
    }

    #[test]
    fn what_is_not_in_the_header_is_not_found() {
        for message in [
            b"".as_slice(),
            b"\nFrom: x\nSubject: y\n",
            b"\r\nFrom: x\nSubject: y\n",
            b" From: x\n Subject: y\n\n",
            b"X: y\n From: x\n\tSubject: y\n\n",
            b"XFrom: x\nSubject\n\n",
            b"From\x0c: x\nSubject\x0c: y\n\n",
        ] {
            check(message, "", "");
        }
    }

    #[test]
    fn no_more_is_read_than_the_limit() {
        struct Counter(u64);
        impl Read for Counter {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                buffer.fill(b'x');
                self.0 += u64::try_from(buffer.len()).unwrap();
                Ok(buffer.len())
            }
        }
        let mut endless = Counter(0);
        assert_eq!(read(&mut endless).unwrap(), Head::default());
        assert!(endless.0 <= HEAD_LIMIT, "{}", endless.0);
        // A short message is not read to its end.
        let message = [b"\n".as_slice(), &[b'x'; 20_000]].concat();
        let mut rest = message.as_slice();
        read(&mut rest).unwrap();
        assert!(rest.len() > 10_000);
    }
}
