//! Any packet that claims to answer our question (RFC 1035 section 4).
//!
//! Claims:
//! - a part of an answer is the same answer or none, never another one;
//! - names are plain: letters, digits, `-`, `_`, and numbers for all other bytes;
//! - what was understood is written anew, without pointers, and read again it is
//!   the same;
//! - a chain of aliases comes to an end.

#![cfg_attr(fuzzing, no_main)]

use pillarbox::relay::dns::{
    Answer, Data, Kind, Question, Record, follow, read_answer,
};
use std::net::IpAddr;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|input: &[u8]| check(input));

const ID: u16 = 0x1234;
const HEADER: usize = 12;

/// The input is a kind, the name that we asked for, a zero, the ten bytes of
/// a header after its number, and what comes after the repeated question: no
/// fuzzer should have to guess those.
pub fn check(input: &[u8]) {
    let Some((question, packet)) = asked_and_answered(input) else { return };
    let answer = read_answer(&packet, &question);
    for end in [packet.len() - 1, packet.len() / 2 + packet.len() / 4] {
        let part = read_answer(&packet[..end], &question);
        assert!(part.is_err() || part == answer, "cut at {end}");
    }
    if let Ok(Answer::Records(records)) = answer {
        let flags = u16::from_be_bytes([packet[2], packet[3]]);
        let anew = written(&question, flags, &records);
        let again = read_answer(&anew, &question);
        let mut steps = 8;
        follow(&records, question.name(), &mut steps);
        assert_eq!(again, Ok(Answer::Records(records)));
    }
}

fn asked_and_answered(input: &[u8]) -> Option<(Question, Vec<u8>)> {
    let (kind, rest) = input.split_first()?;
    let kind = [Kind::A, Kind::Mx, Kind::Aaaa][usize::from(*kind) % 3];
    let zero = rest.iter().position(|byte| *byte == 0)?;
    let name = str::from_utf8(&rest[..zero]).ok()?;
    let question = Question::new(ID, name, kind)?;
    let (header, answers) = rest[zero + 1..].split_at_checked(HEADER - 2)?;
    let asked = &question.to_bytes()[HEADER..];
    let packet = [&ID.to_be_bytes(), header, asked, answers].concat();
    Some((question, packet))
}

/// An answer with these records, each name in full.
fn written(question: &Question, flags: u16, records: &[Record]) -> Vec<u8> {
    let header = [ID, flags, 1, records.len() as u16, 0, 0];
    let mut packet = header.map(u16::to_be_bytes).concat();
    packet.extend(&question.to_bytes()[HEADER..]);
    for record in records {
        let (kind, data) = match &record.data {
            Data::Address(IpAddr::V4(address)) => (1, address.octets().into()),
            Data::Address(IpAddr::V6(address)) => (28, address.octets().into()),
            Data::Alias(name) => (5, name_bytes(name)),
            Data::Exchanger(preference, name) => {
                let preference = preference.to_be_bytes();
                (15, [&preference[..], &name_bytes(name)].concat())
            }
        };
        packet.extend(name_bytes(&record.name));
        // Its kind, the class of the Internet, a time to live, and its length.
        let numbers = [kind, 1, 0, 0, data.len() as u16];
        packet.extend(numbers.map(u16::to_be_bytes).concat());
        packet.extend(data);
    }
    packet
}

/// A name as it is sent. `\046` is a byte that is in no name of a host.
fn name_bytes(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        let start = bytes.len();
        bytes.push(0);
        let mut rest = label;
        while let Some(first) = rest.chars().next() {
            let is_number = first == '\\';
            let (part, after) = rest.split_at(if is_number { 4 } else { 1 });
            rest = after;
            bytes.push(match is_number {
                true => part[1..].parse().expect("a byte in three digits"),
                false => first as u8,
            });
            let is_plain = first.is_ascii_lowercase()
                || first.is_ascii_digit()
                || "-_\\".contains(first);
            assert!(is_plain, "{name:?}");
        }
        bytes[start] = (bytes.len() - start - 1) as u8;
    }
    bytes.push(0);
    bytes
}
