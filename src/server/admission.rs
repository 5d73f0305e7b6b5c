//! Gives each connection its own thread, or turns it away.
//!
//! Over a cap, or without a thread to give, a connection gets 421 and is closed
//! (RFC 5321 4.2.3). Nothing here waits for a client.

use super::connection::Connection;
use super::limits::warn_of_limits;
use super::register::{Caps, Register};
use super::settings::Settings;
use super::shared::Shared;
use crate::protocol::reply::{self, Answer, Reply};
use crate::wire::Steady;
use crate::words::reason;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::thread::{self, Builder, Scope};

/// Enough for one session, small enough for thousands.
const STACK_SIZE: usize = 256 * 1024;

/// Who may come in, and what the sessions share.
pub(super) struct Admission {
    shared: Shared,
    register: Arc<Register>,
    sessions: AtomicU64,
    /// Whether the last connection got no thread.
    lacks_threads: AtomicBool,
}

impl Admission {
    /// Opens the mail folder. The error says what cannot be done.
    pub(super) fn open(settings: Settings) -> io::Result<Admission> {
        warn_of_limits(&settings);
        let caps = Caps {
            total: settings.max_connections,
            per_client: settings.max_per_client,
        };
        Ok(Admission {
            shared: Shared::open(settings)?,
            register: Register::new(caps),
            sessions: AtomicU64::new(0),
            lacks_threads: AtomicBool::new(false),
        })
    }

    /// Starts to send what is in the queue. `listening` is where we listen.
    pub(super) fn start_to_send(
        &self,
        listening: &[SocketAddr],
    ) -> io::Result<()> {
        self.shared.start_to_send(listening)
    }

    /// Ends every connection.
    pub(super) fn end_all(&self) {
        self.register.end_all();
    }

    // ANCHOR: admit_all
    /// Admits what comes; when no more can come, ends what is open and waits
    /// for it.
    pub(super) fn admit_all(&self, line: &Receiver<(TcpStream, IpAddr)>) {
        thread::scope(|scope| {
            for (stream, client) in line {
                self.admit(scope, stream, client);
            }
            self.register.end_all();
        });
    }
    // ANCHOR_END: admit_all

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
            return log::warn!("[{id}] {client} is gone: {}", reason(&error));
        }
        let stream = Arc::new(stream);
        let place = match self.register.enter(id, client, &stream) {
            Ok(place) => place,
            Err(refusal) => {
                return self.turn_away(id, client, &stream, refusal);
            }
        };
        let turned_away = Arc::clone(&stream);
        let session = move || {
            let _place = place;
            self.serve(id, client, &stream);
        };
        let builder =
            Builder::new().name(format!("session-{id}")).stack_size(STACK_SIZE);
        match builder.spawn_scoped(scope, session) {
            Ok(_) => self.lacks_threads.store(false, Ordering::Relaxed),
            Err(error) => self.without_thread(id, client, &turned_away, &error),
        }
    }

    /// There is no thread to be had: the client hears that it should come
    /// again. One line in the log is enough, until there are threads again.
    fn without_thread(
        &self,
        id: u64,
        client: IpAddr,
        stream: &TcpStream,
        error: &io::Error,
    ) {
        if !self.lacks_threads.swap(true, Ordering::Relaxed) {
            log::error!("[{id}] no thread for {client}: {}", reason(error));
        }
        self.turn_away(id, client, stream, reply::TOO_MANY_CONNECTIONS);
    }

    /// Runs one session. If it panics, only this session ends.
    fn serve(&self, id: u64, client: IpAddr, stream: &TcpStream) {
        let transport = Box::new(Steady::new(stream));
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
