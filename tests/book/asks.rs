//! What a teacher asks has an answer: each `- Ask:` in the notes of a chapter
//! is an item of the instructor's page, in the same order.

use super::chapters::chapters;
use super::page::Page;
use super::tree::{Tree, at};

const ANSWERS: &str = "book/src/appendix/instructor-answers.md";

/// A question or its answer, and where it begins.
struct Item {
    line: usize,
    text: String,
}

/// All findings about questions without an answer, and the other way round.
pub fn check(tree: &Tree) -> Vec<String> {
    let Some(text) = tree.text(ANSWERS) else {
        return vec![at(ANSWERS, 1, "there is no such page")];
    };
    let answers = Page::new(ANSWERS, text);
    let mut findings = Vec::new();
    for chapter in chapters(tree) {
        let (page, title) = (&chapter.page, &chapter.title);
        let (_, title) = title.split_once(". ").unwrap_or_default();
        let asked = items(page, "- Ask: ", |_| true);
        let told = items(&answers, "- **", |at| section(&answers, at) == title);
        for (number, ask) in asked.iter().enumerate() {
            if !told.get(number).is_some_and(|told| answers_it(told, ask)) {
                let what = format!(
                    "no answer in {ANSWERS}: item {} of '## {title}' begins \
                     with words of this question, in bold, and goes on in the \
                     next line",
                    number + 1
                );
                findings.push(at(&page.path, ask.line, &what));
            }
        }
        for told in told.iter().skip(asked.len()) {
            let what = "answers what the chapter does not ask";
            findings.push(at(ANSWERS, told.line, what));
        }
    }
    findings
}

/// The items that begin so, each with the lines that are set in below it.
fn items(page: &Page, start: &str, is_it: impl Fn(usize) -> bool) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut is_open = false;
    for (line, text) in page.prose() {
        if let Some(text) = text.strip_prefix(start) {
            is_open = is_it(line);
            if is_open {
                items.push(Item { line, text: text.to_owned() });
            }
        } else if is_open && text.starts_with("  ") {
            if let Some(item) = items.last_mut() {
                item.text.push(' ');
                item.text.push_str(text.trim());
            }
        } else {
            is_open = false;
        }
    }
    items
}

/// The h2 heading above a line.
fn section(page: &Page, line: usize) -> String {
    let headings = page.headings().into_iter();
    let mut above = headings.filter(|h| h.level == 2 && h.line < line);
    above.next_back().map_or_else(String::new, |heading| heading.text)
}

/// Whether an answer repeats a part of the question, and says more.
fn answers_it(told: &Item, ask: &Item) -> bool {
    let Some((question, answer)) = told.text.split_once("**") else {
        return false;
    };
    let asked = ask.text.to_lowercase();
    question.len() >= 15
        && asked.contains(&question.to_lowercase())
        && answer.trim().len() >= 40
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "# A\n\n## The end\n\n- **Why does it\n  stop here?** \
        Since all that it had to say has been said.\n";

    fn found(notes: &str, answers: &str) -> String {
        let page = format!("# 3. The end\n\n{notes}\n");
        let tree = Tree::of(&[
            ("book/src/SUMMARY.md", "- [3. The end](03.md)\n"),
            ("book/src/03.md", &page),
            (ANSWERS, answers),
        ]);
        check(&tree).join("\n")
    }

    #[test]
    fn every_question_has_its_answer_and_every_answer_its_question() {
        let ask = "- Ask: \"Why does it stop\n  here?\" Let them guess.";
        assert_eq!(found(ask, ANSWER), "");
        let other = ask.replace("stop", "end");
        let want = "book/src/03.md:3: no answer in";
        assert!(found(&other, ANSWER).starts_with(want));
        assert!(found(&format!("{ask}\n{ask}"), ANSWER).contains("item 2"));
        let want = format!("{ANSWERS}:5: answers what the chapter does not");
        assert!(found("- Trap: none", ANSWER).starts_with(&want));
        let short = ANSWER.replace("Since all that it had to say", "It");
        assert!(found(ask, &short).contains("no answer"));
    }
}
