//! The client against small servers of one test each: how it behaves on a real
//! socket, with every fault that a server or a network can have.
//!
//! What each answer means is proven without sockets, in `protocol::sending`.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing)]

mod support;

use pillarbox::protocol::address::{ReversePath, mailbox};
use pillarbox::protocol::decision::Class;
use pillarbox::protocol::outcome::{Heard, Settled};
use pillarbox::protocol::outgoing::{ClientCommand, Envelope, Needs};
use pillarbox::relay::client::{
    ADDRESS_LIMIT, Courier, Event, Orders, Report, survey,
};
use pillarbox::relay::route::Target;
use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use support::DEADLINE;

/// What a server of a test does.
#[derive(Clone, Copy)]
enum Do {
    /// Writes these bytes.
    Say(&'static str),
    /// Writes them byte by byte, each in a packet of its own.
    Spell(&'static str),
    /// Reads one line.
    Line,
    /// Reads to the line that is a dot alone.
    Text,
    /// Reads at least this many bytes.
    Some(usize),
    /// Reads to the end of the connection, and says nothing more.
    Rest,
    /// Says this again and again, until the client is gone.
    Drip(&'static str),
}

use Do::{Drip, Line, Rest, Say, Spell, Text};

/// A server that has one script for each connection; afterwards it is gone.
struct Host {
    address: Target,
    /// What it has read on each connection.
    heard: JoinHandle<Vec<Vec<u8>>>,
}

impl Host {
    fn new(scripts: Vec<Vec<Do>>) -> Host {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = listener.local_addr().unwrap();
        let heard = thread::spawn(move || {
            let play = |script: Vec<Do>| {
                let (stream, _) = listener.accept().unwrap();
                play(stream, &script)
            };
            scripts.into_iter().map(play).collect()
        });
        let address = Target { host: "mx.example.org".into(), address: socket };
        Host { address, heard }
    }

    fn heard(self) -> Vec<String> {
        let heard = self.heard.join().unwrap().into_iter();
        heard.map(|bytes| String::from_utf8(bytes).unwrap()).collect()
    }
}

fn play(mut stream: TcpStream, script: &[Do]) -> Vec<u8> {
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    let mut heard = Vec::new();
    for step in script {
        let start = heard.len();
        let is_enough = |heard: &[u8]| match step {
            Line => heard.ends_with(b"\n"),
            Text => heard.ends_with(b"\r\n.\r\n") || heard == b".\r\n",
            Do::Some(count) => heard.len() >= *count,
            Rest => false,
            Say(_) | Spell(_) | Drip(_) => true,
        };
        while !is_enough(&heard[start..]) {
            // Behind a line there may be more, which is not its business.
            let mut bytes = [0; 65536];
            let size = if matches!(step, Line) { 1 } else { bytes.len() };
            match stream.read(&mut bytes[..size]) {
                Ok(0) | Err(_) => return heard,
                Ok(count) => heard.extend_from_slice(&bytes[..count]),
            }
        }
        // The client may be gone: it will say so.
        match step {
            Say(words) => drop(stream.write_all(words.as_bytes())),
            Spell(words) => {
                for byte in words.bytes() {
                    let _ = stream.write_all(&[byte]);
                }
            }
            Drip(words) => {
                while stream.write_all(words.as_bytes()).is_ok() {
                    thread::sleep(Duration::from_millis(20));
                }
            }
            Line | Text | Do::Some(_) | Rest => {}
        }
    }
    heard
}

/// From the greeting to QUIT, all yes.
const YES: [Do; 13] = [
    Say("220 mx\r\n"),
    Line,
    Say("250 mx\r\n"),
    Line,
    Say("250 sender\r\n"),
    Line,
    Say("250 recipient\r\n"),
    Line,
    Say("354 go\r\n"),
    Text,
    Say("250 stored\r\n"),
    Line,
    Rest,
];

/// One more mail on the same connection.
const AGAIN: [Do; 8] = [
    Line,
    Say("250 sender\r\n"),
    Line,
    Say("250 recipient\r\n"),
    Line,
    Say("354 go\r\n"),
    Text,
    Say("250 stored\r\n"),
];

fn up_to_354() -> Vec<Do> {
    YES[..9].to_vec()
}

fn envelope(recipients: &[&str]) -> Envelope {
    let mailbox = |name: &&str| mailbox(&format!("{name}@example.org"));
    Envelope {
        reverse_path: ReversePath::Null,
        recipients: recipients.iter().map(|r| mailbox(r).unwrap()).collect(),
        needs: Needs { size: 9, ..Needs::default() },
    }
}

const TEXT: &str = "Subject: hello\n\n.dot\nno end";

fn text() -> io::Result<Box<dyn Read>> {
    Ok(Box::new(TEXT.as_bytes()))
}

/// More than all buffers between two sockets hold, and not in memory.
fn large_text() -> io::Result<Box<dyn Read>> {
    Ok(Box::new(io::repeat(b'\n').take(8_000_000)))
}

/// The cap of a client that is to find out that a server is silent.
const IMPATIENT: Duration = Duration::from_millis(500);

fn orders(timeout_cap: Duration) -> Orders<'static> {
    Orders { name: "client.example", timeout_cap, observer: &|_| {} }
}

/// Delivers to bob, with a courier of one mail.
fn deliver(hosts: &[&Target], timeout_cap: Duration) -> Report {
    deliver_text(hosts, timeout_cap, &text)
}

fn deliver_text(
    hosts: &[&Target],
    timeout_cap: Duration,
    text: &dyn Fn() -> io::Result<Box<dyn Read>>,
) -> Report {
    let addresses: Vec<Target> = hosts.iter().copied().cloned().collect();
    let mut courier = Courier::new(orders(timeout_cap));
    courier.deliver(&addresses, &envelope(&["bob"]), text)
}

fn only(report: &Report) -> &Settled {
    let [settled] = report.settled.as_slice() else { panic!("{report:?}") };
    settled
}

/// An address at which nobody listens: the first ports belong to services that
/// are long gone, and no test is given one of them.
fn nobody(port: u16) -> Target {
    let address = ([127, 0, 0, 1], port).into();
    Target { host: "gone.example.org".into(), address }
}

#[test]
fn a_mail_goes_out_as_the_rfc_has_it_and_quit_ends_the_session() {
    let host = Host::new(vec![YES.to_vec()]);
    let report = deliver(&[&host.address], DEADLINE);
    let settled = only(&report);
    assert_eq!(settled.outcome.class, Class::Delivered);
    assert_eq!(settled.outcome.to_string(), "250 stored");
    assert_eq!(settled.host, "mx.example.org");
    assert!(report.has_opened);
    let want = "EHLO client.example\r\nMAIL FROM:<>\r\n\
                RCPT TO:<bob@example.org>\r\nDATA\r\n\
                Subject: hello\r\n\r\n..dot\r\nno end\r\n.\r\nQUIT\r\n";
    assert_eq!(host.heard(), [want]);
}

#[test]
fn case_16_replies_that_come_byte_by_byte_are_whole_replies() {
    let script = vec![
        Spell("220-mx\r\n220 ready\r\n"),
        Line,
        Spell("250-mx\r\n250-PIPELINING\r\n250 SIZE 1000\r\n"),
        Line,
        Line,
        Line,
        Spell("250\r\n250-re\r\n250 cipient\r\n354-go\r\n354 on\r\n"),
        Text,
        Spell("250-550 is in these words, and is no code\r\n250\r\n"),
        Rest,
    ];
    let host = Host::new(vec![script]);
    let report = deliver(&[&host.address], DEADLINE);
    assert_eq!(only(&report).outcome.class, Class::Delivered);
    assert!(host.heard()[0].contains("MAIL FROM:<> SIZE=9\r\n"));
}

#[test]
fn case_04_a_host_that_hangs_up_before_the_dot_is_left_for_the_next_one() {
    // After each of its words, and before the first.
    for length in 0..=up_to_354().len() {
        let bad = Host::new(vec![up_to_354()[..length].to_vec()]);
        let good = Host::new(vec![YES.to_vec()]);
        let report =
            deliver_text(&[&bad.address, &good.address], DEADLINE, &large_text);
        let settled = only(&report);
        assert_eq!(settled.outcome.class, Class::Delivered, "{length}");
        bad.heard();
        assert!(good.heard()[0].ends_with("\r\n.\r\nQUIT\r\n"), "{length}");
    }
}

#[test]
fn case_07_after_the_dot_no_other_host_is_asked_rfc_1047() {
    for last in [
        vec![],
        vec![Say("25")],
        vec![Say("250stored\r\n"), Rest],
        vec![Say("354 again\r\n"), Rest],
        vec![Say("421 bye\r\n")],
        vec![Say("451 later\r\n"), Rest],
    ] {
        let script = [&YES[..10], &last].concat();
        let bad = Host::new(vec![script]);
        // If anybody connected, the thread would not wait for ever: the
        // address is closed, and the report would name it.
        let other = nobody(1);
        let report = deliver(&[&bad.address, &other], DEADLINE);
        let settled = only(&report);
        assert_eq!(settled.outcome.class, Class::Temporary);
        assert_eq!(settled.host, "mx.example.org");
        bad.heard();
    }
}

#[test]
fn case_32_a_silent_host_is_left_after_the_time_out_at_every_step() {
    for length in (0..=10).step_by(2) {
        let script = [&YES[..length], &[Rest]].concat();
        let silent = Host::new(vec![script]);
        let report = deliver(&[&silent.address], IMPATIENT);
        let settled = only(&report);
        assert_eq!(settled.outcome.class, Class::Temporary);
        assert_eq!(settled.outcome.to_string(), "no answer in time");
        assert_eq!(settled.outcome.status(), "4.4.2");
        // The client leaves, politely; the server has waited for that.
        assert!(silent.heard()[0].ends_with("QUIT\r\n"), "{length}");
    }
}

#[test]
fn case_32_a_reply_that_never_ends_does_not_move_the_deadline() {
    for (before, drip) in [(0, "2"), (2, "250-more\r\n")] {
        let script = [&YES[..before], &[Drip(drip)]].concat();
        let host = Host::new(vec![script]);
        let start = Instant::now();
        let report = deliver(&[&host.address], IMPATIENT);
        assert_eq!(only(&report).outcome.to_string(), "no answer in time");
        assert!(start.elapsed() < DEADLINE);
        host.heard();
    }
}

#[test]
fn case_32_a_host_that_reads_too_slowly_is_left() {
    let script = [&up_to_354()[..], &[Do::Some(1)]].concat();
    let (end, wait) = mpsc::channel::<()>();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let kept = stream.try_clone().unwrap();
        play(stream, &script);
        // It stays, and does not read.
        let _ = wait.recv();
        drop(kept);
    });
    let address = Target { host: "mx".into(), address: socket };
    let report = deliver_text(&[&address], IMPATIENT, &large_text);
    let settled = only(&report);
    assert_eq!(settled.outcome.class, Class::Temporary);
    assert_eq!(settled.outcome.to_string(), "no answer in time");
    drop(end);
    server.join().unwrap();
}

#[test]
fn a_slow_host_that_goes_on_reading_gets_the_whole_text() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let kept = stream.try_clone().unwrap();
        play(kept, &up_to_354());
        let (mut count, mut end) = (0, Vec::new());
        let mut bytes = vec![0; 1_000_000];
        while !end.ends_with(b"\r\n.\r\n") {
            thread::sleep(Duration::from_millis(20));
            let read = stream.read(&mut bytes).unwrap();
            count += read;
            end.extend_from_slice(&bytes[..read]);
            end.drain(..end.len().saturating_sub(5));
        }
        stream.write_all(b"250 stored\r\n").unwrap();
        count
    });
    let address = Target { host: "mx".into(), address: socket };
    let report = deliver_text(&[&address], DEADLINE, &large_text);
    assert_eq!(only(&report).outcome.class, Class::Delivered);
    // Each line feed left as CR LF, and then a dot.
    assert_eq!(server.join().unwrap(), 16_000_003);
}

#[test]
fn r1_and_case_30_a_refusal_in_the_middle_of_the_text_is_heard() {
    for (words, class) in [
        ("554 5.7.1 spam\r\n", Class::Permanent),
        ("451 disk full\r\n", Class::Temporary),
        ("421 bye\r\n", Class::Temporary),
    ] {
        // It goes on reading; it reads no more; it is gone at once.
        for last in [&[Rest][..], &[Spell(""), Line], &[]] {
            let script =
                [&up_to_354()[..], &[Do::Some(100_000), Say(words)], last]
                    .concat();
            let host = Host::new(vec![script]);
            let other = nobody(1);
            let hosts = [&host.address, &other];
            let report = deliver_text(&hosts, DEADLINE, &large_text);
            let settled = only(&report);
            assert_eq!(settled.outcome.to_string(), words.trim_end());
            assert_eq!(settled.outcome.class, class);
            assert!(!host.heard()[0].contains("\r\n.\r\n"), "{words}");
        }
    }
}

#[test]
fn r1_and_case_30_a_host_that_refuses_and_then_does_not_read_is_heard() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = listener.local_addr().unwrap();
    let (end, wait) = mpsc::channel::<()>();
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut kept = stream.try_clone().unwrap();
        play(stream, &up_to_354());
        // By now the client fills the buffers, and waits.
        thread::sleep(Duration::from_millis(500));
        kept.write_all(b"554 no\r\n").unwrap();
        let _ = wait.recv();
    });
    let address = Target { host: "mx".into(), address: socket };
    let report = deliver_text(&[&address], DEADLINE, &large_text);
    assert_eq!(only(&report).outcome.to_string(), "554 no");
    drop(end);
    server.join().unwrap();
}

#[test]
fn r1_an_early_yes_is_never_a_delivery() {
    // In the middle of the text, and in one packet with the 354.
    let middle =
        [&up_to_354()[..], &[Do::Some(100_000), Say("250 stored\r\n"), Rest]];
    let glued = [&YES[..8], &[Say("354 go\r\n250 stored\r\n"), Rest]].concat();
    for script in [middle.concat(), glued] {
        let host = Host::new(vec![script]);
        let other = nobody(1);
        let hosts = [&host.address, &other];
        let report = deliver_text(&hosts, DEADLINE, &large_text);
        let settled = only(&report);
        assert_eq!(settled.outcome.class, Class::Temporary);
        assert_eq!(settled.host, "mx.example.org");
        assert_eq!(settled.outcome.to_string(), "out of place: 250 stored");
        assert!(!host.heard()[0].contains("\r\n.\r\n"));
    }
}

#[test]
fn case_43_a_host_that_answers_before_it_is_asked_is_out_of_step() {
    let good = || Host::new(vec![YES.to_vec()]);
    for script in [
        vec![Say("220 mx\r\n250 mx\r\n"), Rest],
        vec![Say("220 mx\r\n"), Line, Say("250 mx\r\n250 sender\r\n"), Rest],
        vec![Say("220 mx\r\n"), Line, Say("250 mx\r\n2")],
    ] {
        let bad = Host::new(vec![script]);
        let good = good();
        let report = deliver(&[&bad.address, &good.address], DEADLINE);
        assert_eq!(only(&report).outcome.class, Class::Delivered);
        assert!(!bad.heard()[0].contains("RCPT"));
        good.heard();
    }
}

#[test]
fn r2_421_may_come_without_being_asked_for_rfc_5321_3_8() {
    let script =
        [&YES[..6], &[Say("250 recipient\r\n421 shutting down\r\n"), Rest]]
            .concat();
    let host = Host::new(vec![script]);
    let report = deliver(&[&host.address], DEADLINE);
    assert_eq!(only(&report).outcome.to_string(), "421 shutting down");
    // DATA may have left before the 421 was seen, and nothing after it.
    assert!(!host.heard()[0].contains("QUIT"));
}

#[test]
fn r5_after_what_is_no_reply_quit_is_said_and_not_waited_for() {
    let script = vec![Say("220 mx\r\n"), Line, Say("250ok\r\n"), Rest];
    let host = Host::new(vec![script]);
    let report = deliver(&[&host.address], DEADLINE);
    let said = only(&report).outcome.to_string();
    assert!(said.starts_with("no reply, "), "{said}");
    assert_eq!(host.heard(), ["EHLO client.example\r\nQUIT\r\n"]);
}

#[test]
fn case_16_a_reply_without_end_is_given_up() {
    for endless in [
        "250-and so on, and so on\r\n".repeat(5000),
        "2".repeat(100_000),
        format!("250-{}\r\n250 x\r\n", "x".repeat(2043)),
    ] {
        let endless: &'static str = endless.leak();
        let script = vec![Say("220 mx\r\n"), Line, Say(endless), Rest];
        let host = Host::new(vec![script]);
        let report = deliver(&[&host.address], DEADLINE);
        assert_eq!(only(&report).outcome.class, Class::Temporary);
        host.heard();
    }
}

#[test]
fn case_31_a_mail_is_delivered_although_quit_is_never_answered() {
    // The server ends only after the client, which does not know that.
    let host = Host::new(vec![YES.to_vec()]);
    let report = deliver(&[&host.address], Duration::MAX);
    assert_eq!(only(&report).outcome.class, Class::Delivered);
    assert!(host.heard()[0].ends_with("\r\n.\r\nQUIT\r\n"));
}

#[test]
fn a_host_that_is_not_there_is_no_failure_if_another_one_is() {
    let good = Host::new(vec![YES.to_vec()]);
    let report = deliver(&[&nobody(1), &good.address], DEADLINE);
    assert_eq!(only(&report).outcome.class, Class::Delivered);
    good.heard();
    let report = deliver(&[&nobody(1), &nobody(2)], DEADLINE);
    let settled = only(&report);
    assert_eq!(settled.outcome.status(), "4.4.1");
    let words = settled.outcome.to_string();
    assert_eq!(words, "no connection: connection refused");
    assert!(!report.has_opened);
}

#[test]
fn case_47_no_more_than_five_addresses_are_tried() {
    let addresses: Vec<Target> = (1..9).map(nobody).collect();
    let tried = RefCell::new(Vec::new());
    let observer = |event: Event<'_>| {
        if let Event::Connecting(address) = event {
            tried.borrow_mut().push(address.clone());
        }
    };
    let orders = Orders { observer: &observer, ..orders(DEADLINE) };
    let mut courier = Courier::new(orders);
    courier.deliver(&addresses, &envelope(&["bob"]), &text);
    assert_eq!(*tried.borrow(), addresses[..ADDRESS_LIMIT]);
}

#[test]
fn case_32_a_host_that_does_not_answer_the_connection_is_left_in_time() {
    // Nobody accepts here, and the queue of the listener is full.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = listener.local_addr().unwrap();
    let brief = Duration::from_secs(2);
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&socket, brief) {
        waiting.push(stream);
        assert!(waiting.len() < 10_000, "the queue of a listener is endless");
    }
    let address = Target { host: "mx".into(), address: socket };
    let report = deliver(&[&address], IMPATIENT);
    assert_eq!(only(&report).outcome.status(), "4.4.1");
}

#[test]
fn each_recipient_has_its_own_fate_over_two_hosts() {
    let first = vec![
        Say("220 mx\r\n"),
        Line,
        Say("250 mx\r\n"),
        Line,
        Say("250 sender\r\n"),
        Line,
        Say("250 bob\r\n"),
        Line,
        Say("550 5.1.1 no carol\r\n"),
        Line,
    ];
    let first = Host::new(vec![first]);
    let second = Host::new(vec![YES.to_vec()]);
    let mut courier = Courier::new(orders(DEADLINE));
    let addresses = [first.address.clone(), second.address.clone()];
    // The first host is lost at dave: he and bob are tried at the second,
    // which says yes to bob; its script knows no dave.
    let envelope = envelope(&["bob", "carol"]);
    let report = courier.deliver(&addresses, &envelope, &text);
    drop(courier);
    let said: Vec<String> =
        report.settled.iter().map(|s| s.outcome.to_string()).collect();
    assert_eq!(said, ["250 stored", "550 5.1.1 no carol"]);
    assert!(!second.heard()[0].contains("carol"));
    first.heard();
}

#[test]
fn r6_one_connection_carries_many_mails_with_one_ehlo() {
    let mut script = YES[..11].to_vec();
    script.extend(AGAIN.repeat(99));
    script.push(Rest);
    let host = Host::new(vec![script, YES.to_vec()]);
    let mut courier = Courier::new(orders(DEADLINE));
    let addresses = [host.address.clone()];
    for number in 1..=101 {
        let report = courier.deliver(&addresses, &envelope(&["bob"]), &text);
        assert_eq!(only(&report).outcome.class, Class::Delivered, "{number}");
    }
    drop(courier);
    let heard = host.heard();
    let count = |heard: &str, word| heard.matches(word).count();
    assert_eq!(count(&heard[0], "EHLO"), 1);
    assert_eq!(count(&heard[0], "\r\n.\r\n"), 100);
    assert_eq!(count(&heard[1], "\r\n.\r\n"), 1);
    assert!(heard.iter().all(|heard| heard.ends_with("\r\nQUIT\r\n")));
}

#[test]
fn r6_a_used_connection_that_is_lost_before_mail_is_no_failure() {
    for end in [vec![], vec![Say("421 idle\r\n")], vec![Line]] {
        let first = [&YES[..11], &end].concat();
        let host = Host::new(vec![first, YES.to_vec()]);
        let mut courier = Courier::new(orders(DEADLINE));
        let addresses = [host.address.clone()];
        for _ in 0..2 {
            let report =
                courier.deliver(&addresses, &envelope(&["bob"]), &text);
            assert_eq!(only(&report).outcome.class, Class::Delivered);
        }
        drop(courier);
        host.heard();
    }
}

#[test]
fn r6_a_used_connection_that_is_lost_after_mail_leads_to_the_next_address() {
    let first = [&YES[..11], &AGAIN[..3]].concat();
    let first = Host::new(vec![first]);
    let second = Host::new(vec![YES.to_vec()]);
    let mut courier = Courier::new(orders(DEADLINE));
    let addresses = [first.address.clone(), second.address.clone()];
    for want in ["mx.example.org", "mx.example.org"] {
        let report = courier.deliver(&addresses, &envelope(&["bob"]), &text);
        assert_eq!(only(&report).outcome.class, Class::Delivered);
        assert_eq!(only(&report).host, want);
    }
    drop(courier);
    assert_eq!(first.heard()[0].matches("MAIL").count(), 2);
    assert_eq!(second.heard()[0].matches("MAIL").count(), 1);
}

#[test]
fn a_connection_is_not_used_for_another_group() {
    let one = Host::new(vec![YES.to_vec()]);
    let two = Host::new(vec![YES.to_vec()]);
    let mut courier = Courier::new(orders(DEADLINE));
    for host in [&one, &two] {
        let addresses = [host.address.clone()];
        let report = courier.deliver(&addresses, &envelope(&["bob"]), &text);
        assert_eq!(only(&report).outcome.class, Class::Delivered);
    }
    drop(courier);
    for host in [one, two] {
        assert_eq!(host.heard()[0].matches("MAIL").count(), 1);
    }
}

/// Some text, and then this.
struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.take() {
            Some(error) => Err(error),
            None => (&b"Subject: x\n"[..]).read(buffer),
        }
    }
}

#[test]
fn a_text_that_cannot_be_read_to_its_end_is_not_delivered() {
    let broken = || -> io::Result<Box<dyn Read>> {
        let start = b"Subject: x\n".repeat(2000);
        let end = Broken(Some(io::ErrorKind::NotFound.into()));
        Ok(Box::new(io::Cursor::new(start).chain(end)))
    };
    let none =
        || -> io::Result<Box<dyn Read>> { Err(io::ErrorKind::NotFound.into()) };
    let texts: [&dyn Fn() -> io::Result<Box<dyn Read>>; 2] = [&broken, &none];
    for text in texts {
        let script = [&up_to_354()[..], &[Rest]].concat();
        let host = Host::new(vec![script]);
        let report = deliver_text(&[&host.address], DEADLINE, text);
        let outcome = &only(&report).outcome;
        assert_eq!(outcome.class, Class::Temporary);
        assert_eq!(outcome.status(), "4.3.0");
        let words = outcome.to_string();
        assert!(words.starts_with("the text cannot be sent: "), "{words}");
        let heard = host.heard().remove(0);
        assert!(!heard.contains("\r\n.\r\n") && !heard.contains("QUIT"));
    }
}

#[test]
fn case_42_a_text_with_a_bare_cr_is_refused_and_none_leaves() {
    let bare = || -> io::Result<Box<dyn Read>> {
        Ok(Box::new(&b"Subject: x\n\nsmuggled\r.\r\nMAIL FROM:<>\n"[..]))
    };
    let script = [&up_to_354()[..], &[Rest]].concat();
    let host = Host::new(vec![script]);
    let report = deliver_text(&[&host.address], DEADLINE, &bare);
    let outcome = &only(&report).outcome;
    assert_eq!(outcome.class, Class::Permanent);
    assert_eq!(outcome.status(), "5.6.0");
    assert!(!host.heard()[0].replace("\r\n", "").contains('\r'));
    assert!(survey(bare().unwrap()).is_err());
    let text = survey(text().unwrap()).unwrap();
    assert_eq!(text.needs(false, true).size, 32);
}

#[test]
fn the_observer_is_told_each_step() {
    let host = Host::new(vec![YES.to_vec()]);
    let told = RefCell::new(Vec::new());
    let observer = |event: Event<'_>| {
        told.borrow_mut().push(match event {
            Event::Connecting(address) => format!("to {}", address.host),
            Event::Connected(..) => "connected".into(),
            Event::Unreachable(_, why) => why.into(),
            Event::Said(ClientCommand::Dot) => "dot".into(),
            Event::Said(command) => format!("C: {command}"),
            Event::SaidText(bytes) => format!("{bytes} bytes"),
            Event::Heard(Heard::Reply(reply)) => format!("S: {}", reply.code),
            Event::Heard(other) => format!("{other:?}"),
            Event::Decided(step, decision) => {
                format!("{}: {}", step.name(), decision.words)
            }
            Event::Closed => "closed".into(),
        });
    };
    let orders = Orders { observer: &observer, ..orders(DEADLINE) };
    let mut courier = Courier::new(orders);
    let addresses = [host.address.clone()];
    courier.deliver(&addresses, &envelope(&["bob"]), &text);
    drop(courier);
    let want = "to mx.example.org|connected|S: 220|greeting: say EHLO|\
        C: EHLO client.example|S: 250|EHLO: say MAIL|\
        C: MAIL FROM:<>|S: 250|MAIL: go on|\
        C: RCPT TO:<bob@example.org>|S: 250|RCPT: accepted|\
        C: DATA|S: 354|DATA: send the text|32 bytes|dot|\
        S: 250|dot: delivered|C: QUIT|closed";
    assert_eq!(told.borrow().join("|"), want);
    host.heard();
}
