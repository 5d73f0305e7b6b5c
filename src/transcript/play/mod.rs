//! The play: one page from top to bottom, or many pages.
//!
//! In reading order:
//!   `outcome`    what became of a page
//!   `player`     plays the client's part; somebody else listens
//!   `said`       what a client has said, and which of it a reply answers
//!   `replay`     listens, and judges each reply
//!   `as_server`  the other direction: plays the server's part to a client
//!   `errand`     the mail that such a page wants
//!   `clients`    many such pages, and a client that is started for each
//!   `side_by_side`  many things, some at the same time
//!   `repeat`     the same page for many clients
//!   `probe`      asks a server what it offers
//!   `causes`     which pages are played first, and what they keep others from
//!   `run`        many transcripts, each with its server

pub mod as_server;
mod causes;
pub mod clients;
mod errand;
pub mod outcome;
pub(super) mod player;
mod probe;
pub mod repeat;
mod replay;
pub mod run;
mod said;
mod side_by_side;
