//! The state table, the reply table and the table of retries, as Markdown: from
//! the machine, the replies and the schedule themselves. No state, command or
//! reply can be left out.

use pillarbox::protocol::command::Command;
use pillarbox::protocol::reply::{self, Reply};
use pillarbox::protocol::session::{Session, Turn};
use pillarbox::relay::schedule::Schedule;
use pillarbox::server::Settings;
use pillarbox::transcript::format::header::Plays;
use pillarbox::transcript::format::parse::parse;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::index::{short, shown_at};
use super::tree::{Tree, at};
use super::walk::walk;
use crate::support::machine::{COLUMNS, ROWS, outcome, session_in};

const MACHINE: &str = "src/protocol/session.rs";
const COMMANDS: &str = "src/protocol/command.rs";

/// Every command in every state, each with the line that was sent for it.
///
/// Bold is a change of state; marked is a reply that most states do not give to
/// this command.
pub fn states() -> String {
    let names = COLUMNS.map(|(state, _)| state.to_owned());
    let mut text = row([&["command".to_owned()][..], &names].concat());
    text += &rule(COLUMNS.len() + 1);
    for (name, line) in ROWS {
        let outcomes = COLUMNS.map(|(_, way)| outcome(way, name));
        let usual = usual_code(&outcomes);
        let cells = outcomes.iter().map(|outcome| shown(outcome, &usual));
        let head = match line == name {
            true => format!("`{line}`"),
            false => format!("{name}<br>`{line}`"),
        };
        text += &row([head].into_iter().chain(cells).collect());
    }
    text
}

/// The life of a message to a host that never answers, without the random
/// factor. Tries with the same wait after them share a row.
pub fn retries() -> String {
    let ages: Vec<Duration> = Schedule::default().life(1.0).collect();
    let waits = ages.windows(2).map(|pair| age(pair[1] - pair[0]));
    let waits: Vec<String> = waits.chain(["bounce".to_owned()]).collect();
    let mut text = row(["try", "age", "then"].map(str::to_owned).to_vec());
    text += &rule(3);
    let mut first = 0;
    for same in waits.chunk_by(|one, other| one == other) {
        let last = first + same.len() - 1;
        let from_to = |show: &dyn Fn(usize) -> String| match last - first {
            0 => show(first),
            _ => format!("{} to {}", show(first), show(last)),
        };
        let number = from_to(&|n| (n + 1).to_string());
        text += &row(vec![number, from_to(&|n| age(ages[n])), same[0].clone()]);
        first = last + 1;
    }
    text
}

/// `4 d 21 h 30 min`.
fn age(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    let parts = [(minutes / 1_440, "d"), (minutes / 60 % 24, "h")];
    let parts = parts.into_iter().chain([(minutes % 60, "min")]);
    let parts = parts.filter(|(count, _)| *count > 0);
    let words: Vec<_> = parts.map(|(n, unit)| format!("{n} {unit}")).collect();
    if words.is_empty() { "0".to_owned() } else { words.join(" ") }
}

/// The code that comes most often in a row, the first one of equals.
fn usual_code(outcomes: &[String]) -> String {
    let code = |outcome: &String| outcome.split(' ').next().map(str::to_owned);
    let codes: Vec<String> = outcomes.iter().filter_map(code).collect();
    let is_code = |code: &&String| *code != ".";
    let count = |code: &String| codes.iter().filter(|c| *c == code).count();
    let most = codes.iter().filter(is_code).map(count).max();
    let usual = codes.iter().find(|code| Some(count(code)) == most);
    usual.cloned().unwrap_or_default()
}

/// A new state needs a column, and a new command a row: what has none.
pub fn missing(tree: &Tree) -> Vec<String> {
    let states =
        COLUMNS.map(|(_, way)| session_in(way).state().name().to_string());
    let read = |line: &str| format!("{:?}", Command::parse(line.as_bytes()));
    let rows = ROWS.map(|(_, line)| read(line));
    let commands = rows.map(|read| word(&read));
    let mut findings = Vec::new();
    for (path, name, known, what) in [
        (MACHINE, "State", &states[..], "column"),
        (COMMANDS, "Command", &commands[..], "row"),
    ] {
        for (line, variant) in variants(tree, path, name) {
            if !known.contains(&variant) {
                let what = format!(
                    "{name}::{variant} has no {what} in \
                     tests/support/machine.rs"
                );
                findings.push(at(path, line, &what));
            }
        }
    }
    findings
}

/// The variants of an enum in a source file, each with its line.
fn variants(tree: &Tree, path: &str, name: &str) -> Vec<(usize, String)> {
    let text = tree.text(path).unwrap_or_default();
    let start = format!("pub enum {name} {{");
    let lines = (1..).zip(text.lines()).skip_while(|(_, l)| *l != start);
    let inside = lines.skip(1).take_while(|(_, line)| *line != "}");
    let variant = |(number, line): (usize, &str)| {
        let name = word(line.strip_prefix("    ")?);
        name.starts_with(char::is_uppercase).then_some((number, name))
    };
    inside.filter_map(variant).collect()
}

/// The letters that a text begins with.
fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric()).collect()
}

/// `250 Greeted` has an arrow on the page; silence is a dot.
fn shown(outcome: &str, usual: &str) -> String {
    match outcome.split_once(' ') {
        Some((code, state)) => format!("**{code} → {state}**"),
        None if outcome == "." => "·".to_owned(),
        None if outcome != usual => format!("<mark>{outcome}</mark>"),
        None => outcome.to_owned(),
    }
}

/// Every reply by its first digit, in the order of its code.
pub fn replies(tree: &Tree) -> String {
    let names = names(tree);
    let shown = shown_at(tree, "appendix/");
    let said = first_said(tree);
    let mut all: Vec<(&String, &Reply)> =
        names.iter().zip(reply::ALL).collect();
    all.sort_by_key(|(_, reply)| reply.code);
    let mut text = String::new();
    for (class, title) in [
        (2, "done"),
        (3, "go on"),
        (4, "not now, try again"),
        (5, "never, as it is"),
    ] {
        text += &format!("## {class}xx: {title}\n\n");
        text += "| code | text | rule | shown in |\n";
        text += &rule(4);
        for (name, reply) in &all {
            if reply.code / 100 == class {
                let place = said.get(reply.rule).map(|path| {
                    let target = shown.get(path).map_or("", |t| t);
                    format!("[{}]({target})", short(path))
                });
                text += &reply_row(name, reply, place);
            }
        }
        text += "\n";
    }
    text.trim_end().to_owned() + "\n"
}

/// The names of the constants, in the order of `ALL`.
fn names(tree: &Tree) -> Vec<String> {
    let source = tree.text("src/protocol/reply.rs").unwrap_or_default();
    let name = |line: &str| {
        let name = line.strip_prefix("pub const ")?;
        name.strip_suffix(": Reply = Reply {").map(str::to_owned)
    };
    let names: Vec<String> = source.lines().filter_map(name).collect();
    assert!(
        names.len() == reply::ALL.len(),
        "src/protocol/reply.rs: put each constant into ALL"
    );
    names
}

/// The first transcript in which each reply is said, by its rule: what the
/// machine says, or, where it cannot play, what is written.
fn first_said(tree: &Tree) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (path, text) in tree.under("transcripts/") {
        let Ok(transcript) = parse(Path::new(path), text.as_bytes()) else {
            continue;
        };
        let rules: Vec<String> = match walk(&transcript) {
            Some(said) => said.into_iter().map(|said| said.rule).collect(),
            None if transcript.header.plays == Plays::Server => Vec::new(),
            None => reply::ALL
                .iter()
                .filter(|reply| text.contains(&written(reply)))
                .map(|reply| reply.rule.to_owned())
                .collect(),
        };
        for rule in rules {
            found.entry(rule).or_insert_with(|| path.to_owned());
        }
    }
    found
}

/// A reply as a page writes it.
fn written(reply: &Reply) -> String {
    let codes = format!("{} {}", reply.code, reply.enhanced);
    format!("S: {} {}", codes.trim(), reply.text)
}

/// A section as a link to its text.
fn section_link(section: &str) -> String {
    let words = section.replace(" section ", " ");
    match words.split(' ').collect::<Vec<_>>()[..] {
        ["RFC", rfc, number] => format!(
            "[{section}](https://www.rfc-editor.org/rfc/rfc{rfc}\
             #section-{number})"
        ),
        _ => section.to_owned(),
    }
}

fn reply_row(name: &str, reply: &Reply, place: Option<String>) -> String {
    let mut lines = vec![reply.text.to_owned()];
    lines.extend(further_lines(reply));
    let lines = lines.iter().map(|line| format!("`{line}`"));
    let text: Vec<String> = lines.collect();
    let codes = format!("{}<br>{}", reply.code, reply.enhanced);
    let why = reply.rule.replace('<', "&lt;");
    row(vec![
        codes.trim_end_matches("<br>").to_owned(),
        text.join("<br>"),
        format!("{why} ({})<br>`{name}`", section_link(reply.section)),
        place.unwrap_or_default(),
    ])
}

/// The lines that follow the first: the machine is asked for them, with the
/// options that a server has if nobody gives any.
fn further_lines(reply: &Reply) -> Vec<String> {
    let offer = Settings::new(Path::new("mail")).offer;
    for line in ["EHLO client.example", "HELP", "HELP MAIL"] {
        let command = Command::parse(line.as_bytes());
        if let Turn::Step(step) = Session::new(offer.clone()).step(command)
            && step.answer.reply == *reply
        {
            return step.answer.lines;
        }
    }
    Vec::new()
}

/// One row of a Markdown table.
pub fn row(cells: Vec<String>) -> String {
    let cells: Vec<String> =
        cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// The line below the head of a table.
pub fn rule(columns: usize) -> String {
    format!("|{}\n", "---|".repeat(columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The golden numbers of RFC 5321 4.5.4.1: two tries in the first hour,
    /// then one every three hours, for five days.
    #[test]
    fn the_life_of_a_message_to_a_dead_host_is_six_rows() {
        let want = "\
| try | age | then |
|---|---|---|
| 1 | 0 | 30 min |
| 2 | 30 min | 1 h |
| 3 | 1 h 30 min | 2 h |
| 4 to 41 | 3 h 30 min to 4 d 18 h 30 min | 3 h |
| 42 | 4 d 21 h 30 min | 2 h 30 min |
| 43 | 5 d | bounce |
";
        assert_eq!(retries(), want);
    }

    #[test]
    fn what_differs_in_a_row_stands_out() {
        let table = states();
        for want in [
            "| EHLO wrong<br>`EHLO` | 501 | 501 |",
            "| 503 | **250 → Mail** | 503 |",
            "| 503 | <mark>555</mark> | 503 |",
            "| 503 | 503 | 503 | <mark>554</mark> | **354 → Data** | · | · |",
        ] {
            assert!(table.contains(want), "{want}: {table}");
        }
    }

    #[test]
    fn a_new_state_and_a_new_command_are_found() {
        let tree = Tree::of(&[
            (MACHINE, "pub enum State {\n    Mail(T),\n    Asleep,\n}\n"),
            (COMMANDS, "pub enum Command {\n    /// X.\n    Bdat,\n}\n"),
        ]);
        let end = "in tests/support/machine.rs";
        let want = [
            format!("{MACHINE}:3: State::Asleep has no column {end}"),
            format!("{COMMANDS}:3: Command::Bdat has no row {end}"),
        ];
        assert_eq!(missing(&tree), want);
    }
}
