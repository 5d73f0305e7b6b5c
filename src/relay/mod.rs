//! The sending half: where mail for other hosts waits, where it goes, and how
//! it gets there (RFC 5321 4.5.4.1 and 5).
//!
//! - [`schedule`]: when is a message tried again, and when do we give up?
//! - [`mx`], [`smart_host`]: which hosts take the mail? [`route`] is what comes
//!   of it.
//! - [`resolver`], [`ask`]: which name server is asked, and how?
//! - [`dns`], [`names`]: what are a question and an answer in bytes?
//! - [`step`]: what does somebody see who watches a look-up?
//! - [`client`]: how does a mail get to the first host that takes it? (Beneath
//!   it: `connection.rs`, where a socket meets the client's machine, `socket.rs`,
//!   `text.rs`, and `orders.rs`, what it is told and what it tells.)

pub mod ask;
pub mod client;
mod connection;
pub mod dns;
pub mod mx;
pub mod names;
mod orders;
pub mod resolver;
pub mod route;
pub mod schedule;
pub mod smart_host;
mod socket;
pub mod step;
mod text;
