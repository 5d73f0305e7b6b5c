//! The commands of RFC 5321 4.1.1, one parser each.
//!
//! A line that cannot be read is a command as well: an unreadable one, with the
//! reply that says why. Syntax comes before order: such a line is answered the
//! same in every state, and what is read here may still be refused by the
//! session (503).
//!
//! Interface:
//!   `Command`        what a line asks for
//!   `Command::read`  one line in, a command out
//!   `Parameter`      what may follow the path of MAIL and RCPT
//!   `syntax_of`      the lines of HELP
//!
//! Not here: what a path looks like (`address.rs`), which parameters are
//! offered (`extension.rs`), what comes after what (`session.rs`).

use super::address::{self, ForwardPath, PathError, ReversePath};
use super::line::{CommandLine, without_trailing_blanks};
use super::reply::{self, Reply};

/// One command, read and understood. In the order of RFC 5321 4.1.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `EHLO name`: hello from a client that knows extensions.
    Ehlo(String),
    /// `HELO name`: hello as it was in 1982.
    Helo(String),
    /// `MAIL FROM:<path>`: opens a transaction.
    Mail(ReversePath, Vec<Parameter>),
    /// `RCPT TO:<path>`: adds a recipient.
    Rcpt(ForwardPath, Vec<Parameter>),
    /// `DATA`: the message comes next.
    Data,
    /// `RSET`: drop the transaction.
    Rset,
    /// `VRFY name`: does this mailbox exist?
    Vrfy,
    /// `HELP`, or `HELP topic`.
    Help(Option<String>),
    /// `NOOP`: are you there?
    Noop,
    /// `QUIT`: good-bye.
    Quit,
    /// A command that other servers have and this one has not.
    NotImplemented,
    /// The first word of an HTTP request.
    Http,
    /// A HELO or EHLO that cannot be read, and why: its reply carries no
    /// enhanced code, like that of one that can (RFC 2034 section 4).
    UnreadableHello(Reply),
    /// A RCPT that cannot be read, and why. The machine must hear of it: if no
    /// other RCPT comes, nobody is there to get the mail.
    UnreadableRcpt(Reply),
    /// Any other line that cannot be read, and why.
    Unreadable(Reply),
}

/// One parameter of MAIL or RCPT, such as `SIZE=1000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// What is before the `=`, in capitals.
    pub keyword: String,
    /// What is after it.
    pub value: Option<String>,
}

/// How long a name after HELO may be (RFC 5321 4.5.3.1.2).
const NAME_LIMIT: usize = 255;

/// Reads the argument of one command, or says why it cannot be read.
type Parser = fn(&[u8]) -> Result<Command, Reply>;

/// What HELP tells: the command, and how it is written.
const SYNTAX: &[(&str, &str)] = &[
    ("HELO", "HELO name"),
    ("EHLO", "EHLO name / EHLO [address]"),
    ("MAIL", "MAIL FROM:<address> [SIZE=n] [BODY=8BITMIME] [SMTPUTF8]"),
    ("RCPT", "RCPT TO:<address>"),
    ("DATA", "DATA (then the message, then a dot alone on a line)"),
    ("RSET", "RSET"),
    ("NOOP", "NOOP [anything]"),
    ("QUIT", "QUIT"),
    ("VRFY", "VRFY user"),
    ("HELP", "HELP [command]"),
];

/// The names of all commands that HELP knows, in the order of its list.
pub fn names() -> impl Iterator<Item = &'static str> {
    SYNTAX.iter().map(|(name, _)| *name)
}

/// How the command `name` is written, in any case, if there is one.
pub fn syntax_of(name: &str) -> Option<&'static str> {
    let is_it = |entry: &&(&str, &str)| entry.0.eq_ignore_ascii_case(name);
    SYNTAX.iter().find(is_it).map(|(_, syntax)| *syntax)
}

impl Command {
    /// Reads one line, whatever is wrong with it.
    ///
    /// A line that is too long, or did not end in CR LF, is refused whatever
    /// it says. Only HTTP is worse than that.
    pub fn read(line: &CommandLine<'_>) -> Command {
        let (text, why) = match line {
            CommandLine::Line(text) => return Command::parse(text),
            CommandLine::TooLong(text) => (text, reply::COMMAND_TOO_LONG),
            CommandLine::BareLineFeed(text) => (text, reply::BARE_LINE_FEED),
            CommandLine::NoLineFeed(text) => (text, reply::NO_LINE_FEED),
        };
        if is_http(&verb_of(text)) {
            Command::Http
        } else {
            Command::Unreadable(why)
        }
    }

    /// Reads one line, given without its CR LF.
    ///
    /// A verb is read in any case (RFC 5321 2.4), and blanks at the end of a
    /// line are tolerated (4.1.1). Between the words there is one blank.
    pub fn parse(line: &[u8]) -> Command {
        let (verb, argument) = split_verb(without_trailing_blanks(line));
        let verb = verb.to_ascii_uppercase();
        let parser: Parser = match verb.as_slice() {
            b"EHLO" => ehlo,
            b"HELO" => helo,
            b"MAIL" => mail,
            b"RCPT" => rcpt,
            b"DATA" => |argument| alone(argument, Command::Data),
            b"RSET" => |argument| alone(argument, Command::Rset),
            b"VRFY" => vrfy,
            b"HELP" => help,
            b"NOOP" => |_| Ok(Command::Noop),
            b"QUIT" => |argument| alone(argument, Command::Quit),
            b"EXPN" | b"STARTTLS" | b"AUTH" | b"ETRN" | b"BDAT" | b"TURN"
            | b"SEND" | b"SOML" | b"SAML" => return Command::NotImplemented,
            verb if is_http(verb) => return Command::Http,
            verb if verb.iter().any(u8::is_ascii_control) => {
                return Command::Unreadable(reply::CONTROL_CHARACTER);
            }
            _ => return Command::Unreadable(reply::UNKNOWN_COMMAND),
        };
        let parsed = if argument.iter().any(u8::is_ascii_control) {
            Err(reply::CONTROL_CHARACTER)
        } else {
            parser(argument)
        };
        match parsed {
            Ok(command) => command,
            Err(why) => match verb.as_slice() {
                b"EHLO" | b"HELO" => Command::UnreadableHello(why),
                b"RCPT" => Command::UnreadableRcpt(why),
                _ => Command::Unreadable(why),
            },
        }
    }

    /// Whether it is a HELO or an EHLO, as it should be or not.
    pub fn is_hello(&self) -> bool {
        matches!(
            self,
            Command::Ehlo(_) | Command::Helo(_) | Command::UnreadableHello(_)
        )
    }

    /// Whether the reply may wait for those to the commands after it, so that
    /// they travel together. Others must not wait (RFC 2920 3.2).
    pub fn may_wait(&self) -> bool {
        matches!(self, Command::Mail(..) | Command::Rcpt(..) | Command::Rset)
    }
}

/// The first word, in capitals.
fn verb_of(line: &[u8]) -> Vec<u8> {
    split_verb(line).0.to_ascii_uppercase()
}

fn split_verb(line: &[u8]) -> (&[u8], &[u8]) {
    let mut words = line.splitn(2, |byte| *byte == b' ');
    let verb = words.next().unwrap_or_default();
    (verb, words.next().unwrap_or_default())
}

/// The first word of a request in HTTP. A page on the web can make a browser
/// send such a request, with SMTP in its body.
fn is_http(verb: &[u8]) -> bool {
    const VERBS: [&[u8]; 10] = [
        b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS",
        b"TRACE", b"PATCH", b"PRI",
    ];
    VERBS.contains(&verb)
}

/// ```abnf
/// data = "DATA" CRLF     rset = "RSET" CRLF     quit = "QUIT" CRLF
/// ```
fn alone(argument: &[u8], command: Command) -> Result<Command, Reply> {
    match argument {
        b"" => Ok(command),
        _ => Err(reply::NO_ARGUMENT),
    }
}

/// ```abnf
/// ehlo = "EHLO" SP ( Domain / address-literal ) CRLF
/// ```
fn ehlo(argument: &[u8]) -> Result<Command, Reply> {
    client_name(argument).map(Command::Ehlo).ok_or(reply::EHLO_SYNTAX)
}

/// ```abnf
/// helo = "HELO" SP Domain CRLF
/// ```
fn helo(argument: &[u8]) -> Result<Command, Reply> {
    client_name(argument).map(Command::Helo).ok_or(reply::HELO_SYNTAX)
}

/// The name of a client: any word that looks like a domain, or a literal.
///
/// The grammar is stricter. But a server must not refuse mail because of this
/// name (RFC 5321 4.1.4), and many a laptop has an underscore in its name.
/// What follows a literal is for people, and not kept (4.1.1.1).
fn client_name(argument: &[u8]) -> Option<String> {
    let text = str::from_utf8(argument).ok()?;
    if text.starts_with('[') {
        let literal = text.split(' ').next()?;
        return Some(address::whole_host(literal).ok()?.to_string());
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let is_label = |label: &str| {
        label.contains(|c: char| c.is_ascii_alphanumeric())
            && label.chars().all(is_name)
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    let fits = text.len() <= NAME_LIMIT && name.split('.').all(is_label);
    fits.then(|| text.to_owned())
}

// ANCHOR: mail
/// ```abnf
/// mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF
/// ```
fn mail(argument: &[u8]) -> Result<Command, Reply> {
    let text = str::from_utf8(argument).map_err(|_| reply::NOT_UTF8)?;
    let path = after_keyword(text, "FROM", reply::MAIL_SYNTAX)?;
    match address::reverse_path(path) {
        Ok((path, rest)) => Ok(Command::Mail(path, parameters(rest)?)),
        Err(PathError::Syntax) => Err(reply::BAD_SENDER),
        Err(PathError::TooLong) => Err(reply::SENDER_TOO_LONG),
    }
}
// ANCHOR_END: mail

/// ```abnf
/// rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" /
///                     Forward-path ) [SP Rcpt-parameters] CRLF
/// ```
fn rcpt(argument: &[u8]) -> Result<Command, Reply> {
    let text = str::from_utf8(argument).map_err(|_| reply::NOT_UTF8)?;
    let path = after_keyword(text, "TO", reply::RCPT_SYNTAX)?;
    match address::forward_path(path) {
        Ok((path, rest)) => Ok(Command::Rcpt(path, parameters(rest)?)),
        Err(PathError::Syntax) => Err(reply::BAD_RECIPIENT),
        Err(PathError::TooLong) => Err(reply::RECIPIENT_TOO_LONG),
    }
}

/// What is after `FROM:` or `TO:`, which may be in any case.
///
/// A blank on either side of the colon is so common that it has a reply of
/// its own (RFC 5321 3.3).
fn after_keyword<'a>(
    text: &'a str,
    keyword: &str,
    syntax: Reply,
) -> Result<&'a str, Reply> {
    let (word, rest) = text.split_at_checked(keyword.len()).ok_or(syntax)?;
    if !word.eq_ignore_ascii_case(keyword) {
        return Err(syntax);
    }
    let colon = rest.trim_start_matches(' ');
    let path = colon.strip_prefix(':').ok_or(syntax)?;
    if colon.len() < rest.len() || path.starts_with(' ') {
        return Err(reply::BLANK_AT_COLON);
    }
    Ok(path)
}

/// ```abnf
/// Mail-parameters = esmtp-param *(SP esmtp-param)
/// ```
fn parameters(text: &str) -> Result<Vec<Parameter>, Reply> {
    let mut found: Vec<Parameter> = Vec::new();
    if text.is_empty() {
        return Ok(found);
    }
    let list = text.strip_prefix(' ').ok_or(reply::BAD_PARAMETER)?;
    for word in list.split(' ') {
        let parameter = parameter(word).ok_or(reply::BAD_PARAMETER)?;
        if found.iter().any(|other| other.keyword == parameter.keyword) {
            return Err(reply::BAD_PARAMETER);
        }
        found.push(parameter);
    }
    Ok(found)
}

/// ```abnf
/// esmtp-param   = esmtp-keyword ["=" esmtp-value]
/// esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
/// esmtp-value   = 1*(%d33-60 / %d62-126)
/// ```
fn parameter(word: &str) -> Option<Parameter> {
    let (keyword, value) = match word.split_once('=') {
        Some((keyword, value)) => (keyword, Some(value)),
        None => (word, None),
    };
    let is_keyword = keyword.starts_with(|c: char| c.is_ascii_alphanumeric())
        && keyword.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let is_esmtp_char = |c: char| c.is_ascii_graphic() && c != '=';
    let is_value =
        |text: &str| !text.is_empty() && text.chars().all(is_esmtp_char);
    (is_keyword && value.is_none_or(is_value)).then(|| Parameter {
        keyword: keyword.to_ascii_uppercase(),
        value: value.map(str::to_owned),
    })
}

/// ```abnf
/// vrfy = "VRFY" SP String CRLF
/// ```
///
/// The name is not kept: the answer is the same for all.
fn vrfy(argument: &[u8]) -> Result<Command, Reply> {
    match argument {
        b"" => Err(reply::VRFY_SYNTAX),
        _ => Ok(Command::Vrfy),
    }
}

/// ```abnf
/// help = "HELP" [ SP String ] CRLF
/// ```
fn help(argument: &[u8]) -> Result<Command, Reply> {
    let topic = String::from_utf8_lossy(argument).into_owned();
    Ok(Command::Help((!topic.is_empty()).then_some(topic)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Command {
        Command::parse(line.as_bytes())
    }

    #[test]
    fn verbs_are_read_in_any_case_and_blanks_at_the_end_are_tolerated() {
        for line in ["QUIT", "quit", "Quit ", "qUiT \t "] {
            assert_eq!(parse(line), Command::Quit, "{line:?}");
        }
        assert!(matches!(parse("mail from:<> size=1 "), Command::Mail(..)));
    }

    #[test]
    fn http_is_found_out_in_short_long_and_broken_lines() {
        for verb in [
            "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS",
            "TRACE", "PATCH", "PRI", "post",
        ] {
            let line = format!("{verb} / HTTP/1.1");
            for line in [
                CommandLine::Line(line.as_bytes()),
                CommandLine::TooLong(line.as_bytes()),
                CommandLine::BareLineFeed(line.as_bytes()),
            ] {
                assert_eq!(Command::read(&line), Command::Http, "{verb}");
            }
        }
        let line = CommandLine::BareLineFeed(b"NOOP\n");
        let why = Command::Unreadable(reply::BARE_LINE_FEED);
        assert_eq!(Command::read(&line), why);
    }

    #[test]
    fn each_wrong_line_gets_its_own_reply() {
        for (line, want) in [
            ("", reply::UNKNOWN_COMMAND),
            (" NOOP", reply::UNKNOWN_COMMAND),
            ("NOOP\tx", reply::CONTROL_CHARACTER),
            ("NO\x08OP", reply::CONTROL_CHARACTER),
            ("FROB x", reply::UNKNOWN_COMMAND),
            ("FROB \x01", reply::UNKNOWN_COMMAND),
            ("NOOP a\rb", reply::CONTROL_CHARACTER),
            ("HELO a\0b", reply::CONTROL_CHARACTER),
            ("HELO", reply::HELO_SYNTAX),
            ("HELO a b", reply::HELO_SYNTAX),
            ("HELO  a", reply::HELO_SYNTAX),
            ("HELO käthe", reply::HELO_SYNTAX),
            ("EHLO", reply::EHLO_SYNTAX),
            ("EHLO [1.2.3]", reply::EHLO_SYNTAX),
            ("EHLO ::1", reply::EHLO_SYNTAX),
            ("MAIL", reply::MAIL_SYNTAX),
            ("MAIL FROM", reply::MAIL_SYNTAX),
            ("MAIL <a@b>", reply::MAIL_SYNTAX),
            ("MAIL TO:<a@b>", reply::MAIL_SYNTAX),
            ("MAIL  FROM:<a@b>", reply::MAIL_SYNTAX),
            ("MAIL FROM: <a@b>", reply::BLANK_AT_COLON),
            ("MAIL FROM :<a@b>", reply::BLANK_AT_COLON),
            ("MAIL FROM:", reply::BAD_SENDER),
            ("MAIL FROM:a@b", reply::BAD_SENDER),
            ("MAIL FROM:<a@b>x", reply::BAD_PARAMETER),
            ("MAIL FROM:<a@b>  x", reply::BAD_PARAMETER),
            ("MAIL FROM:<a@b> =", reply::BAD_PARAMETER),
            ("MAIL FROM:<a@b> x=", reply::BAD_PARAMETER),
            ("MAIL FROM:<a@b> x=1=2", reply::BAD_PARAMETER),
            ("MAIL FROM:<a@b> x=ä", reply::BAD_PARAMETER),
            ("MAIL FROM:<a@b> SIZE=1 size=2", reply::BAD_PARAMETER),
            ("RCPT TO", reply::RCPT_SYNTAX),
            ("RCPT FROM:<a@b>", reply::RCPT_SYNTAX),
            ("RCPT TO: <a@b>", reply::BLANK_AT_COLON),
            ("RCPT TO:<>", reply::BAD_RECIPIENT),
            ("DATA now", reply::NO_ARGUMENT),
            ("RSET now", reply::NO_ARGUMENT),
            ("QUIT now", reply::NO_ARGUMENT),
            ("VRFY", reply::VRFY_SYNTAX),
        ] {
            let want = match line.get(..4) {
                Some("HELO" | "EHLO") => Command::UnreadableHello(want),
                Some("RCPT") => Command::UnreadableRcpt(want),
                _ => Command::Unreadable(want),
            };
            assert_eq!(parse(line), want, "{line:?}");
        }
        let latin_1 = b"MAIL FROM:<k\xe4the@b>";
        let want = Command::Unreadable(reply::NOT_UTF8);
        assert_eq!(Command::parse(latin_1), want);
    }

    #[test]
    fn hello_takes_any_word_that_looks_like_a_domain_or_a_literal() {
        let long = "x".repeat(256);
        for (name, want) in [
            ("client.example", Some("client.example")),
            ("my_laptop", Some("my_laptop")),
            ("localhost.", Some("localhost.")),
            ("[127.0.0.1]", Some("[127.0.0.1]")),
            ("[127.0.0.1] I am a toaster", Some("[127.0.0.1]")),
            ("[IPv6:::1]", Some("[IPv6:::1]")),
            ("a;b", None),
            ("a/b", None),
            (".", None),
            ("-", None),
            ("a..b", None),
            ("<a>", None),
            (long.as_str(), None),
            (&long[1..], Some(&long[1..])),
        ] {
            let found = parse(&format!("HELO {name}"));
            let want = match want {
                Some(name) => Command::Helo(name.to_owned()),
                None => Command::UnreadableHello(reply::HELO_SYNTAX),
            };
            assert_eq!(found, want, "{name}");
        }
    }

    #[test]
    fn parameters_are_read_with_their_keyword_in_capitals() {
        let size =
            Parameter { keyword: "SIZE".into(), value: Some("10".into()) };
        let utf8 = Parameter { keyword: "SMTPUTF8".into(), value: None };
        let (path, _) = address::reverse_path("<a@b>").unwrap();
        let found = parse("MAIL FROM:<a@b> Size=10 SMTPUTF8");
        assert_eq!(found, Command::Mail(path, vec![size, utf8]));
    }

    #[test]
    fn help_knows_every_command_that_is_implemented() {
        for name in names() {
            let line = format!("{name} x");
            let unknown = Command::Unreadable(reply::UNKNOWN_COMMAND);
            assert_ne!(parse(&line), unknown, "{name}");
            assert_ne!(parse(&line), Command::NotImplemented, "{name}");
        }
    }
}
