//! The way of a message, from Alice's screen to Bob's: who speaks to whom, who
//! pushes and who pulls, and what happens when it does not work.
//!
//! The picture is its description: machines, what runs on them, and arrows.

use super::svg::{Anchor, Point, Svg};

const WIDTH: i32 = 450;
const HEIGHT: i32 = 756;

/// A box: upper left corner, size, colours, name, and a line below it.
struct Place {
    at: Point,
    size: Point,
    class: &'static str,
    name: &'static str,
    more: &'static str,
}

/// An arrow starts where the connection is opened. Its words stand from their
/// point down, a line each.
struct Way {
    points: &'static [Point],
    class: &'static str,
    words_at: Point,
    words: &'static [&'static str],
}

const MACHINES: [Place; 4] = [
    machine(48, 92, "Alice's computer"),
    machine(204, 220, "client.example, Alice's mail server"),
    machine(494, 116, "mx.example.org, Bob's mail server"),
    machine(656, 82, "Bob's computer"),
];

const PARTS: [Place; 7] = [
    part((32, 80), (268, 48), "panel", "user agent", "her mail program"),
    part((32, 236), (268, 48), "panel", "queue", "waits on the disk"),
    part((32, 302), (268, 48), "panel", "look-up", "MX record, or smart host"),
    part((32, 368), (268, 44), "panel client", "SMTP client", ""),
    part((32, 526), (118, 72), "panel server", "SMTP server", "Pillarbox"),
    part((190, 526), (110, 72), "panel", "mailbox", "a Maildir"),
    part((32, 688), (268, 40), "panel", "user agent", ""),
];

const WAYS: [Way; 8] = [
    Way {
        points: &[(50, 128), (50, 236)],
        class: "ink wide",
        words_at: (66, 168),
        words: &["push: submission, port 587", "users submit their own mail"],
    },
    inner(&[(50, 284), (50, 302)]),
    inner(&[(50, 350), (50, 368)]),
    Way {
        points: &[(50, 412), (50, 526)],
        class: "client wide",
        words_at: (66, 456),
        words: &["push: SMTP, port 25", "servers hand over others' mail"],
    },
    inner(&[(150, 562), (190, 562)]),
    Way {
        points: &[(249, 688), (249, 598)],
        class: "ink wide",
        words_at: (233, 638),
        words: &["pull: POP or IMAP"],
    },
    Way {
        points: &[(300, 390), (344, 390), (344, 268), (300, 268)],
        class: "ink dashed",
        words_at: (352, 308),
        words: &["4xx, or no", "answer: keep", "it, and try", "again later"],
    },
    Way {
        points: &[(300, 252), (344, 252), (344, 104), (300, 104)],
        class: "server dashed",
        words_at: (352, 150),
        words: &["5xx, or too", "old: a bounce", "tells Alice"],
    },
];

/// What is read, from top to bottom.
const DESCRIPTION: &str = "Alice's user agent pushes the message to her mail \
    server client.example by submission, port 587. There it waits in a queue \
    on the disk. A look-up of the MX record finds the machine for the \
    recipient's domain; or all mail goes to a smart host. The SMTP client \
    pushes it by SMTP, port 25, to the SMTP server at mx.example.org: that \
    is Pillarbox. The server stores it in the mailbox, a Maildir. Bob's user \
    agent pulls it from there by POP or IMAP. If the answer is 4xx, or there \
    is none, the message stays in the queue and is tried again later. If it \
    is 5xx, or the message is too old, a bounce tells Alice.";

const fn machine(top: i32, height: i32, name: &'static str) -> Place {
    let (at, size) = ((16, top), (300, height));
    Place { at, size, class: "card", name, more: "" }
}

const fn part(
    at: Point,
    size: Point,
    class: &'static str,
    name: &'static str,
    more: &'static str,
) -> Place {
    Place { at, size, class, name, more }
}

/// A step inside of a machine needs no words.
const fn inner(points: &'static [Point]) -> Way {
    Way { points, class: "ink", words_at: (0, 0), words: &[] }
}

/// The picture.
pub fn draw() -> String {
    let title = "The way of a message";
    let mut svg = Svg::new(WIDTH, title, DESCRIPTION);
    svg.text((WIDTH / 2, 30), Anchor::Middle, "ink bold", title);
    for place in &MACHINES {
        svg.rect(place.at, place.size, place.class);
        let at = (place.at.0 + 48, place.at.1 + 21);
        svg.text(at, Anchor::Start, "soft small", place.name);
    }
    for place in &PARTS {
        draw_part(&mut svg, place);
    }
    for way in &WAYS {
        svg.arrow(way.points, way.class);
        let colour = way.class.split(' ').next().unwrap_or_default();
        for (number, words) in (0..).zip(way.words) {
            let (x, y) = (way.words_at.0, way.words_at.1 + 18 * number);
            let class = format!("{colour} small");
            // Words that would run over the picture's edge end at the arrow.
            let is_left = way.words_at.0 < way.points[0].0;
            let anchor = if is_left { Anchor::End } else { Anchor::Start };
            svg.text((x, y), anchor, &class, words);
        }
    }
    svg.finish(HEIGHT)
}

fn draw_part(svg: &mut Svg, place: &Place) {
    let ((x, y), (width, height)) = (place.at, place.size);
    svg.rect(place.at, place.size, place.class);
    let middle = (x + width / 2, y + height / 2);
    let lift = if place.more.is_empty() { -5 } else { 4 };
    let at = (middle.0, middle.1 - lift);
    svg.text(at, Anchor::Middle, "ink bold", place.name);
    let at = (middle.0, middle.1 + 15);
    svg.text(at, Anchor::Middle, "soft small", place.more);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_stands_in_a_machine() {
        for part in &PARTS {
            let is_in = |machine: &Place| {
                let bottom = part.at.1 + part.size.1;
                machine.at.1 < part.at.1
                    && bottom < machine.at.1 + machine.size.1
            };
            assert!(MACHINES.iter().any(is_in), "{}", part.name);
        }
    }

    #[test]
    fn what_is_written_in_the_picture_is_also_said() {
        let said = DESCRIPTION.to_lowercase();
        for word in ["587", "25", "push", "pull", "queue", "mx record", "5xx"] {
            assert!(said.contains(word), "{word}");
            assert!(draw().to_lowercase().contains(word), "{word}");
        }
    }
}
