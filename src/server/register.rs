//! Who is connected, and how many may be (RFC 5321 7.8).
//!
//! A thread costs memory, and a process that makes too many is ended by the
//! kernel. So connections are counted before a thread is made for one.
//!
//! Guarantee: a place is given back when its `Place` is dropped, however the
//! thread that holds it ends.

use crate::protocol::reply::{self, Reply};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many connections there may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caps {
    /// In all.
    pub(super) total: usize,
    /// From one client. `None`: 50, and loopback is spared, because a class
    /// on one machine has one address.
    pub(super) per_client: Option<usize>,
}

const DEFAULT_PER_CLIENT: usize = 50;

/// The connections that are open.
#[derive(Debug)]
pub(super) struct Register {
    caps: Caps,
    open: Mutex<HashMap<u64, Entry>>,
}

#[derive(Debug)]
struct Entry {
    network: IpAddr,
    stream: Arc<TcpStream>,
}

/// One connection's place in the register.
#[derive(Debug)]
pub(super) struct Place {
    register: Arc<Register>,
    id: u64,
}

impl Register {
    pub(super) fn new(caps: Caps) -> Arc<Register> {
        Arc::new(Register { caps, open: Mutex::default() })
    }

    // ANCHOR: enter
    /// Takes a place for connection `id`, or gives the reply that says why
    /// there is none.
    pub(super) fn enter(
        self: &Arc<Self>,
        id: u64,
        client: IpAddr,
        stream: &Arc<TcpStream>,
    ) -> Result<Place, Reply> {
        let mut open = self.open();
        if open.len() >= self.caps.total {
            return Err(reply::TOO_MANY_CONNECTIONS);
        }
        let network = network(client);
        let is_same = |entry: &&Entry| entry.network == network;
        let limit = self.caps.limit_for(client);
        if open.values().filter(is_same).count() >= limit {
            return Err(reply::TOO_MANY_FROM_CLIENT);
        }
        open.insert(id, Entry { network, stream: Arc::clone(stream) });
        Ok(Place { register: Arc::clone(self), id })
    }
    // ANCHOR_END: enter

    /// Ends every connection: their threads find the socket closed.
    pub(super) fn end_all(&self) {
        for entry in self.open().values() {
            // A socket that is closed already needs no second closing.
            let _ = entry.stream.shutdown(Shutdown::Both);
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Entry>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What counts as one client. An IPv6 client chooses the last 64 bits of its
/// address itself, so they do not tell one from another (RFC 4291 2.5.4).
fn network(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            Ipv6Addr::from_bits(network).into()
        }
    }
}

impl Caps {
    fn limit_for(self, client: IpAddr) -> usize {
        match self.per_client {
            Some(limit) => limit,
            None if client.is_loopback() => usize::MAX,
            None => DEFAULT_PER_CLIENT,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.register.open().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn socket() -> Arc<TcpStream> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        Arc::new(TcpStream::connect(address).unwrap())
    }

    /// How many of 60 connections from `client` get a place.
    fn admitted(caps: Caps, client: &str) -> usize {
        let register = Register::new(caps);
        let stream = socket();
        let client = client.parse().unwrap();
        let enter = |id| register.enter(id, client, &stream).ok();
        let places: Vec<Place> = (0..60).filter_map(enter).collect();
        places.len()
    }

    #[test]
    fn loopback_is_spared_from_the_cap_per_client_by_default_only() {
        let caps = |total, per_client| Caps { total, per_client };
        assert_eq!(admitted(caps(500, None), "127.0.0.1"), 60);
        assert_eq!(admitted(caps(500, None), "::1"), 60);
        assert_eq!(admitted(caps(500, None), "192.0.2.1"), 50);
        assert_eq!(admitted(caps(500, Some(2)), "127.0.0.1"), 2);
        assert_eq!(admitted(caps(7, None), "127.0.0.1"), 7);
    }

    #[test]
    fn an_ipv6_client_is_its_network_of_64_bits() {
        let register = Register::new(Caps { total: 9, per_client: Some(1) });
        let stream = socket();
        let mut id = 0;
        let mut enter = |client: &str| {
            id += 1;
            register.enter(id, client.parse().unwrap(), &stream)
        };
        let _first = enter("2001:db8:0:1::1").unwrap();
        let same = enter("2001:db8:0:1:ffff::2").unwrap_err();
        assert_eq!(same, reply::TOO_MANY_FROM_CLIENT);
        assert!(enter("2001:db8:0:2::1").is_ok());
        let _first = enter("192.0.2.1").unwrap();
        assert!(enter("192.0.2.2").is_ok());
    }

    #[test]
    fn a_place_is_free_again_when_it_is_dropped_also_by_a_panic() {
        let register = Register::new(Caps { total: 1, per_client: None });
        let (stream, client) = (socket(), "127.0.0.1".parse().unwrap());
        let place = register.enter(1, client, &stream).unwrap();
        let full = register.enter(2, client, &stream).unwrap_err();
        assert_eq!(full, reply::TOO_MANY_CONNECTIONS);
        let thread = std::thread::spawn(move || {
            let _place = place;
            panic!("on purpose");
        });
        assert!(thread.join().is_err());
        assert!(register.enter(3, client, &stream).is_ok());
    }
}
