//! The reports that a page prints under a `replay` are what the program says
//! today, except for the time, the fingerprint, and where the program is.

use std::path::Path;
use std::process::{Command, Stdio};

use super::page::{Block, Page, pages_and_readme};
use super::tree::{Tree, at, root};

const TYPED: &str = "$ cargo run -- replay ";

/// How many lines are between the command and its report: both fences, and an
/// empty line.
const BETWEEN: usize = 3;

/// A finding for each report that is out of date; and how many were compared.
pub fn check(tree: &Tree, binary: &Path) -> (Vec<String>, usize) {
    let pages = pages_and_readme(tree);
    let shown: Vec<_> = pages.iter().flat_map(shown).collect();
    let wrong = |(path, typed, report): &(&str, Block, Block)| {
        let printed = printed(binary, typed.lines[0].strip_prefix(TYPED)?);
        let printed: Vec<String> = plain(printed.lines());
        let is_same = printed == plain(report.lines.iter().map(String::as_str));
        let what = format!("it prints today:\n{}", printed.join("\n"));
        (!is_same).then(|| at(path, report.line, &what))
    };
    (shown.iter().filter_map(wrong).collect(), shown.len())
}

/// Each `replay` of a page with the report right below it.
fn shown(page: &Page) -> Vec<(&str, Block, Block)> {
    let blocks = page.blocks();
    let next = blocks.iter().skip(1);
    blocks
        .iter()
        .zip(next)
        .filter(|(typed, report)| {
            let end = typed.line + typed.lines.len() + BETWEEN;
            let is_replay = typed.lines.len() == 1
                && typed.lines.iter().all(|line| line.starts_with(TYPED));
            is_replay && report.info == "text" && report.line == end
        })
        .map(|(typed, report)| (&*page.path, typed.clone(), report.clone()))
        .collect()
}

fn printed(binary: &Path, arguments: &str) -> String {
    let output = Command::new(binary)
        .arg("replay")
        .args(arguments.split(' '))
        .current_dir(root())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Without what is different on each machine.
fn plain<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let until = |line: &'a str, word| line.split_once(word).map(|(l, _)| l);
    let name = |line: &'a str| {
        let (talk, rest) = line.split_once(": ")?;
        let (_, replay) = rest.split_once(" replay --show ")?;
        Some(format!("{talk}: {replay}"))
    };
    lines
        .map(|line| {
            let time = until(line, " skipped, in ");
            let files = until(line, ", transcripts ");
            let short = time.or(files).unwrap_or(line);
            name(line).unwrap_or_else(|| short.to_owned())
        })
        .collect()
}
