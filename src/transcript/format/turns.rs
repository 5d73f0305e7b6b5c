//! Whose turn it is, in a file that plays the server.
//!
//! A page that leaves out a reply lets both sides wait for each other; a page
//! that reads a message where no message was asked for, too. Neither is the
//! client's fault, so it is found before any client comes.

use std::collections::BTreeMap;

use super::script::{Action, ReplyStep, Step};
use super::text::{Part, Text};

/// What the page says of one connection so far.
#[derive(Debug, Clone, Copy)]
enum Turn {
    /// The server has to speak: to greet, or to answer.
    Server,
    /// The client may say a command.
    Client,
    /// The client sends its message.
    Message,
}

/// Each command is followed by its reply.
pub(super) fn check(steps: &[Step]) -> Vec<(usize, String)> {
    let mut turns = BTreeMap::new();
    let mut client = None;
    let mut findings = Vec::new();
    for step in steps {
        if step.action.has_client() {
            client = step.client;
        }
        let turn = turns.entry(client).or_insert(Turn::Server);
        match after(*turn, &step.action) {
            Ok(next) => *turn = next,
            Err(what) => findings.push((step.source.line, what.into())),
        }
    }
    findings
}

/// Whose turn is next; or what is wrong with this step now.
fn after(turn: Turn, action: &Action) -> Result<Turn, &'static str> {
    match action {
        Action::Send(text) | Action::SendRaw(text) => match turn {
            Turn::Client => Ok(Turn::Server),
            Turn::Message if is_dot(text) => Ok(Turn::Server),
            Turn::Message => Ok(Turn::Message),
            Turn::Server => Err("the client waits for a reply here"),
        },
        Action::RestOfMessage(_) => match turn {
            Turn::Message => Ok(Turn::Server),
            Turn::Client | Turn::Server => {
                Err("the client sends a message only after 354")
            }
        },
        Action::Reply(ReplyStep { also_right, passed_with, .. })
            if !also_right.is_empty() || !passed_with.is_empty() =>
        {
            Err("other codes are for replies that are heard, not said")
        }
        Action::Reply(ReplyStep { code: 354, .. }) => Ok(Turn::Message),
        Action::Reply(_) | Action::ReplyRaw(_) => Ok(Turn::Client),
        Action::ServerCloses | Action::ClientCloses => Ok(Turn::Server),
        Action::ClientConnects
        | Action::Silence(_)
        | Action::Wait(_)
        | Action::Mailbox(_)
        | Action::MayQuit => Ok(turn),
    }
}

fn is_dot(text: &Text) -> bool {
    text.parts == [Part::Bytes(b".".to_vec())]
}

#[cfg(test)]
mod tests {
    use super::super::testing::read;
    use super::*;

    /// The lines with findings, counted from the first step.
    fn found(lines: &str) -> Vec<usize> {
        let head = "Title: t\nLevel: own\nPlays: server\n\n";
        let steps = read(&format!("{head}{lines}")).unwrap().steps;
        check(&steps).iter().map(|(line, _)| line - 4).collect()
    }

    #[test]
    fn every_command_is_followed_by_its_reply() {
        assert_eq!(found("S: 220\nC: EHLO {x}\nS: 250\nC: QUIT\nS: 221\n"), []);
        assert_eq!(found("S: 220\nC: EHLO {x}\nC: QUIT\nS: 221\n"), [3]);
        assert_eq!(found("S: 220\nC> EHLO\nS> 250\nC: QUIT\n"), []);
    }

    #[test]
    fn the_server_speaks_first_on_every_connection() {
        assert_eq!(found("C: EHLO {x}\nS: 250\n"), [1]);
        let again = "S: 220\n(server closes)\nC: QUIT\nS: 221\n";
        assert_eq!(found(again), [3]);
        let two = "S1: 220\nC1: NOOP\nS2: 220\nC2: NOOP\nS1: 250\nS2: 250\n";
        assert_eq!(found(two), []);
        assert_eq!(found("S1: 220\nC2: NOOP\n"), [2]);
    }

    #[test]
    fn a_message_is_read_only_where_one_was_asked_for() {
        let good = [
            "S: 220\nC: DATA\nS: 354\n(rest of message)\nS: 250\nC: QUIT\n",
            "S: 220\nC: DATA\nS: 354\nC: a\nC: .\nS: 250\nC: QUIT\n",
            "S: 220\nC: DATA\nS: 354\nC: a\n(rest of message)\nS: 250\n",
        ];
        for page in good {
            assert_eq!(found(page), [], "{page}");
        }
        assert_eq!(found("S: 220\nC: DATA\n(rest of message)\n"), [3]);
        assert_eq!(found("S: 220\nC: DATA\nS: 354\nC: .\nC: QUIT\n"), [5]);
    }

    #[test]
    fn other_codes_are_for_replies_that_are_heard() {
        assert_eq!(found("S: 220\n(also right: 5xx)\n"), [1]);
    }
}
