//! `serve --stdio`: one session over standard input and output, at the
//! keyboard and under programs that accept the connections.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use support::{Client, needs, wait_until};
use tempfile::TempDir;

const PILLARBOX: &str = env!("CARGO_BIN_EXE_pillarbox");

const SESSION: &str = "HELO client.example\r\nMAIL FROM:<a@client.example>\r\n\
    RCPT TO:<bob@localhost>\r\nDATA\r\nSubject: hi\r\n\r\nHello.\r\n.\r\nQUIT\r\n";

const REPLIES: &str = "220 mx.example.org ESMTP\r\n250 mx.example.org\r\n\
    250 2.1.0 Sender OK\r\n250 2.1.5 Recipient OK\r\n\
    354 End data with <CR><LF>.<CR><LF>\r\n250 2.0.0 Stored\r\n\
    221 2.0.0 mx.example.org closing connection\r\n";

/// The mark of a file whose reads do not wait, as Linux shows it.
const O_NONBLOCK: u32 = 0o4000;

/// Ends a program of ours, also when the test fails.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The arguments of a session that keeps its mail in `folder`.
fn arguments(folder: &Path) -> Vec<String> {
    let mail = folder.join("mail").display().to_string();
    let words =
        ["serve", "--stdio", "--hostname", "mx.example.org", "--mail", &mail];
    words.map(str::to_owned).to_vec()
}

fn messages(folder: &Path) -> Vec<String> {
    let Ok(new) = fs::read_dir(folder.join("mail/localhost/bob/new")) else {
        return Vec::new();
    };
    new.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect()
}

/// A port that was free a moment ago.
fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Connects as soon as somebody listens there.
fn connect(address: SocketAddr) -> Client {
    let mut client = None;
    wait_until("somebody listens", || {
        client = Client::new(address).ok();
        client.is_some()
    });
    client.unwrap()
}

fn deliver(client: &mut Client) {
    for code in [220, 250, 250, 250, 354, 250, 221] {
        let reply = client.expect(code);
        if code == 220 {
            assert_eq!(reply, "220 mx.example.org ESMTP");
            client.send(SESSION.as_bytes());
        }
    }
}

#[test]
fn through_a_pipe_it_is_the_same_session() {
    let folder = TempDir::new().unwrap();
    let mut child = Command::new(PILLARBOX)
        .args(arguments(folder.path()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(SESSION.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), REPLIES);
    assert_eq!(output.status.code(), Some(0));
    let text = messages(folder.path()).concat();
    assert!(text.contains("Received: from client.example\n\tby mx"), "{text}");
    assert!(text.ends_with("Subject: hi\n\nHello.\n"), "{text}");
    // Nobody typed: nobody needs the hint for the keyboard.
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!errors.contains("each line that you type"), "{errors}");
}

#[test]
fn a_pipe_that_stays_silent_comes_to_its_end() {
    let folder = TempDir::new().unwrap();
    let mut child = Command::new(PILLARBOX)
        .args(arguments(folder.path()))
        .args(["--timeout", "0.3"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Keeps the pipe open.
    let _input = child.stdin.take().unwrap();
    let mut said = String::new();
    let mut output = child.stdout.take().unwrap();
    output.read_to_string(&mut said).unwrap();
    assert!(said.contains("421 4.4.2 mx.example.org timeout"), "{said}");
    assert!(child.wait().unwrap().success());
}

/// A program that waits in its own way gives us its connection in a mode in which
/// a read does not wait. Reads that did not would ask again and again, or take
/// this for the end.
#[test]
fn a_connection_whose_reads_do_not_wait_is_made_to_wait() {
    if !Path::new("/proc/self/fdinfo").exists() {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let socket = listener.accept().unwrap().0;
    socket.set_nonblocking(true).unwrap();
    let (end, other) = UnixStream::pair().unwrap();
    end.set_nonblocking(true).unwrap();
    let folder = TempDir::new().unwrap();
    let _both = [socket.into(), end.into()]
        .map(|connection| session_over(connection, folder.path()));
    for mut stream in [OwnedFd::from(client), other.into()].map(File::from) {
        stream.write_all(SESSION.as_bytes()).unwrap();
        let mut replies = Vec::new();
        stream.read_to_end(&mut replies).unwrap();
        assert_eq!(String::from_utf8_lossy(&replies), REPLIES);
    }
}

/// One that is over such a connection, and waits already.
fn session_over(connection: OwnedFd, folder: &Path) -> Ended {
    let input = connection.try_clone().unwrap();
    let child = Command::new(PILLARBOX)
        .args(arguments(folder))
        .stdin(input)
        .stdout(connection)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let session = Ended(child);
    let place = format!("/proc/{}/fdinfo/0", session.0.id());
    wait_until("its reads wait", || {
        let told = fs::read_to_string(&place).unwrap_or_default();
        let flags = told.lines().find_map(|l| l.strip_prefix("flags:\t"));
        let flags = flags.map(|octal| u32::from_str_radix(octal, 8));
        matches!(flags, Some(Ok(flags)) if flags & O_NONBLOCK == 0)
    });
    session
}

/// Types the lines of a session at a real terminal, one after the other, each
/// when the reply to the one before has come.
const TYPIST: &str = r#"
import os, pty, sys
def until(fd, word):
    heard = b""
    while word not in heard:
        heard += os.read(fd, 1024)
    sys.stdout.buffer.write(heard)
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
for line, reply in [
    ("", "220 "), ("HELO client.example", "250 "),
    ("MAIL FROM:<a@client.example>", "Sender OK"),
    ("RCPT TO:<bob@localhost>", "Recipient OK"), ("DATA", "354 "),
    ("Subject: typed\n\nHello.\n.", "Stored"), ("QUIT", "221 "),
]:
    if line:
        os.write(terminal, line.encode() + b"\n")
    until(terminal, reply.encode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;

#[test]
fn at_a_terminal_the_enter_key_ends_a_line() {
    if !needs(&["python3", "-c", "import pty"]) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let output = Command::new("python3")
        .args(["-c", TYPIST, PILLARBOX])
        .args(arguments(folder.path()))
        .output()
        .unwrap();
    let seen = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{seen}");
    assert!(seen.contains("each line that you type ends in CR LF"), "{seen}");
    let text = messages(folder.path()).concat();
    assert!(text.ends_with("Subject: typed\n\nHello.\n"), "{text}");
}

#[test]
fn under_a_super_server_each_connection_has_a_process_of_its_own() {
    if !needs(&["systemd-socket-activate", "--version"]) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let address = free_port();
    let _daemon = Ended(
        Command::new("systemd-socket-activate")
            .args(["--inetd", "--accept", "--listen", &address.to_string()])
            .arg(PILLARBOX)
            .args(arguments(folder.path()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let mut first = connect(address);
    let mut second = connect(address);
    deliver(&mut second);
    deliver(&mut first);
    let found = messages(folder.path());
    assert_eq!(found.len(), 2);
    // The socket tells who the client is.
    let from = "Received: from client.example ([127.0.0.1])\n";
    assert!(found.iter().all(|text| text.contains(from)), "{found:?}");
}

#[test]
fn behind_stunnel_a_client_delivers_over_tls() {
    let has_tls = ["swaks", "--support"];
    if !needs(&["stunnel4", "-version"])
        || !needs(&["openssl", "version"])
        || !needs(&has_tls)
    {
        return;
    }
    let folder = TempDir::new().unwrap();
    let address = free_port();
    let config = stunnel_config(folder.path(), address);
    let _daemon = Ended(
        Command::new("stunnel4")
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    drop(connect(address));
    let output = Command::new("swaks")
        .args(["--tls-on-connect", "--server", "127.0.0.1"])
        .args(["--port", &address.port().to_string()])
        .args(["--helo", "client.example", "--from", "a@client.example"])
        .args(["--to", "bob@localhost", "--body", "Hello over TLS."])
        .output()
        .unwrap();
    let talk = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{talk}");
    assert!(talk.contains("TLS started"), "{talk}");
    let text = messages(folder.path()).concat();
    assert!(text.contains("\n\nHello over TLS.\n"), "{text}");
}

/// A certificate that we made ourselves, and stunnel told to use it.
fn stunnel_config(folder: &Path, address: SocketAddr) -> std::path::PathBuf {
    let (key, certificate) = (folder.join("key.pem"), folder.join("cert.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"])
        .args(["-subj", "/CN=mx.example.org", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success());
    let text = format!(
        "foreground = yes\npid =\n[smtps]\naccept = {address}\ncert = {}\n\
         key = {}\nexec = {PILLARBOX}\nexecArgs = pillarbox {}\n",
        certificate.display(),
        key.display(),
        arguments(folder).join(" ")
    );
    let config = folder.join("stunnel.conf");
    fs::write(&config, text).unwrap();
    config
}

/// Somebody else keeps the mail folder to itself, or it cannot be used: the
/// client hears that it should come again, and the owner why.
#[test]
fn a_session_that_cannot_begin_is_answered_with_421_rfc_5321_4_2_3() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("mail");
    std::fs::write(&file, "not a folder").unwrap();
    let output = Command::new(PILLARBOX)
        .args(arguments(&file))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(said, "421 mx.example.org too busy, try again later\r\n");
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(errors.contains("cannot use mail folder"), "{errors}");
}
