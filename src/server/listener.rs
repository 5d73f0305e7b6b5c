//! Accepts connections and gives each its own thread.
//!
//! The thread that accepts does nothing else: it never waits for a client and
//! never looks anything up. A connection over a cap gets 421 and is closed
//! without a thread (RFC 5321 4.2.3).
//!
//! Interface:
//!   `Server`  a server that runs; dropping it stops it
//!
//! A server keeps nothing in memory that matters: `kill -9` is a fine way to
//! stop it.

use super::connection::Connection;
use super::register::{Caps, Register};
use super::settings::Settings;
use super::shared::Shared;
use crate::protocol::reply::{Answer, Reply};
use crate::words::because;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{
    IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream,
};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, Builder, JoinHandle, Scope};
use std::time::Duration;

/// Enough for one session, small enough for thousands.
const STACK_SIZE: usize = 256 * 1024;

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
    state: Arc<ServerState>,
}

/// What the accepting threads share.
struct ServerState {
    shared: Shared,
    register: Arc<Register>,
    sessions: AtomicU64,
    is_stopping: AtomicBool,
}

impl Server {
    /// Opens the mail folder, listens, and starts to serve.
    ///
    /// All checks come first: there is no half start. The error says what
    /// cannot be done, in one line.
    pub fn start(settings: Settings) -> io::Result<Server> {
        let listeners: Vec<TcpListener> = settings
            .listen
            .iter()
            .map(|address| listen(*address))
            .collect::<io::Result<_>>()?;
        let addresses: Vec<SocketAddr> = listeners
            .iter()
            .map(TcpListener::local_addr)
            .collect::<io::Result<_>>()?;
        let state = Arc::new(ServerState::open(settings)?);
        let mut server = Server { addresses, threads: Vec::new(), state };
        for listener in listeners {
            let state = Arc::clone(&server.state);
            let thread = Builder::new()
                .name("accept".to_owned())
                .spawn(move || state.accept_all(&listener))?;
            server.threads.push(thread);
        }
        Ok(server)
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
        self.state.is_stopping.store(true, Ordering::SeqCst);
        for address in &self.addresses {
            // The accepting thread waits for a connection: it gets one.
            let _ = TcpStream::connect(reachable(*address));
        }
        self.state.register.end_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl ServerState {
    fn open(settings: Settings) -> io::Result<ServerState> {
        let caps = Caps {
            total: settings.max_connections,
            per_client: settings.max_per_client,
        };
        Ok(ServerState {
            shared: Shared::open(settings)?,
            register: Register::new(caps),
            sessions: AtomicU64::new(0),
            is_stopping: AtomicBool::new(false),
        })
    }

    // ANCHOR: accept_all
    /// Accepts until the server is dropped; then waits for its sessions.
    fn accept_all(&self, listener: &TcpListener) {
        thread::scope(|scope| {
            let mut pauses = 0;
            loop {
                let accepted = listener.accept();
                if self.is_stopping.load(Ordering::SeqCst) {
                    break;
                }
                match accepted {
                    Ok((stream, peer)) => self.admit(scope, stream, peer.ip()),
                    Err(error) => pause(&error, &mut pauses),
                }
            }
            // Sessions that began while we were told to stop.
            self.register.end_all();
        });
    }
    // ANCHOR_END: accept_all

    /// Gives a connection its thread, or turns it away.
    fn admit<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        stream: TcpStream,
        client: IpAddr,
    ) {
        // ::ffff:192.0.2.1 is 192.0.2.1, for the caps and for Received.
        let client = client.to_canonical();
        let id = self.sessions.fetch_add(1, Ordering::Relaxed) + 1;
        // Replies are whole when they are written: no reason to wait.
        if let Err(error) = stream.set_nodelay(true) {
            return log::warn!("[{id}] {client} is gone: {error}");
        }
        let stream = Arc::new(stream);
        let place = match self.register.enter(id, client, &stream) {
            Ok(place) => place,
            Err(refusal) => {
                return self.turn_away(id, client, &stream, refusal);
            }
        };
        let session = move || {
            let _place = place;
            self.serve(id, client, &stream);
        };
        let builder =
            Builder::new().name(format!("session-{id}")).stack_size(STACK_SIZE);
        if let Err(error) = builder.spawn_scoped(scope, session) {
            log::error!("[{id}] no thread for {client}: {error}");
        }
    }

    /// Runs one session. If it panics, only this session ends.
    fn serve(&self, id: u64, client: IpAddr, stream: &TcpStream) {
        let transport = Box::new(stream);
        let connection =
            Connection::new(id, Some(client), &self.shared, transport);
        let run = AssertUnwindSafe(|| connection.run());
        if panic::catch_unwind(run).is_err() {
            log::error!("[{id}] the session of {client} panicked");
        }
        let _ = stream.shutdown(Shutdown::Both);
    }

    /// Says why, and closes. A new connection has room for one line, so this
    /// does not wait.
    fn turn_away(
        &self,
        id: u64,
        client: IpAddr,
        mut stream: &TcpStream,
        refusal: Reply,
    ) {
        let offer = &self.shared.offer;
        let mut text = Answer::from(refusal).wire_lines(&offer.hostname);
        text.push(String::new());
        let is_said = stream
            .set_nonblocking(true)
            .and_then(|()| stream.write_all(text.join("\r\n").as_bytes()))
            .and_then(|()| stream.shutdown(Shutdown::Write));
        if is_said.is_ok() {
            drop_what_came(stream);
        }
        log::info!("[{id}] {client} turned away: {}", refusal.code);
    }
}

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

fn pause(error: &io::Error, pauses: &mut u32) {
    if pauses.is_multiple_of(PAUSES_PER_LOG_LINE) {
        log::error!("cannot accept: {error}");
    }
    *pauses = pauses.wrapping_add(1);
    thread::sleep(ACCEPT_PAUSE);
}

/// Unread input would make the kernel reset the connection, and the reply
/// would be lost.
fn drop_what_came(mut stream: &TcpStream) {
    let mut bytes = [0; 1024];
    for _ in 0..16 {
        match stream.read(&mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
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
