//! The options of `pillarbox record`.

use super::table::{Given, Row, one};
use super::values::{address_and_port, folder, host_and_port};
use super::{Command, Complaint, Invocation, WRONG_USAGE};
use crate::transcript::record::proxy::ProxySettings as Settings;
use std::net::{Ipv4Addr, SocketAddr};

const ABOUT: &str = "\
Stands between a mail client and a server, and writes what they say down as
transcripts, one file for each connection.

Usage: pillarbox record --server HOST:PORT [OPTION]...

It prints one line when it listens. Passwords are not written down, and a
session that is encrypted only up to STARTTLS. Stop it with Ctrl-C.";

#[rustfmt::skip]
const OPTIONS: &[Row] = &[
    one("l", "listen", "ADDR:PORT",
        "listen here; port 0 takes a free one (default 127.0.0.1:2600)"),
    one("s", "server", "HOST:PORT", "the server"),
    one("o", "out", "DIR", "the folder for the files (default raw)"),
];

pub(super) const COMMAND: Command = Command {
    name: "record",
    about: ABOUT,
    options: OPTIONS,
    wrong_usage: WRONG_USAGE,
    invocation,
};

fn invocation(given: &Given) -> Result<Invocation, Complaint> {
    given.no_argument()?;
    let server = given.value("server", host_and_port)?;
    let server = server.ok_or("which server? try: --server 127.0.0.1:2525")?;
    let mut settings = Settings {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 2600)),
        server: server.to_string(),
        folder: "raw".into(),
    };
    given.set("listen", address_and_port, &mut settings.listen)?;
    given.set("out", folder, &mut settings.folder)?;
    Ok(Invocation::Record(settings))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{self, WrongUsage};

    fn parse_words(line: &str) -> Result<Invocation, WrongUsage> {
        options::parse(&line.split_whitespace().collect::<Vec<_>>())
    }

    #[test]
    fn defaults_are_those_of_the_help() {
        let Ok(Invocation::Record(settings)) =
            parse_words("record --server localhost:25")
        else {
            panic!("no settings");
        };
        let Ok(Invocation::Print(help)) = parse_words("record --help") else {
            panic!("no help");
        };
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for default in [
            format!("(default {})", settings.listen),
            format!("(default {})", settings.folder.display()),
        ] {
            assert!(help.contains(&default), "{default} is not in {help}");
        }
        assert_eq!(settings.server, "localhost:25");
    }

    #[test]
    fn every_wrong_value_is_named_in_one_line() {
        for line in [
            "record",
            "record x",
            "record --frob",
            "record --server",
            "record --server localhost",
            "record --server :25",
            "record --server localhost:0",
            "record --server localhost:smtp",
            "record --server localhost:25 --listen 2600",
            "record --server localhost:25 --listen localhost:2600",
            "record --server localhost:25 --out=",
        ] {
            let Err(complaint) = parse_words(line) else {
                panic!("'{line}' was taken");
            };
            let complaint = complaint.text;
            assert!(!complaint.contains('\n'), "{complaint}");
            assert!(complaint.starts_with("record: "), "{complaint}");
        }
    }
}
