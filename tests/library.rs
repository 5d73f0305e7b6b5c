//! Servers inside somebody else's process: many side by side, and nothing of
//! them left behind.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use pillarbox::server::{Server, Settings};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use support::disk::{FakeDisk, Play};
use support::wait_until;
use tempfile::TempDir;

/// The tests here count the threads of this process, so they go one by one.
static ALONE: Mutex<()> = Mutex::new(());

fn start(mail: &Path) -> Server {
    let mut settings = Settings::new(mail);
    settings.listen = vec!["127.0.0.1:0".parse().unwrap()];
    Server::start(settings).unwrap()
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.addresses()).unwrap();
    let deadline = Some(Duration::from_secs(60));
    stream.set_read_timeout(deadline).unwrap();
    stream
}

fn deliver(server: &Server, text: &str) {
    let replies = send(server, text);
    assert!(replies.contains("250 2.0.0 Stored"), "{replies}");
}

/// A session with one message; what the server said.
fn send(server: &Server, text: &str) -> String {
    let mut client = connect(server);
    let session = format!(
        "HELO client.example\r\nMAIL FROM:<>\r\nRCPT TO:<bob@localhost>\r\n\
         DATA\r\n{text}\r\n.\r\nQUIT\r\n"
    );
    client.write_all(session.as_bytes()).unwrap();
    let mut replies = String::new();
    client.read_to_string(&mut replies).unwrap();
    replies
}

fn messages(mail: &Path) -> Vec<String> {
    let new = mail.join("localhost/bob/new");
    let files = fs::read_dir(new).unwrap();
    files
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .collect()
}

/// The names of our servers' threads in this process, where the system tells.
fn server_threads() -> Vec<String> {
    let Ok(tasks) = fs::read_dir("/proc/self/task") else {
        return Vec::new();
    };
    let names = tasks.filter_map(|task| {
        fs::read_to_string(task.ok()?.path().join("comm")).ok()
    });
    let is_ours =
        |name: &String| name.starts_with("accept") || name.starts_with("sess");
    names.filter(is_ours).collect()
}

/// A thread has done its work when the server is dropped; the kernel takes a
/// moment more to forget it.
fn no_thread_is_left() {
    wait_until("no thread is left", || server_threads().is_empty());
}

#[test]
fn twenty_servers_side_by_side_keep_their_mail_apart() {
    let _alone = ALONE.lock();
    let folders: Vec<TempDir> =
        (0..20).map(|_| TempDir::new().unwrap()).collect();
    let servers: Vec<Server> =
        folders.iter().map(|folder| start(folder.path())).collect();
    thread::scope(|scope| {
        for (number, server) in servers.iter().enumerate() {
            scope.spawn(move || {
                for round in 0..5 {
                    deliver(server, &format!("{number} in round {round}"));
                }
            });
        }
    });
    for (number, folder) in folders.iter().enumerate() {
        let found = messages(folder.path());
        assert_eq!(found.len(), 5);
        let own = format!("\n{number} in round ");
        assert!(found.iter().all(|text| text.contains(&own)));
    }
    drop(servers);
    no_thread_is_left();
}

#[test]
fn dropping_a_server_ends_sessions_and_threads_and_frees_the_port() {
    let _alone = ALONE.lock();
    let folder = TempDir::new().unwrap();
    let server = start(folder.path());
    let address = server.addresses().first().copied().unwrap();
    let mut clients: Vec<TcpStream> =
        (0..10).map(|_| connect(&server)).collect();
    // Each session is in another place when the server goes.
    let begin = "HELO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<bob@localhost>\r\n\
        DATA\r\nSubject: half a message\r\n";
    for (number, client) in clients.iter_mut().enumerate() {
        let part = begin.get(..number * begin.len() / 9).unwrap();
        client.write_all(part.as_bytes()).unwrap();
        let mut greeting = [0; 4];
        client.read_exact(&mut greeting).unwrap();
        assert_eq!(&greeting, b"220 ");
    }
    drop(server);
    no_thread_is_left();
    for client in &mut clients {
        let mut rest = Vec::new();
        // The end, or a reset: not a wait.
        let ended = client.read_to_end(&mut rest);
        let text = String::from_utf8_lossy(&rest);
        assert!(!text.contains("Stored"), "{text} {ended:?}");
    }
    let refused = TcpStream::connect_timeout(&address, Duration::from_secs(5));
    assert!(refused.is_err());
    assert_eq!(
        fs::read_dir(folder.path().join("localhost/bob/new"))
            .map_or(0, Iterator::count),
        0
    );
}

/// A disk in which a fault of ours sits: the first message makes it panic.
fn panicking_disk() -> FakeDisk {
    let has_panicked = AtomicBool::new(false);
    FakeDisk::new(move |call, path| {
        let is_message = path.to_string_lossy().contains("tmp/1");
        if call == "create" && is_message {
            let is_first = !has_panicked.swap(true, Ordering::SeqCst);
            assert!(!is_first, "a panic on purpose");
        }
        Play::Real
    })
}

#[test]
fn a_panic_ends_one_session_and_no_other() {
    let _alone = ALONE.lock();
    let folder = TempDir::new().unwrap();
    let mut settings = Settings::new(folder.path().join("mail"));
    settings.listen = vec!["127.0.0.1:0".parse().unwrap()];
    settings.disk = Box::new(panicking_disk());
    settings.max_connections = 2;
    let server = Server::start(settings).unwrap();
    let mut other = connect(&server);
    let mut unlucky = connect(&server);
    unlucky
        .write_all(
            b"HELO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<bob@localhost>\r\n\
              DATA\r\n.\r\n",
        )
        .unwrap();
    let mut heard = String::new();
    // It is closed, perhaps by a reset.
    let _ = unlucky.read_to_string(&mut heard);
    assert!(!heard.contains("Stored"), "{heard}");
    other.write_all(b"NOOP\r\n").unwrap();
    let mut reply = [0; 6];
    other.read_exact(&mut reply).unwrap();
    // Its place is free again, and the next message is stored.
    wait_until("a message is stored", || {
        send(&server, "hello").contains("Stored")
    });
    assert_eq!(messages(&folder.path().join("mail")).len(), 1);
    drop(server);
    no_thread_is_left();
}

#[test]
fn a_server_that_was_dropped_can_be_started_again_on_its_folder() {
    let _alone = ALONE.lock();
    let folder = TempDir::new().unwrap();
    for round in 1..=3 {
        let server = start(folder.path());
        deliver(&server, "hello");
        assert_eq!(messages(folder.path()).len(), round);
    }
}

/// "For ever", as a program says it.
#[test]
fn the_longest_timeout_of_all_is_no_panic() {
    let mail = tempfile::tempdir().unwrap();
    let mut settings = Settings::new(mail.path());
    settings.listen = vec!["127.0.0.1:0".parse().unwrap()];
    settings.timeout = std::time::Duration::MAX;
    let server = Server::start(settings).unwrap();
    let mut client = TcpStream::connect(server.addresses()).unwrap();
    client
        .write_all(
            b"HELO client.example\r\nMAIL FROM:<>\r\nRCPT TO:<bob@localhost>\r\n\
              DATA\r\n\r\nHello.\r\n.\r\nQUIT\r\n",
        )
        .unwrap();
    let mut replies = String::new();
    client.read_to_string(&mut replies).unwrap();
    assert!(replies.contains("250 2.0.0 Stored\r\n"), "{replies}");
}
