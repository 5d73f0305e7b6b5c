//! The network cuts what is sent wherever it likes.
//!
//! Interface:
//!   `Lengths`  how long the pieces are, as a fuzzer writes it
//!   `pieces`   the same bytes, in pieces
//!   `long`     the same, and some of these pieces are long

/// One less than the length of each piece. After the fourth comes the first
/// again.
pub type Lengths = [u8; 4];

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

/// The first three bytes 255 become this many letters each: an input is short,
/// and a line may be long.
pub fn long(letters: usize, pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut left = 3;
    let one = |piece: &&[u8]| {
        let mut all = Vec::new();
        for byte in *piece {
            if *byte == 255 && left > 0 {
                left -= 1;
                all.resize(all.len() + letters, b'x');
            } else {
                all.push(*byte);
            }
        }
        all
    };
    pieces.iter().map(one).collect()
}
