//! The judge: did the other side do what the page says?
//!
//! In reading order:
//!   `talk`     one connection: write, read a whole reply, see the end
//!   `alias`    other names for the cast
//!   `target`   a server to talk to, and how strictly it is judged
//!   `shown`    bytes as a page shows them
//!   `rule`     which rule was broken
//!   `failure`  what went wrong, for people
//!   `reply`    a reply, or what came instead, compared with the `S:` lines
//!   `message`  one message, compared with the `M:` lines
//!   `layouts`  where a student's mail may be, in words
//!   `stored`   the messages in a Maildir

pub mod alias;
pub mod failure;
mod layouts;
pub(super) mod message;
pub(super) mod reply;
pub(super) mod rule;
pub(super) mod shown;
pub(super) mod stored;
pub(super) mod talk;
pub mod target;
