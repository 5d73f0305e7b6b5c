//! What a client is told, and what it tells.
//!
//! Interface:
//!   `Orders`   our name, how patient we are, and an observer
//!   `Content`  opens the text of a mail
//!   `Event`    what happens on the way

use super::route::Target;
use crate::protocol::decision::{Decision, Step};
use crate::protocol::outcome::Heard;
use crate::protocol::outgoing::ClientCommand;
use std::io::{self, Read};
use std::net::TcpStream;
use std::time::Duration;

/// What is the same for all mails.
#[derive(Clone, Copy)]
pub struct Orders<'a> {
    /// What EHLO says.
    pub name: &'a str,
    /// No time-out of RFC 5321 4.5.3.2 is longer than this.
    pub timeout_cap: Duration,
    /// Is told what happens: `-v`, `--explain` and the log are made from it.
    pub observer: &'a dyn Fn(Event<'_>),
}

/// Opens the text of a mail at its beginning: once for each server that asks
/// for it. Lines may end in LF or in CR LF.
pub type Content<'a> = dyn Fn() -> io::Result<Box<dyn Read>> + 'a;

/// What happens on the way.
#[derive(Debug)]
pub enum Event<'a> {
    /// A connection is being made.
    Connecting(&'a Target),
    /// It could not be made; why, in words.
    Unreachable(&'a Target, &'a str),
    /// It is made. The socket is for those who may have to end it.
    Connected(&'a Target, &'a TcpStream),
    /// We said this; CR LF was added.
    Said(&'a ClientCommand),
    /// This many bytes of text were sent. The dot is an event of its own.
    SaidText(u64),
    /// The server said this, or nothing that counts.
    Heard(&'a Heard),
    /// In this place it means this.
    Decided(Step, &'static Decision),
    /// The connection is closed.
    Closed,
}
