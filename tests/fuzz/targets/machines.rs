//! Two machines talk to each other: our client hands a message to our server,
//! over a network that cuts what is sent, and may break.
//!
//! Claims:
//! - it comes to an end;
//! - whom the client calls delivered has the message, byte for byte as its
//!   lines are, and nobody has anything else;
//! - if the network holds, a recipient has the message unless it is refused:
//!   for its text, its size, or because the server does not know him.

#![cfg_attr(fuzzing, no_main)]

#[path = "../parts/connection.rs"]
mod connection;
#[path = "../parts/cuts.rs"]
mod cuts;
#[path = "../parts/reading.rs"]
mod reading;
#[path = "../parts/server.rs"]
mod server;

use connection::{Client, class_of};
use cuts::{Lengths, pieces};
use pillarbox::protocol::address::{ReversePath, mailbox};
use pillarbox::protocol::decision::Class;
use pillarbox::protocol::extension::Extension;
use pillarbox::protocol::outgoing::{Envelope, OutgoingText};
use server::{MAX_SIZE, Server};
use std::cell::RefCell;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|input: &[u8]| check(input));

/// Bob and the postmaster are known to the server.
const RECIPIENTS: [&str; 3] =
    ["nobody@example.org", "bob@example.org", "postmaster@EXAMPLE.org"];

/// Seven bytes: who gets it, what the server does not offer, after how many
/// bytes the network breaks (0: it holds), and how it cuts. The others are the
/// message.
pub fn check(input: &[u8]) {
    let Some((choices, text)) = input.split_first_chunk() else { return };
    let [who, without, breaks, a, b, c, d] = *choices;
    let envelope = envelope(who, text);
    let is_off = |bit: &usize| without & (1 << bit) != 0;
    let off = (0..7).filter(is_off).map(|bit| Extension::ALL[bit]).collect();
    let network = RefCell::new(Network {
        server: Server::new(off),
        lengths: [a, b, c, d],
        left: if breaks == 0 { usize::MAX } else { usize::from(breaks) * 3 },
        on_the_way: Vec::new(),
    });
    let mut peer = |bytes: &[u8]| network.borrow_mut().carry(bytes);
    let mut client = Client::new(envelope.clone(), &mut peer);
    let fates = client.first_mail(text).expect("a new connection is of use");
    let Network { server, left, .. } = network.into_inner();
    let wanted = stored(text);
    assert!(server.stored.len() <= 1);
    for (fate, recipient) in fates.iter().zip(&envelope.recipients) {
        let is_his = |local: &str| recipient.local_part == local;
        let mut mails = server.stored.iter().filter(|mail| {
            mail.mailboxes.iter().any(|mailbox| is_his(&mailbox.local_part))
        });
        let mail = mails.next();
        let text_there = mail.map(|mail| &mail.text);
        assert!(mail.is_none() || text_there == wanted.as_ref());
        match class_of(fate) {
            Class::Delivered => assert!(mail.is_some(), "{recipient}"),
            Class::Permanent => assert!(mail.is_none(), "{recipient}"),
            Class::Temporary => assert!(left == 0, "{recipient}: {fate:?}"),
        }
        let is_fine = wanted.is_some() && !is_his("nobody") && without == 0;
        assert!(!is_fine || left == 0 || mail.is_some(), "{recipient}");
    }
}

fn envelope(who: u8, text: &[u8]) -> Envelope {
    let is_in = |(place, _): &(usize, &&str)| who & (1 << place) != 0;
    let some = RECIPIENTS.iter().enumerate().filter(is_in);
    let mut recipients: Vec<&str> = some.map(|(_, name)| *name).collect();
    if recipients.is_empty() {
        recipients.push(RECIPIENTS[1]);
    }
    let mut outgoing = OutgoingText::default();
    // If it cannot be sent, that is found out later.
    let _ = outgoing.take(text, &mut Vec::new());
    Envelope {
        reverse_path: ReversePath::Null,
        recipients: recipients.iter().filter_map(|n| mailbox(n).ok()).collect(),
        needs: outgoing.needs(who & 8 != 0, true),
    }
}

/// What should be in a mailbox then, if the text can be sent at all: the same
/// lines, each with an end, and an empty one above if there is no header.
fn stored(text: &[u8]) -> Option<Vec<u8>> {
    let text: String = text.iter().map(|byte| char::from(*byte)).collect();
    let mut text = text.replace("\r\n", "\n");
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let size = text.chars().count() + text.matches('\n').count();
    if text.contains(['\r', '\0']) || size as u64 > MAX_SIZE {
        return None;
    }
    let above = if reading::has_header(&text) { "" } else { "\n" };
    Some(above.chars().chain(text.chars()).map(|c| c as u8).collect())
}

struct Network {
    server: Server,
    lengths: Lengths,
    /// How many bytes of the client it carries before it breaks.
    left: usize,
    on_the_way: Vec<u8>,
}

impl Network {
    /// Carries bytes of the client, and gives it some of what the server says.
    fn carry(&mut self, bytes: &[u8]) -> Vec<u8> {
        let carried = &bytes[..bytes.len().min(self.left)];
        self.left -= carried.len();
        for piece in pieces(self.lengths, carried) {
            self.server.hear(piece);
        }
        self.on_the_way.append(&mut self.server.said);
        if self.left == 0 {
            return Vec::new();
        }
        let length = usize::from(self.lengths[0]) + 1;
        let rest = length.min(self.on_the_way.len());
        let rest = self.on_the_way.split_off(rest);
        std::mem::replace(&mut self.on_the_way, rest)
    }
}
