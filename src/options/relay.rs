//! The options of `pillarbox serve` that concern mail for other hosts. Their
//! rows are in the table of `serve.rs`.

use super::Complaint;
use super::addresses::in_ascii;
use super::table::Given;
use super::values::{
    Read, address_and_port, folder, host_and_port, long_seconds, port, seconds,
};
use crate::relay::settings::{HostPort, Network, RelaySettings};
use std::net::{IpAddr, SocketAddr};

/// What is of no use as long as nothing is relayed.
const ONLY_WITH_QUEUE: [&str; 8] = [
    "relay-from",
    "smart-host",
    "resolver",
    "mx-port",
    "retry-first",
    "retry-max",
    "give-up",
    "send-timeout",
];

/// What the options say of relaying; none without `--queue`.
pub(super) fn settings(
    given: &Given,
) -> Result<Option<RelaySettings>, Complaint> {
    let Some(queue) = given.value("queue", folder)? else {
        given.has_none_of(&ONLY_WITH_QUEUE, "needs --queue")?;
        return Ok(None);
    };
    let mut relay = RelaySettings::new(queue);
    let networks = given.values("relay-from", network)?;
    if !networks.is_empty() {
        relay.relay_from = networks;
    }
    relay.smart_host = given.value("smart-host", smart_host)?;
    relay.resolver = given.value("resolver", resolver)?;
    given.set("mx-port", port, &mut relay.mx_port)?;
    given.set("retry-first", long_seconds, &mut relay.retry_first)?;
    given.set("retry-max", long_seconds, &mut relay.retry_max)?;
    given.set("give-up", long_seconds, &mut relay.give_up)?;
    relay.send_timeout = given.value("send-timeout", seconds)?;
    waits_grow(&relay)?;
    Ok(Some(relay))
}

/// One of the two may be a default.
fn waits_grow(relay: &RelaySettings) -> Result<(), Complaint> {
    if relay.retry_first <= relay.retry_max {
        return Ok(());
    }
    let (first, max) = (relay.retry_first, relay.retry_max);
    let (first, max) = (first.as_secs_f64(), max.as_secs_f64());
    Err(format!("--retry-max ({max}) is less than --retry-first ({first})"))
}

/// `ADDR[/BITS]`
fn network(text: &str) -> Read<Network> {
    let what = "an address or a network, such as 192.0.2.7 or 192.0.2.0/24";
    let network = match text.split_once('/') {
        None => text.parse().ok().map(Network::only),
        Some((address, bits)) => bits_of(address, bits),
    };
    network.ok_or_else(|| what.to_owned())
}

fn bits_of(address: &str, bits: &str) -> Option<Network> {
    let address: IpAddr = address.parse().ok()?;
    // `+8` is a number, too.
    let is_plain = bits.bytes().all(|byte| byte.is_ascii_digit());
    let bits = bits.parse().ok().filter(|_| is_plain)?;
    Network::new(address, bits)
}

/// Its name is looked up in DNS, by us.
fn smart_host(text: &str) -> Read<HostPort> {
    match host_and_port(text)? {
        place if place.host.is_ascii() => Ok(place),
        _ => Err(in_ascii()),
    }
}

fn resolver(text: &str) -> Read<SocketAddr> {
    let address = address_and_port(text).ok();
    address
        .filter(|address| address.port() > 0)
        .ok_or_else(|| "an IP address and a port, such as 127.0.0.1:53".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{self, Invocation, WrongUsage};
    use std::time::Duration;

    fn parse_words(line: &str) -> Result<Invocation, WrongUsage> {
        options::parse(&line.split_whitespace().collect::<Vec<_>>())
    }

    fn relay_of(line: &str) -> Option<RelaySettings> {
        match parse_words(line) {
            Ok(Invocation::Serve(settings)) => settings.relay,
            Ok(Invocation::Converse(settings)) => settings.relay,
            other => panic!("{line}: {:?}", other.err()),
        }
    }

    #[test]
    fn nothing_is_relayed_unless_there_is_a_queue() {
        assert_eq!(relay_of("serve"), None);
        let relay = relay_of("serve --queue q");
        assert_eq!(relay, Some(RelaySettings::new("q")));
        // Accepted, with a warning of the program's (its queue stays shut).
        assert!(relay_of("serve --stdio --queue q").is_some());
    }

    #[test]
    fn defaults_are_those_of_the_help() {
        let Ok(Invocation::Print(help)) = parse_words("serve --help") else {
            panic!("no help");
        };
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        let relay = RelaySettings::new("q");
        for default in [
            format!("on loopback (default {})", relay.mx_port),
            format!("(default {})", relay.retry_first.as_secs()),
            format!("(default {})", relay.retry_max.as_secs()),
            format!("(default {})", relay.give_up.as_secs()),
        ] {
            assert!(help.contains(&default), "{default} is not in {help}");
        }
        assert_eq!(relay.relay_from, Network::LOOPBACK);
    }

    #[test]
    fn every_option_has_its_place() {
        let relay = relay_of(
            "serve --queue q --relay-from 192.0.2.7 --relay-from 10.0.0.0/8 \
             --relay-from 2001:db8::/32 --smart-host [::1]:26 \
             --resolver 127.0.0.1:5353 --mx-port 2526 --retry-first 0.5 \
             --retry-max 0.5 --give-up 31536000 --send-timeout 2",
        );
        let network = |address: &str, bits| {
            Network::new(address.parse().unwrap(), bits).unwrap()
        };
        let wanted = RelaySettings {
            queue: "q".into(),
            // The default is replaced.
            relay_from: vec![
                network("192.0.2.7", 32),
                network("10.0.0.0", 8),
                network("2001:db8::", 32),
            ],
            smart_host: Some(HostPort { host: "::1".into(), port: 26 }),
            resolver: "127.0.0.1:5353".parse().ok(),
            mx_port: 2526,
            retry_first: Duration::from_millis(500),
            retry_max: Duration::from_millis(500),
            give_up: Duration::from_secs(31_536_000),
            send_timeout: Some(Duration::from_secs(2)),
        };
        assert_eq!(relay, Some(wanted));
    }

    #[test]
    fn without_a_queue_each_of_these_options_is_refused() {
        for line in [
            "--relay-from 127.0.0.1",
            "--smart-host x:25",
            "--resolver 127.0.0.1:53",
            "--mx-port 25",
            "--retry-first 1",
            "--retry-max 1",
            "--give-up 1",
            "--send-timeout 1",
            "--stdio --mx-port 25",
        ] {
            let Err(wrong) = parse_words(&format!("serve {line}")) else {
                panic!("'{line}' was taken");
            };
            assert_eq!(wrong.code, 2);
            assert!(wrong.text.ends_with(" needs --queue"), "{}", wrong.text);
        }
    }

    #[test]
    fn every_wrong_value_is_told_in_one_line_with_code_2() {
        let times = ["0", "-1", "+1", "1e3", "nan", "inf", "x", "31536001"];
        let options = ["retry-first", "retry-max", "give-up", "send-timeout"];
        let times = times.iter().flat_map(|time| {
            options.iter().map(move |option| format!("--{option}={time}"))
        });
        let lines = [
            "--queue=",
            "--relay-from=",
            "--relay-from localhost",
            "--relay-from 192.0.2",
            "--relay-from 192.0.2.0/33",
            "--relay-from 192.0.2.0/",
            "--relay-from 192.0.2.0/+8",
            "--relay-from 192.0.2.0/-1",
            "--relay-from 192.0.2.0/256",
            "--relay-from 192.0.2.0/255.255.255.0",
            "--relay-from 192.0.2.0/24/8",
            "--relay-from 192.0.2.1,192.0.2.2",
            "--relay-from [::1]",
            "--relay-from ::1/129",
            "--relay-from ::ffff:192.0.2.0/24",
            "--smart-host mx.example.org",
            "--smart-host mx.example.org:",
            "--smart-host mx.example.org:0",
            "--smart-host mx.example.org:65536",
            "--smart-host :25",
            "--smart-host ::1:25",
            "--smart-host [mx.example.org]:25",
            "--smart-host käthe.example:25",
            "--smart-host user@mx.example.org:25",
            "--resolver localhost:53",
            "--resolver 127.0.0.1",
            "--resolver 127.0.0.1:0",
            "--resolver 127.0.0.1:65536",
            "--mx-port 0",
            "--mx-port 65536",
            "--mx-port +25",
            "--mx-port smtp",
            "--retry-first 20 --retry-max 19.9",
            // Each of the two against the other one's default.
            "--retry-first 10801",
            "--retry-max 1799",
        ];
        for line in lines.map(str::to_owned).into_iter().chain(times) {
            let Err(wrong) = parse_words(&format!("serve --queue q {line}"))
            else {
                panic!("'{line}' was taken");
            };
            assert_eq!(wrong.code, 2, "{line}");
            assert!(wrong.text.starts_with("serve: "), "{}", wrong.text);
            assert!(!wrong.text.contains('\n'), "{}", wrong.text);
        }
    }
}
