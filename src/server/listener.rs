//! Accepts connections.
//!
//! The thread that accepts does nothing else: it hands each connection on at
//! once, to the thread that admits (`admission.rs`). For the kernel has room for
//! only so many that nobody has accepted yet (128, as std listens). When more
//! come at the same moment, some come in late, and some never: Linux answers
//! them with SYN cookies, and forgets them although they believe that they are
//! connected. They wait in vain for a greeting, and try again some day. For more
//! room let another program make the socket, and take it over: `inherited`.
//!
//! Interface:
//!   `Server`  a server that runs; dropping it stops it
//!
//! A server keeps nothing in memory that matters: `kill -9` is a fine way to
//! stop it.

use super::admission::Admission;
use super::settings::Settings;
use crate::words::{because, no_thread, reason};
use std::io::{self, ErrorKind};
use std::net::{
    IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream,
};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, Builder, JoinHandle};
use std::time::Duration;

/// A pause after an error of `accept`: without it, a process that has no file
/// descriptor left would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// This many pauses go by between two lines in the log.
const PAUSES_PER_LOG_LINE: u32 = 10;

/// A server that runs.
///
/// Dropping it ends every connection and waits for the threads. What was
/// answered 250 is on the disk; a message that was still coming is not kept.
pub struct Server {
    addresses: Vec<SocketAddr>,
    threads: Vec<JoinHandle<()>>,
    admission: Arc<Admission>,
    is_stopping: Arc<AtomicBool>,
}

impl Server {
    /// Opens the mail folder and the queue, listens, and starts to serve.
    ///
    /// All checks come first: there is no half start. The error says what
    /// cannot be done, in one line.
    pub fn start(settings: Settings) -> io::Result<Server> {
        let places = settings.listen.clone();
        let takes_over = settings.listen_on_stdin;
        // First what is needed to serve a client, then a client may come.
        let admission = Arc::new(Admission::open(settings)?);
        let inherited = takes_over.then(inherited).into_iter();
        let listeners: Vec<TcpListener> = inherited
            .chain(places.iter().map(|address| listen(*address)))
            .collect::<io::Result<_>>()?;
        let addresses: Vec<SocketAddr> = listeners
            .iter()
            .map(TcpListener::local_addr)
            .collect::<io::Result<_>>()?;
        admission.start_to_send(&addresses)?;
        let mut server = Server {
            addresses,
            threads: Vec::new(),
            admission,
            is_stopping: Arc::default(),
        };
        for listener in listeners {
            server.serve(listener)?;
        }
        Ok(server)
    }

    /// Starts the two threads of one listening address.
    fn serve(&mut self, listener: TcpListener) -> io::Result<()> {
        let (line, waiting) = channel();
        let admission = Arc::clone(&self.admission);
        let is_stopping = Arc::clone(&self.is_stopping);
        let named = |name: &str| Builder::new().name(name.to_owned());
        let admit = move || admission.admit_all(&waiting);
        let admit = named("admit").spawn(admit).map_err(no_thread)?;
        self.threads.push(admit);
        let accept = move || accept_all(&listener, &line, &is_stopping);
        let accept = named("accept").spawn(accept).map_err(no_thread)?;
        self.threads.push(accept);
        Ok(())
    }

    /// Where it listens, with the ports that were taken.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Waits for ever: a server ends only with its process, or when dropped.
    pub fn wait(mut self) {
        for thread in self.threads.drain(..) {
            // It ends when the server is dropped, and not before.
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        for address in &self.addresses {
            // The accepting thread waits for a connection: it gets one.
            let _ = TcpStream::connect(reachable(*address));
        }
        self.admission.end_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

// ANCHOR: accept_all
/// Accepts until the server is dropped, and hands each connection on.
fn accept_all(
    listener: &TcpListener,
    line: &Sender<(TcpStream, IpAddr)>,
    is_stopping: &AtomicBool,
) {
    let mut pauses = 0;
    loop {
        let accepted = listener.accept();
        if is_stopping.load(Ordering::SeqCst) {
            return;
        }
        match accepted {
            Ok((stream, peer)) => {
                // The thread that admits goes on for as long as this one.
                let _ = line.send((stream, peer.ip()));
            }
            Err(error) => pause(&error, &mut pauses),
        }
    }
}
// ANCHOR_END: accept_all

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).map_err(|error| {
        let hint = if error.kind() == ErrorKind::PermissionDenied {
            " (ports under 1024 need privileges; \
                 try --listen 127.0.0.1:2525)"
        } else {
            ""
        };
        let what = because(&format!("cannot listen on {address}"), &error);
        io::Error::new(error.kind(), format!("{what}{hint}"))
    })
}

/// Standard input, as a socket that listens already. Its maker chose the
/// address, perhaps a port for which we have no privileges, and the room for
/// connections that nobody has accepted yet.
fn inherited() -> io::Result<TcpListener> {
    let wrong = |error| because("cannot listen on standard input", &error);
    let socket = io::stdin().as_fd().try_clone_to_owned().map_err(wrong)?;
    let stream = TcpStream::from(socket);
    if stream.peer_addr().is_ok() {
        let hint = "it is a connection; --stdio is for that";
        return Err(wrong(io::Error::other(hint)));
    }
    let listener = TcpListener::from(OwnedFd::from(stream));
    listener.local_addr().map_err(wrong)?;
    listener.set_nonblocking(false)?;
    Ok(listener)
}

fn pause(error: &io::Error, pauses: &mut u32) {
    if pauses.is_multiple_of(PAUSES_PER_LOG_LINE) {
        log::error!("cannot accept: {}", reason(error));
    }
    *pauses = pauses.wrapping_add(1);
    thread::sleep(ACCEPT_PAUSE);
}

/// An address that leads to a listener on "any address".
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, address.port())
}
