//! Finds the hosts that mail for a domain goes to (RFC 5321 5.1).
//!
//! The domain's MX records name its mail hosts, and the lowest preference
//! comes first. A domain without MX records takes its mail itself. With MX
//! records it does not, even if none of them is of any use.
//!
//! One bad record does not spoil the others: it is passed over. Two kinds of
//! record are not just bad. `.` says that the domain takes no mail at all
//! (RFC 7505 3). And a record that means this very server says that the mail
//! has come far enough: it must not go to a host that is no better than we
//! are, or two servers play ping-pong with it.
//!
//! Interface:
//!   `Router`  what the operator has set; `route`
//!
//! Guarantee: mail bounces only for what a name server has said. Silence and
//! failures mean "later".

use super::dns::{Data, Kind};
use super::names::is_host_name;
use super::resolver::{LookUp, Resolver, Unknown, random};
use super::route::{NoRoute, Target, targets};
use super::smart_host::SmartHost;
use super::step::Step;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

/// How many addresses are tried, of however many there are.
const ADDRESS_LIMIT: usize = 5;

/// Where servers take mail from each other.
const SMTP_PORT: u16 = 25;

/// How mail finds its way.
#[derive(Debug, Clone)]
pub struct Router {
    /// Finds records.
    pub resolver: Resolver,
    /// Gets all mail, if there is one.
    pub smart_host: Option<SmartHost>,
    /// Where mail hosts listen. Any port but 25 makes it a lab, in which they
    /// may be on the loopback interface.
    pub mx_port: u16,
    /// Our own name,
    pub hostname: String,
    /// and where we listen: mail must not go back there.
    pub listening: Vec<SocketAddr>,
}

impl Router {
    /// The addresses for mail to `domain`, in the order in which they are to
    /// be tried; at least one.
    pub fn route(
        &self,
        domain: &str,
        watch: &mut dyn FnMut(Step),
    ) -> Result<Vec<Target>, NoRoute> {
        let mut look_up = self.resolver.start(watch);
        let mut targets = match &self.smart_host {
            Some(smart_host) => smart_host.targets(&mut look_up)?,
            None => self.mail_hosts(domain, &mut look_up)?,
        };
        targets.truncate(ADDRESS_LIMIT);
        Ok(targets)
    }

    /// Goes from preference to preference, the best first, until there are
    /// enough addresses or we are one of the hosts ourselves.
    fn mail_hosts(
        &self,
        domain: &str,
        look_up: &mut LookUp,
    ) -> Result<Vec<Target>, NoRoute> {
        let exchangers = exchangers(domain, look_up)?;
        let mut targets: Vec<Target> = Vec::new();
        let mut trouble = None;
        for level in exchangers.chunk_by(|a, b| a.0 == b.0) {
            match self.level(level, look_up) {
                Ok(more) => add_new(more, &mut targets),
                Err(NoRoute::BackToUs) => {
                    trouble.get_or_insert(NoRoute::BackToUs);
                    break;
                }
                Err(why) => trouble = trouble.max(Some(why)),
            }
            if targets.len() >= ADDRESS_LIMIT {
                break;
            }
        }
        match trouble {
            Some(why) if targets.is_empty() => Err(why),
            Some(_) | None => Ok(targets),
        }
    }

    /// The hosts of one preference. They are of no use if we are one of them.
    fn level(
        &self,
        level: &[Exchanger],
        look_up: &mut LookUp,
    ) -> Result<Vec<Target>, NoRoute> {
        let mut targets = Vec::new();
        let mut trouble = NoRoute::NoAddress;
        for (_, host) in level {
            match self.host(host, look_up) {
                Ok(more) => targets.extend(more),
                Err(why) => {
                    let step = Step::PassedOver(host.clone(), why.to_string());
                    look_up.tell(step);
                    if why == NoRoute::BackToUs {
                        return Err(why);
                    }
                    trouble = trouble.max(why);
                }
            }
        }
        if targets.is_empty() { Err(trouble) } else { Ok(targets) }
    }

    /// The addresses of one host, as far as they are of use.
    fn host(
        &self,
        host: &str,
        look_up: &mut LookUp,
    ) -> Result<Vec<Target>, NoRoute> {
        if host.eq_ignore_ascii_case(self.hostname.trim_end_matches('.')) {
            return Err(NoRoute::BackToUs);
        }
        if !is_host_name(host) {
            return Err(NoRoute::NoAddress);
        }
        let mut addresses = match look_up.addresses(host) {
            Ok(addresses) if !addresses.is_empty() => addresses,
            Ok(_) | Err(Unknown::NoSuchName) => return Err(NoRoute::NoAddress),
            Err(Unknown::NotNow(why)) => return Err(NoRoute::NotNow(why)),
        };
        addresses.retain(|address| !self.is_inward(*address));
        if addresses.is_empty() {
            return Err(NoRoute::Inward);
        }
        let targets = targets(host, addresses, self.mx_port);
        if targets.iter().any(|target| self.is_ours(target.address)) {
            return Err(NoRoute::BackToUs);
        }
        Ok(targets)
    }

    /// Whether an address leads back into this machine, or to nobody. A mail
    /// host with such an address is a mistake; or a trick to make us talk to
    /// services that are meant for this machine alone.
    fn is_inward(&self, address: IpAddr) -> bool {
        let is_lab = self.mx_port != SMTP_PORT;
        let address = address.to_canonical();
        address.is_loopback() && !is_lab
            || address.is_unspecified()
            || address.is_multicast()
            || address == Ipv4Addr::BROADCAST
    }

    /// Whether we listen there.
    fn is_ours(&self, address: SocketAddr) -> bool {
        let is_here = |ours: IpAddr| {
            ours == address.ip()
                || ours.is_unspecified() && is_of_this_machine(address.ip())
        };
        let mut listening = self.listening.iter();
        listening.any(|a| a.port() == address.port() && is_here(a.ip()))
    }
}

/// Two names may have one address, which is tried once.
fn add_new(more: Vec<Target>, targets: &mut Vec<Target>) {
    for target in more {
        if targets.iter().all(|known| known.address != target.address) {
            targets.push(target);
        }
    }
}

/// A preference, and the host that has it.
type Exchanger = (u16, String);

/// The mail hosts of a domain, the best first; those of one preference in a
/// random order, so that each gets its share (RFC 5321 5.1).
fn exchangers(
    domain: &str,
    look_up: &mut LookUp,
) -> Result<Vec<Exchanger>, NoRoute> {
    if !is_host_name(domain) {
        return Err(NoRoute::NoSuchDomain);
    }
    let found = match look_up.records(domain, Kind::Mx) {
        Ok(found) => found,
        Err(Unknown::NoSuchName) => return Err(NoRoute::NoSuchDomain),
        Err(Unknown::NotNow(why)) => return Err(NoRoute::NotNow(why)),
    };
    if found.data.is_empty() {
        // The domain itself is its mail host.
        return Ok(vec![(0, found.name)]);
    }
    let data = found.data.into_iter();
    let mut exchangers: Vec<_> = data.filter_map(Data::exchanger).collect();
    exchangers.retain(|(_, host)| host != ".");
    if exchangers.is_empty() {
        return Err(NoRoute::NullMx);
    }
    exchangers.sort_by_cached_key(|(preference, _)| (*preference, random()));
    Ok(exchangers)
}

/// Whether an address belongs to this machine. A socket can be bound to no
/// other.
fn is_of_this_machine(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}
