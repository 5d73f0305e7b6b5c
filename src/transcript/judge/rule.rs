//! Which rule was broken, in one sentence with its section.
//!
//! A page is about something, and says about what: `Spec:` in its header, and
//! notes between its lines. So the rule of a reply is told first where it is in
//! one of those sections, and then the page's own note. That a reply is broken,
//! missing or one too many is a matter of its own, on whatever page.
//!
//! Interface:
//!   `Rule`  the kinds of mistakes, and the rule for each

use crate::protocol::reply::{self, Reply};
use crate::transcript::format::matching::Names;
use crate::transcript::format::script::{
    Action, START_MAIL_INPUT, Source, Step, Transcript,
};
use crate::transcript::format::spoken::{Spoken, Who, code_and_text};
use crate::transcript::format::text::Text;

/// What kind of a mistake it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// It is the transcript or the machine that is wrong, not the server.
    None,
    Code,
    Form,
    OneReply,
    NoClose,
    Close,
    Stored,
    Offer,
}

/// A rule, and the section that states it.
type Words = (&'static str, &'static str);

impl Rule {
    /// The rule for this mistake in this line of a page.
    pub(super) fn on(
        self,
        page: &Transcript,
        source: &Source,
        got: &str,
    ) -> String {
        if self.is_of_its_own() {
            return in_one(self.words());
        }
        let (expected, got) = (known(&source.text), known(got));
        let replies = [expected, got].into_iter().flatten();
        let mut rules = replies.map(words).chain([self.words()]);
        let is_about = |(_, sections): &Words| {
            let first = sections.split(',').next().unwrap_or_default();
            !first.is_empty() && page.header.is_about(first)
        };
        if let Some(rule) = rules.find(is_about) {
            return in_one(rule);
        }
        if let Some(note) = note(page, source) {
            return format!("{note} ({})", page.header.spec.join("; "));
        }
        // Why a server should say no is seldom said on the page.
        let refusal = expected.filter(|reply| reply.code >= 400);
        in_one(refusal.or(got).map_or(self.words(), words))
    }

    /// Whether nothing that the page is about matters here.
    fn is_of_its_own(self) -> bool {
        match self {
            Rule::None | Rule::Form | Rule::OneReply | Rule::Offer => true,
            Rule::NoClose | Rule::Close | Rule::Code | Rule::Stored => false,
        }
    }

    fn words(self) -> Words {
        match self {
            Rule::None => ("", ""),
            Rule::Code => (
                "The first digit is the answer: 2 done, 3 go on, 4 not now, \
                 5 no.",
                "RFC 5321 4.2.1",
            ),
            Rule::Form => (
                "Each line of a reply is the same three digits, a blank or a \
                 hyphen, words and CR LF, 512 octets at most.",
                "RFC 5321 4.2, 4.5.3.1.5",
            ),
            Rule::OneReply => (
                "Each command has one reply: not none, not two.",
                "RFC 5321 4.2",
            ),
            Rule::NoClose => (
                "Only after QUIT, after 421 and after a time-out does the \
                 server close.",
                "RFC 5321 3.8",
            ),
            Rule::Close => (
                "After its reply to QUIT, and after 421, the server closes.",
                "RFC 5321 3.8, 4.1.1.10",
            ),
            Rule::Stored => (
                "With its 250 after the final dot the server takes the \
                 message, once and unchanged.",
                "RFC 5321 4.1.1.4, 6.1",
            ),
            Rule::Offer => (
                "A keyword in the reply to EHLO is an offer: it must be there \
                 each time.",
                "RFC 5321 4.1.1.1",
            ),
        }
    }
}

fn words(reply: Reply) -> Words {
    (reply.rule, reply.section)
}

fn in_one((rule, section): Words) -> String {
    match rule {
        "" => String::new(),
        rule => format!("{rule} ({section})"),
    }
}

/// What the page says about this line: its notes since the server spoke last,
/// or, of a stored message, since the server asked for it.
fn note(page: &Transcript, source: &Source) -> Option<String> {
    let before = page.steps.iter().filter(|s| s.source.line < source.line);
    let is_look =
        source.text.starts_with("M:") || source.text.starts_with("(mailbox");
    let has_asked = |action: &Action| matches!(action, Action::Reply(to) if to.code == START_MAIL_INPUT);
    let is_start = |step: &&Step| match is_look {
        true => has_asked(&step.action),
        false => !step.action.is_sent_by_client(),
    };
    let mut before = before.filter(is_start);
    let since = before.next_back().map_or(0, |s| s.source.line);
    let notes = page
        .notes
        .iter()
        .filter(|note| note.line > since && note.line < source.line);
    let notes: Vec<&str> = notes.map(|note| note.text.as_str()).collect();
    (!notes.is_empty()).then(|| notes.join(" "))
}

/// Which of our replies a line `S: 250 ...` is.
fn known(line: &str) -> Option<Reply> {
    let spoken = Spoken::read(line).ok()?;
    if spoken.who != Who::Server || spoken.raw {
        return None;
    }
    let (code, _, words) = code_and_text(spoken.text).ok()?;
    let is_this = |reply: &&Reply| reply.code == code && says(reply, words);
    reply::ALL.iter().find(is_this).copied()
}

/// Whether these are the words of the reply, with any name for `{host}`.
///
/// A reply that is nothing but the name would be any single word, so there
/// the words must be the same.
fn says(reply: &Reply, words: &str) -> bool {
    let own = match reply.enhanced {
        "" => reply.text.to_owned(),
        enhanced => format!("{enhanced} {}", reply.text),
    };
    let fits = |text| Names::default().fit(&text, words.as_bytes());
    own == words || own != "{host}" && Text::parse(&own).is_ok_and(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::format::testing::read;

    /// The rule for a line of this page.
    fn rule(page: &str, expected: &str, got: &str, rule: Rule) -> String {
        let page = read(page).unwrap();
        let number = 1 + page_line(&page, expected);
        let text = expected.to_owned();
        let source = Source { line: number, text };
        rule.on(&page, &source, got)
    }

    /// How many lines of the page come before this one.
    fn page_line(page: &Transcript, text: &str) -> usize {
        let lines = page.steps.iter().flat_map(|step| match &step.action {
            Action::Mailbox(look) => {
                let lines = look.messages.iter().flatten();
                lines.map(|line| line.source.clone()).collect()
            }
            Action::Send(_)
            | Action::SendRaw(_)
            | Action::Reply(_)
            | Action::ReplyRaw(_)
            | Action::ClientConnects
            | Action::ClientCloses
            | Action::ServerCloses
            | Action::Silence(_)
            | Action::Wait(_)
            | Action::MayQuit => vec![step.source.clone()],
            Action::RestOfMessage(message) => {
                let lines = message.lines.iter();
                lines.map(|line| line.source.clone()).collect()
            }
        });
        let mut lines = lines.filter(|source| source.text == text);
        lines.next().unwrap().line - 1
    }

    const PAGE: &str = "Title: t\nSpec: RFC 5321 4.1.4, 4.5.2\nLevel: own\n\n\
        S: 220 {...}\n# No hello, no mail.\nC: MAIL FROM:<>\n\
        S: 503 5.5.1 HELO or EHLO first\nC: FROB\nS: 502 No\nC: DATA\n\
        S: 354 {...}\n# A dot is doubled.\nC: ..x\nC: .\n\
        S: 250 2.0.0 Stored\n(client closes)\n\
        (mailbox bob@example.org has 1 message)\nM: ...\nM: .x\n";

    #[test]
    fn the_reply_of_the_page_is_told_only_where_the_page_is_about_it() {
        let first = "S: 503 5.5.1 HELO or EHLO first";
        let told = rule(PAGE, first, "S: 250 OK", Rule::Code);
        assert!(told.ends_with("(RFC 5321 4.1.4)"), "{told}");
        let stored = "S: 250 2.0.0 Stored";
        let told = rule(PAGE, stored, "S: 500 x", Rule::Code);
        let wanted = "A dot is doubled. (RFC 5321 4.1.4, 4.5.2)";
        assert_eq!(told, wanted);
        assert_eq!(rule(PAGE, "M: .x", "M: ..x", Rule::Stored), wanted);
    }

    #[test]
    fn where_the_page_says_nothing_the_kind_of_mistake_does() {
        let told = rule(PAGE, "S: 502 No", "S: 250 OK", Rule::Code);
        assert!(told.starts_with("The first digit"), "{told}");
        let told = rule(PAGE, "S: 502 No", "nothing", Rule::OneReply);
        assert!(told.starts_with("Each command has one reply"), "{told}");
        assert_eq!(rule(PAGE, "S: 502 No", "", Rule::None), "");
    }

    #[test]
    fn replies_of_our_own_are_known_with_any_host() {
        let table = [
            ("S: 250 2.0.0 Stored", Some(reply::STORED)),
            ("S2: 250 2.0.0 Stored", Some(reply::STORED)),
            ("S: 220 {host} ESMTP", Some(reply::GREETING)),
            ("S: 250-mx.example.org greets you", Some(reply::EHLO_OK)),
            ("S: 221 2.0.0 a.test closing connection", Some(reply::GOODBYE)),
            ("S: 250 {host}", Some(reply::HELO_OK)),
            ("S: 250 {...}", None),
            ("S: 250 PIPELINING", None),
            ("S: 550 2.0.0 Stored", None),
            ("S> 250 2.0.0 Stored", None),
            ("M: 250 2.0.0 Stored", None),
            ("(server closes)", None),
        ];
        for (line, wanted) in table {
            assert_eq!(known(line), wanted, "{line}");
        }
    }
}
