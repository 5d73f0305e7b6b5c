//! The server: sockets and threads around the protocol's machine.
//!
//! In reading order:
//!   `listener`    accepts connections
//!   `admission`   counts them, and starts a thread for each
//!   `connection`  the one place where the bytes meet the machine
//!   `incoming`    one message on its way from the wire to the disk
//!   `settings`    what a server needs to know
//!   `shared`      what all connections have in common
//!   `limits`      what the system allows, told at the start
//!   `register`    who is connected, and how many may be
//!   `watch`       tells the log, the live dialogue and the recording
//!   `outgoing`    tells log and dialogue of mail that is sent on
//!   `live`        the way of the live dialogue to those who watch
//!   `recorder`    writes each session down as a transcript
//!   `stdio`       one session over standard input and output

mod admission;
mod connection;
mod incoming;
mod limits;
mod listener;
mod live;
mod outgoing;
mod recorder;
mod register;
mod settings;
mod shared;
mod stdio;
mod watch;

#[cfg(test)]
mod tests;

pub use listener::Server;
pub use live::LIVE_DIALOGUE;
pub use settings::Settings;
pub use stdio::{converse, turn_away};
