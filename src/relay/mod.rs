//! The sending half of the post office: mail for other hosts.
//!
//! In reading order:
//!   `client`      hands a mail to the first of several addresses that takes it
//!   `connection`  one connection: where a socket meets the client's machine
//!   `socket`      looks out for an answer while a text leaves
//!   `text`        the text of a mail, block by block
//!   `orders`      what a client is told, and what it tells

pub mod client;
mod connection;
mod orders;
mod socket;
mod text;
//! The sending half: where mail for other hosts waits, where it goes, and how
//! it gets there (RFC 5321 4.5.4.1 and 5).
//!
//! - [`schedule`]: when is a message tried again, and when do we give up?
//! - [`mx`], [`smart_host`]: which hosts take the mail? [`route`] is what comes
//!   of it.
//! - [`resolver`], [`ask`]: which name server is asked, and how?
//! - [`dns`], [`names`]: what are a question and an answer in bytes?
//! - [`step`]: what does somebody see who watches a look-up?

pub mod ask;
pub mod dns;
pub mod mx;
pub mod names;
pub mod resolver;
pub mod route;
pub mod schedule;
pub mod smart_host;
pub mod step;
//! The sending half: what becomes of mail for other hosts.
//!
//!   `bounce`  what a sender gets when a message cannot be delivered

pub mod bounce;
