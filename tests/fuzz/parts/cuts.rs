//! The network cuts what is sent wherever it likes.
//!
//! Interface:
//!   `Lengths`  how long the pieces are, as a fuzzer writes it
//!   `pieces`   the same bytes, in pieces

/// One less than the length of each piece. After the fourth comes the first
/// again.
pub type Lengths = [u8; 4];

/// Longer pieces than any input: nothing is cut.
pub const WHOLE: Lengths = [255; 4];

/// Cuts the bytes.
pub fn pieces(lengths: Lengths, bytes: &[u8]) -> Vec<&[u8]> {
    let mut rest = bytes;
    let mut all = Vec::new();
    for length in lengths.into_iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at(rest.len().min(length as usize + 1));
        all.push(piece);
        rest = after;
    }
    all
}
