//! The client's machine, drawn from the machine: the boxes have their places
//! here, the arrows and their words are walked.
//!
//! All that there is to hear is said to the machine in each of its states, and
//! so on from each state that it is in then. Steps within a state have no
//! arrow; the client's table has them.

use pillarbox::protocol::address::{ReversePath, mailbox};
use pillarbox::protocol::decision::Kind;
use pillarbox::protocol::outcome::Heard;
use pillarbox::protocol::outgoing::{Envelope, Needs};
use pillarbox::protocol::replies::ReplyReader;
use pillarbox::protocol::sending::{Dialogue, REPLY_LIMITS, State};
use std::collections::BTreeSet;

use super::svg::{Anchor, Point, Svg};

const WIDTH: i32 = 560;
const END: &str = "Closed";

/// The states except the last, from top to bottom, as they are called in the
/// source.
const STATES: [&str; 7] =
    ["Greeting", "Ehlo", "Helo", "Envelope", "Text", "Dot", "Ready"];

/// What each of them waits for.
const AWAITS: [&str; 7] = [
    "for the server's first words",
    "for the reply to EHLO",
    "for the reply to HELO",
    "MAIL, RCPT, DATA",
    "the text is on its way",
    "for the reply to the dot",
    "nothing to do",
];

const BOX: Point = (208, 50);
const LEFT: i32 = 172;
const STEP: i32 = 92;
const TOP: i32 = 62;
const END_LEFT: i32 = 484;

/// Arrows that pass other states by, on the left: from, to, where the line
/// runs, and how far below the top of its box each end is.
const ROUND: [(&str, &str, i32, Point); 4] = [
    ("Ehlo", "Envelope", 140, (34, 10)),
    ("Envelope", "Dot", 140, (42, 14)),
    ("Envelope", "Ready", 94, (31, 14)),
    ("Ready", "Envelope", 18, (36, 20)),
];

/// What can happen to a dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    Hear(Kind),
    /// EHLO is answered by a server that has PIPELINING.
    HearPipelining,
    TextIsSent,
    NextMail,
}

/// From one state to another: what leads there.
struct Edge {
    from: &'static str,
    to: &'static str,
    words: Vec<&'static str>,
}

impl Move {
    fn all() -> Vec<Move> {
        let heard = Kind::ALL.into_iter().map(Move::Hear);
        let others = [Move::HearPipelining, Move::TextIsSent, Move::NextMail];
        heard.chain(others).collect()
    }

    fn word(self) -> &'static str {
        match self {
            Move::Hear(kind) => kind.name(),
            Move::HearPipelining => Kind::Yes.name(),
            Move::TextIsSent => "all is sent",
            Move::NextMail => "the next mail",
        }
    }

    /// Whether it can happen in this state.
    fn is_in(self, state: &str) -> bool {
        match self {
            Move::Hear(_) => !["Ready", END].contains(&state),
            Move::HearPipelining => state == "Ehlo",
            Move::TextIsSent => state == "Text",
            Move::NextMail => state == "Ready",
        }
    }

    fn make(self, dialogue: &mut Dialogue) {
        match self {
            Move::Hear(Kind::NoReply) => {
                dialogue.hear(Heard::Gone("gone".to_owned()));
            }
            Move::Hear(kind) => {
                dialogue.hear(reply(&format!("{} x\r\n", code(kind))));
            }
            Move::HearPipelining => {
                dialogue.hear(reply("250-x\r\n250 PIPELINING\r\n"));
            }
            Move::TextIsSent => dialogue.text_is_sent(),
            Move::NextMail => drop(dialogue.begin(envelope())),
        }
    }
}

/// A code of this kind.
fn code(kind: Kind) -> u16 {
    let is_it = |code: &u16| Kind::of(*code) == kind;
    (200..600).find(is_it).unwrap_or_default()
}

fn reply(bytes: &str) -> Heard {
    let mut reader = ReplyReader::new(REPLY_LIMITS);
    reader.feed(bytes.as_bytes());
    Heard::Reply(reader.next_reply().unwrap().unwrap())
}

fn envelope() -> Envelope {
    Envelope {
        reverse_path: ReversePath::Null,
        recipients: vec![mailbox("bob@example.org").unwrap()],
        needs: Needs::default(),
    }
}

/// The dialogue after these moves.
fn dialogue(moves: &[Move]) -> Dialogue {
    let mut dialogue = Dialogue::new("client.example", envelope());
    for one in moves {
        one.make(&mut dialogue);
    }
    dialogue
}

fn name(dialogue: &Dialogue) -> &'static str {
    let name = match dialogue.state() {
        State::Waiting(stage, _) => format!("{stage:?}"),
        State::Ready => "Ready".to_owned(),
        State::Closed => END.to_owned(),
    };
    let known = STATES.into_iter().chain([END]).find(|known| *known == name);
    known.unwrap_or_else(|| panic!("{name} has no place in the picture"))
}

/// All changes of state, in the order in which they are met.
fn edges() -> Vec<Edge> {
    let mut edges = Vec::new();
    let mut ways: Vec<Vec<Move>> = vec![Vec::new()];
    let mut known = BTreeSet::new();
    while let Some(way) = ways.pop() {
        let from = name(&dialogue(&way));
        for one in Move::all().into_iter().filter(|one| one.is_in(from)) {
            let on = [&way[..], &[one]].concat();
            let there = dialogue(&on);
            add(&mut edges, from, name(&there), one.word());
            // Where nothing differs but the past, it goes on as before.
            let is_pipelined = on.contains(&Move::HearPipelining);
            let place = (name(&there), there.step().name(), is_pipelined);
            if on.len() < 12 && known.insert(place) {
                ways.insert(0, on);
            }
        }
    }
    edges
}

/// Adds one reason to an edge; a state that stays has none.
fn add(
    edges: &mut Vec<Edge>,
    from: &'static str,
    to: &'static str,
    word: &'static str,
) {
    match edges.iter_mut().find(|edge| edge.from == from && edge.to == to) {
        Some(edge) if edge.words.contains(&word) => {}
        Some(edge) => edge.words.push(word),
        None => edges.push(Edge { from, to, words: vec![word] }),
    }
}

/// The words of an edge as the picture has them, in the order of the table.
fn words(edge: &Edge, edges: &[Edge]) -> Vec<&'static str> {
    let from_here = || edges.iter().filter(|other| other.from == edge.from);
    let others = from_here().filter(|other| other.to != edge.to);
    let elsewhere: BTreeSet<_> = others.flat_map(|o| &o.words).collect();
    let is_end = edge.to == END;
    let own = |word: &&str| !is_end || !elsewhere.contains(word);
    let order = Kind::ALL.map(Kind::name).into_iter();
    let mut words: Vec<_> =
        order.filter(|word| edge.words.contains(word)).filter(own).collect();
    let is_kind = |word: &&str| Kind::ALL.iter().any(|k| k.name() == *word);
    words.extend(edge.words.iter().filter(|word| !is_kind(word)));
    if is_end && words.len() > 3 {
        return vec!["all else"];
    }
    words
}

/// The picture.
pub fn draw() -> String {
    let edges = edges();
    let mut svg = Svg::new(WIDTH, "The client's machine", &in_words(&edges));
    let title = "What changes the state of a client";
    svg.text((WIDTH / 2, 32), Anchor::Middle, "ink bold", title);
    for edge in edges.iter().filter(|edge| edge.from != edge.to) {
        draw_edge(&mut svg, edge, &words(edge, &edges));
    }
    for (number, (state, awaits)) in (0..).zip(STATES.into_iter().zip(AWAITS)) {
        let at = (LEFT, TOP + number * STEP);
        svg.rect(at, BOX, "panel");
        let middle = at.0 + BOX.0 / 2;
        let up = (middle, at.1 + 21);
        svg.text(up, Anchor::Middle, "ink bold", state);
        let down = (middle, at.1 + 40);
        svg.text(down, Anchor::Middle, "soft small", awaits);
    }
    let bottom = TOP + 6 * STEP + BOX.1;
    svg.rect((END_LEFT, TOP), (66, bottom - TOP), "panel");
    let middle = (END_LEFT + 33, (TOP + bottom) / 2 + 5);
    svg.text(middle, Anchor::Middle, "ink bold", END);
    let note = "Envelope to Dot: 354, and nobody is left. A lone dot is sent.";
    let at = (WIDTH / 2, bottom + 36);
    svg.text(at, Anchor::Middle, "soft note small", note);
    svg.finish(bottom + 56)
}

fn in_words(edges: &[Edge]) -> String {
    let edges_on = edges.iter().filter(|edge| edge.from != edge.to);
    let sentence = |edge: &Edge| {
        let words = words(edge, edges).join(", ");
        format!("{} to {}: {words}.", edge.from, edge.to)
    };
    edges_on.map(sentence).collect::<Vec<_>>().join(" ")
}

/// The upper side of a state's box.
fn top_of(state: &str) -> Option<i32> {
    let number = STATES.iter().position(|name| *name == state)?;
    Some(TOP + i32::try_from(number).ok()? * STEP)
}

fn draw_edge(svg: &mut Svg, edge: &Edge, words: &[&str]) {
    let Some(from) = top_of(edge.from) else { return };
    match top_of(edge.to) {
        None => draw_end(svg, from, words),
        Some(to) if to == from + STEP => draw_on(svg, from, words),
        Some(to) => draw_round(svg, edge, (from, to), words),
    }
}

/// To the next state: down, its words to the right.
fn draw_on(svg: &mut Svg, from: i32, words: &[&str]) {
    let x = LEFT + 60;
    let (start, end) = (from + BOX.1, from + STEP);
    svg.arrow(&[(x, start), (x, end)], "client");
    let at = (x + 12, (start + end) / 2 + 5);
    svg.text(at, Anchor::Start, "client code", &words.join(" "));
}

/// To the end: to the right, its words above, two lines if need be.
fn draw_end(svg: &mut Svg, from: i32, words: &[&str]) {
    let (start, y) = (LEFT + BOX.0, from + BOX.1 / 2);
    svg.arrow(&[(start, y), (END_LEFT, y)], "server");
    let middle = (start + END_LEFT) / 2 - 4;
    let (first, last) = match words {
        [first @ .., last] if words.len() > 1 => (first.join(" "), *last),
        words => (words.join(" "), ""),
    };
    svg.text((middle, y - 8), Anchor::Middle, "server code", &first);
    svg.text((middle, y + 18), Anchor::Middle, "server code", last);
}

/// Past other states: round on the left, its words beside the line.
fn draw_round(svg: &mut Svg, edge: &Edge, tops: Point, words: &[&str]) {
    let is_it = |(from, to, ..): &&(&str, &str, i32, Point)| {
        *from == edge.from && *to == edge.to
    };
    let Some((_, _, x, ends)) = ROUND.iter().find(is_it) else {
        panic!("{} to {} has no way in the picture", edge.from, edge.to);
    };
    let (out, back) = (tops.0 + ends.0, tops.1 + ends.1);
    let points = [(LEFT, out), (*x, out), (*x, back), (LEFT, back)];
    svg.arrow(&points, "ink");
    let is_up = back < out;
    let middle = (out + back) / 2;
    for (number, pair) in (0..).zip(words.chunks(2)) {
        let text = pair.join(" ");
        let (at, anchor) = match is_up {
            true => ((*x + 8, out + 22), Anchor::Start),
            false => ((*x - 6, middle + 18 * number), Anchor::End),
        };
        svg.text(at, anchor, "ink code", &text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_are_those_of_the_machine() {
        let words = in_words(&edges());
        for want in [
            "Greeting to Ehlo: 2xx.",
            "Ehlo to Helo: 5xx, 552.",
            "Ehlo to Envelope: 2xx.",
            "Envelope to Text: 3xx.",
            "Envelope to Dot: 3xx.",
            "Envelope to Ready: 4xx, 5xx, 552.",
            "Text to Dot: all is sent.",
            "Text to Closed: all else.",
            "Dot to Ready: 2xx, 4xx, 5xx, 552.",
            "Dot to Closed: 3xx, 421, no reply.",
            "Ready to Envelope: the next mail.",
        ] {
            assert!(words.contains(want), "{want}: {words}");
        }
        assert!(!words.contains("Closed to"), "{words}");
    }
}
