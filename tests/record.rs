//! A recording is a transcript, and it passes when it is replayed: both
//! recorders, tried with what the clients of all transcripts say.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

mod support;

use pillarbox::transcript::check::check;
use pillarbox::transcript::header::Plays;
use pillarbox::transcript::matching::Names;
use pillarbox::transcript::parse;
use pillarbox::transcript::run::{Outcome, read_all, run};
use pillarbox::transcript::script::{Action, Transcript};
use pillarbox::transcript::text::Text;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use support::{Client, DEADLINE, Server, wait_until};
use tempfile::TempDir;

/// The server of every transcript, unless its header says otherwise.
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
        let mut child = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
            .args(["record", "--listen", "127.0.0.1:0", "--server"])
            .arg(server.to_string())
            .arg("--out")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
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

fn options(transcript: &Transcript) -> Vec<String> {
    let given = &transcript.header.server;
    let is_given = |key: &str| given.iter().any(|(other, _)| other == key);
    let option = |key: &str, value: &str| format!("--{key}={value}");
    let cast = CAST.iter().filter(|(key, _)| !is_given(key));
    let mut options: Vec<String> =
        cast.map(|(key, value)| option(key, value)).collect();
    options.extend(given.iter().map(|(key, value)| option(key, value)));
    options
}

/// Starts a server as a transcript wants it.
fn server(transcript: &Transcript, more: &[&str]) -> Server {
    let options = options(transcript);
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
            _ => continue,
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

/// The files in a folder, once there are so many and all are complete.
fn recordings(folder: &Path, count: usize, of: &Transcript) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let from = of.path.display();
    wait_until(&format!("{count} recordings of {from} are there"), || {
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

/// The file is a transcript with nothing to say against but its length, and it
/// passes.
fn must_replay(path: &Path, origin: &Transcript) {
    let shown = || fs::read_to_string(path).unwrap();
    let from = origin.path.display();
    let transcript = parse::read(path).unwrap_or_else(|error| {
        panic!("{from}: {error}\n{}", shown());
    });
    let is_cut = path.extension().unwrap() == "part";
    let mut findings = check(&transcript);
    findings.retain(|(_, what)| what != "more than 60 lines" && !is_cut);
    let of_origin: Vec<String> =
        check(origin).into_iter().map(|(_, what)| what).collect();
    findings.retain(|(_, what)| !of_origin.contains(what));
    assert!(findings.is_empty(), "{from}: {findings:?}\n{}", shown());
    let binary = Path::new(env!("CARGO_BIN_EXE_pillarbox"));
    match run(binary, &transcript) {
        Outcome::Pass => {}
        Outcome::Fail(failure) => panic!("{from}: {failure}\n{}", shown()),
        other => panic!("{from}: {other:?}\n{}", shown()),
    }
}

#[test]
fn what_the_server_records_of_any_session_replays() {
    for_each_transcript(|transcript| {
        let folder = TempDir::new().unwrap();
        let record = format!("--record={}", folder.path().display());
        let server = server(transcript, &[&record]);
        let count = speak(transcript, server.address());
        for path in recordings(folder.path(), count, transcript) {
            must_replay(&path, transcript);
        }
    });
}

#[test]
fn what_the_proxy_records_of_any_session_replays() {
    for_each_transcript(|transcript| {
        let folder = TempDir::new().unwrap();
        let server = server(transcript, &[]);
        let proxy = Proxy::start(server.address(), folder.path());
        let count = speak(transcript, proxy.address);
        let options: Vec<String> = transcript
            .header
            .server
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        for path in recordings(folder.path(), count, transcript) {
            // The proxy does not know how the server was started.
            if !options.is_empty() {
                let text = fs::read_to_string(&path).unwrap();
                let line = format!("\nServer: {}\n\n", options.join(" "));
                fs::write(&path, text.replacen("\n\n", &line, 1)).unwrap();
            }
            must_replay(&path, transcript);
        }
    });
}
