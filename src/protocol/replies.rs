//! Reads what a server says, as its client hears it: bytes become whole
//! replies (RFC 5321 4.2).
//!
//! A reply ends where the protocol says so, at a blank after the code, and not
//! where somebody expects it. What is no reply is told with its bytes: a
//! client gives up then, a recorder writes them down.
//!
//! Interface:
//!   `ReplyReader`  bytes in, replies out
//!   `ServerReply`  one whole reply
//!   `ServerOffer`  the extensions that the reply to EHLO has named
//!   `NoReply`      bytes that are none, and why
//!   `Limits`       how much one server may say
//!
//! Guarantees:
//! - the same bytes give the same replies, however the network cut them;
//! - no more is kept than `Limits` allows, however much comes;
//! - after a `NoReply` reading goes on with the bytes that come next.
//!
//! What a client does with a reply: see `decision.rs` and `sending.rs`.

use super::extension::Extension;
use core::mem;

/// How much one server may say at a time, in bytes, line ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In one line. RFC 5321 4.5.3.1.5 allows a server 512.
    pub line: usize,
    /// In all lines of one reply together.
    pub reply: usize,
}

/// A whole reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerReply {
    /// Its three digits, 200 to 599 or not: a client looks at them itself.
    pub code: u16,
    /// All its lines, each with the code and without the CR LF.
    pub lines: Vec<Vec<u8>>,
}

impl ServerReply {
    /// The words of a line: what follows its code.
    fn words(line: &[u8]) -> &str {
        let text = line.get(4..).unwrap_or_default();
        str::from_utf8(text).unwrap_or_default()
    }

    /// The enhanced code, `5.1.1`, if the reply has one that agrees with its
    /// first digit (RFC 2034 section 4).
    ///
    /// ```abnf
    /// status-code = class "." subject "." detail   ; RFC 3463
    /// ```
    pub fn enhanced(&self) -> Option<&str> {
        let line = self.lines.first()?;
        let word = ServerReply::words(line).split(' ').next()?;
        let (class, rest) = word.split_once('.')?;
        let (subject, detail) = rest.split_once('.')?;
        let is_number = |text: &str| {
            (1..=3).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        let agrees = class == (self.code / 100).to_string();
        (agrees && is_number(subject) && is_number(detail)).then_some(word)
    }

    /// Its first lines, of `most` bytes together; the first one always. A reply
    /// may be kept for each of many recipients.
    pub(super) fn beginning(mut self, most: usize) -> ServerReply {
        let mut size = 0;
        let fits = |line: &&Vec<u8>| {
            size += line.len();
            size <= most
        };
        let count = self.lines.iter().take_while(fits).count().max(1);
        self.lines.truncate(count);
        self
    }
}

/// What a server offers, as its client has read it. The default is nothing:
/// what a client has after HELO.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerOffer {
    extensions: Vec<Extension>,
    max_size: Option<u64>,
}

impl ServerOffer {
    /// Reads the reply to EHLO. The first line is the greeting; a keyword that
    /// we do not know is passed over.
    ///
    /// ```abnf
    /// ehlo-line = ehlo-keyword *( SP ehlo-param )
    /// ```
    pub fn read(reply: &ServerReply) -> ServerOffer {
        let mut offer = ServerOffer::default();
        for line in reply.lines.iter().skip(1) {
            let mut words = ServerReply::words(line).split(' ');
            let keyword = words.next().unwrap_or_default();
            let Some(extension) = Extension::named(keyword) else {
                continue;
            };
            if extension == Extension::Size {
                offer.max_size = words.next().and_then(size_limit);
            }
            offer.extensions.push(extension);
        }
        offer
    }

    /// Whether `extension` is offered.
    pub fn has(&self, extension: Extension) -> bool {
        self.extensions.contains(&extension)
    }

    /// The largest message that the server takes, if it has told one.
    pub fn max_size(&self) -> Option<u64> {
        self.max_size
    }
}

/// Zero, and what is no number, mean that there is no limit (RFC 1870 section 3).
fn size_limit(digits: &str) -> Option<u64> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let limit = is_number.then(|| digits.parse().ok()).flatten();
    limit.filter(|limit| *limit > 0)
}

/// Bytes that are no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoReply {
    /// What is wrong with them.
    pub fault: Fault,
    /// The whole lines of the reply that they broke off, as they came.
    pub before: Vec<Vec<u8>>,
    /// The bytes themselves, with their line end if there was one.
    pub heard: Vec<u8>,
}

/// What is wrong with a line of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is longer than the limit.
    LineTooLong,
    /// It ends in a line feed alone.
    BareLineFeed,
    /// A carriage return is alone in it.
    BareCarriageReturn,
    /// It does not begin with three digits, then a blank, a hyphen or the end.
    NoCode,
    /// Its code is not that of the lines before it (RFC 5321 4.2.1).
    TwoCodes,
    /// With it the reply is longer than the limit.
    Endless,
}

impl Fault {
    /// For people: `a line that ...`.
    pub fn in_words(self) -> &'static str {
        match self {
            Fault::LineTooLong => "a line that is too long",
            Fault::BareLineFeed => "a line that does not end in CR LF",
            Fault::BareCarriageReturn => "a carriage return inside a line",
            Fault::NoCode => "a line that does not begin with a code",
            Fault::TwoCodes => "two codes in one reply",
            Fault::Endless => "a reply without end",
        }
    }
}

/// Holds what came and is no whole reply yet.
#[derive(Debug)]
pub struct ReplyReader {
    limits: Limits,
    unread: Vec<u8>,
    code: u16,
    lines: Vec<Vec<u8>>,
    /// How many bytes these lines have.
    size: usize,
    /// What comes is the rest of a line that was too long.
    is_in_long_line: bool,
}

impl ReplyReader {
    /// A reader that has heard nothing.
    pub fn new(limits: Limits) -> ReplyReader {
        ReplyReader {
            limits,
            unread: Vec::new(),
            code: 0,
            lines: Vec::new(),
            size: 0,
            is_in_long_line: false,
        }
    }

    /// Adds what one read has brought. `next_reply` is called until it gives
    /// `None`, before more is added: so no more than one read is kept.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
    }

    /// The next reply, or `None` if more bytes are needed.
    ///
    /// ```abnf
    /// Reply-line = *( Reply-code "-" [ textstring ] CRLF )
    ///              Reply-code [ SP textstring ] CRLF
    /// ```
    pub fn next_reply(&mut self) -> Option<Result<ServerReply, NoReply>> {
        while let Some(line) = self.next_line() {
            match self.reply_line(&line) {
                Err(fault) => {
                    let before = mem::take(&mut self.lines);
                    let heard = line;
                    return Some(Err(NoReply { fault, before, heard }));
                }
                Ok((code, more)) => {
                    self.code = code;
                    self.lines.push(line);
                    if !more {
                        return Some(Ok(self.whole_reply()));
                    }
                }
            }
        }
        None
    }

    /// Whether something has come that is no whole reply yet, or one that
    /// nobody has taken.
    pub fn has_begun(&self) -> bool {
        !self.unread.is_empty() || !self.lines.is_empty()
    }

    /// What has come and is no whole reply, line by line: for the end of the
    /// connection. Afterwards nothing is left.
    pub fn rest(&mut self) -> Vec<Vec<u8>> {
        let mut rest = mem::take(&mut self.lines);
        rest.push(mem::take(&mut self.unread));
        rest.retain(|bytes| !bytes.is_empty());
        rest
    }

    /// A line with its line end, or the beginning of one that is too long.
    fn next_line(&mut self) -> Option<Vec<u8>> {
        let end = self.unread.iter().position(|byte| *byte == b'\n');
        match end {
            Some(end) => Some(self.unread.drain(..=end).collect()),
            None if self.unread.len() > self.limits.line => {
                Some(mem::take(&mut self.unread))
            }
            None => None,
        }
    }

    /// The code of a line, and whether more lines follow.
    fn reply_line(&mut self, line: &[u8]) -> Result<(u16, bool), Fault> {
        let is_whole = line.ends_with(b"\n");
        let is_rest = mem::replace(&mut self.is_in_long_line, !is_whole);
        if is_rest || !is_whole || line.len() > self.limits.line {
            return Err(Fault::LineTooLong);
        }
        let text = line.strip_suffix(b"\r\n").ok_or(Fault::BareLineFeed)?;
        if text.contains(&b'\r') {
            return Err(Fault::BareCarriageReturn);
        }
        let (code, more) = code_and_mark(text).ok_or(Fault::NoCode)?;
        if !self.lines.is_empty() && code != self.code {
            return Err(Fault::TwoCodes);
        }
        let before = if self.lines.is_empty() { 0 } else { self.size };
        self.size = before + line.len();
        if self.size > self.limits.reply {
            return Err(Fault::Endless);
        }
        Ok((code, more))
    }

    fn whole_reply(&mut self) -> ServerReply {
        let mut lines = mem::take(&mut self.lines);
        for line in &mut lines {
            line.truncate(line.len().saturating_sub(b"\r\n".len()));
        }
        ServerReply { code: self.code, lines }
    }
}

/// The three digits, and whether a hyphen follows them.
fn code_and_mark(text: &[u8]) -> Option<(u16, bool)> {
    let (digits, rest) = text.split_at_checked(3)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = str::from_utf8(digits).ok()?.parse().ok()?;
    match rest {
        [] | [b' ', ..] => Some((code, false)),
        [b'-', ..] => Some((code, true)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { line: 512, reply: 16 * 1024 };

    /// All that comes of these bytes, cut into pieces of `step`.
    fn read(bytes: &[u8], step: usize) -> Vec<Result<ServerReply, NoReply>> {
        let mut reader = ReplyReader::new(LIMITS);
        let mut found = Vec::new();
        for piece in bytes.chunks(step) {
            reader.feed(piece);
            while let Some(next) = reader.next_reply() {
                found.push(next);
            }
        }
        found
    }

    fn faults(bytes: &[u8]) -> Vec<Fault> {
        let found = read(bytes, bytes.len()).into_iter();
        found.filter_map(|next| next.err().map(|no| no.fault)).collect()
    }

    #[test]
    fn a_reply_ends_at_the_blank_after_its_code_rfc_5321_4_2_1() {
        let bytes = b"250-a\r\n250-\r\n250 c\r\n221\r\n250 \xff\r\n25";
        for step in 1..=bytes.len() {
            let found = read(bytes, step).into_iter().map(Result::unwrap);
            let found: Vec<_> = found.map(|r| (r.code, r.lines)).collect();
            assert_eq!(
                found,
                [
                    (
                        250,
                        vec![
                            b"250-a".to_vec(),
                            b"250-".to_vec(),
                            b"250 c".to_vec()
                        ]
                    ),
                    (221, vec![b"221".to_vec()]),
                    (250, vec![b"250 \xff".to_vec()]),
                ]
            );
        }
    }

    #[test]
    fn what_is_no_reply_is_told_with_its_fault_rfc_5321_4_2() {
        let long = [b"250 ".as_slice(), &[b'x'; 507], b"\r\n"].concat();
        for (bytes, fault) in [
            (b"250 OK\n".as_slice(), Fault::BareLineFeed),
            (b"250 a\rb\r\n", Fault::BareCarriageReturn),
            (b"OK\r\n", Fault::NoCode),
            (b"25\r\n", Fault::NoCode),
            (b"+25 x\r\n", Fault::NoCode),
            (b"250ok\r\n", Fault::NoCode),
            (b"250_OK\r\n", Fault::NoCode),
            (b"\r\n", Fault::NoCode),
            (b"250-a\r\n251 b\r\n", Fault::TwoCodes),
            (&long, Fault::LineTooLong),
        ] {
            assert_eq!(faults(bytes), [fault], "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_line_of_512_bytes_is_allowed_rfc_5321_4_5_3_1_5() {
        let line = [b"250 ".as_slice(), &[b'x'; 506], b"\r\n"].concat();
        assert_eq!(line.len(), 512);
        assert_eq!(faults(&line), []);
    }

    #[test]
    fn reading_goes_on_after_what_is_no_reply() {
        let bytes = b"250-a\r\n250-b\r\nwhat\r\n250 c\r\n";
        let found = read(bytes, bytes.len());
        let Err(no) = &found[0] else { panic!("{found:?}") };
        assert_eq!(no.before, [b"250-a\r\n", b"250-b\r\n"]);
        assert_eq!(no.heard, b"what\r\n");
        assert_eq!(found[1].as_ref().unwrap().lines, [b"250 c"]);
    }

    #[test]
    fn the_end_of_a_line_too_long_is_no_reply_either() {
        let bytes = [&[b'x'; 600], b"250 x\r\n".as_slice()].concat();
        for step in [1, 7, 600, 700] {
            let found = read(&bytes, step);
            assert!(found.iter().all(Result::is_err), "{step}: {found:?}");
        }
    }

    #[test]
    fn neither_a_line_nor_a_reply_without_end_is_kept() {
        let mut reader = ReplyReader::new(LIMITS);
        let mut faults = Vec::new();
        for piece in [[b'2'; 100].as_slice(), b"250-and so on\r\n"] {
            for _ in 0..5_000 {
                reader.feed(piece);
                while let Some(next) = reader.next_reply() {
                    faults.push(next.unwrap_err().fault);
                }
                assert!(reader.unread.len() <= LIMITS.line);
                let kept: usize = reader.lines.iter().map(Vec::len).sum();
                assert!(kept <= LIMITS.reply);
            }
        }
        assert!(faults.contains(&Fault::LineTooLong));
        assert!(faults.contains(&Fault::Endless));
    }

    fn reply(bytes: &[u8]) -> ServerReply {
        read(bytes, bytes.len()).remove(0).unwrap()
    }

    #[test]
    fn an_enhanced_code_must_agree_with_the_code_rfc_2034_4() {
        for (bytes, want) in [
            (&b"550 5.1.1 No such mailbox\r\n"[..], Some("5.1.1")),
            (b"452-4.5.3\r\n452 4.5.3 more\r\n", Some("4.5.3")),
            (b"550 5.7.509\r\n", Some("5.7.509")),
            (b"550 4.1.1 x\r\n", None),
            (b"550 5.1 x\r\n", None),
            (b"550 5.1.1.1 x\r\n", None),
            (b"550 5.1.1234 x\r\n", None),
            (b"550 5..1 x\r\n", None),
            (b"550 5.1.x\r\n", None),
            (b"550 No\r\n", None),
            (b"550\r\n", None),
            (b"550 \xff\r\n", None),
        ] {
            let reply = reply(bytes);
            assert_eq!(reply.enhanced(), want, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn an_offer_is_read_line_by_line_in_any_case_rfc_5321_4_1_1_1() {
        let offer = ServerOffer::read(&reply(
            b"250-SMTPUTF8 is the name of this host\r\n250-pipelining\r\n\
              250-8bitmime\r\n250-\r\n250-\xff\r\n250-X-NEW 1\r\n\
              250-HELPING\r\n250 AUTH=LOGIN\r\n",
        ));
        let found = Extension::ALL.into_iter().filter(|e| offer.has(*e));
        let want = [Extension::Pipelining, Extension::EightBitMime];
        assert_eq!(found.collect::<Vec<_>>(), want);
    }

    #[test]
    fn a_size_of_zero_or_none_is_no_limit_rfc_1870_3() {
        for (line, want) in [
            ("SIZE 10", Some(10)),
            ("size 0000010 and more", Some(10)),
            ("SIZE 0", None),
            ("SIZE", None),
            ("SIZE ", None),
            ("SIZE +10", None),
            ("SIZE 10k", None),
            ("SIZE 18446744073709551615", Some(u64::MAX)),
            ("SIZE 99999999999999999999", None),
        ] {
            let bytes = format!("250-host\r\n250 {line}\r\n");
            let offer = ServerOffer::read(&reply(bytes.as_bytes()));
            assert_eq!(offer.max_size(), want, "{line}");
            assert!(offer.has(Extension::Size), "{line}");
        }
    }

    #[test]
    fn what_was_begun_when_the_connection_ends_is_given_back() {
        let mut reader = ReplyReader::new(LIMITS);
        reader.feed(b"250-a\r\n25");
        assert_eq!(reader.next_reply(), None);
        assert_eq!(reader.rest(), [b"250-a\r\n".to_vec(), b"25".to_vec()]);
        assert_eq!(reader.rest(), Vec::<Vec<u8>>::new());
    }
}
