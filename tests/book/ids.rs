//! The id of a heading, as mdBook 0.5 makes it.
//!
//! Letters, digits, `_` and `-` stay, in small letters; a blank becomes `-`;
//! all else goes. If an id is used twice on a page, the second gets `-1`.
//!
//! Compared once with the ids in a built book of 341 headings.

use std::collections::HashSet;

/// The ids of one page so far.
#[derive(Default)]
pub struct Used {
    ids: HashSet<String>,
}

impl Used {
    /// The id of the next heading.
    pub fn id(&mut self, heading: &str) -> String {
        let id = id(&shown(heading));
        if self.ids.insert(id.clone()) {
            return id;
        }
        let numbered = (1..).map(|number| format!("{id}-{number}"));
        let mut free = numbered.skip_while(|id| self.ids.contains(id));
        let id = free.next().unwrap_or_default();
        self.ids.insert(id.clone());
        id
    }
}

fn id(text: &str) -> String {
    let letter = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c),
        c if c.is_whitespace() => Some('-'),
        _ => None,
    };
    text.trim().to_lowercase().chars().filter_map(letter).collect()
}

/// The words of a heading as a reader sees them: links without their
/// targets, and two hyphens as a dash where they are not code.
fn shown(heading: &str) -> String {
    let parts = heading.split('`').enumerate();
    let shown = parts.map(|(number, part)| match number % 2 {
        0 => without_targets(part).replace("--", ""),
        _ => part.to_owned(),
    });
    shown.collect()
}

fn without_targets(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("](") {
        shown.push_str(before);
        rest = after.split_once(')').map_or("", |(_, rest)| rest);
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_what_mdbook_makes_of_the_words() {
        for (heading, want) in [
            ("The code", "the-code"),
            ("3. Commands and addresses", "3-commands-and-addresses"),
            ("The option `--stdio`", "the-option---stdio"),
            ("250 -- it is mine", "250--it-is-mine"),
            ("What's *new*? `a_b`", "whats-new-a_b"),
            ("See [the table](a.md#b)", "see-the-table"),
            (r"Exercise 3.1: Plus \* (10 min)", "exercise-31-plus--10-min"),
        ] {
            assert_eq!(Used::default().id(heading), want);
        }
    }

    #[test]
    fn the_second_heading_of_a_name_has_a_number() {
        let mut used = Used::default();
        let ids = ["A", "A", "a-1", "A"].map(|heading| used.id(heading));
        assert_eq!(ids, ["a", "a-1", "a-1-1", "a-2"]);
    }
}
