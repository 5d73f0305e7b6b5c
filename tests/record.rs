//! A recording is a transcript, and it passes when it is replayed: both
//! recorders, tried with what the clients of all transcripts say.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

mod support;

use pillarbox::transcript::format::folder::read_all;
use pillarbox::transcript::format::header::Plays;
use pillarbox::transcript::format::lint::check;
use pillarbox::transcript::format::matching::Names;
use pillarbox::transcript::format::parse;
use pillarbox::transcript::format::script::{Action, Transcript};
use pillarbox::transcript::format::text::Text;
use pillarbox::transcript::play::outcome::Outcome;
use pillarbox::transcript::play::run::run_all;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use support::strace::{Faults, can_inject};
use support::{Client, DEADLINE, Server, needs, wait_until};
use tempfile::TempDir;

/// The server of every transcript, unless its header gives another.
const CAST: [(&str, &str); 4] = [
    ("hostname", "mx.example.org"),
    ("domain", "example.org"),
    ("mailbox", "bob@example.org"),
    ("mailbox", "carol@example.org"),
];

const AT_A_TIME: usize = 8;

/// A `pillarbox record` on a free port.
struct Proxy {
    child: Child,
    address: SocketAddr,
}

impl Proxy {
    fn start(server: SocketAddr, folder: &Path) -> Proxy {
        Proxy::with_log(server, folder, Stdio::null())
    }

    fn with_log(server: SocketAddr, folder: &Path, log: Stdio) -> Proxy {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
            .args(["record", "--listen", "127.0.0.1:0", "--server"])
            .arg(server.to_string())
            .arg("--out")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let address = line.strip_prefix("pillarbox listening on ").unwrap();
        let address = address.trim_end().parse().unwrap();
        Proxy { child, address }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Runs `work` for each transcript that plays a client.
fn for_each_transcript(work: impl Fn(&Transcript) + Sync) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = read_all(&root.join("transcripts")).unwrap();
    // A client that is turned away has no session.
    let turns_away = |t: &Transcript| {
        let mut keys = t.header.server.iter().map(|(key, _)| key.as_str());
        keys.any(|key| matches!(key, "max-connections" | "max-per-client"))
    };
    all.retain(|t| t.header.plays == Plays::Client && !turns_away(t));
    assert!(all.len() > 90);
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                let take = || all.get(next.fetch_add(1, Ordering::Relaxed));
                while let Some(transcript) = take() {
                    work(transcript);
                }
            });
        }
    });
}

fn options(transcript: &Transcript, folder: &Path) -> Vec<String> {
    let given = &transcript.header.server;
    let is_given = |key: &str| given.iter().any(|(other, _)| other == key);
    let option = |key: &str, value: &str| format!("--{key}={value}");
    let cast = CAST.iter().filter(|(key, _)| !is_given(key));
    let mut options: Vec<String> =
        cast.map(|(key, value)| option(key, value)).collect();
    for (key, value) in given {
        if key == "relay" {
            let queue = folder.join("queue");
            options.push(option("queue", queue.to_str().unwrap()));
            options.push(option("smart-host", "127.0.0.1:1"));
        } else {
            options.push(option(key, value));
        }
    }
    options
}

/// Starts a server as a transcript wants it. Its queue is in the folder.
fn server(transcript: &Transcript, folder: &Path, more: &[&str]) -> Server {
    let options = options(transcript, folder);
    let mut options: Vec<&str> = options.iter().map(String::as_str).collect();
    options.extend(more);
    Server::start(&options)
}

/// What a client does: it says something, or hears a reply.
enum Turn {
    Say(Vec<u8>),
    Hear,
}

/// The turns of each client of a transcript.
fn turns(transcript: &Transcript) -> Vec<Vec<Turn>> {
    let mut clients: BTreeMap<Option<u8>, Vec<Turn>> = BTreeMap::new();
    let mut names = Names::default();
    names.fit(&Text::parse("{host}").unwrap(), b"mx.example.org");
    for step in &transcript.steps {
        let (text, end) = match &step.action {
            Action::Send(text) => (text, "\r\n"),
            Action::SendRaw(text) => (text, ""),
            Action::Reply(_) => {
                clients.entry(step.client).or_default().push(Turn::Hear);
                continue;
            }
            Action::ReplyRaw(_)
            | Action::ClientConnects
            | Action::ClientCloses
            | Action::ServerCloses
            | Action::Silence(_)
            | Action::Wait(_)
            | Action::Mailbox(_)
            | Action::RestOfMessage(_)
            | Action::MayQuit => continue,
        };
        let mut bytes = names.expand(text).unwrap();
        bytes.extend(end.bytes());
        let turns = clients.entry(step.client).or_default();
        match turns.last_mut() {
            Some(Turn::Say(before)) => before.extend(bytes),
            Some(Turn::Hear) | None => turns.push(Turn::Say(bytes)),
        }
    }
    clients.into_values().collect()
}

/// Speaks to the server, waiting for each reply.
fn speak_in_turns(address: SocketAddr, turns: &[Turn]) {
    let mut client = Client::new(address).unwrap();
    for turn in turns {
        let is_there = match turn {
            Turn::Say(bytes) => client.try_send(bytes).is_ok(),
            Turn::Hear => client.try_reply().is_ok(),
        };
        if !is_there {
            return;
        }
    }
}

/// Says everything at once, ends, and reads until the server closes.
fn speak_at_once(address: SocketAddr, bytes: &[u8]) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    // The server may close before it has read all.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.read_to_end(&mut Vec::new());
}

/// Plays all clients of a transcript, each in two manners.
fn speak(transcript: &Transcript, address: SocketAddr) -> usize {
    let clients = turns(transcript);
    for turns in &clients {
        speak_in_turns(address, turns);
        let said = turns.iter().filter_map(|turn| match turn {
            Turn::Say(bytes) => Some(bytes.as_slice()),
            Turn::Hear => None,
        });
        speak_at_once(address, &said.collect::<Vec<_>>().concat());
    }
    clients.len() * 2
}

/// The files in a folder, once there are this many and all are complete.
fn recordings(folder: &Path, count: usize) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let what = format!("{count} complete recordings are there");
    wait_until(&what, || {
        let entries = fs::read_dir(folder).unwrap();
        files = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let is_complete = |path: &PathBuf| {
            path.extension().is_some_and(|end| end == "part")
                || fs::read_to_string(path)
                    .is_ok_and(|text| text.ends_with("closes)\n"))
        };
        files.len() == count && files.iter().all(is_complete)
    });
    files
}

/// The file is a transcript, and it passes.
fn must_replay(path: &Path) -> Transcript {
    let shown = || fs::read_to_string(path).unwrap();
    let transcript = parse::read(path)
        .unwrap_or_else(|error| panic!("{error}\n{}", shown()));
    let binary = Path::new(env!("CARGO_BIN_EXE_pillarbox"));
    let outcome = run_all(binary, std::slice::from_ref(&transcript), 1);
    match outcome.into_iter().next().unwrap() {
        Outcome::Pass => transcript,
        Outcome::Fail(failure) => panic!("{failure}\n{}", shown()),
        other
        @ (Outcome::Skip(_) | Outcome::Lost(_) | Outcome::NoServer(_)) => {
            panic!("{other:?}\n{}", shown())
        }
    }
}

/// It passes, and there is nothing to say against it but its length, unless
/// the same can be said against the transcript that it comes from.
fn must_replay_like(path: &Path, origin: &Transcript) {
    let recorded = must_replay(path);
    if path.extension().unwrap() == "part" {
        return;
    }
    let what = |finding: (usize, String)| finding.1;
    let known: Vec<String> = check(origin).into_iter().map(what).collect();
    let mut findings = check(&recorded);
    findings.retain(|(_, what)| {
        what != "more than 60 lines" && !known.contains(what)
    });
    let from = origin.path.display();
    assert!(findings.is_empty(), "{from}: {findings:?}");
}

#[test]
fn what_the_server_records_of_any_session_replays() {
    for_each_transcript(|transcript| {
        let folder = TempDir::new().unwrap();
        let raw = folder.path().join("raw");
        let record = format!("--record={}", raw.display());
        let server = server(transcript, folder.path(), &[&record]);
        let count = speak(transcript, server.address());
        for path in recordings(&raw, count) {
            must_replay_like(&path, transcript);
        }
    });
}

#[test]
fn what_the_proxy_records_of_any_session_replays() {
    for_each_transcript(|transcript| {
        let folder = TempDir::new().unwrap();
        let raw = folder.path().join("raw");
        let server = server(transcript, folder.path(), &[]);
        let proxy = Proxy::start(server.address(), &raw);
        let count = speak(transcript, proxy.address);
        let options: Vec<String> = transcript
            .header
            .server
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        for path in recordings(&raw, count) {
            // The proxy does not know how the server was started.
            if !options.is_empty() {
                let text = fs::read_to_string(&path).unwrap();
                let line = format!("\nServer: {}\n\n", options.join(" "));
                fs::write(&path, text.replacen("\n\n", &line, 1)).unwrap();
            }
            must_replay_like(&path, transcript);
        }
    });
}

/// What a client may put into a message and a server must live with.
const STRANGE: &[u8] = b"Subject: {x} {...} {3*y} \\ \\n \\x41\r\n\r\n\
    trailing blanks  \r\n\t\r\n...\r\n\xe9\xff\x80\r\n\x1b[2J\x7f\r\n\
    AUTH is a verb\r\n334 and so on\r\n{\r\n";

/// And what makes the server refuse the message.
const REFUSED: [&[u8]; 4] =
    [b"bare\nline feed\n.\n", b"bare\rreturn\r.\r", b"\0\r\n", b"\r\r\n\n\r\n"];

fn envelope() -> Vec<u8> {
    b"EHLO client.example\r\nMAIL FROM:<alice@client.example>\r\n\
      RCPT TO:<zoe@localhost>\r\nDATA\r\n"
        .to_vec()
}

/// Sessions with strange bytes in the message, in commands, and cut off.
fn strange_sessions() -> Vec<Vec<u8>> {
    let mut sessions = Vec::new();
    for part in [&[b"".as_slice()], REFUSED.as_slice()].concat() {
        let end = b".\r\nQUIT\r\n";
        sessions.push([&envelope(), STRANGE, part, end].concat());
    }
    let strange = [STRANGE, &REFUSED.concat()].concat();
    sessions.push([&strange, b"\r\nQUIT\r\n".as_slice()].concat());
    let whole = sessions.concat();
    for length in (0..whole.len()).step_by(61) {
        sessions.push(whole[..length].to_vec());
    }
    sessions
}

#[test]
fn strange_bytes_and_broken_sessions_replay_from_both_recorders() {
    let folder = TempDir::new().unwrap();
    let (own, raw) = (folder.path().join("own"), folder.path().join("raw"));
    let record = format!("--record={}", own.display());
    // No mailbox is named: everybody has one.
    let options = ["--hostname=localhost", "--domain=localhost", &record];
    let server = Server::start(&options);
    let proxy = Proxy::start(server.address(), &raw);
    let sessions = strange_sessions();
    for session in &sessions {
        speak_at_once(proxy.address, session);
    }
    for path in recordings(&own, sessions.len()) {
        must_replay(&path);
    }
    for path in recordings(&raw, sessions.len()) {
        let text = fs::read_to_string(&path).unwrap();
        let server = "\nServer: hostname=localhost domain=localhost mailbox=*\
                      \n\n";
        fs::write(&path, text.replacen("\n\n", server, 1)).unwrap();
        must_replay(&path);
    }
}

#[test]
fn a_mebibyte_is_recorded_and_no_more() {
    let folder = TempDir::new().unwrap();
    let record = format!("--record={}", folder.path().display());
    let server = Server::start(&["--domain=localhost", &record]);
    let text = b"All work and no play\r\n".repeat(60_000);
    let session = [&envelope(), text.as_slice(), b".\r\nQUIT\r\n"].concat();
    speak_at_once(server.address(), &session);
    let path = recordings(folder.path(), 1).remove(0);
    assert!(path.to_string_lossy().ends_with(".txt.part"));
    assert!(fs::metadata(&path).unwrap().len() <= 1_048_576);
    must_replay(&path);
    assert_eq!(server.messages("localhost", "zoe").len(), 1);
}

#[test]
fn a_long_silence_is_a_note_since_nobody_can_replay_it() {
    let folder = TempDir::new().unwrap();
    let record = format!("--record={}", folder.path().display());
    let server = Server::start(&["--timeout=5.01", &record]);
    let mut client = server.connect();
    client.expect(220);
    client.send(b"NOO");
    client.expect(421);
    let path = recordings(folder.path(), 1).remove(0);
    let text = fs::read_to_string(&path).unwrap();
    let end = "C> NOO\n# 5 s of silence, then 421; here the client closes\n\
               (client closes)\n";
    assert!(text.ends_with(end), "{text}");
    must_replay(&path);
}

#[test]
fn sessions_go_on_when_they_cannot_be_recorded() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let record = format!("--record={}", out.display());
    let server = Server::start(&["--domain=localhost", &record]);
    fs::remove_dir(&out).unwrap();
    let mut client = server.connect();
    client.expect(220);
    client.say("QUIT");
    client.expect(221);
    wait_until("it is logged", || server.log().contains("[1] cannot record: "));
}

/// A server that says these bytes as soon as it has heard something, and
/// closes when the client does.
fn fake_server(greeting: &'static [u8], answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(greeting).unwrap();
        let mut heard = [0; 1000];
        if stream.read(&mut heard).unwrap() > 0 {
            stream.write_all(answer).unwrap();
            stream.read_to_end(&mut Vec::new()).unwrap();
        }
    });
    address
}

/// What the proxy writes of one client, from after the header, and what the
/// client hears.
fn through_the_proxy(server: SocketAddr, said: &[&[u8]]) -> (String, Vec<u8>) {
    let folder = TempDir::new().unwrap();
    let proxy = Proxy::start(server, folder.path());
    let mut stream = TcpStream::connect(proxy.address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut heard = Vec::new();
    for bytes in said {
        let mut buffer = [0; 1000];
        let count = stream.read(&mut buffer).unwrap();
        heard.extend(&buffer[..count]);
        stream.write_all(bytes).unwrap();
    }
    let _ = stream.shutdown(Shutdown::Write);
    stream.read_to_end(&mut heard).unwrap();
    let path = recordings(folder.path(), 1).remove(0);
    parse::read(&path).unwrap();
    let text = fs::read_to_string(path).unwrap();
    (text.split_once("\n\n").unwrap().1.to_owned(), heard)
}

#[test]
fn nothing_is_written_of_what_is_encrypted_but_all_is_passed_on() {
    let server = fake_server(b"220 x\r\n", b"220 go\r\n\x16\x03\r\n");
    let said: [&[u8]; 2] = [b"STARTTLS\r\n", b"\x16\x03\x01 hello\r\n"];
    let (text, heard) = through_the_proxy(server, &said);
    let wanted = "S: 220 x\nC: STARTTLS\nS: 220 go\n\
                  # encrypted from here\n(client closes)\n";
    assert_eq!(text, wanted);
    assert!(heard.ends_with(b"\x16\x03\r\n"), "{heard:?}");
}

#[test]
fn passwords_are_not_written_but_passed_on() {
    let server = fake_server(b"220 x\r\n", b"334 VXNlcg==\r\n");
    let said: [&[u8]; 2] = [b"AUTH PLAIN AGJvYgBib2I=\r\n", b"Ym9i\r\n"];
    let (text, _) = through_the_proxy(server, &said);
    let wanted = "S: 220 x\nC: AUTH PLAIN {secret}\nS: 334 VXNlcg==\n\
                  C: {secret}\n(client closes)\n";
    assert_eq!(text, wanted);
}

#[test]
fn a_server_that_speaks_no_smtp_becomes_notes() {
    let server = fake_server(b"* OK IMAP4rev1\n220-x\r\n", b"BAD\0\xff");
    let (text, heard) = through_the_proxy(server, &[b"NOOP\r\n"]);
    let wanted = "# no reply, but the server said: * OK IMAP4rev1\\n\n\
        C: NOOP\n\
        # no reply, but the server said: 220-x\\r\\n\n\
        # no reply, but the server said: BAD\\0\\xff\n(client closes)\n";
    assert_eq!(text, wanted);
    assert!(heard.ends_with(b"BAD\0\xff"));
}

#[test]
fn a_client_of_a_server_that_is_not_there_is_turned_away() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let folder = TempDir::new().unwrap();
    let proxy = Proxy::start(address, folder.path());
    // One that waits for the greeting, and one that does not.
    for words in ["", "EHLO client.example\r\nMAIL FROM:<a@b.example>\r\n"] {
        let mut stream = TcpStream::connect(proxy.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(words.as_bytes()).unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).unwrap();
        assert!(heard.starts_with("421 [127.0.0.1] "), "{heard}");
        assert!(heard.ends_with("\r\n") && heard.lines().count() == 1);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn without_file_descriptors_the_proxy_waits_and_tells_of_it_now_and_then() {
    if !can_inject() {
        return;
    }
    let server = Server::start(&[]);
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("log");
    let out = folder.path().join("recordings");
    let file = fs::File::create(&log).unwrap();
    let proxy = Proxy::with_log(server.address(), &out, file.into());
    let pid = proxy.child.id();
    let _faults = Faults::begin(pid, "accept4:error=EMFILE:when=1..12");
    for _ in 0..2 {
        Client::new(proxy.address).unwrap().expect(220);
    }
    let log = fs::read_to_string(log).unwrap();
    assert_eq!(log.matches("cannot accept: ").count(), 2, "{log}");
}

/// A port that nobody listens on now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn the_recorder_does_not_record_itself() {
    let folder = TempDir::new().unwrap();
    let port = free_port();
    for (listen, server) in [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "localhost"),
        ("127.0.0.1", "0.0.0.0"),
        ("0.0.0.0", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.2"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
            .args(["record", "--listen", &format!("{listen}:{port}")])
            .args(["--server", &format!("{server}:{port}")])
            .arg("--out")
            .arg(folder.path())
            .output()
            .unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        let told = format!("{server}:{port} is the recorder itself\n");
        assert!(errors.ends_with(&told), "{errors}");
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn what_cannot_be_done_is_told_in_one_line_with_code_1() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let file = file.to_str().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let mail = folder.path().join("mail");
    let mail = mail.to_str().unwrap();
    let table: [(&[&str], &str); 3] = [
        (
            &["record", "-s", "localhost:1", "-l", "127.0.0.1:0", "-o", file],
            "cannot record in ",
        ),
        (
            &["record", "-s", "localhost:1", "-l", &taken, "-o", mail],
            "cannot listen on ",
        ),
        (
            &["serve", "-l", "127.0.0.1:0", "-m", mail, "--record", file],
            "cannot record in ",
        ),
    ];
    for (arguments, told) in table {
        let output = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
            .args(arguments)
            .env("RUST_LOG", "error")
            .output()
            .unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        let begin = format!("pillarbox: {told}");
        assert!(errors.starts_with(&begin), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
        assert_eq!(output.status.code(), Some(1));
    }
}

const SMTPLIB: &str = "
import smtplib, sys
text = 'Subject: {host}\\r\\n\\r\\n.\\r\\n..\\r\\ntrailing  \\r\\n'
with smtplib.SMTP('127.0.0.1', int(sys.argv[1])) as server:
    server.sendmail('alice@client.example', 'bob@example.org', text)
    server.sendmail('', ['bob@example.org', 'carol@example.org'], text)
";

#[test]
fn sessions_of_real_clients_replay_from_both_recorders() {
    let folder = TempDir::new().unwrap();
    let (own, raw) = (folder.path().join("own"), folder.path().join("raw"));
    let record = format!("--record={}", own.display());
    let cast = CAST.map(|(key, value)| format!("--{key}={value}"));
    let mut options: Vec<&str> = cast.iter().map(String::as_str).collect();
    options.push(&record);
    let server = Server::start(&options);
    let proxy = Proxy::start(server.address(), &raw);
    let port = proxy.address.port().to_string();
    let letter = folder.path().join("letter");
    fs::write(&letter, "Subject: curl\r\n\r\n.\r\nend\r\n").unwrap();
    let (letter, url) =
        (letter.to_str().unwrap(), format!("smtp://127.0.0.1:{port}/client"));
    let clients: [(&[&str], &[&str]); 3] = [
        (
            &["swaks", "--version"],
            &[
                "swaks",
                "--server",
                "127.0.0.1",
                "--port",
                &port,
                "--from",
                "alice@client.example",
                "--to",
                "bob@example.org",
            ],
        ),
        (
            &["curl", "--version"],
            &[
                "curl",
                "-sS",
                &url,
                "--mail-from",
                "alice@client.example",
                "--mail-rcpt",
                "bob@example.org",
                "-T",
                letter,
            ],
        ),
        (
            &["python3", "-c", "import smtplib"],
            &["python3", "-c", SMTPLIB, &port],
        ),
    ];
    let mut count = 0;
    for (probe, command) in clients {
        if needs(probe) {
            let mut run = Command::new(command[0]);
            let run = run.args(&command[1..]).stdin(Stdio::null());
            let output = run.output().unwrap();
            assert!(output.status.success(), "{command:?} {output:?}");
            count += 1;
        }
    }
    for folder in [own, raw] {
        for path in recordings(&folder, count) {
            must_replay(&path);
        }
    }
}

/// A recording holds people's mail.
#[test]
fn only_the_owner_may_read_a_recording() {
    use std::os::unix::fs::PermissionsExt;
    let mode =
        |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = TempDir::new().unwrap();
    let by_server = folder.path().join("server/raw");
    let by_proxy = folder.path().join("proxy/raw");
    let server = Server::start(&["--record", by_server.to_str().unwrap()]);
    let proxy = Proxy::start(server.address(), &by_proxy);
    let mut client = Client::new(proxy.address).unwrap();
    client.expect(220);
    client.say("QUIT");
    client.expect(221);
    for raw in [&by_server, &by_proxy] {
        assert_eq!(mode(raw), 0o700);
        let files = || fs::read_dir(raw).unwrap().map(|f| f.unwrap().path());
        wait_until("there is a recording", || files().count() == 1);
        files().for_each(|file| assert_eq!(mode(&file), 0o600));
    }
}

/// A power cut after the session must not leave an empty file.
#[test]
fn a_recording_and_its_folder_are_synced_when_the_session_ends() {
    if !needs(&["strace", "-qq", "-e", "trace=none", "true"]) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let trace = folder.path().join("trace");
    let raw = folder.path().join("raw");
    let file = trace.display().to_string();
    let strace = ["strace", "-D", "-f", "-y", "-qq", "-o", &file, "-e"];
    let strace = [&strace[..], &["trace=fsync"]].concat();
    let mail = folder.path().join("mail");
    let options = ["--record", raw.to_str().unwrap()];
    let server = Server::start_by(&strace, &mail, &options);
    let mut client = server.connect();
    client.expect(220);
    client.say("QUIT");
    client.expect(221);
    let synced = |end: &str| {
        let calls = fs::read_to_string(&trace).unwrap();
        calls.lines().any(|l| l.contains("/raw") && l.contains(end))
    };
    wait_until("the recording is synced", || synced("-1.txt>"));
    wait_until("its folder is synced", || synced("/raw>"));
}
