//! Any bytes after 354, in any pieces: where does the message end, and what is
//! stored of it?
//!
//! Claim: the machine and a naive reference find the same end and the same
//! text, whatever the bytes are and however they are cut.

#![cfg_attr(fuzzing, no_main)]

#[path = "../parts/cuts.rs"]
mod cuts;
#[path = "../parts/reading.rs"]
mod reading;

use cuts::{long, pieces};
use reading::{read, reference};

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|input: &[u8]| check(input));

/// Three times this is more than 4,096: such a line comes out of the cutter in
/// pieces.
const LONG: usize = 1400;

/// Four bytes say how the others are cut; those are what a client sends.
pub fn check(input: &[u8]) {
    let Some((lengths, bytes)) = input.split_first_chunk() else { return };
    let cut = long(LONG, &pieces(*lengths, bytes));
    let bytes = cut.concat();
    let wanted = reference(&bytes);
    assert_eq!(read(&[&bytes]), wanted, "{}", bytes.escape_ascii());
    assert_eq!(read(&cut), wanted, "{}", bytes.escape_ascii());
}
