//! Packets of name servers (RFC 1035 section 4): those that three real ones
//! have sent, each of them cut and with each bit turned over, and those that
//! nobody sends who means well.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::panic, missing_docs)]

mod support;

use pillarbox::relay::dns::{
    Answer, Data, Kind, NoAnswer, Question, Record, follow, read_answer,
};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};
use support::name_server::{
    self, A, Asked, CNAME, GOOD, MX, address, exchanger, name,
};

const ID: u16 = 0x1234;

/// A packet that a real name server has sent.
struct Real {
    title: String,
    question: Question,
    /// What has to come of it, as text.
    means: String,
    packet: Vec<u8>,
}

/// What dnsmasq 2.90, NSD 4.6.1 and unbound 1.17.1 have answered to questions
/// with the number 0x1234. For each: the server, the question, what it means,
/// and the packet.
fn real_answers() -> Vec<Real> {
    let text = include_str!("dns/answers.txt");
    let mut found: Vec<Real> = Vec::new();
    for line in text.lines() {
        if let Some(means) = line.strip_prefix("  = ") {
            found.last_mut().unwrap().means = means.to_owned();
        } else if let Some(hex) = line.strip_prefix("  ") {
            let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
            let bytes = (0..hex.len()).step_by(2).map(byte);
            found.last_mut().unwrap().packet.extend(bytes);
        } else {
            let (_, asked) = line.split_once(": ").unwrap();
            let (kind, name) = asked.split_once(" of ").unwrap();
            let kind = [Kind::A, Kind::Mx, Kind::Aaaa]
                .into_iter()
                .find(|known| known.name() == kind);
            let question = question(name, kind.unwrap());
            let (title, means) = (line.to_owned(), String::new());
            found.push(Real { title, question, means, packet: vec![] });
        }
    }
    found
}

fn question(name: &str, kind: Kind) -> Question {
    Question::new(ID, name, kind).unwrap()
}

/// The same question, as a server has it.
fn asked(name: &str, kind: u16) -> Asked {
    let from = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    Asked { id: ID, name: name.to_owned(), kind, by_tcp: false, from }
}

fn read(packet: &[u8]) -> Result<Answer, NoAnswer> {
    read_answer(packet, &question("a.example", Kind::Mx))
}

#[test]
fn what_real_name_servers_say_is_understood() {
    let all = real_answers();
    assert_eq!(all.len(), 32);
    for real in &all {
        let answer = read_answer(&real.packet, &real.question);
        let text = answer.map(|answer| answer.to_string());
        assert_eq!(text.as_deref(), Ok(real.means.as_str()), "{}", real.title);
    }
}

/// A packet that was cut off says the same as the whole one, if all records
/// are there, or nothing. It never says something else.
#[test]
fn no_truncation_of_a_real_answer_makes_another_answer() {
    let begin = Instant::now();
    let mut count = 0;
    for Real { title, question, packet, .. } in &real_answers() {
        let whole = read_answer(packet, question);
        for end in 0..packet.len() {
            let cut = read_answer(&packet[..end], question);
            assert!(cut.is_err() || cut == whole, "{title}, {end}: {cut:?}");
            count += 1;
        }
    }
    assert!(count > 4_000, "{count}");
    assert!(begin.elapsed() < Duration::from_secs(60));
}

/// A bit of the number, the question or the marks of a response makes it an
/// answer to something else; but for the bit that makes a letter small.
#[test]
fn no_single_bit_of_a_real_answer_does_harm() {
    let begin = Instant::now();
    let mut count = 0;
    for Real { title, question, packet, .. } in &real_answers() {
        let whole = read_answer(packet, question);
        let end_of_question = question.to_bytes().len();
        for bit in 0..packet.len() * 8 {
            let (at, mask) = (bit / 8, 0x80 >> (bit % 8));
            let mut turned = packet.clone();
            turned[at] ^= mask;
            let answer = read_answer(&turned, question);
            count += 1;
            let is_letter = at > 12 && turned[at].is_ascii_alphabetic();
            let is_case = is_letter && mask == 0x20;
            let is_mark = match at {
                0 | 1 | 4 | 5 => true,
                2 => mask & 0xf8 != 0,
                12.. if is_case => false,
                12.. => at < end_of_question,
                _ => false,
            };
            if is_mark {
                let place = format!("{title}: bit {mask:#x} of byte {at}");
                assert_eq!(answer, Err(NoAnswer::NotOurs), "{place}");
            }
            if is_case && at < end_of_question {
                assert_eq!(answer, whole, "{title}: {at}");
            }
        }
    }
    assert!(count > 32_000, "{count}");
    assert!(begin.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_question_is_the_bytes_of_rfc_1035_4_1() {
    let bytes = question("Mx1.Example.ORG.", Kind::Aaaa).to_bytes();
    let want = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\
                 \x03mx1\x07example\x03org\0\0\x1c\0\x01";
    assert_eq!(bytes, want);
    for (kind, number) in [(Kind::A, 1), (Kind::Mx, 15), (Kind::Aaaa, 28)] {
        let bytes = question("a", kind).to_bytes();
        assert_eq!(bytes[12..], [1, b'a', 0, 0, number, 0, 1]);
    }
}

#[test]
fn what_can_be_no_name_of_a_host_is_never_asked_for() {
    let label = "a".repeat(63);
    let long = format!("{label}.{label}.{label}.{}", "a".repeat(61));
    assert_eq!(long.len(), 253);
    for good in ["a", "1a", "a.b-c.d_e", "xn--bcher-kva.example", &label, &long]
    {
        assert!(Question::new(1, good, Kind::Mx).is_some(), "{good}");
    }
    for bad in [
        "",
        ".",
        "..",
        ".a",
        "a..b",
        "a.b..",
        "a b",
        "a\0b",
        "a\r\nb",
        "a/b",
        "*",
        "*.example",
        "bücher.example",
        "\\046",
        "192.0.2.1",
        "1",
        "a.1",
        "[192.0.2.1]",
        "::1",
        "a:25",
        &format!("{label}a"),
        &format!("{long}a"),
    ] {
        assert!(Question::new(1, bad, Kind::Mx).is_none(), "{bad:?}");
    }
}

#[test]
fn an_answer_to_something_else_is_not_ours() {
    let right = asked("a.example", MX);
    let records = [exchanger("a.example", 10, "mx.example")];
    let good = right.answer(GOOD, &records);
    assert!(matches!(read(&good), Ok(Answer::Records(_))));
    let other = |change: fn(&mut Asked), flags| {
        let mut wrong = right.clone();
        change(&mut wrong);
        wrong.answer(flags, &records)
    };
    let mut none = good.clone();
    none[5] = 0;
    let mut two = good.clone();
    two[5] = 2;
    let mut class = good.clone();
    class[12 + name("a.example").len() + 3] = 3;
    for (what, packet) in [
        ("number", other(|a| a.id += 1, GOOD)),
        ("name", other(|a| a.name = "b.example".into(), GOOD)),
        ("longer name", other(|a| a.name = "x.a.example".into(), GOOD)),
        ("shorter name", other(|a| a.name = "example".into(), GOOD)),
        ("kind", other(|a| a.kind = A, GOOD)),
        ("class", class),
        ("no response", other(|_| (), GOOD & !0x8000)),
        ("opcode", other(|_| (), GOOD | 0x2000)),
        ("no question", none),
        ("two questions", two),
        ("header only", good[..12].to_vec()),
        ("half a header", good[..7].to_vec()),
        ("nothing", Vec::new()),
        ("our own question", question("a.example", Kind::Mx).to_bytes()),
    ] {
        assert_eq!(read(&packet), Err(NoAnswer::NotOurs), "{what}");
    }
}

#[test]
fn only_code_3_says_that_a_name_does_not_exist() {
    for code in 0..16 {
        let answer = asked("a.example", MX).answer(GOOD | code, &[]);
        match (code, read(&answer)) {
            (0, Ok(Answer::Records(records))) => assert!(records.is_empty()),
            (3, Ok(Answer::NoSuchName)) => {}
            (1 | 2 | 4..16, Ok(Answer::Failed(_))) => {}
            (code, other) => panic!("{code}: {other:?}"),
        }
    }
}

#[test]
fn a_code_counts_before_the_mark_of_an_answer_that_is_too_long() {
    let read = |flags| read(&asked("a.example", MX).answer(flags, &[]));
    assert_eq!(read(GOOD | 0x0200), Ok(Answer::Truncated));
    assert_eq!(read(GOOD | 0x0203), Ok(Answer::NoSuchName));
    assert!(matches!(read(GOOD | 0x0202), Ok(Answer::Failed(_))));
}

#[test]
fn an_empty_answer_counts_if_the_server_owns_the_domain_or_asks_others() {
    let read = |flags| read(&asked("a.example", MX).answer(flags, &[]));
    let nothing = Ok(Answer::Records(Vec::new()));
    assert_eq!(read(0x8080), nothing);
    assert_eq!(read(0x8400), nothing);
    assert_eq!(read(0x8480), nothing);
    assert!(matches!(read(0x8000), Ok(Answer::Failed(_))));
}

#[test]
fn nothing_is_taken_from_what_a_server_adds_unasked() {
    let mut packet = asked("a.example", MX).answer(
        GOOD,
        &[
            exchanger("a.example", 10, "mx.example"),
            address("mx.example", "192.0.2.66"),
            address("mx.example", "192.0.2.67"),
        ],
    );
    // One answer, one record of authority, and one more.
    packet[7] = 1;
    packet[9] = 1;
    packet[11] = 1;
    let Ok(Answer::Records(records)) = read(&packet) else { panic!() };
    let data = Data::Exchanger(10, "mx.example".into());
    let name = "a.example".into();
    assert_eq!(records, [Record { name, data }]);
    // It is not even read: it may be rubbish.
    packet.truncate(packet.len() - 7);
    assert_eq!(read(&packet), Ok(Answer::Records(records)));
}

#[test]
fn records_of_other_kinds_and_classes_are_passed_over() {
    let other_kind = (name("a.example"), 99, vec![1, 2, 3]);
    let good = exchanger("a.example", 10, "mx.example");
    let mut packet = asked("a.example", MX)
        .answer(GOOD, &[good.clone(), other_kind, good.clone()]);
    assert_eq!(records_in(&packet), 2);
    // The class of the first record.
    let at =
        question("a.example", Kind::Mx).to_bytes().len() + good.0.len() + 3;
    packet[at] = 3;
    assert_eq!(records_in(&packet), 1);
}

fn records_in(packet: &[u8]) -> usize {
    match read(packet) {
        Ok(Answer::Records(records)) => records.len(),
        other => panic!("{other:?}"),
    }
}

/// An answer with one alias, whose target is these bytes, from `TARGET` on.
fn with_target(target: &[u8]) -> Vec<u8> {
    let record = (name("a.example"), CNAME, target.to_vec());
    let packet = asked("a.example", MX).answer(GOOD, &[record]);
    assert_eq!(packet.len(), TARGET + target.len());
    packet
}

const TARGET: usize = 48;

/// The name that it is read as.
fn target(bytes: &[u8]) -> Option<String> {
    match read(&with_target(bytes)) {
        Ok(Answer::Records(records)) => {
            let Data::Alias(target) = &records[0].data else { panic!() };
            Some(target.clone())
        }
        Err(NoAnswer::Malformed) => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn pointers_lead_backwards_to_the_rest_of_a_name_rfc_1035_4_1_4() {
    for (bytes, want) in [
        (&b"\x02mx\x01b\0"[..], "mx.b"),
        // 12 is where the question's name begins, 14 its second label.
        (b"\xc0\x0c", "a.example"),
        (b"\x02mx\xc0\x0c", "mx.a.example"),
        (b"\x02mx\xc0\x0e", "mx.example"),
        // 22 is the end of it: the root.
        (b"\x02mx\xc0\x16", "mx"),
        (b"\xc0\x16", "."),
        (b"\0", "."),
        (b"\x02MX\xc0\x0e", "mx.example"),
        (b"\x03a.b\0", "a\\046b"),
        (b"\x04a\0 \xff\0", "a\\000\\032\\255"),
    ] {
        assert_eq!(target(bytes).as_deref(), Some(want), "{bytes:?}");
    }
}

#[test]
fn a_pointer_may_lead_to_a_pointer() {
    let mut packet = with_target(b"\x02mx\xc0\x0e");
    // A second record, whose target points to the first one's pointer.
    packet[7] = 2;
    packet.extend(b"\xc0\x0c\0\x05\0\x01\0\0\0\0\0\x05\x02my\xc0\x33");
    let Ok(Answer::Records(records)) = read(&packet) else { panic!() };
    assert_eq!(records[1].data, Data::Alias("my.example".into()));
}

#[test]
fn pointers_that_go_round_or_forward_and_lengths_that_lie_are_malformed() {
    let at = |offset: usize| [0xc0, u8::try_from(offset).unwrap()];
    let after_label = |offset| [&b"\x01x"[..], &at(offset)].concat();
    for (what, bytes) in [
        ("itself", at(TARGET).to_vec()),
        ("its own second byte", at(TARGET + 1).to_vec()),
        ("the label before it", after_label(TARGET)),
        ("forward", [&at(TARGET + 2)[..], b"\0"].concat()),
        ("far forward", b"\xff\xff".to_vec()),
        ("half a pointer", b"\xc0".to_vec()),
        ("reserved 01", b"\x41x\0".to_vec()),
        ("reserved 10", b"\x81x\0".to_vec()),
        ("a label past the end", b"\x3fx\0".to_vec()),
        ("no end", b"\x01x".to_vec()),
        ("nothing at all", b"".to_vec()),
        ("more than the name", b"\x01x\0x".to_vec()),
        ("more than the pointer", b"\xc0\x0cx".to_vec()),
    ] {
        assert_eq!(target(&bytes), None, "{what}");
    }
}

#[test]
fn two_pointers_that_lead_to_each_other_are_malformed() {
    // After the first one come the ten bytes and the name of the second
    // record; it leads back.
    let second = u8::try_from(TARGET + 14).unwrap();
    let mut packet = with_target(&[0xc0, second]);
    packet[7] = 2;
    packet.extend(b"\xc0\x0c\0\x05\0\x01\0\0\0\0\0\x02");
    assert_eq!(packet.len(), usize::from(second));
    packet.extend([0xc0, u8::try_from(TARGET).unwrap()]);
    assert_eq!(read(&packet), Err(NoAnswer::Malformed));
}

#[test]
fn a_pointer_to_a_name_that_comes_later_is_malformed() {
    let later = u8::try_from(TARGET + 14).unwrap();
    let mut packet = with_target(&[0xc0, later]);
    packet[7] = 2;
    packet.extend(b"\xc0\x0c\0\x05\0\x01\0\0\0\0\0\x04\x02mx\0");
    assert_eq!(read(&packet), Err(NoAnswer::Malformed));
    // The same name is good where it is.
    packet[TARGET + 1] = 0x0c;
    assert!(read(&packet).is_ok());
}

#[test]
fn a_name_has_255_bytes_at_the_most_rfc_1035_2_3_4() {
    let label =
        |length: u8| [&[length][..], &vec![b'a'; length.into()]].concat();
    let long = [label(63), label(63), label(63)].concat();
    // With the length bytes and the zero: 192 + 62 + 1.
    assert!(target(&[&long[..], &label(61), b"\0"].concat()).is_some());
    assert!(target(&[&long[..], &label(62), b"\0"].concat()).is_none());
    // By pointer as well; "example" takes 9 of them.
    assert!(target(&[&long[..], &label(53), b"\xc0\x0e"].concat()).is_some());
    assert!(target(&[&long[..], &label(54), b"\xc0\x0e"].concat()).is_none());
    // 127 labels of one letter.
    let short = label(1).repeat(127);
    assert!(target(&[&short[..], b"\0"].concat()).is_some());
    assert!(target(&[&short[..], &label(1), b"\0"].concat()).is_none());
}

#[test]
fn a_record_is_as_long_as_it_says_or_the_answer_is_malformed() {
    let owner = name("a.example");
    for (kind, data, is_good) in [
        (A, &[192, 0, 2, 1][..], true),
        (A, &[192, 0, 2], false),
        (A, &[192, 0, 2, 1, 0], false),
        (A, &[], false),
        (name_server::AAAA, &[0; 16], true),
        (name_server::AAAA, &[0; 15], false),
        (name_server::AAAA, &[0; 17], false),
        (MX, b"\0\x0a\0", true),
        (MX, b"\0\x0a", false),
        (MX, b"\0", false),
        (MX, b"", false),
        (MX, b"\0\x0a\x01a\0", true),
        (MX, b"\0\x0a\x01a\0\0", false),
        (CNAME, b"", false),
    ] {
        // Another record after it, which a wrong length would swallow.
        let records = [
            (owner.clone(), kind, data.to_vec()),
            exchanger("a.example", 10, "mx.example"),
        ];
        let packet = asked("a.example", MX).answer(GOOD, &records);
        if is_good {
            assert_eq!(records_in(&packet), 2, "{kind} {data:?}");
        } else {
            let found = read(&packet);
            assert_eq!(found, Err(NoAnswer::Malformed), "{kind} {data:?}");
        }
    }
}

#[test]
fn counts_that_are_too_high_are_malformed_and_no_memory_is_taken_for_them() {
    let mut packet = with_target(b"\xc0\x0c");
    (packet[6], packet[7]) = (0xff, 0xff);
    assert_eq!(read(&packet), Err(NoAnswer::Malformed));
    // Counts of what is not read do not matter.
    let mut packet = with_target(b"\xc0\x0c");
    packet[8..12].fill(0xff);
    assert!(read(&packet).is_ok());
}

/// As many records as there is room for, each with a name that goes through a
/// chain of pointers.
fn with_chain(pointers: u16) -> Vec<u8> {
    let mut packet = with_target(b"\0");
    let number = |n: usize| u16::try_from(n).unwrap().to_be_bytes();
    // The chain is the data of a record that nobody has asked for.
    packet.extend([0xc00c, 99, 1, 0, 0].map(u16::to_be_bytes).concat());
    packet.extend((2 * pointers).to_be_bytes());
    // Where the root is, to which the first pointer leads.
    let mut last = TARGET;
    for _ in 0..pointers {
        let next = packet.len();
        packet.extend(number(0xc000 | last));
        last = next;
    }
    let mut count = 2;
    while packet.len() < 65_000 {
        packet.extend(number(0xc000 | last));
        packet.extend([99, 1, 0, 0, 0].map(u16::to_be_bytes).concat());
        count += 1;
    }
    packet[6..8].copy_from_slice(&number(count));
    packet
}

#[test]
fn the_longest_way_of_all_names_is_gone_in_time() {
    let begin = Instant::now();
    assert!(read(&with_chain(200)).is_ok());
    assert_eq!(read(&with_chain(8_000)), Err(NoAnswer::Malformed));
    assert!(begin.elapsed() < Duration::from_secs(60));
}

#[test]
fn no_random_packet_makes_it_panic() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let start = asked("a.example", MX).answer(GOOD, &[]);
    for _ in 0..100_000 {
        let mut packet = start.clone();
        packet[7] = next().to_be_bytes()[0] % 4;
        let length = next() % 80;
        // Small numbers and pointers are more likely to go far.
        packet.extend((0..length).map(|_| match next().to_be_bytes() {
            [0..=99, .., byte] => byte % 16,
            [100..=149, ..] => 0xc0,
            [.., byte] => byte,
        }));
        let answer = read(&packet);
        assert_ne!(answer, Err(NoAnswer::NotOurs));
    }
}

fn chain(length: usize) -> Vec<Record> {
    let link = |n: usize| Record {
        name: format!("n{n}"),
        data: Data::Alias(format!("n{}", n + 1)),
    };
    // The order of the records does not matter.
    (0..length).rev().map(link).collect()
}

#[test]
fn aliases_are_followed_for_as_many_steps_as_there_are() {
    for (length, end) in [(0, "n0"), (1, "n1"), (8, "n8")] {
        let mut steps = 8;
        assert_eq!(follow(&chain(length), "n0", &mut steps), Some(end));
        assert_eq!(steps, 8 - length);
    }
    assert_eq!(follow(&chain(9), "n0", &mut 8), None);
    assert_eq!(follow(&chain(8), "elsewhere", &mut 8), Some("elsewhere"));
}

#[test]
fn aliases_that_go_round_come_to_an_end() {
    let link = |from: &str, to: &str| Record {
        name: from.into(),
        data: Data::Alias(to.into()),
    };
    assert_eq!(follow(&[link("a", "a")], "a", &mut 8), None);
    let round = [link("a", "b"), link("b", "a")];
    assert_eq!(follow(&round, "a", &mut 8), None);
}
