//! Those who take the mail in the benchmark of throughput.
//!
//! What each of them has made durable before its 250:
//!
//! ```text
//! Pillarbox  fsync of the file in tmp, link to new, fsync of new
//! Limit      the same calls, by threads that do nothing else
//! Sink       nothing: Postfix's smtp-sink forgets the message
//! aiosmtpd   fsync of the file in tmp, link to new; not the directory
//! Postfix    fsync of the file in its queue; not the directory. It brings the
//!            message into the mailbox later, and again with one fsync
//! ```
//!
//! Interface:
//!   `Contestant`  takes a load of messages
//!   `enter`       one of them, by its name

use super::Load;
use super::process::{self, Pillarbox, Process, TICK, has_postfix};
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// Of one message.
const SIZE: usize = 4096;

/// Takes a load of messages.
pub(crate) trait Contestant {
    /// Comes back when it has answered 250 to all of them.
    fn take(&self, load: &Load);

    /// Comes back when it has nothing left to do for them.
    fn settle(&self) {}

    /// The processor's time that it has used, if it is not in this process.
    fn processor_time(&self) -> Option<Duration>;
}

/// The contestant of this name, with its files in a folder at `place`; none if
/// it is not installed.
pub(crate) fn enter(name: &str, place: &Path) -> Option<Box<dyn Contestant>> {
    let installed = match name {
        "sink" => has_postfix(),
        "aiosmtpd" | "postfix" => is_root() && has_peer(name),
        _ => true,
    };
    installed.then(|| -> Box<dyn Contestant> {
        match name {
            "pillarbox" => Box::new(Pillarbox::start(place, &[])),
            "limit" => Box::new(Limit::start(place)),
            "sink" => Box::new(Sink::start()),
            "aiosmtpd" | "postfix" => Box::new(Peer::start(name, place)),
            _ => panic!("{name} is not one of sink, limit, aiosmtpd, postfix"),
        }
    })
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout == b"0\n"
}

/// From Postfix's `smtp-source`.
fn hand_over(port: u16, load: &Load) {
    let size = SIZE.to_string();
    let mut more = vec!["-l", size.as_str()];
    if load.keeps_connections {
        more.push("-d");
    }
    process::send(port, load.sessions, load.messages, &more);
}

/// The times of a process in user and kernel mode, and of its children, also
/// of those that have ended (proc(5), /proc/PID/stat).
fn processor_time(id: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let fields = stat.rsplit_once(')')?.1.split_whitespace();
    let ticks = fields.skip(11).take(4).map(str::parse::<u32>);
    let own = TICK * ticks.sum::<Result<u32, _>>().ok()?;
    let children = format!("/proc/{id}/task/{id}/children");
    let children = fs::read_to_string(children).unwrap_or_default();
    let children = children.split_whitespace().map(|id| id.parse().ok());
    let times = children.flatten().filter_map(processor_time);
    Some(own + times.sum::<Duration>())
}

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    free.local_addr().expect("bound").port()
}

impl Contestant for Pillarbox {
    fn take(&self, load: &Load) {
        hand_over(self.port, load);
    }

    fn processor_time(&self) -> Option<Duration> {
        processor_time(self.id())
    }
}

struct Sink {
    process: Process,
    port: u16,
}

impl Sink {
    fn start() -> Sink {
        let port = free_port();
        let place = format!("127.0.0.1:{port}");
        let mut command = Command::new("smtp-sink");
        // It gives up its privileges, if it has any.
        if is_root() {
            command.args(["-u", "nobody"]);
        }
        let child = command.args([&place, "128"]).spawn().expect("smtp-sink");
        let process = Process(child);
        while TcpStream::connect(&place).is_err() {
            thread::sleep(TICK);
        }
        Sink { process, port }
    }
}

impl Contestant for Sink {
    fn take(&self, load: &Load) {
        hand_over(self.port, load);
    }

    fn processor_time(&self) -> Option<Duration> {
        processor_time(self.process.0.id())
    }
}

/// One of the servers of `tests/peers`.
struct Peer {
    name: String,
    port: u16,
    folder: TempDir,
}

fn peer(words: &[&str]) -> Command {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/peer");
    let mut command = Command::new(script);
    command.args(words);
    command
}

fn has_peer(name: &str) -> bool {
    let mut command = peer(&[name, "version"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().expect("tests/peers/peer").success()
}

impl Peer {
    fn start(name: &str, place: &Path) -> Peer {
        let folder = TempDir::new_in(place).expect("a folder");
        // The user that owns its mailboxes must come in.
        let open = Permissions::from_mode(0o755);
        fs::set_permissions(folder.path(), open).expect("our own folder");
        let peer = Peer { name: name.into(), port: free_port(), folder };
        assert!(peer.ask("start"), "{name} does not start");
        peer
    }

    fn ask(&self, what: &str) -> bool {
        let mut command = peer(&[&self.name, what, &self.port.to_string()]);
        let status = command.arg(self.folder.path()).status();
        status.expect("tests/peers/peer").success()
    }

    fn queue(&self, name: &str) -> PathBuf {
        self.folder.path().join("queue").join(name)
    }
}

impl Contestant for Peer {
    fn take(&self, load: &Load) {
        hand_over(self.port, load);
    }

    /// Postfix answers first and delivers then.
    fn settle(&self) {
        for name in ["incoming", "active"] {
            while holds_a_file(&self.queue(name)) {
                thread::sleep(TICK);
            }
        }
    }

    fn processor_time(&self) -> Option<Duration> {
        let id = fs::read_to_string(self.folder.path().join("pid")).ok()?;
        processor_time(id.trim().parse().ok()?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        assert!(self.ask("stop"), "{} does not stop", self.name);
    }
}

fn holds_a_file(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .any(|path| if path.is_dir() { holds_a_file(&path) } else { true })
}

struct Limit {
    folder: TempDir,
    turns: AtomicUsize,
}

impl Limit {
    fn start(place: &Path) -> Limit {
        let folder = TempDir::new_in(place).expect("a folder");
        for name in ["tmp", "new"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        Limit { folder, turns: AtomicUsize::new(0) }
    }

    /// As `src/mailbox/delivery.rs` does it.
    fn store(&self, name: &str) -> std::io::Result<()> {
        let [tmp, new] =
            ["tmp", "new"].map(|place| self.folder.path().join(place));
        let (draft, link) = (tmp.join(name), new.join(name));
        let mut file = File::create_new(&draft)?;
        file.write_all(&[b'x'; SIZE])?;
        file.sync_all()?;
        fs::hard_link(&draft, link)?;
        File::open(new)?.sync_all()?;
        fs::remove_file(draft)
    }
}

impl Contestant for Limit {
    fn take(&self, load: &Load) {
        let each = load.messages / load.sessions;
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        thread::scope(|scope| {
            for session in 0..load.sessions {
                scope.spawn(move || {
                    for number in 0..each {
                        let name = format!("{turn}.{session}.{number}");
                        self.store(&name).expect("a message is stored");
                    }
                });
            }
        });
    }

    fn processor_time(&self) -> Option<Duration> {
        None
    }
}
