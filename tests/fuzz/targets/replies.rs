//! Any bytes where a server's replies should be, in any pieces.
//!
//! Claims:
//! - however they are cut, the same replies are read, and the same is found
//!   wrong with the rest (a line that is too long may be told in parts);
//! - nothing gets lost: what was read and what is left are all the bytes;
//! - a reply is one code on all its lines, with a hyphen on all but the last,
//!   and within the limits.

#![cfg_attr(fuzzing, no_main)]

#[path = "../parts/cuts.rs"]
mod cuts;

use cuts::pieces;
use pillarbox::protocol::replies::{
    Fault, Limits, NoReply, ReplyReader, ServerOffer, ServerReply,
};

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|input: &[u8]| check(input));

/// Small, so that both are met.
const LIMITS: Limits = Limits { line: 40, reply: 100 };

/// Four bytes say how the others are cut; those are what a server sends.
pub fn check(input: &[u8]) {
    let Some((lengths, bytes)) = input.split_first_chunk() else { return };
    let whole = read(&[bytes]);
    let cut = read(&pieces(*lengths, bytes));
    assert_eq!(cut, whole, "{}", bytes.escape_ascii());
    for reply in whole.iter().flatten() {
        is_reply(reply);
    }
}

/// All replies, and what is wrong in between.
fn read(pieces: &[&[u8]]) -> Vec<Result<ServerReply, Fault>> {
    let mut reader = ReplyReader::new(LIMITS);
    let mut found = Vec::new();
    let mut seen = Vec::new();
    for piece in pieces {
        reader.feed(piece);
        while let Some(next) = reader.next_reply() {
            match next {
                Ok(reply) => {
                    for line in &reply.lines {
                        seen.extend_from_slice(line);
                        seen.extend_from_slice(b"\r\n");
                    }
                    found.push(Ok(reply));
                }
                Err(NoReply { fault, before, heard }) => {
                    seen.extend(before.concat());
                    seen.extend(heard);
                    let is_more = found.last() == Some(&Err(fault));
                    if fault != Fault::LineTooLong || !is_more {
                        found.push(Err(fault));
                    }
                }
            }
        }
    }
    seen.extend(reader.rest().concat());
    assert_eq!(seen, pieces.concat());
    assert!(!reader.has_begun());
    found
}

fn is_reply(reply: &ServerReply) {
    let code = format!("{:03}", reply.code);
    let size: usize = reply.lines.iter().map(|line| line.len() + 2).sum();
    assert!(size <= LIMITS.reply);
    let last = reply.lines.len() - 1;
    for (number, line) in reply.lines.iter().enumerate() {
        assert!(line.starts_with(code.as_bytes()));
        assert_eq!(line.get(3) == Some(&b'-'), number < last);
        assert!(line.len() + 2 <= LIMITS.line);
        assert!(!line.contains(&b'\r') && !line.contains(&b'\n'));
    }
    if let Some(status) = reply.enhanced() {
        assert_eq!(status.as_bytes()[0], code.as_bytes()[0]);
        assert_eq!(status.split('.').count(), 3);
    }
    ServerOffer::read(reply);
}
