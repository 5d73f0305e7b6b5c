//! Accepts connections and gives each its own thread.
//!
//! The thread that accepts does nothing else: it never waits for a client and
//! never looks anything up. A connection over a cap gets 421 and is closed
//! without a thread (RFC 5321 4.2.3).
//!
//! Interface:
//!   `Settings`  what a server needs to know
//!   `Server`    a server that runs; dropping it stops it
//!
//! A server keeps nothing in memory that matters: `kill -9` is a fine way to
//! stop it.

use super::connection::{Connection, Shared};
use super::register::{Caps, Register};
use crate::mailbox::directory::Directory;
use crate::mailbox::disk::{Disk, RealDisk};
use crate::mailbox::maildir::Maildirs;
use crate::protocol::extension::{Extension, Offer};
use crate::protocol::reply::{Answer, Reply};
use crate::protocol::session::Recipient;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{
    IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream,
};
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, Builder, JoinHandle, Scope};
use std::time::{Duration, SystemTime};

/// Enough for one session, small enough for thousands.
const STACK_SIZE: usize = 256 * 1024;

/// A pause after an error of `accept`: without it, a process that has no file
/// descriptor left would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// So many pauses go by between two lines in the log.
const PAUSES_PER_LOG_LINE: u32 = 10;

/// What a server needs to know. `Settings::new` fills in what a class or a test
/// would choose; the command line changes it.
pub struct Settings {
    /// Where to listen; port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// The server's name, its extensions and limits.
    pub offer: Offer,
    /// The domains whose mail is kept here, in canonical form.
    pub domains: Vec<String>,
    /// The mailboxes that exist; none for "every plain name".
    pub mailboxes: Vec<Recipient>,
    /// The folder of the mailboxes.
    pub mail: PathBuf,
    /// The file system: `RealDisk`, but for tests.
    pub disk: Box<dyn Disk>,
    /// The most connections at a time.
    pub max_connections: usize,
    /// The most from one address; `None` for 50, with loopback spared.
    pub max_per_client: Option<usize>,
    /// How long a client may take for one command.
    pub timeout: Duration,
}

impl Settings {
    /// A server for `localhost`, on port 2525 of the loopback address, that
    /// keeps its mail in the folder `mail`.
    pub fn new(mail: impl Into<PathBuf>) -> Settings {
        Settings {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 2525))],
            offer: Offer {
                hostname: "localhost".to_owned(),
                max_size: 26_214_400,
                max_recipients: 100,
                without: Vec::new(),
            },
            domains: vec!["localhost".to_owned()],
            mailboxes: Vec::new(),
            mail: mail.into(),
            disk: Box::new(RealDisk),
            max_connections: 500,
            max_per_client: None,
            timeout: Duration::from_secs(300),
        }
    }
}

/// A server that runs.
///
/// Dropping it ends every connection and waits for the threads. What was
/// answered 250 is on the disk; a message that was still coming is not kept.
pub struct Server {
    addresses: Vec<SocketAddr>,
    threads: Vec<JoinHandle<()>>,
    post: Arc<Post>,
}

/// What the accepting threads share.
struct Post {
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
        let post = Arc::new(Post::open(settings)?);
        let mut server = Server {
            addresses,
            threads: Vec::new(),
            post,
        };
        for listener in listeners {
            let post = Arc::clone(&server.post);
            let thread = Builder::new()
                .name("accept".to_owned())
                .spawn(move || post.accept_all(&listener))?;
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
        self.post.is_stopping.store(true, Ordering::SeqCst);
        for address in &self.addresses {
            // The accepting thread waits for a connection: it gets one.
            let _ = TcpStream::connect(reachable(*address));
        }
        self.post.register.end_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Post {
    fn open(settings: Settings) -> io::Result<Post> {
        let Settings {
            mail, offer, disk, ..
        } = settings;
        let directory = Directory::new(settings.domains, settings.mailboxes);
        let now = SystemTime::now();
        let maildirs = Maildirs::open(&mail, &offer.hostname, disk, now)
            .and_then(|maildirs| prepare(maildirs, &directory))
            .map_err(|error| {
                let folder = mail.display();
                explain(&error, &format!("cannot use mail folder {folder}"))
            })?;
        let caps = Caps {
            total: settings.max_connections,
            per_client: settings.max_per_client,
        };
        let timeout = settings.timeout;
        Ok(Post {
            shared: Shared {
                offer,
                directory,
                maildirs,
                timeout,
            },
            register: Register::new(caps),
            sessions: AtomicU64::new(0),
            is_stopping: AtomicBool::new(false),
        })
    }

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
        let builder = Builder::new()
            .name(format!("session-{id}"))
            .stack_size(STACK_SIZE);
        if let Err(error) = builder.spawn_scoped(scope, session) {
            log::error!("[{id}] no thread for {client}: {error}");
        }
    }

    /// Runs one session. If it panics, only this session ends.
    fn serve(&self, id: u64, client: IpAddr, stream: &TcpStream) {
        let connection = Connection::new(id, client, &self.shared, stream);
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
        let with_enhanced = offer.has(Extension::EnhancedStatusCodes);
        let answer = Answer::from(refusal);
        let mut text = answer.wire_lines(&offer.hostname, with_enhanced);
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

/// Makes the mailboxes that were named, and learns of the others.
fn prepare(maildirs: Maildirs, directory: &Directory) -> io::Result<Maildirs> {
    for recipient in directory.named() {
        maildirs.make(recipient)?;
    }
    directory.remember(maildirs.existing()?);
    Ok(maildirs)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).map_err(|error| {
        let hint = match error.kind() == ErrorKind::PermissionDenied {
            true => {
                " (ports under 1024 need privileges; \
                 try --listen 127.0.0.1:2525)"
            }
            false => "",
        };
        let what = explain(&error, &format!("cannot listen on {address}"));
        io::Error::new(error.kind(), format!("{what}{hint}"))
    })
}

/// The system's words, in our order and without its number.
fn explain(error: &io::Error, what: &str) -> io::Error {
    let text = error.to_string();
    let reason = text.split(" (os error").next().unwrap_or_default();
    io::Error::new(error.kind(), format!("{what}: {}", lower_first(reason)))
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
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
