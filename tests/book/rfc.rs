//! Where a text names a section of an RFC.
//!
//! `RFC 5321 4.1.4 and 3.3; RFC 1870 section 6` names three. An RFC without a
//! section is named as a whole.

use std::collections::BTreeSet;

/// A section, or a whole RFC. Sorted as in a table of contents.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Section {
    pub rfc: u32,
    /// `4.1.4` in numbers; an appendix comes after all of them.
    order: Vec<u32>,
    /// As it is written; empty for the whole RFC.
    pub number: String,
}

impl Section {
    fn of(rfc: u32, number: &str) -> Section {
        let order = number.split('.').filter(|part| !part.is_empty());
        let order = order.map(|part| match part.parse() {
            Ok(number) => number,
            Err(_) => 1000 + u32::from(part.as_bytes()[0]),
        });
        Section { rfc, order: order.collect(), number: number.to_owned() }
    }
}

/// All sections that are named in a text.
pub fn sections(text: &str) -> BTreeSet<Section> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut found = BTreeSet::new();
    for (at, word) in words.iter().enumerate() {
        let next = words.get(at + 1).copied().unwrap_or_default();
        let rfc = next.trim_end_matches(|c: char| !c.is_ascii_digit());
        let Ok(rfc) = rfc.parse() else {
            continue;
        };
        if word.ends_with("RFC") {
            // A stop behind the number: no section of it follows.
            let is_bare = next.ends_with(|c: char| !c.is_ascii_digit());
            let rest = if is_bare { &[] } else { &words[at + 2..] };
            let numbers = numbers(rest);
            if numbers.is_empty() {
                found.insert(Section::of(rfc, ""));
            }
            found.extend(numbers.iter().map(|n| Section::of(rfc, n)));
        }
    }
    found
}

/// The sections at the beginning of these words.
fn numbers(words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    // Further on, a number without a dot could be anything.
    let mut may_be_short = true;
    let mut are_many = false;
    let mut goes_on = true;
    for word in words {
        match *word {
            "sections" => are_many = true,
            "section" | "appendix" => may_be_short = true,
            "and" | "or" if !found.is_empty() => goes_on = true,
            word => {
                let number = word.trim_end_matches(STOPS);
                let is_short = !number.contains('.');
                let may_be = !is_short || may_be_short || are_many;
                if !goes_on || !is_number(number) || !may_be {
                    break;
                }
                found.push(number.to_owned());
                goes_on = word.strip_prefix(number) == Some(",");
                may_be_short = false;
            }
        }
    }
    found
}

/// What may stand behind a number in a sentence.
const STOPS: [char; 6] = [',', '.', ')', ';', ':', '"'];

/// `4.1.4`, or the letter of an appendix.
fn is_number(text: &str) -> bool {
    let is_part = |part: &str| {
        (1..=2).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_letter =
        text.len() == 1 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    is_letter || text.split('.').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_found_in_running_text() {
        for (text, want) in [
            ("(RFC 5321 4.1.4 and 3.3).", "5321 3.3, 5321 4.1.4"),
            ("RFC 5321 2.3.8, 4.1.1.4; CVE-2023", "5321 2.3.8, 5321 4.1.1.4"),
            ("RFC 6152 section 2, section 3", "6152 2, 6152 3"),
            ("(RFC 2606 sections 2 and 3), or", "2606 2, 2606 3"),
            ("RFC 5321 4.5.2; RFC 5322 section 4", "5321 4.5.2, 5322 4"),
            (
                "RFC 5321 4.5.3.1.10 and 4.5.3.1.2",
                "5321 4.5.3.1.2, 5321 4.5.3.1.10",
            ),
            ("RFC 5321 4.1.1.3 and appendix C).", "5321 4.1.1.3, 5321 C"),
            ("the answer (RFC 2920). 3.1 is", "2920 "),
            ("RFC 6531 has 550 for a sender", "6531 "),
            ("RFC 5321 4.5.3.1.4 asks for 512, and 3", "5321 4.5.3.1.4"),
            ("RFC 5321 4.2, 250 replies", "5321 4.2"),
            ("RFC 5322 4", "5322 4"),
            ("an RFC, 4.2", ""),
        ] {
            let found = sections(text);
            let shown: Vec<String> = found
                .iter()
                .map(|section| format!("{} {}", section.rfc, section.number))
                .collect();
            assert_eq!(shown.join(", "), want, "{text}");
        }
    }
}
