//! A free port, ours as long as we hold it.
//!
//! Two runs on one machine must not use the same port: each would judge the
//! other one's server. That nobody listens on a port is not enough, since a
//! server takes a moment to start. So a port belongs to the run that holds its lock
//! file, and every run begins to look somewhere else.
//!
//! The machine has one set of ports, so their locks are in one folder, whatever
//! TMPDIR is: it may be another one for each user, or for each run.

use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::lock::Lock;
use super::scratch::{random, temporary};

/// The folder that all users of a machine can write to.
const LOCKS: &str = "/tmp";

/// Ports that systems do not give to clients. From one that they do give, we
/// could connect to ourselves while the server is still starting.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 12_000;

/// A port that nobody listens on, and that nobody else is given.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) number: u16,
    _lock: Lock,
}

impl Port {
    /// Takes one. They are taken in turn, so that one that was given back has
    /// a long rest.
    pub(super) fn free() -> io::Result<Port> {
        static START: OnceLock<u32> = OnceLock::new();
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let ports = u32::from(PORTS);
        let start = *START.get_or_init(|| {
            u32::try_from(random() % u64::from(ports)).unwrap_or_default()
        });
        for _ in 0..PORTS {
            let step = NEXT.fetch_add(1, Ordering::Relaxed) % ports;
            let place = u16::try_from((start + step) % ports);
            let number = FIRST_PORT + place.unwrap_or_default();
            if let Some(port) = Port::take(number) {
                return Ok(port);
            }
        }
        Err(io::Error::other("no port is free"))
    }

    /// Whatever keeps us from the lock, a port without it is not ours.
    fn take(number: u16) -> Option<Port> {
        let name = format!("pillarbox-port-{number}.lock");
        let lock = Port::lock(Path::new(LOCKS), &name).ok()?;
        let is_free = TcpListener::bind(("127.0.0.1", number)).is_ok();
        is_free.then_some(Port { number, _lock: lock })
    }

    /// Where nobody can write to the folder, nobody has a lock in it either.
    fn lock(folder: &Path, name: &str) -> io::Result<Lock> {
        match Lock::take(&folder.join(name)) {
            Err(error)
                if error.kind() == ErrorKind::ReadOnlyFilesystem
                    || !folder.is_dir() =>
            {
                Lock::take(&temporary().join(name))
            }
            result => result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_out_twice() {
        assert_ne!(Port::free().unwrap().number, Port::free().unwrap().number);
    }

    #[test]
    fn a_port_that_another_run_holds_is_taken_though_nobody_listens() {
        let port = Port::free().unwrap();
        assert!(TcpListener::bind(("127.0.0.1", port.number)).is_ok());
        assert!(Port::take(port.number).is_none());
    }

    #[test]
    fn without_a_folder_for_all_users_the_lock_is_in_the_temporary_one() {
        let nowhere = Path::new("/no/such/folder");
        let name = format!("pillarbox-port-{:016x}.lock", random());
        let lock = Port::lock(nowhere, &name).unwrap();
        assert!(temporary().join(&name).exists());
        drop(lock);
    }

    #[test]
    fn a_port_that_somebody_listens_on_is_taken() {
        let number = Port::free().unwrap().number;
        let listener = TcpListener::bind(("127.0.0.1", number));
        assert!(Port::take(number).is_none());
        drop(listener);
    }
}
