//! The sending half of the post office: where mail for other hosts waits, where
//! it goes, and how it gets there (RFC 5321 4.5.4.1 and 5).
//!
//! What it is told and when:
//!   `settings`    the options
//!   `schedule`    when is a message tried again, and when do we give up?
//!
//! Where mail goes:
//!   `mx`, `smart_host`  which hosts take it; `route` is what comes of it
//!   `resolver`, `ask`   which name server is asked, and how
//!   `dns`, `names`      a question and an answer in bytes
//!   `step`              what somebody sees who watches a look-up
//!
//! How it gets there:
//!   `client`      hands a mail to the first of several addresses that takes it
//!   `connection`  one connection: where a socket meets the client's machine
//!   `socket`      looks out for an answer while a text leaves
//!   `text`        the text of a mail, block by block
//!   `orders`      what a client is told, and what it tells
//!
//! What a sender gets when it does not:
//!   `bounce`      the report

pub mod ask;
pub mod bounce;
pub mod client;
mod connection;
pub mod dns;
pub mod mx;
pub mod names;
mod orders;
pub mod resolver;
pub mod route;
pub mod schedule;
pub mod settings;
pub mod smart_host;
mod socket;
pub mod step;
mod text;
