//! Where a transcript finds its server: one of three kinds.
//!
//! Our own program and a student's command are started for each transcript,
//! with an empty mail folder; a server that runs is simply there.
//!
//! Interface:
//!   `Stand`   the kind
//!   `Server`  what was started, until it is stopped

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use super::own_server::{NotStarted, OwnServer};
use super::script::MailboxAddress;
use super::student::Student;
use super::target::{Mail, Target};

/// Where a transcript finds its server.
#[derive(Debug, Clone)]
pub enum Stand {
    /// This program, started for each transcript.
    Own(PathBuf),
    /// A server that runs.
    Running {
        /// Where it listens.
        addresses: Vec<SocketAddr>,
        /// How long it may take to start.
        wait: Duration,
        /// Where it stores the mail of some addresses.
        maildirs: Vec<(MailboxAddress, PathBuf)>,
    },
    /// A command that starts a server, run for each transcript.
    Command {
        /// With `{port}` and `{maildir}`.
        command: String,
        /// How long it may take to start.
        wait: Duration,
        /// Where it stores the mail of some addresses, if not in `{maildir}`.
        maildirs: Vec<(MailboxAddress, PathBuf)>,
    },
}

/// A server that was started, or one that runs anyway. It ends when it is
/// dropped, too.
#[derive(Debug)]
pub(super) enum Server {
    Own(OwnServer),
    Running,
    Student(Student),
}

impl Stand {
    /// A server that runs at `HOST:PORT`.
    pub fn running(
        place: &str,
        wait: Duration,
        maildirs: Vec<(MailboxAddress, PathBuf)>,
    ) -> Result<Stand, String> {
        let found = place.to_socket_addrs();
        let addresses =
            found.map_err(|error| format!("{place} is nowhere: {error}"))?;
        Ok(Stand::Running { addresses: addresses.collect(), wait, maildirs })
    }

    /// Whether it is our own program.
    pub(super) fn is_own(&self) -> bool {
        matches!(self, Stand::Own(_))
    }

    /// A server for one transcript; `options` are for our own program only.
    pub(super) fn serve(
        &self,
        options: &[(String, String)],
    ) -> Result<(Server, Target), NotStarted> {
        match self {
            Stand::Own(program) => {
                let server = OwnServer::start(program, options)?;
                let target = Target {
                    addresses: vec![server.address()],
                    wait: Duration::ZERO,
                    mail: Mail::Own(server.mail()),
                };
                Ok((Server::Own(server), target))
            }
            Stand::Running { addresses, wait, maildirs } => {
                let target = Target {
                    addresses: addresses.clone(),
                    wait: *wait,
                    mail: Mail::Given(maildirs.clone()),
                };
                Ok((Server::Running, target))
            }
            Stand::Command { command, wait, maildirs } => {
                let server = Student::start(command)?;
                let mail = match maildirs.as_slice() {
                    [] => Mail::Student(server.mail()),
                    [_, ..] => Mail::Given(maildirs.clone()),
                };
                let target = Target {
                    addresses: vec![server.address()],
                    wait: *wait,
                    mail,
                };
                Ok((Server::Student(server), target))
            }
        }
    }
}

impl Server {
    /// Ends what was started. Gives back the last lines of its log.
    pub(super) fn stop(self) -> Vec<String> {
        match self {
            Server::Own(server) => server.stop(),
            Server::Running => Vec::new(),
            Server::Student(server) => server.stop(),
        }
    }
}
