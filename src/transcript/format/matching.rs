//! Does a text fit these bytes? And what do its names stand for?
//!
//! A name is bound by the first bytes that fit it; from then on it stands for
//! these bytes, in this line and in all later ones. `{...}` binds nothing.
//!
//! Interface:
//!   `Names::fit`     compares a text with bytes, and binds its names
//!   `Names::set`      gives a name its value before the first line
//!   `Names::expand`  turns a text into the bytes that are sent
//!
//! Holes take as few bytes as they can, from left to right; where the rest of
//! the line does not fit then, they take more. That is how a person reads
//! `{host} {...}`, too.

use super::text::{Part, Text};

/// How many ways to fill the holes of one line are tried.
///
/// Ten holes in a long line have more ways than there are seconds. A real line
/// needs a few hundred.
const MOST_TRIES: usize = 1_000_000;

/// What the names of a transcript stand for.
#[derive(Debug, Clone, Default)]
pub struct Names {
    bound: Vec<(String, Vec<u8>)>,
}

impl Names {
    /// What a name stands for, if it was bound. `{secret}`, which a recording
    /// has in the place of a password, always stands for something.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let same = |bound: &&(String, Vec<u8>)| bound.0 == name;
        let bound = self.bound.iter().find(same).map(|(_, value)| &**value);
        bound.or((name == "secret").then_some(b"secret"))
    }

    /// Whether the text fits. If it does, its names are bound from now on.
    pub fn fit(&mut self, text: &Text, bytes: &[u8]) -> bool {
        let mut attempt = Attempt { names: self, tries: 0 };
        attempt.fit(&text.parts, bytes)
    }

    /// The bytes that a text stands for, or the name that has no value.
    pub fn expand(&self, text: &Text) -> Result<Vec<u8>, String> {
        let mut all = Vec::new();
        for part in &text.parts {
            match part {
                Part::Bytes(bytes) => all.extend(bytes),
                Part::Repeat { times, bytes } => {
                    all.extend(bytes.repeat(*times))
                }
                Part::Name(name) => all.extend(self.get(name).ok_or(name)?),
                Part::Anything => return Err("...".into()),
            }
        }
        Ok(all)
    }

    /// Gives a name its value before anything is compared.
    pub fn set(&mut self, name: &str, value: &[u8]) {
        self.bound.retain(|(bound, _)| bound != name);
        self.bind(name, value);
    }

    fn bind(&mut self, name: &str, value: &[u8]) {
        self.bound.push((name.into(), value.into()));
    }

    fn unbind_last(&mut self) {
        self.bound.pop();
    }
}

/// One comparison. Names that it bound in vain are unbound again.
struct Attempt<'a> {
    names: &'a mut Names,
    tries: usize,
}

impl Attempt<'_> {
    /// Whether the parts fit all of the bytes.
    fn fit(&mut self, mut parts: &[Part], mut bytes: &[u8]) -> bool {
        while let Some((part, rest)) = parts.split_first() {
            let left = match part {
                Part::Bytes(wanted) => bytes.strip_prefix(wanted.as_slice()),
                Part::Repeat { times, bytes: unit } => {
                    strip_repeat(bytes, *times, unit)
                }
                Part::Anything => return self.fit_anything(rest, bytes),
                Part::Name(name) => match self.names.get(name) {
                    Some(value) => bytes.strip_prefix(value),
                    None => return self.fit_name(name, rest, bytes),
                },
            };
            let Some(left) = left else {
                return false;
            };
            (parts, bytes) = (rest, left);
        }
        bytes.is_empty()
    }

    /// Gives the hole no byte, then one, then two, until the rest fits.
    fn fit_anything(&mut self, rest: &[Part], bytes: &[u8]) -> bool {
        (0..=bytes.len()).any(|length| {
            let (_, left) = bytes.split_at(length);
            self.try_once() && self.fit(rest, left)
        })
    }

    /// Gives the name one byte, then two, but never a blank.
    fn fit_name(&mut self, name: &str, rest: &[Part], bytes: &[u8]) -> bool {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let word = bytes.iter().position(is_blank).unwrap_or(bytes.len());
        (1..=word).any(|length| {
            let (value, left) = bytes.split_at(length);
            if !self.try_once() {
                return false;
            }
            self.names.bind(name, value);
            let fits = self.fit(rest, left);
            if !fits {
                self.names.unbind_last();
            }
            fits
        })
    }

    fn try_once(&mut self) -> bool {
        self.tries += 1;
        self.tries <= MOST_TRIES
    }
}

/// What comes after this many units, if they are there.
fn strip_repeat<'a>(
    bytes: &'a [u8],
    times: usize,
    unit: &[u8],
) -> Option<&'a [u8]> {
    (0..times).try_fold(bytes, |left, _| left.strip_prefix(unit))
}

#[cfg(test)]
mod tests {
    use super::super::testing::Random;
    use super::super::text::escape;
    use super::*;

    fn text(source: &str) -> Text {
        Text::parse(source).unwrap()
    }

    #[test]
    fn texts_fit_or_do_not() {
        let table = [
            ("", "", true),
            ("", "x", false),
            ("OK", "OK", true),
            ("OK", "OK now", false),
            ("OK now", "OK", false),
            ("{...}", "", true),
            ("{...}", "anything at all", true),
            ("{host}", "", false),
            ("{host}", "mx.example.org", true),
            ("{host}", "two words", false),
            ("{host}", "a\ttab", false),
            ("{host} {...}", "mx.example.org ESMTP", true),
            ("{host} {...}", "mx.example.org", false),
            ("{a}-{b}", "1-2-3", true),
            ("{a} {a}", "x x", true),
            ("{a} {a}", "x y", false),
            ("{a}{...}{a}", "xyx", true),
            ("{...}ab", "aabab", true),
            ("a{3*bc}d", "abcbcbcd", true),
            ("a{3*bc}d", "abcbcd", false),
            ("a{0*b}c", "ac", true),
        ];
        for (source, bytes, wanted) in table {
            let fits = Names::default().fit(&text(source), bytes.as_bytes());
            assert_eq!(fits, wanted, "{source} | {bytes}");
        }
    }

    #[test]
    fn a_name_is_bound_at_the_first_fit_and_equal_later() {
        let mut names = Names::default();
        assert!(names.fit(&text("{host} {...}"), b"mx.example.org hello"));
        assert_eq!(names.get("host"), Some(b"mx.example.org".as_slice()));
        assert!(!names.fit(&text("{host}"), b"other.example.org"));
        assert!(names.fit(&text("{host}"), b"mx.example.org"));
    }

    #[test]
    fn holes_take_as_little_as_they_can_from_the_left() {
        let mut names = Names::default();
        assert!(names.fit(&text("{a}-{b}"), b"1-2-3"));
        assert_eq!(names.get("a"), Some(b"1".as_slice()));
        assert_eq!(names.get("b"), Some(b"2-3".as_slice()));
    }

    #[test]
    fn a_line_that_does_not_fit_binds_nothing() {
        let mut names = Names::default();
        assert!(!names.fit(&text("{a} {b} end"), b"one two"));
        assert_eq!((names.get("a"), names.get("b")), (None, None));
    }

    #[test]
    fn too_many_ways_to_fill_the_holes_end_in_no() {
        let source = "{...}a".repeat(12) + "b";
        let bytes = "a".repeat(500);
        assert!(!Names::default().fit(&text(&source), bytes.as_bytes()));
    }

    #[test]
    fn what_is_sent_has_its_names_filled_in() {
        let mut names = Names::default();
        names.bind("id", b"42");
        let bytes = names.expand(&text(r"NOOP {id}{2*\r\n}"));
        assert_eq!(bytes, Ok(b"NOOP 42\r\n\r\n".to_vec()));
        assert_eq!(names.expand(&text("{other}")), Err("other".into()));
    }

    #[test]
    fn what_was_escaped_fits_and_expands_to_itself() {
        let mut random = Random::new(3);
        for _ in 0..20_000 {
            let bytes = random.bytes(12);
            let text = text(&escape(&bytes));
            let mut names = Names::default();
            assert!(names.fit(&text, &bytes));
            assert_eq!(names.expand(&text), Ok(bytes));
        }
    }
}
