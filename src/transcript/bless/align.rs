//! Finds what stayed and what changed between two lists.
//!
//! It is the edit distance of the textbooks: each change has a price, and the
//! cheapest way from the old list to the new one is the best guess at what
//! happened. Prices are worked out from the ends of the lists to their fronts.
//! One thing is added: a wild item (`S: ...`, `M: ...`, `{...}`) takes in any
//! number of new items, for nothing.
//!
//! Bless uses it for the lines of a reply, the lines of a message, the words of
//! a line, and the lines of a file.

/// Two lists whose lengths multiply to more are not compared item by item.
const MOST_PRICES: usize = 4_000_000;

/// What an item costs that is only in one of the lists.
const GAP: u32 = 3;

/// What becomes of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change<'a, Old, New> {
    /// The old one fits the new one.
    Keep(&'a Old, &'a New),
    /// The new one takes the place of the old one.
    Replace(&'a Old, &'a New),
    /// There is no such item any more.
    Delete(&'a Old),
    /// There was no such item before.
    Insert(&'a New),
    /// The next wild item takes it in.
    Absorb(&'a New),
    /// A wild item, after all that it takes in.
    Wild(&'a Old),
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
}

/// The way from the old list to the new one with the fewest changes.
pub(super) fn align<'a, Old, New>(
    old: &'a [Old],
    new: &'a [New],
    is_wild: &dyn Fn(&Old) -> bool,
    fit: &dyn Fn(&Old, &New) -> Fit,
) -> Vec<Change<'a, Old, New>> {
    let mut map = Map { is_wild, fit, prices: Vec::new() };
    let count = (old.len() + 1).saturating_mul(new.len() + 1);
    if count <= MOST_PRICES {
        map.fill(old, new);
    }
    let mut changes = Vec::new();
    let (mut old, mut new) = (old, new);
    while let Some(way) = map.best(old, new) {
        changes.push(way.change);
        (old, new) = (way.old, way.new);
    }
    changes
}

/// One change, what comes after it, and the price of all that.
struct Way<'a, Old, New> {
    change: Change<'a, Old, New>,
    old: &'a [Old],
    new: &'a [New],
    price: u32,
}

/// What is known about the rest of the way.
struct Map<'f, Old, New> {
    is_wild: &'f dyn Fn(&Old) -> bool,
    fit: &'f dyn Fn(&Old, &New) -> Fit,
    /// The price of the last I old items and the last J new ones is in row I
    /// and column J. Empty if the lists are too long.
    prices: Vec<Vec<u32>>,
}

impl<Old, New> Map<'_, Old, New> {
    fn fill(&mut self, old: &[Old], new: &[New]) {
        for old in ends(old) {
            self.prices.push(Vec::new());
            for new in ends(new) {
                let price = self.best(old, new).map_or(0, |way| way.price);
                if let Some(row) = self.prices.last_mut() {
                    row.push(price);
                }
            }
        }
    }

    fn price(&self, old: &[Old], new: &[New]) -> u32 {
        let row = self.prices.get(old.len());
        row.and_then(|row| row.get(new.len())).copied().unwrap_or(0)
    }

    /// The cheapest way on from here. Of equals the first one is taken.
    fn best<'a>(
        &self,
        old: &'a [Old],
        new: &'a [New],
    ) -> Option<Way<'a, Old, New>> {
        let way = |change, price, old, new| {
            let price = price + self.price(old, new);
            Some(Way { change, old, new, price })
        };
        let ways = match (old.split_first(), new.split_first()) {
            (None, None) => [None, None, None],
            (None, Some((n, later))) => {
                [way(Change::Insert(n), GAP, old, later), None, None]
            }
            (Some((o, rest)), None) if (self.is_wild)(o) => {
                [way(Change::Wild(o), 0, rest, new), None, None]
            }
            (Some((o, rest)), Some((n, later))) if (self.is_wild)(o) => [
                way(Change::Absorb(n), 0, old, later),
                way(Change::Wild(o), 0, rest, new),
                None,
            ],
            (Some((o, rest)), None) => {
                [way(Change::Delete(o), GAP, rest, new), None, None]
            }
            (Some((o, rest)), Some((n, later))) => [
                match (self.fit)(o, n) {
                    Fit::Yes => way(Change::Keep(o, n), 0, rest, later),
                    Fit::Alike => way(Change::Replace(o, n), 1, rest, later),
                    Fit::No => way(Change::Replace(o, n), 2, rest, later),
                },
                way(Change::Delete(o), GAP, rest, new),
                way(Change::Insert(n), GAP, old, later),
            ],
        };
        ways.into_iter().flatten().min_by_key(|way| way.price)
    }
}

/// The ends of a list, from the empty one to the whole list.
fn ends<T>(list: &[T]) -> impl Iterator<Item = &[T]> {
    (0..=list.len()).rev().filter_map(|start| list.get(start..))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One letter is one item; a star is wild.
    fn changes(old: &str, new: &str) -> Vec<String> {
        let fit = |a: &u8, b: &u8| match (a, b) {
            (a, b) if a == b => Fit::Yes,
            (a, b) if a.eq_ignore_ascii_case(b) => Fit::Alike,
            _ => Fit::No,
        };
        let is_wild = |letter: &u8| *letter == b'*';
        let (old, new) = (old.as_bytes(), new.as_bytes());
        let changes = align(old, new, &is_wild, &fit);
        let letter = |byte: &u8| char::from(*byte);
        let shown = |change| match change {
            Change::Keep(a, _) => format!("{}", letter(a)),
            Change::Replace(a, b) => format!("{}>{}", letter(a), letter(b)),
            Change::Delete(a) => format!("-{}", letter(a)),
            Change::Insert(b) => format!("+{}", letter(b)),
            Change::Absorb(b) => format!("~{}", letter(b)),
            Change::Wild(_) => "*".into(),
        };
        changes.into_iter().map(shown).collect()
    }

    #[test]
    fn the_fewest_changes_are_found() {
        let table = [
            ("*X*", "axb", "~a * X>x ~b *"),
            ("", "", ""),
            ("ab", "ab", "a b"),
            ("ac", "abc", "a +b c"),
            ("abc", "ac", "a -b c"),
            ("abc", "axc", "a b>x c"),
            ("a*", "abc", "a ~b ~c *"),
            ("a*", "a", "a *"),
            ("*x*", "ay", "~a * x>y *"),
            ("ax*", "abc", "a x>b ~c *"),
        ];
        for (old, new, wanted) in table {
            assert_eq!(changes(old, new).join(" "), wanted, "{old} {new}");
        }
    }

    #[test]
    fn lists_too_long_to_compare_still_come_out_whole() {
        let new = "b".repeat(MOST_PRICES);
        let changes = changes("ab", &new);
        assert_eq!(changes.len(), MOST_PRICES);
    }
}
