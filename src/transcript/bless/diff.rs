//! Shows what changed between two texts, line by line, for people.

use std::io::{self, Write};

use super::align::{Change, Fit, align};

/// This many lines around a change are shown.
const CONTEXT: usize = 2;

/// Writes the changes, with the numbers of the old lines.
pub(super) fn diff(
    old: &str,
    new: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let old: Vec<(usize, &str)> = (1..).zip(old.lines()).collect();
    let new: Vec<&str> = new.lines().collect();
    let fit = |(_, old): &(usize, &str), new: &&str| Fit::of(old == new);
    let changes = align(&old, &new, &|_| false, &fit);
    let is_kept =
        |change: &Change<'_, _, _>| matches!(change, Change::Keep(..));
    let mut last_shown = None;
    for (place, change) in changes.iter().enumerate() {
        let from = place.saturating_sub(CONTEXT);
        let mut near =
            changes.iter().skip(from).take(place - from + CONTEXT + 1);
        if near.all(is_kept) {
            continue;
        }
        if last_shown.is_some_and(|last| last + 1 < place) {
            writeln!(out, "       ...")?;
        }
        last_shown = Some(place);
        match change {
            Change::Keep((number, line), _) | Change::Wild((number, line)) => {
                writeln!(out, "{number:5}   {line}")?;
            }
            Change::Replace((number, line), new) => {
                writeln!(out, "{number:5} - {line}")?;
                writeln!(out, "      + {new}")?;
            }
            Change::Delete((number, line)) => {
                writeln!(out, "{number:5} - {line}")?;
            }
            Change::Insert(new) | Change::Absorb(new) => {
                writeln!(out, "      + {new}")?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_shows_the_changes_and_two_lines_around() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let new = "1\n2\nx\n4\n5\n6\n7\n8\n9\n10\n";
        let mut out = Vec::new();
        diff(old, new, &mut out).unwrap();
        let wanted = "    1   1
    2   2
    3 - 3
      + x
    4   4
    5   5
       ...
    8   8
    9   9
      + 10
";
        assert_eq!(String::from_utf8(out).unwrap(), wanted);
    }
}
