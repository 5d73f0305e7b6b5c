//! A free port, ours as long as we hold it.
//!
//! Two runs on one machine must not use the same port: each would judge the
//! other one's server. That nobody listens on a port is not enough, since a
//! server takes a moment to start. So a port belongs to the run that holds its lock
//! file, and every run begins to look somewhere else.
//!
//! The machine has one set of ports, so their locks are in one folder, whatever
//! TMPDIR is: it may be another one for each user, or for each run.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::lock::Lock;
use super::scratch::{random, temporary};
use crate::words::because;

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
        let next = || {
            let step = NEXT.fetch_add(1, Ordering::Relaxed) % ports;
            let place = u16::try_from((start + step) % ports);
            FIRST_PORT + place.unwrap_or_default()
        };
        Port::first((0..PORTS).map(|_| Port::take(next())))
    }

    /// The first one that could be taken; or what else kept us from it than
    /// that all are taken.
    fn first(
        ports: impl Iterator<Item = io::Result<Port>>,
    ) -> io::Result<Port> {
        let mut problem = io::Error::other("no port is free");
        for port in ports {
            match port {
                Err(error) if is_taken(&error) => {}
                Err(error) => problem = because("no port is free", &error),
                port => return port,
            }
        }
        Err(problem)
    }

    /// Whatever keeps us from the lock, a port without it is not ours.
    fn take(number: u16) -> io::Result<Port> {
        let name = format!("pillarbox-port-{number}.lock");
        let lock = Port::lock(Path::new(LOCKS), &name)?;
        TcpListener::bind(("127.0.0.1", number))?;
        Ok(Port { number, _lock: lock })
    }

    /// Where we cannot write to the folder, we have a lock of our own; where
    /// only the file is not ours to write, it is that of another user.
    fn lock(folder: &Path, name: &str) -> io::Result<Lock> {
        let path = folder.join(name);
        match Lock::take(&path) {
            Err(error) if has_no_place(&error, folder, &path) => {
                Lock::take(&temporary().join(name))
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                Err(ErrorKind::WouldBlock.into())
            }
            result => result,
        }
    }
}

/// Whether somebody else has the port, or its lock.
fn is_taken(error: &io::Error) -> bool {
    let taken =
        [ErrorKind::WouldBlock, ErrorKind::AlreadyExists, ErrorKind::AddrInUse];
    taken.contains(&error.kind())
}

/// Whether nobody, or nobody but others, can make a lock file there.
fn has_no_place(error: &io::Error, folder: &Path, path: &Path) -> bool {
    let is_denied = error.kind() == ErrorKind::PermissionDenied;
    error.kind() == ErrorKind::ReadOnlyFilesystem
        || is_denied && fs::symlink_metadata(path).is_err()
        || !folder.is_dir()
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
        assert!(Port::take(port.number).is_err_and(|e| is_taken(&e)));
    }

    #[test]
    fn without_a_folder_for_all_users_the_lock_is_in_the_temporary_one() {
        // The last is a file. In the second not even root can make a file.
        for nowhere in ["/no/such/folder", "/sys", "/dev/null"] {
            let name = format!("pillarbox-port-{:016x}.lock", random());
            let lock = Port::lock(Path::new(nowhere), &name).unwrap();
            assert!(temporary().join(&name).exists(), "{nowhere}");
            drop(lock);
        }
    }

    #[test]
    fn the_lock_of_another_user_is_taken_and_a_folder_of_another_no_place() {
        let denied = io::Error::from(ErrorKind::PermissionDenied);
        let file = tempfile::NamedTempFile::new().unwrap();
        let temporary = file.path().parent().unwrap();
        let none = temporary.join("pillarbox-no-such-file");
        assert!(!has_no_place(&denied, temporary, file.path()));
        assert!(has_no_place(&denied, temporary, &none));
        // Another file is not better where this one cannot be opened.
        let too_many = io::Error::from_raw_os_error(24);
        assert!(!has_no_place(&too_many, temporary, &none));
    }

    #[test]
    fn where_no_port_can_be_taken_the_reason_is_told() {
        let told = |errors: &[i32]| {
            let ports = errors
                .iter()
                .map(|error| Err(io::Error::from_raw_os_error(*error)));
            Port::first(ports).unwrap_err().to_string()
        };
        // EMFILE, EEXIST, EAGAIN.
        let wanted = "no port is free: too many open files";
        assert_eq!(told(&[24, 17, 11]), wanted);
        assert_eq!(told(&[17, 11]), "no port is free");
    }

    #[test]
    fn a_port_that_somebody_listens_on_is_taken() {
        let number = Port::free().unwrap().number;
        let listener = TcpListener::bind(("127.0.0.1", number));
        assert!(Port::take(number).is_err_and(|e| is_taken(&e)));
        drop(listener);
    }
}
