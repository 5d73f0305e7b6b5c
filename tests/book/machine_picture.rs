//! The state machine, drawn from the machine: the boxes have their places
//! here, the arrows and their words are walked.
//!
//! Arrows on go down, arrows back go round on the left, and all that ends a
//! session leads to the right. Commands that leave the state as it is have no
//! arrow; the state table has them.

use pillarbox::protocol::reply;
use pillarbox::protocol::session::StateName::{self, *};

use super::svg::{Anchor, Svg, code_width};
use crate::support::machine::{COLUMNS, ROWS, send, session_in};

const WIDTH: i32 = 412;
const END: StateName = Closed;

/// The states except the last, from top to bottom.
const STATES: [StateName; 5] = [Connected, Greeted, Mail, Rcpt, Data];

const BOX: (i32, i32) = (108, 42);
const LEFT: i32 = 124;
const STEP: i32 = 96;
const TOP: i32 = 66;
const END_LEFT: i32 = 324;

/// From one state to another: what leads there.
struct Edge {
    from: StateName,
    to: StateName,
    words: Vec<&'static str>,
}

/// All changes of state, in the order of the table.
fn edges() -> Vec<Edge> {
    let mut edges = Vec::new();
    for (_, way) in COLUMNS {
        for (row, _) in ROWS {
            let mut session = session_in(way);
            let from = session.state().name();
            send(&mut session, row);
            add(&mut edges, from, session.state().name(), row);
        }
        let mut session = session_in(way);
        let from = session.state().name();
        if from == Data {
            session.end_of_data(Ok(()));
            add(&mut edges, from, session.state().name(), "final dot");
        }
        let mut session = session_in(way);
        session.hang_up(reply::TIMEOUT);
        add(&mut edges, from, session.state().name(), "421");
    }
    edges
}

/// Adds one reason to an edge; a state that stays has none.
fn add(
    edges: &mut Vec<Edge>,
    from: StateName,
    to: StateName,
    word: &'static str,
) {
    if from == to {
        return;
    }
    match edges.iter_mut().find(|edge| edge.from == from && edge.to == to) {
        Some(edge) if edge.words.contains(&word) => {}
        Some(edge) => edge.words.push(word),
        None => edges.push(Edge { from, to, words: vec![word] }),
    }
}

/// The picture.
pub fn draw() -> String {
    let edges = edges();
    let mut svg =
        Svg::new(WIDTH, "The state machine of a session", &words(&edges));
    let heading = (WIDTH / 2, 32);
    let title = "What changes the state of a session";
    svg.text(heading, Anchor::Middle, "ink bold", title);
    for edge in &edges {
        draw_edge(&mut svg, edge);
    }
    for (number, state) in (0..).zip(STATES) {
        draw_box(&mut svg, (LEFT, top(number)), BOX, state);
    }
    let height = top(4) + BOX.1;
    draw_box(&mut svg, (END_LEFT, TOP), (76, height - TOP), END);
    let start = (LEFT + BOX.0 / 2, height + 34);
    let note = "421: the server hangs up (timeout, too many errors)";
    svg.text((WIDTH / 2, start.1), Anchor::Middle, "soft note small", note);
    svg.finish(height + 54)
}

fn words(edges: &[Edge]) -> String {
    let sentence = |edge: &Edge| {
        let words = edge.words.join(", ");
        format!("{} to {}: {words}", edge.from, edge.to)
    };
    edges.iter().map(sentence).collect::<Vec<_>>().join(". ") + "."
}

fn top(number: i32) -> i32 {
    TOP + number * STEP
}

/// The upper side of a state's box.
fn top_of(state: StateName) -> Option<i32> {
    let number = STATES.iter().position(|name| *name == state)?;
    Some(top(i32::try_from(number).ok()?))
}

fn draw_box(svg: &mut Svg, at: (i32, i32), size: (i32, i32), name: StateName) {
    svg.rect(at, size, "panel");
    let middle = (at.0 + size.0 / 2, at.1 + size.1 / 2 + 5);
    svg.text(middle, Anchor::Middle, "ink bold", &name.to_string());
}

fn draw_edge(svg: &mut Svg, edge: &Edge) {
    let Some(from) = top_of(edge.from) else {
        return;
    };
    match top_of(edge.to) {
        None => draw_end(svg, edge, from),
        Some(to) if to == from + STEP => draw_on(svg, edge, from),
        Some(to) => draw_round(svg, edge, from, to),
    }
}

/// To the next state: down, its words to the right.
fn draw_on(svg: &mut Svg, edge: &Edge, from: i32) {
    let x = LEFT + 30;
    let (start, end) = (from + BOX.1, from + STEP);
    svg.arrow(&[(x, start), (x, end)], "client");
    let at = (x + 12, (start + end) / 2 + 5);
    svg.text(at, Anchor::Start, "client code", &edge.words.join(", "));
}

/// To the end: to the right, its words above.
fn draw_end(svg: &mut Svg, edge: &Edge, from: i32) {
    let y = from + BOX.1 / 2;
    let start = LEFT + BOX.0;
    svg.arrow(&[(start, y), (END_LEFT, y)], "server");
    let middle = (start + END_LEFT) / 2 - 4;
    // Two lines, if they do not fit in one.
    let (first, last) = match edge.words.as_slice() {
        [first @ .., last] if code_width(3 * edge.words.len()) > 60 => {
            (first.join(" "), (*last).to_owned())
        }
        words => (words.join(" "), String::new()),
    };
    svg.text((middle, y - 8), Anchor::Middle, "server code", &first);
    svg.text((middle, y + 18), Anchor::Middle, "server code", &last);
}

/// To any other state: round on the left, its words on the way out.
fn draw_round(svg: &mut Svg, edge: &Edge, from: i32, to: i32) {
    let (out, back) = (from + BOX.1 / 2, to + BOX.1 / 2);
    let x = if out > back { 18 } else { 12 };
    let points = [(LEFT, out), (x, out), (x, back), (LEFT, back)];
    svg.arrow(&points, "ink");
    // Two to a line, the last ones directly above the arrow.
    for (above, words) in (0..).zip(edge.words.rchunks(2)) {
        let at = ((x + LEFT) / 2, out - 8 - 18 * above);
        svg.text(at, Anchor::Middle, "ink code", &words.join(" "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_are_those_of_the_table() {
        let words = words(&edges());
        for want in [
            "Connected to Greeted: EHLO, HELO.",
            "Greeted to Mail: MAIL.",
            "Mail to Rcpt: RCPT.",
            "Mail to Greeted: EHLO, HELO, RSET.",
            "Rcpt to Data: DATA.",
            "Rcpt to Closed: QUIT, GET, 421.",
            "Data to Greeted: final dot.",
            "Data to Closed: 421.",
        ] {
            assert!(words.contains(want), "{want}: {words}");
        }
        assert!(!words.contains("Closed to"), "{words}");
    }

    #[test]
    fn every_state_has_a_box() {
        for edge in edges() {
            for state in [edge.from, edge.to] {
                let has_box = state == END || top_of(state).is_some();
                assert!(has_box, "{state} has no place in the picture");
            }
        }
    }
}
