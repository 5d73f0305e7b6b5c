//! Every chapter has the same parts in the same order: a reader who knows one
//! knows where to look in all.
//!
//! A chapter is an entry of SUMMARY.md whose title begins with its number.

use super::exercises::Exercise;
use super::links::links;
use super::page::{Page, Place};
use super::shown::entries;
use super::tree::{Tree, at};

/// The h2 headings of a chapter. Between the first and the third others may
/// stand: the lesson itself.
const PARTS: [&str; 7] = [
    "You will be able to",
    "The conversation",
    "What the RFC says",
    "The code",
    "Predict",
    "Exercises",
    "Real world",
];

/// The course has at least so many exercises.
const FEWEST_EXERCISES: usize = 22;

/// One chapter, its number, and its title in SUMMARY.md.
pub struct Chapter {
    pub page: Page,
    pub number: usize,
    pub title: String,
}

/// A part of a chapter: the lines from its heading to the next one.
struct Part<'a> {
    page: &'a Page,
    title: &'static str,
    first: usize,
    last: usize,
}

/// All chapters, in the order of the book.
pub fn chapters(tree: &Tree) -> Vec<Chapter> {
    let chapter = |entry: super::shown::Entry| {
        let (number, _) = entry.title.split_once(". ")?;
        let number = number.parse().ok()?;
        let text = tree.text(&entry.path)?;
        let page = Page::new(&entry.path, text);
        Some(Chapter { page, number, title: entry.title })
    };
    entries(tree).into_iter().filter_map(chapter).collect()
}

/// All findings about the parts of chapters.
pub fn check(tree: &Tree) -> Vec<String> {
    let chapters = chapters(tree);
    let mut findings = Vec::new();
    let mut count = 0;
    for chapter in &chapters {
        let exercises = super::exercises::on_page(&chapter.page);
        count += exercises.len();
        findings.extend(check_one(chapter, &exercises));
    }
    if count < FEWEST_EXERCISES {
        let what = format!(
            "the chapters have {count} exercises: {FEWEST_EXERCISES} at least"
        );
        findings.push(at("book/src/SUMMARY.md", 1, &what));
    }
    findings
}

fn check_one(chapter: &Chapter, exercises: &[Exercise]) -> Vec<String> {
    let page = &chapter.page;
    let mut findings = Vec::from_iter(title(chapter));
    findings.extend(order(page));
    let parts: Vec<Part<'_>> =
        PARTS.iter().filter_map(|title| part(page, title)).collect();
    for part in &parts {
        findings.extend(match part.title {
            "You will be able to" => goals(part),
            "What the RFC says" => quotations(part),
            "The code" => excerpts(part),
            "Predict" => predictions(part),
            "Exercises" => super::exercises::check(chapter.number, exercises)
                .into_iter()
                .map(|(line, what)| at(&page.path, line, &what))
                .chain(how_to_try(part))
                .collect(),
            _ => Vec::new(),
        });
    }
    findings.extend(ladder(page));
    findings.extend(unclosed(page));
    findings.extend(instructor(page));
    findings
}

fn title(chapter: &Chapter) -> Option<String> {
    let want = format!("# {}", chapter.title);
    let what = format!("the first line must be `{want}`, as in SUMMARY.md");
    let is_title = chapter.page.line(1) == want;
    (!is_title).then(|| at(&chapter.page.path, 1, &what))
}

/// The h2 headings: all parts, in order, and others only where they may be.
fn order(page: &Page) -> Vec<String> {
    let mut findings = Vec::new();
    let headings = page.headings();
    let seconds = headings.iter().filter(|h| h.level == 2);
    let mut next = 0;
    for heading in seconds {
        let text = heading.text.as_str();
        let number = PARTS.iter().position(|part| *part == text);
        let what = match number {
            Some(number) if number == next => {
                next += 1;
                continue;
            }
            Some(number) if number > next => {
                format!("'{text}' before '{}'", PARTS[next])
            }
            None if (1..=2).contains(&next) => continue,
            None => format!(
                "'{text}' is no part of a chapter: other headings stand \
                 before 'What the RFC says'"
            ),
            Some(_) => format!("'{text}' is there twice, or too late"),
        };
        findings.push(at(&page.path, heading.line, &what));
        next = number.map_or(next, |number| next.max(number + 1));
    }
    for title in PARTS {
        if part(page, title).is_none() {
            let what = format!("the part `## {title}` is missing");
            findings.push(at(&page.path, page.length().max(1), &what));
        }
    }
    findings
}

fn part<'a>(page: &'a Page, title: &'static str) -> Option<Part<'a>> {
    let headings = page.headings();
    let mut seconds = headings.iter().filter(|h| h.level == 2);
    let first = seconds.find(|heading| heading.text == title)?.line;
    let last = seconds.next().map_or(page.length(), |next| next.line - 1);
    Some(Part { page, title, first, last })
}

impl Part<'_> {
    /// Its lines outside of blocks, with their numbers.
    fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let range = self.first..=self.last;
        self.page.prose().filter(move |(line, _)| range.contains(line))
    }

    /// The finding, at the heading, if `is_so` is not.
    fn want(&self, is_so: bool, what: &str) -> Option<String> {
        let what = format!("{}: {what}", self.title);
        (!is_so).then(|| at(&self.page.path, self.first, &what))
    }
}

fn goals(part: &Part<'_>) -> Vec<String> {
    let count = part.prose().filter(|(_, l)| l.starts_with("- ")).count();
    let what = format!("{count} bullets: there are exactly 3");
    part.want(count == 3, &what).into_iter().collect()
}

/// Blockquotes, each ending in its section.
fn quotations(part: &Part<'_>) -> Vec<String> {
    let mut findings = Vec::new();
    let mut count = 0;
    let mut quotation = String::new();
    for (line, text) in part.prose().filter(|(_, l)| l.starts_with('>')) {
        quotation += text.trim_start_matches('>');
        if part.page.line(line + 1).starts_with('>') {
            continue;
        }
        count += 1;
        if !names_its_section(&quotation) {
            let what = "a quotation ends in its section: (RFC 5321 4.1.4)";
            findings.push(at(&part.page.path, line, what));
        }
        quotation.clear();
    }
    let what = format!("{count} quotations: 3 to 6");
    findings.extend(part.want((3..=6).contains(&count), &what));
    findings
}

fn names_its_section(quotation: &str) -> bool {
    quotation.rsplit_once("(RFC ").is_some_and(|(_, end)| {
        end.ends_with(')') && end.starts_with(|c: char| c.is_ascii_digit())
    })
}

fn excerpts(part: &Part<'_>) -> Vec<String> {
    let is_excerpt = |include: &super::page::Include| {
        (part.first..=part.last).contains(&include.line)
            && include.target.as_ref().is_some_and(|t| t.starts_with("src/"))
    };
    let includes = part.page.includes();
    let count = includes.iter().filter(|include| is_excerpt(include)).count();
    let what = format!("{count} excerpts from src/: 2 to 4");
    part.want((2..=4).contains(&count), &what).into_iter().collect()
}

/// `**1.** question`, and behind each its answer, folded.
fn predictions(part: &Part<'_>) -> Vec<String> {
    let mut findings = Vec::new();
    let mut open: Option<usize> = None;
    let mut count = 0;
    let unanswered = |line: usize| {
        let what = "an answer is missing: <details>, <summary>Answer</summary>";
        at(&part.page.path, line, what)
    };
    for (line, text) in part.prose() {
        if text.starts_with(&format!("**{}.** ", count + 1)) {
            findings.extend(open.map(unanswered));
            open = Some(line);
            count += 1;
        }
        if folds(part.page, line, "Answer") {
            open = None;
        }
    }
    findings.extend(open.map(unanswered));
    let what = format!("{count} questions `**1.** ...`: 2 or 3");
    findings.extend(part.want((2..=3).contains(&count), &what));
    findings
}

/// Whether a folded part of this name begins in this line. The empty line is
/// needed: without it mdBook takes what follows for HTML.
pub fn folds(page: &Page, line: usize, name: &str) -> bool {
    page.line(line) == "<details>"
        && page.line(line + 1) == format!("<summary>{name}</summary>")
        && page.line(line + 2).is_empty()
}

/// Each chapter says how an exercise is tried, and where a solution is.
fn how_to_try(part: &Part<'_>) -> Vec<String> {
    let lines = || part.page.lines().map(|(_, _, text)| text);
    let is_told = lines()
        .any(|text| text.contains("cargo run -- replay book/exercises/"));
    let has_patch = lines().any(|text| text.contains("solution.patch"));
    let how = "say how to try: cargo run -- replay book/exercises/.../case.txt";
    let patch = "say that one solution is solution.patch in the same folder";
    let told = part.want(is_told, how);
    told.into_iter().chain(part.want(has_patch, patch)).collect()
}

fn ladder(page: &Page) -> Option<String> {
    let is_ladder = |path: &str| path.starts_with("pictures/ladder-");
    let has_one = links(page).iter().any(|link| is_ladder(&link.path));
    let what = "no ladder: ![...](pictures/ladder-FOLDER-NAME.svg)";
    (!has_one).then(|| at(&page.path, 1, what))
}

/// A folded part that does not end swallows the rest of the page.
fn unclosed(page: &Page) -> Option<String> {
    let mut open: Option<usize> = None;
    for (line, text) in page.prose() {
        match text {
            "</details>" => open = None,
            _ if !text.starts_with("<details") => {}
            _ if open.is_some() => break,
            _ => open = Some(line),
        }
    }
    let what = "this folded part does not end: </details>";
    open.map(|line| at(&page.path, line, what))
}

/// The notes for the instructor: last, folded, and with what is asked of them.
fn instructor(page: &Page) -> Vec<String> {
    let opening = page.lines().find(|(_, place, text)| {
        *place == Place::Prose && *text == r#"<details class="instructor">"#
    });
    let Some((first, _, _)) = opening else {
        let what = r#"no <details class="instructor"> at the end"#;
        return vec![at(&page.path, page.length().max(1), what)];
    };
    let notes = || page.prose().filter(move |(line, _)| *line > first);
    let starts = |word: &str| notes().any(|(_, text)| text.starts_with(word));
    let mut findings = Vec::new();
    for word in ["Minutes: ", "- Ask: ", "- Demo: ", "- Trap: "] {
        if !starts(word) {
            let what = format!("no line of the notes begins with `{word}`");
            findings.push(at(&page.path, first, &what));
        }
    }
    findings.extend(minutes(page));
    let summary = "<summary>For the instructor</summary>";
    let is_named = page.line(first + 1) == summary;
    if !is_named || !page.line(first + 2).is_empty() {
        let what = format!("expected {summary} and an empty line");
        findings.push(at(&page.path, first + 1, &what));
    }
    let last = notes().filter(|(_, text)| !text.trim().is_empty()).last();
    if last.map(|(_, text)| text) != Some("</details>") {
        let what = "the notes must be the last of the page";
        findings.push(at(&page.path, page.length(), what));
    }
    findings
}

/// `Minutes: 90 (reading 20, code 70).`: the parts must make the whole.
fn minutes(page: &Page) -> Option<String> {
    let (line, text) =
        page.prose().find(|(_, text)| text.starts_with("Minutes: "))?;
    let more = page.prose().filter(|(other, _)| *other > line);
    let text = more.fold(text.to_owned(), |all, (_, l)| all + " " + l);
    let (whole, parts) = text["Minutes: ".len()..].split_once(" (")?;
    let (parts, _) = parts.split_once(')')?;
    let last = |part: &str| part.rsplit(' ').next()?.parse::<usize>().ok();
    let sum: usize = parts.split(',').filter_map(last).sum();
    let what = format!("the parts make {sum} minutes, not {whole}");
    (whole != sum.to_string()).then(|| at(&page.path, line, &what))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chapter with all parts, each as short as can be.
    const GOOD: &str = include_str!("good_chapter.md");

    fn found(text: &str) -> Vec<String> {
        let page = Page::new("book/src/03-a.md", text);
        let exercises = super::super::exercises::on_page(&page);
        let title = "3. A chapter".to_owned();
        check_one(&Chapter { page, number: 3, title }, &exercises)
    }

    #[test]
    fn a_chapter_with_all_parts_has_no_finding() {
        assert_eq!(found(GOOD), [""; 0]);
    }

    #[test]
    fn each_part_can_be_missed() {
        let cases = [
            ("# 3. ", "# 4. ", "the first line must be `# 3. "),
            ("- one\n", "", "You will be able to: 2 bullets"),
            ("## Predict", "## Guess", "'Guess' is no part of a chapter"),
            ("## Predict", "## Guess", "the part `## Predict` is missing"),
            ("## Real world", "## The code", "'The code' is there twice"),
            ("(RFC 5321 3.1)", "", "a quotation ends in its section"),
            ("> \"b\" (RFC 5321 3.2)\n", "", "2 quotations: 3 to 6"),
            ("src/b.rs:b", "tests/b.rs:b", "1 excerpts from src/: 2 to 4"),
            ("**2.** ", "2. ", "1 questions"),
            ("<summary>Answer", "<summary>It", "an answer is missing"),
            ("Answer</summary>\n\n", "Answer</summary>\n", "an answer is"),
            ("solution.patch", "a patch", "say that one solution is"),
            ("run -- replay", "run -- play", "say how to try"),
            ("pictures/ladder-", "pictures/", "no ladder"),
            ("Minutes: ", "Time: ", "begins with `Minutes: `"),
            ("conversation 70", "talk 60", "the parts make 80 minutes, not 90"),
            ("</details>", "", "this folded part does not end"),
            ("- Ask: ", "- ", "begins with `- Ask: `"),
            ("- Demo: ", "- ", "begins with `- Demo: `"),
            ("- Trap: ", "- ", "begins with `- Trap: `"),
            (" class=\"instructor\"", "", "no <details class"),
            ("For the instructor", "Notes", "expected <summary>For the"),
        ];
        for (old, new, want) in cases {
            let text = GOOD.replacen(old, new, 1);
            assert_ne!(text, GOOD, "{old}");
            let found = found(&text).join("\n");
            assert!(found.contains(want), "{found}, not {want}");
        }
        let found = found(&format!("{GOOD}\nMore.\n")).join("\n");
        assert!(found.contains("must be the last of the page"), "{found}");
    }

    #[test]
    fn two_parts_in_the_wrong_order_are_found() {
        let text = GOOD
            .replace("## The code", "## X")
            .replace("## Predict", "## The code")
            .replace("## X", "## Predict");
        let found = found(&text).join("\n");
        assert!(found.contains("'Predict' before 'The code'"), "{found}");
    }

    #[test]
    fn a_lesson_stands_before_the_rfc_and_not_behind_it() {
        let lesson = "## A lesson\n\nText.\n\n";
        let with = |before: &str| {
            let text = GOOD.replace(before, &format!("{lesson}{before}"));
            found(&text).len()
        };
        assert_eq!(with("## The conversation"), 0);
        assert_eq!(with("## What the RFC says"), 0);
        assert_eq!(with("## You will"), 1);
        assert_eq!(with("## The code"), 1);
        assert_eq!(with("## Real world"), 1);
    }

    #[test]
    fn twenty_one_exercises_are_too_few() {
        let tree = Tree::of(&[
            ("book/src/SUMMARY.md", "- [3. A chapter](03-a.md)\n- [B](b.md)\n"),
            ("book/src/03-a.md", GOOD),
            ("book/src/b.md", "# B\n"),
        ]);
        let want = "book/src/SUMMARY.md:1: the chapters have 2 exercises: \
            22 at least";
        assert_eq!(check(&tree), [want]);
    }
}
