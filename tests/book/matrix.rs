//! A table of servers or of clients, as the page shows it: `book/matrix.md` or
//! `book/clients-matrix.md` with links. A row leads to its transcript, and a mark
//! to what was said instead. Rows in which nobody fails come last, folded.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::index::shown_at;
use super::tree::Tree;

/// The table of the servers, and that of the clients.
pub const SERVERS: &str = "book/matrix.md";
pub const CLIENTS: &str = "book/clients-matrix.md";

/// A row that is about a transcript: its title, its short name, its marks.
struct Row<'a> {
    title: &'a str,
    name: &'a str,
    marks: Vec<&'a str>,
}

/// The part of the page.
pub fn page(tree: &Tree, table: &str) -> String {
    let text = tree.text(table).unwrap_or_default();
    let mut lines = text.lines().filter(|line| line.starts_with('|'));
    let servers = cells(lines.next().unwrap_or_default());
    let rule = lines.next().unwrap_or_default();
    let (mut rows, mut sums) = (Vec::new(), Vec::new());
    for line in lines {
        match read(line) {
            Some(row) => rows.push(row),
            None => sums.push(line),
        }
    }
    let said = said(text);
    let shown = shown_at(tree, "");
    let says_something =
        |row: &Row<'_>| row.marks.iter().any(|mark| ["✗", "~"].contains(mark));
    let (telling, silent): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(says_something);
    let head = format!("| {} |\n{rule}\n", servers.join(" | "));
    let draw = |rows: &[Row<'_>]| {
        let draw = |row: &Row<'_>| draw(row, &servers, &said, &shown);
        head.clone() + &rows.iter().map(draw).collect::<String>()
    };
    let mut page = format!("<div class=\"matrix\">\n\n{}", draw(&telling));
    for line in sums {
        let _ = writeln!(page, "{line}");
    }
    page += "\n</div>\n\n";
    if let Some(key) = text.lines().find(|line| line.starts_with('✓')) {
        let _ = writeln!(page, "{key}\n");
    }
    let _ = writeln!(
        page,
        "<details>\n<summary>{} rows in which nobody fails</summary>\n\n\
         <div class=\"matrix\">\n\n{}\n</div>\n\n</details>\n",
        silent.len(),
        draw(&silent)
    );
    page += "What follows is what each of them did differently, in its own \
             words.\n";
    page + &differences(text)
}

fn cells(line: &str) -> Vec<&str> {
    let inner = line.trim_matches(['|', ' ']);
    inner.split(" | ").map(str::trim).collect()
}

/// `| A title `01-first/helo` | ✓ | ✗ |`
fn read(line: &str) -> Option<Row<'_>> {
    let cells = cells(line);
    let (first, marks) = cells.split_first()?;
    let (title, name) = first.strip_suffix('`')?.rsplit_once(" `")?;
    Some(Row { title, name, marks: marks.to_vec() })
}

fn draw(
    row: &Row<'_>,
    servers: &[&str],
    said: &BTreeMap<String, ()>,
    shown: &BTreeMap<String, String>,
) -> String {
    let path = format!("transcripts/{}.txt", row.name);
    let first = match shown.get(&path) {
        Some(target) => format!("[{}]({target}) `{}`", row.title, row.name),
        None => format!("{} `{}`", row.title, row.name),
    };
    let mark = |(mark, server): (&&str, &&str)| {
        let id = id(server, row.name);
        match said.contains_key(&id) {
            true => format!("[{mark}](#{id})"),
            false => (*mark).to_owned(),
        }
    };
    let marks = row.marks.iter().zip(&servers[1..]).map(mark);
    let cells: Vec<String> = [first].into_iter().chain(marks).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// Where the page says what a server did: `postfix-08-end-of-data-lf-dot-lf`.
fn id(server: &str, name: &str) -> String {
    let text = format!("{server} {name}").to_lowercase();
    let words = text.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

/// The explanations that there are, by their ids.
fn said(text: &str) -> BTreeMap<String, ()> {
    let mut found = BTreeMap::new();
    let mut server = "";
    for line in text.lines() {
        server = line.strip_prefix("## ").unwrap_or(server);
        if let Some(name) = explained(line) {
            found.insert(id(server, name), ());
        }
    }
    found
}

/// `- A title (must), `transcripts/01-first/helo.txt:9`: ...`
fn explained(line: &str) -> Option<&str> {
    let (_, rest) = line.strip_prefix("- ")?.split_once("`transcripts/")?;
    Some(rest.split_once(".txt")?.0)
}

/// What each server did, each with an id.
fn differences(text: &str) -> String {
    let mut page = String::new();
    let mut server = "";
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            server = name;
            let _ = write!(page, "\n## {name}\n\n");
        } else if let (Some(name), Some(rest)) =
            (explained(line), line.strip_prefix("- "))
        {
            let id = id(server, name);
            let _ = writeln!(page, "- <a id=\"{id}\"></a>{rest}");
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_leads_to_its_transcript_and_a_mark_to_what_was_said() {
        let table = "| transcript | A | B 1.2 |\n|---|---|---|\n\
            | One `b/c` | ✓ | ✗ |\n| Two `b/d` | ✓ | – |\n\
            | passed of judged | 2 of 2 | 0 of 1 |\n\n✓ passed\n\n\
            ## B 1.2\n\n- One (must), `transcripts/b/c.txt:9`: `` no ``\n";
        let tree = Tree::of(&[
            (SERVERS, table),
            ("transcripts/b/c.txt", ""),
            ("book/src/SUMMARY.md", "- [A](a.md)\n"),
            ("book/src/a.md", "# X\n{{#include ../../transcripts/b/c.txt}}\n"),
        ]);
        let page = page(&tree, SERVERS);
        for want in [
            "| [One](a.md#x) `b/c` | ✓ | [✗](#b-1-2-b-c) |\n| passed of judged",
            "<summary>1 rows in which nobody fails</summary>",
            "| Two `b/d` | ✓ | – |\n",
            "- <a id=\"b-1-2-b-c\"></a>One (must),",
        ] {
            assert!(page.contains(want), "{want}: {page}");
        }
    }
}
