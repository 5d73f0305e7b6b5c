//! `replay --matrix A.tsv B.tsv`: one table of several runs, in Markdown.
//!
//! A row is a transcript, with a link to its file; a column is a run, named
//! after its file. The date comes in as data.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use super::tsv::{self, Record};
use crate::words::in_one_line;

/// One run.
struct Column {
    name: String,
    /// Verdicts by transcript.
    verdicts: BTreeMap<String, String>,
}

/// Several runs.
pub(crate) struct Matrix {
    columns: Vec<Column>,
    /// File and title of each transcript, in the order of the runs.
    rows: Vec<(String, String)>,
}

impl Matrix {
    /// Reads the reports. An error names the file and the line.
    pub(crate) fn read(paths: &[PathBuf]) -> Result<Matrix, String> {
        let mut matrix = Matrix { columns: Vec::new(), rows: Vec::new() };
        for path in paths {
            let shown = in_one_line(path);
            let text = fs::read_to_string(path)
                .map_err(|error| format!("{shown}: {error}"))?;
            let records =
                tsv::read(&text).map_err(|text| format!("{shown}:{text}"))?;
            let name = path.file_stem().unwrap_or_default();
            matrix.add(&name.to_string_lossy(), records);
        }
        Ok(matrix)
    }

    fn add(&mut self, name: &str, records: Vec<Record>) {
        let mut verdicts = BTreeMap::new();
        for record in records {
            if !self.rows.iter().any(|(file, _)| *file == record.file) {
                self.rows.push((record.file.clone(), record.title));
            }
            verdicts.insert(record.file, record.verdict);
        }
        let name = name.into();
        self.columns.push(Column { name, verdicts });
    }

    /// Writes the table. Links lead from the folder of `page`, if it has one.
    pub(crate) fn write(
        &self,
        out: &mut dyn Write,
        page: Option<&Path>,
        date: &str,
    ) -> io::Result<()> {
        let names = self.columns.iter().map(|column| cell(&column.name));
        let names: Vec<String> = names.collect();
        writeln!(out, "| transcript | {} |", names.join(" | "))?;
        let line = "|---".repeat(names.len() + 1);
        writeln!(out, "{line}|")?;
        for (file, title) in &self.rows {
            let signs = self.columns.iter().map(|column| column.sign(file));
            let signs: Vec<&str> = signs.collect();
            let (title, link) = (cell(title), link(file, page));
            writeln!(out, "| [{title}]({link}) | {} |", signs.join(" | "))?;
        }
        let counts = self.columns.iter().map(Column::count);
        let counts: Vec<String> = counts.collect();
        writeln!(out, "| passed of judged | {} |", counts.join(" | "))?;
        writeln!(
            out,
            "\n✓ passed · ✗ failed · ~ weak: a `should` or `may` that is done \
             differently · – not judged: the server lacks what the transcript \
             needs, or it shows only Pillarbox's own way. As of {date}."
        )
    }
}

impl Column {
    fn sign(&self, file: &str) -> &'static str {
        match self.verdicts.get(file).map(String::as_str) {
            Some("pass") => "✓",
            Some("fail" | "lost") => "✗",
            Some("weak") => "~",
            Some(_) | None => "–",
        }
    }

    fn count(&self) -> String {
        let count = |wanted: &[&str]| {
            let verdicts = self.verdicts.values();
            verdicts
                .filter(|verdict| wanted.contains(&verdict.as_str()))
                .count()
        };
        let judged = count(&["pass", "fail", "weak", "lost"]);
        format!("{} of {judged}", count(&["pass"]))
    }
}

/// Text in a cell: what Markdown would take for its own is escaped.
fn cell(text: &str) -> String {
    let special = |c: char| "\\`*_[]<>|~".contains(c);
    let mut cell = String::new();
    for c in text.chars() {
        if special(c) {
            cell.push('\\');
        }
        cell.push(c);
    }
    cell
}

/// The way from the page to the transcript, both seen from where we are.
fn link(file: &str, page: Option<&Path>) -> String {
    let folder = page.and_then(Path::parent).unwrap_or(Path::new(""));
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    let file = in_one_line(Path::new(file)).replace(' ', "%20");
    if Path::new(&file).is_absolute() || !folder.components().all(is_plain) {
        return file;
    }
    format!("{}{file}", "../".repeat(folder.components().count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(file: &str, verdict: &str) -> Record {
        Record {
            file: file.into(),
            verdict: verdict.into(),
            title: format!("Title of {file}"),
        }
    }

    #[test]
    fn each_run_is_a_column_and_each_transcript_a_row() {
        let mut matrix = Matrix { columns: Vec::new(), rows: Vec::new() };
        let a = ["pass", "fail", "weak", "skip"];
        let a = a.iter().map(|verdict| record(verdict, verdict)).collect();
        matrix.add("a_1", a);
        matrix.add("b", vec![record("pass", "fail"), record("new", "pass")]);
        let mut out = Vec::new();
        let page = Path::new("book/src/matrix.md");
        matrix.write(&mut out, Some(page), "2026-11-22").unwrap();
        let text = String::from_utf8(out).unwrap();
        let wanted = r"| transcript | a\_1 | b |
|---|---|---|
| [Title of pass](../../pass) | ✓ | ✗ |
| [Title of fail](../../fail) | ✗ | – |
| [Title of weak](../../weak) | ~ | – |
| [Title of skip](../../skip) | – | – |
| [Title of new](../../new) | – | ✓ |
| passed of judged | 1 of 3 | 1 of 2 |
";
        assert!(text.starts_with(wanted), "{text}");
        assert!(text.ends_with("As of 2026-11-22.\n"), "{text}");
    }

    #[test]
    fn a_link_leads_from_the_page_to_the_file() {
        let table = [
            ("a b.txt", None, "a%20b.txt"),
            ("a.txt", Some("m.md"), "a.txt"),
            ("t/a.txt", Some("book/m.md"), "../t/a.txt"),
            ("/t/a.txt", Some("book/m.md"), "/t/a.txt"),
            ("t/a.txt", Some("../m.md"), "t/a.txt"),
        ];
        for (file, page, wanted) in table {
            assert_eq!(link(file, page.map(Path::new)), wanted);
        }
    }
}
