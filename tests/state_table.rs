//! The table is the machine (RFC 5321 4.1.4 and 4.3.2): every command in every
//! state has one visible outcome, and all of them are here.
//!
//! An outcome is the code of the reply and, after it, the next state if it
//! changes. A dot is silence.

mod support;

use pillarbox::protocol::command::{Command, names, syntax_of};
use pillarbox::protocol::reply;
use pillarbox::protocol::session::State;
use support::machine::{COLUMNS, ROWS, outcome, send, session_in};

/// `Mail*` is the state Mail after a recipient was refused.
const TABLE: &str = "\
command        Connected    Greeted      Mail         Mail*        Rcpt         Data         Closed
EHLO           250 Greeted  250          250 Greeted  250 Greeted  250 Greeted  .            .
HELO           250 Greeted  250          250 Greeted  250 Greeted  250 Greeted  .            .
EHLO wrong     501          501          501          501          501          .            .
MAIL           503          250 Mail     503          503          503          .            .
MAIL wrong     501          501          501          501          501          .            .
MAIL parameter 503          555          503          503          503          .            .
RCPT           503          503          250 Rcpt     250 Rcpt     250          .            .
RCPT refused   503          503          550          550          550          .            .
RCPT wrong     501          501          501          501          501          .            .
RCPT parameter 503          503          555          555          555          .            .
DATA           503          503          503          554          354 Data     .            .
RSET           250          250          250 Greeted  250 Greeted  250 Greeted  .            .
VRFY           252          252          252          252          252          .            .
EXPN           502          502          502          502          502          .            .
HELP           214          214          214          214          214          .            .
NOOP           250          250          250          250          250          .            .
QUIT           221 Closed   221 Closed   221 Closed   221 Closed   221 Closed   .            .
unknown        500          500          500          500          500          .            .
GET            421 Closed   421 Closed   421 Closed   421 Closed   421 Closed   .            .
";

#[test]
fn every_command_in_every_state_has_the_outcome_of_the_table() {
    let mut table = format!("{:15}", "command");
    for (state, _) in COLUMNS {
        table.push_str(&format!("{state:13}"));
    }
    for (row, _) in ROWS {
        table.truncate(table.trim_end().len());
        table.push_str(&format!("\n{row:15}"));
        for (_, way) in COLUMNS {
            table.push_str(&format!("{:13}", outcome(way, row)));
        }
    }
    assert_eq!(format!("{}\n", table.trim_end()), TABLE);
}

#[test]
fn the_way_into_each_state_leads_there() {
    for (name, way) in COLUMNS {
        let session = session_in(way);
        let found = session.state().name().to_string();
        assert_eq!(found, name.trim_end_matches('*'));
    }
}

#[test]
fn a_refused_command_leaves_the_transaction_as_it_was_rfc_5321_4_1_4() {
    for (_, way) in COLUMNS {
        for (row, _) in ROWS {
            let mut session = session_in(way);
            let before = session.state().clone();
            let code = send(&mut session, row);
            let is_refusal = code.is_none_or(|code| code >= 500);
            // A refused recipient is remembered, for DATA.
            if is_refusal && !row.starts_with("RCPT") {
                assert_eq!(*session.state(), before, "{row} in {before:?}");
            }
        }
    }
}

#[test]
fn data_after_nothing_but_unreadable_recipients_is_554_rfc_5321_3_3() {
    for row in ["RCPT wrong", "RCPT parameter", "RCPT refused"] {
        let mut session = session_in(&["EHLO", "MAIL", row]);
        assert_eq!(send(&mut session, "DATA"), Some(554), "{row}");
        // A good one makes up for it.
        assert_eq!(send(&mut session, "RCPT"), Some(250), "{row}");
        assert_eq!(send(&mut session, row).map(|code| code / 100), Some(5));
        assert_eq!(send(&mut session, "DATA"), Some(354), "{row}");
    }
}

#[test]
fn ehlo_helo_rset_and_the_end_of_data_drop_the_transaction() {
    for row in ["EHLO", "HELO", "RSET"] {
        let mut session = session_in(&["EHLO", "MAIL", "RCPT"]);
        send(&mut session, row);
        assert_eq!(*session.state(), State::Greeted, "{row}");
    }
    for outcome in [Ok(()), Err(reply::LOCAL_ERROR)] {
        let mut session = session_in(&["EHLO", "MAIL", "RCPT", "DATA"]);
        let want = outcome.err().unwrap_or(reply::STORED);
        assert_eq!(session.end_of_data(outcome).answer.reply, want);
        assert_eq!(*session.state(), State::Greeted);
    }
}

#[test]
fn the_twentieth_mistake_ends_the_session_and_refused_recipients_do_not() {
    let mut session = session_in(&["EHLO", "MAIL"]);
    for _ in 0..100 {
        assert_eq!(send(&mut session, "RCPT refused"), Some(550));
    }
    for _ in 0..19 {
        assert_eq!(send(&mut session, "unknown"), Some(500));
    }
    assert_eq!(send(&mut session, "NOOP"), Some(250));
    assert_eq!(send(&mut session, "MAIL"), Some(421));
    assert_eq!(*session.state(), State::Closed);
}

/// The verbs that `Command::parse` makes a command of: each has an arm.
fn verbs() -> Vec<&'static str> {
    let source = include_str!("../src/protocol/command.rs");
    let arms = source.lines().skip_while(|line| !line.contains("= match verb"));
    let arms = arms.take_while(|line| line.trim() != "};");
    let verb = |line: &'static str| {
        line.trim().strip_prefix("b\"")?.split_once("\" =>")
    };
    arms.filter_map(verb).map(|(verb, _)| verb).collect()
}

#[test]
fn every_verb_that_is_read_has_its_line_in_help_and_the_other_way_round() {
    let verbs = verbs();
    assert!(verbs.len() >= 10, "{verbs:?}");
    for verb in &verbs {
        assert!(syntax_of(verb).is_some(), "{verb} has no line in SYNTAX");
    }
    for name in names() {
        assert!(verbs.contains(&name), "HELP tells of {name}");
        let syntax = syntax_of(name).unwrap_or_default();
        assert!(syntax.starts_with(name), "{syntax}");
        let refused = [
            Command::NotImplemented,
            Command::Unreadable(reply::UNKNOWN_COMMAND),
        ];
        assert!(!refused.contains(&Command::parse(name.as_bytes())), "{name}");
    }
}
