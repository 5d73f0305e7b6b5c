//! The client's machine, walked through: every answer at every step, the rows
//! of the outcome table, and the cases that other people's systems met.

use super::*;
use crate::protocol::address::{ReversePath, mailbox};
use crate::protocol::decision::{BY_ITSELF, Class};
use crate::protocol::outcome::{Cause, Ledger};
use crate::protocol::outgoing::Needs;
use crate::protocol::replies::ReplyReader;

/// EHLO is answered with all that we use.
const ALL: &str = "250-mx|250-PIPELINING|250-SIZE 1000|250-8BITMIME|\
                   250 SMTPUTF8";
const NOTHING: &str = "250 mx";
const PIPELINING: &str = "250-mx|250 PIPELINING";

/// In a script: the text leaves, with its dot.
const SENT: &str = "(sent)";
const SILENCE: &str = "(silence)";
const GONE: &str = "(gone)";

fn envelope(recipients: &[&str]) -> Envelope {
    let mailbox = |name: &&str| mailbox(&format!("{name}@example.org"));
    let sender = mailbox(&"alice").unwrap();
    Envelope {
        reverse_path: ReversePath::Mailbox(sender),
        recipients: recipients.iter().map(|r| mailbox(r).unwrap()).collect(),
        needs: Needs { size: 100, ..Needs::default() },
    }
}

/// A reply as a client reads it; `|` is between its lines.
fn heard(words: &str) -> Heard {
    match words {
        SILENCE => return Heard::NoReply("no answer in time".into()),
        GONE => return Heard::Gone("the server has hung up".into()),
        _ => {}
    }
    let mut reader = ReplyReader::new(REPLY_LIMITS);
    reader.feed(format!("{}\r\n", words.replace('|', "\r\n")).as_bytes());
    match reader.next_reply().unwrap() {
        Ok(reply) => Heard::Reply(reply),
        Err(no) => Heard::NoReply(no.fault.in_words().into()),
    }
}

/// A dialogue, and all that was said in it: groups that left together are one
/// line, with `|` in them.
struct Talk {
    dialogue: Dialogue,
    said: Vec<String>,
    turn: Option<Turn>,
}

impl Talk {
    fn new(envelope: Envelope) -> Talk {
        let dialogue = Dialogue::new("client.example", envelope);
        Talk { dialogue, said: Vec::new(), turn: None }
    }

    /// A talk with these recipients, up to the end of the script.
    fn with(recipients: &[&str], script: &[&str]) -> Talk {
        let mut talk = Talk::new(envelope(recipients));
        talk.play(script);
        talk
    }

    fn play(&mut self, script: &[&str]) {
        for words in script {
            if *words == SENT {
                assert_eq!(self.next(), &Next::SendText, "{:?}", self.said);
                self.dialogue.text_is_sent();
            } else {
                assert!(!matches!(self.next(), Next::Done(_)), "{words}");
                let turn = self.dialogue.hear(heard(words));
                self.note(turn);
            }
        }
    }

    fn begin(&mut self, envelope: Envelope) {
        let turn = self.dialogue.begin(envelope);
        self.note(turn);
    }

    fn note(&mut self, turn: Turn) {
        if let Next::Say(commands) = &turn.next {
            let commands = commands.iter().map(ToString::to_string);
            self.said.push(commands.collect::<Vec<_>>().join("|"));
        }
        self.turn = Some(turn);
    }

    fn next(&self) -> &Next {
        self.turn.as_ref().map_or(&Next::Listen, |turn| &turn.next)
    }

    fn fates(&self) -> &[Fate] {
        let Next::Done(fates) = self.next() else {
            panic!("{:?}: {:?}", self.next(), self.said)
        };
        fates
    }

    /// D, L and N for delivered, later and never, with a `>` if another
    /// address may be tried.
    fn ends(&self) -> String {
        let letter = |fate: &Fate| match fate {
            Fate::Settled(outcome) => class(outcome).to_owned(),
            Fate::Open(outcome) => format!("{}>", class(outcome)),
        };
        let letters: Vec<_> = self.fates().iter().map(letter).collect();
        letters.join(" ")
    }

    fn outcome(&self, number: usize) -> &Outcome {
        match &self.fates()[number] {
            Fate::Settled(outcome) | Fate::Open(outcome) => outcome,
        }
    }

    fn last_said(&self) -> &str {
        self.said.last().map_or("", String::as_str)
    }
}

fn class(outcome: &Outcome) -> &'static str {
    match outcome.class {
        Class::Delivered => "D",
        Class::Temporary => "L",
        Class::Permanent => "N",
    }
}

/// All yes, for one recipient, without extensions.
const DELIVERED: [&str; 7] =
    ["220 mx", NOTHING, "250 a", "250 b", "354 go", SENT, "250 done"];

/// The shortest way to each step, with bob and carol as recipients.
fn at(step: Step) -> Talk {
    let way: &[&str] = match step {
        Step::Greeting => &[],
        Step::Ehlo => &["220 mx"],
        Step::Helo => &["220 mx", "500 what?"],
        Step::Rset | Step::MailAgain => &[],
        Step::Mail => &["220 mx", NOTHING],
        Step::Rcpt => &["220 mx", NOTHING, "250 a"],
        Step::RcptAfterYes => &["220 mx", NOTHING, "250 a", "250 b"],
        Step::RcptInVain => &["220 mx", PIPELINING, "450 a"],
        Step::Data => &["220 mx", NOTHING, "250 a", "250 b", "250 c"],
        Step::DataInVain => &["220 mx", PIPELINING, "250 a", "450 b", "550 c"],
        Step::Text => &["220 mx", NOTHING, "250 a", "250 b", "250 c", "354 d"],
        Step::Dot => {
            &["220 mx", NOTHING, "250 a", "250 b", "250 c", "354 d", SENT]
        }
        Step::DotInVain => {
            &["220 mx", PIPELINING, "250 a", "450 b", "550 c", "354 d"]
        }
    };
    // What a connection has carried before. The first one was left open.
    let before = match step {
        Step::Rset => &["220 mx", NOTHING, "250 a", "550 b"][..],
        Step::MailAgain => &DELIVERED,
        Step::Greeting
        | Step::Ehlo
        | Step::Helo
        | Step::Mail
        | Step::Rcpt
        | Step::RcptAfterYes
        | Step::RcptInVain
        | Step::Data
        | Step::DataInVain
        | Step::Text
        | Step::Dot
        | Step::DotInVain => &[],
    };
    let mut talk = Talk::new(envelope(&["bob", "carol"]));
    if !before.is_empty() {
        talk = Talk::with(&["erin"], before);
        talk.begin(envelope(&["bob", "carol"]));
    }
    talk.play(way);
    assert_eq!(talk.dialogue.step(), step);
    talk
}

fn sample(kind: Kind) -> &'static str {
    match kind {
        Kind::Yes => "250 x",
        Kind::GoOn => "354 x",
        Kind::NotNow => "450 x",
        Kind::Closing => "421 x",
        Kind::Never => "550 x",
        Kind::Full => "552 x",
        Kind::NoReply => SILENCE,
    }
}

/// One line for each step, one cell for each kind of answer.
fn table(cell: impl Fn(Step, Kind) -> String, width: usize) -> String {
    let mut table = format!("{:18}", "answer to");
    for kind in Kind::ALL {
        table += &format!("{:width$}", kind.name());
    }
    for step in Step::ALL {
        table.truncate(table.trim_end().len());
        table += &format!("\n{:18}", step.name());
        for kind in Kind::ALL {
            table += &format!("{:width$}", cell(step, kind));
        }
    }
    format!("{}\n", table.trim_end())
}

/// Sentences for people; see `decision.rs`.
const DECISIONS: &str = "\
answer to         2xx                 3xx                 4xx                 421                 5xx                 552                 no reply
greeting          say EHLO            next address        next address        next address        next address (5xx)  next address (5xx)  next address
EHLO              say MAIL            next address        next address        next address        say HELO            say HELO            next address
HELO              say MAIL            next address        next address        next address        next address (5xx)  next address (5xx)  next address
RSET              go on               connect anew        connect anew        connect anew        connect anew        connect anew        connect anew
MAIL              go on               next address        later: all          leave               never: all          never: all          next address
MAIL, next mail   go on               connect anew        later: all          connect anew        never: all          never: all          connect anew
RCPT              accepted            next address        later: this one     leave               never: this one     never: this one     next address
RCPT, after a yes accepted            next address        later: this one     leave               never: this one     later: this one     next address
RCPT, in vain     go on               next address        go on               leave               go on               go on               next address
DATA              next address        send the text       later: accepted     leave               never: accepted     never: accepted     next address
DATA, in vain     next address        send a lone dot     go on               leave               go on               go on               next address
text              stop, later         stop, later         stop, later         stop, later         stop, never         stop, never         next address
dot               delivered           later, nowhere else later: accepted     later: accepted     never: accepted     never: accepted     later, nowhere else
dot, in vain      go on               next address        go on               leave               go on               go on               next address
";

/// What is said next, or how it ends for bob and carol: D, L, N for delivered,
/// later, never, and `>` if the next address may be tried.
const ENDS: &str = "\
answer to         2xx     3xx     4xx     421     5xx     552     no reply
greeting          EHLO    L> L>   L> L>   L> L>   N> N>   N> N>   L> L>
EHLO              MAIL    L> L>   L> L>   L> L>   HELO    HELO    L> L>
HELO              MAIL    L> L>   L> L>   L> L>   N> N>   N> N>   L> L>
RSET              MAIL    anew    anew    anew    anew    anew    anew
MAIL              RCPT    L> L>   L L     L> L>   N N     N N     L> L>
MAIL, next mail   RCPT    anew    L L     anew    N N     N N     anew
RCPT              RCPT    L> L>   RCPT    L> L>   RCPT    RCPT    L> L>
RCPT, after a yes DATA    L> L>   DATA    L L>    DATA    DATA    L> L>
RCPT, in vain     listen  L L     listen  L L     listen  listen  L L
DATA              L> L>   text    L L     L L     N N     N N     L> L>
DATA, in vain     L N     .       L N     L N     L N     L N     L N
text              L L     L L     L L     L L     N N     N N     L> L>
dot               D D     L L     L L     L L     N N     N N     L L
dot, in vain      L N     L N     L N     L N     L N     L N     L N
";

#[test]
fn every_answer_at_every_step_has_the_decision_of_the_table() {
    let words = |step, kind| decide(step, kind).words.to_owned();
    assert_eq!(table(words, 20), DECISIONS);
}

#[test]
fn every_answer_at_every_step_does_what_was_decided() {
    let cell = |step, kind| {
        let mut talk = at(step);
        talk.play(&[sample(kind)]);
        assert_eq!(talk.turn.as_ref().unwrap().decision, decide(step, kind));
        match talk.next() {
            Next::Done(_) => talk.ends(),
            Next::Say(_) => talk.last_said().chars().take(4).collect(),
            Next::Listen => "listen".into(),
            Next::SendText => "text".into(),
            Next::Anew => "anew".into(),
        }
    };
    assert_eq!(table(cell, 8), ENDS);
}

#[test]
fn every_decision_has_its_reason() {
    let all = Step::ALL.into_iter();
    let cells = all.flat_map(|s| Kind::ALL.map(|kind| decide(s, kind)));
    for decision in cells.chain(BY_ITSELF) {
        let Decision { act, words, status, rule, section } = decision;
        assert!(!words.is_empty() && words.len() <= 20, "{words}");
        assert!(rule.ends_with('.') && rule.len() <= 72, "{rule}");
        assert!(section.starts_with("RFC "), "{section}");
        let digit = match act.class() {
            Class::Delivered => "2",
            Class::Temporary => "4",
            Class::Permanent => "5",
        };
        assert!(status.is_empty() || status.starts_with(digit), "{words}");
    }
}

#[test]
fn time_outs_are_those_of_rfc_5321_4_5_3_2() {
    let minutes = |step: Step| step.patience().as_secs() / 60;
    let all = Step::ALL.map(minutes);
    assert_eq!(all, [5, 5, 5, 5, 5, 5, 5, 5, 5, 2, 2, 3, 10, 10]);
}

// The rows of the outcome table that are more than one cell.

#[test]
fn s4_after_mail_is_refused_the_rest_of_its_group_is_read_and_ignored() {
    for (mail, ends) in [("450 a", "L L"), ("550 a", "N N")] {
        for rest in [["250 b", "250 c", "503 d"], ["503 b", "503 c", "503 d"]] {
            let mut talk = Talk::with(&["bob", "carol"], &["220", PIPELINING]);
            talk.play(&[mail]);
            talk.play(&rest);
            assert_eq!(talk.ends(), ends);
            assert_eq!(talk.said.len(), 2);
        }
    }
}

#[test]
fn s4_a_refused_recipient_stands_whatever_data_says() {
    for (rcpt, data, ends) in [
        ("450 c", "554 d", "N L"),
        ("550 c", "451 d", "L N"),
        ("450 c", "354 d", "D L"),
        ("550 c", "354 d", "D N"),
    ] {
        for hello in [NOTHING, PIPELINING] {
            let script = ["220", hello, "250 a", "250 b", rcpt, data];
            let mut talk = Talk::with(&["bob", "carol"], &script);
            if data == "354 d" {
                talk.play(&[SENT, "250 e"]);
            }
            assert_eq!(talk.ends(), ends, "{hello}");
        }
    }
}

#[test]
fn s4_a_code_that_nobody_knows_is_read_by_its_first_digit() {
    let script = ["299", "255 mx", "259", "256", "355", SENT, "299 ok"];
    assert_eq!(Talk::with(&["bob"], &script).ends(), "D");
    for (rcpt, ends) in [("475", "L"), ("599", "N"), ("499", "L")] {
        let script = ["220", NOTHING, "250", rcpt];
        assert_eq!(Talk::with(&["bob"], &script).ends(), ends);
    }
}

#[test]
fn s4_another_class_and_other_digits_are_as_a_lost_connection() {
    for step in Step::ALL {
        let mut lost = at(step);
        lost.play(&[GONE]);
        for words in ["099 x", "199 x", "600 x", "999 x", "250ok", "25", "+50"]
        {
            let mut talk = at(step);
            talk.play(&[words]);
            let turn = talk.turn.as_ref().unwrap();
            assert_eq!(turn.decision, lost.turn.as_ref().unwrap().decision);
            if let Next::Done(_) = turn.next {
                assert_eq!(talk.ends(), lost.ends(), "{words} to {step:?}");
                let cause = &talk.outcome(0).cause;
                assert!(
                    matches!(cause, Cause::Trouble(_))
                        || step.name().contains("vain"),
                    "{cause:?}"
                );
            }
        }
    }
}

#[test]
fn s4_after_mail_is_accepted_no_refusal_leads_to_another_address() {
    for step in [Step::Rcpt, Step::RcptAfterYes, Step::Data, Step::Dot] {
        for kind in [Kind::NotNow, Kind::Never] {
            let mut talk = at(step);
            while !matches!(talk.next(), Next::Done(_)) {
                talk.play(&[sample(kind)]);
            }
            assert!(!talk.ends().contains('>'), "{step:?} {kind:?}");
        }
    }
}

// Before MAIL.

#[test]
fn case_28_the_size_is_told_exactly_and_checked_before_mail_rfc_1870() {
    let mut mail = envelope(&["bob"]);
    for (hello, size, said) in [
        ("250-mx|250 SIZE 100", 100, "MAIL FROM:<alice@example.org> SIZE=100"),
        ("250-mx|250 SIZE 0", 101, "MAIL FROM:<alice@example.org> SIZE=101"),
        ("250-mx|250 SIZE", 101, "MAIL FROM:<alice@example.org> SIZE=101"),
        ("250 mx", 101, "MAIL FROM:<alice@example.org>"),
        ("250-SIZE 100|250 HELP", 101, "MAIL FROM:<alice@example.org>"),
    ] {
        mail.needs.size = size;
        let mut talk = Talk::new(mail.clone());
        talk.play(&["220", hello]);
        assert_eq!(talk.last_said(), said, "{hello}");
    }
    let mut talk = Talk::new(mail);
    talk.play(&["220", "250-mx|250 SIZE 100"]);
    assert_eq!(talk.ends(), "N");
    assert_eq!(talk.outcome(0).status(), "5.3.4");
    assert_eq!(talk.said, ["EHLO client.example"]);
    // The session is as good as before, for a smaller one.
    talk.begin(envelope(&["bob"]));
    assert_eq!(talk.last_said(), "MAIL FROM:<alice@example.org> SIZE=100");
}

#[test]
fn case_29_eight_bit_text_goes_only_where_8bitmime_is_offered() {
    let mut mail = envelope(&["bob"]);
    mail.needs.eight_bit = true;
    let mut talk = Talk::new(mail.clone());
    talk.play(&["220", ALL]);
    let said = talk.last_said().split('|').next();
    let want = "MAIL FROM:<alice@example.org> SIZE=100 BODY=8BITMIME";
    assert_eq!(said, Some(want));
    // RCPT and DATA have no parameters.
    assert_eq!(talk.last_said().matches("BODY").count(), 1);
    for way in [&["220", NOTHING][..], &["220", "500 what?", ALL]] {
        let mut talk = Talk::new(mail.clone());
        talk.play(way);
        assert_eq!(talk.ends(), "N");
        assert_eq!(talk.outcome(0).status(), "5.6.3");
        assert!(!talk.said.iter().any(|said| said.starts_with("MAIL")));
    }
}

#[test]
fn s7_smtputf8_is_said_when_needed_and_demanded_only_then() {
    let mut mail = envelope(&["b\u{fc}cher"]);
    mail.needs.utf8 = true;
    let mut talk = Talk::new(mail.clone());
    talk.play(&["220", "250-mx|250-SMTPUTF8|250 8BITMIME"]);
    assert_eq!(talk.last_said(), "MAIL FROM:<alice@example.org> SMTPUTF8");
    let mut talk = Talk::new(mail);
    talk.play(&["220", "250-mx|250 8BITMIME"]);
    assert_eq!((talk.ends().as_str(), talk.said.len()), ("N", 1));
    assert_eq!(talk.outcome(0).status(), "5.6.7");
    let talk = Talk::with(&["bob"], &["220", ALL]);
    assert!(!talk.last_said().contains("SMTPUTF8"));
}

#[test]
fn an_address_with_a_control_character_is_never_said() {
    for byte in (0..32).chain([127]) {
        let mut mail = envelope(&["bob"]);
        let letter = char::from(byte);
        mail.recipients[0].local_part = format!("b{letter}b");
        let mut talk = Talk::new(mail);
        talk.play(&["220", ALL]);
        assert_eq!((talk.ends().as_str(), talk.said.len()), ("N", 1));
        assert_eq!(talk.outcome(0).status(), "5.1.3");
    }
}

#[test]
fn case_19_helo_is_said_after_5xx_and_after_nothing_else_rfc_5321_3_2() {
    for (reply, falls_back) in [
        ("500 what?", true),
        ("502 no", true),
        ("550 no", true),
        ("599 no", true),
        ("421 bye", false),
        ("450 no", false),
        ("354 no", false),
        ("25", false),
        (SILENCE, false),
        (GONE, false),
    ] {
        let talk = Talk::with(&["bob"], &["220", reply]);
        let has_said = talk.last_said() == "HELO client.example";
        assert_eq!(has_said, falls_back, "{reply}");
    }
}

#[test]
fn case_19_neither_a_refused_ehlo_nor_helo_offers_anything() {
    let refused = ALL.replace("250", "500");
    let talk = Talk::with(&["bob"], &["220", &refused, ALL]);
    assert_eq!(talk.last_said(), "MAIL FROM:<alice@example.org>");
}

// The envelope.

#[test]
fn case_43_without_pipelining_each_command_waits_for_its_answer() {
    let script = ["220", NOTHING, "250 a", "250 b", "250 c", "354", SENT];
    let talk = Talk::with(&["bob", "carol"], &script);
    let want = [
        "EHLO client.example",
        "MAIL FROM:<alice@example.org>",
        "RCPT TO:<bob@example.org>",
        "RCPT TO:<carol@example.org>",
        "DATA",
    ];
    assert_eq!(talk.said, want);
}

#[test]
fn case_43_with_pipelining_ehlo_waits_and_data_is_last_rfc_2920_3_1() {
    let talk = Talk::with(&["bob", "carol"], &["220", PIPELINING]);
    let group = "MAIL FROM:<alice@example.org>|RCPT TO:<bob@example.org>|\
                 RCPT TO:<carol@example.org>|DATA";
    assert_eq!(talk.said, ["EHLO client.example", group]);
}

#[test]
fn r4_a_group_has_at_most_4096_bytes_and_is_answered_before_the_next() {
    let names: Vec<String> = (0..1000).map(|n| format!("user{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut talk = Talk::with(&names, &["220", PIPELINING]);
    let mut answered = 0;
    while !matches!(talk.next(), Next::SendText) {
        let said: usize =
            talk.said[1..].iter().map(|group| group.split('|').count()).sum();
        assert!(said > answered);
        let last = said == names.len() + 2;
        talk.play(&vec!["250 ok"; said - answered - usize::from(last)]);
        if last {
            talk.play(&["354 go"]);
        }
        answered = said;
    }
    let groups = &talk.said[1..];
    // CR LF is one byte more than the `|` between two.
    let sizes = groups.iter().map(|g| g.len() + g.split('|').count() + 1);
    assert!(sizes.clone().all(|size| size <= 4096), "{sizes:?}");
    assert!(sizes.rev().skip(1).all(|size| size > 4000));
    assert!(groups.len() > 5, "{}", groups.len());
    talk.play(&[SENT, "250 ok"]);
    assert_eq!(talk.ends(), vec!["D"; names.len()].join(" "));
}

#[test]
fn case_05_each_recipient_has_its_own_fate() {
    for hello in [NOTHING, PIPELINING] {
        let script = [
            "220", hello, "250 a", "550 b", "250 c", "450 d", "354", SENT,
            "250 done",
        ];
        let talk = Talk::with(&["bob", "carol", "dave"], &script);
        assert_eq!(talk.ends(), "N D L");
        assert_eq!(talk.outcome(0).to_string(), "550 b");
        assert_eq!(talk.outcome(2).to_string(), "450 d");
    }
}

#[test]
fn case_06_if_nobody_is_accepted_data_decides_nothing_rfc_2920_3_1() {
    for (data, dot) in [
        ("503 d", None),
        ("554 d", None),
        ("451 d", None),
        ("354 d", Some("250 stored")),
        ("354 d", Some("554 nobody")),
        ("354 d", Some("451 later")),
        ("354 d", Some(GONE)),
    ] {
        let script = ["220", PIPELINING, "250 a", "450 b", "550 c", data];
        let mut talk = Talk::with(&["bob", "carol"], &script);
        if let Some(dot) = dot {
            assert_eq!(talk.last_said(), ".");
            talk.play(&[dot]);
        }
        assert_eq!(talk.ends(), "L N", "{data} {dot:?}");
    }
}

#[test]
fn case_06_without_pipelining_data_is_not_even_said() {
    let talk = Talk::with(&["bob"], &["220", NOTHING, "250", "550"]);
    assert_eq!(talk.ends(), "N");
    assert_eq!(talk.last_said(), "RCPT TO:<bob@example.org>");
}

#[test]
fn case_26_a_4xx_at_any_step_is_tried_again_rfc_5321_4_2_1() {
    for reply in ["450 later", "451 4.7.1 greylisted"] {
        for before in 0..DELIVERED.len() {
            let mut talk = Talk::new(envelope(&["bob"]));
            talk.play(&DELIVERED[..before]);
            talk.play(&[reply]);
            assert_eq!(talk.ends().chars().next(), Some('L'), "{before}");
        }
    }
}

#[test]
fn case_27_the_rest_comes_later_and_each_once_rfc_5321_4_5_3_1_10() {
    let names: Vec<String> = (0..150).map(|n| format!("user{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for full in ["452 too many", "552 too many"] {
        let mut talk = Talk::with(&names, &["220", NOTHING, "250 a"]);
        talk.play(&["250 ok"; 100]);
        talk.play(&[full; 50]);
        talk.play(&["354 go", SENT, "250 done"]);
        let want = [vec!["D"; 100], vec!["L"; 50]].concat().join(" ");
        assert_eq!(talk.ends(), want, "{full}");
        // The next try has the rest only, and no second copy for the first.
        let mut ledger = Ledger::new(&envelope(&names).recipients);
        ledger.enter("mx", talk.fates().to_vec());
        assert!(ledger.open().is_empty());
    }
}

#[test]
fn r3_552_is_final_as_the_first_answer_and_later_after_a_yes() {
    let script = ["220", NOTHING, "250", "552 b", "250 c", "552 d", "354"];
    let mut talk = Talk::with(&["bob", "carol", "dave"], &script);
    talk.play(&[SENT, "250 done"]);
    assert_eq!(talk.ends(), "N D L");
    assert_eq!(talk.outcome(2).status(), "4.5.3");
}

#[test]
fn r2_after_421_the_refused_and_the_accepted_keep_their_answers() {
    for (script, ends) in [
        (&["421 a"][..], "L> L> L>"),
        (&["250 a", "421 b"], "L> L> L>"),
        (&["250 a", "250 b", "421 c"], "L L> L>"),
        (&["250 a", "550 b", "421 c"], "N L> L>"),
        (&["250 a", "250 b", "550 c", "450 d", "421 e"], "L N L"),
        (&["250 a", "250 b", "550 c", "450 d", "354", "421 e"], "L N L"),
        (&["250 a", "250 b", "550 c", "450 d", "354", SENT, "421 e"], "L N L"),
    ] {
        for hello in [NOTHING, PIPELINING] {
            let mut talk =
                Talk::with(&["bob", "carol", "dave"], &["220", hello]);
            talk.play(script);
            assert_eq!(talk.ends(), ends, "{script:?}");
            assert_eq!(talk.dialogue.last_words(), None);
        }
    }
}

// The text.

#[test]
fn r1_a_refusal_in_the_middle_of_the_text_is_the_answer_to_the_dot() {
    for (reply, ends, status) in [
        ("451 4.3.1 disk full", "L", "4.3.1"),
        ("554 5.7.1 spam", "N", "5.7.1"),
        ("552 too big", "N", "5.0.0"),
        ("421 bye", "L", "4.0.0"),
        // An early yes must never mark undelivered mail as delivered.
        ("250 stored", "L", "4.5.0"),
        ("354 go on", "L", "4.5.0"),
    ] {
        let script = ["220", NOTHING, "250", "250", "354", reply];
        let talk = Talk::with(&["bob"], &script);
        assert_eq!(talk.ends(), ends, "{reply}");
        assert_eq!(talk.outcome(0).status(), status, "{reply}");
        // QUIT would be one more line of the text, and no dot was sent.
        assert_eq!(talk.dialogue.last_words(), None, "{reply}");
        assert!(!talk.dialogue.is_reusable(), "{reply}");
    }
}

#[test]
fn case_07_lost_before_the_dot_is_tried_elsewhere_and_after_it_is_not() {
    let before = ["220", NOTHING, "250", "250", "354"];
    for words in [GONE, SILENCE, "25", "354 again"] {
        let mut talk = Talk::with(&["bob"], &before);
        talk.play(&[SENT, words]);
        assert_eq!(talk.ends(), "L", "{words}");
        if words != "354 again" {
            let mut talk = Talk::with(&["bob"], &before);
            talk.play(&[words]);
            assert_eq!(talk.ends(), "L>", "{words}");
        }
    }
}

#[test]
fn a_text_that_cannot_be_read_is_later_and_one_with_a_bare_cr_never() {
    for (decision, ends, status) in [
        (&decision::UNREADABLE, "L N", "4.3.0"),
        (&decision::BARE_CR, "N N", "5.6.0"),
    ] {
        let script = ["220", NOTHING, "250", "250", "550", "354"];
        let mut talk = Talk::with(&["bob", "carol"], &script);
        let outcome = Outcome::of(decision, "why");
        let turn = talk.dialogue.text_fails(outcome);
        talk.note(turn);
        assert_eq!(talk.ends(), ends);
        assert_eq!(talk.outcome(0).status(), status);
        assert_eq!(talk.dialogue.last_words(), None);
    }
}

// The connection.

#[test]
fn r5_what_is_no_reply_is_answered_with_quit() {
    for step in Step::ALL.into_iter().filter(|step| *step != Step::Text) {
        for (words, says_quit) in
            [("25", true), (SILENCE, true), (GONE, false), ("421 x", false)]
        {
            let mut talk = at(step);
            talk.play(&[words]);
            let quit = says_quit.then_some(ClientCommand::Quit);
            assert_eq!(talk.dialogue.last_words(), quit, "{words} {step:?}");
            assert!(!talk.dialogue.is_reusable());
        }
    }
}

#[test]
fn r6_a_connection_carries_100_mails_with_one_ehlo() {
    let mut talk = Talk::with(&["bob"], &DELIVERED);
    for number in 2..=100 {
        assert!(talk.dialogue.is_reusable(), "{number}");
        talk.begin(envelope(&["carol"]));
        talk.play(&DELIVERED[2..]);
        assert_eq!(talk.ends(), "D");
    }
    assert!(!talk.dialogue.is_reusable());
    assert_eq!(talk.dialogue.last_words(), Some(ClientCommand::Quit));
    assert_eq!(talk.said.iter().filter(|s| s.starts_with("EHLO")).count(), 1);
    assert!(!talk.said.contains(&"RSET".to_owned()));
}

#[test]
fn r6_what_a_mail_has_left_open_is_dropped_by_rset() {
    for script in
        [&["550 a"][..], &["250 a", "550 b"], &["250 a", "250 b", "451 c"]]
    {
        let mut talk = Talk::with(&["bob"], &["220", NOTHING]);
        talk.play(script);
        talk.begin(envelope(&["carol"]));
        assert_eq!(talk.last_said(), "RSET", "{script:?}");
        talk.play(&["250 flushed"]);
        assert_eq!(talk.last_said(), "MAIL FROM:<alice@example.org>");
        talk.play(&DELIVERED[2..]);
        assert_eq!(talk.ends(), "D");
        talk.begin(envelope(&["carol"]));
        assert_eq!(talk.last_said(), "MAIL FROM:<alice@example.org>");
    }
    // Together with MAIL, where that is allowed; counted, not guessed.
    let mut talk = Talk::with(&["bob"], &["220", PIPELINING]);
    talk.play(&["250 a", "550 b", "503 d"]);
    talk.begin(envelope(&["carol"]));
    assert_eq!(
        talk.last_said(),
        "RSET|MAIL FROM:<alice@example.org>|RCPT TO:<carol@example.org>|DATA"
    );
    talk.play(&["250 flushed", "250 a", "250 b", "354", SENT, "250"]);
    assert_eq!(talk.ends(), "D");
}

#[test]
fn r6_only_a_used_connection_that_is_lost_before_mail_counts_for_nothing() {
    for words in [GONE, SILENCE, "421 idle for too long", "25"] {
        let mut talk = at(Step::MailAgain);
        talk.play(&[words]);
        assert_eq!(talk.next(), &Next::Anew, "{words}");
        let mut talk = at(Step::Rset);
        talk.play(&[words]);
        assert_eq!(talk.next(), &Next::Anew, "{words}");
        let mut talk = at(Step::Mail);
        talk.play(&[words]);
        assert_eq!(talk.ends(), "L> L>", "{words}");
    }
}

#[test]
fn a_dialogue_that_is_over_says_nothing_more() {
    let mut talk = Talk::with(&["bob"], &["421 bye"]);
    let turn = talk.dialogue.hear(heard("250 x"));
    assert_eq!(turn.next, Next::Anew);
    talk.begin(envelope(&["bob"]));
    assert_eq!(talk.next(), &Next::Anew);
    assert_eq!(talk.said, [""; 0]);
}

#[test]
fn a_mail_for_nobody_is_over_at_once() {
    let talk = Talk::with(&[], &["220", ALL]);
    assert_eq!(talk.fates(), []);
    assert_eq!(talk.said, ["EHLO client.example"]);
}
