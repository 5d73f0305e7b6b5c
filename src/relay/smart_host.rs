//! One host that gets all mail, and knows what to do with it: the way of a
//! machine that does not look for mail hosts itself.
//!
//! Guarantee: mail never bounces because its smart host cannot be found. That
//! is trouble of ours, and the mail waits.

use super::names::is_host_name;
use super::resolver::{LookUp, Unknown};
use super::route::{NoRoute, Target, targets};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One host that gets all mail, and knows what to do with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmartHost {
    /// A name or an address; an IPv6 address is in brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl SmartHost {
    /// Reads `HOST:PORT`.
    pub fn read(text: &str) -> Option<SmartHost> {
        let (host, port) = text.rsplit_once(':')?;
        let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|port| is_number && *port != 0)?;
        let smart_host = SmartHost { host: host.to_owned(), port };
        let is_known = smart_host.known_addresses().is_some();
        (is_known || is_host_name(host)).then_some(smart_host)
    }

    /// Its addresses, by our own look-up.
    pub(super) fn targets(
        &self,
        look_up: &mut LookUp,
    ) -> Result<Vec<Target>, NoRoute> {
        let host = &self.host;
        let addresses = match self.known_addresses() {
            Some(addresses) => Ok(addresses),
            None => look_up.addresses(host),
        };
        let why = match addresses {
            Ok(addresses) if !addresses.is_empty() => {
                return Ok(targets(host, addresses, self.port));
            }
            Ok(_) => format!("the smart host {host} has no address"),
            Err(Unknown::NoSuchName) => {
                format!("the smart host {host} does not exist")
            }
            Err(Unknown::NotNow(why)) => why,
        };
        Err(NoRoute::NotNow(why))
    }

    /// What no name server has to be asked for: an address, and `localhost`.
    fn known_addresses(&self) -> Option<Vec<IpAddr>> {
        if self.host.eq_ignore_ascii_case("localhost") {
            let ours = (Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST);
            return Some(vec![ours.0.into(), ours.1.into()]);
        }
        let inside = self.host.strip_prefix('[');
        let address = match inside.and_then(|text| text.strip_suffix(']')) {
            Some(text) => text.parse::<Ipv6Addr>().ok()?.into(),
            None => self.host.parse::<Ipv4Addr>().ok()?.into(),
        };
        Some(vec![address])
    }
}
