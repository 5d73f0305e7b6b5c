//! `--record`: each session becomes a transcript (`transcript/record/writer.rs`).
//!
//! The file says all that a replay needs: the options of the server are in its
//! header, and its own name is a hole. Commands that came in one read are in a
//! row, and their replies come after them.
//!
//! What must never be: that a session suffers because it cannot be written
//! down. Trouble with a file goes to the log, and the session goes on.
//!
//! Connections that are turned away (421 at once) have no session, and no file.

use super::settings::Settings;
use crate::protocol::extension::Extension;
use crate::protocol::reply::Answer;
use crate::protocol::trace;
use crate::relay::settings::RelaySettings;
use crate::transcript::record::writer::{Closed, Heading, Writer, make_folder};
use crate::wire::Lost;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A replay waits ten seconds for a reply, and nobody likes to wait.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// The longest that the command line takes. A program may say more.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(86_400);

/// Where recordings go, and what is on their top.
#[derive(Debug)]
pub(super) struct Recorders {
    folder: PathBuf,
    options: Vec<(String, String)>,
    relay: Option<RelaySettings>,
}

impl Recorders {
    /// Makes the folder, if it is not there.
    pub(super) fn open(
        folder: PathBuf,
        settings: &Settings,
    ) -> io::Result<Recorders> {
        make_folder(&folder)?;
        let options = options(settings);
        let relay = settings.relay.clone();
        Ok(Recorders { folder, options, relay })
    }

    /// Begins a recording.
    pub(super) fn start(
        &self,
        session: u64,
        client: Option<IpAddr>,
        now: SystemTime,
    ) -> Recorder {
        let since_1970 = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let from = match client {
            Some(client) => client.to_string(),
            None => "standard input".to_owned(),
        };
        let heading = Heading {
            time: &trace::iso_date_time(since_1970.as_secs()),
            from: &from,
            number: session,
            server: &self.options_for(client),
            note: "",
        };
        let mut recorder = Recorder { session, writer: None };
        match Writer::create(&self.folder, &heading) {
            Ok(writer) => recorder.writer = Some(writer),
            Err(error) => recorder.give_up(&error),
        }
        recorder
    }

    /// If this client may relay, so may the one that plays the file.
    fn options_for(&self, client: Option<IpAddr>) -> Vec<(String, String)> {
        let mut options = self.options.clone();
        let relay = self.relay.as_ref().zip(client);
        if relay.is_some_and(|(relay, client)| relay.is_for(client)) {
            options.push(("relay".to_owned(), "yes".to_owned()));
        }
        options
    }
}

/// The recording of one session, if there is one.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    session: u64,
    writer: Option<Writer>,
}

impl Recorder {
    /// What one read has brought.
    pub(super) fn client(&mut self, bytes: &[u8]) {
        self.write(|writer| writer.client(bytes));
    }

    /// What the server answers.
    pub(super) fn reply(&mut self, answer: &Answer) {
        self.write(|writer| writer.reply(&answer.wire_lines("{host}")));
    }

    /// The client was silent for too long. A replay can wait for the 421 as
    /// well, but not for minutes: then a note takes its place.
    pub(super) fn timed_out(&mut self, silence: Duration) {
        self.write(Writer::finish_line);
        if silence > LONGEST_SILENCE {
            let seconds = silence.as_secs();
            let note = format!(
                "{seconds} s of silence, then 421; here the client closes"
            );
            self.write(|writer| writer.note(&note));
            self.end(&Err(Lost::Closed));
        }
    }

    /// The session is over.
    pub(super) fn end(&mut self, ended: &Result<(), Lost>) {
        let closed = match ended {
            Ok(()) | Err(Lost::TimedOut) => Closed::ByServer,
            Err(Lost::Closed | Lost::Broken(_)) => Closed::ByClient,
        };
        self.write(|writer| writer.end(closed));
        self.writer = None;
    }

    fn write(&mut self, what: impl FnOnce(&mut Writer) -> io::Result<()>) {
        if let Some(writer) = &mut self.writer
            && let Err(error) = what(writer)
        {
            self.give_up(&error);
        }
    }

    fn give_up(&mut self, error: &io::Error) {
        self.writer = None;
        log::error!("[{}] cannot record: {error}", self.session);
    }
}

/// The options that make a server behave like this one. Those that have their
/// default are left out, except the names.
fn options(settings: &Settings) -> Vec<(String, String)> {
    let usual = Settings::new("");
    let (offer, usual_offer) = (&settings.offer, &usual.offer);
    let mut list = vec![("hostname", offer.hostname.clone())];
    list.extend(settings.domains.iter().map(|name| ("domain", name.clone())));
    list.extend(settings.mailboxes.iter().map(|mailbox| {
        let (name, domain) = (&mailbox.local_part, &mailbox.domain);
        ("mailbox", format!("{name}@{domain}"))
    }));
    if settings.mailboxes.is_empty() {
        list.push(("mailbox", "*".to_owned()));
    }
    let mut number = |key, value: usize, usual| {
        if value != usual {
            list.push((key, value.to_string()));
        }
    };
    let most = offer.max_recipients;
    number("max-recipients", most, usual_offer.max_recipients);
    let most = settings.max_connections;
    number("max-connections", most, usual.max_connections);
    if let Some(most) = settings.max_per_client {
        list.push(("max-per-client", most.to_string()));
    }
    if offer.max_size != usual_offer.max_size {
        list.push(("max-size", offer.max_size.to_string()));
    }
    if settings.timeout != usual.timeout {
        let seconds = settings.timeout.min(LONGEST_TIMEOUT).as_secs_f64();
        list.push(("timeout", seconds.to_string()));
    }
    let without = offer.without.iter().copied().map(Extension::keyword);
    list.extend(without.map(|keyword| ("without", keyword.to_owned())));
    let owned = |(key, value): (&str, String)| (key.to_owned(), value);
    list.into_iter().map(owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{self as command_line, Invocation};

    fn options_of(line: &str) -> String {
        let words: Vec<String> =
            line.split_whitespace().map(str::to_owned).collect();
        let Ok(Invocation::Serve(settings)) = command_line::parse(&words)
        else {
            panic!("{line}");
        };
        let pairs = options(&settings).into_iter();
        let words: Vec<String> =
            pairs.map(|(key, value)| format!("{key}={value}")).collect();
        words.join(" ")
    }

    #[test]
    fn what_a_replay_needs_is_written_and_no_default() {
        let line = "serve -n mx.example.org -d example.org";
        let wanted = "hostname=mx.example.org domain=example.org mailbox=*";
        assert_eq!(options_of(line), wanted);
        let line = "serve -n mx.example.org -d b.test -d a.test -b c@a.test \
                    --max-size 9 --max-recipients 8 --max-connections 7 \
                    --max-per-client 6 --timeout 0.5 --without SIZE \
                    --without help";
        let wanted = "hostname=mx.example.org domain=b.test domain=a.test \
                      mailbox=c@a.test max-recipients=8 max-connections=7 \
                      max-per-client=6 max-size=9 timeout=0.5 without=SIZE \
                      without=HELP";
        assert_eq!(options_of(line), wanted);
    }
}
