//! The words of a transcript's line: escapes, holes and repeats.
//!
//! What can be seen stands for itself. The rest is written with a backslash
//! (`\r \n \t \0 \\ \{ \xHH`); a hole stands for bytes that nobody can know
//! beforehand (`{name}`, `{...}`); a repeat keeps long lines short (`{506*x}`).
//!
//! Interface:
//!   `Text::parse`  from the file to parts
//!   `escape`       from the wire to the file
//!   `escape_inner` the same for the beginning of a line
//!
//! Guarantee: `Text::parse(&escape(bytes))` is those bytes again, whatever they
//! are. Everything that came from the wire is printed through `escape`, so a
//! terminal never gets a control character from a stranger.
//!
//! Which bytes fit a text: see `matching.rs`.

/// The most bytes that the repeats and words of one file may grow to: 64 MiB.
pub const LARGEST_FILE: usize = 64 * 1024 * 1024;

/// The most holes in one line. More would make matching slow, and unreadable.
pub const MOST_HOLES: usize = 20;

/// The words of one line, in parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    /// In the order of the line.
    pub parts: Vec<Part>,
}

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// These bytes.
    Bytes(Vec<u8>),
    /// `{name}`: one or more bytes without a blank; the same ones each time.
    Name(String),
    /// `{...}`: any bytes, also none.
    Anything,
    /// `{506*x}`: kept short, because it may be long.
    Repeat {
        /// How many times.
        times: usize,
        /// What is repeated; never empty.
        bytes: Vec<u8>,
    },
}

impl Part {
    /// Whether the bytes of this part are unknown before the run.
    pub fn is_hole(&self) -> bool {
        match self {
            Part::Name(_) | Part::Anything => true,
            Part::Bytes(_) | Part::Repeat { .. } => false,
        }
    }

    /// How many bytes this part stands for; a hole counts as nothing.
    fn size(&self) -> usize {
        match self {
            Part::Bytes(bytes) => bytes.len(),
            Part::Repeat { times, bytes } => times.saturating_mul(bytes.len()),
            Part::Name(_) | Part::Anything => 0,
        }
    }
}

impl Text {
    /// Reads the words of a line.
    ///
    /// ```abnf
    /// text = *( char / escape / hole / repeat )      ; never ends in a blank
    /// ```
    pub fn parse(source: &str) -> Result<Text, String> {
        if source.ends_with(' ') {
            return Err("a text ends in no blank (write \\x20)".into());
        }
        let mut text = Text::default();
        let mut rest = source;
        while !rest.is_empty() {
            let (part, after) = part(rest)?;
            text.parts.push(part);
            rest = after;
        }
        let holes = text.parts.iter().filter(|part| part.is_hole()).count();
        if holes > MOST_HOLES {
            return Err(format!(
                "expected at most {MOST_HOLES} holes in a line"
            ));
        }
        Ok(text)
    }

    /// How many bytes the text stands for, without its holes.
    pub fn size(&self) -> usize {
        let sizes = self.parts.iter().map(Part::size);
        sizes.fold(0, usize::saturating_add)
    }

    /// The names of the text's holes, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Name(name) => Some(name.as_str()),
            Part::Bytes(_) | Part::Anything | Part::Repeat { .. } => None,
        })
    }

    /// Whether the text has a `{...}`. It can be read but never sent.
    pub fn has_anything(&self) -> bool {
        self.parts.contains(&Part::Anything)
    }
}

/// The first part of a text that is not empty, and what comes after it.
fn part(source: &str) -> Result<(Part, &str), String> {
    if let Some(inside) = source.strip_prefix('{') {
        return hole_or_repeat(inside);
    }
    let (bytes, rest) = literal(source, '{')?;
    Ok((Part::Bytes(bytes), rest))
}

/// What comes after an opening brace.
///
/// ```abnf
/// hole   = "{...}" / "{" 1*( %x61-7A / DIGIT / "-" ) "}"
/// repeat = "{" 1*DIGIT "*" 1*( char / escape ) "}"
/// ```
fn hole_or_repeat(inside: &str) -> Result<(Part, &str), String> {
    if let Some((times, rest)) = inside.split_once('*')
        && is_all(times, |c| c.is_ascii_digit())
    {
        return repeat(times, rest);
    }
    let wanted = "expected {name}, {...} or {506*x} (write \\{ for a brace)";
    let (name, rest) = inside.split_once('}').ok_or(wanted)?;
    let is_name =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match name {
        "..." => Ok((Part::Anything, rest)),
        name if is_all(name, is_name) => Ok((Part::Name(name.into()), rest)),
        _ => Err(wanted.into()),
    }
}

/// A repeat, from after its star.
fn repeat<'a>(times: &str, source: &'a str) -> Result<(Part, &'a str), String> {
    let (bytes, rest) = literal(source, '}')?;
    let rest = rest.strip_prefix('}').ok_or("expected } after a repeat")?;
    if bytes.is_empty() {
        return Err("expected something to repeat after *".into());
    }
    let part =
        Part::Repeat { times: times.parse().unwrap_or(usize::MAX), bytes };
    if part.size() > LARGEST_FILE {
        return Err("expected at most 64 MiB from a repeat".into());
    }
    Ok((part, rest))
}

/// Characters and escapes up to `stop`, or to the end.
///
/// A brace opens a hole and nothing else, so one inside a repeat is refused.
fn literal(source: &str, stop: char) -> Result<(Vec<u8>, &str), String> {
    let mut bytes = Vec::new();
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        if c == stop {
            break;
        }
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        rest = match c {
            '\\' => escaped(after, &mut bytes)?,
            '{' => return Err("expected \\{ inside a repeat".into()),
            c if c.is_control() => return Err(no_control(c)),
            _ => {
                bytes.extend(c.to_string().bytes());
                after
            }
        };
    }
    Ok((bytes, rest))
}

/// One escape, without its backslash. Gives back what follows it.
///
/// ```abnf
/// escape = "\" ( "r" / "n" / "t" / "0" / "\" / "{" / "x" 2HEXDIG )
/// ```
fn escaped<'a>(
    source: &'a str,
    bytes: &mut Vec<u8>,
) -> Result<&'a str, String> {
    let byte = match source.as_bytes().first() {
        Some(b'r') => b'\r',
        Some(b'n') => b'\n',
        Some(b't') => b'\t',
        Some(b'0') => b'\0',
        Some(b'\\') => b'\\',
        Some(b'{') => b'{',
        Some(b'x') => return hex(source, bytes),
        _ => return Err("expected \\r \\n \\t \\0 \\\\ \\{ or \\xHH".into()),
    };
    bytes.push(byte);
    Ok(source.get(1..).unwrap_or_default())
}

/// `xHH`. The digits are checked first: `from_str_radix` also takes a sign.
fn hex<'a>(source: &'a str, bytes: &mut Vec<u8>) -> Result<&'a str, String> {
    let digits = source.get(1..3).unwrap_or_default();
    let byte = u8::from_str_radix(digits, 16);
    match byte {
        Ok(byte) if is_all(digits, |c| c.is_ascii_hexdigit()) => {
            bytes.push(byte);
            Ok(source.get(3..).unwrap_or_default())
        }
        _ => Err("expected two hexadecimal digits after \\x".into()),
    }
}

/// The sentence for a control character in the file itself.
pub(crate) fn no_control(c: char) -> String {
    let mut bytes = [0; 4];
    let bytes = c.encode_utf8(&mut bytes).as_bytes();
    format!("a control character is written as {}", escape(bytes))
}

/// Whether there is at least one character, and all are of this kind.
pub(crate) fn is_all(text: &str, kind: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(kind)
}

/// Writes any bytes as the words of a line, in plain ASCII.
///
/// A blank at the end is written as `\x20`, since editors remove it. Three
/// dots and nothing else are written as `\x2e..`: after `M:` they would mean
/// "any lines".
pub fn escape(bytes: &[u8]) -> String {
    if bytes == b"..." {
        return "\\x2e..".into();
    }
    let mut text: String =
        bytes.iter().map(|byte| escape_byte(*byte)).collect();
    if text.ends_with(' ') {
        text.pop();
        text.push_str("\\x20");
    }
    text
}

/// The same for words that others follow: a blank at their end is not at the
/// end of the line.
pub(crate) fn escape_inner(bytes: &[u8]) -> String {
    let mut text = escape(&[bytes, b"x"].concat());
    text.pop();
    text
}

/// One byte, so that it can be seen.
fn escape_byte(byte: u8) -> String {
    match byte {
        b'\r' => "\\r".into(),
        b'\n' => "\\n".into(),
        b'\t' => "\\t".into(),
        b'\0' => "\\0".into(),
        b'\\' => "\\\\".into(),
        b'{' => "\\{".into(),
        b' '..=b'~' => char::from(byte).into(),
        _ => format!("\\x{byte:02x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Random;
    use super::*;

    fn bytes(text: &str) -> Part {
        Part::Bytes(text.as_bytes().to_vec())
    }

    #[test]
    fn a_line_is_read_in_parts() {
        let text = Text::parse(r"a\\b\{\x41 {host} é{...}{3*\r\n}").unwrap();
        let crlf = Part::Repeat { times: 3, bytes: b"\r\n".to_vec() };
        let host = Part::Name("host".into());
        let wanted =
            [bytes(r"a\b{A "), host, bytes(" é"), Part::Anything, crlf];
        assert_eq!(text.parts, wanted);
        assert_eq!(text.size(), 6 + 3 + 6);
    }

    #[test]
    fn what_is_not_in_the_grammar_is_refused() {
        let refused = [
            "blank at the end ",
            "tab\there",
            "next line \u{85}",
            r"\q",
            r"\",
            r"\x4",
            r"\x+4",
            r"\xé",
            "{Host}",
            "{}",
            "{open",
            "{3*}",
            "{3*x",
            "{3*{x}}",
            "{67108865*x}",
            "{99999999999999999999999*x}",
        ];
        for source in refused {
            assert!(Text::parse(source).is_err(), "{source}");
        }
        assert!(Text::parse(&"{a}".repeat(MOST_HOLES)).is_ok());
        assert!(Text::parse(&"{a}".repeat(MOST_HOLES + 1)).is_err());
    }

    #[test]
    fn what_was_escaped_is_read_back_as_it_was() {
        let mut random = Random::new(1);
        for _ in 0..20_000 {
            let wanted = random.bytes(12);
            let escaped = escape(&wanted);
            assert!(escaped.bytes().all(|b| (32..127).contains(&b)));
            let parts = Text::parse(&escaped).unwrap().parts;
            match parts.as_slice() {
                [] => assert!(wanted.is_empty()),
                parts => assert_eq!(parts, [Part::Bytes(wanted)]),
            }
        }
    }

    #[test]
    fn what_could_mean_something_else_is_escaped() {
        assert_eq!(escape(b"..."), r"\x2e..");
        assert_eq!(escape(b"ends in a blank "), r"ends in a blank\x20");
        assert_eq!(escape(b"\0{\x1b[2J\xff"), r"\0\{\x1b[2J\xff");
    }
}
