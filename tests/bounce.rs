//! The bounce as a text (RFC 3464, RFC 6522): what is in it, and that it stays
//! what it is whatever another server has said.
//!
//! A test fails by panicking.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use pillarbox::relay::bounce::{Answer, Bounce, Failure, Written};
use std::fs::File;
use std::process::{Command, Stdio};
use support::needs;
use support::programs::{PYTHON, run};
use tempfile::TempDir;

const ORIGINAL: &[u8] =
    b"Received: from a\r\n\tby b\nFrom: alice@example.org\n\
    Subject: K\xc3\xa4the\n\nThe text stays here.\n";

fn refused() -> Failure<'static> {
    Failure {
        recipient: "bob@example.net",
        why: "A server refused it.",
        status: "5.1.1",
        answer: Some(Answer {
            host: "mx.example.net",
            reply: b"550-5.1.1 No such mailbox\r\n550 5.1.1 Sorry",
        }),
        last_attempt: 784_111_777,
    }
}

fn no_domain() -> Failure<'static> {
    Failure {
        recipient: "käthe+a@nowhere.example",
        why: "The domain does not exist.",
        status: "5.1.2",
        answer: None,
        ..refused()
    }
}

fn bounce<'a>(failures: &'a [Failure<'a>], original: &'a [u8]) -> Bounce<'a> {
    Bounce {
        hostname: "mx.example.org",
        domain: "example.org",
        sender: "alice@example.org",
        id: "M1P2Q3R4.1",
        now: 784_111_777,
        arrived: 784_100_000,
        failures,
        original,
    }
}

/// A smart host may be given by its address, and then has no name (RFC 3461 9.3).
#[test]
fn a_host_without_a_name_is_told_as_an_address_literal() {
    for (host, literal) in [
        ("127.0.0.1", "[127.0.0.1]"),
        ("::1", "[IPv6:::1]"),
        ("[::1]", "[IPv6:::1]"),
        ("mx.example.net", "mx.example.net"),
    ] {
        let reply = b"550 no";
        let answer = Some(Answer { host, reply });
        let failures = [Failure { answer, ..refused() }];
        let text = bounce(&failures, ORIGINAL).written().text;
        let wanted = format!("\nRemote-MTA: dns; {literal}\n");
        assert!(text.contains(&wanted), "{text}");
    }
}

#[test]
fn a_bounce_tells_people_and_programs_what_failed_and_why() {
    let failures = [refused(), no_domain()];
    let written = bounce(&failures, ORIGINAL).written();
    assert_eq!(written.told, 2);
    assert_eq!(
        written.text,
        "Date: Sun, 06 Nov 1994 08:49:37 +0000\n\
         From: Mail Delivery System <postmaster@example.org>\n\
         To: alice@example.org\n\
         Message-ID: <M1P2Q3R4.1@mx.example.org>\n\
         Subject: Your message could not be delivered\n\
         Auto-Submitted: auto-replied\n\
         MIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status;\n \
         boundary=\"=M1P2Q3R4.1=0=\"\n\
         \n\
         This is a report in several parts (RFC 6522).\n\
         \n\
         --=M1P2Q3R4.1=0=\n\
         Content-Type: text/plain; charset=us-ascii\n\
         \n\
         This is the mail server mx.example.org.\n\
         \n\
         Your message could not be delivered to the following addresses. It \
         will\n\
         not be tried again for them.\n\
         \n\
         <bob@example.net>\n    \
         A server refused it.\n    \
         mx.example.net said: 550-5.1.1 No such mailbox 550 5.1.1 Sorry\n\
         \n\
         <k\\x{E4}the\\x{2B}a@nowhere.example>\n    \
         The domain does not exist.\n\
         \n\
         The header of your message is at the end of this report.\n\
         \n\
         --=M1P2Q3R4.1=0=\n\
         Content-Type: message/delivery-status\n\
         \n\
         Reporting-MTA: dns; mx.example.org\n\
         Arrival-Date: Sun, 06 Nov 1994 05:33:20 +0000\n\
         \n\
         Final-Recipient: rfc822; bob@example.net\n\
         Action: failed\n\
         Status: 5.1.1\n\
         Remote-MTA: dns; mx.example.net\n\
         Diagnostic-Code: smtp; 550-5.1.1 No such mailbox 550 5.1.1 Sorry\n\
         Last-Attempt-Date: Sun, 06 Nov 1994 08:49:37 +0000\n\
         \n\
         Final-Recipient: utf-8; k\\x{E4}the\\x{2B}a@nowhere.example\n\
         Action: failed\n\
         Status: 5.1.2\n\
         Last-Attempt-Date: Sun, 06 Nov 1994 08:49:37 +0000\n\
         \n\
         --=M1P2Q3R4.1=0=\n\
         Content-Type: text/rfc822-headers\n\
         \n\
         Received: from a\n \
         by b\n\
         From: alice@example.org\n\
         Subject: K??the\n\
         \n\
         --=M1P2Q3R4.1=0=--\n"
    );
}

/// The address is that of the envelope, byte by byte, also where its quotes
/// could be left out (RFC 3464 2.3.2).
#[test]
fn the_final_recipient_is_the_address_of_the_envelope() {
    for recipient in ["\"b\"@x.example", "Bob+tag@X.example", "\"a  b\"@[::]"] {
        let failures = [Failure { recipient, ..refused() }];
        let text = bounce(&failures, ORIGINAL).written().text;
        let line = format!("\nFinal-Recipient: rfc822; {recipient}\n");
        assert!(text.contains(&line), "{text}");
    }
}

#[test]
fn a_status_that_is_none_is_5_0_0() {
    for (status, want) in [
        ("4.4.1", "4.4.1"),
        ("5.7.509", "5.7.509"),
        ("2.1.5", "5.0.0"),
        ("5.1", "5.0.0"),
        ("5.1.1\nX: y", "5.0.0"),
        ("", "5.0.0"),
    ] {
        let failures = [Failure { status, ..refused() }];
        let text = bounce(&failures, ORIGINAL).written().text;
        assert!(text.contains(&format!("\nStatus: {want}\n")), "{status}");
    }
}

#[test]
fn a_long_header_is_cut_at_a_line_after_50_000_bytes() {
    let line = format!("X-Line: {}\n", "x".repeat(91));
    let original = line.repeat(600) + "\ntext\n";
    let failures = [refused()];
    let text = bounce(&failures, original.as_bytes()).written().text;
    assert_eq!(text.matches(&line).count(), 500);
    let (_, part) = text.split_once("text/rfc822-headers\n\n").expect("a part");
    let (part, _) = part.split_once("\n--=").expect("an end");
    assert_eq!(part.len(), 50_000);
    check(&bounce(&failures, original.as_bytes()).written());
}

#[test]
fn many_recipients_take_the_place_of_the_header() {
    let name = |n: usize| format!("{n}{}@example.net", "x".repeat(50));
    let names: Vec<String> = (0..1000).map(name).collect();
    let reply = [b"550 ".as_slice(), &[b'y'; 5000]].concat();
    let answer = Answer { host: "mx.example.net", reply: &reply };
    let failure = |recipient| Failure {
        recipient,
        answer: Some(answer.clone()),
        ..refused()
    };
    let failures: Vec<Failure<'_>> = names.iter().map(|n| failure(n)).collect();
    let hundred = bounce(&failures[..100], ORIGINAL).written();
    assert_eq!(hundred.told, 100);
    assert!(hundred.text.contains("\nSubject: K??the\n"));
    check(&hundred);
    let written = bounce(&failures, ORIGINAL).written();
    check(&written);
    assert!((100..1000).contains(&written.told), "{}", written.told);
    let count = written.text.matches("\nFinal-Recipient: ").count();
    assert_eq!(count, written.told);
    // The caller goes on with the rest.
    let rest = bounce(&failures[written.told..], ORIGINAL).written();
    assert!(rest.text.contains(&failures[written.told].recipient[..20]));
}

/// Case 22: a reply is folded, and is neither a field nor a part.
#[test]
fn whatever_a_reply_holds_it_stays_a_diagnostic() {
    let evil = b"550 x\r\n\r\n--=M1P2Q3R4.1=0=--\r\n\r\nFrom: evil\n\nStatus: \
        2.0.0\n\x1b[2J\xff\x00\r\r\n=M1P2Q3R4.1=0= =M1P2Q3R4.1=1=";
    let answer = Some(Answer { host: "mx\nX: y", reply: evil });
    let failures = [Failure { answer, ..refused() }];
    let written = bounce(&failures, ORIGINAL).written();
    check(&written);
    let long = [b"550 ".as_slice(), &[b'z'; 200_000]].concat();
    let answer = Some(Answer { host: "mx.example.net", reply: &long });
    check(&bounce(&[Failure { answer, ..refused() }], ORIGINAL).written());
}

/// What must hold for every bounce.
fn check(written: &Written) {
    let text = &written.text;
    let is_fit = |byte: u8| matches!(byte, b' '..=b'~' | b'\n');
    assert!(text.bytes().all(is_fit), "{text:?}");
    assert!(text.lines().all(|line| line.len() <= 998), "{text}");
    let size = text.len() + text.matches('\n').count();
    assert!(size <= 65_536, "{size}");
    assert!(text.ends_with("=--\n"), "{text}");

    let (_, rest) = text.split_once("boundary=\"").expect("a boundary");
    let (boundary, rest) = rest.split_once("\"\n\n").expect("its end");
    assert!(boundary.len() <= 70, "{boundary}");
    let parts: Vec<&str> = rest.split(&format!("\n--{boundary}")).collect();
    assert_eq!(parts.len(), 5, "{text}");
    let part = |number: usize, content_type: &str| {
        let start = format!("\nContent-Type: {content_type}\n\n");
        parts[number].strip_prefix(&start).expect(content_type)
    };
    part(1, "text/plain; charset=us-ascii");
    let groups: Vec<&str> =
        part(2, "message/delivery-status").split("\n\n").collect();
    assert_eq!(groups.len(), written.told + 1, "{text}");
    assert_eq!(names(groups[0]), ["Reporting-MTA", "Arrival-Date"]);
    for group in &groups[1..] {
        let first = ["Final-Recipient", "Action", "Status"];
        let answer = ["Remote-MTA", "Diagnostic-Code"];
        let last = ["Last-Attempt-Date"];
        let names = names(group);
        let with = [&first[..], &answer, &last].concat();
        let without = [&first[..], &last].concat();
        assert!(names == with || names == without, "{names:?}");
    }
    let header = part(3, "text/rfc822-headers");
    assert!(!header.trim_end_matches('\n').contains("\n\n"), "{header}");
    assert_eq!(parts[4], "--\n");
}

/// The names of the fields. Other lines must go on with one.
fn names(group: &str) -> Vec<&str> {
    let lines = group.lines().filter(|line| !line.starts_with("    "));
    lines.map(|line| line.split(':').next().expect("a name")).collect()
}

/// A generator of numbers that only look like chance: the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (sides as u64)).expect("small")
    }

    /// Bytes of the kind that has broken bounces before.
    fn bytes(&mut self, most: usize) -> Vec<u8> {
        const PARTS: [&[u8]; 12] = [
            b"\r\n",
            b"\n",
            b"\n\n",
            b"\r",
            b" ",
            b"\t",
            b"--",
            b"=M1P2Q3R4.1=0=",
            b"550 5.1.1 ",
            b"Subject: ",
            b"\xc3\xa4\x00\x1b\xff",
            b"word",
        ];
        let mut bytes = Vec::new();
        for _ in 0..self.roll(most) {
            match self.roll(20) {
                0 => bytes.extend([b'x'; 1200]),
                1..4 => {
                    bytes.push(u8::try_from(self.roll(256)).expect("a byte"));
                }
                _ => bytes.extend(PARTS[self.roll(PARTS.len())]),
            }
        }
        bytes
    }

    fn text(&mut self) -> String {
        String::from_utf8_lossy(&self.bytes(20)).into_owned()
    }
}

#[test]
fn a_bounce_stays_well_formed_whatever_comes_from_outside() {
    let mut dice = Dice(0x1234_5678_9abc_def1);
    for _ in 0..3000 {
        let texts: [String; 5] = std::array::from_fn(|_| dice.text());
        let reply = dice.bytes(200);
        let original = dice.bytes(300);
        let [recipient, why, host, hostname, sender] = &texts;
        let answer = Some(Answer { host, reply: &reply });
        let failure = Failure { recipient, why, answer, ..refused() };
        let failures = vec![failure; 1 + dice.roll(5)];
        let bounce =
            Bounce { hostname, sender, ..bounce(&failures, &original) };
        let written = bounce.written();
        assert_eq!(written.told, failures.len());
        check(&written);
    }
}

/// Another program reads it as we mean it.
#[test]
fn pythons_email_parser_reads_every_part() {
    if !needs(PYTHON) {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let mut dice = Dice(77);
    for round in 0..5 {
        let reply = match round {
            0 => b"550-5.1.1 No\r\n550 5.1.1 Sorry".to_vec(),
            _ => dice.bytes(300),
        };
        let mut original = b"From: alice@example.org\nSubject: hi\n".to_vec();
        original.extend(dice.bytes(100));
        let answer = Some(Answer { host: "mx.example.net", reply: &reply });
        let failures = [Failure { answer, ..refused() }, no_domain()];
        let written = bounce(&failures, &original).written();
        let file = folder.path().join("bounce");
        std::fs::write(&file, &written.text).expect("a file");
        let mut python = Command::new("python3");
        python.args(["-c", READ]);
        let input = Stdio::from(File::open(&file).expect("a file"));
        let ended = run(&mut python, input, folder.path());
        assert!(ended.well, "{}\n{}", ended.printed, written.text);
    }
}

const READ: &str = "\
import email, email.policy, sys
text = sys.stdin.buffer.read()
message = email.message_from_bytes(text, policy=email.policy.default)
defects = [defect for part in message.walk() for defect in part.defects]
assert not defects, defects
assert message.get_content_type() == 'multipart/report'
assert message.get_param('report-type') == 'delivery-status'
assert message['Auto-Submitted'] == 'auto-replied'
assert message['To'].addresses[0].addr_spec == 'alice@example.org'
assert message['From'].addresses[0].addr_spec == 'postmaster@example.org'
people, programs, header = message.get_payload()
assert people.get_content_type() == 'text/plain'
assert '<bob@example.net>' in people.get_content()
assert programs.get_content_type() == 'message/delivery-status'
about, bob, kate = programs.get_payload()
assert about['Reporting-MTA'] == 'dns; mx.example.org', about.items()
assert bob['Final-Recipient'] == 'rfc822; bob@example.net', bob.items()
assert [bob['Action'], bob['Status']] == ['failed', '5.1.1'], bob.items()
assert bob['Remote-MTA'] == 'dns; mx.example.net'
assert bob['Diagnostic-Code'].startswith('smtp;'), bob.items()
assert len(bob.keys()) == 6 and len(kate.keys()) == 4, kate.items()
assert kate['Final-Recipient'].startswith('utf-8; k'), kate.items()
assert header.get_content_type() == 'text/rfc822-headers'
original = email.message_from_string(header.get_payload())
assert original['Subject'].startswith('hi'), original.items()
";
