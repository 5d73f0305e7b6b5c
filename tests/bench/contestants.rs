//! Those who take the mail in a benchmark.
//!
//! Interface:
//!   `Contestant`  takes a load of messages
//!   `Pillarbox`   our own server, with its mail in a folder
//!   `Sink`        Postfix's `smtp-sink`, which stores nothing
//!   `Limit`       no server: only the writes and syncs of our deliveries

use super::Load;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// Of one message.
const SIZE: usize = 4096;

/// The unit of times in /proc, on all usual Linux systems.
const TICK: Duration = Duration::from_millis(10);

/// Takes a load of messages.
pub(crate) trait Contestant {
    /// Comes back when it has all of them.
    fn take(&self, load: &Load);

    /// The processor's time that its process has used, if it is one.
    fn processor_time(&self) -> Option<Duration>;
}

/// Whether Postfix's two programs for tests are here.
pub(crate) fn has_postfix() -> bool {
    ["smtp-source", "smtp-sink"].iter().all(|program| {
        Command::new(program).stderr(Stdio::null()).status().is_ok()
    })
}

/// A server in a process of its own.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn take(&self, load: &Load) {
        let mut source = Command::new("smtp-source");
        source.args(["-s", &load.sessions.to_string()]);
        source.args(["-m", &load.messages.to_string()]);
        source.args(["-l", &SIZE.to_string()]);
        if load.keeps_connections {
            source.arg("-d");
        }
        source.args(["-f", "alice@client.example", "-t", "bob@example.org"]);
        source.arg(format!("127.0.0.1:{}", self.port));
        assert!(source.status().expect("smtp-source").success());
    }

    /// The times in user and kernel mode (proc(5), /proc/PID/stat).
    fn processor_time(&self) -> Option<Duration> {
        let path = format!("/proc/{}/stat", self.child.id());
        let stat = fs::read_to_string(path).ok()?;
        let fields = stat.rsplit_once(')')?.1.split_whitespace();
        let ticks = fields.skip(11).take(2).map(str::parse::<u32>);
        Some(TICK * ticks.sum::<Result<u32, _>>().ok()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().expect("our own child");
        self.child.wait().expect("our own child");
    }
}

pub(crate) struct Pillarbox {
    server: Server,
    _folder: TempDir,
}

impl Pillarbox {
    pub(crate) fn start(place: &Path) -> Pillarbox {
        let folder = TempDir::new_in(place).expect("a folder");
        let mut child = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
            .args(["serve", "--listen", "127.0.0.1:0", "--mail"])
            .arg(folder.path())
            .args(["--hostname", "mx.example.org", "--domain", "example.org"])
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .expect("pillarbox");
        let mut line = String::new();
        let output = child.stdout.take().expect("piped");
        BufReader::new(output).read_line(&mut line).expect("it listens");
        let port = line.trim_end().rsplit(':').next().unwrap_or_default();
        let port = port.parse().expect("a port");
        Pillarbox { server: Server { child, port }, _folder: folder }
    }
}

impl Contestant for Pillarbox {
    fn take(&self, load: &Load) {
        self.server.take(load);
    }

    fn processor_time(&self) -> Option<Duration> {
        self.server.processor_time()
    }
}

pub(crate) struct Sink(Server);

impl Sink {
    pub(crate) fn start() -> Sink {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let place = format!("127.0.0.1:{port}");
        let mut command = Command::new("smtp-sink");
        // It gives up its privileges, if it has any.
        if is_root() {
            command.args(["-u", "nobody"]);
        }
        let child = command.args([&place, "128"]).spawn().expect("smtp-sink");
        while TcpStream::connect(&place).is_err() {
            thread::sleep(TICK);
        }
        Sink(Server { child, port })
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout == b"0\n"
}

impl Contestant for Sink {
    fn take(&self, load: &Load) {
        self.0.take(load);
    }

    fn processor_time(&self) -> Option<Duration> {
        self.0.processor_time()
    }
}

pub(crate) struct Limit {
    folder: TempDir,
    turns: AtomicUsize,
}

impl Limit {
    pub(crate) fn start(place: &Path) -> Limit {
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
