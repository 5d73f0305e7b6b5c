//! Addresses: the full grammar of RFC 5321 4.1.2 and 4.1.3.
//!
//! The RFC's own grammar line (ABNF) is above the function that reads it.
//! Each function takes the text from where its rule begins, and gives what it
//! read and the rest after it.
//!
//! Interface:
//!   `ReversePath`, `ForwardPath`  the arguments of MAIL and RCPT
//!   `Mailbox`, `Host`             their parts
//!
//! Guarantee: what has been read here holds no control character, and no
//! part is longer than RFC 5321 4.5.3.1 allows. Letters beyond ASCII are
//! read as RFC 6531 3.3 has them; whether they are welcome is for the session
//! to say. Whether a mailbox exists is for the directory to say.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Limits in bytes (RFC 5321 4.5.3.1.1 to .3; a label: RFC 1035 2.3.4).
const LOCAL_PART_LIMIT: usize = 64;
const DOMAIN_LIMIT: usize = 255;
const LABEL_LIMIT: usize = 63;
const PATH_LIMIT: usize = 256;

/// Why a path was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathError {
    /// It does not fit the grammar.
    Syntax,
    /// It does, but is longer than RFC 5321 4.5.3.1 allows.
    TooLong,
}

use PathError::{Syntax, TooLong};

/// What was read, and the text after it.
type Read<'a, T> = Result<(T, &'a str), PathError>;

// ANCHOR: paths
/// Where a bounce goes: the argument of MAIL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReversePath {
    /// `<>`: this mail is itself a bounce, and must not cause another.
    Null,
    /// The sender's mailbox.
    Mailbox(Mailbox),
}

/// Where the mail goes: the argument of RCPT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForwardPath {
    /// `<postmaster>` without a domain: the one who runs this server.
    Postmaster,
    /// The recipient's mailbox.
    Mailbox(Mailbox),
}
// ANCHOR_END: paths

/// A mailbox: `local-part@host`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The local part without its quotes: `"b\ob"` and `bob` are the same.
    pub local_part: String,
    /// What is after the `@`.
    pub host: Host,
}

/// Where a mailbox lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A domain name as it was written, in any case.
    Domain(String),
    /// `[192.0.2.1]` or `[IPv6:2001:db8::1]`.
    Address(IpAddr),
    /// `[tag:content]`: for address families yet to come.
    General(String),
}

/// Reads the path at the beginning of `text`.
///
/// ```abnf
/// Reverse-path = Path / "<>"
/// ```
pub fn reverse_path(text: &str) -> Read<'_, ReversePath> {
    if let Some(rest) = text.strip_prefix("<>") {
        return Ok((ReversePath::Null, rest));
    }
    let (mailbox, rest) = path(text)?;
    Ok((ReversePath::Mailbox(mailbox), rest))
}

/// Reads the path at the beginning of `text`.
///
/// ```abnf
/// "<Postmaster>" / Forward-path
/// Forward-path = Path
/// ```
pub fn forward_path(text: &str) -> Read<'_, ForwardPath> {
    const POSTMASTER: &str = "<postmaster>";
    if let Some((word, rest)) = text.split_at_checked(POSTMASTER.len())
        && word.eq_ignore_ascii_case(POSTMASTER)
    {
        return Ok((ForwardPath::Postmaster, rest));
    }
    let (mailbox, rest) = path(text)?;
    Ok((ForwardPath::Mailbox(mailbox), rest))
}

/// Reads a whole text as a mailbox: for options, not for the wire.
pub fn mailbox(text: &str) -> Result<Mailbox, PathError> {
    match path(&format!("<{text}>"))? {
        (mailbox, "") => Ok(mailbox),
        _ => Err(Syntax),
    }
}

/// Reads a whole text as a domain or an address literal.
pub fn whole_host(text: &str) -> Result<Host, PathError> {
    match host(text)? {
        (host, "") => Ok(host),
        _ => Err(Syntax),
    }
}

// ANCHOR: path
/// ```abnf
/// Path    = "<" [ A-d-l ":" ] Mailbox ">"
/// Mailbox = Local-part "@" ( Domain / address-literal )
/// ```
fn path(text: &str) -> Read<'_, Mailbox> {
    let rest = text.strip_prefix('<').ok_or(Syntax)?;
    let rest = skip_source_route(rest)?;
    let (local_part, rest) = local_part(rest)?;
    let rest = rest.strip_prefix('@').ok_or(Syntax)?;
    let (host, rest) = host(rest)?;
    let rest = rest.strip_prefix('>').ok_or(Syntax)?;
    if text.len() - rest.len() > PATH_LIMIT {
        return Err(TooLong);
    }
    Ok((Mailbox { local_part, host }, rest))
}
// ANCHOR_END: path

/// A source route says which way the mail is to take. It is accepted and
/// ignored (RFC 5321 4.1.1.3 and appendix C).
///
/// ```abnf
/// A-d-l     = At-domain *( "," At-domain )
/// At-domain = "@" Domain
/// ```
fn skip_source_route(text: &str) -> Result<&str, PathError> {
    if !text.starts_with('@') {
        return Ok(text);
    }
    let mut rest = text;
    loop {
        let name = rest.strip_prefix('@').ok_or(Syntax)?;
        (_, rest) = domain(name)?;
        if let Some(mailbox) = rest.strip_prefix(':') {
            return Ok(mailbox);
        }
        rest = rest.strip_prefix(',').ok_or(Syntax)?;
    }
}

/// ```abnf
/// Local-part = Dot-string / Quoted-string
/// ```
fn local_part(text: &str) -> Read<'_, String> {
    let (local_part, rest) = match text.strip_prefix('"') {
        Some(quoted) => quoted_string(quoted)?,
        None => dot_string(text)?,
    };
    if text.len() - rest.len() > LOCAL_PART_LIMIT {
        return Err(TooLong);
    }
    Ok((local_part, rest))
}

/// ```abnf
/// Dot-string = Atom *("." Atom)
/// Atom       = 1*atext
/// ```
fn dot_string(text: &str) -> Read<'_, String> {
    let (word, rest) = split_where(text, |c| !is_atext(c) && c != '.');
    if is_dot_string(word) { Ok((word.to_owned(), rest)) } else { Err(Syntax) }
}

fn is_dot_string(text: &str) -> bool {
    let is_atom = |atom: &str| !atom.is_empty() && atom.chars().all(is_atext);
    text.split('.').all(is_atom)
}

// ANCHOR: quoted_string
/// Reads what is after the opening quote, and drops the quoting.
///
/// ```abnf
/// Quoted-string   = DQUOTE *QcontentSMTP DQUOTE
/// QcontentSMTP    = qtextSMTP / quoted-pairSMTP
/// quoted-pairSMTP = %d92 %d32-126
/// qtextSMTP       = %d32-33 / %d35-91 / %d93-126
/// ```
fn quoted_string(text: &str) -> Read<'_, String> {
    let mut content = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next().ok_or(Syntax)? {
            '"' => return Ok((content, characters.as_str())),
            '\\' => match characters.next().ok_or(Syntax)? {
                character @ ' '..='~' => content.push(character),
                _ => return Err(Syntax),
            },
            character if character.is_control() => return Err(Syntax),
            character => content.push(character),
        }
    }
}
// ANCHOR_END: quoted_string

/// `( Domain / address-literal )`
fn host(text: &str) -> Read<'_, Host> {
    match text.strip_prefix('[') {
        Some(literal) => address_literal(literal),
        None => {
            let (name, rest) = domain(text)?;
            Ok((Host::Domain(name.to_owned()), rest))
        }
    }
}

/// ```abnf
/// Domain     = sub-domain *("." sub-domain)
/// sub-domain = Let-dig [Ldh-str]
/// Let-dig    = ALPHA / DIGIT
/// Ldh-str    = *( ALPHA / DIGIT / "-" ) Let-dig
/// ```
fn domain(text: &str) -> Read<'_, &str> {
    let is_part = |c: char| is_let_dig(c) || c == '-' || c == '.';
    let (name, rest) = split_where(text, |c| !is_part(c));
    let is_sub_domain = |label: &str| {
        label.starts_with(is_let_dig) && label.ends_with(is_let_dig)
    };
    if !name.split('.').all(is_sub_domain) {
        return Err(Syntax);
    }
    let has_long_label = name.split('.').any(|l| l.len() > LABEL_LIMIT);
    if has_long_label || name.len() > DOMAIN_LIMIT {
        Err(TooLong)
    } else {
        Ok((name, rest))
    }
}

/// Reads what is after the opening bracket.
///
/// ```abnf
/// address-literal = "[" ( IPv4-address-literal / IPv6-address-literal /
///                   General-address-literal ) "]"
/// IPv6-address-literal    = "IPv6:" IPv6-addr
/// General-address-literal = Standardized-tag ":" 1*dcontent
/// ```
fn address_literal(text: &str) -> Read<'_, Host> {
    let (content, rest) = text.split_once(']').ok_or(Syntax)?;
    let Some((tag, address)) = content.split_once(':') else {
        let address = ipv4(content).ok_or(Syntax)?;
        return Ok((Host::Address(address.into()), rest));
    };
    if tag.eq_ignore_ascii_case("IPv6") {
        let address = ipv6(address).ok_or(Syntax)?;
        return Ok((Host::Address(address.into()), rest));
    }
    let is_dcontent = |c: char| matches!(c, '!'..='Z' | '^'..='~');
    let is_tag = is_ldh_str(tag);
    if !is_tag || address.is_empty() || !address.chars().all(is_dcontent) {
        return Err(Syntax);
    }
    Ok((Host::General(content.to_owned()), rest))
}

/// ```abnf
/// Snum = 1*3DIGIT   ; 0 to 255
/// ```
///
/// Leading zeros are allowed here, which the standard library refuses.
fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut numbers = Vec::with_capacity(4);
    for number in text.split('.') {
        let is_snum = (1..=3).contains(&number.len())
            && number.bytes().all(|byte| byte.is_ascii_digit());
        numbers.push(is_snum.then(|| number.parse::<u8>().ok())??);
    }
    let octets: [u8; 4] = numbers.try_into().ok()?;
    Some(octets.into())
}

/// An IPv6 address. `::` means two groups or more (RFC 5321 4.1.3), where
/// the standard library also takes it for one.
fn ipv6(text: &str) -> Option<Ipv6Addr> {
    let address: Ipv6Addr = text.parse().ok()?;
    let groups = text.split(':').filter(|group| !group.is_empty()).count();
    let with_ipv4 = usize::from(text.contains('.'));
    if text.contains("::") && groups + with_ipv4 > 6 {
        None
    } else {
        Some(address)
    }
}

fn is_ldh_str(text: &str) -> bool {
    let is_ldh = |c: char| c.is_ascii_alphanumeric() || c == '-';
    text.chars().all(is_ldh)
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

/// Letters and digits; with RFC 6531 3.3, whatever is beyond ASCII too.
fn is_let_dig(character: char) -> bool {
    character.is_ascii_alphanumeric() || is_beyond_ascii(character)
}

/// The characters of an atom (RFC 5322 3.2.3; beyond ASCII: RFC 6531 3.3).
fn is_atext(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || "!#$%&'*+-/=?^_`{|}~".contains(character)
        || is_beyond_ascii(character)
}

fn is_beyond_ascii(character: char) -> bool {
    !character.is_ascii() && !character.is_control()
}

/// Splits before the first character that `ends` the word.
fn split_where(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

impl Mailbox {
    /// Whether both sides of the `@` are plain ASCII.
    pub fn is_ascii(&self) -> bool {
        let host_is_ascii = match &self.host {
            Host::Domain(name) | Host::General(name) => name.is_ascii(),
            Host::Address(_) => true,
        };
        self.local_part.is_ascii() && host_is_ascii
    }
}

impl ReversePath {
    /// Whether the address, if there is one, is plain ASCII.
    pub fn is_ascii(&self) -> bool {
        match self {
            ReversePath::Null => true,
            ReversePath::Mailbox(mailbox) => mailbox.is_ascii(),
        }
    }
}

impl ForwardPath {
    /// Whether the address is plain ASCII.
    pub fn is_ascii(&self) -> bool {
        match self {
            ForwardPath::Postmaster => true,
            ForwardPath::Mailbox(mailbox) => mailbox.is_ascii(),
        }
    }
}

impl Host {
    /// One spelling for all that mean the same: the letters of ASCII in lower
    /// case (RFC 5321 2.4). Other letters stay: some that look different are
    /// the same in lower case, such as the sign of the kelvin and a k.
    pub fn canonical(&self) -> String {
        self.to_string().to_ascii_lowercase()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Domain(name) => f.write_str(name),
            Host::Address(IpAddr::V4(address)) => write!(f, "[{address}]"),
            Host::Address(IpAddr::V6(address)) => {
                write!(f, "[IPv6:{address}]")
            }
            Host::General(content) => write!(f, "[{content}]"),
        }
    }
}

/// Writes the local part with as few quotes as possible (RFC 5321 4.1.2).
impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_dot_string(&self.local_part) {
            return write!(f, "{}@{}", self.local_part, self.host);
        }
        let escaped = self.local_part.replace('\\', "\\\\");
        let escaped = escaped.replace('"', "\\\"");
        write!(f, "\"{escaped}\"@{}", self.host)
    }
}

impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReversePath::Null => f.write_str("<>"),
            ReversePath::Mailbox(mailbox) => write!(f, "<{mailbox}>"),
        }
    }
}

impl fmt::Display for ForwardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ForwardPath::Postmaster => f.write_str("<postmaster>"),
            ForwardPath::Mailbox(mailbox) => write!(f, "<{mailbox}>"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_paths_are_read_and_written_with_the_fewest_quotes() {
        for (text, want) in [
            ("<a@b>", "<a@b>"),
            ("<Bob.Smith+tag@Example.ORG>", "<Bob.Smith+tag@Example.ORG>"),
            ("<!#$%&'*+-/=?^_`{|}~@b>", "<!#$%&'*+-/=?^_`{|}~@b>"),
            ("<\"bob\"@b>", "<bob@b>"),
            ("<\"b\\ob\"@b>", "<bob@b>"),
            ("<\"a b\"@b>", "<\"a b\"@b>"),
            ("<\"a\\\"b\\\\c\"@b>", "<\"a\\\"b\\\\c\"@b>"),
            ("<\"bob@evil\"@b>", "<\"bob@evil\"@b>"),
            ("<\"\"@b>", "<\"\"@b>"),
            ("<\".a\"@b>", "<\".a\"@b>"),
            ("<@x.y,@z:a@b>", "<a@b>"),
            ("<@x:a@b>", "<a@b>"),
            ("<a@1.2>", "<a@1.2>"),
            ("<a@b-c.d>", "<a@b-c.d>"),
            ("<a@[127.0.0.1]>", "<a@[127.0.0.1]>"),
            ("<a@[127.000.00.1]>", "<a@[127.0.0.1]>"),
            ("<a@[IPv6:::1]>", "<a@[IPv6:::1]>"),
            ("<a@[ipv6:1:2:3:4:5:6::]>", "<a@[IPv6:1:2:3:4:5:6::]>"),
            ("<a@[IPv6:::ffff:192.0.2.1]>", "<a@[IPv6:::ffff:192.0.2.1]>"),
            ("<a@[new-tag:x!y]>", "<a@[new-tag:x!y]>"),
            ("<käthe@bücher.example>", "<käthe@bücher.example>"),
        ] {
            let (path, rest) = forward_path(text).expect(text);
            assert_eq!((path.to_string().as_str(), rest), (want, ""));
            let again = forward_path(want).expect(want);
            assert_eq!(again, (path, ""), "{text} is not stable");
        }
    }

    #[test]
    fn wrong_paths_are_refused_rfc_5321_4_1_2() {
        for text in [
            "",
            "<",
            ">",
            "a@b",
            "<a@b",
            "<<a@b>>",
            "< a@b>",
            "<a@b >",
            "<a @b>",
            "<a>",
            "<@b>",
            "<a@>",
            "<a@b@c>",
            "<a..b@c>",
            "<.a@b>",
            "<a.@b>",
            "<a@b..c>",
            "<a@.b>",
            "<a@b.>",
            "<a@-b>",
            "<a@b->",
            "<a@b_c>",
            "<a,b@c>",
            "<a;b@c>",
            "<\"a@b>",
            "<\"a\"b@c>",
            "<a\"b\"@c>",
            "<\"a\\\"@b>",
            "<\"a\r\"@b>",
            "<a\0@b>",
            "<a@b\x7f>",
            "<@x a@b>",
            "<@x,:a@b>",
            "<@x,y:a@b>",
            "<x:a@b>",
            "<@:a@b>",
            "<a@[]>",
            "<a@[1.2.3]>",
            "<a@[1.2.3.256]>",
            "<a@[1.2.3.4.5]>",
            "<a@[1.2.3.0004]>",
            "<a@[+1.2.3.4]>",
            "<a@127.0.0.1]>",
            "<a@[127.0.0.1>",
            "<a@[::1]>",
            "<a@[IPv6:]>",
            "<a@[IPv6:1]>",
            "<a@[IPv6:1:2:3:4:5:6:7::]>",
            "<a@[IPv6:::1%eth0]>",
            "<a@[-tag:x]>x",
            "<a@[tag-:x]>",
            "<a@[tag:]>",
            "<a@[tag:a[b]>",
            "<(comment)a@b>",
            "<postmaster",
            "<postmaster@>",
        ] {
            let found = forward_path(text);
            let left_over = matches!(found, Ok((_, rest)) if !rest.is_empty());
            assert!(left_over || found == Err(Syntax), "{text}: {found:?}");
        }
    }

    #[test]
    fn each_length_limit_holds_to_the_byte_rfc_5321_4_5_3_1() {
        let local = |n: usize| format!("<{}@b>", "a".repeat(n));
        let quoted = |n: usize| format!("<\"{}\"@b>", "a".repeat(n - 2));
        let label = |n: usize| format!("<a@{}.b>", "a".repeat(n));
        // 4 labels of 63 and their dots are 255 bytes; a path has 256.
        let name = |n: usize| {
            let long = format!("{}.", "a".repeat(63)).repeat(4);
            format!("<@{}:a@b>", &long[..n])
        };
        let whole = |n: usize| {
            let host = format!("{}.", "b".repeat(61)).repeat(4);
            let local = "a".repeat(n - 3 - (host.len() - 1));
            format!("<{local}@{}>", &host[..host.len() - 1])
        };
        let cases: [(&dyn Fn(usize) -> String, usize); 4] =
            [(&local, 64), (&quoted, 64), (&label, 63), (&whole, 256)];
        for (make, limit) in cases {
            assert!(reverse_path(&make(limit)).is_ok(), "{}", make(limit));
            let over = make(limit + 1);
            assert_eq!(reverse_path(&over), Err(TooLong), "{over}");
        }
        assert_eq!(reverse_path(&name(255)), Err(TooLong));
    }

    #[test]
    fn null_path_and_postmaster_have_no_domain() {
        assert_eq!(reverse_path("<> x"), Ok((ReversePath::Null, " x")));
        for text in ["<postmaster>", "<POSTMASTER>", "<PostMaster>"] {
            assert_eq!(forward_path(text), Ok((ForwardPath::Postmaster, "")));
        }
        assert_eq!(forward_path("<>"), Err(Syntax));
        assert_eq!(reverse_path("<postmaster>"), Err(Syntax));
    }

    #[test]
    fn what_is_behind_the_path_is_left_for_the_caller() {
        for rest in ["", " SIZE=1", "x", ">"] {
            let text = format!("<a@b>{rest}");
            assert_eq!(reverse_path(&text).map(|read| read.1), Ok(rest));
        }
    }

    #[test]
    fn no_byte_makes_it_panic_and_no_control_character_gets_through() {
        for byte in 0..=255u8 {
            for text in ["<a?b@c>", "<a@b?c>", "<\"a?\"@c>", "<a@[1?]>"] {
                let text = text.replace('?', &char::from(byte).to_string());
                if let Ok((path, _)) = forward_path(&text) {
                    let written = path.to_string();
                    assert!(!written.contains(char::is_control), "{text:?}");
                }
            }
        }
    }
}
