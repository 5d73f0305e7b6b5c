//! The state machine, drawn from the machine: the boxes have their places
//! here, the arrows and their words are walked.
//!
//! There are two pictures. In the large one all words are written: arrows on go
//! down, arrows back go round on the left, and all that ends a session leads to
//! the right. The small one has the arrows alone; it is for the page on which
//! one talks to the machine, and lights up the arrow that was taken: a step
//! from Mail to Rcpt is `state-machine-small.svg#Mail-Rcpt`, and one that stays
//! in Mail is `#Mail`.
//!
//! Commands that leave the state as it is have no arrow; the state table has
//! them.

use pillarbox::protocol::reply;
use pillarbox::protocol::session::Session;

use super::server::state_name;
use super::svg::{Anchor, Point, Svg};
use crate::support::machine::{COLUMNS, ROWS, send, session_in};

/// From one state to another: what leads there, with the code of its reply.
struct Edge {
    from: String,
    to: String,
    words: Vec<(&'static str, u16)>,
}

/// A state's box, from its upper left corner.
struct Place {
    state: &'static str,
    at: Point,
    size: Point,
}

/// All changes of state, in the order of the table.
fn edges() -> Vec<Edge> {
    let mut edges = Vec::new();
    for (_, way) in COLUMNS {
        for (row, _) in ROWS {
            add(&mut edges, way, row, |session| send(session, row));
        }
        add(&mut edges, way, "final dot", |session| {
            let is_data = session.state().name().to_string() == "Data";
            is_data.then(|| session.end_of_data(Ok(())).answer.reply.code)
        });
        add(&mut edges, way, "", |session| {
            Some(session.hang_up(reply::TIMEOUT).answer.reply.code)
        });
    }
    edges
}

/// Adds one reason to an edge; a state that stays has none.
fn add(
    edges: &mut Vec<Edge>,
    way: &[&str],
    word: &'static str,
    act: impl Fn(&mut Session) -> Option<u16>,
) {
    let mut session = session_in(way);
    let from = state_name(&session);
    let Some(code) = act(&mut session) else {
        return;
    };
    let (to, word) = (state_name(&session), (word, code));
    if from == to {
        return;
    }
    match edges.iter_mut().find(|edge| edge.from == from && edge.to == to) {
        Some(edge) if edge.words.contains(&word) => {}
        Some(edge) => edge.words.push(word),
        None => edges.push(Edge { from, to, words: vec![word] }),
    }
}

impl Edge {
    /// The commands that get the same code, and the codes of the same command:
    /// `EHLO HELO RSET 250`, `RCPT 550 501`. Without a command, the server
    /// hangs up.
    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<(String, String)> = Vec::new();
        for (word, code) in &self.words {
            let word = word.split(' ').next().unwrap_or_default();
            let code = code.to_string();
            match lines.last_mut() {
                Some((_, codes)) if *codes == code && word.is_empty() => {
                    lines.push((String::new(), code));
                }
                Some((words, codes)) if *codes == code => {
                    *words = format!("{words} {word}");
                }
                Some((words, codes)) if words == word => {
                    *codes = format!("{codes} {code}");
                }
                _ => lines.push((word.to_owned(), code)),
            }
        }
        let line = |(words, codes): (String, String)| match words.as_str() {
            // What is stored gets 250, and what is not gets a refusal.
            "final" => "final dot 250 4xx 5xx".to_owned(),
            words => format!("{words} {codes}").trim().to_owned(),
        };
        lines.into_iter().map(line).collect()
    }

    fn name(&self) -> String {
        format!("{}-{}", id(&self.from), id(&self.to))
    }
}

/// A state in an address. The page's script does the same.
fn id(state: &str) -> String {
    state.replace('*', "Star")
}

fn description(edges: &[Edge]) -> String {
    let sentence = |edge: &Edge| {
        let words = edge.lines().join(", ");
        format!("{} to {}: {words}", edge.from, edge.to)
    };
    edges.iter().map(sentence).collect::<Vec<_>>().join(". ") + "."
}

const fn place(state: &'static str, at: Point, size: Point) -> Place {
    Place { state, at, size }
}

const LARGE: [Place; 7] = [
    place("Connected", (276, 64), (140, 44)),
    place("Greeted", (276, 158), (140, 44)),
    place("Mail", (276, 252), (140, 44)),
    place("Mail*", (336, 346), (80, 44)),
    place("Rcpt", (276, 440), (140, 44)),
    place("Data", (276, 534), (140, 44)),
    place("Closed", (612, 64), (88, 514)),
];

/// The picture with all words.
pub fn draw() -> String {
    let edges = edges();
    let title = "What changes the state of a session";
    let mut svg = Svg::new(720, title, &description(&edges));
    svg.text((360, 34), Anchor::Middle, "ink bold", title);
    for edge in &edges {
        draw_large(&mut svg, edge);
    }
    for place in &LARGE {
        draw_box(&mut svg, place, "ink bold");
    }
    for (number, note) in (0..).zip([
        "Mail*: in Mail, after a recipient was refused.",
        "421: the server hangs up (timeout, too many mistakes).",
    ]) {
        let at = (360, 612 + 20 * number);
        svg.text(at, Anchor::Middle, "soft note small", note);
    }
    svg.finish(648)
}

fn draw_box(svg: &mut Svg, place: &Place, class: &str) {
    let ((x, y), (width, height)) = (place.at, place.size);
    svg.rect(place.at, place.size, "panel");
    let middle = (x + width / 2, y + height / 2 + 5);
    svg.text(middle, Anchor::Middle, class, place.state);
}

fn find<'a>(places: &'a [Place], state: &str) -> &'a Place {
    let found = places.iter().find(|place| place.state == state);
    found.unwrap_or_else(|| panic!("{state} has no place in the picture"))
}

fn draw_large(svg: &mut Svg, edge: &Edge) {
    let (from, to) = (find(&LARGE, &edge.from), find(&LARGE, &edge.to));
    let lines = edge.lines();
    if to.state == "Closed" {
        let y = from.at.1 + 22;
        svg.arrow(&[(from.at.0 + from.size.0, y), (to.at.0, y)], "server");
        let (above, below) = match &lines[..] {
            [one] => (one.clone(), String::new()),
            [most @ .., last] => (most.join(" "), last.clone()),
            [] => Default::default(),
        };
        svg.text((514, y - 8), Anchor::Middle, "server code", &above);
        svg.text((514, y + 19), Anchor::Middle, "server code", &below);
    } else if to.at.1 > from.at.1 {
        let x = match (from.state, to.state) {
            ("Mail", "Rcpt") => 300,
            ("Mail", "Mail*") | ("Mail*", "Rcpt") => 376,
            _ => 346,
        };
        let (start, end) = (from.at.1 + from.size.1, to.at.1);
        svg.arrow(&[(x, start), (x, end)], "client");
        // On the longest arrow, before it meets another one.
        let (at, anchor) = match x {
            300 => ((x - 10, start + 28), Anchor::End),
            _ => ((x + 10, start + 28), Anchor::Start),
        };
        svg.text(at, anchor, "client code", &lines.join(" "));
    } else {
        draw_back(svg, from, to, &lines);
    }
}

/// Round on the left, its words on the way out.
fn draw_back(svg: &mut Svg, from: &Place, to: &Place, lines: &[String]) {
    let (out, back) = (from.at.1 + 22, to.at.1 + 22);
    let points = [(from.at.0, out), (28, out), (28, back), (to.at.0, back)];
    svg.arrow(&points, "ink");
    let at = (44, out - 8);
    svg.text(at, Anchor::Start, "ink code", &lines.join(" "));
}

const SMALL: [Place; 7] = [
    place("Connected", (8, 42), (82, 28)),
    place("Greeted", (104, 42), (70, 28)),
    place("Mail", (188, 42), (48, 28)),
    place("Mail*", (198, 84), (48, 28)),
    place("Rcpt", (252, 42), (48, 28)),
    place("Data", (314, 42), (48, 28)),
    place("Closed", (8, 126), (354, 26)),
];

/// The picture for the page: small enough to stay in sight above a keyboard.
pub fn draw_small() -> String {
    let edges = edges();
    let title = "The state that the session is in";
    let mut svg = Svg::new(370, title, &description(&edges));
    for edge in &edges {
        svg.group(&edge.name());
        let points = small_points(&edge.from, &edge.to);
        let class = match edge.to.as_str() {
            "Greeted" if edge.from != "Connected" => "ink",
            "Closed" => "soft",
            _ => "client",
        };
        svg.arrow(&points, class);
        svg.end_group();
        svg.lights_up(&edge.name(), &id(&edge.to));
    }
    for place in &SMALL {
        let name = id(place.state);
        svg.group(&name);
        draw_box(&mut svg, place, "ink small");
        svg.end_group();
        svg.lights_up(&name, &name);
    }
    svg.finish(160)
}

/// The way of an arrow in the small picture.
fn small_points(from: &str, to: &str) -> Vec<Point> {
    let (a, b) = (find(&SMALL, from), find(&SMALL, to));
    let middle = a.at.0 + a.size.0 / 2;
    match (from, to) {
        ("Mail", "Closed") => vec![(192, 70), (192, 126)],
        (_, "Closed") => vec![(middle, a.at.1 + 28), (middle, 126)],
        ("Mail", "Mail*") => vec![(222, 70), (222, 84)],
        ("Mail*", "Rcpt") => vec![(246, 98), (264, 98), (264, 70)],
        ("Mail*", "Greeted") => vec![(198, 98), (160, 98), (160, 70)],
        (_, "Greeted") if a.at.0 > b.at.0 => {
            // The later the state, the higher and the farther.
            let rank = (a.at.0 - 188) / 62;
            let (y, x) = (30 - 10 * rank, 160 - 18 * rank);
            vec![(middle, 42), (middle, y), (x, y), (x, 42)]
        }
        _ => {
            let y = a.at.1 + 14;
            vec![(a.at.0 + a.size.0, y), (b.at.0, y)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_are_those_of_the_table() {
        let words = description(&edges());
        for want in [
            "Connected to Greeted: EHLO HELO 250.",
            "Greeted to Mail: MAIL 250.",
            "Mail to Mail*: RCPT 550 501 555.",
            "Mail to Rcpt: RCPT 250.",
            "Mail to Greeted: EHLO HELO RSET 250.",
            "Mail* to Greeted: EHLO HELO RSET 250.",
            "Rcpt to Data: DATA 354.",
            "Rcpt to Closed: QUIT 221, GET 421, 421.",
            "Data to Greeted: final dot 250 4xx 5xx.",
            "Data to Closed: 421.",
        ] {
            assert!(words.contains(want), "{want}: {words}");
        }
        assert!(!words.contains("Closed to"), "{words}");
    }

    /// So that the page can point at it.
    #[test]
    fn every_step_and_every_state_has_its_place_in_the_small_picture() {
        let picture = draw_small();
        let names = edges().iter().map(Edge::name).collect::<Vec<_>>();
        let states = COLUMNS.map(|(state, _)| id(state));
        for name in names.iter().chain(&states) {
            assert!(picture.contains(&format!("<g id=\"{name}\">")), "{name}");
            assert!(picture.contains(&format!("#{name}:target")), "{name}");
        }
    }
}
