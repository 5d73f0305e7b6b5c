//! Why a message is not sent, with an exit code that says so.
//!
//! The codes are those that sendmail has used since the days when other
//! programs began to call it; scripts know them.

/// The command line is wrong: an option, an address, a header. (The options say
/// so themselves.)
pub const BAD_USAGE: u8 = 64;

/// The text cannot be sent.
pub const BAD_TEXT: u8 = 65;

/// The file with the text cannot be read.
pub const NO_INPUT: u8 = 66;

/// Somebody will not get it, and trying again will not help.
pub const REFUSED: u8 = 69;

/// It did not work now; it may work later.
pub const TRY_AGAIN: u8 = 75;

/// What is wrong, in one line, and the exit code that says so.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// One of the codes above.
    pub code: u8,
    /// For people.
    pub text: String,
}

/// Something that may have been refused.
pub type Checked<T> = Result<T, Refusal>;

/// The text cannot be sent.
pub(super) fn bad_text<T>(text: &str) -> Checked<T> {
    Err(Refusal { code: BAD_TEXT, text: text.to_owned() })
}
