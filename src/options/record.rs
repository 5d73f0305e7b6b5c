//! The options of `pillarbox record`.

use super::{Complaint, Invocation, no_argument, read, wrong};
use crate::transcript::record::Settings;
use getopts::{Matches, Options};
use std::net::SocketAddr;

const USAGE: &str = "\
Stands between a mail client and a server, and writes what they say down as
transcripts, one file for each connection.

Usage: pillarbox record --server HOST:PORT [OPTION]...

It prints one line when it listens. Passwords are not written down, and a
session that is encrypted only up to STARTTLS. Stop it with Ctrl-C.";

const LISTEN: &str = "127.0.0.1:2600";
const FOLDER: &str = "raw";

fn options() -> Options {
    let mut options = Options::new();
    options
        .optopt(
            "l",
            "listen",
            "listen here; port 0 takes a free one (default 127.0.0.1:2600)",
            "ADDR:PORT",
        )
        .optopt("s", "server", "the server", "HOST:PORT")
        .optopt("o", "out", "the folder for the files (default raw)", "DIR");
    options
}

/// Reads what stands behind `record`.
pub(super) fn parse(arguments: &[String]) -> Result<Invocation, Complaint> {
    let mut options = options();
    let Some(given) = read("record", &mut options, arguments)? else {
        return Ok(Invocation::Print(options.usage(USAGE)));
    };
    no_argument("record", &given)?;
    let settings = settings(&given);
    let settings = settings.map_err(|text| format!("record: {text}"))?;
    Ok(Invocation::Record(settings))
}

fn settings(given: &Matches) -> Result<Settings, Complaint> {
    let folder = given.opt_str("out").unwrap_or_else(|| FOLDER.to_owned());
    if folder.is_empty() {
        return Err(wrong("out", &folder, "the name of a folder"));
    }
    Ok(Settings {
        listen: listen(given)?,
        server: server(given)?,
        folder: folder.into(),
    })
}

fn listen(given: &Matches) -> Result<SocketAddr, Complaint> {
    let text = given.opt_str("listen").unwrap_or_else(|| LISTEN.to_owned());
    let what = "an IP address and a port, such as 127.0.0.1:2600";
    text.parse().map_err(|_| wrong("listen", &text, what))
}

fn server(given: &Matches) -> Result<String, Complaint> {
    let Some(text) = given.opt_str("server") else {
        return Err("which server? try: --server 127.0.0.1:2525".to_owned());
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && is_port(port) => Ok(text),
        Some(_) | None => {
            let what = "a host and a port, such as 127.0.0.1:2525";
            Err(wrong("server", &text, what))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options;

    fn parse_words(line: &str) -> Result<Invocation, Complaint> {
        let words: Vec<String> =
            line.split_whitespace().map(str::to_owned).collect();
        options::parse(&words)
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
            assert!(!complaint.contains('\n'), "{complaint}");
            assert!(complaint.starts_with("record: "), "{complaint}");
        }
    }
}
