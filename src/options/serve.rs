//! The options of `pillarbox serve`.

use super::{Complaint, Invocation, no_argument, number, read, seconds, wrong};
use crate::mailbox::directory::is_plain;
use crate::protocol::address::{self, Host};
use crate::protocol::extension::Extension;
use crate::protocol::session::LocalMailbox;
use crate::server::Settings;
use getopts::{Matches, Options};
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

const USAGE: &str = "\
Receives mail by SMTP, and stores it in Maildirs.

Usage: pillarbox serve [OPTION]...

It prints one line when it listens. Everything else goes to standard error;
RUST_LOG=debug shows the dialogue, RUST_LOG=trace the states too. Stop it with
Ctrl-C: what was answered 250 is on the disk.";

/// Every thread takes some of the kernel's memory maps; a process that has
/// none left is ended.
const MOST_CONNECTIONS: usize = 10_000;
const MOST_RECIPIENTS: usize = 10_000;

/// Large enough for any message, small enough that twice as much is a number.
const LARGEST_SIZE: u64 = 1 << 40;

fn options() -> Options {
    let mut options = Options::new();
    options
        .optmulti(
            "l",
            "listen",
            "listen here; repeatable; port 0 takes a free one \
             (default 127.0.0.1:2525)",
            "ADDR:PORT",
        )
        .optopt(
            "n",
            "hostname",
            "the name in the greeting and in Received \
             (default: the system's)",
            "NAME",
        )
        .optmulti(
            "d",
            "domain",
            "a domain whose mail is kept here; repeatable \
             (default: the hostname, and localhost)",
            "NAME",
        )
        .optmulti(
            "b",
            "mailbox",
            "a mailbox that exists; repeatable; postmaster always exists \
             (default: every plain name, made when mail comes)",
            "ADDRESS",
        )
        .optopt(
            "m",
            "mail",
            "mailboxes, as DIR/DOMAIN/LOCAL-PART/{tmp,new,cur} \
             (default mail)",
            "DIR",
        )
        .optopt(
            "",
            "max-size",
            "the largest message (default 26214400)",
            "BYTES",
        )
        .optopt(
            "",
            "max-recipients",
            "the most recipients of one transaction (default 100)",
            "N",
        )
        .optopt(
            "",
            "max-connections",
            "the most connections at a time; more get 421 (default 500)",
            "N",
        )
        .optopt(
            "",
            "max-per-client",
            "the most from one address (default 50, but loopback is spared)",
            "N",
        )
        .optopt(
            "",
            "timeout",
            "for one command line, and for DATA with one second more per \
             500 bytes; decimals allowed (default 300)",
            "SECONDS",
        )
        .optmulti(
            "",
            "without",
            "do not offer this extension; repeatable",
            "EXTENSION",
        )
        .optflag(
            "",
            "explain",
            "show the dialogue, each reply with its rule and RFC section",
        )
        .optopt(
            "",
            "record",
            "write each session down as a transcript, into this folder",
            "DIR",
        )
        .optflag(
            "",
            "stdio",
            "one session over standard input and output, without --listen",
        );
    options
}

/// Reads what stands behind `serve`.
pub(super) fn parse(arguments: &[String]) -> Result<Invocation, Complaint> {
    let mut options = options();
    let Some(given) = read("serve", &mut options, arguments)? else {
        return Ok(Invocation::Print(options.usage(USAGE)));
    };
    no_argument("serve", &given)?;
    if given.opt_present("stdio") && given.opt_present("listen") {
        return Err("serve: --stdio does not go with --listen".to_owned());
    }
    let settings = settings(&given).map_err(|text| format!("serve: {text}"))?;
    Ok(if given.opt_present("stdio") {
        Invocation::Converse(Box::new(settings))
    } else {
        Invocation::Serve(Box::new(settings))
    })
}

/// The settings of a server without options, changed as they say.
fn settings(given: &Matches) -> Result<Settings, Complaint> {
    let mut settings = Settings::new(mail(given)?);
    if given.opt_present("listen") {
        settings.listen = listen(given)?;
    }
    let offer = &mut settings.offer;
    offer.hostname = hostname(given)?;
    offer.without = without(given)?;
    number(given, "max-size", 1..=LARGEST_SIZE, &mut offer.max_size)?;
    let most = 1..=MOST_RECIPIENTS;
    number(given, "max-recipients", most, &mut offer.max_recipients)?;

    settings.domains = domains(given, &offer.hostname)?;
    settings.mailboxes = mailboxes(given, &settings.domains)?;

    let most = 1..=MOST_CONNECTIONS;
    let limit = &mut settings.max_connections;
    number(given, "max-connections", most.clone(), limit)?;
    if given.opt_present("max-per-client") {
        let limit = settings.max_per_client.insert(1);
        number(given, "max-per-client", most, limit)?;
    }
    seconds(given, "timeout", &mut settings.timeout)?;
    settings.explain = given.opt_present("explain");
    settings.record = record(given)?;
    Ok(settings)
}

fn listen(given: &Matches) -> Result<Vec<SocketAddr>, Complaint> {
    let read = |text: &String| {
        let what = "an IP address and a port, such as 127.0.0.1:2525";
        text.parse().map_err(|_| wrong("listen", text, what))
    };
    given.opt_strs("listen").iter().map(read).collect()
}

fn hostname(given: &Matches) -> Result<String, Complaint> {
    let Some(name) = given.opt_str("hostname") else {
        return Ok(system_hostname());
    };
    match address::whole_host(&name) {
        Ok(Host::Domain(_) | Host::Address(_)) if name.is_ascii() => Ok(name),
        Ok(_) | Err(_) => {
            let what = "a domain name, such as mx.example.org";
            Err(wrong("hostname", &name, what))
        }
    }
}

/// The name that the system has for itself, if it is fit for a greeting.
fn system_hostname() -> String {
    let files = ["/proc/sys/kernel/hostname", "/etc/hostname"];
    files
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok())
        .map(|name| name.trim().to_owned())
        .find(|name| name.is_ascii() && address::whole_host(name).is_ok())
        .unwrap_or_else(|| "localhost".to_owned())
}

fn domains(given: &Matches, hostname: &str) -> Result<Vec<String>, Complaint> {
    let mut list = given.opt_strs("domain");
    if list.is_empty() {
        list = vec![hostname.to_owned(), "localhost".to_owned()];
    }
    let mut found: Vec<String> = Vec::new();
    for name in &list {
        let domain = match address::whole_host(name) {
            Ok(host @ (Host::Domain(_) | Host::Address(_))) => host.canonical(),
            Ok(Host::General(_)) | Err(_) => {
                let what = "a domain name, such as example.org";
                return Err(wrong("domain", name, what));
            }
        };
        if !found.contains(&domain) {
            found.push(domain);
        }
    }
    Ok(found)
}

fn mailboxes(
    given: &Matches,
    domains: &[String],
) -> Result<Vec<LocalMailbox>, Complaint> {
    let list = given.opt_strs("mailbox");
    list.iter().map(|text| mailbox(text, domains)).collect()
}

/// A mailbox that exists. Its name becomes a folder's, so the alphabet is
/// narrow: `[a-z0-9][a-z0-9._+-]{0,63}`.
fn mailbox(text: &str, domains: &[String]) -> Result<LocalMailbox, Complaint> {
    let what = "an address, such as bob@example.org";
    let mailbox =
        address::mailbox(text).map_err(|_| wrong("mailbox", text, what))?;
    let local_part = mailbox.local_part.to_ascii_lowercase();
    // Where somebody names a mailbox, a + is as good as a hyphen.
    if !is_plain(&local_part.replace('+', "-")) {
        let what = "a mailbox of letters, digits and . _ + - only";
        return Err(wrong("mailbox", text, what));
    }
    let domain = mailbox.host.canonical();
    if !domains.contains(&domain) {
        return Err(format!(
            "--mailbox: {text} is in no domain of this server; \
             try --domain {domain}"
        ));
    }
    Ok(LocalMailbox { domain, local_part })
}

fn mail(given: &Matches) -> Result<PathBuf, Complaint> {
    let folder = given.opt_str("mail").unwrap_or_else(|| "mail".to_owned());
    if folder.is_empty() {
        Err(wrong("mail", &folder, "the name of a folder"))
    } else {
        Ok(folder.into())
    }
}

fn record(given: &Matches) -> Result<Option<PathBuf>, Complaint> {
    match given.opt_str("record") {
        Some(folder) if folder.is_empty() => {
            Err(wrong("record", &folder, "the name of a folder"))
        }
        folder => Ok(folder.map(PathBuf::from)),
    }
}

fn without(given: &Matches) -> Result<Vec<Extension>, Complaint> {
    let read = |name: &String| {
        Extension::named(name).ok_or_else(|| {
            let all = Extension::ALL.map(Extension::keyword).join(", ");
            wrong("without", name, &format!("one of {all}"))
        })
    };
    given.opt_strs("without").iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options;
    use std::time::Duration;

    fn parse_words(line: &str) -> Result<Invocation, Complaint> {
        let words: Vec<String> =
            line.split_whitespace().map(str::to_owned).collect();
        options::parse(&words)
    }

    fn settings_of(line: &str) -> Settings {
        match parse_words(line) {
            Ok(Invocation::Serve(settings)) => *settings,
            Ok(
                Invocation::Converse(_)
                | Invocation::Replay(_)
                | Invocation::Record(_),
            ) => {
                panic!("another command")
            }
            Ok(Invocation::Print(text)) => panic!("{text}"),
            Err(complaint) => panic!("{complaint}"),
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
            "serve --max-size 1 --max-size 2",
            "serve --max-recipients 0",
            "serve --max-connections 10001",
            "serve --max-per-client 0",
            "serve --timeout 0",
            "serve --timeout -1",
            "serve --timeout inf",
            "serve --timeout NaN",
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
            assert!(!complaint.contains('\n'), "{complaint}");
        }
    }
}
