//! A client without a socket: `src/relay/connection.rs` with nothing around it.
//!
//! Interface:
//!   `Client`   one connection: `first_mail`, `next_mail`
//!   `Peer`     what is at the other end
//!   `class_of` what became of a recipient
//!
//! It notes the answer to each command, in the order in which they came. From
//! that list alone one can tell what must become of a mail.

use pillarbox::protocol::decision::{self, Class, Decision, Kind};
use pillarbox::protocol::outcome::{Fate, Heard, Outcome};
use pillarbox::protocol::outgoing::{ClientCommand, Envelope, OutgoingText};
use pillarbox::protocol::replies::ReplyReader;
use pillarbox::protocol::sending::{Dialogue, Next, REPLY_LIMITS, Turn};
use std::collections::VecDeque;

/// Takes what the client sends, and gives some of what it gets; nothing is the
/// end of the connection.
pub type Peer<'a> = dyn FnMut(&[u8]) -> Vec<u8> + 'a;

/// More turns than any mail here needs.
const MOST_TURNS: usize = 40;

/// One connection.
pub struct Client<'a> {
    dialogue: Dialogue,
    replies: ReplyReader,
    peer: &'a mut Peer<'a>,
    unanswered: VecDeque<ClientCommand>,
    /// The commands of this mail, each with the code of its answer; 0 if that
    /// was none.
    pub answers: Vec<(ClientCommand, u16)>,
    /// Whether a 5xx was heard, or the mail cannot go to such a server.
    pub may_give_up: bool,
}

/// What became of a recipient in this conversation.
pub fn class_of(fate: &Fate) -> Class {
    match fate {
        Fate::Settled(outcome) | Fate::Open(outcome) => outcome.class,
    }
}

impl<'a> Client<'a> {
    pub fn new(envelope: Envelope, peer: &'a mut Peer<'a>) -> Client<'a> {
        Client {
            dialogue: Dialogue::new("client.example", envelope),
            replies: ReplyReader::new(REPLY_LIMITS),
            peer,
            unanswered: VecDeque::new(),
            answers: Vec::new(),
            may_give_up: false,
        }
    }

    pub fn is_reusable(&self) -> bool {
        self.dialogue.is_reusable()
    }

    /// The mail that the connection was opened for. None: it was of no use.
    pub fn first_mail(&mut self, text: &[u8]) -> Option<Vec<Fate>> {
        self.converse(Next::Listen, text)
    }

    /// One more.
    pub fn next_mail(
        &mut self,
        envelope: Envelope,
        text: &[u8],
    ) -> Option<Vec<Fate>> {
        self.answers.clear();
        self.may_give_up = false;
        let turn = self.dialogue.begin(envelope);
        self.note(turn.decision);
        self.converse(turn.next, text)
    }

    fn converse(&mut self, first: Next, text: &[u8]) -> Option<Vec<Fate>> {
        let mut next = first;
        for _ in 0..MOST_TURNS {
            let turn = match next {
                Next::Say(commands) => self.say(commands),
                Next::Listen => self.listen(),
                Next::SendText => self.send_text(text),
                Next::Done(fates) => return Some(fates),
                Next::Anew => return None,
            };
            self.note(turn.decision);
            next = turn.next;
        }
        panic!("it does not come to an end: {:?}", self.answers);
    }

    /// Says commands, unless the server has said something unasked.
    fn say(&mut self, commands: Vec<ClientCommand>) -> Turn {
        let is_out_of_step = self.replies.has_begun();
        let lines = commands.iter().map(|command| format!("{command}\r\n"));
        let lines: String = lines.collect();
        self.unanswered.extend(commands);
        if !is_out_of_step {
            self.send(lines.as_bytes());
            return self.listen();
        }
        let heard = self.hear();
        let is_asked = matches!(heard.kind(), Kind::Closing | Kind::NoReply);
        let unasked = Heard::NoReply("nobody asked for that".to_owned());
        self.take(if is_asked { heard } else { unasked })
    }

    fn send_text(&mut self, text: &[u8]) -> Turn {
        if self.replies.has_begun() {
            let heard = self.hear();
            return self.take(heard);
        }
        let mut wire = Vec::new();
        let mut outgoing = OutgoingText::default();
        let taken = outgoing.take(text, &mut wire);
        if taken.and_then(|()| outgoing.end(&mut wire)).is_err() {
            // A part of it has left already.
            self.send(&wire);
            let outcome = Outcome::of(&decision::BARE_CR, "a bare CR");
            return self.dialogue.text_fails(outcome);
        }
        wire.extend(b".\r\n");
        self.unanswered.push_back(ClientCommand::Dot);
        self.send(&wire);
        self.dialogue.text_is_sent();
        self.listen()
    }

    fn send(&mut self, bytes: &[u8]) {
        let told = (self.peer)(bytes);
        self.replies.feed(&told);
    }

    fn listen(&mut self) -> Turn {
        let heard = self.hear();
        self.take(heard)
    }

    fn hear(&mut self) -> Heard {
        loop {
            match self.replies.next_reply() {
                Some(Ok(reply)) => return Heard::Reply(reply),
                Some(Err(_)) => return Heard::NoReply("no reply".to_owned()),
                None => {}
            }
            let told = (self.peer)(b"");
            if told.is_empty() {
                return Heard::Gone("gone".to_owned());
            }
            self.replies.feed(&told);
        }
    }

    fn take(&mut self, heard: Heard) -> Turn {
        let code = match &heard {
            Heard::Reply(reply) => reply.code,
            Heard::NoReply(_) | Heard::Gone(_) => 0,
        };
        self.may_give_up |= code / 100 == 5;
        if let Some(command) = self.unanswered.pop_front() {
            self.answers.push((command, code));
        }
        // How long one waits depends on what for.
        assert!(!self.dialogue.step().patience().is_zero());
        self.dialogue.hear(heard)
    }

    /// Some mail cannot go to some servers, whatever they say.
    fn note(&mut self, decision: &'static Decision) {
        let by_itself = [
            &decision::TOO_BIG,
            &decision::EIGHT_BIT,
            &decision::BEYOND_ASCII,
            &decision::BARE_CR,
        ];
        self.may_give_up |= by_itself.contains(&decision);
    }
}
