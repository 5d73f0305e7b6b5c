//! Where a transcript finds its server: one of three kinds.
//!
//! Our own program and a student's command are started for each transcript,
//! with an empty mail folder; a server that runs is simply there.
//!
//! Interface:
//!   `Stand`      the kind
//!   `Serving`    what was started, until it is stopped
//!   `arguments`  what our own program is started with

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::port::Port;
use super::process::{NotStarted, Process, Started};
use super::{own_server, student};
use crate::transcript::format::script::MailboxAddress;
use crate::transcript::judge::target::{Mail, Target};
use crate::words::reason;

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
        /// With `{port}`, and perhaps more words in braces.
        command: String,
        /// How long it may take to start.
        wait: Duration,
        /// Where it stores the mail of some addresses, if that must be said;
        /// `{maildir}` is the folder that it was given.
        maildirs: Vec<(MailboxAddress, PathBuf)>,
    },
}

/// A server that was started, or one that runs anyway: it ends when it is
/// stopped or dropped, if it was started here.
#[derive(Debug)]
pub(crate) struct Serving {
    process: Option<Process>,
    /// Given back when the server is gone.
    _port: Option<Port>,
}

/// The arguments of `pillarbox serve` that these `Server:` options and those
/// of every transcript are; where it listens and stores mail is not among them.
pub(crate) fn arguments(options: &[(String, String)]) -> Vec<String> {
    own_server::arguments(options, Path::new(""))
}

impl Stand {
    /// A server that runs at `HOST:PORT`.
    pub fn running(
        place: &str,
        wait: Duration,
        maildirs: Vec<(MailboxAddress, PathBuf)>,
    ) -> Result<Stand, String> {
        let found = place.to_socket_addrs();
        let addresses = found.map_err(|error| {
            format!("cannot find {place}: {}", reason(&error))
        })?;
        Ok(Stand::Running { addresses: addresses.collect(), wait, maildirs })
    }

    /// Whether it is our own program.
    pub(crate) fn is_own(&self) -> bool {
        matches!(self, Stand::Own(_))
    }

    /// Whether its server can be told this option of a page.
    pub(crate) fn takes(&self, key: &str) -> bool {
        match self {
            Stand::Own(_) => true,
            Stand::Running { .. } => false,
            Stand::Command { command, .. } => student::takes(command, key),
        }
    }

    /// A server for one transcript, with its `Server:` options if they can be
    /// told.
    pub(crate) fn serve(
        &self,
        options: &[(String, String)],
    ) -> Result<(Serving, Target), NotStarted> {
        match self {
            Stand::Own(program) => {
                let started = own_server::start(program, options)?;
                let mail = Mail::Own(started.process.mail());
                Ok(serving(started, None, Duration::ZERO, mail))
            }
            Stand::Running { addresses, wait, maildirs } => {
                let target = Target {
                    addresses: addresses.clone(),
                    wait: *wait,
                    mail: Mail::Given(maildirs.clone()),
                };
                Ok((Serving { process: None, _port: None }, target))
            }
            Stand::Command { command, wait, maildirs } => {
                let (started, port) = student::start(command, options)?;
                let mail = started.process.mail();
                let mail = match maildirs.as_slice() {
                    [] => Mail::Student(mail),
                    given => Mail::Given(inside(given, &mail)),
                };
                Ok(serving(started, Some(port), *wait, mail))
            }
        }
    }
}

/// The folders of a command, which may lie in the one that it was given.
fn inside(
    maildirs: &[(MailboxAddress, PathBuf)],
    mail: &Path,
) -> Vec<(MailboxAddress, PathBuf)> {
    let mail = mail.to_string_lossy();
    let inside = |folder: &Path| {
        folder.to_string_lossy().replace("{maildir}", &mail).into()
    };
    let pairs = maildirs.iter();
    pairs.map(|(who, folder)| (who.clone(), inside(folder))).collect()
}

/// What was started, and how it is found.
fn serving(
    started: Started,
    port: Option<Port>,
    wait: Duration,
    mail: Mail,
) -> (Serving, Target) {
    let Started { process, address } = started;
    let target = Target { addresses: vec![address], wait, mail };
    (Serving { process: Some(process), _port: port }, target)
}

impl Serving {
    /// How many bytes it has printed so far.
    pub(crate) fn printed(&self) -> usize {
        self.process.as_ref().map_or(0, Process::printed)
    }

    /// Whether something was started that runs still.
    pub(crate) fn is_running(&self) -> bool {
        self.process.as_ref().is_some_and(|process| !process.has_ended())
    }

    /// Ends what was started.
    pub(crate) fn stop(self) {
        self.stop_and_tell(0);
    }

    /// Ends what was started. Gives back the last lines of what it printed
    /// after the first `from` bytes.
    pub(crate) fn stop_and_tell(mut self, from: usize) -> Vec<String> {
        let process = self.process.take();
        process.map(|process| process.stop(from)).unwrap_or_default()
    }
}
