//! The play: one page from top to bottom, or many pages.
//!
//! In reading order:
//!   `outcome`    what became of a page
//!   `player`     plays the client's part; somebody else listens
//!   `said`       what a client has said, and which of it a reply answers
//!   `replay`     listens, and judges each reply
//!   `as_server`  the other direction: plays the server's part to a client
//!   `probe`      asks a server what it offers
//!   `causes`     which pages are played first, and what they keep others from
//!   `run`        many transcripts, each with its server

pub mod as_server;
mod causes;
pub mod outcome;
pub(super) mod player;
mod probe;
mod replay;
pub mod run;
mod said;
