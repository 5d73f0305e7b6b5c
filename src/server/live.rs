//! The way of the live dialogue to those who watch.
//!
//! Interface:
//!   `explainer`      makes the text of one session
//!   `print`          shows it
//!   `LIVE_DIALOGUE`  how the log tells it from its own lines

use crate::protocol::explain::Explainer;
use std::io::{self, IsTerminal};

/// The target of the live dialogue in the log: it is printed as it is, without
/// a time and a level.
pub const LIVE_DIALOGUE: &str = "pillarbox::explain";

/// Of what a stranger sent, this many bytes go to the log.
pub(super) const LOGGED_BYTES: usize = 256;

/// Makes the text of one session. Colour is used on a terminal only, and not
/// under NO_COLOR.
pub(super) fn explainer(session: u64, is_sending: bool) -> Explainer {
    let is_wanted = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let has_colour = is_wanted && io::stderr().is_terminal();
    Explainer { session, is_sending, has_colour }
}

/// One message for what belongs together: other sessions have theirs.
///
/// It goes the way of the log, so that no session waits for its readers.
pub(super) fn print(text: &str) {
    log::info!(target: LIVE_DIALOGUE, "{text}");
}
