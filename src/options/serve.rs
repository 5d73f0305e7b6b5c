//! The options of `pillarbox serve`.

use super::addresses::{host, local_mailbox};
use super::table::{Given, Row, flag, many, one};
use super::values::{Read, address_and_port, folder, seconds, whole};
use super::{Command, Complaint, Invocation, WRONG_USAGE, relay};
use crate::protocol::extension::Extension;
use crate::protocol::session::LocalMailbox;
use crate::server::Settings;
use std::fs;
use std::net::SocketAddr;

const ABOUT: &str = "\
Receives mail by SMTP, and stores it in Maildirs.

Usage: pillarbox serve [OPTION]...

It prints one line when it listens. Everything else goes to standard error;
RUST_LOG=debug shows the dialogue, RUST_LOG=trace the states too. Stop it with
Ctrl-C: what was answered 250 is on the disk.";

#[rustfmt::skip]
const OPTIONS: &[Row] = &[
    many("l", "listen", "ADDR:PORT",
        "listen here; repeatable; port 0 takes a free one; - is a socket that \
         listens already, as standard input (default 127.0.0.1:2525)"),
    one("n", "hostname", "NAME",
        "the name in the greeting and in Received (default: the system's)"),
    many("d", "domain", "NAME",
        "a domain whose mail is kept here; repeatable \
         (default: the hostname, and localhost)"),
    many("b", "mailbox", "ADDRESS",
        "a mailbox that exists; repeatable; postmaster always exists \
         (default: every plain name, made when mail comes)"),
    one("m", "mail", "DIR",
        "mailboxes, as DIR/DOMAIN/LOCAL-PART/{tmp,new,cur} (default mail)"),
    one("", "max-size", "BYTES", "the largest message (default 26214400)"),
    one("", "max-recipients", "N",
        "the most recipients of one transaction (default 100)"),
    one("", "max-connections", "N",
        "the most connections at a time; more get 421 (default 500)"),
    one("", "max-per-client", "N",
        "the most from one address (default 50, but loopback is spared)"),
    one("", "timeout", "SECONDS",
        "for one command line, and for DATA with one second more per \
         500 bytes; decimals allowed (default 300)"),
    many("", "without", "EXTENSION",
        "do not offer this extension; repeatable"),
    flag("", "explain",
        "show the dialogue, each reply with its rule and RFC section"),
    one("", "record", "DIR",
        "write each session down as a transcript, into this folder"),
    flag("", "stdio",
        "one session over standard input and output, without --listen; no log \
         if standard error is the client's, too"),

    // Mail for other hosts.
    one("", "queue", "DIR",
        "take mail for other domains, from the clients of --relay-from, keep \
         it in this folder, and send it on (default: none is taken)"),
    many("", "relay-from", "ADDR[/BITS]",
        "a client, or a network of them, whose mail for other domains is \
         taken; repeatable (default: loopback). Behind a proxy or stunnel on \
         this machine every client is loopback"),
    one("", "smart-host", "HOST:PORT",
        "send it all to this server (default: to the MX hosts of each domain)"),
    one("", "resolver", "ADDR:PORT",
        "the name server to ask (default: that of /etc/resolv.conf)"),
    one("", "mx-port", "PORT",
        "where MX hosts listen; any port but 25 makes it a lab, in which they \
         may be on loopback (default 25)"),
    one("", "retry-first", "SECONDS",
        "how long to wait after the first try that failed; each wait is twice \
         the one before (default 1800)"),
    one("", "retry-max", "SECONDS",
        "the longest wait between two tries (default 10800)"),
    one("", "give-up", "SECONDS",
        "the age at which mail that cannot be sent is reported to its sender \
         (default 432000)"),
    one("", "send-timeout", "SECONDS",
        "the longest wait for a connection, a reply, or a block of data to be \
         taken (default: as in RFC 5321 4.5.3.2)"),
];

pub(super) const COMMAND: Command = Command {
    name: "serve",
    about: ABOUT,
    options: OPTIONS,
    wrong_usage: WRONG_USAGE,
    invocation,
};

/// Each connection has a thread, which takes four memory maps (its stack, the
/// stack of its signal handler, and a guard page for each). Linux allows a
/// process 65,530 (`vm.max_map_count`), and one that has none left is ended.
const MOST_CONNECTIONS: usize = 10_000;
const MOST_RECIPIENTS: usize = 10_000;

/// Large enough for any message, small enough that twice as much is a number.
const LARGEST_SIZE: u64 = 1 << 40;

fn invocation(given: &Given) -> Result<Invocation, Complaint> {
    given.no_argument()?;
    if given.has("stdio") && given.has("listen") {
        return Err("--stdio does not go with --listen".to_owned());
    }
    let settings = Box::new(settings(given)?);
    Ok(match given.has("stdio") {
        true => Invocation::Converse(settings),
        false => Invocation::Serve(settings),
    })
}

/// The settings of a server without options, changed as they say.
fn settings(given: &Given) -> Result<Settings, Complaint> {
    let mut settings = Settings::new("mail");
    given.set("mail", folder, &mut settings.mail)?;
    let places = given.values("listen", place)?;
    if !places.is_empty() {
        settings.listen_on_stdin = places.contains(&None);
        settings.listen = places.into_iter().flatten().collect();
    }

    let offer = &mut settings.offer;
    offer.hostname =
        given.value("hostname", hostname)?.unwrap_or_else(system_hostname);
    offer.without = given.values("without", extension)?;
    given.set("max-size", whole(1..=LARGEST_SIZE), &mut offer.max_size)?;
    let most = whole(1..=MOST_RECIPIENTS);
    given.set("max-recipients", most, &mut offer.max_recipients)?;

    settings.domains = domains(given, &offer.hostname)?;
    settings.mailboxes = mailboxes(given, &settings.domains)?;

    let limit = &mut settings.max_connections;
    given.set("max-connections", connections, limit)?;
    settings.max_per_client = given.value("max-per-client", connections)?;
    given.set("timeout", seconds, &mut settings.timeout)?;
    settings.explain = given.has("explain");
    settings.record = given.value("record", folder)?;
    settings.relay = relay::settings(given)?;
    Ok(settings)
}

/// An address to listen on, or none for standard input.
fn place(text: &str) -> Read<Option<SocketAddr>> {
    if text == "-" { Ok(None) } else { address_and_port(text).map(Some) }
}

fn hostname(text: &str) -> Read<String> {
    host(text, "mx.example.org").map(|_| text.to_owned())
}

/// The name that the system has for itself, if it is fit for a greeting.
pub(super) fn system_hostname() -> String {
    let files = ["/proc/sys/kernel/hostname", "/etc/hostname"];
    files
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok())
        .map(|name| name.trim().to_owned())
        .find(|name| hostname(name).is_ok())
        .unwrap_or_else(|| "localhost".to_owned())
}

/// The domains whose mail is kept here, each once.
fn domains(given: &Given, hostname: &str) -> Result<Vec<String>, Complaint> {
    let mut named = given.values("domain", domain)?;
    if named.is_empty() {
        let usual = [hostname, "localhost"].map(domain).into_iter();
        named = usual.collect::<Read<_>>()?;
    }
    let mut domains: Vec<String> = Vec::new();
    for domain in named {
        if !domains.contains(&domain) {
            domains.push(domain);
        }
    }
    Ok(domains)
}

fn domain(text: &str) -> Read<String> {
    host(text, "example.org").map(|host| host.canonical())
}

/// The mailboxes that exist, each in one of the domains.
fn mailboxes(
    given: &Given,
    domains: &[String],
) -> Result<Vec<LocalMailbox>, Complaint> {
    let mailboxes = given.values("mailbox", local_mailbox)?;
    let is_here = |m: &LocalMailbox| domains.contains(&m.domain);
    match mailboxes.iter().find(|mailbox| !is_here(mailbox)) {
        None => Ok(mailboxes),
        Some(LocalMailbox { local_part, domain }) => Err(format!(
            "--mailbox: {local_part}@{domain} is in no domain of this server; \
             try --domain {domain}"
        )),
    }
}

fn connections(text: &str) -> Read<usize> {
    whole(1..=MOST_CONNECTIONS)(text).map_err(|what| {
        format!(
            "{what}: each connection has a thread, and 10000 threads take \
             40000 of the 65530 memory maps that Linux allows a process"
        )
    })
}

fn extension(text: &str) -> Read<Extension> {
    Extension::named(text).ok_or_else(|| {
        let all = Extension::ALL.map(Extension::keyword).join(", ");
        format!("one of {all}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{self, WrongUsage};
    use std::time::Duration;

    fn parse_words(line: &str) -> Result<Invocation, WrongUsage> {
        options::parse(&line.split_whitespace().collect::<Vec<_>>())
    }

    fn settings_of(line: &str) -> Settings {
        match parse_words(line) {
            Ok(Invocation::Serve(settings)) => *settings,
            other => panic!("{line}: {:?}", other.err()),
        }
    }

    #[test]
    fn defaults_are_those_of_the_help() {
        let settings = settings_of("serve");
        let Ok(Invocation::Print(help)) = parse_words("serve --help") else {
            panic!("no help");
        };
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for default in [
            format!("(default {})", settings.listen[0]),
            format!("(default {})", settings.offer.max_size),
            format!("(default {})", settings.offer.max_recipients),
            format!("(default {})", settings.max_connections),
            format!("(default {})", settings.timeout.as_secs_f64()),
            format!("(default {})", settings.mail.display()),
        ] {
            assert!(help.contains(&default), "{default} is not in {help}");
        }
        assert_eq!(settings.max_per_client, None);
        assert!(settings.domains.contains(&"localhost".to_owned()));
    }

    #[test]
    fn a_domain_replaces_the_default_and_is_lower_case() {
        let settings = settings_of(
            "serve -d Example.ORG -d example.org -d [127.0.0.1] \
             -b Bob@EXAMPLE.org",
        );
        assert_eq!(settings.domains, ["example.org", "[127.0.0.1]"]);
        assert_eq!(settings.mailboxes[0].local_part, "bob");
        assert_eq!(settings.mailboxes[0].domain, "example.org");
    }

    #[test]
    fn a_dash_is_a_socket_on_standard_input_beside_or_without_others() {
        let settings = settings_of("serve --listen - -l 127.0.0.1:0");
        assert!(settings.listen_on_stdin);
        assert_eq!(settings.listen.len(), 1);
        assert!(settings_of("serve -l -").listen.is_empty());
        assert!(!settings_of("serve").listen_on_stdin);
    }

    #[test]
    fn decimals_are_allowed_for_seconds() {
        let timeout = settings_of("serve --timeout 0.25").timeout;
        assert_eq!(timeout, Duration::from_millis(250));
    }

    #[test]
    fn every_wrong_value_is_named_in_one_line() {
        for line in [
            "",
            "frobnicate",
            "--frob",
            "serve x",
            "serve --frob",
            "serve --listen 2525",
            "serve --listen localhost",
            "serve --listen 127.0.0.1:99999",
            "serve --hostname a_b",
            "serve --hostname -x",
            "serve --hostname käthe.example",
            "serve --domain käthe.example",
            "serve -d käthe.example -b bob@käthe.example",
            "serve --mailbox bob@käthe.example",
            "serve --domain ..",
            "serve --domain a/b",
            "serve --domain [tag:../../x]",
            "serve --mailbox bob",
            "serve --mailbox bob@elsewhere.example",
            "serve -d example.org -b ../x@example.org",
            "serve -d example.org -b \"a/b\"@example.org",
            "serve --max-size 0",
            "serve --max-size -1",
            "serve --max-size +1",
            "serve --max-size 1k",
            "serve --max-size 99999999999999999999",
            "serve --max-recipients 0",
            "serve --max-connections 10001",
            "serve --max-per-client 0",
            "serve --timeout 0",
            "serve --timeout -1",
            "serve --timeout inf",
            "serve --timeout NaN",
            "serve --timeout +1",
            "serve --timeout 1e1",
            "serve --timeout .",
            "serve --timeout 1.2.3",
            "serve --timeout 1e9",
            "serve --stdio --listen 127.0.0.1:0",
            "serve --without STARTTLS",
            "serve --mail",
            "serve --mail=",
            "serve --record=",
        ] {
            let Err(complaint) = parse_words(line) else {
                panic!("'{line}' was taken");
            };
            assert!(!complaint.text.contains('\n'), "{complaint:?}");
        }
    }
}
