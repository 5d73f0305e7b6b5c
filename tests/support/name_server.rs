//! A name server in this process, which says what a test wants it to say, by
//! UDP and by TCP on one port of 127.0.0.1.
//!
//! Interface:
//!   `NameServer`  answers with a zone, or as a function has it; remembers
//!                 what it was asked
//!   `Asked`       one question; `answer` makes the packet that answers it
//!   `name`, `address`, `exchanger`
//!                 parts of a record

// A packet of our own is as long as it should be.
#![allow(clippy::indexing_slicing)]

use std::io::{Read, Write};
use std::net::{
    IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::DEADLINE;

pub const A: u16 = 1;
pub const CNAME: u16 = 5;
pub const MX: u16 = 15;
pub const TXT: u16 = 16;
pub const AAAA: u16 = 28;

/// It is a response, to a question that wanted recursion, and there was some.
pub const GOOD: u16 = 0x8180;
pub const TRUNCATED: u16 = 0x0200;
pub const NO_SUCH_NAME: u16 = 3;

/// A record: its name, its type, and its data as bytes.
pub type Record = (Vec<u8>, u16, Vec<u8>);

/// A question that has come.
#[derive(Debug, Clone)]
pub struct Asked {
    pub id: u16,
    pub name: String,
    pub kind: u16,
    pub by_tcp: bool,
    pub from: SocketAddr,
}

impl Asked {
    /// The packet that answers it.
    pub fn answer(&self, flags: u16, records: &[Record]) -> Vec<u8> {
        let count = u16::try_from(records.len()).expect("not so many");
        let header = [self.id, flags, 1, count, 0, 0];
        let mut packet = header.map(u16::to_be_bytes).concat();
        packet.extend(name(&self.name));
        packet.extend([self.kind, 1].map(u16::to_be_bytes).concat());
        for (owner, kind, data) in records {
            packet.extend(owner);
            packet.extend([*kind, 1, 0, 60].map(u16::to_be_bytes).concat());
            let length = u16::try_from(data.len()).expect("not so long");
            packet.extend(length.to_be_bytes());
            packet.extend(data);
        }
        packet
    }
}

/// A name in a packet, whole, without a pointer.
pub fn name(text: &str) -> Vec<u8> {
    let labels = text.split('.').filter(|label| !label.is_empty());
    let mut bytes = Vec::new();
    for label in labels {
        bytes.push(u8::try_from(label.len()).expect("a label"));
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes
}

/// A or AAAA.
pub fn address(owner: &str, address: &str) -> Record {
    match address.parse().expect("an address") {
        IpAddr::V4(ip) => (name(owner), A, ip.octets().to_vec()),
        IpAddr::V6(ip) => (name(owner), AAAA, ip.octets().to_vec()),
    }
}

pub fn exchanger(owner: &str, preference: u16, host: &str) -> Record {
    let data = [preference.to_be_bytes().to_vec(), name(host)].concat();
    (name(owner), MX, data)
}

pub fn alias(owner: &str, target: &str) -> Record {
    (name(owner), CNAME, name(target))
}

/// With its length before it, as TCP has it.
pub fn framed(packet: &[u8]) -> Vec<u8> {
    let length = u16::try_from(packet.len()).expect("not so long");
    [&length.to_be_bytes(), packet].concat()
}

/// What it says to a question: datagrams, or pieces of a stream. Nothing is
/// silence.
type Conduct = dyn Fn(&Asked) -> Vec<Vec<u8>> + Send + Sync;

/// Ends when it is dropped.
pub struct NameServer {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    is_over: Arc<AtomicBool>,
}

impl NameServer {
    /// Says what `conduct` wants.
    pub fn start(
        conduct: impl Fn(&Asked) -> Vec<Vec<u8>> + Send + Sync + 'static,
    ) -> NameServer {
        let (udp, tcp) = sockets();
        let address = udp.local_addr().expect("an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        let conduct: Arc<Conduct> = Arc::new(conduct);
        let desk = Desk {
            asked: Arc::clone(&asked),
            is_over: Arc::clone(&is_over),
            conduct,
        };
        let second = desk.clone();
        thread::spawn(move || desk.serve_datagrams(&udp));
        thread::spawn(move || second.serve_streams(&tcp));
        NameServer { address, asked, is_over }
    }

    /// Knows what stands in `zone`, one record a line: `name kind data`. The
    /// kind may be a word of our own: `CODE 2` answers every question for the
    /// name with that code, `SILENCE` with nothing. Other names do not exist.
    pub fn with_zone(zone: &str) -> NameServer {
        let zone = Zone::read(zone);
        NameServer::start(move |asked| zone.answer(asked))
    }

    /// All questions so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no thread panics").clone()
    }

    /// All questions so far, in words: `MX example.org`.
    pub fn questions(&self) -> Vec<String> {
        let words = |asked: &Asked| {
            let kind = match asked.kind {
                A => "A",
                MX => "MX",
                AAAA => "AAAA",
                _ => "?",
            };
            let way = if asked.by_tcp { " by TCP" } else { "" };
            format!("{kind} {}{way}", asked.name)
        };
        self.asked().iter().map(words).collect()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Both threads look at the flag when something comes.
        let _ = TcpStream::connect(self.address);
        if let Ok(socket) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)) {
            let _ = socket.send_to(b"over", self.address);
        }
    }
}

/// One port that is free for both.
fn sockets() -> (UdpSocket, TcpListener) {
    let free = || {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
        let udp = UdpSocket::bind(tcp.local_addr().ok()?).ok()?;
        Some((udp, tcp))
    };
    (0..100).find_map(|_| free()).expect("a free port")
}

/// What both threads need.
#[derive(Clone)]
struct Desk {
    asked: Arc<Mutex<Vec<Asked>>>,
    is_over: Arc<AtomicBool>,
    conduct: Arc<Conduct>,
}

impl Desk {
    fn serve_datagrams(&self, socket: &UdpSocket) {
        let mut room = [0; 1024];
        while let Ok((count, from)) = socket.recv_from(&mut room) {
            if self.is_over.load(Ordering::SeqCst) {
                return;
            }
            for packet in self.answer(&room[..count], from, false) {
                let _ = socket.send_to(&packet, from);
            }
        }
    }

    fn serve_streams(&self, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.is_over.load(Ordering::SeqCst) {
                return;
            }
            let desk = self.clone();
            thread::spawn(move || desk.serve_stream(stream.ok()?));
        }
    }

    fn serve_stream(&self, mut stream: TcpStream) -> Option<()> {
        stream.set_read_timeout(Some(DEADLINE)).ok()?;
        stream.set_nodelay(true).ok()?;
        let mut length = [0; 2];
        stream.read_exact(&mut length).ok()?;
        let mut packet = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut packet).ok()?;
        let from = stream.peer_addr().ok()?;
        let pieces = self.answer(&packet, from, true);
        for piece in &pieces {
            stream.write_all(piece).ok()?;
            // So that pieces are pieces; nothing depends on it.
            thread::sleep(Duration::from_millis(1));
        }
        if pieces.is_empty() {
            // Silence, for as long as the client can bear it.
            let _ = stream.read(&mut length);
        }
        Some(())
    }

    fn answer(
        &self,
        packet: &[u8],
        from: SocketAddr,
        by_tcp: bool,
    ) -> Vec<Vec<u8>> {
        let asked = read_question(packet, from, by_tcp);
        self.asked.lock().expect("no thread panics").push(asked.clone());
        (self.conduct)(&asked)
    }
}

/// Checks what every question of ours has to be like, too.
fn read_question(packet: &[u8], from: SocketAddr, by_tcp: bool) -> Asked {
    let number = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
    let rest: Vec<u16> = (2..12).step_by(2).map(number).collect();
    assert_eq!(rest, [0x0100, 1, 0, 0, 0], "the header of a question");
    let mut labels = Vec::new();
    let mut at = 12;
    while packet[at] != 0 {
        let end = at + 1 + usize::from(packet[at]);
        labels.push(String::from_utf8_lossy(&packet[at + 1..end]).into_owned());
        at = end;
    }
    assert_eq!(number(at + 3), 1, "the class");
    assert_eq!(packet.len(), at + 5, "nothing comes after a question");
    let (id, kind, name) = (number(0), number(at + 1), labels.join("."));
    Asked { id, name, kind, by_tcp, from }
}

/// What it knows.
struct Zone {
    records: Vec<(String, Record)>,
    codes: Vec<(String, u16)>,
    silent: Vec<String>,
}

impl Zone {
    fn read(text: &str) -> Zone {
        let mut zone = Zone { records: vec![], codes: vec![], silent: vec![] };
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let owner = words[0].to_owned();
            let record = match words[1..] {
                ["A" | "AAAA", ip] => address(&owner, ip),
                ["CNAME", target] => alias(&owner, target),
                ["MX", number, host] => {
                    let number = number.parse().expect("a preference");
                    exchanger(&owner, number, host)
                }
                ["TXT", text] => {
                    (name(&owner), TXT, [b"\x01", text.as_bytes()].concat())
                }
                ["CODE", code] => {
                    zone.codes.push((owner, code.parse().expect("a code")));
                    continue;
                }
                ["SILENCE"] => {
                    zone.silent.push(owner);
                    continue;
                }
                _ => panic!("what is this? {line}"),
            };
            zone.records.push((owner, record));
        }
        zone
    }

    fn answer(&self, asked: &Asked) -> Vec<Vec<u8>> {
        if self.silent.contains(&asked.name) {
            return Vec::new();
        }
        let packet = self.packet(asked);
        if asked.by_tcp {
            return vec![framed(&packet)];
        }
        if packet.len() > 512 {
            return vec![asked.answer(GOOD | TRUNCATED, &[])];
        }
        vec![packet]
    }

    fn packet(&self, asked: &Asked) -> Vec<u8> {
        let is_it = |(owner, _): &&(String, u16)| *owner == asked.name;
        if let Some((_, code)) = self.codes.iter().find(is_it) {
            return asked.answer(GOOD | code, &[]);
        }
        let of_name = self.records.iter().filter(|r| r.0 == asked.name);
        let of_name: Vec<Record> = of_name.map(|r| r.1.clone()).collect();
        if of_name.is_empty() {
            return asked.answer(GOOD | NO_SUCH_NAME, &[]);
        }
        let is_wanted =
            |record: &Record| [asked.kind, CNAME].contains(&record.1);
        let wanted: Vec<_> = of_name.into_iter().filter(is_wanted).collect();
        asked.answer(GOOD, &wanted)
    }
}
