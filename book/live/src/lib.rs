//! The state machine in the page of the book (WebAssembly).
//!
//! Here are `src/protocol` and the directory of mailboxes as they are, and
//! around them what a page has instead of a socket and a disk. Bytes come in
//! one by one and go out one by one, so that no pointer leaves this file.
//!
//! Interface, as `glue.js` uses it:
//!   `hear`   one byte from the page
//!   `start`  what was heard are options: a server with them, and a new session
//!   `think`  what was heard is from the client: the machine makes its steps
//!   `tell`   one byte for the page, see `tell.rs`
//!
//! Not here: what the server does with what it hears (`server.rs`).

#[path = "../../../src/protocol/mod.rs"]
pub mod protocol;

pub mod mailbox;

mod server;
mod settings;
mod tell;

use server::Server;
use std::collections::VecDeque;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// All that a page has of us.
struct Room {
    heard: Vec<u8>,
    told: VecDeque<u8>,
    server: Option<Server>,
}

/// A page has one thread: nobody ever waits for this lock.
static ROOM: Mutex<Room> =
    Mutex::new(Room { heard: Vec::new(), told: VecDeque::new(), server: None });

fn room() -> MutexGuard<'static, Room> {
    ROOM.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes one byte from the page.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn hear(byte: u8) {
    room().heard.push(byte);
}

/// Takes what was heard for the options of a server, and begins a session.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn start() {
    let mut room = room();
    let heard = mem::take(&mut room.heard);
    let (server, told) = Server::start(&String::from_utf8_lossy(&heard));
    room.server = Some(server);
    room.told = told.into();
}

/// Takes what was heard for words of the client that came at this time, in
/// seconds since 1970. If nothing was heard, the client was silent for a while.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn think(seconds: f64) {
    let mut room = room();
    let heard = mem::take(&mut room.heard);
    if let Some(server) = &mut room.server {
        let told = server.think(&heard, seconds as u64);
        room.told.extend(told);
    }
}

/// Gives one byte to the page, or -1 if there is nothing more to tell.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn tell() -> i32 {
    room().told.pop_front().map_or(-1, i32::from)
}
