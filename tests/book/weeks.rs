//! The points of "Your own server": what a student's server can be asked in
//! each week, counted in the transcripts.

use std::collections::BTreeMap;
use std::path::Path;

use pillarbox::transcript::format::header::{Header, Level, Plays};
use pillarbox::transcript::format::parse::parse;

use super::tree::Tree;

/// The weeks of the course: their chapters, and the stage they end with. In
/// the last one there is nothing new for a server.
const WEEKS: [(&str, u8); 7] = [
    ("0, 1", 1),
    ("2", 2),
    ("3", 3),
    ("4", 4),
    ("5", 5),
    ("6", 6),
    ("7, 8", 8),
];

/// One transcript that other servers are asked as well.
struct Asked {
    folder: String,
    stage: u8,
    is_point: bool,
    /// What a server must offer, or be able to limit, to be asked.
    needs: Vec<String>,
}

/// The table, one row for each week.
pub fn table(tree: &Tree) -> String {
    let asked: Vec<Asked> = tree
        .under("transcripts/")
        .filter_map(|(path, text)| read(path, text))
        .collect();
    let mut rows = String::from(
        "| week | chapters | `--stage` | new conversations | points by then \
         | and, if your server has |\n|---|---|---|---|---|---|\n",
    );
    let mut before = None;
    for (week, (chapters, stage)) in (1..).zip(WEEKS) {
        let is_new = |a: &&Asked| {
            a.stage <= stage && before.is_none_or(|before| a.stage > before)
        };
        let new = folders(asked.iter().filter(is_new));
        let by_then = || asked.iter().filter(|a| a.stage <= stage);
        let points = by_then().filter(|a| a.is_point && a.needs.is_empty());
        rows.push_str(&format!(
            "| {week} | {chapters} | {stage} | {new} | {} | {} |\n",
            points.count(),
            more(by_then()),
        ));
        before = Some(stage);
    }
    rows
}

/// None of Pillarbox's own habits, and none that plays a server.
fn read(path: &str, text: &str) -> Option<Asked> {
    let transcript = parse(Path::new(path), text.as_bytes()).ok()?;
    let header: Header = transcript.header;
    let folder = path.split('/').nth(1)?.to_owned();
    let is_asked = header.level != Level::Own && header.plays == Plays::Client;
    let limits = header.server.iter().map(|(name, _)| format!("{{{name}}}"));
    let needs = header.needs.iter().cloned().chain(limits).collect();
    let is_point = header.level == Level::Must;
    let stage = header.stage?;
    is_asked.then_some(Asked { folder, stage, is_point, needs })
}

/// `01-first` (11), and so on.
fn folders<'a>(asked: impl Iterator<Item = &'a Asked>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for one in asked {
        *counts.entry(&one.folder).or_default() += 1;
    }
    let folder = |(name, count): (&str, usize)| format!("`{name}` ({count})");
    counts.into_iter().map(folder).collect::<Vec<_>>().join("<br>")
}

/// `PIPELINING`: 3, and so on.
fn more<'a>(asked: impl Iterator<Item = &'a Asked>) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for one in asked.filter(|one| one.is_point && !one.needs.is_empty()) {
        let needs = one.needs.iter().map(|need| format!("`{need}`"));
        let needs = needs.collect::<Vec<_>>().join(" and ");
        *counts.entry(needs).or_default() += 1;
    }
    let need = |(needs, count)| format!("{needs}: {count}");
    counts.into_iter().map(need).collect::<Vec<_>>().join("<br>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_a_must_that_everybody_is_asked() {
        let page = |level: &str, more: &str| {
            format!(
                "Title: t\nLevel: {level}\nStage: 2\n{more}\nS: 220 {{...}}\n\
                 (client closes)\n"
            )
        };
        let (must, own) = (page("must", ""), page("own", ""));
        let should = page("should", "");
        let needs = page("must", "Needs: SIZE\n");
        let limit = page("must", "Server: max-size=100\n");
        let tree = Tree::of(&[
            ("transcripts/01-a/must.txt", &must),
            ("transcripts/01-a/own.txt", &own),
            ("transcripts/02-b/limit.txt", &limit),
            ("transcripts/02-b/needs.txt", &needs),
            ("transcripts/02-b/should.txt", &should),
        ]);
        let table = table(&tree);
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(rows[0], "| 1 | 0, 1 | 1 |  | 0 |  |");
        assert_eq!(
            rows[1],
            "| 2 | 2 | 2 | `01-a` (1)<br>`02-b` (3) | 1 | `SIZE`: \
             1<br>`{max-size}`: 1 |"
        );
        assert!(rows[2].ends_with("|  | 1 | `SIZE`: 1<br>`{max-size}`: 1 |"));
    }
}
