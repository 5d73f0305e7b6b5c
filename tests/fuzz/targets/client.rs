//! The client's machine, and a server that says any bytes.
//!
//! Claims, for each of the mails on one connection:
//! - it comes to an end;
//! - each recipient gets one fate;
//! - it is delivered if and only if its RCPT, DATA and the dot were answered
//!   yes: each answer belongs to the command at the same place;
//! - nobody is given up unless a 5xx was heard, or the server cannot carry such
//!   a mail.

#![cfg_attr(fuzzing, no_main)]

#[path = "../parts/connection.rs"]
mod connection;
#[path = "../parts/cuts.rs"]
mod cuts;

use connection::{Client, class_of};
use cuts::pieces;
use pillarbox::protocol::address::{Mailbox, ReversePath, mailbox};
use pillarbox::protocol::decision::Class;
use pillarbox::protocol::outcome::Fate;
use pillarbox::protocol::outgoing::{ClientCommand, Envelope, Needs};

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|input: &[u8]| check(input));

/// One byte says how many recipients there are and what the text needs, four
/// say how the others are cut; those are what the server says.
pub fn check(input: &[u8]) {
    let Some((choice, rest)) = input.split_first() else { return };
    let Some((lengths, bytes)) = rest.split_first_chunk() else { return };
    let mut replies = pieces(*lengths, bytes).into_iter();
    let mut peer = move |_: &[u8]| match replies.next() {
        Some(piece) => piece.to_vec(),
        None => Vec::new(),
    };
    let envelope = envelope(*choice);
    let mut client = Client::new(envelope.clone(), &mut peer);
    let mut fates = client.first_mail(b"hello\n");
    judge(&client, &envelope.recipients, fates.as_deref());
    // Mail that cannot go to such a server is refused without a word to it.
    for _ in 0..2 {
        if !client.is_reusable() {
            break;
        }
        fates = client.next_mail(envelope.clone(), b"hello\n");
        judge(&client, &envelope.recipients, fates.as_deref());
    }
}

fn envelope(choice: u8) -> Envelope {
    let names = ["ann@b.example", "bob@b.example", "cy@b.example", "x@y.z"];
    let recipients = names.iter().take(usize::from(choice % 4) + 1);
    let needs = Needs {
        size: if choice & 4 == 0 { 7 } else { 1000 },
        eight_bit: choice & 8 != 0,
        utf8: choice & 16 != 0,
    };
    Envelope {
        reverse_path: ReversePath::Null,
        recipients: recipients.filter_map(|name| mailbox(name).ok()).collect(),
        needs,
    }
}

fn judge(client: &Client, recipients: &[Mailbox], fates: Option<&[Fate]>) {
    let code_of = |wanted: &ClientCommand| {
        let mut answers = client.answers.iter();
        let answer = answers.find(|(command, _)| command == wanted);
        answer.map_or(0, |(_, code)| code / 100)
    };
    let is_taken =
        code_of(&ClientCommand::Data) == 3 && code_of(&ClientCommand::Dot) == 2;
    let Some(fates) = fates else {
        assert!(!is_taken, "a mail that was taken is sent again");
        return;
    };
    assert_eq!(fates.len(), recipients.len());
    for (fate, recipient) in fates.iter().zip(recipients) {
        let is_welcome = code_of(&ClientCommand::Rcpt(recipient.clone())) == 2;
        let is_delivered = class_of(fate) == Class::Delivered;
        assert_eq!(is_delivered, is_taken && is_welcome, "{recipient}");
        let is_given_up = class_of(fate) == Class::Permanent;
        assert!(!is_given_up || client.may_give_up, "{recipient}: {fate:?}");
    }
}
