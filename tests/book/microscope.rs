//! The bytes of a smuggled message, read by two rules: a line ends in CR LF and
//! in nothing else; or also in a line feed alone. One picture for each rule,
//! and the part of the page that has both.
//!
//! `book/live/microscope.js` does the same with the bytes that a reader writes.

use pillarbox::transcript::format::parse::parse;
use pillarbox::transcript::format::script::Action;
use pillarbox::transcript::format::text::{Part, Text};
use std::path::Path;

use super::svg::{Anchor, Svg, code_width};
use super::tree::Tree;

/// The transcript whose bytes are looked at.
const SMUGGLED: &str = "transcripts/08-end-of-data/lf-dot-lf.txt";

/// A rule, as it is said, with the name of its picture.
const RULES: [(Rule, &str, &str); 2] = [
    (Rule::CrLf, "CR LF and nothing else ends a line", "microscope-crlf.svg"),
    (Rule::LfToo, "A line feed alone ends a line, too", "microscope-lf.svg"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    CrLf,
    LfToo,
}

impl Rule {
    fn without_end(self, line: &str) -> &str {
        let line_feed = line.strip_suffix('\n').unwrap_or(line);
        match self {
            Rule::CrLf => line.strip_suffix("\r\n").unwrap_or(line),
            Rule::LfToo => line_feed.strip_suffix('\r').unwrap_or(line_feed),
        }
    }
}

/// A line, with its end, as the server of this rule understands it.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    kind: &'static str,
    bytes: String,
}

/// What is generated: the files and their texts.
pub fn parts(tree: &Tree) -> Vec<(String, String)> {
    let Some(bytes) = smuggled(tree) else {
        return Vec::new();
    };
    let mut files: Vec<(String, String)> = RULES
        .iter()
        .map(|(rule, words, name)| {
            let name = format!("pictures/{name}");
            (name, draw(words, &look(&bytes, *rule)))
        })
        .collect();
    files.push(("generated/microscope.md".to_owned(), page(&bytes)));
    files
}

/// From DATA to the dot. The bytes are ASCII.
fn smuggled(tree: &Tree) -> Option<String> {
    let text = tree.text(SMUGGLED)?;
    let transcript = parse(Path::new(SMUGGLED), text.as_bytes()).ok()?;
    let mut bytes = Vec::new();
    for step in &transcript.steps {
        match &step.action {
            Action::Send(text) => add(&mut bytes, text, "\r\n"),
            Action::SendRaw(text) => add(&mut bytes, text, ""),
            _ => {}
        }
    }
    let bytes = String::from_utf8(bytes).ok()?;
    bytes.find("DATA\r\n").map(|start| bytes[start..].to_owned())
}

fn add(bytes: &mut Vec<u8>, text: &Text, end: &str) {
    for part in &text.parts {
        if let Part::Bytes(part) = part {
            bytes.extend_from_slice(part);
        }
    }
    bytes.extend_from_slice(end.as_bytes());
}

/// What a server of this rule sees. It knows DATA and the dot, no more.
fn look(bytes: &str, rule: Rule) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let (mut rest, mut is_text) = (bytes, false);
    while !rest.is_empty() {
        let end = match rule {
            Rule::CrLf => rest.find("\r\n").map(|at| at + 2),
            Rule::LfToo => rest.find('\n').map(|at| at + 1),
        };
        let (line, after) = rest.split_at(end.unwrap_or(rest.len()));
        let words = rule.without_end(line);
        let kind = match (is_text, words) {
            (true, ".") if end.is_some() => "end",
            (true, _) => "text",
            (false, _) => "command",
        };
        is_text = match kind {
            "command" => words.eq_ignore_ascii_case("DATA"),
            kind => kind == "text",
        };
        pieces.push(Piece { kind, bytes: line.to_owned() });
        rest = after;
    }
    pieces
}

fn messages(pieces: &[Piece]) -> String {
    let count = pieces.iter().filter(|piece| piece.kind == "end").count();
    format!("{count} message{}", if count == 1 { "" } else { "s" })
}

/// The bytes so that they can be seen.
fn visible(bytes: &str) -> String {
    bytes.replace('\r', "\\r").replace('\n', "\\n")
}

const ROW: i32 = 24;

/// The same rows in both pictures: one for each line feed. So it can be seen
/// what changes: the words on the left.
fn draw(words: &str, pieces: &[Piece]) -> String {
    let mut svg = Svg::new(720, words, &description(pieces));
    svg.text((24, 34), Anchor::Start, "ink bold", words);
    let mut y = 64;
    for piece in pieces {
        let colour = colour(piece.kind);
        let rows: Vec<&str> = piece.bytes.split_inclusive('\n').collect();
        let height = i32::try_from(rows.len()).unwrap_or(1) * ROW - 4;
        // One line is one box, however many rows it takes.
        let longest = rows.iter().map(|row| visible(row).len()).max();
        let width = code_width(longest.unwrap_or(1)) + 20;
        let class = match piece.kind {
            "end" => format!("panel {colour} thick"),
            _ => format!("panel {colour}"),
        };
        svg.rect((110, y - 16), (width, height), &class);
        let kind = format!("{colour} small bold");
        svg.text((24, y), Anchor::Start, &kind, piece.kind);
        for row in rows {
            let code = format!("{colour} code");
            svg.text((120, y), Anchor::Start, &code, &visible(row));
            y += ROW;
        }
    }
    let end = format!("→ {}", messages(pieces));
    svg.text((24, y + 8), Anchor::Start, "ink bold", &end);
    svg.finish(y + 26)
}

fn colour(kind: &str) -> &'static str {
    match kind {
        "command" => "client",
        "end" => "server",
        _ => "ink",
    }
}

fn description(pieces: &[Piece]) -> String {
    let piece =
        |piece: &Piece| format!("{}: {}", piece.kind, visible(&piece.bytes));
    let pieces_in_words: Vec<String> = pieces.iter().map(piece).collect();
    format!("{}. This makes {}.", pieces_in_words.join(", "), messages(pieces))
}

/// What the page includes. The script makes the pictures live.
fn page(bytes: &str) -> String {
    let mut text = format!(
        "<div class=\"microscope\" data-bytes=\"{}\">\n\n",
        visible(bytes).replace('<', "&lt;").replace('>', "&gt;")
    );
    for (rule, words, name) in RULES {
        let count = messages(&look(bytes, rule));
        text += &format!(
            "![{words}: the bytes make {count}. Each line is marked as command, \
             text or end.](pictures/{name})\n\n"
        );
    }
    text + "</div>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_are_one_message_or_two() {
        let bytes = "DATA\r\nhello\n.\nRSET\r\nDATA\r\nx\r\n.\r\n";
        let kinds = |rule| {
            let pieces = look(bytes, rule);
            pieces.iter().map(|piece| piece.kind).collect::<Vec<_>>()
        };
        let strict = ["command", "text", "text", "text", "end"];
        assert_eq!(kinds(Rule::CrLf), strict);
        let friendly =
            ["command", "text", "end", "command", "command", "text", "end"];
        assert_eq!(kinds(Rule::LfToo), friendly);
        assert_eq!(messages(&look(bytes, Rule::LfToo)), "2 messages");
    }

    /// CR CR LF ends a line that is a dot and a CR.
    #[test]
    fn a_dot_before_two_carriage_returns_is_not_alone() {
        for (rule, _, _) in RULES {
            assert_eq!(look("DATA\r\n.\r\r\n", rule)[1].kind, "text");
        }
    }

    #[test]
    fn no_byte_is_lost() {
        let bytes = "DATA\r\na\nb\r.\r\n.\nc";
        for (rule, _, _) in RULES {
            let pieces = look(bytes, rule);
            let all: String =
                pieces.iter().map(|piece| piece.bytes.as_str()).collect();
            assert_eq!(all, bytes);
        }
    }
}
