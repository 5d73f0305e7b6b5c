//! The options of `pillarbox send`. Its exit codes are those of sendmail, so
//! wrong usage ends with 64 here.

use super::addresses::envelope_address;
use super::table::{Given, Row, argument, flag, many, one};
use super::values::{Read, file, host_and_port, seconds};
use super::{Command, Complaint, Invocation};
use crate::agent::compose::{Content, Field, Letter};
use crate::agent::refusal::BAD_USAGE;
use crate::agent::send::{Settings, Show};
use crate::protocol::address::ReversePath;
use crate::relay::settings::HostPort;
use std::path::PathBuf;

const ABOUT: &str = "\
Sends a message to a mail server, as a mail program does.

Usage: pillarbox send [-s HOST:PORT] -f FROM -t TO... [OPTION]... [FILE]

The text is that of FILE, or of standard input. What a message needs besides
(Date, From, To, Message-ID) is added. Exit code: 0 sent to all; 64 wrong usage;
65 the text cannot be sent; 66 FILE cannot be read; 69 refused for good, for one
recipient at least; 75 not now: try again later.";

#[rustfmt::skip]
const OPTIONS: &[Row] = &[
    one("s", "server", "HOST:PORT",
        "the server (default 127.0.0.1:2525)"),
    one("f", "from", "ADDRESS",
        "the sender; '' is the null sender of a bounce"),
    many("t", "to", "ADDRESS", "a recipient; repeatable"),
    one("", "subject", "TEXT", "the subject"),
    many("", "header", "'NAME: VALUE'",
        "another header field; repeatable"),
    flag("", "raw",
        "FILE has its header already, and is sent as it is; only Bcc is taken \
         out"),
    flag("v", "verbose", "show the dialogue on standard error"),
    flag("", "explain",
        "show the dialogue, and why the client does what it does"),
    one("", "timeout", "SECONDS",
        "the longest wait for a connection, a reply, or a block of data to be \
         taken (default: as in RFC 5321 4.5.3.2)"),
];

pub(super) const COMMAND: Command = Command {
    name: "send",
    about: ABOUT,
    options: OPTIONS,
    wrong_usage: BAD_USAGE,
    invocation,
};

fn invocation(given: &Given) -> Result<Invocation, Complaint> {
    let from = given.value("from", sender)?;
    let from = from.ok_or("from whom? try: --from alice@example.org")?;
    let to = given.values("to", envelope_address)?;
    if to.is_empty() {
        return Err("to whom? try: --to bob@example.org".to_owned());
    }
    let usual = HostPort { host: "127.0.0.1".to_owned(), port: 2525 };
    let server = given.value("server", host_and_port)?.unwrap_or(usual);
    Ok(Invocation::Send(Box::new(Settings {
        host: server.host,
        port: server.port,
        letter: Letter::new(from, &to, content(given)?)?,
        file: text_file(given)?,
        show: show(given),
        timeout: given.value("timeout", seconds)?,
    })))
}

/// `ADDRESS`, or nothing for `<>` (RFC 5321 4.5.5).
fn sender(text: &str) -> Read<ReversePath> {
    match text {
        "" => Ok(ReversePath::Null),
        _ => envelope_address(text).map(ReversePath::Mailbox),
    }
}

fn text_file(given: &Given) -> Result<Option<PathBuf>, Complaint> {
    match given.arguments() {
        [] => Ok(None),
        [name] => argument(name, file).map(Some),
        [_, ..] => {
            Err("takes one FILE; each recipient needs a --to".to_owned())
        }
    }
}

fn content(given: &Given) -> Result<Content, Complaint> {
    if given.has("raw") {
        let why = "does not go with --raw: FILE has its header already";
        given.has_none_of(&["subject", "header"], why)?;
        return Ok(Content::Raw);
    }
    let mut fields = given.values("header", Field::read)?;
    fields.extend(given.value("subject", Field::subject)?);
    Ok(Content::Body(fields))
}

fn show(given: &Given) -> Show {
    match (given.has("explain"), given.has("verbose")) {
        (true, _) => Show::Reasons,
        (false, true) => Show::Dialogue,
        (false, false) => Show::Trouble,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{self, WrongUsage};

    /// Words that are enough, and then these.
    fn parse(words: &[&str]) -> Result<Invocation, WrongUsage> {
        let enough = ["send", "-f", "alice@example.org", "-t", "bob@b.example"];
        options::parse(&[&enough, words].concat())
    }

    fn settings_of(words: &[&str]) -> Settings {
        match parse(words) {
            Ok(Invocation::Send(settings)) => *settings,
            other => panic!("{words:?}: {:?}", other.err()),
        }
    }

    #[test]
    fn without_options_a_body_from_standard_input_goes_to_our_own_port() {
        let settings = settings_of(&[]);
        assert_eq!(
            (settings.host.as_str(), settings.port),
            ("127.0.0.1", 2525)
        );
        let letter = &settings.letter;
        assert_eq!(letter.from().to_string(), "<alice@example.org>");
        assert_eq!(letter.to()[0].to_string(), "bob@b.example");
        assert!(!letter.is_raw());
        assert_eq!((settings.file, settings.timeout), (None, None));
        assert_eq!(settings.show, Show::Trouble);
    }

    #[test]
    fn recipients_and_fields_keep_their_order() {
        let settings = settings_of(&[
            "--to=\"a b\"@c.example",
            "-t",
            "käthe@dürer.example",
            "--header=X-One: 1",
            "--header",
            "X-Two:2: 3",
            "--header=X-Empty:",
            "--subject=Grüße",
            "-s",
            "[::1]:25",
            "letter",
        ]);
        let to = settings.letter.to().iter();
        let to: Vec<_> = to.map(ToString::to_string).collect();
        let want =
            ["bob@b.example", "\"a b\"@c.example", "käthe@dürer.example"];
        assert_eq!(to, want);
        assert_eq!((settings.host.as_str(), settings.port), ("::1", 25));
        assert_eq!(settings.file, Some(PathBuf::from("letter")));
    }

    #[test]
    fn explain_shows_more_than_verbose_and_both_together_no_less() {
        assert_eq!(settings_of(&["-v"]).show, Show::Dialogue);
        assert_eq!(settings_of(&["--explain"]).show, Show::Reasons);
        assert_eq!(settings_of(&["--explain", "-v"]).show, Show::Reasons);
        assert!(settings_of(&["--raw"]).letter.is_raw());
    }

    #[test]
    fn an_empty_sender_is_the_null_sender() {
        let words = ["send", "--raw", "-f", "", "-t", "bob@b.example"];
        let Ok(Invocation::Send(settings)) = options::parse(&words) else {
            panic!("no settings");
        };
        assert_eq!(*settings.letter.from(), ReversePath::Null);
    }

    #[test]
    fn every_wrong_value_is_told_in_one_line_with_code_64() {
        let alone: [&[&str]; 8] = [
            &["send"],
            &["send", "-f", "a@b.example"],
            &["send", "-t", "a@b.example"],
            &["send", "--from"],
            &["send", "-f", "alice", "-t", "a@b.example"],
            &["send", "-f", "<a@b.example>", "-t", "a@b.example"],
            &["send", "-f", "@r.example:a@b.example", "-t", "a@b.example"],
            &["send", "-f", "a@b.example", "-f", "", "-t", "a@b.example"],
        ];
        let more: [&[&str]; 31] = [
            &["--frob"],
            &["one", "two"],
            &[""],
            &["-t", ""],
            &["-t", "postmaster"],
            &["-t", "Bob <bob@b.example>"],
            &["-t", "<bob@b.example>"],
            &["-t", "bob@b.example,carol@b.example"],
            &["-t", "@r.example:bob@b.example"],
            &["-t", "bob@b.example>\r\nDATA"],
            &["-t", "bob@b.example\n"],
            &["-t", "b\u{7f}b@b.example"],
            &["-t", "b\u{85}b@b.example"],
            &["-s", "localhost"],
            &["-s", ":25"],
            &["-s", "x:0"],
            &["-s", "x:65536"],
            &["-s", "::1:25"],
            &["-s", "[::1:25"],
            &["-s", "a b:25"],
            &["--subject", "a\r\nBcc: x@b.example"],
            &["--subject", "a\tb"],
            &["--header", "no colon"],
            &["--header", ": no name"],
            &["--header", " X: a blank before it"],
            &["--header", "X Y: a blank in it"],
            &["--header", "X: 1\r\nY: 2"],
            &["--header", "bCC: x@b.example"],
            &["--raw", "--subject", "x"],
            &["--raw", "--header", "X: y"],
            &["--subject", "x", "--header", "subject: y"],
        ];
        let times = ["0", "-1", "+1", "1e3", "nan", "inf", "", "86401"];
        let times = times.map(|time| parse(&["--timeout", time]));
        let alone = alone.iter().map(|words| options::parse(words));
        let more = more.iter().map(|words| parse(words));
        for (number, parsed) in alone.chain(more).chain(times).enumerate() {
            let Err(WrongUsage { text, code }) = parsed else {
                panic!("case {number} was taken");
            };
            assert!(text.starts_with("send: "), "{text}");
            assert!(!text.contains(char::is_control), "{text}");
            assert_eq!(code, 64, "{text}");
        }
    }
}
