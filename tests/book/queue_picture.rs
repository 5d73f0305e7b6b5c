//! The states of an entry in the queue. Their names, their files and the steps
//! from one to the next are read in the table at the head of `queue.rs`; their
//! places are here.

use super::svg::{Anchor, Point, Svg};
use super::tree::{Tree, at};

const SOURCE: &str = "src/relay/queue.rs";
const HEAD: &str = "//! state             files              a crash leaves";

/// Where the columns of the table begin.
const FILES: usize = 18;
const CRASH: usize = 37;

const WIDTH: i32 = 560;
const BOX: Point = (196, 54);

/// The states of the table, in its order, and where each has its box.
const PLACES: [(&str, Point); 5] = [
    ("being written", (24, 62)),
    ("being linked", (24, 188)),
    ("waiting, tried", (24, 346)),
    ("being updated", (340, 346)),
    ("being taken out", (24, 478)),
];

/// What happens to an entry, beside the steps of the table.
const DESCRIPTION: &str = "An entry is being written: its content. It is being \
    linked: then it has a name, which is the promise, and the client hears 250. \
    It waits, and is tried. After a try that left somebody waiting it is being \
    updated, and waits again. If nobody waits any more it is being taken out, \
    and is gone. If somebody failed, a bounce is made first, which is an entry \
    of its own; if that may not be, because the message is a bounce itself, it \
    is moved to the folder dead. What cannot be read is moved to the folder \
    damaged.";

/// A row of the table.
#[derive(Debug, Default, PartialEq, Eq)]
struct State {
    name: String,
    files: String,
    steps: String,
}

/// The rows of the table.
fn states(tree: &Tree) -> Vec<State> {
    let source = tree.text(SOURCE).unwrap_or_default();
    let lines = source.lines().skip_while(|line| *line != HEAD).skip(1);
    let lines = lines.take_while(|line| *line != "//! ```");
    let mut states: Vec<State> = Vec::new();
    for line in lines {
        let line = line.strip_prefix("//! ").unwrap_or_default();
        let column = |from: usize, to: usize| {
            line.get(from..to.min(line.len())).unwrap_or_default().trim()
        };
        let (name, files) = (column(0, FILES), column(FILES, CRASH));
        if line.starts_with(' ') {
            let Some(state) = states.last_mut() else { continue };
            add(&mut state.steps, name);
            add(&mut state.files, files);
        } else {
            let (name, files) = (name.to_owned(), files.to_owned());
            states.push(State { name, files, ..State::default() });
        }
    }
    states
}

fn add(words: &mut String, more: &str) {
    if !words.is_empty() && !more.is_empty() {
        words.push(' ');
    }
    words.push_str(more);
}

/// The picture; a finding, if the table has other states than it.
pub fn draw(tree: &Tree) -> Result<String, String> {
    let states = states(tree);
    let names: Vec<&str> = states.iter().map(|s| s.name.as_str()).collect();
    if names != PLACES.map(|(name, _)| name) {
        let what = format!("draw these states in queue_picture.rs: {names:?}");
        return Err(at(SOURCE, 1, &what));
    }
    let title = "The states of an entry";
    let mut svg = Svg::new(WIDTH, title, DESCRIPTION);
    svg.text((WIDTH / 2, 32), Anchor::Middle, "ink bold", title);
    for (state, (_, place)) in states.iter().zip(PLACES) {
        draw_box(&mut svg, place, &state.name, &state.files);
    }
    draw_ways(&mut svg, &states);
    draw_folders(&mut svg);
    Ok(svg.finish(664))
}

fn draw_box(svg: &mut Svg, place: Point, name: &str, files: &str) {
    svg.rect(place, BOX, "panel");
    let middle = place.0 + BOX.0 / 2;
    svg.text((middle, place.1 + 23), Anchor::Middle, "ink bold", name);
    let below = (middle, place.1 + 43);
    svg.text(below, Anchor::Middle, "soft small", files);
}

/// The way of an entry, from the top down, and the way round of those who wait.
fn draw_ways(svg: &mut Svg, states: &[State]) {
    let [written, linked, _, updated, out] = states else { return };
    let x = 60;
    let down = |svg: &mut Svg, from: i32, to: i32, words: &[&str]| {
        svg.arrow(&[(x, from), (x, to)], "client");
        let top = (from + to) / 2 + 5 - 9 * (words.len() as i32 - 1);
        for (number, words) in (0..).zip(words) {
            let at = (x + 14, top + 18 * number);
            svg.text(at, Anchor::Start, "client small", words);
        }
    };
    down(svg, 116, 188, &[&written.steps]);
    let (link, sync) = last_step(&linked.steps);
    down(svg, 242, 346, &[link, sync, "The server says 250."]);
    down(svg, 400, 478, &["nobody waits, and", "the sender knows"]);
    down(svg, 532, 594, &[&out.steps]);
    svg.text((x, 616), Anchor::Middle, "ink bold", "gone");
    svg.arrow(&[(220, 362), (340, 362)], "ink");
    svg.text((280, 354), Anchor::Middle, "ink small", "not now");
    svg.arrow(&[(340, 386), (220, 386)], "ink");
    let (first, last) = last_step(&updated.steps);
    svg.text((438, 422), Anchor::Middle, "ink small", first);
    svg.text((438, 440), Anchor::Middle, "ink small", last);
}

/// The last step has a line of its own.
fn last_step(steps: &str) -> (&str, &str) {
    steps.rsplit_once(", ").unwrap_or(("", steps))
}

/// What an entry can lead to, besides.
fn draw_folders(svg: &mut Svg) {
    svg.arrow(&[(208, 346), (208, 314), (340, 314)], "server dashed");
    svg.text((280, 306), Anchor::Middle, "server small", "never, too old");
    svg.rect((340, 273), BOX, "panel server");
    svg.text((438, 296), Anchor::Middle, "ink bold", "a bounce");
    let note = "a new entry, from <>";
    svg.text((438, 316), Anchor::Middle, "soft small", note);
    for (y, name, why, note) in [
        (478, "dead", "a bounce that fails", "nobody may be told"),
        (566, "damaged", "cannot be read", "set aside"),
    ] {
        svg.rect((380, y), (156, BOX.1), "panel");
        svg.text((458, y + 23), Anchor::Middle, "ink bold", name);
        svg.text((458, y + 43), Anchor::Middle, "soft small", note);
        svg.text((314, y + 19), Anchor::Middle, "ink small", why);
        svg.arrow(&[(248, y + 28), (380, y + 28)], "ink dashed");
    }
    svg.line(&[(206, 400), (206, 430), (248, 430), (248, 594)], "ink dashed");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(more: &str) -> Tree {
        let text = format!(
            "{HEAD}\n//! being written     ID.mail            rubbish\n\
             //!   fsync of it                        nobody\n\
             //! being linked      N.draft, then      an entry\n\
             //!   fsync, link,    also ID.entry      sent\n\
             //!   fsync the folder\n//! {more}\n//! ```\n"
        );
        Tree::of(&[(SOURCE, &text)])
    }

    #[test]
    fn states_files_and_steps_are_read_from_the_table() {
        let [written, linked, waiting] = &states(&table("waiting"))[..] else {
            panic!("three states")
        };
        assert_eq!(written.files, "ID.mail");
        assert_eq!(written.steps, "fsync of it");
        assert_eq!(linked.files, "N.draft, then also ID.entry");
        assert_eq!(linked.steps, "fsync, link, fsync the folder");
        assert_eq!(waiting.name, "waiting");
    }

    #[test]
    fn a_state_that_the_picture_does_not_have_is_found() {
        let found = draw(&table("being moved")).unwrap_err();
        assert!(found.starts_with(&format!("{SOURCE}:1: draw")), "{found}");
    }
}
