//! A transcript as a ladder: the client's line, the server's line, and what
//! goes to and fro between them, from top to bottom.
//!
//! `ladder-01-first-helo.svg` is drawn from `transcripts/01-first/helo.txt`.

use pillarbox::transcript::format::parse::parse;
use pillarbox::transcript::format::script::Transcript;
use std::path::Path;

use super::events::{Event, Kind, Side, clients, events, in_words};
use super::svg::{Anchor, Svg, code_width, letters, word_width, wrap};
use super::tree::Tree;

/// From one line of text to the next.
const LEADING: i32 = 19;

/// Between two events: with one client, and with two, whose ladder is longer.
const GAPS: [i32; 2] = [9, 3];

/// Between a lifeline and what stands beside it.
const PAD: i32 = 9;

/// At most so many lines of a message or a mailbox.
const MOST_LINES: usize = 10;

/// The picture of this name; why not, if it cannot be drawn.
pub fn draw(tree: &Tree, picture: &str) -> Result<String, String> {
    let is_it = |(path, _): &(&str, &str)| name(path) == picture;
    let found = tree.under("transcripts/").find(is_it);
    let (path, text) = found.ok_or_else(|| {
        format!("{picture} is named after no transcript: mend its name")
    })?;
    let transcript = parse(Path::new(path), text.as_bytes())
        .map_err(|error| error.to_string())?;
    if clients(&transcript) > 2 {
        return Err(format!("{path} has more clients than a ladder can show"));
    }
    Ok(Ladder::draw(&transcript))
}

/// The picture of a transcript.
fn name(path: &str) -> String {
    let inner = path.strip_prefix("transcripts/").unwrap_or(path);
    let inner = inner.strip_suffix(".txt").unwrap_or(inner);
    format!("ladder-{}.svg", inner.replace('/', "-"))
}

/// A picture that grows downwards.
struct Ladder {
    svg: Svg,
    width: i32,
    /// Where each lifeline is: client 1, server, and client 2 if there is one.
    lifelines: Vec<i32>,
    y: i32,
    gap: i32,
}

impl Ladder {
    fn draw(transcript: &Transcript) -> String {
        let events = events(transcript);
        let clients = clients(transcript);
        let (width, lifelines) = match clients {
            1 => (720, vec![20, 700]),
            _ => (720, vec![18, 360, 702]),
        };
        let title = format!("Ladder: {}", transcript.header.title);
        let words = in_words(&events, clients);
        let svg = Svg::new(width, &title, &words);
        let gap = GAPS[usize::from(clients > 1)];
        let mut ladder = Ladder { svg, width, lifelines, y: 30, gap };
        ladder.title(&transcript.header.title);
        let top = ladder.heads();
        // The lifelines lie under all else, and their end is not known yet.
        let height = ladder.height_of(&events) + top + 6;
        for x in ladder.lifelines.clone() {
            ladder.svg.line(&[(x, top), (x, height - 16)], "edge");
        }
        ladder.y = top + 14;
        for event in &events {
            ladder.event(event);
        }
        ladder.svg.finish(height)
    }

    fn title(&mut self, title: &str) {
        let most = usize::try_from(self.width - 60).unwrap_or(0) / 10;
        for line in wrap(title, most, 3) {
            let at = (self.width / 2, self.y);
            self.svg.text(at, Anchor::Middle, "ink bold", &line);
            self.y += LEADING;
        }
    }

    /// The names above the lifelines. Gives back where those begin.
    fn heads(&mut self) -> i32 {
        let names: &[(&str, &str)] = match self.lifelines.len() {
            2 => &[("Client", "client"), ("Server", "server")],
            _ => &[
                ("Client 1", "client"),
                ("Server", "server"),
                ("Client 2", "client"),
            ],
        };
        let last = self.lifelines.len() - 1;
        for (number, (name, class)) in names.iter().enumerate() {
            let x = self.lifelines[number];
            let (w, h) = (86, 28);
            let left = match number {
                0 => x - 14,
                number if number == last => x + 14 - w,
                _ => x - w / 2,
            };
            let box_class = format!("panel {class}");
            self.svg.rect((left, self.y - 8), (w, h), &box_class);
            let at = (left + w / 2, self.y + 11);
            let class = format!("{class} bold");
            self.svg.text(at, Anchor::Middle, &class, name);
        }
        self.y + 20
    }

    /// How high all events are together: they are drawn once for nothing.
    fn height_of(&self, events: &[Event]) -> i32 {
        let svg = Svg::new(self.width, "", "");
        let lifelines = self.lifelines.clone();
        let mut tried =
            Ladder { svg, width: self.width, lifelines, y: 14, gap: self.gap };
        for event in events {
            tried.event(event);
        }
        tried.y + 8
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Arrow { from, kind: Kind::Message, lines } => {
                self.message(*from, lines);
            }
            Event::Arrow { from, kind: Kind::Lines, lines } => {
                self.lines(*from, lines);
                self.arrow(*from, "");
            }
            Event::Arrow { from, kind: Kind::Connection, lines } => {
                self.connection(*from, lines);
                self.arrow(*from, "dashed");
            }
            Event::Note { at, title, lines } => self.note(*at, title, lines),
        }
        self.y += self.gap;
    }

    /// Where it starts and where it ends.
    fn ends(&self, from: Side) -> (i32, i32) {
        let of = |client: u8| self.lifelines[if client == 1 { 0 } else { 2 }];
        let server = self.lifelines[1];
        match from {
            Side::Client(number) => (of(number), server),
            Side::Server(number) => (server, of(number)),
        }
    }

    /// Lines of a command or a reply, beside the lifeline they come from.
    fn lines(&mut self, from: Side, lines: &[String]) {
        let (start, end) = self.ends(from);
        let lines = self.fitted(lines, (end - start).abs() - 2 * PAD);
        let x = beside_line(start, end, code_width(longest(&lines)));
        self.text_in(x, self.y - 5, &lines, colour(from));
        self.y += line_count(&lines) * LEADING;
    }

    /// What has no text: that a connection begins or ends.
    fn connection(&mut self, from: Side, lines: &[String]) {
        let (start, end) = self.ends(from);
        let (anchor, x) = match start < end {
            true => (Anchor::Start, start + PAD),
            false => (Anchor::End, start - PAD),
        };
        let class = format!("{} note", colour(from));
        for line in self.fitted(lines, (end - start).abs() - 2 * PAD) {
            self.y += LEADING;
            self.svg.text((x, self.y - 6), anchor, &class, &line);
        }
    }

    /// Lines cut to the room there is, each to four at most. What goes on
    /// from the line before stands a little to the right.
    fn fitted(&self, lines: &[String], room: i32) -> Vec<String> {
        let width = letters(room);
        let cut = |line: &String| {
            let mut parts = wrap(line, width, 1);
            if line.chars().count() > width {
                parts = wrap(line, width - 2, 4);
                let rest = parts.iter_mut().skip(1);
                rest.for_each(|part| part.insert_str(0, "\u{a0}\u{a0}"));
            }
            parts
        };
        lines.iter().flat_map(cut).collect()
    }

    fn arrow(&mut self, from: Side, more: &str) {
        let (start, end) = self.ends(from);
        let class = format!("{} {more}", colour(from));
        let points = [(start, self.y + 2), (end, self.y + 2)];
        self.svg.arrow(&points, class.trim());
    }

    /// The text of a message in a box, and one arrow for all of it.
    fn message(&mut self, from: Side, lines: &[String]) {
        let (start, end) = self.ends(from);
        let lines = self.fitted(&shortened(lines), (end - start).abs() - 40);
        let width = code_width(longest(&lines).max(12)) + 20;
        let left = beside_line(start, end, width);
        let height = line_count(&lines) * LEADING + 10;
        let class = format!("panel {}", colour(from));
        self.svg.rect((left, self.y), (width, height), &class);
        self.text_in(left + 10, self.y + 2, &lines, colour(from));
        self.y += height + 6;
        self.arrow(from, "wide");
    }

    /// Lines of code in a box, from its upper left corner.
    fn text_in(&mut self, x: i32, top: i32, lines: &[String], colour: &str) {
        let mut y = top;
        let code = format!("{colour} code");
        for line in lines {
            y += LEADING;
            let (class, text) = match line.as_str() {
                "" => ("soft note", "(empty line)"),
                line => (code.as_str(), line),
            };
            self.svg.text((x, y - 1), Anchor::Start, class, text);
        }
    }

    /// What nobody says: in a box beside the lifeline that it is about.
    fn note(&mut self, at: Side, title: &str, lines: &[String]) {
        let titles = wrap(title, 46, 2);
        let lines = self.fitted(&shortened(lines), self.width - 44);
        let width = word_width(longest(&titles))
            .max(code_width(longest(&lines).max(1)))
            + 28;
        let count = line_count(&titles) + line_count(&lines);
        let height = count * LEADING + 12;
        let left = self.beside(at, width);
        self.svg.rect((left, self.y), (width, height), "panel");
        let mut y = self.y + 2;
        for line in &titles {
            y += LEADING;
            let at = (left + 10, y - 1);
            self.svg.text(at, Anchor::Start, "soft note", line);
        }
        self.text_in(left + 10, y, &lines, "ink");
        self.y += height;
    }

    /// The left side of a note: over the lifeline it is about.
    fn beside(&self, at: Side, width: i32) -> i32 {
        let (x, _) = self.ends(at);
        let wanted = if x < self.width / 3 {
            x - 14
        } else if x > self.width * 2 / 3 {
            x + 14 - width
        } else {
            x - width / 2
        };
        wanted.clamp(12, (self.width - 12 - width).max(12))
    }
}

/// The left side of what is so wide and stands at the start of an arrow.
fn beside_line(start: i32, end: i32, width: i32) -> i32 {
    if start < end { start + PAD } else { start - PAD - width }
}

/// The letters of the longest line.
fn longest(lines: &[String]) -> usize {
    lines.iter().map(|line| line.chars().count()).max().unwrap_or(0)
}

fn colour(from: Side) -> &'static str {
    match from {
        Side::Client(_) => "client",
        Side::Server(_) => "server",
    }
}

fn line_count(lines: &[String]) -> i32 {
    i32::try_from(lines.len()).unwrap_or(0)
}

/// The first lines and the last ones, if they are too many.
fn shortened(lines: &[String]) -> Vec<String> {
    if lines.len() <= MOST_LINES {
        return lines.to_vec();
    }
    let (first, last) = (MOST_LINES - 4, 3);
    let left_out = lines.len() - first - last;
    let mut kept = lines[..first].to_vec();
    kept.push(format!("… {left_out} more lines"));
    kept.extend_from_slice(&lines[lines.len() - last..]);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Title: A <short> talk\nLevel: own\n\n\
        S: 220 {host} {...}\nC: QUIT\nS: 221 Bye\n(server closes)\n";

    #[test]
    fn a_ladder_holds_every_line_and_says_them_in_its_description() {
        let tree = Tree::of(&[("transcripts/01-a/b-c.txt", TEXT)]);
        let picture = draw(&tree, "ladder-01-a-b-c.svg").unwrap();
        for text in [
            "<title id=\"t\">Ladder: A &lt;short&gt; talk</title>",
            "Server: 220 mx.example.org ESMTP. Client: QUIT. Server: 221 Bye.",
            ">220 mx.example.org ESMTP</text>",
            ">QUIT</text>",
            ">server closes the connection</text>",
        ] {
            assert!(picture.contains(text), "{text}: {picture}");
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_said() {
        let three = TEXT.replace("C:", "C3:").replace("S:", "S3:");
        let tree = Tree::of(&[("transcripts/a/b.txt", &three)]);
        let wrong = draw(&tree, "ladder-a-c.svg").unwrap_err();
        assert!(wrong.contains("named after no transcript"), "{wrong}");
        let wrong = draw(&tree, "ladder-a-b.svg").unwrap_err();
        assert!(wrong.contains("more clients"), "{wrong}");
    }

    #[test]
    fn a_long_message_keeps_its_beginning_and_its_end() {
        let lines: Vec<String> = (1..=30).map(|n| n.to_string()).collect();
        let kept = shortened(&lines);
        assert_eq!(kept.len(), MOST_LINES);
        assert_eq!(kept[5..8], ["6", "… 21 more lines", "28"]);
    }
}
