//! Proof by exhaustion: not examples, but everything up to a length.
//!
//! - the end of a message: all strings of five bytes that matter, against the
//!   naive reference of the fuzzer (`fuzz/parts/reading.rs`);
//! - the order of commands: all sequences of twelve commands, against a second
//!   machine that shares no code with the first;
//! - the syntax: every byte at three places of every argument.
//!
//! `PILLARBOX_LONG=1 cargo test --release --test exhaustive` takes longer
//! strings and sequences. With `-- --nocapture` it says how many there were.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]
#![allow(clippy::indexing_slicing, clippy::print_stderr, unreachable_pub)]

#[path = "fuzz/parts/reading.rs"]
mod reading;

use pillarbox::protocol::command::Command;
use pillarbox::protocol::extension::Offer;
use pillarbox::protocol::reply;
use pillarbox::protocol::session::{
    Destination, LocalMailbox, Session, State, Turn, Verdict,
};
use reading::{read, reference};

fn is_long() -> bool {
    std::env::var_os("PILLARBOX_LONG").is_some()
}

#[test]
fn the_end_of_data_is_right_for_all_strings_of_the_five_bytes_that_matter() {
    const BYTES: &[u8; 5] = b"\r\n.\0a";
    let longest = if is_long() { 11 } else { 9 };
    let mut count: u64 = 0;
    for length in 0..=longest {
        let mut digits = vec![0; length];
        let mut text = vec![BYTES[0]; length];
        loop {
            let wanted = reference(&text);
            assert_eq!(read(&[&text]), wanted, "{text:?}");
            count += 1;
            // The next string, as one counts to the base of five.
            let Some(at) = digits.iter().position(|digit| *digit < 4) else {
                break;
            };
            for place in 0..at {
                digits[place] = 0;
                text[place] = BYTES[0];
            }
            digits[at] += 1;
            text[at] = BYTES[digits[at]];
        }
    }
    assert_eq!(count, (5_u64.pow(longest as u32 + 1) - 1) / 4);
    eprintln!("end of data: {count} strings of up to {longest} bytes");
}

const COMMANDS: [&str; 12] = [
    "HELO client.example",
    "EHLO client.example",
    "MAIL FROM:<alice@client.example>",
    "RCPT TO:<bob@example.org>",
    "RCPT TO:<nobody@example.org>",
    "DATA",
    "RSET",
    "VRFY bob",
    "NOOP",
    "QUIT",
    "STARTTLS",
    "FROB",
];

/// What a session should be like, in the words of RFC 5321 4.1.4: has the
/// client said hello, is there a sender, how many recipients, was one refused,
/// and is it all over?
#[derive(Debug, Clone, Default)]
struct Model {
    hello: bool,
    sender: bool,
    recipients: u32,
    refused: bool,
    over: bool,
}

impl Model {
    fn clear(&mut self) {
        self.sender = false;
        self.recipients = 0;
        self.refused = false;
    }

    /// The code that should come, or 0 for silence. A message follows each 354
    /// at once.
    fn code(&mut self, command: usize) -> u16 {
        if self.over {
            return 0;
        }
        match command {
            0 | 1 => {
                self.hello = true;
                self.clear();
                250
            }
            2 if self.hello && !self.sender => {
                self.sender = true;
                250
            }
            3 if self.sender => {
                self.recipients = 1;
                250
            }
            4 if self.sender => {
                self.refused = true;
                550
            }
            5 if self.recipients > 0 => {
                self.clear();
                354
            }
            5 if self.refused => 554,
            2..=5 => 503,
            6 => {
                self.clear();
                250
            }
            7 => 252,
            8 => 250,
            9 => {
                self.over = true;
                221
            }
            10 => 502,
            _ => 500,
        }
    }
}

fn fresh() -> Session {
    Session::new(Offer {
        hostname: "mx.example.org".into(),
        max_size: 1000,
        max_recipients: 100,
        without: Vec::new(),
    })
}

fn verdict(command: usize) -> Verdict {
    match command {
        3 => Verdict::Welcome(Destination::Here(LocalMailbox {
            domain: "example.org".into(),
            local_part: "bob".into(),
        })),
        _ => Verdict::Refused(reply::NO_SUCH_MAILBOX),
    }
}

fn step(session: &mut Session, command: usize) -> u16 {
    let line = Command::parse(COMMANDS[command].as_bytes());
    let code = match session.step(line) {
        Turn::Step(step) => step.answer.reply.code,
        Turn::Ask(question) => {
            question.answer(verdict(command)).answer.reply.code
        }
        Turn::Nothing => 0,
    };
    if code == 354 {
        let stored = session.end_of_data(Ok(())).answer.reply;
        assert_eq!(stored, reply::STORED);
    }
    code
}

/// Tries all commands here, and all sequences of `left` commands from here.
fn explore(
    session: &Session,
    model: &Model,
    way: &mut Vec<usize>,
    left: usize,
    count: &mut u64,
) {
    if left == 0 {
        *count += 1;
        return;
    }
    for command in 0..COMMANDS.len() {
        let (mut session, mut model) = (session.clone(), model.clone());
        way.push(command);
        let code = step(&mut session, command);
        let words = || way.iter().map(|c| COMMANDS[*c]).collect::<Vec<_>>();
        assert_eq!(code, model.code(command), "{:#?}", words());
        let open = session.state().transaction();
        let is_meant = model.sender && !model.over;
        assert_eq!(open.is_some(), is_meant, "{:#?}", words());
        let count_of = open.map_or(0, |open| open.recipients.len());
        let is_meant = model.recipients > 0 && !model.over;
        assert_eq!(count_of > 0, is_meant, "{:#?}", words());
        explore(&session, &model, way, left - 1, count);
        way.pop();
    }
}

#[test]
fn every_sequence_of_commands_gets_the_codes_of_the_model() {
    let length = if is_long() { 6 } else { 5 };
    let mut count = 0;
    explore(&fresh(), &Model::default(), &mut Vec::new(), length, &mut count);
    assert_eq!(count, 12_u64.pow(length as u32));
    eprintln!("commands: {count} sequences of {length}");
}

#[test]
fn no_byte_at_any_place_of_an_argument_makes_a_command_of_another_kind() {
    let lines: [&[u8]; 14] = [
        b"HELO ?cl?ient.example?",
        b"EHLO ?cl?ient.example?",
        b"EHLO ?[127?.0.0.1]?",
        b"MAIL ?FROM?:?<a@b.example>",
        b"MAIL FROM:?<?a@b.example>?",
        b"MAIL FROM:<a?b@b?.exa?mple>",
        b"MAIL FROM:<\"a?b\"@b.exa?mple> SIZE=1?",
        b"MAIL FROM:<a@b.example> ?SI?ZE=1?0",
        b"RCPT ?TO?:?<a@b.example>",
        b"RCPT TO:<?a?b@[127.0?.0.1]>",
        b"RCPT TO:<@x?.y,@z?:a@b.example?>",
        b"VRFY ?b?ob?",
        b"HELP ?M?AIL?",
        b"NOOP ?x?y?",
    ];
    let mut taken = 0;
    for line in lines {
        let places = line.iter().enumerate().filter(|(_, b)| **b == b'?');
        for (place, _) in places {
            for byte in 0..=255 {
                taken += u32::from(try_byte(line, place, byte));
            }
        }
    }
    // Most bytes are fine at some places, and none of them at others.
    assert!(taken > 1000, "{taken}");
}

/// Puts `byte` at `place` (and nothing at the other places) and sends the
/// line. Whether it was taken.
fn try_byte(line: &[u8], place: usize, byte: u8) -> bool {
    let mut sent = Vec::new();
    for (at, old) in line.iter().enumerate() {
        match at == place {
            true => sent.push(byte),
            false if *old == b'?' => {}
            false => sent.push(*old),
        }
    }
    let command = Command::parse(&sent);
    let is_taken = !matches!(
        command,
        Command::Unreadable(_)
            | Command::UnreadableHello(_)
            | Command::UnreadableRcpt(_)
    );
    let shown = sent.escape_ascii();
    if byte.is_ascii_control() && !(byte == b'\t' && place + 1 == line.len()) {
        assert!(!is_taken, "{shown} was taken");
    }
    let mut session = fresh();
    let Turn::Step(step) = session.step(command) else {
        panic!("{shown} leads to no step");
    };
    for line in step.answer.wire_lines("mx.example.org") {
        let is_plain = |byte| (b' '..=b'~').contains(&byte);
        assert!(line.bytes().all(is_plain), "{shown}: {line}");
    }
    assert!(*session.state() != State::Closed, "{shown} ended it");
    is_taken
}
