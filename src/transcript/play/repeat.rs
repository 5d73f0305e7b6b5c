//! Plays one page again and again, to each client that comes: a class has one
//! server to test its clients with.
//!
//! A page with one connection is played to many clients at the same time, so
//! that none has to wait for a slow one. Where a page has several connections,
//! nobody could know to which play the next client belongs: there one play
//! follows the other.
//!
//! Interface:
//!   `play_again`  until the program is ended
//!   `Visit`       what became of one play

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, Builder};
use std::time::Duration;

use super::as_server::play_to;
use super::outcome::{Outcome, Played};
use crate::transcript::format::script::{Action, Transcript};
use crate::words::{no_thread, reason};

/// How many plays there may be at the same time; then the next client waits.
const MOST: usize = 64;

/// After a connection could not be accepted: the next may be one too many, too.
const PAUSE: Duration = Duration::from_millis(100);

/// What became of one play.
#[derive(Debug)]
pub struct Visit {
    /// Counted from 1, in the order in which they came.
    pub number: usize,
    /// Who came; of several clients, the first.
    pub peer: SocketAddr,
    /// What became of it.
    pub played: Played,
}

impl fmt::Display for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Visit { number, peer, played } = self;
        write!(f, "client {number} from {peer}: ")?;
        match &played.outcome {
            Outcome::Pass => write!(f, "pass"),
            Outcome::Fail(failure) | Outcome::NoServer(failure) => {
                write!(f, "FAIL {failure}")
            }
            Outcome::Skip(reason) | Outcome::Lost(reason) => {
                write!(f, "skip: {reason}")
            }
        }?;
        let mut notes = played.notes.iter();
        notes.try_for_each(|note| write!(f, "\n     note {note}"))
    }
}

/// Plays the page to each client that comes. `told` hears of each play as soon
/// as it is over. Does not come back, unless it cannot begin.
pub fn play_again(
    listener: &TcpListener,
    page: &Transcript,
    deadline: Duration,
    told: &mut dyn FnMut(Visit),
) -> io::Result<()> {
    let (sender, visits) = channel();
    let at_once = if has_one_connection(page) { MOST } else { 1 };
    let host = Host { listener, page, deadline, at_once };
    thread::scope(|scope| {
        let welcome = || host.welcome_all(sender);
        Builder::new().spawn_scoped(scope, welcome).map_err(no_thread)?;
        for visit in visits {
            told(visit);
        }
        Ok(())
    })
}

/// Whether all is said on one connection. After it was closed, the next line
/// would be for the next client.
fn has_one_connection(page: &Transcript) -> bool {
    let is_end = |action: &Action| {
        matches!(action, Action::ServerCloses | Action::ClientCloses)
    };
    let mut steps = page.steps.iter();
    let first = page.steps.first().and_then(|step| step.client);
    let is_other =
        steps.any(|step| step.action.has_client() && step.client != first);
    let ends = page.steps.iter().filter(|step| is_end(&step.action)).count();
    let ends_last = page.steps.last().is_some_and(|s| is_end(&s.action));
    !is_other && (ends == 0 || ends == 1 && ends_last)
}

struct Host<'a> {
    listener: &'a TcpListener,
    page: &'a Transcript,
    deadline: Duration,
    at_once: usize,
}

impl Host<'_> {
    fn welcome_all(&self, sender: Sender<Visit>) {
        let busy = AtomicUsize::new(0);
        thread::scope(|scope| {
            for number in 1.. {
                let (stream, peer) = self.next();
                let sender = sender.clone();
                let busy = &busy;
                let tell = move |played: Played| {
                    let _ = sender.send(Visit { number, peer, played });
                    busy.fetch_sub(1, Ordering::Relaxed);
                };
                if busy.fetch_add(1, Ordering::Relaxed) + 1 >= self.at_once {
                    tell(self.play(stream));
                    continue;
                }
                let theirs = tell.clone();
                let play = move || theirs(self.play(stream));
                if let Err(error) = Builder::new().spawn_scoped(scope, play) {
                    tell(too_many(&no_thread(error)));
                }
            }
        });
    }

    /// The next client.
    fn next(&self) -> (TcpStream, SocketAddr) {
        loop {
            // A play that waited for its second client has changed the mode.
            let next = self
                .listener
                .set_nonblocking(false)
                .and_then(|()| self.listener.accept());
            match next {
                Ok(next) => return next,
                Err(_) => thread::sleep(PAUSE),
            }
        }
    }

    fn play(&self, stream: TcpStream) -> Played {
        let listener = match self.listener.try_clone() {
            Ok(listener) => listener,
            Err(error) => return too_many(&error),
        };
        play_to(stream, listener, self.page, self.deadline)
    }
}

fn too_many(error: &io::Error) -> Played {
    let why = format!("no more clients at the same time: {}", reason(error));
    Played::without_talk(Outcome::Skip(why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::format::testing::read;

    #[test]
    fn a_page_with_two_clients_has_more_than_one_connection() {
        let of = |lines: &str| {
            let head = "Title: t\nLevel: own\nPlays: server\n\n";
            has_one_connection(&read(&format!("{head}{lines}")).unwrap())
        };
        assert!(of("S: 220\nC: QUIT\nS: 221\n(server closes)\n"));
        assert!(of("S1: 220\nC1: QUIT\nS1: 221\n(server closes 1)\n"));
        assert!(of("S: 220\nC: QUIT\nS: 221\n"));
        assert!(!of("S1: 220\n(server closes 1)\nS2: 220\n"));
        assert!(!of("S: 220\n(client closes)\nS: 220\n(client closes)\n"));
    }
}
