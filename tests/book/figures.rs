//! The tables of the page of figures, from the rows that were measured: each
//! run is a row under `tests/figures/`, and what belongs together is added up.
//!
//! Interface:
//!   `parts`   the tables as Markdown, by the names of their files
//!   `Rows`    a table of measurements

use super::tables::{row, rule};
use super::tree::Tree;

const FOLDER: &str = "tests/figures/";

/// What becomes of a column when the rows of one trial are put together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Says which trial it is.
    Key,
    Sum,
    /// Seconds that are added up, and shown as hours.
    Hours,
    /// The one in the middle.
    Median,
    /// The smallest of all.
    Least,
    /// The largest of all.
    Most,
    /// The last one that was measured.
    Last,
    /// How many runs there were; the column says nothing.
    Runs,
}

use How::{Hours, Key, Last, Least, Median, Most, Runs, Sum};

/// A table of measurements and what the page shows of it: columns, what they
/// are called there, and how they are put together.
type Shown = (&'static str, &'static [Column]);
type Column = (&'static str, &'static str, How);

const SHOWN: [Shown; 16] = [
    (
        "power-cuts",
        &[
            ("fs", "file system", Key),
            ("mail", "mail", Key),
            ("directory_sync", "directory sync", Key),
            ("file_sync", "file sync", Key),
            ("rounds", "cuts", Sum),
            ("acknowledged", "answered 250", Sum),
            ("lost", "lost", Sum),
            ("torn", "torn", Sum),
            ("twice", "there twice", Sum),
        ],
    ),
    (
        "kills",
        &[
            ("kills", "kills", Sum),
            ("with_mail_in_a_queue", "with mail in a queue", Sum),
            ("acknowledged", "answered 250", Sum),
            ("lost", "lost", Sum),
            ("twice", "arrived twice", Sum),
        ],
    ),
    (
        "crashes",
        &[
            ("what", "on the disk in memory", Key),
            ("tried", "tried", Last),
            ("wrong", "wrong", Last),
        ],
    ),
    (
        "cells",
        &[
            ("part", "calls of", Key),
            ("cells", "cells", Last),
            ("idle", "faults that did not come", Last),
            ("wrong", "wrong", Sum),
            ("date", "runs", Runs),
        ],
    ),
    (
        "full-disks",
        &[
            ("cells", "full disks", Last),
            ("refused", "messages refused", Last),
            ("wrong", "wrong", Sum),
            ("date", "runs", Runs),
        ],
    ),
    (
        "resets",
        &[
            ("cells", "conversations cut", Last),
            ("wrong", "wrong", Sum),
            ("date", "runs", Runs),
        ],
    ),
    (
        "slow",
        &[
            ("clients", "slow clients", Last),
            ("wrong", "wrong", Sum),
            ("latest", "a time-out came late by at most, s", Most),
            ("ratio", "the others' rate, compared with alone, at least", Least),
            ("date", "runs", Runs),
        ],
    ),
    (
        "exhausted",
        &[
            ("part", "nothing left of", Key),
            ("inside", "served", Last),
            ("outside", "waiting or sent away", Last),
            ("processor_percent", "% of a processor", Last),
            ("lines_a_second", "lines of the log a second", Last),
            ("wrong", "wrong", Sum),
        ],
    ),
    (
        "soak",
        &[
            ("commit", "on commit", Key),
            ("minutes", "minutes", Last),
            ("messages", "messages", Last),
            ("relayed", "relayed", Last),
            ("bounces", "bounces", Last),
            ("hostile", "hostile connections", Last),
            ("lost", "lost", Sum),
            ("wrong", "wrong", Sum),
            ("rss_begin", "KiB at the beginning", Last),
            ("rss_end", "KiB at the end", Last),
            ("threads", "threads, begin/end", Last),
            ("descriptors", "descriptors, begin/end", Last),
        ],
    ),
    (
        "fuzz",
        &[
            ("target", "target", Key),
            ("executions", "executions", Sum),
            ("seconds", "hours", Hours),
            ("coverage", "edges covered", Last),
            ("crashes", "found wrong", Sum),
        ],
    ),
    (
        "bench",
        &[
            ("place", "mail is", Key),
            ("peer", "against", Key),
            ("form", "messages on a connection", Key),
            ("sessions", "clients", Key),
            ("ratio", "ratio", Median),
            ("ratio_low", "lowest", Least),
            ("ratio_high", "highest", Most),
            ("ours", "ours a second", Median),
            ("theirs", "theirs a second", Median),
            ("cpu_ours", "our ms", Median),
            ("cpu_theirs", "their ms", Median),
            ("date", "runs", Runs),
        ],
    ),
    (
        "held",
        &[
            ("held", "connections", Key),
            ("rss_kib", "process, KiB", Median),
            ("rss_each_kib", "each", Median),
            ("group_each_kib", "each, with the kernel's", Median),
            ("median_ms", "a new client is greeted after, ms", Median),
            ("worst_ms", "at worst", Most),
        ],
    ),
    (
        "memory",
        &[
            ("clients", "clients at once", Key),
            ("bytes_each", "bytes of a message", Key),
            ("before_kib", "before, KiB", Median),
            ("most_kib", "at most, KiB", Most),
        ],
    ),
    (
        "growth",
        &[
            ("what", "what has grown", Key),
            ("count", "to", Key),
            ("place", "on", Key),
            ("ms", "ms a message", Median),
            ("ms_small", "ms when small", Median),
            ("ratio", "ratio", Median),
            ("date", "runs", Runs),
        ],
    ),
    (
        "calls",
        &[
            ("form", "messages on a connection", Key),
            ("calls", "system calls", Median),
            ("cpu_ms", "processor, ms", Median),
            ("date", "runs", Runs),
        ],
    ),
    (
        "race",
        &[
            ("messages", "messages relayed", Key),
            ("delay", "the next host takes, s", Key),
            ("ours_s", "ours, s", Median),
            ("theirs_s", "Postfix, s", Median),
            ("ratio", "ratio", Median),
            ("date", "runs", Runs),
        ],
    ),
];

/// The parts of the page, by the names of their files. A table that nobody has
/// measured yet is a finding.
pub fn parts(tree: &Tree) -> (Vec<(String, String)>, Vec<String>) {
    let (mut parts, mut findings) = (Vec::new(), Vec::new());
    for (name, columns) in SHOWN {
        match Rows::read(tree, name).and_then(|rows| part(&rows, columns)) {
            Ok(text) => parts.push((format!("figures-{name}.md"), text)),
            Err(why) => findings.push(why),
        }
    }
    (parts, findings)
}

fn part(rows: &Rows, columns: &[Column]) -> Result<String, String> {
    for (name, _, _) in columns {
        if !rows.names.iter().any(|known| known == name) {
            return Err(format!("{}:1: there is no column {name}", rows.path));
        }
    }
    // What is always nothing, such as what was lost, counts nothing.
    let counts = |column: &&Column| {
        let all: Vec<usize> = (0..rows.rows.len()).collect();
        column.2 == Sum
            && put_together(&rows.column(column.0, &all), Sum) != "0"
    };
    let counted = columns.iter().find(counts);
    let counted = counted.map(|(name, head, _)| (*name, *head));
    Ok(shown(rows, columns) + "\n" + &rows.stamp(counted) + "\n")
}

/// A table of measurements: a line for the names, then one for each run.
pub struct Rows {
    path: String,
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Rows {
    pub fn read(tree: &Tree, name: &str) -> Result<Rows, String> {
        let path = format!("{FOLDER}{name}.tsv");
        let text = tree.text(&path).ok_or(format!("{path}:1: is missing"))?;
        let cells = |line: &str| line.split('\t').map(str::to_owned).collect();
        let mut lines = text.lines().map(cells);
        let names: Vec<String> = lines.next().unwrap_or_default();
        let rows: Vec<Vec<String>> = lines.collect();
        match rows.iter().position(|row| row.len() != names.len()) {
            Some(at) => Err(format!("{path}:{}: columns are missing", at + 2)),
            None => Ok(Rows { path, names, rows }),
        }
    }

    /// The values of a column in these rows.
    pub fn column(&self, name: &str, rows: &[usize]) -> Vec<&str> {
        let at = self.names.iter().position(|known| known == name);
        let at = at.unwrap_or_else(|| panic!("no column is called {name}"));
        rows.iter().map(|row| self.rows[*row][at].as_str()).collect()
    }

    /// The rows of each trial; trials in the order of their first rows.
    pub fn trials(&self, keys: &[&str]) -> Vec<Vec<usize>> {
        let mut trials: Vec<(Vec<&str>, Vec<usize>)> = Vec::new();
        for number in 0..self.rows.len() {
            let key: Vec<&str> =
                keys.iter().map(|key| self.column(key, &[number])[0]).collect();
            match trials.iter_mut().find(|(known, _)| *known == key) {
                Some((_, rows)) => rows.push(number),
                None => trials.push((key, vec![number])),
            }
        }
        trials.into_iter().map(|(_, rows)| rows).collect()
    }

    /// When it was measured, on what; and if there was more than one commit, how
    /// much of what is counted was measured on each.
    fn stamp(&self, counted: Option<(&str, &str)>) -> String {
        let all: Vec<usize> = (0..self.rows.len()).collect();
        let [dates, kernels] = ["date", "kernel"]
            .map(|name| different(self.column(name, &all)).join(", "));
        let trials = self.trials(&["commit"]);
        let commit = |trial: &Vec<usize>| {
            let commit = self.column("commit", trial)[0];
            match counted.filter(|_| trials.len() > 1) {
                Some((name, head)) => {
                    let sum = put_together(&self.column(name, trial), Sum);
                    format!("{commit} ({head}: {sum})")
                }
                None => commit.to_owned(),
            }
        };
        let commits: Vec<String> = trials.iter().map(commit).collect();
        format!(
            "*Measured {dates}, on commit {}, Linux {kernels}.*",
            commits.join(", ")
        )
    }
}

fn different(mut values: Vec<&str>) -> Vec<&str> {
    values.sort_unstable();
    values.dedup();
    values
}

/// Each trial is a row.
fn shown(rows: &Rows, columns: &[Column]) -> String {
    let keys: Vec<&str> = columns
        .iter()
        .filter(|column| column.2 == Key)
        .map(|column| column.0)
        .collect();
    let heads = columns.iter().map(|column| column.1.to_owned()).collect();
    let mut text = row(heads) + &rule(columns.len());
    for trial in rows.trials(&keys) {
        let cell = |(name, _, how): &Column| {
            put_together(&rows.column(name, &trial), *how)
        };
        text += &row(columns.iter().map(cell).collect());
    }
    text
}

/// One cell, from the values of all rows of a trial.
pub fn put_together(values: &[&str], how: How) -> String {
    let numbers = || -> Vec<f64> {
        let number = |value: &&str| value.parse().unwrap();
        values.iter().map(number).collect()
    };
    match how {
        Key => grouped(values[0]),
        Last => grouped(values[values.len() - 1]),
        Runs => values.len().to_string(),
        Sum => grouped(&format!("{}", numbers().iter().sum::<f64>())),
        Hours => format!("{:.1}", numbers().iter().sum::<f64>() / 3_600.0),
        Median => median(values),
        Least => grouped(sorted(values)[0]),
        Most => grouped(sorted(values)[values.len() - 1]),
    }
}

/// The value in the middle; of an even number of them, the mean of the two in
/// the middle. What nobody could measure is no number.
fn median(values: &[&str]) -> String {
    let sorted = sorted(values);
    let middle = sorted[sorted.len() / 2];
    if sorted.len() % 2 == 1 || number(middle).is_nan() {
        return grouped(middle);
    }
    let decimals = middle.split_once('.').map_or(0, |(_, rest)| rest.len());
    let below = number(sorted[sorted.len() / 2 - 1]);
    grouped(&format!("{:.decimals$}", f64::midpoint(below, number(middle))))
}

/// From the smallest to the largest.
fn sorted<'a>(values: &[&'a str]) -> Vec<&'a str> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|one, other| number(one).total_cmp(&number(other)));
    sorted
}

fn number(value: &str) -> f64 {
    value.parse().unwrap_or(f64::NAN)
}

/// `12207031` is `12,207,031`; what is no whole number stays as it is.
pub fn grouped(value: &str) -> String {
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return value.to_owned();
    }
    let digits = value.as_bytes().rchunks(3).rev();
    let groups = digits.map(|group| String::from_utf8_lossy(group));
    groups.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE_UP: &str = "date\tcommit\tkernel\tfs\tlost\tseconds\n\
        2026-01-01\ta\t6.1\text4\t600\t1800\n\
        2026-01-02\tb\t6.1\txfs\t1\t360\n\
        2026-01-02\tb\t6.1\text4\t700\t1800\n";

    #[test]
    fn the_rows_of_a_trial_are_added_up_and_say_when_they_were_measured() {
        let tree = Tree::of(&[("tests/figures/x.tsv", MADE_UP)]);
        let rows = Rows::read(&tree, "x").unwrap();
        let columns = [
            ("fs", "file system", Key),
            ("lost", "lost", Sum),
            ("seconds", "hours", Hours),
        ];
        assert_eq!(
            shown(&rows, &columns),
            "| file system | lost | hours |\n|---|---|---|\n\
             | ext4 | 1,300 | 1.0 |\n| xfs | 1 | 0.1 |\n"
        );
        assert_eq!(
            rows.stamp(Some(("lost", "lost"))),
            "*Measured 2026-01-01, 2026-01-02, on commit a (lost: 600), \
             b (lost: 701), Linux 6.1.*"
        );
    }

    #[test]
    fn one_value_is_shown_of_many() {
        let values = ["10.5", "9.1", "1234"];
        assert_eq!(put_together(&values, Median), "10.5");
        assert_eq!(put_together(&["0.50", "1.10"], Median), "0.80");
        assert_eq!(put_together(&["-", "-"], Median), "-");
        assert_eq!(put_together(&values, Last), "1,234");
        assert_eq!(put_together(&values, Least), "9.1");
        assert_eq!(put_together(&values, Most), "1,234");
    }

    #[test]
    fn a_table_that_is_missing_or_cut_is_a_finding() {
        let cut = format!("{MADE_UP}2026-01-03\tc\n");
        let tree = Tree::of(&[("tests/figures/x.tsv", &cut)]);
        let why = |name| Rows::read(&tree, name).err().unwrap();
        assert_eq!(why("x"), "tests/figures/x.tsv:5: columns are missing");
        assert_eq!(why("y"), "tests/figures/y.tsv:1: is missing");
        let tree = Tree::of(&[("tests/figures/x.tsv", MADE_UP)]);
        let rows = Rows::read(&tree, "x").unwrap();
        assert_eq!(
            part(&rows, &[("gone", "gone", Sum)]).unwrap_err(),
            "tests/figures/x.tsv:1: there is no column gone"
        );
    }
}
