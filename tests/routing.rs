//! Where mail goes (RFC 5321 5.1): domains of every kind, name servers that
//! answer well, badly, late and not at all, and somebody who forges answers.
//!
//! The name server is one of the test's own, on the loopback interface. The
//! last tests ask a real one; where it is not installed they are skipped with
//! a word, but not where `CI` is set.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::panic, missing_docs)]

mod support;

use pillarbox::relay::mx::Router;
use pillarbox::relay::resolver::{Resolver, name_servers};
use pillarbox::relay::route::{NoRoute, Target};
use pillarbox::relay::smart_host::SmartHost;
use pillarbox::relay::step::Step;
use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::name_server::{
    A, Asked, GOOD, MX, NameServer, TRUNCATED, address, exchanger, framed,
};
use support::{DEADLINE, needs, wait_until};

/// The port of mail hosts, unless a test says otherwise: a lab's.
const LAB: u16 = 2525;

/// A router that asks this server, and is patient: what a test waits for will
/// come.
fn router(server: &NameServer) -> Router {
    let mut resolver = Resolver::new(vec![server.address]);
    resolver.datagram_time = DEADLINE;
    resolver.tcp_time = DEADLINE;
    resolver.total_time = DEADLINE;
    Router {
        resolver,
        smart_host: None,
        mx_port: LAB,
        hostname: "us.example".to_owned(),
        listening: Vec::new(),
    }
}

/// One that waits in vain, and should not do so for long.
fn hasty(server: &NameServer) -> Router {
    let mut router = router(server);
    router.resolver.datagram_time = Duration::from_millis(50);
    router.resolver.tcp_time = Duration::from_millis(50);
    router
}

fn route(router: &Router, domain: &str) -> Result<Vec<Target>, NoRoute> {
    router.route(domain, &mut |_| ())
}

/// The way as text: `mx.example 192.0.2.1:2525`.
fn way(router: &Router, domain: &str) -> Vec<String> {
    let targets = route(router, domain).unwrap();
    let text = |t: &Target| format!("{} {}", t.host, t.address);
    targets.iter().map(text).collect()
}

fn way_in(zone: &str, domain: &str) -> Vec<String> {
    way(&router(&NameServer::with_zone(zone)), domain)
}

fn no_way_in(zone: &str, domain: &str) -> NoRoute {
    route(&router(&NameServer::with_zone(zone)), domain).unwrap_err()
}

/// Something that only time can mend.
fn is_for_now(why: &NoRoute) -> bool {
    matches!(why, NoRoute::NotNow(_))
        && why.status() == "4.4.3"
        && !why.is_permanent()
        && !why.to_string().is_empty()
}

#[test]
fn the_lowest_number_comes_first_and_9_is_lower_than_10() {
    let zone = "
        a.example   MX 100   hundred.example
        a.example   MX 9     nine.example
        a.example   MX 10    ten.example
        a.example   MX 65535 last.example
        hundred.example A 192.0.2.100
        nine.example    A 192.0.2.9
        ten.example     A 192.0.2.10
        last.example    A 192.0.2.11";
    let want = [
        "nine.example 192.0.2.9:2525",
        "ten.example 192.0.2.10:2525",
        "hundred.example 192.0.2.100:2525",
        "last.example 192.0.2.11:2525",
    ];
    assert_eq!(way_in(zone, "a.example"), want);
    assert_eq!(way_in(zone, "A.Example"), want);
}

#[test]
fn hosts_of_one_preference_take_turns_and_the_worse_one_stays_last() {
    let zone = "
        a.example MX 10 one.example
        a.example MX 10 two.example
        a.example MX 20 three.example
        one.example   A 192.0.2.1
        two.example   A 192.0.2.2
        three.example A 192.0.2.3";
    let server = NameServer::with_zone(zone);
    let router = router(&server);
    let mut firsts = HashSet::new();
    // That 64 throws of a coin are all the same does not happen.
    for _ in 0..64 {
        let found = way(&router, "a.example");
        assert_eq!(found[2], "three.example 192.0.2.3:2525");
        firsts.insert(found[0].clone());
    }
    assert_eq!(firsts.len(), 2);
}

#[test]
fn addresses_stay_in_the_order_of_the_answer_and_ipv4_comes_first() {
    let zone = "
        a.example  MX   10 mx.example
        mx.example AAAA 2001:db8::2
        mx.example AAAA 2001:db8::1
        mx.example A    192.0.2.2
        mx.example A    192.0.2.1";
    let want = [
        "mx.example 192.0.2.2:2525",
        "mx.example 192.0.2.1:2525",
        "mx.example [2001:db8::2]:2525",
        "mx.example [2001:db8::1]:2525",
    ];
    assert_eq!(way_in(zone, "a.example"), want);
}

#[test]
fn a_domain_without_mx_is_its_own_mail_host() {
    for (zone, want) in [
        ("a.example A 192.0.2.1", "a.example 192.0.2.1:2525"),
        ("a.example AAAA 2001:db8::1", "a.example [2001:db8::1]:2525"),
    ] {
        assert_eq!(way_in(zone, "a.example"), [want]);
    }
}

#[test]
fn a_domain_whose_mx_is_dead_never_gets_mail_at_its_own_address() {
    let zone = "
        a.example  A  192.0.2.1
        a.example  MX 10 mx.example
        mx.example TXT x";
    let server = NameServer::with_zone(zone);
    let found = route(&router(&server), "a.example");
    assert_eq!(found, Err(NoRoute::NoAddress));
    let asked = ["MX a.example", "A mx.example", "AAAA mx.example"];
    assert_eq!(server.questions(), asked);
}

#[test]
fn a_null_mx_takes_no_mail_and_beside_others_it_is_nothing_rfc_7505() {
    let null = "a.example A 192.0.2.1\n a.example MX 0 .";
    let server = NameServer::with_zone(null);
    let found = route(&router(&server), "a.example");
    assert_eq!(found, Err(NoRoute::NullMx));
    assert_eq!(server.questions(), ["MX a.example"]);
    let beside = "
        a.example  MX 0 .
        a.example  MX 10 mx.example
        mx.example A 192.0.2.1";
    assert_eq!(way_in(beside, "a.example"), ["mx.example 192.0.2.1:2525"]);
    let twice = "a.example MX 0 .\n a.example MX 10 .";
    assert_eq!(no_way_in(twice, "a.example"), NoRoute::NullMx);
}

#[test]
fn each_verdict_has_its_status() {
    for (verdict, status, is_permanent) in [
        (NoRoute::NoSuchDomain, "5.1.2", true),
        (NoRoute::NullMx, "5.1.10", true),
        (NoRoute::NoAddress, "5.4.4", true),
        (NoRoute::Inward, "5.4.6", true),
        (NoRoute::BackToUs, "5.4.6", true),
        (NoRoute::NotNow("x".to_owned()), "4.4.3", false),
    ] {
        assert_eq!(verdict.status(), status);
        assert_eq!(verdict.is_permanent(), is_permanent);
    }
}

#[test]
fn a_domain_that_is_not_there_and_one_that_has_nothing_are_told_apart() {
    let zone = "
        bare.example  TXT x
        alias.example CNAME gone.example";
    for (domain, want) in [
        ("gone.example", NoRoute::NoSuchDomain),
        ("alias.example", NoRoute::NoSuchDomain),
        ("bare.example", NoRoute::NoAddress),
    ] {
        assert_eq!(no_way_in(zone, domain), want, "{domain}");
    }
}

#[test]
fn only_a_word_of_the_server_makes_mail_bounce() {
    for code in [1, 2, 4, 5, 6, 15] {
        let at_the_domain = format!("a.example CODE {code}");
        assert!(is_for_now(&no_way_in(&at_the_domain, "a.example")));
        let at_the_host =
            format!("a.example MX 10 mx.example\n mx.example CODE {code}");
        assert!(is_for_now(&no_way_in(&at_the_host, "a.example")));
    }
}

#[test]
fn a_silent_server_is_asked_twice_from_a_new_port_with_a_new_number() {
    let server = NameServer::with_zone("a.example SILENCE");
    let begin = Instant::now();
    let why = route(&hasty(&server), "a.example").unwrap_err();
    assert!(is_for_now(&why), "{why}");
    assert!(begin.elapsed() < DEADLINE);
    let asked = server.asked();
    let [first, second] = asked.as_slice() else { panic!("{asked:?}") };
    assert_ne!(first.from.port(), second.from.port());
    // One in 65,536 times they would be the same: so look at more of them.
    for _ in 0..3 {
        route(&hasty(&server), "a.example").unwrap_err();
    }
    let ids: HashSet<u16> = server.asked().iter().map(|a| a.id).collect();
    assert!(ids.len() > 5, "{ids:?}");
}

#[test]
fn a_server_that_is_not_there_is_trouble_for_now() {
    let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = NameServer::with_zone("");
    let mut router = hasty(&server);
    router.resolver.servers = vec![free];
    assert!(is_for_now(&route(&router, "a.example").unwrap_err()));
}

#[test]
fn an_answer_that_cannot_be_read_ends_the_question_at_once() {
    let server = NameServer::start(|asked| {
        let mut packet = asked.answer(GOOD, &[]);
        // One record, which is not there.
        packet[7] = 1;
        vec![packet]
    });
    // The router is patient, and the test is over in time all the same.
    let why = route(&router(&server), "a.example").unwrap_err();
    assert!(is_for_now(&why), "{why}");
    assert_eq!(server.questions(), ["MX a.example"]);
}

#[test]
fn a_server_that_only_names_others_is_trouble_for_now() {
    let server = NameServer::start(|asked| vec![asked.answer(0x8100, &[])]);
    assert!(is_for_now(&route(&router(&server), "a.example").unwrap_err()));
}

#[test]
fn one_bad_mail_host_does_not_spoil_the_others() {
    for bad in [
        "bad.example TXT x",
        "bad.example CODE 2",
        "bad.example CODE 3",
        "bad.example CNAME bad.example",
        "bad.example A 0.0.0.0",
        "bad.example A 224.0.0.1",
        "bad.example A 255.255.255.255",
        "bad.example AAAA ::",
        "bad.example AAAA ff02::1",
        "bad.example AAAA ::ffff:0.0.0.0",
    ] {
        let zone = format!(
            "a.example  MX 10 bad.example
             a.example  MX 20 mx.example
             mx.example A 192.0.2.1
             {bad}"
        );
        let want = ["mx.example 192.0.2.1:2525"];
        assert_eq!(way_in(&zone, "a.example"), want, "{bad}");
    }
}

#[test]
fn a_mail_host_whose_name_is_none_is_passed_over_and_never_asked_for() {
    for bad in ["192.0.2.66", "*.example", "a/b", "a@b", "[192.0.2.66]", "x:25"]
    {
        let zone = format!(
            "a.example  MX 10 {bad}
             a.example  MX 20 mx.example
             mx.example A 192.0.2.1
             {bad}      A 192.0.2.66"
        );
        let server = NameServer::with_zone(&zone);
        let want = ["mx.example 192.0.2.1:2525"];
        assert_eq!(way(&router(&server), "a.example"), want);
        let asked = ["MX a.example", "A mx.example", "AAAA mx.example"];
        assert_eq!(server.questions(), asked);
    }
}

#[test]
fn if_no_mail_host_is_of_use_trouble_for_now_counts_more_than_any_other() {
    let zone = |second: &str| {
        format!(
            "a.example MX 10 one.example
             a.example MX 20 two.example
             one.example TXT x
             two.example {second}"
        )
    };
    assert!(is_for_now(&no_way_in(&zone("CODE 2"), "a.example")));
    assert_eq!(no_way_in(&zone("TXT x"), "a.example"), NoRoute::NoAddress);
    assert_eq!(no_way_in(&zone("A 0.0.0.0"), "a.example"), NoRoute::Inward);
}

#[test]
fn one_kind_of_address_is_enough() {
    for (good, bad) in [(A, 28), (28, A)] {
        let server = NameServer::start(move |asked| {
            let records = match asked.kind {
                MX => vec![exchanger("a.example", 10, "mx.example")],
                A => vec![address("mx.example", "192.0.2.1")],
                _ => vec![address("mx.example", "2001:db8::1")],
            };
            let is_bad = asked.kind == bad;
            let flags = if is_bad { GOOD | 2 } else { GOOD };
            vec![asked.answer(flags, if is_bad { &[] } else { &records })]
        });
        let found = route(&router(&server), "a.example").unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].address.is_ipv4(), good == A);
    }
}

#[test]
fn no_such_name_for_ipv6_takes_nothing_from_what_ipv4_has_said() {
    for (code, is_route) in [(0, true), (2, false)] {
        let server = NameServer::start(move |asked| match asked.kind {
            MX => vec![asked.answer(GOOD, &[])],
            A if code == 0 => {
                let record = address("a.example", "192.0.2.1");
                vec![asked.answer(GOOD, &[record])]
            }
            A => vec![asked.answer(GOOD | code, &[])],
            _ => vec![asked.answer(GOOD | 3, &[])],
        });
        match route(&router(&server), "a.example") {
            Ok(_) => assert!(is_route),
            Err(why) => assert!(!is_route && is_for_now(&why), "{why}"),
        }
    }
}

#[test]
fn an_alias_is_followed_at_the_domain_and_at_the_mail_host() {
    // The server follows none of them itself, so each is asked for anew.
    let zone = "
        a.example    CNAME b.example
        b.example    CNAME c.example
        c.example    MX 10 mx.example
        mx.example   CNAME real.example
        real.example A 192.0.2.1
        plain.example CNAME real.example";
    assert_eq!(way_in(zone, "a.example"), ["mx.example 192.0.2.1:2525"]);
    // Without MX, the name at the end is the mail host.
    let want = ["real.example 192.0.2.1:2525"];
    assert_eq!(way_in(zone, "plain.example"), want);
}

#[test]
fn an_alias_that_is_followed_in_the_answer_costs_no_question() {
    let server = NameServer::start(|asked| {
        let records = match asked.kind {
            MX => vec![
                exchanger("b.example", 10, "mx.example"),
                support::name_server::alias("a.example", "b.example"),
                exchanger("other.example", 1, "evil.example"),
            ],
            A => vec![address("mx.example", "192.0.2.1")],
            _ => vec![],
        };
        vec![asked.answer(GOOD, &records)]
    });
    let want = ["mx.example 192.0.2.1:2525"];
    assert_eq!(way(&router(&server), "a.example"), want);
    let asked = ["MX a.example", "A mx.example", "AAAA mx.example"];
    assert_eq!(server.questions(), asked);
}

#[test]
fn eight_aliases_are_followed_and_nine_are_too_many() {
    let zone = |length: usize| {
        let link = |n| format!("n{n} CNAME n{}\n", n + 1);
        let links: String = (0..length).map(link).collect();
        format!("{links}n{length} MX 10 mx.example\nmx.example A 192.0.2.1")
    };
    let want = ["mx.example 192.0.2.1:2525"];
    assert_eq!(way_in(&zone(8), "n0"), want);
    assert!(is_for_now(&no_way_in(&zone(9), "n0")));
    let round = "a.example CNAME b.example\n b.example CNAME a.example";
    assert!(is_for_now(&no_way_in(round, "a.example")));
}

#[test]
fn a_domain_that_looks_like_an_address_does_not_exist_and_nobody_is_asked() {
    let zone = "192.0.2.1 A 192.0.2.1";
    let server = NameServer::with_zone(zone);
    for domain in ["192.0.2.1", "1.2", "7", "bücher.example", "a..b", "", "."]
    {
        let found = route(&router(&server), domain);
        assert_eq!(found, Err(NoRoute::NoSuchDomain), "{domain}");
    }
    assert!(server.asked().is_empty());
}

#[test]
fn a_name_is_asked_for_as_it_is_and_nothing_is_added() {
    let server = NameServer::with_zone("host.example.org A 192.0.2.1");
    let found = route(&router(&server), "host");
    assert_eq!(found, Err(NoRoute::NoSuchDomain));
    assert_eq!(server.questions(), ["MX host"]);
}

#[test]
fn our_own_record_and_all_that_are_no_better_are_dropped() {
    let zone = "
        a.example MX 10 best.example
        a.example MX 20 Us.Example
        a.example MX 20 equal.example
        a.example MX 30 worse.example
        best.example  A 192.0.2.1
        us.example    A 192.0.2.2
        equal.example A 192.0.2.3
        worse.example A 192.0.2.4";
    let server = NameServer::with_zone(zone);
    let mut router = router(&server);
    for name in ["us.example", "US.example."] {
        router.hostname = name.to_owned();
        let want = ["best.example 192.0.2.1:2525"];
        assert_eq!(way(&router, "a.example"), want);
    }
    // Now it is an address of the same preference that is ours.
    router.hostname = "another.example".to_owned();
    router.listening = vec!["192.0.2.3:2525".parse().unwrap()];
    let want = ["best.example 192.0.2.1:2525"];
    assert_eq!(way(&router, "a.example"), want);
    router.listening = vec!["192.0.2.1:2525".parse().unwrap()];
    assert_eq!(route(&router, "a.example"), Err(NoRoute::BackToUs));
}

#[test]
fn a_domain_without_mx_that_is_ourselves_is_a_loop() {
    let zone = "us.example A 192.0.2.1\n alias.example CNAME us.example";
    assert_eq!(no_way_in(zone, "us.example"), NoRoute::BackToUs);
    assert_eq!(no_way_in(zone, "alias.example"), NoRoute::BackToUs);
}

/// In a lab everything is on 127.0.0.1, and the port tells who it is.
#[test]
fn our_address_with_another_port_is_another_server() {
    let zone = "a.example MX 10 mx.example\n mx.example A 127.0.0.1";
    let server = NameServer::with_zone(zone);
    let mut router = router(&server);
    for (listening, is_us) in [
        ("127.0.0.1:2525", true),
        ("127.0.0.1:2526", false),
        ("127.0.0.2:2525", false),
        ("0.0.0.0:2525", true),
        ("[::]:2525", true),
        ("0.0.0.0:2526", false),
    ] {
        router.listening = vec![listening.parse().unwrap()];
        let found = route(&router, "a.example");
        assert_eq!(found == Err(NoRoute::BackToUs), is_us, "{listening}");
    }
}

/// 192.0.2.0/24 is for examples: no machine has such an address.
#[test]
fn a_server_that_listens_everywhere_is_not_on_every_address() {
    let zone = "a.example MX 10 mx.example\n mx.example A 192.0.2.1";
    let server = NameServer::with_zone(zone);
    let mut router = router(&server);
    router.listening = vec!["0.0.0.0:2525".parse().unwrap()];
    assert_eq!(way(&router, "a.example"), ["mx.example 192.0.2.1:2525"]);
}

#[test]
fn better_hosts_that_cannot_be_found_are_no_loop() {
    let zone = |best: &str| {
        format!(
            "a.example MX 10 best.example
             a.example MX 20 us.example
             best.example {best}"
        )
    };
    assert_eq!(no_way_in(&zone("TXT x"), "a.example"), NoRoute::NoAddress);
    assert!(is_for_now(&no_way_in(&zone("CODE 2"), "a.example")));
}

#[test]
fn mail_hosts_on_loopback_are_used_in_a_lab_and_nowhere_else() {
    for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
        let kind = if address.contains(':') { "AAAA" } else { "A" };
        let zone = format!(
            "a.example  MX 10 mx.example
             mx.example {kind} {address}"
        );
        let server = NameServer::with_zone(&zone);
        let mut router = router(&server);
        assert_eq!(route(&router, "a.example").unwrap().len(), 1, "{address}");
        router.mx_port = 25;
        let found = route(&router, "a.example");
        assert_eq!(found, Err(NoRoute::Inward), "{address}");
    }
}

/// A record that points to this machine by mistake must not take the others
/// with it, as one that means us does.
#[test]
fn a_mail_host_on_loopback_beside_a_good_one_is_skipped() {
    let zone = "
        a.example MX 0  localhost
        a.example MX 10 mx.example
        localhost  A 127.0.0.1
        mx.example A 127.0.0.1
        mx.example A 192.0.2.1";
    let server = NameServer::with_zone(zone);
    let mut router = router(&server);
    router.mx_port = 25;
    router.listening = vec!["0.0.0.0:25".parse().unwrap()];
    assert_eq!(way(&router, "a.example"), ["mx.example 192.0.2.1:25"]);
}

#[test]
fn of_a_thousand_mail_hosts_and_of_a_thousand_addresses_five_are_tried() {
    let host = |n: usize| {
        format!("a.example MX 10 h{n}\n h{n} A 192.0.2.{}\n", n % 250 + 1)
    };
    let hosts: String = (0..1_000).map(host).collect();
    assert_eq!(route_len(&hosts), 5);
    let address = |n: usize| format!("mx A 10.1.{}.{}\n", n / 250, n % 250);
    let addresses: String = (0..1_000).map(address).collect();
    assert_eq!(route_len(&format!("a.example MX 10 mx\n{addresses}")), 5);
}

fn route_len(zone: &str) -> usize {
    let server = NameServer::with_zone(zone);
    route(&router(&server), "a.example").unwrap().len()
}

#[test]
fn worse_hosts_are_not_looked_up_when_five_addresses_are_known() {
    let zone = "
        a.example MX 10 one
        a.example MX 20 two
        one A 192.0.2.1
        one A 192.0.2.2
        one A 192.0.2.3
        one A 192.0.2.4
        one A 192.0.2.5";
    let server = NameServer::with_zone(zone);
    assert_eq!(way(&router(&server), "a.example").len(), 5);
    assert_eq!(server.questions(), ["MX a.example", "A one", "AAAA one"]);
}

#[test]
fn an_address_with_several_names_is_tried_once() {
    let zone = "
        a.example MX 10 one
        a.example MX 10 two
        a.example MX 20 three
        one   A 192.0.2.1
        two   A 192.0.2.1
        three A 192.0.2.1
        three A 192.0.2.2";
    let found = way_in(zone, "a.example");
    assert_eq!(found.len(), 2);
    assert_eq!(found[1], "three 192.0.2.2:2525");
}

#[test]
fn an_answer_that_is_too_long_is_fetched_by_tcp() {
    let host = |n: usize| format!("a.example MX {n} a-long-name-{n}.example\n");
    let hosts: String = (1..100).map(host).collect();
    let zone = format!("{hosts}a-long-name-1.example A 192.0.2.1");
    let server = NameServer::with_zone(&zone);
    let found = way(&router(&server), "a.example");
    assert_eq!(found[0], "a-long-name-1.example 192.0.2.1:2525");
    let asked = ["MX a.example", "MX a.example by TCP"];
    assert_eq!(server.questions()[..2], asked);
}

/// What comes by TCP after a datagram has said that there is more.
fn after_truncation(
    by_tcp: impl Fn(&Asked) -> Vec<Vec<u8>> + Send + Sync + 'static,
) -> NameServer {
    NameServer::start(move |asked| match (asked.kind, asked.by_tcp) {
        (MX, false) => vec![asked.answer(GOOD | TRUNCATED, &[])],
        (MX, true) => by_tcp(asked),
        (A, _) => {
            vec![asked.answer(GOOD, &[address("mx.example", "192.0.2.1")])]
        }
        _ => vec![asked.answer(GOOD, &[])],
    })
}

fn good_answer(asked: &Asked) -> Vec<u8> {
    asked.answer(GOOD, &[exchanger("a.example", 10, "mx.example")])
}

#[test]
fn an_answer_by_tcp_may_come_in_pieces() {
    for size in [1, 2, 3, 7, 1_000] {
        let server = after_truncation(move |asked| {
            let bytes = framed(&good_answer(asked));
            bytes.chunks(size).map(<[u8]>::to_vec).collect()
        });
        let want = ["mx.example 192.0.2.1:2525"];
        assert_eq!(way(&router(&server), "a.example"), want, "{size}");
    }
}

#[test]
fn nonsense_by_tcp_is_trouble_for_now_and_tcp_is_tried_once() {
    type Say = fn(&Asked) -> Vec<Vec<u8>>;
    let cases: [(&str, Say); 8] = [
        ("too long again", |asked| {
            vec![framed(&asked.answer(GOOD | TRUNCATED, &[]))]
        }),
        ("length 0", |_| vec![vec![0, 0]]),
        ("half a length", |_| vec![vec![0]]),
        ("a longer length", |asked| {
            let mut bytes = framed(&good_answer(asked));
            bytes[0] = 0xff;
            vec![bytes]
        }),
        ("a shorter length", |asked| {
            let mut bytes = framed(&good_answer(asked));
            bytes[1] -= 1;
            vec![bytes]
        }),
        ("65,535 bytes of nothing", |_| vec![framed(&[0; 65_535])]),
        ("another number", |asked| {
            let mut other = asked.clone();
            other.id ^= 1;
            vec![framed(&good_answer(&other))]
        }),
        ("a failure", |asked| vec![framed(&asked.answer(GOOD | 2, &[]))]),
    ];
    for (what, by_tcp) in cases {
        let server = after_truncation(by_tcp);
        let why = route(&router(&server), "a.example").unwrap_err();
        assert!(is_for_now(&why), "{what}: {why}");
        let asked = ["MX a.example", "MX a.example by TCP"];
        assert_eq!(server.questions(), asked, "{what}");
    }
}

#[test]
fn silence_by_tcp_is_trouble_for_now_and_tcp_is_tried_once() {
    let server = after_truncation(|_| Vec::new());
    let mut router = router(&server);
    router.resolver.tcp_time = Duration::from_millis(50);
    let why = route(&router, "a.example").unwrap_err();
    assert!(is_for_now(&why), "{why}");
    let asked = ["MX a.example", "MX a.example by TCP"];
    assert_eq!(server.questions(), asked);
}

#[test]
fn forged_answers_are_dropped_while_the_right_one_is_awaited() {
    let server = NameServer::start(|asked| {
        let evil = |asked: &Asked| {
            let record = exchanger("a.example", 1, "evil.example");
            asked.answer(GOOD, &[record])
        };
        let changed = |change: &dyn Fn(&mut Asked)| {
            let mut other = asked.clone();
            change(&mut other);
            evil(&other)
        };
        if asked.kind != MX {
            let record = address(&asked.name, "192.0.2.1");
            let records = if asked.kind == A { vec![record] } else { vec![] };
            return vec![asked.answer(GOOD, &records)];
        }
        // This many fit in the socket's buffer, even if nobody reads.
        let guess = |n: u16| changed(&|a| a.id = asked.id.wrapping_add(n));
        let mut packets: Vec<_> = (1..=200).map(guess).collect();
        packets.push(changed(&|a| a.name = "b.example".to_owned()));
        packets.push(changed(&|a| a.kind = A));
        let mut no_response = evil(asked);
        no_response[2] &= 0x7f;
        packets.extend([no_response, b"x".to_vec(), Vec::new()]);
        // The right number and question, from another port.
        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        other.send_to(&evil(asked), asked.from).unwrap();
        packets.push(good_answer(asked));
        packets
    });
    let mut ignored = 0;
    let found = router(&server)
        .route("a.example", &mut |step| {
            ignored += usize::from(step == Step::Ignored);
        })
        .unwrap();
    assert_eq!(found[0].host, "mx.example");
    assert_eq!(ignored, 205);
    assert_eq!(server.questions()[0..2], ["MX a.example", "A mx.example"]);
}

#[test]
fn if_one_server_is_silent_or_fails_the_next_one_is_asked() {
    let good = NameServer::with_zone("a.example A 192.0.2.1");
    for bad in ["a.example SILENCE", "a.example CODE 2", "a.example CODE 5"] {
        let bad = NameServer::with_zone(bad);
        let mut router = router(&good);
        router.resolver.servers.insert(0, bad.address);
        // This is how long we wait for a silent one.
        router.resolver.datagram_time = Duration::from_secs(3);
        assert_eq!(way(&router, "a.example"), ["a.example 192.0.2.1:2525"]);
        assert_eq!(bad.questions()[0], "MX a.example");
    }
}

#[test]
fn what_the_first_server_says_counts() {
    let first = NameServer::with_zone("");
    let second = NameServer::with_zone("a.example A 192.0.2.1");
    let mut router = router(&first);
    router.resolver.servers.push(second.address);
    assert_eq!(route(&router, "a.example"), Err(NoRoute::NoSuchDomain));
    assert!(second.asked().is_empty());
}

#[test]
fn a_look_up_ends_in_time_however_many_hosts_are_silent() {
    let host = |n: usize| format!("a.example MX {n} h{n}\n h{n} SILENCE\n");
    let mut zone: String = (1..1_000).map(host).collect();
    zone.push_str("a.example MX 0 h0\n h0 A 192.0.2.1");
    let server = NameServer::with_zone(&zone);
    let mut router = hasty(&server);
    router.resolver.tcp_time = DEADLINE;
    router.resolver.total_time = Duration::from_secs(1);
    let begin = Instant::now();
    // What was found is not lost.
    match route(&router, "a.example") {
        Ok(found) => assert_eq!(found[0].host, "h0"),
        // A second was not enough for two answers: a very slow machine.
        Err(why) => assert!(is_for_now(&why)),
    }
    assert!(begin.elapsed() < DEADLINE);
    assert!(server.asked().len() < 200, "{}", server.asked().len());
}

fn smart_host(text: &str) -> Option<SmartHost> {
    SmartHost::read(text)
}

#[test]
fn a_smart_host_is_a_name_or_an_address_with_a_port() {
    for good in [
        "mail.example:25",
        "localhost:2525",
        "192.0.2.1:25",
        "[::1]:587",
        "a:65535",
        "LOCALHOST:1",
    ] {
        assert!(smart_host(good).is_some(), "{good}");
    }
    for bad in [
        "mail.example",
        "mail.example:",
        ":25",
        "mail.example:0",
        "mail.example:65536",
        "mail.example:+25",
        "mail.example:smtp",
        "::1:25",
        "[::1]",
        "[192.0.2.1]:25",
        "[::1:25",
        "1.2:25",
        "a b:25",
        "a/b:25",
        "",
        ":",
    ] {
        assert_eq!(smart_host(bad), None, "{bad}");
    }
}

#[test]
fn a_smart_host_gets_all_mail_and_no_mx_is_asked_for() {
    let zone = "
        relay.example A    192.0.2.1
        relay.example AAAA 2001:db8::1
        relay.example MX   10 elsewhere.example
        alias.example CNAME relay.example";
    let server = NameServer::with_zone(zone);
    let mut router = router(&server);
    for (host, want) in [
        ("relay.example:587", "192.0.2.1:587"),
        ("alias.example:587", "192.0.2.1:587"),
    ] {
        router.smart_host = smart_host(host);
        let found = route(&router, "a.example").unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].address.to_string(), want);
    }
    assert!(!server.questions().join(" ").contains("MX"));
}

#[test]
fn for_a_literal_and_for_localhost_no_name_server_is_asked() {
    let server = NameServer::with_zone("localhost A 192.0.2.66");
    let mut router = router(&server);
    // A smart host is the operator's word: it may be on this machine.
    router.mx_port = 25;
    for (host, want) in [
        ("192.0.2.1:25", "192.0.2.1:25"),
        ("127.0.0.1:2525", "127.0.0.1:2525"),
        ("[2001:db8::1]:25", "[2001:db8::1]:25"),
        ("localhost:25", "127.0.0.1:25"),
    ] {
        router.smart_host = smart_host(host);
        let found = route(&router, "a.example").unwrap();
        assert_eq!(found[0].address.to_string(), want);
    }
    assert!(server.asked().is_empty());
}

#[test]
fn mail_waits_for_a_smart_host_that_cannot_be_found() {
    let zone = "
        bare.example   TXT x
        fail.example   CODE 2
        silent.example SILENCE";
    let server = NameServer::with_zone(zone);
    let mut router = hasty(&server);
    for host in ["gone", "bare.example", "fail.example", "silent.example"] {
        router.smart_host = smart_host(&format!("{host}:25"));
        let why = route(&router, "a.example").unwrap_err();
        assert!(is_for_now(&why), "{host}: {why}");
    }
}

#[test]
fn somebody_who_watches_sees_each_step_as_a_line() {
    let zone = "
        a.example    MX 10 gone.example
        a.example    MX 20 mx.example
        mx.example   CNAME real.example
        real.example A 192.0.2.1";
    let server = NameServer::with_zone(zone);
    let mut lines = Vec::new();
    router(&server)
        .route("a.example", &mut |step| lines.push(step.to_string()))
        .unwrap();
    let text = lines.join("\n");
    let text = text.replace(&server.address.to_string(), "SERVER");
    let want = "\
asking SERVER: MX of a.example?
answer: a.example MX 10 gone.example, a.example MX 20 mx.example
asking SERVER: A of gone.example?
answer: there is no such name
not gone.example: it has no address
asking SERVER: A of mx.example?
answer: mx.example CNAME real.example
asking SERVER: A of real.example?
answer: real.example 192.0.2.1
asking SERVER: AAAA of mx.example?
answer: mx.example CNAME real.example
asking SERVER: AAAA of real.example?
answer: no such record";
    assert_eq!(text, want);
}

#[test]
fn the_name_servers_of_a_resolv_conf_are_found() {
    let this_machine = "127.0.0.1:53";
    for (file, want) in [
        ("nameserver 192.0.2.1\n", vec!["192.0.2.1:53"]),
        ("nameserver\t192.0.2.1   # ours\r\n", vec!["192.0.2.1:53"]),
        ("  nameserver 192.0.2.1", vec!["192.0.2.1:53"]),
        ("nameserver 2001:db8::1", vec!["[2001:db8::1]:53"]),
        (
            "search example.org\noptions ndots:5\nnameserver 192.0.2.2\n\
             domain x\nnameserver 192.0.2.1",
            vec!["192.0.2.2:53", "192.0.2.1:53"],
        ),
        (
            "nameserver 192.0.2.1\nnameserver 192.0.2.2\n\
             nameserver 192.0.2.3\nnameserver 192.0.2.4",
            vec!["192.0.2.1:53", "192.0.2.2:53", "192.0.2.3:53"],
        ),
        ("", vec![this_machine]),
        ("# nameserver 192.0.2.1", vec![this_machine]),
        ("; nameserver 192.0.2.1", vec![this_machine]),
        ("nameserver", vec![this_machine]),
        ("nameserver ns.example", vec![this_machine]),
        ("nameserver fe80::1%eth0", vec![this_machine]),
        ("nameservers 192.0.2.1", vec![this_machine]),
    ] {
        let found = name_servers(file.as_bytes());
        let found: Vec<_> = found.iter().map(SocketAddr::to_string).collect();
        assert_eq!(found, want, "{file:?}");
    }
    assert_eq!(name_servers(b"\xff\xfe\0\n").len(), 1);
}

/// dnsmasq with the lab's domains, on a port of its own.
struct Dnsmasq {
    child: Child,
    address: SocketAddr,
}

const DNSMASQ: &[&str] = &["dnsmasq", "--version"];

impl Dnsmasq {
    fn start() -> Dnsmasq {
        // Another process may take the port meanwhile; then there is another.
        for _ in 0..10 {
            if let Some(started) = Dnsmasq::start_once() {
                return started;
            }
        }
        panic!("dnsmasq does not start")
    }

    fn start_once() -> Option<Dnsmasq> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let root = env!("CARGO_MANIFEST_DIR");
        let child = Command::new("dnsmasq")
            .arg("--no-daemon")
            .arg(format!("--conf-file={root}/tests/lab/dnsmasq.conf"))
            .arg(format!("--port={}", address.port()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut dnsmasq = Dnsmasq { child, address };
        let mut is_up = false;
        wait_until("dnsmasq answers or ends", || {
            is_up = route(&dnsmasq.hasty_router(), "one.example").is_ok();
            is_up || dnsmasq.child.try_wait().unwrap().is_some()
        });
        is_up.then_some(dnsmasq)
    }

    fn hasty_router(&self) -> Router {
        let mut router = self.router();
        router.resolver.datagram_time = Duration::from_millis(200);
        router
    }

    fn router(&self) -> Router {
        Router {
            resolver: Resolver::new(vec![self.address]),
            smart_host: None,
            mx_port: LAB,
            hostname: "us.example".to_owned(),
            listening: Vec::new(),
        }
    }
}

impl Drop for Dnsmasq {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_real_name_server_shows_every_domain_of_the_lab() {
    if !needs(DNSMASQ) {
        return;
    }
    let dnsmasq = Dnsmasq::start();
    let router = dnsmasq.router();
    let first = "first.order.example 127.0.0.1:2525";
    let second = "second.order.example 127.0.0.2:2525";
    let third = "third.order.example 127.0.0.3:2525";
    let two = "mx.two.example 127.0.0.2:2525";
    for (domain, want) in [
        ("one.example", vec!["mx.one.example 127.0.0.1:2525"]),
        ("two.example", vec![two]),
        ("order.example", vec![first, second, third]),
        ("dead.example", vec!["dead.dead.example 127.0.0.99:2525", two]),
        ("half.example", vec![two]),
        ("implicit.example", vec!["implicit.example 127.0.0.2:2525"]),
        ("alias.example", vec![two]),
    ] {
        assert_eq!(way(&router, domain), want, "{domain}");
    }
    for (domain, want) in [
        ("null.example", NoRoute::NullMx),
        ("silent.example", NoRoute::NoAddress),
        ("missing.example", NoRoute::NoSuchDomain),
    ] {
        assert_eq!(route(&router, domain), Err(want), "{domain}");
    }
    // It is refused: this server knows its own domains only.
    assert!(is_for_now(&route(&router, "example.org").unwrap_err()));
}

/// The best host is among those that the datagram has no room for.
#[test]
fn a_real_name_server_cuts_a_long_answer_and_has_it_all_by_tcp() {
    if !needs(DNSMASQ) {
        return;
    }
    let dnsmasq = Dnsmasq::start();
    let mut steps = Vec::new();
    let found = dnsmasq
        .router()
        .route("many.example", &mut |step| steps.push(step.to_string()))
        .unwrap();
    assert_eq!(found[0].host, "a-host-with-a-long-name-01.many.example");
    assert_eq!(found.len(), 1);
    assert_eq!(steps[1], "answer: it is too long");
    assert!(steps[2].contains("by TCP: MX of many.example"), "{}", steps[2]);
}
