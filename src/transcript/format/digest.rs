//! A short name for a set of transcripts, so that two grades can be compared:
//! were both given by the same pages?
//!
//! It is FNV-1a with 64 bits
//! (<https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>). It finds a
//! change that somebody made, not one that somebody wants to hide.
//!
//! Interface:
//!   `digest`  a number for the bytes of one file
//!   `suite`   a word for many files, in whatever order and place they are

use super::script::Transcript;

const START: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// A number for these bytes.
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    let add =
        |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(PRIME);
    bytes.iter().fold(START, add)
}

/// A word for all of them.
pub(crate) fn suite(transcripts: &[Transcript]) -> String {
    let mut all: Vec<u64> = transcripts.iter().map(|t| t.digest).collect();
    all.sort_unstable();
    let bytes: Vec<u8> = all.into_iter().flat_map(u64::to_be_bytes).collect();
    format!("{:016x}", digest(&bytes))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{DOTS, EHLO, read};
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_draft() {
        assert_eq!(digest(b""), START);
        assert_eq!(digest(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(digest(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_order_is_nothing_and_a_byte_is_everything() {
        let [dots, ehlo] = [DOTS, EHLO].map(|text| read(text).unwrap());
        let changed = read(&DOTS.replace("dots", "dot")).unwrap();
        let all = suite(&[dots.clone(), ehlo.clone()]);
        assert_eq!(all, suite(&[ehlo.clone(), dots]));
        assert_ne!(all, suite(&[ehlo, changed]));
    }
}
