//! The way of a message, from Alice's screen to Bob's: the stations of chapter
//! 1 with their numbers, and what happens when it does not work.
//!
//! The picture is its description: machines, what runs on them, and arrows. An
//! arrow is the way that a message goes; what it looks like says who sends it
//! on its way, and a key tells which is which.

use super::svg::{Anchor, Point, Svg};

const WIDTH: i32 = 720;
const HEIGHT: i32 = 652;

/// A box: upper left corner, size, colours, name, and a line below it.
struct Place {
    at: Point,
    size: Point,
    class: &'static str,
    name: &'static str,
    more: &'static str,
}

/// An arrow, and its words: a line each, from their point down.
struct Way {
    points: &'static [Point],
    class: &'static str,
    words_at: (Point, Anchor),
    words: &'static [&'static str],
}

const PUSHED: &str = "client wide";
const PULLED: &str = "server wide";
const INSIDE: &str = "ink";
const FAILED: &str = "soft dashed";

const MACHINES: [Place; 4] = [
    machine((24, 50), (262, 90), "Alice's computer"),
    machine((24, 184), (672, 150), "client.example, Alice's mail server"),
    machine((24, 386), (672, 106), "mx.example.org, Bob's mail server"),
    machine((24, 540), (262, 90), "Bob's computer"),
];

const PARTS: [Place; 9] = [
    part((44, 78), (222, 50), "panel", "1 user agent", "MUA"),
    part((44, 212), (152, 54), "panel", "2 submission", "MSA"),
    part((234, 212), (130, 54), "panel", "3 queue", "on the disk"),
    part((402, 212), (128, 54), "panel", "4 look-up", "MX record"),
    part((566, 212), (114, 54), "panel client", "5 client", "MTA"),
    part((566, 414), (114, 60), "panel server", "5 server", "MTA: Pillarbox"),
    part((352, 414), (150, 60), "panel server", "6 delivery", "MDA: Pillarbox"),
    part((44, 414), (244, 60), "panel", "mailbox", "message store: a Maildir"),
    part((44, 568), (222, 50), "panel", "7 user agent", "MUA"),
];

const WAYS: [Way; 9] = [
    Way {
        points: &[(84, 128), (84, 212)],
        class: PUSHED,
        words_at: ((100, 168), Anchor::Start),
        words: &["submission, port 587"],
    },
    inner(&[(196, 239), (234, 239)]),
    inner(&[(364, 239), (402, 239)]),
    inner(&[(530, 239), (566, 239)]),
    Way {
        points: &[(648, 266), (648, 414)],
        class: PUSHED,
        words_at: ((634, 366), Anchor::End),
        words: &["SMTP, port 25"],
    },
    inner(&[(566, 444), (502, 444)]),
    inner(&[(352, 444), (288, 444)]),
    Way {
        points: &[(84, 474), (84, 568)],
        class: PULLED,
        words_at: ((100, 522), Anchor::Start),
        words: &["POP or IMAP"],
    },
    Way {
        points: &[(354, 212), (354, 103), (266, 103)],
        class: FAILED,
        words_at: ((368, 122), Anchor::Start),
        words: &["5xx, or too old:", "a bounce tells Alice"],
    },
];

/// Not a message that goes, but one that stays.
const AGAIN: Way = Way {
    points: &[(600, 266), (600, 302), (299, 302), (299, 266)],
    class: FAILED,
    words_at: ((314, 322), Anchor::Start),
    words: &["4xx, or no answer: kept, and tried again"],
};

/// What an arrow looks like, and what it means.
const KEY: [(&str, &str); 4] = [
    (PUSHED, "pushed: its holder connects"),
    (PULLED, "pulled: its reader connects"),
    (INSIDE, "inside of one machine"),
    (FAILED, "when it does not work"),
];

/// What is read, from top to bottom.
const DESCRIPTION: &str = "1, Alice's user agent (MUA), pushes the message \
    to her mail server client.example: 2, submission (MSA), port 587. 3, it \
    waits in a queue on the disk. 4, a look-up of the MX record finds the \
    machine for the recipient's domain. 5, the client (MTA) pushes it by \
    SMTP, port 25, to the server (MTA) at mx.example.org: that is Pillarbox. \
    6, delivery (MDA) puts it into the mailbox, a Maildir in the message \
    store. 7, Bob's user agent (MUA) pulls it from there by POP or IMAP. If \
    the answer is 4xx, or there is none, the message stays in the queue and \
    is tried again. If it is 5xx, or the message is too old, a bounce tells \
    Alice.";

const fn machine(at: Point, size: Point, name: &'static str) -> Place {
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
    Way { points, class: INSIDE, words_at: ((0, 0), Anchor::Start), words: &[] }
}

/// The picture.
pub fn draw() -> String {
    let title = "The way of a message";
    let mut svg = Svg::new(WIDTH, title, DESCRIPTION);
    svg.text((WIDTH / 2, 30), Anchor::Middle, "ink bold", title);
    for place in &MACHINES {
        svg.rect(place.at, place.size, place.class);
        let at = (place.at.0 + 80, place.at.1 + 20);
        svg.text(at, Anchor::Start, "soft small", place.name);
    }
    for place in &PARTS {
        draw_part(&mut svg, place);
    }
    for way in WAYS.iter().chain([&AGAIN]) {
        draw_way(&mut svg, way);
    }
    for (number, (class, words)) in (0..).zip(KEY) {
        let y = 548 + 24 * number;
        svg.arrow(&[(360, y), (410, y)], class);
        svg.text((424, y + 5), Anchor::Start, "ink small", words);
    }
    svg.finish(HEIGHT)
}

fn draw_way(svg: &mut Svg, way: &Way) {
    svg.arrow(way.points, way.class);
    let colour = way.class.split(' ').next().unwrap_or_default();
    let ((x, y), anchor) = way.words_at;
    for (number, words) in (0..).zip(way.words) {
        let class = format!("{colour} small");
        svg.text((x, y + 18 * number), anchor, &class, words);
    }
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
    use super::super::svg::word_width;
    use super::*;

    /// The letters are at most as wide as `word_width` says.
    #[test]
    fn no_words_touch_the_frame() {
        let key = KEY.map(|(_, words)| ((424, 0), Anchor::Start, words));
        let ways = WAYS.iter().chain([&AGAIN]).flat_map(|way| {
            let (at, anchor) = way.words_at;
            way.words.iter().map(move |words| (at, anchor, *words))
        });
        for ((x, _), anchor, words) in ways.chain(key) {
            let width = word_width(words.len());
            let (left, right) = match anchor {
                Anchor::End => (x - width, x),
                Anchor::Start | Anchor::Middle => (x, x + width),
            };
            assert!(left > 12 && right < WIDTH - 12, "{words}: {right}");
        }
        for part in &PARTS {
            let width = word_width(part.more.len().max(part.name.len()));
            assert!(width < part.size.0 + 8, "{}: {width}", part.more);
        }
    }

    #[test]
    fn every_part_stands_in_a_machine() {
        for part in &PARTS {
            let is_in = |machine: &Place| {
                let end = |place: &Place| {
                    (place.at.0 + place.size.0, place.at.1 + place.size.1)
                };
                let (inner, outer) = (end(part), end(machine));
                machine.at.0 < part.at.0
                    && machine.at.1 < part.at.1
                    && inner.0 < outer.0
                    && inner.1 < outer.1
            };
            assert!(MACHINES.iter().any(is_in), "{}", part.name);
        }
    }

    #[test]
    fn what_is_written_in_the_picture_is_also_said() {
        let said = DESCRIPTION.to_lowercase();
        for word in [
            "587",
            "25",
            "push",
            "pull",
            "queue",
            "mx record",
            "5xx",
            "mua",
            "msa",
            "mta",
            "mda",
            "1",
            "2",
            "3",
            "4",
            "5",
            "6",
            "7",
        ] {
            assert!(said.contains(word), "{word}");
            assert!(draw().to_lowercase().contains(word), "{word}");
        }
    }
}
