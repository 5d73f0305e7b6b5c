//! The server: sockets and threads around the protocol's machine.
//!
//! In reading order:
//!   `listener`    accepts, counts, starts a thread for each connection
//!   `connection`  the one place where a socket meets the machine
//!   `wire`        reads and writes with deadlines
//!   `register`    who is connected, and how many may be

mod connection;
mod listener;
mod register;
mod wire;

pub use listener::{Server, Settings};
