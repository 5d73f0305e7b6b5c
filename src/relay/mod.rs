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
