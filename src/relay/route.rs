//! What comes of looking for a way: addresses to try, or why there is none.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// One address to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The host's name, for logs and bounces.
    pub host: String,
    /// Where it listens.
    pub address: SocketAddr,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.host, self.address)
    }
}

/// Why there is no address to try. If several reasons meet, the last one in
/// this order counts: mail that may find its way later must not bounce.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoRoute {
    /// The domain does not exist.
    NoSuchDomain,
    /// The domain says that it takes no mail.
    NullMx,
    /// None of the domain's mail hosts has an address.
    NoAddress,
    /// They have addresses that no mail host can have.
    Inward,
    /// The mail would come back to us.
    BackToUs,
    /// Nobody could tell, for this reason.
    NotNow(String),
}

/// The addresses of a host, as they are to be tried.
pub(super) fn targets(
    host: &str,
    addresses: Vec<IpAddr>,
    port: u16,
) -> Vec<Target> {
    let target = |address: IpAddr| Target {
        host: host.to_owned(),
        address: SocketAddr::new(address.to_canonical(), port),
    };
    addresses.into_iter().map(target).collect()
}

impl NoRoute {
    /// The enhanced status code (RFC 3463; RFC 7505 for the null MX).
    pub fn status(&self) -> &'static str {
        match self {
            NoRoute::NoSuchDomain => "5.1.2",
            NoRoute::NullMx => "5.1.10",
            NoRoute::NoAddress => "5.4.4",
            NoRoute::Inward | NoRoute::BackToUs => "5.4.6",
            NoRoute::NotNow(_) => "4.4.3",
        }
    }

    /// Whether the mail has to go back to its sender now.
    pub fn is_permanent(&self) -> bool {
        self.status().starts_with('5')
    }
}

/// Said of a domain, or of one of its mail hosts.
impl fmt::Display for NoRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoRoute::NoSuchDomain => "there is no such domain",
            NoRoute::NullMx => "it does not take mail",
            NoRoute::NoAddress => "it has no address",
            NoRoute::Inward => "its address leads into this machine",
            NoRoute::BackToUs => "the mail would come back to this server",
            NoRoute::NotNow(why) => why,
        })
    }
}
