//! The server: sockets and threads around the protocol's machine.
//!
//! In reading order:
//!   `listener`    accepts, counts, starts a thread for each connection
//!   `connection`  the one place where a socket meets the machine
//!   `incoming`    one message on its way from the wire to the disk
//!   `wire`        reads and writes with deadlines
//!   `register`    who is connected, and how many may be

mod connection;
mod incoming;
mod listener;
mod register;
mod wire;

pub use listener::{Server, Settings};
