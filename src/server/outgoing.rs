//! What watches mail that is sent on: the log and the live dialogue.
//!
//! The sending half tells its events; each becomes a line of the log, and with
//! `--explain` a part of the live dialogue. A turn (one look-up, one
//! connection) has a number of its own, with an arrow before it: `[->3]`.

use super::live::{LOGGED_BYTES, explainer, print};
use crate::protocol::explain::Explainer;
use crate::protocol::outcome::Heard;
use crate::protocol::outgoing::ClientCommand;
use crate::relay::client;
use crate::relay::event::{Event, Observer};
use crate::words::printable;

/// Tells what happens to the log, and to the live dialogue if somebody reads
/// it.
pub(super) fn observer(explain: bool) -> Box<Observer<'static>> {
    Box::new(move |event| {
        log_event(&event);
        if explain {
            explain_event(&event);
        }
    })
}

fn log_event(event: &Event<'_>) {
    match event {
        Event::Settled(..)
        | Event::Later(..)
        | Event::Bounced(..)
        | Event::Over(_)
        | Event::Removed(_)
        | Event::Flushed => log::info!("[queue] {event}"),
        Event::Dead(..) => log::warn!("[queue] {event}"),
        Event::Trouble(..) => log::error!("[queue] {event}"),
        Event::TurnBegins(turn, _)
        | Event::LookUp(turn, _)
        | Event::Trying(turn, ..)
        | Event::TurnEnds(turn) => log::debug!("[->{turn}] {event}"),
        Event::Dialogue(turn, step) => log_dialogue(*turn, step),
    }
}

fn log_dialogue(turn: u64, event: &client::Event<'_>) {
    match event {
        client::Event::Said(command) => {
            let line = command.to_string();
            let line = printable(line.as_bytes(), LOGGED_BYTES);
            log::debug!("[->{turn}] C: {line}");
        }
        client::Event::SaidText(size) => {
            log::debug!("[->{turn}] C: ({size} bytes)");
        }
        client::Event::Heard(Heard::Reply(reply)) => {
            for line in &reply.lines {
                let line = printable(line, LOGGED_BYTES);
                log::debug!("[->{turn}] S: {line}");
            }
        }
        client::Event::Heard(Heard::NoReply(what) | Heard::Gone(what)) => {
            log::debug!("[->{turn}] {what}");
        }
        client::Event::Connecting(target) => {
            log::debug!("[->{turn}] connecting to {target}");
        }
        client::Event::Unreachable(target, why) => {
            log::debug!("[->{turn}] cannot connect to {target}: {why}");
        }
        client::Event::Decided(step, made) => {
            log::trace!("[->{turn}] {}", made.sentence(*step));
        }
        client::Event::Connected(..) | client::Event::Closed => {}
    }
}

fn explain_event(event: &Event<'_>) {
    let turn = match event {
        Event::TurnBegins(turn, _)
        | Event::LookUp(turn, _)
        | Event::Trying(turn, ..)
        | Event::TurnEnds(turn) => *turn,
        Event::Dialogue(turn, step) => {
            return print(&dialogue(&explainer(*turn, true), step));
        }
        Event::Settled(..)
        | Event::Later(..)
        | Event::Bounced(..)
        | Event::Over(_)
        | Event::Dead(..)
        | Event::Removed(_)
        | Event::Flushed
        | Event::Trouble(..) => return print(&format!("[queue] {event}\n")),
    };
    print(&explainer(turn, true).event(&event.to_string()));
}

/// A step of our client, as text.
fn dialogue(explainer: &Explainer, event: &client::Event<'_>) -> String {
    match event {
        client::Event::Connecting(target) => {
            explainer.event(&format!("connecting to {target}"))
        }
        client::Event::Unreachable(target, why) => {
            explainer.event(&format!("cannot connect to {target}: {why}"))
        }
        client::Event::Connected(target, _) => {
            explainer.event(&format!("connected to {target}"))
        }
        client::Event::Said(ClientCommand::Dot) => explainer.client(b".\r\n"),
        client::Event::Said(command) => {
            explainer.client(format!("{command}\r\n").as_bytes())
        }
        client::Event::SaidText(size) => {
            explainer.client(format!("... {size} bytes").as_bytes())
        }
        client::Event::Heard(Heard::Reply(reply)) => {
            reply.lines.iter().map(|line| explainer.server(line)).collect()
        }
        client::Event::Heard(Heard::NoReply(what) | Heard::Gone(what)) => {
            explainer.event(what)
        }
        client::Event::Decided(step, made) => explainer.decision(*step, made),
        client::Event::Closed => explainer.event("closed"),
    }
}
