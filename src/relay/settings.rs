//! What the sending half is told: where mail waits, for whom it is accepted,
//! where it goes, and for how long we try.
//!
//! Interface:
//!   `RelaySettings`  all of it, as plain values
//!   `Network`        the clients that may send mail elsewhere
//!   `HostPort`       a server somewhere
//!
//! `options/relay.rs` reads the command line into these.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// What the sending half is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelaySettings {
    /// The folder in which mail waits.
    pub queue: PathBuf,
    /// The clients that may send mail elsewhere.
    pub relay_from: Vec<Network>,
    /// The server that takes all of it; none for the MX hosts of each domain.
    pub smart_host: Option<HostPort>,
    /// The name server; none for those of the system.
    pub resolver: Option<SocketAddr>,
    /// The port of MX hosts. Any but 25 makes it a lab.
    pub mx_port: u16,
    /// The wait after the first try that failed (RFC 5321 4.5.4.1).
    pub retry_first: Duration,
    /// The longest wait; not shorter than the first.
    pub retry_max: Duration,
    /// The age at which we give up.
    pub give_up: Duration,
    /// The most that any time-out of RFC 5321 4.5.3.2 may be.
    pub send_timeout: Option<Duration>,
}

impl RelaySettings {
    /// Relaying for programs on this machine, by MX, with the times that
    /// RFC 5321 4.5.4.1 names.
    pub fn new(queue: impl Into<PathBuf>) -> RelaySettings {
        RelaySettings {
            queue: queue.into(),
            relay_from: Network::LOOPBACK.to_vec(),
            smart_host: None,
            resolver: None,
            mx_port: 25,
            retry_first: Duration::from_secs(1_800),
            retry_max: Duration::from_secs(10_800),
            give_up: Duration::from_secs(432_000),
            send_timeout: None,
        }
    }

    /// Whether this client may send mail elsewhere.
    pub fn is_for(&self, client: IpAddr) -> bool {
        self.relay_from.iter().any(|network| network.contains(client))
    }
}

/// All addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// In canonical form: never an IPv4 address that is mapped into IPv6.
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// The two that are this machine: 127.0.0.0/8 and ::1.
    pub const LOOPBACK: [Network; 2] = [
        Network { address: IpAddr::V4(Ipv4Addr::LOCALHOST), bits: 8 },
        Network { address: IpAddr::V6(Ipv6Addr::LOCALHOST), bits: 128 },
    ];

    /// The addresses whose first `bits` are those of `address`; none if it
    /// has not that many.
    ///
    /// `::ffff:192.0.2.0/120` is `192.0.2.0/24` in another form. With fewer
    /// than 96 bits such a network is no network of IPv4, and is none at all.
    pub fn new(address: IpAddr, bits: u8) -> Option<Network> {
        let canonical = address.to_canonical();
        let is_mapped = address.is_ipv6() && canonical.is_ipv4();
        let bits = if is_mapped { bits.checked_sub(96)? } else { bits };
        (bits <= width(canonical))
            .then_some(Network { address: canonical, bits })
    }

    /// One address alone.
    pub fn only(address: IpAddr) -> Network {
        let address = address.to_canonical();
        Network { address, bits: width(address) }
    }

    /// Whether this address is one of them, whatever form it takes.
    pub fn contains(&self, address: IpAddr) -> bool {
        let differing = match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(other)) => {
                u128::from(ours.to_bits() ^ other.to_bits())
            }
            (IpAddr::V6(ours), IpAddr::V6(other)) => {
                ours.to_bits() ^ other.to_bits()
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
                return false;
            }
        };
        let rest = u32::from(width(self.address) - self.bits);
        // A shift by all 128 bits leaves nothing, and nothing differs.
        differing.checked_shr(rest).unwrap_or(0) == 0
    }
}

/// How many bits an address has.
fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// A server somewhere, by name or by address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// A name, or an address without brackets.
    pub host: String,
    /// Not zero.
    pub port: u16,
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str, bits: u8) -> Network {
        Network::new(address.parse().unwrap(), bits).unwrap()
    }

    #[test]
    fn a_network_is_what_begins_with_the_same_bits() {
        for (network, inside, outside) in [
            (network("192.0.2.0", 24), "192.0.2.255", "192.0.3.0"),
            (network("192.0.2.77", 24), "192.0.2.1", "192.0.1.77"),
            (network("192.0.2.128", 25), "192.0.2.128", "192.0.2.127"),
            (network("192.0.2.1", 32), "192.0.2.1", "192.0.2.0"),
            (network("128.0.0.0", 1), "255.0.0.1", "127.255.255.255"),
            (network("0.0.0.0", 0), "255.255.255.255", "::1"),
            (network("2001:db8::", 32), "2001:db8:ffff::1", "2001:db9::"),
            (network("2001:db8::1", 128), "2001:db8::1", "2001:db8::2"),
            (network("::", 0), "ffff::", "192.0.2.1"),
        ] {
            assert!(network.contains(inside.parse().unwrap()), "{inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn an_ipv4_address_in_the_form_of_ipv6_is_the_same_address() {
        let plain = network("192.0.2.0", 24);
        let mapped = network("::ffff:192.0.2.0", 120);
        assert_eq!(plain, mapped);
        let client = "::ffff:192.0.2.9".parse().unwrap();
        assert!(plain.contains(client));
        assert!(!network("192.0.3.0", 24).contains(client));
        // All of IPv6 does not hold all of IPv4.
        assert!(!network("::", 0).contains(client));
        assert_eq!(Network::only(client).to_string(), "192.0.2.9/32");
    }

    #[test]
    fn no_network_has_more_bits_than_its_addresses() {
        for (address, bits) in [
            ("192.0.2.0", 33),
            ("2001:db8::", 129),
            ("::ffff:192.0.2.0", 129),
            ("::ffff:192.0.2.0", 95),
        ] {
            assert_eq!(Network::new(address.parse().unwrap(), bits), None);
        }
    }

    #[test]
    fn by_default_this_machine_may_relay_and_nobody_else() {
        let settings = RelaySettings::new("queue");
        for (client, may) in [
            ("127.0.0.1", true),
            ("127.255.0.9", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("128.0.0.1", false),
            ("126.255.255.255", false),
            ("::2", false),
            ("::", false),
            ("0.0.0.0", false),
            // The old form of an IPv4 address, which nobody may pass off as
            // one of ours.
            ("::127.0.0.1", false),
        ] {
            assert_eq!(settings.is_for(client.parse().unwrap()), may);
        }
    }

    #[test]
    fn an_ipv6_address_is_printed_in_brackets() {
        let shown = |host: &str| HostPort { host: host.into(), port: 25 };
        assert_eq!(shown("mx.example.org").to_string(), "mx.example.org:25");
        assert_eq!(shown("::1").to_string(), "[::1]:25");
    }
}
