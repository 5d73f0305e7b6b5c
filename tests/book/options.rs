//! Every option is explained on the page of the command line, and no other one:
//! in words that somebody wrote. What `--help` prints does not count.
//!
//! Interface:
//!   `Options`  what a `--help` names
//!   `check`    the findings

use super::page::{Heading, Page};
use super::tree::{Tree, at};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

const PAGE: &str = "book/src/appendix/command-line.md";

/// The column in which `--help` explains.
const COLUMN: usize = 24;

/// What a command's `--help` names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// By long name, without hyphens: the letter, if it has one, and whether
    /// a value follows.
    pub by_name: BTreeMap<String, (Option<char>, bool)>,
}

impl Options {
    /// Reads the text of a `--help`.
    pub fn read(help: &str) -> Options {
        let (_, list) = help.split_once("Options:\n").unwrap_or_default();
        Options { by_name: list.lines().filter_map(option).collect() }
    }

    /// Each as it is typed: `--mail`, `-m`.
    fn words(&self) -> Vec<String> {
        let names = self.by_name.keys().map(|name| format!("--{name}"));
        let letters = self.by_name.values().filter_map(|(letter, _)| *letter);
        names.chain(letters.map(|letter| format!("-{letter}"))).collect()
    }

    /// Whether there is an option of this name, or of this letter.
    pub fn has(&self, word: &str) -> bool {
        self.takes_value(word).is_some()
    }

    /// Whether a value must follow `--name` or `-n`; none if there is no such
    /// option.
    pub fn takes_value(&self, word: &str) -> Option<bool> {
        match word.strip_prefix("--") {
            Some(name) => self.by_name.get(name).map(|(_, value)| *value),
            None => {
                let letter = word.chars().nth(1);
                let mut all = self.by_name.values();
                let found = all.find(|(l, _)| l.is_some() && *l == letter);
                found.map(|(_, value)| *value)
            }
        }
    }
}

/// `    -m, --mail DIR      mailboxes, as ...`. A line that goes on explaining
/// has no hyphen where an option's name would be.
fn option(line: &str) -> Option<(String, (Option<char>, bool))> {
    let text = line.trim_start();
    if !text.starts_with('-') || line.len() - text.len() >= COLUMN {
        return None;
    }
    let (before, rest) = text.split_once("--")?;
    let letter = before.strip_prefix('-').and_then(|b| b.chars().next());
    let name = rest.split(' ').next()?;
    let end = line.find(&format!("--{name}"))? + 2 + name.len();
    let rest = line.get(end..).unwrap_or_default();
    // Two blanks, or one where the explanations begin: no value between.
    let is_flag = rest.is_empty() || rest.starts_with("  ");
    let takes_value = !is_flag && end + 1 != COLUMN;
    Some((name.to_owned(), (letter, takes_value)))
}

/// All findings: each option in the section of its command, and no other one;
/// `--help` and `--version` anywhere.
pub fn check(tree: &Tree, helps: &[(&str, String)]) -> Vec<String> {
    let Some(text) = tree.text(PAGE) else {
        return vec![at(PAGE, 1, "the page is missing")];
    };
    let page = Page::new(PAGE, text);
    let check = |(command, help): &(&str, String)| {
        let Some(lines) = section(&page, command) else {
            let what = format!("there is no section `## ... {command} ...`");
            return vec![at(PAGE, 1, &what)];
        };
        let options = Options::read(help);
        [
            unexplained(&page, command, &lines, &options),
            unknown(&page, command, &lines, &options),
            without_place(&page, command, &lines, &options),
        ]
        .concat()
    };
    helps.iter().flat_map(check).collect()
}

fn unexplained(
    page: &Page,
    command: &str,
    lines: &RangeInclusive<usize>,
    options: &Options,
) -> Vec<String> {
    let named = named(page);
    let is_here = |line, option: &str| {
        // What every command has is explained once.
        ["--help", "-h"].contains(&option) || lines.contains(line)
    };
    let is_missing = |option: &String| {
        !named.iter().any(|(line, word)| word == option && is_here(line, word))
    };
    let finding = |option: String| {
        let what = format!(
            "{option} of '{command}' is not explained in this section: write \
             a sentence with `{option}`"
        );
        at(PAGE, *lines.start(), &what)
    };
    options.words().into_iter().filter(is_missing).map(finding).collect()
}

/// What the section names, and its command has not.
fn unknown(
    page: &Page,
    command: &str,
    lines: &RangeInclusive<usize>,
    options: &Options,
) -> Vec<String> {
    let is_wrong = |(line, word): &(usize, String)| {
        command != "pillarbox" && lines.contains(line) && !options.has(word)
    };
    let finding = |(line, word): (usize, String)| {
        at(PAGE, line, &format!("{command} has no {word}: take it out"))
    };
    named(page).into_iter().filter(is_wrong).map(finding).collect()
}

/// The options that no link can lead to, or that are explained in two places.
/// `--mail` of `serve` is at `#serve-mail`.
fn without_place(
    page: &Page,
    command: &str,
    lines: &RangeInclusive<usize>,
    options: &Options,
) -> Vec<String> {
    let count = |place: &str| {
        page.prose().filter(|(_, text)| text.contains(place)).count()
    };
    let names = options.by_name.keys();
    // What every command has is explained once, at the program itself.
    let own = names.filter(|name| command == "pillarbox" || *name != "help");
    let places = own.map(|name| format!("<a id=\"{command}-{name}\"></a>"));
    let wrong = places.filter(|place| count(place) != 1);
    let finding = |place: String| {
        let what = format!("write {place} before the option, once");
        at(PAGE, *lines.start(), &what)
    };
    wrong.map(finding).collect()
}

/// The lines under the h2 heading that names the command. For the program
/// itself it is the whole page.
fn section(page: &Page, command: &str) -> Option<RangeInclusive<usize>> {
    if command == "pillarbox" {
        return Some(1..=page.length());
    }
    let headings = page.headings();
    let mut seconds = headings.iter().filter(|heading| heading.level == 2);
    let is_it = |heading: &&Heading| {
        let mut words = heading.text.split([' ', '`']);
        words.any(|word| word == command)
    };
    let first = seconds.find(is_it)?.line;
    let last = seconds.next().map_or(page.length(), |next| next.line - 1);
    Some(first..=last)
}

/// The options in code font, alone or with a value, with the line.
fn named(page: &Page) -> Vec<(usize, String)> {
    let mut named = Vec::new();
    for (line, code) in page.code() {
        let words = code.split([' ', '=']).filter(|w| w.starts_with('-'));
        named.extend(words.map(|word| (line, word.to_owned())));
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELP: &str = "Receives mail.\n\nOptions:
    -m, --mail DIR      mailboxes, as DIR/DOMAIN
        --max-size BYTES
                        --the largest message
        --run 'COMMAND {port}'
                        a program
        --accept-codes  with --bless
    -h, --help          this text
";

    fn found(page: &str) -> Vec<String> {
        let tree = Tree::of(&[(PAGE, page)]);
        check(&tree, &[("serve", HELP.to_owned())])
    }

    #[test]
    fn a_help_is_read_with_letters_and_values() {
        let options = Options::read(HELP);
        let names: Vec<&str> =
            options.by_name.keys().map(String::as_str).collect();
        let want = ["accept-codes", "help", "mail", "max-size", "run"];
        assert_eq!(names, want);
        assert_eq!(options.takes_value("--mail"), Some(true));
        assert_eq!(options.takes_value("-m"), Some(true));
        assert_eq!(options.takes_value("--run"), Some(true));
        assert_eq!(options.takes_value("--accept-codes"), Some(false));
        assert_eq!(options.takes_value("-h"), Some(false));
        assert_eq!(options.takes_value("--frob"), None);
        assert_eq!(options.takes_value("-x"), None);
    }

    const PAGE_TEXT: &str = "# The command line\n\n`--help`, `-h`\n\n\
        ## `pillarbox serve`\n\n`-m`, `--mail DIR`: x. `--max-size` y.\n\
        `--run` and `--accept-codes`.\n\
        <a id=\"serve-mail\"></a>\n<a id=\"serve-max-size\"></a>\n\
        <a id=\"serve-run\"></a>\n<a id=\"serve-accept-codes\"></a>\n\
        \n## Other\n";

    #[test]
    fn an_option_without_a_place_or_with_two_is_found() {
        let place = "<a id=\"serve-run\"></a>";
        for new in [String::new(), format!("{place}\n{place}")] {
            let found = found(&PAGE_TEXT.replace(place, &new));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(place), "{found:?}");
        }
    }

    #[test]
    fn an_option_that_the_page_does_not_explain_is_found() {
        assert_eq!(found(PAGE_TEXT), [""; 0]);
        for (old, new) in [
            ("`--mail DIR`", "`mail DIR`"),
            ("`--mail DIR`", "x--mail"),
            ("`--max-size` y.", "y.\n\n```text\n`--max-size`\n```\n"),
            ("`-m`", "m"),
            ("`-m`", "`m`"),
            ("`-h`", ""),
            ("`--run`", ""),
        ] {
            let text = PAGE_TEXT.replace(old, new);
            let found = found(&text);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains("is not explained"), "{found:?}");
        }
    }

    #[test]
    fn an_option_that_the_command_has_no_more_is_found() {
        let text = PAGE_TEXT.replace("`-m`", "`-m`\n`--frob N`");
        let want = format!("{PAGE}:8: serve has no --frob: take it out");
        assert_eq!(found(&text), [want]);
    }

    #[test]
    fn another_section_does_not_count() {
        let text = PAGE_TEXT.replace("`--run`", "") + "\n`--run`\n";
        let want = format!(
            "{PAGE}:5: --run of 'serve' is not explained in this section: \
             write a sentence with `--run`"
        );
        assert_eq!(found(&text), [want]);
        let found = found("# The command line\n");
        assert!(found[0].contains("there is no section"), "{found:?}");
    }
}
