//! Messages on their way through one or two post offices: what is for here and
//! for there, what goes in a circle, and what is in the way of others.

use super::office::{Office, letter};
use crate::support::host::{Host, Say};
use crate::support::name_server::NameServer;
use crate::support::{DEADLINE, Server, wait_until};
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::Instant;
use tempfile::TempDir;

/// A port that was free a moment ago.
fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn case_48_of_one_message_a_copy_stays_here_and_another_one_goes_there() {
    let host = Host::friendly();
    let office = Office::start(&["--smart-host", &host.address.to_string()]);
    let to = [
        "carol@client.example",
        "bob@example.org",
        "Carol@client.example",
        "bob@example.org",
        "dave@example.org",
    ];
    office.take(&to);
    let mail = host.wait_for_mail(1);
    assert_eq!(mail[0].to, ["bob@example.org", "dave@example.org"]);
    office.wait_until_nothing_waits();
    let here = office.mail_of("carol");
    assert_eq!(here.len(), 1);
    let text = letter("hello");
    assert!(here[0].starts_with("Return-Path: <alice@client.example>\n"));
    assert!(here[0].ends_with(&text), "{}", here[0]);
    let there = mail[0].text.replace("\r\n", "\n");
    assert!(there.starts_with("Received: "), "{there}");
    assert!(there.ends_with(&text), "{there}");
    // Nobody learns who else has it (RFC 5321 7.6).
    for name in ["bob", "carol", "dave"] {
        assert!(!there.contains(name), "case 49: {there}");
    }
}

#[test]
fn case_48_when_there_is_trouble_elsewhere_the_copy_here_is_not_made_twice() {
    let office = Office::start(&[
        "--smart-host",
        &free_port().to_string(),
        "--retry-first",
        "0.05",
        "--retry-max",
        "0.05",
        "--give-up",
        "0.5",
    ]);
    office.take(&["carol@client.example", "bob@example.org"]);
    wait_until("Alice knows", || !office.mail_of("alice").is_empty());
    office.wait_until_nothing_waits();
    assert_eq!(office.mail_of("carol").len(), 1);
    assert_eq!(office.mail_of("alice").len(), 1);
}

#[test]
fn case_29_eight_bit_text_bounces_where_8bitmime_is_not_offered() {
    let old = Host::start(|command| match command.starts_with("EHLO") {
        true => Say::This("250 mx.b.example"),
        false => Say::Yes,
    });
    for (host, count) in [(Host::friendly(), 1), (old, 0)] {
        let options = ["--smart-host", &host.address.to_string()];
        let office = Office::start(&options);
        let text = letter("x") + "Gr\u{fc}\u{df}e\n";
        let from = "alice@client.example";
        office.hand(from, &["bob@example.org"], &text);
        office.wait_until_nothing_waits();
        let mail = host.mail();
        assert_eq!(mail.len(), count);
        assert!(mail.iter().all(|m| m.text.ends_with("Gr\u{fc}\u{df}e\r\n")));
        let bounces = office.mail_of("alice");
        assert_eq!(bounces.len(), 1 - count);
        assert!(bounces.iter().all(|b| b.contains("\nStatus: 5.6.3\n")));
    }
}

#[test]
fn case_46_source_routes_are_taken_off() {
    let host = Host::start(|command| match command.contains("nobody") {
        true => Say::This("550 5.1.1 No such mailbox"),
        false => Say::Yes,
    });
    let office = Office::start(&["--smart-host", &host.address.to_string()]);
    let from = "@b.example,@c.example:alice@client.example";
    let to = ["@c.example:bob@example.org", "@c.example:nobody@example.org"];
    assert_eq!(office.hand(from, &to, &letter("x")), "250 2.0.0 Stored");
    let mail = &host.wait_for_mail(1)[0];
    assert_eq!(mail.from, "alice@client.example");
    assert_eq!(mail.to, ["bob@example.org"]);
    office.wait_until_nothing_waits();
    let bounce = &office.mail_of("alice")[0];
    let about = "\nFinal-Recipient: rfc822; nobody@example.org\n";
    assert!(bounce.contains(about), "{bounce}");
}

/// Two hosts with two names, each of which is the other's smart host.
#[test]
fn case_23_a_message_that_goes_in_a_circle_comes_to_an_end_with_one_bounce() {
    let other = free_port().to_string();
    let here = Office::start(&["--smart-host", &other]);
    let address = here.server.address().to_string();
    let folder = TempDir::new().unwrap();
    let queue = folder.path().join("queue").display().to_string();
    let there = Server::start_in(
        &folder.path().join("mail"),
        &[
            "--listen",
            &other,
            "--hostname",
            "other.example",
            "--queue",
            &queue,
            "--smart-host",
            &address,
        ],
    );
    here.take(&["bob@nowhere.example"]);
    wait_until("Alice knows", || !here.mail_of("alice").is_empty());
    here.wait_until_nothing_waits();
    wait_until("the other one has nothing", || {
        super::office::list(queue.as_ref()).is_empty()
    });
    let bounces = here.mail_of("alice");
    assert_eq!(bounces.len(), 1);
    let bounce = &bounces[0];
    assert!(bounce.contains("\nStatus: 5.4.6\n"), "{bounce}");
    assert!(
        bounce.contains("\nFinal-Recipient: rfc822; bob@nowhere.example\n")
    );
    // With a hundred of them it passes and gets another one; then it is
    // refused (6.3).
    let hops = bounce.split("text/rfc822-headers").nth(1).unwrap();
    assert_eq!(hops.matches("\nReceived: ").count(), 101);
    drop(there);
}

/// `tests/relay.rs` does it with a thousand in one process.
#[test]
fn case_11_two_hundred_messages_to_a_silent_host_hold_up_nobody() {
    let live = Host::friendly();
    let port = live.address.port().to_string();
    let silent = Host::at(&format!("127.0.0.2:{port}"), |_| Say::Nothing);
    let zone = NameServer::with_zone(
        "silent.example MX 5 mx.silent.example
         mx.silent.example A 127.0.0.2
         live.example MX 5 mx.live.example
         mx.live.example A 127.0.0.1",
    );
    let resolver = zone.address.to_string();
    let office = Office::start(&["--resolver", &resolver, "--mx-port", &port]);
    for _ in 0..200 {
        office.take(&["bob@silent.example"]);
    }
    let began = Instant::now();
    for _ in 0..10 {
        office.take(&["bob@live.example"]);
    }
    live.wait_for_mail(10);
    assert!(began.elapsed() < DEADLINE);
    assert!(silent.most_at_once() <= 2, "{}", silent.most_at_once());
    wait_until("the ten are done", || office.list().len() == 200);
}

/// 23 MB is nearly the most that a message may be.
#[test]
fn four_messages_of_23_mb_go_through_the_queue_in_64_mib() {
    let folder = TempDir::new().unwrap();
    let last = Server::start_in(
        folder.path(),
        &["--hostname", "last.example", "--domain", "last.example"],
    );
    let office = Office::start(&["--smart-host", &last.address().to_string()]);
    let line = format!("{}\n", "x.".repeat(499));
    let text = letter("large") + &line.repeat(23_000);
    thread::scope(|scope| {
        for name in ["a", "b", "c", "d"] {
            let (office, text) = (&office, &text);
            scope.spawn(move || {
                let to = format!("{name}@last.example");
                let answer = office.hand("alice@client.example", &[&to], text);
                assert_eq!(answer, "250 2.0.0 Stored");
            });
        }
    });
    office.wait_until_nothing_waits();
    for name in ["a", "b", "c", "d"] {
        let messages = last.messages("last.example", name);
        assert_eq!(messages.len(), 1);
        assert!(messages[0].ends_with(text.as_bytes()), "{name}");
    }
    for server in [&office.server, &last] {
        let most = most_memory(server);
        println!("{most} KiB");
        assert!(most < 64 * 1024, "{most} KiB");
    }
}

/// The most that was resident, in KiB. Linux only; none elsewhere.
fn most_memory(server: &Server) -> u64 {
    let status = format!("/proc/{}/status", server.pid());
    let Ok(status) = fs::read_to_string(status) else { return 0 };
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap().split_whitespace().next().unwrap().parse().unwrap()
}
