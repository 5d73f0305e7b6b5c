//! Finds what stayed and what changed between two lists, and shows it.
//!
//! Bless uses it for the lines of a reply, the lines of a message and the
//! words of a line; and to show what it did to a file.
//!
//! Interface:
//!   `align`  the cheapest way from the old list to the new one
//!   `diff`   two texts, line by line, for people

use std::io::{self, Write};

/// Two lists whose lengths multiply to more are not compared item by item.
const MOST_CELLS: usize = 4_000_000;

/// So many lines around a change are shown.
const CONTEXT: usize = 2;

/// What becomes of an item. Numbers are places: old, then new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The old one fits the new one.
    Keep(usize, usize),
    /// The new one takes the place of the old one.
    Replace(usize, usize),
    /// There is no such item any more.
    Delete(usize),
    /// There was no such item before.
    Insert(usize),
    /// It is one of those for which the wild item stands that comes next.
    Absorb(usize),
    /// A wild item: it stands for any number of others.
    Wild(usize),
}

/// The lengths of the two lists, and how their items are compared.
pub(super) struct Lists<'a> {
    pub(super) old: usize,
    pub(super) new: usize,
    /// Whether this old item stands for any number of new ones.
    pub(super) is_wild: &'a dyn Fn(usize) -> bool,
    /// How well this old item fits this new one.
    pub(super) fit: &'a dyn Fn(usize, usize) -> Fit,
}

/// How well an old item fits a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// It fits.
    Yes,
    /// No, but it is likely the same thing with other words.
    Alike,
    /// No.
    No,
}

impl Fit {
    /// Whether it fits, and nothing between.
    pub(super) fn of(fits: bool) -> Fit {
        if fits { Fit::Yes } else { Fit::No }
    }

    fn cost(self) -> u32 {
        match self {
            Fit::Yes => 0,
            Fit::Alike => 1,
            Fit::No => 2,
        }
    }
}

/// The way from the old list to the new one with the fewest changes.
pub(super) fn align(lists: &Lists<'_>) -> Vec<Change> {
    let costs = lists.costs();
    let (mut old, mut new) = (0, 0);
    let mut changes = Vec::new();
    while let Some((change, _)) = lists.best(old, new, &costs) {
        (old, new) = after(change, old, new);
        changes.push(change);
    }
    changes
}

/// Where the lists go on after a change.
fn after(change: Change, old: usize, new: usize) -> (usize, usize) {
    match change {
        Change::Keep(..) | Change::Replace(..) => (old + 1, new + 1),
        Change::Delete(_) | Change::Wild(_) => (old + 1, new),
        Change::Insert(_) | Change::Absorb(_) => (old, new + 1),
    }
}

/// For each pair of places: how many changes lie between it and the end.
struct Costs {
    width: usize,
    /// Empty if the lists are too long.
    cells: Vec<u32>,
}

impl Costs {
    fn at(&self, (old, new): (usize, usize)) -> u32 {
        let cell = self.cells.get(old * self.width + new);
        cell.copied().unwrap_or_default()
    }
}

impl Lists<'_> {
    fn costs(&self) -> Costs {
        let width = self.new + 1;
        let count = width.saturating_mul(self.old + 1);
        let mut costs = Costs { width, cells: Vec::new() };
        if count > MOST_CELLS {
            return costs;
        }
        costs.cells.resize(count, 0);
        for old in (0..=self.old).rev() {
            for new in (0..=self.new).rev() {
                let best = self.best(old, new, &costs);
                let cost = best.map_or(0, |(_, cost)| cost);
                if let Some(cell) = costs.cells.get_mut(old * width + new) {
                    *cell = cost;
                }
            }
        }
        costs
    }

    /// The cheapest change here, and what it costs up to the end. Of equals
    /// the first one is taken.
    fn best(
        &self,
        old: usize,
        new: usize,
        costs: &Costs,
    ) -> Option<(Change, u32)> {
        let (has_old, has_new) = (old < self.old, new < self.new);
        let is_wild = has_old && (self.is_wild)(old);
        let both = has_old && has_new && !is_wild;
        let fit = if both { (self.fit)(old, new) } else { Fit::No };
        let fits = both && fit == Fit::Yes;
        let choices = [
            (fits, Change::Keep(old, new), fit.cost()),
            (is_wild && has_new, Change::Absorb(new), 0),
            (is_wild, Change::Wild(old), 0),
            (both && !fits, Change::Replace(old, new), fit.cost()),
            (has_old && !is_wild, Change::Delete(old), 3),
            (has_new && !is_wild, Change::Insert(new), 3),
        ];
        choices
            .into_iter()
            .filter(|(is_possible, ..)| *is_possible)
            .map(|(_, change, cost)| {
                (change, cost + costs.at(after(change, old, new)))
            })
            .min_by_key(|(_, cost)| *cost)
    }
}

/// Shows what changed, with the numbers of the old lines.
pub(super) fn diff(
    old: &str,
    new: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (old.lines().collect(), new.lines().collect());
    let changes = align(&Lists {
        old: old.len(),
        new: new.len(),
        is_wild: &|_| false,
        fit: &|i, j| Fit::of(old.get(i) == new.get(j)),
    });
    let is_kept = |change: &Change| matches!(change, Change::Keep(..));
    let mut last_shown = None;
    for (place, change) in changes.iter().enumerate() {
        let from = place.saturating_sub(CONTEXT);
        let near = changes.iter().skip(from).take(place - from + CONTEXT + 1);
        if near.clone().all(is_kept) {
            continue;
        }
        if last_shown.is_some_and(|last| last + 1 < place) {
            writeln!(out, "       ...")?;
        }
        last_shown = Some(place);
        let old = |i: usize| old.get(i).copied().unwrap_or_default();
        let new = |j: usize| new.get(j).copied().unwrap_or_default();
        match *change {
            Change::Keep(i, _) | Change::Wild(i) => {
                writeln!(out, "{:5}   {}", i + 1, old(i))?;
            }
            Change::Replace(i, j) => {
                writeln!(out, "{:5} - {}", i + 1, old(i))?;
                writeln!(out, "      + {}", new(j))?;
            }
            Change::Delete(i) => writeln!(out, "{:5} - {}", i + 1, old(i))?,
            Change::Insert(j) | Change::Absorb(j) => {
                writeln!(out, "      + {}", new(j))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Change::{Absorb, Delete, Insert, Keep, Replace, Wild};

    /// One letter is one item; a star is wild.
    fn changes(old: &str, new: &str) -> Vec<Change> {
        let (old, new) = (old.as_bytes(), new.as_bytes());
        align(&Lists {
            old: old.len(),
            new: new.len(),
            is_wild: &|i| old[i] == b'*',
            fit: &|i, j| match (old[i], new[j]) {
                (a, b) if a == b => Fit::Yes,
                (a, b) if a.eq_ignore_ascii_case(&b) => Fit::Alike,
                _ => Fit::No,
            },
        })
    }

    #[test]
    fn the_fewest_changes_are_found() {
        let table: [(&str, &str, &[Change]); 10] = [
            (
                "*X*",
                "axb",
                &[Absorb(0), Wild(0), Replace(1, 1), Absorb(2), Wild(2)],
            ),
            ("", "", &[]),
            ("ab", "ab", &[Keep(0, 0), Keep(1, 1)]),
            ("ac", "abc", &[Keep(0, 0), Insert(1), Keep(1, 2)]),
            ("abc", "ac", &[Keep(0, 0), Delete(1), Keep(2, 1)]),
            ("abc", "axc", &[Keep(0, 0), Replace(1, 1), Keep(2, 2)]),
            ("a*", "abc", &[Keep(0, 0), Absorb(1), Absorb(2), Wild(1)]),
            ("a*", "a", &[Keep(0, 0), Wild(1)]),
            ("*x*", "ay", &[Absorb(0), Wild(0), Replace(1, 1), Wild(2)]),
            ("ax*", "abc", &[Keep(0, 0), Replace(1, 1), Absorb(2), Wild(2)]),
        ];
        for (old, new, wanted) in table {
            assert_eq!(changes(old, new), wanted, "{old} {new}");
        }
    }

    #[test]
    fn lists_too_long_to_compare_still_come_out_whole() {
        let new = "b".repeat(MOST_CELLS);
        let changes = changes("ab", &new);
        assert_eq!(changes.len(), MOST_CELLS);
    }

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
