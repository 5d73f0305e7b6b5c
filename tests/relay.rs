//! The sending half as a whole: queue, routing, client and bounces, against
//! hosts and a name server of the tests' own on the loopback interface.
//!
//! What a crash leaves is proven in `queue.rs`, what the client makes of each
//! answer in `courier.rs`, and how the look-up works in `routing.rs`.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

mod support;

use pillarbox::disk::RealDisk;
use pillarbox::mailbox::directory::Directory;
use pillarbox::mailbox::maildir::Maildirs;
use pillarbox::protocol::address::{ReversePath, mailbox};
use pillarbox::relay::entry::{Entry, Recipient, State};
use pillarbox::relay::local::LocalMail;
use pillarbox::relay::marks::{Mark, leave};
use pillarbox::relay::office::{Around, Arrival, Relay};
use pillarbox::relay::queue::{ENTRY_LIMIT, entry_ids, read_entry};
use pillarbox::relay::settings::{HostPort, RelaySettings};
use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};
use support::disk::{FakeDisk, Play};
use support::host::{Host, Mail, Say};
use support::name_server::NameServer;
use support::wait_until;
use tempfile::TempDir;

const TEXT: &str = "Subject: hi\n\n.dot\nl\u{f6}ng\n";

/// What has to be quick is quick within this time, on a busy machine as well.
const SOON: Duration = support::DEADLINE;

/// The folder of a server, and how it sends.
struct Post {
    folder: TempDir,
    settings: RelaySettings,
    listening: Vec<SocketAddr>,
    mail_is_full: Arc<AtomicBool>,
    /// Whether the queue's disk only says that it has synced: where a test is
    /// about a thousand messages, and not about the disk.
    is_lazy: bool,
    fails: Fails,
    /// When the queue's disk was asked for marks.
    looks: Arc<Mutex<Vec<Instant>>>,
}

/// Which calls that are about the file of an entry fail: the name of the call,
/// and how many there have been of that name, with this one.
type Fails = fn(&str, usize) -> bool;

/// A sending half that runs.
struct Office {
    post: Post,
    relay: Relay,
    events: Arc<Mutex<Vec<String>>>,
}

/// A server that hands its mail to this host, and is very patient.
fn post(smart_host: SocketAddr) -> Post {
    let mut post = lab(smart_host);
    post.settings.smart_host = Some(HostPort {
        host: smart_host.ip().to_string(),
        port: smart_host.port(),
    });
    post
}

/// A server that asks this name server; MX hosts listen on the same port as
/// `host`.
fn by_mx(name_server: &NameServer, host: SocketAddr) -> Post {
    let mut post = lab(host);
    post.settings.resolver = Some(name_server.address);
    post
}

fn lab(host: SocketAddr) -> Post {
    let folder = TempDir::new().unwrap();
    let mut settings = RelaySettings::new(folder.path().join("queue"));
    settings.mx_port = host.port();
    let mail_is_full = Arc::default();
    let listening = Vec::new();
    Post {
        folder,
        settings,
        listening,
        mail_is_full,
        is_lazy: false,
        fails: |_, _| false,
        looks: Arc::default(),
    }
}

impl Post {
    /// Hours become hundredths of a second.
    fn in_a_hurry(mut self) -> Post {
        self.settings.retry_first = Duration::from_millis(50);
        self.settings.retry_max = Duration::from_millis(100);
        self.settings.give_up = Duration::from_secs(3);
        self
    }

    fn start(self) -> Office {
        let office = self.open();
        office.start();
        office
    }

    fn lazy(mut self) -> Post {
        self.is_lazy = true;
        self
    }

    /// Mail can be taken, and nothing is sent yet.
    fn open(self) -> Office {
        let (settings, is_lazy) = (self.settings.clone(), self.is_lazy);
        let (fails, calls) = (self.fails, Mutex::new(Vec::new()));
        let looks = Arc::clone(&self.looks);
        let disk = FakeDisk::new(move |call, path| match call {
            "sync" | "syncdir" if is_lazy => Play::Pretend,
            "names" if path.ends_with("marks") => {
                looks.lock().unwrap().push(Instant::now());
                Play::Real
            }
            _ if path.extension().is_some_and(|e| e == "entry") => {
                let mut calls = calls.lock().unwrap();
                calls.push(call.to_owned());
                let number = calls.iter().filter(|c| *c == call).count();
                match fails(call, number) {
                    true => Play::Fail(ErrorKind::Other),
                    false => Play::Real,
                }
            }
            _ => Play::Real,
        });
        let relay =
            Relay::open(settings, "mx.a.example", Box::new(disk)).unwrap();
        Office { post: self, relay, events: Arc::default() }
    }

    fn queue(&self) -> &Path {
        &self.settings.queue
    }
}

impl Office {
    fn start(&self) {
        let events = Arc::clone(&self.events);
        let folder = self.post.folder.path().join("mail");
        let is_full = Arc::clone(&self.post.mail_is_full);
        let disk = Box::new(FakeDisk::new(move |call, _| {
            match call == "write" && is_full.load(Ordering::SeqCst) {
                true => Play::Fail(ErrorKind::StorageFull),
                false => Play::Real,
            }
        }));
        let now = SystemTime::now();
        let maildirs = Maildirs::open(&folder, "mx.a.example", disk, now);
        let domains = vec!["a.example".to_owned()];
        let around = Around {
            domain: "a.example".to_owned(),
            mailboxes: LocalMail {
                directory: Arc::new(Directory::new(domains, Vec::new())),
                maildirs: Arc::new(maildirs.unwrap()),
            },
            listening: self.post.listening.clone(),
            observer: Box::new(move |event| {
                events.lock().unwrap().push(event.to_string());
            }),
        };
        self.relay.start(around).unwrap();
    }

    /// Takes a message for these recipients.
    fn take(&self, to: &[&str]) -> String {
        self.take_from("<ann@a.example>", to)
    }

    fn take_from(&self, from: &str, to: &[&str]) -> String {
        self.take_with(from, to, false)
    }

    fn take_with(&self, from: &str, to: &[&str], asks_utf8: bool) -> String {
        let from = match from {
            "<>" => ReversePath::Null,
            from => {
                let inside = from.trim_matches(['<', '>']);
                ReversePath::Mailbox(mailbox(inside).unwrap())
            }
        };
        let arrival = Arrival {
            reverse_path: from,
            recipients: to.iter().map(|to| mailbox(to).unwrap()).collect(),
            asks_utf8,
        };
        let mut mail = self.relay.stage(&arrival).unwrap();
        mail.write(TEXT.as_bytes()).unwrap();
        mail.store().unwrap().send()
    }

    fn ids(&self) -> Vec<String> {
        entry_ids(&RealDisk, self.post.queue()).unwrap()
    }

    fn entry(&self, id: &str) -> Option<Entry> {
        read_entry(&RealDisk, self.post.queue(), id).unwrap()
    }

    fn wait_until_empty(&self) {
        wait_until("nothing is left", || {
            let names = fs::read_dir(self.post.queue()).unwrap();
            let mut names =
                names.map(|e| e.unwrap().file_name().into_string().unwrap());
            !names.any(|name| name.contains('-'))
        });
    }

    /// Waits until this entry has been tried so often.
    fn wait_for_tries(&self, id: &str, tries: u32) {
        wait_until("it was tried", || {
            self.entry(id).is_some_and(|entry| entry.tries >= tries)
        });
    }

    fn events(&self) -> Vec<String> {
        self.events.lock().unwrap().clone()
    }

    fn count(&self, words: &str) -> usize {
        self.events().iter().filter(|e| e.contains(words)).count()
    }

    fn wait_for_event(&self, words: &str) {
        wait_until(words, || self.count(words) > 0);
    }

    /// What is in the mailbox of `ann@a.example`.
    fn mail_of_ann(&self) -> Vec<String> {
        let new = self.post.folder.path().join("mail/a.example/ann/new");
        let Ok(found) = fs::read_dir(new) else { return Vec::new() };
        found.map(|e| fs::read_to_string(e.unwrap().path()).unwrap()).collect()
    }

    fn wait_for_bounce(&self) -> String {
        wait_until("ann gets a bounce", || !self.mail_of_ann().is_empty());
        self.mail_of_ann().remove(0)
    }

    fn dead(&self) -> Vec<String> {
        entry_ids(&RealDisk, &self.post.queue().join("dead")).unwrap()
    }

    /// Ends, and gives what the next one can begin with.
    fn stop(self) -> Post {
        let Office { post, relay, .. } = self;
        drop(relay);
        post
    }
}

fn wire(text: &str) -> String {
    // One dot more for each line that begins with one.
    text.replace("\n.", "\n..").replace('\n', "\r\n")
}

fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

const BOB: &[&str] = &["bob@b.example"];

#[test]
fn a_message_goes_out_within_a_second_byte_for_byte_and_leaves_nothing() {
    let host = Host::friendly();
    let office = post(host.address).start();
    let began = Instant::now();
    office.take(BOB);
    let mail = host.wait_for_mail(1);
    assert!(began.elapsed() < SOON);
    assert_eq!(mail[0].text, wire(TEXT));
    assert_eq!(mail[0].from, "ann@a.example");
    assert_eq!(mail[0].to, BOB);
    office.wait_until_empty();
    assert!(office.mail_of_ann().is_empty());
}

/// It can be had without SMTPUTF8 by one of them, and by the other it cannot.
#[test]
fn a_recipient_who_needs_what_the_host_lacks_costs_nobody_else_the_mail() {
    let host = Host::friendly();
    let office = post(host.address).start();
    let to = ["k\u{e4}the@b.example", "bob@b.example"];
    office.take_with("<ann@a.example>", &to, true);
    let bounce = office.wait_for_bounce();
    assert!(bounce.contains("\nStatus: 5.6.7\n"), "{bounce}");
    assert!(!bounce.contains("bob@b.example"), "{bounce}");
    let mail = host.wait_for_mail(1);
    assert_eq!(mail[0].to, BOB);
    office.wait_until_empty();
    assert_eq!((host.mail().len(), office.mail_of_ann().len()), (1, 1));
}

#[test]
fn case_26_what_is_greylisted_arrives_later_once() {
    let tries = AtomicUsize::new(0);
    let host = Host::start(move |command| {
        let is_rcpt = command.starts_with("RCPT");
        match is_rcpt && tries.fetch_add(1, Ordering::SeqCst) < 2 {
            true => Say::This("450 4.2.0 come back"),
            false => Say::Yes,
        }
    });
    let mut post = post(host.address).in_a_hurry();
    post.settings.give_up = SOON * 6;
    let office = post.start();
    office.take(BOB);
    host.wait_for_mail(1);
    office.wait_until_empty();
    assert_eq!(host.mail().len(), 1);
    assert_eq!(office.count("not delivered yet"), 2);
}

#[test]
fn case_37_a_smart_host_that_is_down_delays_and_bounces_only_at_the_end() {
    let office = post(closed_port()).in_a_hurry().start();
    let id = office.take(BOB);
    let bounce = office.wait_for_bounce();
    assert!(bounce.starts_with("Return-Path: <>\n"), "{bounce}");
    assert!(bounce.contains("\nFinal-Recipient: rfc822; bob@b.example\n"));
    assert!(bounce.contains("no connection"), "{bounce}");
    office.wait_until_empty();
    assert_eq!(office.mail_of_ann().len(), 1);
    // It was tried more than once before.
    assert!(office.count(&format!("{id}: tries")) > 1);
}

#[test]
fn case_10_what_is_refused_for_good_bounces_after_the_first_try() {
    let host = Host::start(|command| match command.starts_with("RCPT") {
        true => Say::This("550 5.1.1 nobody"),
        false => Say::Yes,
    });
    let office = post(host.address).start();
    office.take(BOB);
    let bounce = office.wait_for_bounce();
    assert!(bounce.contains("\nDiagnostic-Code: smtp; 550 5.1.1 nobody\n"));
    office.wait_until_empty();
    assert_eq!(host.connections(), 1);
}

#[test]
fn case_09_a_bounce_that_is_refused_is_dead_and_nobody_is_told() {
    let host = Host::start(|command| match command.starts_with("RCPT") {
        true => Say::This("550 5.1.1 nobody"),
        false => Say::Yes,
    });
    let office = post(host.address).start();
    let id = office.take_from("<sam@elsewhere.example>", BOB);
    wait_until("it is dead", || !office.dead().is_empty());
    office.wait_until_empty();
    assert_eq!(office.dead(), [format!("{id}-1-0")]);
    // The same for mail that has come from nobody.
    office.take_from("<>", BOB);
    wait_until("it is dead", || office.dead().len() == 2);
    office.wait_until_empty();
    assert_eq!(office.count("trying"), 3);
    assert!(office.mail_of_ann().is_empty());
}

#[test]
fn a_bounce_for_a_sender_elsewhere_goes_out_from_nobody() {
    let host = Host::start(|command| match command {
        "RCPT TO:<bob@b.example>" => Say::This("550 5.1.1 nobody"),
        _ => Say::Yes,
    });
    let office = post(host.address).start();
    office.take_from("<sam@elsewhere.example>", BOB);
    let mail = host.wait_for_mail(1);
    assert_eq!((mail[0].from.as_str(), mail[0].to.len()), ("", 1));
    assert_eq!(mail[0].to, ["sam@elsewhere.example"]);
    assert!(mail[0].text.contains("multipart/report"), "{}", mail[0].text);
    office.wait_until_empty();
}

#[test]
fn a_bounce_for_a_mailbox_that_is_full_waits_in_the_queue() {
    let host = Host::start(|command| match command.starts_with("RCPT") {
        true => Say::This("550 5.1.1 nobody"),
        false => Say::Yes,
    });
    let post = post(host.address);
    post.mail_is_full.store(true, Ordering::SeqCst);
    let office = post.start();
    let id = office.take(BOB);
    let bounce = format!("{id}-1-0");
    office.wait_for_tries(&bounce, 1);
    assert!(office.mail_of_ann().is_empty());
    office.post.mail_is_full.store(false, Ordering::SeqCst);
    leave(&RealDisk, office.post.queue(), &Mark::Flush).unwrap();
    office.wait_for_bounce();
    office.wait_until_empty();
}

#[test]
fn a_bounce_for_a_mailbox_that_does_not_exist_here_is_dead() {
    let host = Host::start(|command| match command.starts_with("RCPT") {
        true => Say::This("550 5.1.1 nobody"),
        false => Say::Yes,
    });
    let office = post(host.address).start();
    office.take_from("<\"no such\"@a.example>", BOB);
    wait_until("it is dead", || !office.dead().is_empty());
    office.wait_until_empty();
    // No host was asked: it never leaves this one.
    assert_eq!(host.connections(), 1);
}

#[test]
fn with_a_smart_host_all_recipients_go_in_one_transaction() {
    let host = Host::friendly();
    let office = post(host.address).start();
    let to = ["bob@b.example", "carol@c.example", "dave@B.EXAMPLE"];
    office.take(&to);
    assert_eq!(host.wait_for_mail(1)[0].to, to);
    office.wait_until_empty();
}

#[test]
fn without_one_each_domain_gets_one_transaction_in_whatever_case_it_is() {
    let host = Host::friendly();
    let zone = NameServer::with_zone(
        "b.example MX 5 mx.b.example
         B.example MX 5 mx.b.example
         c.example MX 5 mx.b.example
         mx.b.example A 127.0.0.1",
    );
    let office = by_mx(&zone, host.address).start();
    office.take(&["bob@b.example", "carol@c.example", "dave@B.example"]);
    let mut groups: Vec<_> =
        host.wait_for_mail(2).into_iter().map(|mail| mail.to).collect();
    groups.sort();
    assert_eq!(
        groups,
        [vec!["bob@b.example", "dave@B.example"], vec!["carol@c.example"]]
    );
    office.wait_until_empty();
}

#[test]
fn case_05_a_recipient_that_has_the_message_does_not_get_it_again() {
    let host = Host::friendly();
    let zone = NameServer::with_zone(
        "b.example MX 5 mx.b.example
         mx.b.example A 127.0.0.1
         c.example CODE 2",
    );
    let post = by_mx(&zone, host.address).in_a_hurry();
    let office = post.start();
    office.take(&["bob@b.example", "carol@c.example"]);
    let bounce = office.wait_for_bounce();
    assert!(bounce.contains("rfc822; carol@c.example"), "{bounce}");
    assert!(!bounce.contains("rfc822; bob@b.example"), "{bounce}");
    assert_eq!(host.mail().len(), 1);
    office.wait_until_empty();
}

/// The system had no file left for us when the answer came.
#[test]
fn case_07_an_entry_that_cannot_be_read_after_its_try_is_not_sent_again() {
    let cases: [(Fails, &str); 3] = [
        (|call, n| call == "open" && [1, 2].contains(&n), "before"),
        (|call, n| call == "open" && [2, 3].contains(&n), "at"),
        (|call, n| call == "open" && [3, 4].contains(&n), "after"),
    ];
    for (fails, when) in cases {
        let host = Host::friendly();
        let mut post = post(host.address).in_a_hurry();
        post.fails = fails;
        let office = post.start();
        office.take(&["bob@b.example"]);
        office.wait_until_empty();
        assert_eq!(host.mail().len(), 1, "{when} the try");
        assert!(office.count("delivered") > 0, "{:?}", office.events());
    }
}

/// A crash between the bounce and its message (`queue.rs`), and then a disk that
/// does not give us the message for some time.
#[test]
fn a_bounce_waits_until_its_message_can_learn_of_it() {
    let host = Host::friendly();
    let office = post(host.address).open();
    let id = office.take(BOB);
    let message = office.entry(&id).unwrap();
    let mut post = office.stop();
    let bounce = Entry {
        id: format!("{id}-1-0"),
        reverse_path: ReversePath::Null,
        about: Some(id.clone()),
        tells: message.waiting().cloned().collect(),
        recipients: vec![Recipient::new(mailbox("ann@a.example").unwrap())],
        ..message
    };
    let at = |kind| post.queue().join(format!("{}.{kind}", bounce.id));
    fs::write(at("entry"), bounce.written()).unwrap();
    fs::write(at("mail"), TEXT).unwrap();

    // The message, then the bounce, then the message again.
    post.fails = |call, n| call == "open" && [1, 3].contains(&n);
    let office = post.start();
    // Were it due, it would be in the mailbox before this one is sent.
    office.take(&["carol@c.example"]);
    office.wait_for_event("<carol@c.example> delivered");
    wait_until("that is done", || office.ids() == [&*id, &*bounce.id]);
    assert!(office.mail_of_ann().is_empty());
    let mut post = office.stop();

    post.fails = |_, _| false;
    let office = post.start();
    office.wait_until_empty();
    assert_eq!(office.mail_of_ann().len(), 1);
    assert_eq!(host.mail().len(), 1, "carol's");
}

#[test]
fn case_02_a_name_server_that_fails_is_no_reason_to_bounce() {
    let zone = NameServer::with_zone("b.example CODE 2");
    let office = by_mx(&zone, closed_port()).start();
    let id = office.take(BOB);
    office.wait_for_tries(&id, 1);
    let entry = office.entry(&id).unwrap();
    let answer = entry.recipients[0].answer.clone().unwrap();
    assert_eq!(answer.status, "4.4.3");
    assert!(entry.next > entry.accepted + Duration::from_secs(1_700));
    assert!(office.mail_of_ann().is_empty());
}

#[test]
fn case_12_null_mx_and_names_that_do_not_exist_bounce_without_a_connection() {
    let host = Host::friendly();
    let zone = NameServer::with_zone("b.example MX 0 .");
    let office = by_mx(&zone, host.address).start();
    office.take(BOB);
    office.take(&["bob@nowhere.example"]);
    wait_until("ann gets both", || office.mail_of_ann().len() == 2);
    let all = office.mail_of_ann().concat();
    assert!(all.contains("\nStatus: 5.1.10\n"), "{all}");
    assert!(all.contains("\nStatus: 5.1.2\n"), "{all}");
    assert!(!all.contains("Remote-MTA"), "{all}");
    assert_eq!(host.connections(), 0);
    office.wait_until_empty();
}

#[test]
fn case_23_mail_never_comes_back_to_us() {
    let host = Host::friendly();
    let zone = NameServer::with_zone(
        "name.example MX 5 MX.a.example
         address.example MX 5 mx.b.example
         mx.b.example A 127.0.0.1",
    );
    let mut post = by_mx(&zone, host.address);
    post.listening = vec![host.address];
    let office = post.start();
    office.take(&["bob@name.example"]);
    office.take(&["bob@address.example"]);
    wait_until("ann gets both", || office.mail_of_ann().len() == 2);
    let all = office.mail_of_ann().concat();
    assert_eq!(all.matches("\nStatus: 5.4.6\n").count(), 2, "{all}");
    assert_eq!(host.connections(), 0);
}

// Many messages at a time.

#[test]
fn case_11_a_thousand_messages_to_a_silent_host_hold_up_nobody() {
    let live = Host::friendly();
    let port = live.address.port();
    let silent = Host::at(&format!("127.0.0.2:{port}"), |_| Say::Nothing);
    let zone = NameServer::with_zone(
        "silent.example MX 5 mx.silent.example
         mx.silent.example A 127.0.0.2
         live.example MX 5 mx.live.example
         mx.live.example A 127.0.0.1",
    );
    let office = by_mx(&zone, live.address).lazy().start();
    for _ in 0..1_000 {
        office.take(&["bob@silent.example"]);
    }
    let began = Instant::now();
    for _ in 0..10 {
        office.take(&["bob@live.example"]);
    }
    live.wait_for_mail(10);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert_eq!(silent.most_at_once(), 1);
}

#[test]
fn case_11_nor_does_a_silent_name_server() {
    let live = Host::friendly();
    let zone = NameServer::with_zone(
        "silent.example SILENCE
         live.example MX 5 mx.live.example
         mx.live.example A 127.0.0.1",
    );
    let office = by_mx(&zone, live.address).lazy().start();
    for _ in 0..1_000 {
        office.take(&["bob@silent.example"]);
    }
    let began = Instant::now();
    for _ in 0..10 {
        office.take(&["bob@live.example"]);
    }
    live.wait_for_mail(10);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[test]
fn case_11_ten_silent_domains_hold_up_nobody_either() {
    let live = Host::friendly();
    let port = live.address.port();
    let silent = Host::at(&format!("127.0.0.2:{port}"), |_| Say::Nothing);
    let mut zone = "live.example MX 5 mx.live.example
         mx.live.example A 127.0.0.1
         mx.silent.example A 127.0.0.2\n"
        .to_owned();
    for number in 0..10 {
        zone += &format!("s{number}.example MX 5 mx.silent.example\n");
    }
    let zone = NameServer::with_zone(&zone);
    let office = by_mx(&zone, live.address).start();
    for number in 0..10 {
        for _ in 0..3 {
            office.take(&[&format!("bob@s{number}.example")]);
        }
    }
    wait_until("all hang", || silent.connections() == 10);
    let began = Instant::now();
    office.take(&["bob@live.example"]);
    live.wait_for_mail(1);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[test]
fn a_failure_to_connect_counts_for_all_mail_of_the_group_that_is_due() {
    let office = post(closed_port()).lazy().open();
    let ids: Vec<_> = (0..50).map(|_| office.take(BOB)).collect();
    office.start();
    for id in &ids {
        office.wait_for_tries(id, 1);
    }
    assert_eq!(office.count("Connecting("), 1);
    for id in &ids {
        let entry = office.entry(id).unwrap();
        assert_eq!(entry.tries, 1);
        let words = entry.recipients[0].answer.clone().unwrap().words;
        assert!(words.starts_with(b"no connection"));
    }
}

#[test]
fn one_connection_carries_a_hundred_messages_and_no_more() {
    let may_go_on = Arc::new(AtomicBool::new(false));
    let (wait, count) = (Arc::clone(&may_go_on), AtomicUsize::new(0));
    let host = Host::start(move |command| match command {
        "." if count.fetch_add(1, Ordering::SeqCst) >= 220 => {
            Say::YesWhen(Arc::clone(&wait))
        }
        _ => Say::Yes,
    });
    let office = post(host.address).lazy().open();
    for _ in 0..250 {
        office.take(BOB);
    }
    office.start();
    host.wait_for_mail(220);
    // The third one has come, and none can end: a host may notice late that
    // the first one has gone.
    wait_until("two are connected", || host.connected_now() <= 2);
    assert!(host.connections() > 2);
    may_go_on.store(true, Ordering::SeqCst);
    let mail = host.wait_for_mail(250);
    office.wait_until_empty();
    let on =
        |number| mail.iter().filter(|m: &&Mail| m.connection == number).count();
    let counts: Vec<_> = (0..host.connections()).map(on).collect();
    assert!(counts.iter().all(|count| *count <= 100), "{counts:?}");
    assert!(counts.len() < 10, "{counts:?}");
}

#[test]
fn a_group_has_two_connections_at_a_time() {
    let may_go_on = Arc::new(AtomicBool::new(false));
    let (wait, count) = (Arc::clone(&may_go_on), AtomicUsize::new(0));
    let host = Host::start(move |command| match command {
        "." if count.fetch_add(1, Ordering::SeqCst) > 0 => {
            Say::YesWhen(Arc::clone(&wait))
        }
        _ => Say::Yes,
    });
    let office = post(host.address).open();
    for _ in 0..10 {
        office.take(BOB);
    }
    office.start();
    wait_until("two are connected", || host.most_at_once() == 2);
    // Time for a third one, if there were any.
    wait_until("the runner has looked again", || office.count("trying") >= 3);
    // Counted while none can end: a host may notice the end of one late.
    assert_eq!(host.most_at_once(), 2);
    may_go_on.store(true, Ordering::SeqCst);
    host.wait_for_mail(10);
}

#[test]
fn there_are_twenty_connections_in_all() {
    let may_go_on = Arc::new(AtomicBool::new(false));
    let wait = Arc::clone(&may_go_on);
    let host = Host::start(move |command| match command {
        "." => Say::YesWhen(Arc::clone(&wait)),
        _ => Say::Yes,
    });
    let mut zone = "mx.b.example A 127.0.0.1\n".to_owned();
    for number in 0..30 {
        zone += &format!("d{number}.example MX 5 mx.b.example\n");
    }
    let zone = NameServer::with_zone(&zone);
    let office = by_mx(&zone, host.address).open();
    for number in 0..30 {
        office.take(&[&format!("bob@d{number}.example")]);
    }
    office.start();
    // None of them can end before it may. A host would see a twenty-first.
    wait_until("all are connected", || host.most_at_once() >= 20);
    assert_eq!(host.most_at_once(), 20);
    may_go_on.store(true, Ordering::SeqCst);
    host.wait_for_mail(30);
    office.wait_until_empty();
}

#[test]
fn a_host_that_wants_one_connection_only_gets_all_mail_over_it() {
    let connections = AtomicUsize::new(0);
    let host = Host::start(move |command| match command {
        "" if connections.fetch_add(1, Ordering::SeqCst) > 0 => {
            Say::This("421 4.7.0 one is enough")
        }
        _ => Say::Yes,
    });
    let office = post(host.address).open();
    for _ in 0..50 {
        office.take(BOB);
    }
    office.start();
    host.wait_for_mail(50);
    office.wait_until_empty();
    assert!(office.count("not delivered yet") == 0);
}

// Restart, and what operators do.

#[test]
fn case_40_a_start_tries_what_is_due_and_nothing_else() {
    let post = post(closed_port());
    let office = post.start();
    let id = office.take(BOB);
    office.wait_for_tries(&id, 1);
    let before = office.entry(&id).unwrap();
    let host = Host::friendly();
    let mut post = office.stop();
    post.settings.smart_host = Some(HostPort {
        host: "127.0.0.1".to_owned(),
        port: host.address.port(),
    });
    let office = post.start();
    office.take(&["carol@c.example"]);
    assert_eq!(host.wait_for_mail(1)[0].to, ["carol@c.example"]);
    wait_until("that is done", || office.ids() == [id.clone()]);
    assert_eq!(office.entry(&id).unwrap(), before);
}

#[test]
fn case_38_a_flush_makes_all_due_once_and_is_seen_within_a_second() {
    let refused = Arc::new(AtomicBool::new(true));
    let is_refused = Arc::clone(&refused);
    let host = Host::start(move |command| {
        let is_now = is_refused.load(Ordering::SeqCst);
        match command.starts_with("RCPT") && is_now {
            true => Say::This("450 4.2.0 later"),
            false => Say::Yes,
        }
    });
    let office = post(host.address).start();
    let ids: Vec<_> = (0..5).map(|_| office.take(BOB)).collect();
    for id in &ids {
        office.wait_for_tries(id, 1);
    }
    leave(&RealDisk, office.post.queue(), &Mark::Flush).unwrap();
    for id in &ids {
        office.wait_for_tries(id, 2);
    }
    assert_eq!(office.count("flushed"), 1);
    refused.store(false, Ordering::SeqCst);
    let began = Instant::now();
    leave(&RealDisk, office.post.queue(), &Mark::Flush).unwrap();
    host.wait_for_mail(5);
    assert!(began.elapsed() < SOON);
    office.wait_until_empty();
}

/// On a busy machine a look may come late, but not each of them.
#[test]
fn case_38_a_server_with_nothing_to_do_looks_for_marks_twice_a_second() {
    let office = post(closed_port()).start();
    let looks = || office.post.looks.lock().unwrap().clone();
    wait_until("it has looked some times", || looks().len() > 5);
    let looks = looks();
    let pauses = looks.windows(2).map(|two| two[1] - two[0]);
    assert!(pauses.min().unwrap() <= Duration::from_millis(500));
}

#[test]
fn case_38_a_mark_that_was_left_without_a_server_waits_for_the_start() {
    let office = post(closed_port()).start();
    let ids: Vec<_> = (0..2).map(|_| office.take(BOB)).collect();
    for id in &ids {
        office.wait_for_tries(id, 1);
    }
    let post = office.stop();
    leave(&RealDisk, post.queue(), &Mark::Remove(ids[0].clone())).unwrap();
    leave(&RealDisk, post.queue(), &Mark::Flush).unwrap();
    leave(&RealDisk, post.queue(), &Mark::Flush).unwrap();
    let office = post.start();
    wait_until("one is removed", || office.ids() == [ids[1].clone()]);
    office.wait_for_tries(&ids[1], 2);
    assert_eq!(office.mail_of_ann().len(), 0);
}

#[test]
fn an_entry_that_is_being_tried_is_removed_when_the_try_is_over() {
    let (host, is_time) = host_that_waits("450 later");
    let office = post(host.address).start();
    let id = remove_while_tried(&office, &host);
    assert_eq!(office.ids(), [id]);
    is_time.store(true, Ordering::SeqCst);
    office.wait_until_empty();
    office.wait_for_event("removed by hand");
    // It was refused, and nobody is told.
    assert!(office.mail_of_ann().is_empty());
}

#[test]
fn case_07_what_has_arrived_and_cannot_be_removed_by_hand_is_not_sent_again() {
    let (host, is_time) = host_that_waits("250 ok");
    let mut post = post(host.address);
    post.fails = |call, _| call == "remove";
    let office = post.start();
    let id = remove_while_tried(&office, &host);
    is_time.store(true, Ordering::SeqCst);
    office.wait_for_event("<bob@b.example> delivered");
    wait_until("its entry says so", || {
        office.entry(&id).is_some_and(|entry| entry.waiting().count() == 0)
    });
}

#[test]
fn what_waits_and_cannot_be_removed_is_tried_and_can_be_removed_again() {
    let mut post = post(closed_port());
    post.fails = |call, n| call == "remove" && n == 1;
    let office = post.start();
    let id = office.take(BOB);
    office.wait_for_tries(&id, 1);
    let remove = Mark::Remove(id.clone());
    leave(&RealDisk, office.post.queue(), &remove).unwrap();
    office.wait_for_event("other error");
    leave(&RealDisk, office.post.queue(), &Mark::Flush).unwrap();
    office.wait_for_tries(&id, 2);
    leave(&RealDisk, office.post.queue(), &remove).unwrap();
    office.wait_for_event("removed by hand");
    office.wait_until_empty();
}

#[test]
fn what_was_tried_and_cannot_be_removed_is_tried_and_can_be_removed_again() {
    let (host, is_time) = host_that_waits("450 later");
    let mut post = post(host.address);
    post.fails = |call, n| call == "remove" && n == 1;
    let office = post.start();
    let id = remove_while_tried(&office, &host);
    is_time.store(true, Ordering::SeqCst);
    office.wait_for_event("other error");
    wait_until("it is tried again", || {
        leave(&RealDisk, office.post.queue(), &Mark::Flush).unwrap();
        office.entry(&id).is_some_and(|entry| entry.tries >= 1)
    });
    leave(&RealDisk, office.post.queue(), &Mark::Remove(id)).unwrap();
    office.wait_for_event("removed by hand");
    office.wait_until_empty();
}

/// It does not answer RCPT before it is time.
fn host_that_waits(answer: &'static str) -> (Host, Arc<AtomicBool>) {
    let is_time = Arc::new(AtomicBool::new(false));
    let wait = Arc::clone(&is_time);
    let host = Host::start(move |command| match command.starts_with("RCPT") {
        true => {
            wait_until("it is time", || wait.load(Ordering::SeqCst));
            Say::This(answer)
        }
        false => Say::Yes,
    });
    (host, is_time)
}

/// Gives the id of the entry, when the mark is seen.
fn remove_while_tried(office: &Office, host: &Host) -> String {
    let id = office.take(BOB);
    wait_until("it is being tried", || host.connections() == 1);
    leave(&RealDisk, office.post.queue(), &Mark::Remove(id.clone())).unwrap();
    let marks = office.post.queue().join("marks");
    wait_until("the mark is seen", || {
        fs::read_dir(&marks).unwrap().next().is_none()
    });
    id
}

#[test]
fn case_07_what_was_on_its_way_when_we_ended_goes_out_again() {
    let host = Host::start(|command| match command {
        "." => Say::Nothing,
        _ => Say::Yes,
    });
    let office = post(host.address).start();
    let id = office.take(BOB);
    office.wait_for_event("SaidText");
    let before = office.entry(&id).unwrap();
    let mut post = office.stop();
    let other = Host::friendly();
    post.settings.smart_host = Some(HostPort {
        host: "127.0.0.1".to_owned(),
        port: other.address.port(),
    });
    let office = post.open();
    // The end of our server is no failure of theirs.
    assert_eq!(office.entry(&id).unwrap(), before);
    office.start();
    other.wait_for_mail(1);
    office.wait_until_empty();
}

#[test]
fn the_end_is_prompt_whatever_the_hosts_do() {
    for silent_at in ["", "EHLO mx.a.example", "DATA", "."] {
        let host = Host::start(move |command| match command == silent_at {
            true => Say::Nothing,
            false => Say::Yes,
        });
        let office = post(host.address).start();
        let id = office.take(BOB);
        wait_until("it hangs", || host.connections() == 1);
        let began = Instant::now();
        let post = office.stop();
        assert!(began.elapsed() < SOON, "{silent_at}");
        // The next one can have the queue at once.
        let office = post.open();
        assert_eq!(office.ids(), [id]);
    }
}

#[test]
fn the_end_is_prompt_also_while_a_name_server_is_silent() {
    let zone = NameServer::with_zone("b.example SILENCE");
    let office = by_mx(&zone, closed_port()).start();
    let id = office.take(BOB);
    wait_until("it is asked", || !zone.asked().is_empty());
    let began = Instant::now();
    let post = office.stop();
    assert!(began.elapsed() < SOON);
    let office = post.open();
    assert_eq!(office.entry(&id).unwrap().tries, 0);
}

#[test]
fn an_entry_that_is_damaged_while_we_run_is_set_aside_and_the_rest_goes_on() {
    let host = Host::friendly();
    let office = post(host.address).open();
    let ids: Vec<_> = (0..4).map(|_| office.take(BOB)).collect();
    let at = |id: &str, kind: &str| -> PathBuf {
        office.post.queue().join(format!("{id}.{kind}"))
    };
    fs::write(at(&ids[0], "entry"), "junk").unwrap();
    fs::remove_file(at(&ids[1], "mail")).unwrap();
    fs::remove_file(at(&ids[2], "entry")).unwrap();
    office.start();
    host.wait_for_mail(1);
    wait_until("the others are gone", || office.ids().is_empty());
    let aside = office.post.queue().join("damaged");
    let aside = entry_ids(&RealDisk, &aside).unwrap();
    assert_eq!(aside, ids[..2]);
    assert_eq!(host.mail().len(), 1);
}

#[test]
fn a_damaged_entry_that_cannot_be_set_aside_is_set_aside_later() {
    let host = Host::friendly();
    let mut post = post(host.address).in_a_hurry();
    // Of the first round.
    post.fails = |call, n| call == "rename" && n == 1;
    let office = post.open();
    let id = office.take(BOB);
    let entry = office.post.queue().join(format!("{id}.entry"));
    fs::write(entry, "junk").unwrap();
    office.start();
    office.wait_until_empty();
    let damaged = office.post.queue().join("damaged");
    assert_eq!(entry_ids(&RealDisk, &damaged).unwrap(), [id]);
    assert!(host.mail().is_empty());
}

#[test]
fn the_queue_is_full_at_ten_thousand() {
    let post = post(closed_port());
    let office = post.open();
    let id = office.take(BOB);
    assert!(office.relay.has_room());
    let entry = office.entry(&id).unwrap();
    let post = office.stop();
    // Written by hand: nobody waits for the disk.
    for number in 1..ENTRY_LIMIT {
        let at = |kind| post.queue().join(format!("n{number}.{kind}"));
        fs::write(at("entry"), entry.written()).unwrap();
        fs::write(at("mail"), TEXT).unwrap();
    }
    let office = post.open();
    assert_eq!(office.ids().len(), ENTRY_LIMIT);
    assert!(!office.relay.has_room());
    let post = office.stop();
    fs::remove_file(post.queue().join("n1.entry")).unwrap();
    assert!(post.open().relay.has_room());
}

#[test]
fn an_entry_shows_why_a_recipient_waits() {
    let host = Host::start(|command| match command.starts_with("RCPT") {
        true => Say::This("450-4.2.0 not\r\n450 4.2.0 now"),
        false => Say::Yes,
    });
    let office = post(host.address).start();
    let id = office.take(BOB);
    office.wait_for_tries(&id, 1);
    let entry = office.entry(&id).unwrap();
    let recipient = &entry.recipients[0];
    assert_eq!(recipient.state, State::Waiting);
    let answer = recipient.answer.clone().unwrap();
    assert_eq!(answer.words, b"450-4.2.0 not 450 4.2.0 now");
    assert_eq!((answer.host.as_str(), answer.is_reply), ("127.0.0.1", true));
}
