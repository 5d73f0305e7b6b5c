//! The two user agents at the ends of a message's way: one writes it and hands
//! it to a server, the other one reads it in the mailbox.
//!
//! In reading order:
//!   `send`     what the sending one does, and its exit codes
//!   `compose`  a letter and its text become a message (RFC 5322)
//!   `text`     the text of a message, and which one can be sent
//!   `fold`     a header field on lines that are not too long
//!   `encoded`  letters beyond ASCII in a header (RFC 2047)
//!   `dialogue` what is said on the wire, for somebody who watches
//!   `refusal`  why a message is not sent, and the exit codes
//!   `inbox`    lists a mailbox, shows a message
//!   `listing`  how the list looks
//!   `screen`   what may reach a terminal
//!
//! And for the operator of a server:
//!   `queue`    which mail waits to be sent, and why

pub mod compose;
mod dialogue;
mod encoded;
mod fold;
pub mod inbox;
mod listing;
pub mod queue;
pub mod refusal;
mod screen;
pub mod send;
mod text;
