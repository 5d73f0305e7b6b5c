//! Any bytes after 354, in any pieces: where does the message end, and what is
//! stored of it?
//!
//! Claim: the machine and a naive reference find the same end and the same
//! text, whatever the bytes are and however they are cut.

#![cfg_attr(fuzzing, no_main)]

#[path = "../parts/cuts.rs"]
mod cuts;
#[path = "../parts/naive.rs"]
pub mod naive;

use cuts::pieces;
use naive::{End, SIZE_LIMIT, reference};
use pillarbox::protocol::data::{Message, Taken};
use pillarbox::protocol::line::LineCutter;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|input: &[u8]| check(input));

/// A byte 255 becomes this many letters, the first three times: a line that is
/// longer than 4,096 bytes comes out of the cutter in pieces.
const LONG: usize = 1400;

/// Four bytes say how the others are cut; those are what a client sends.
pub fn check(input: &[u8]) {
    let Some((lengths, bytes)) = input.split_first_chunk() else { return };
    let cut = lengthened(&pieces(*lengths, bytes));
    let bytes = cut.concat();
    let wanted = reference(&bytes);
    assert_eq!(read(&[&bytes]), wanted, "{}", bytes.escape_ascii());
    assert_eq!(read(&cut), wanted, "{}", bytes.escape_ascii());
}

fn lengthened(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut left = 3;
    let mut one = |piece: &&[u8]| {
        let mut all = Vec::new();
        for byte in *piece {
            if *byte == 255 && left > 0 {
                left -= 1;
                all.extend([b'x'; LONG]);
            } else {
                all.push(*byte);
            }
        }
        all
    };
    pieces.iter().map(|piece| one(piece)).collect()
}

/// What the server makes of the bytes, which come in these pieces.
pub fn read(pieces: &[impl AsRef<[u8]>]) -> Option<End> {
    let mut lines = LineCutter::default();
    let mut message = Message::new(SIZE_LIMIT);
    let (mut text, mut used) = (Vec::new(), 0);
    for piece in pieces {
        lines.feed(piece.as_ref());
        while let Some(piece) = lines.next_piece() {
            used += piece.text.len() + if piece.ends { 2 } else { 0 };
            match message.take(piece) {
                Taken::End(outcome) => {
                    return Some((used, outcome.is_ok().then_some(text)));
                }
                Taken::Text(line) => text.extend_from_slice(line),
                Taken::BodyWithoutHeader(line) => {
                    text.push(b'\n');
                    text.extend_from_slice(line);
                }
                Taken::Refused(_) => {}
                Taken::Endless => panic!("{SIZE_LIMIT} bytes are not endless"),
            }
            if piece.ends {
                text.push(b'\n');
            }
        }
    }
    None
}
