//! The answers to "Predict" are on the second page of a chapter: a reader of
//! the plain Markdown does not see them beside the question. The chapter
//! includes each one, folded.

use super::anchors::names;
use super::chapters::{Chapter, chapters, folds};
use super::page::Place;
use super::tree::{Tree, at};

/// All findings about where the answers are.
pub fn check(tree: &Tree) -> Vec<String> {
    let chapters = chapters(tree);
    chapters.iter().flat_map(|chapter| check_one(tree, chapter)).collect()
}

fn check_one(tree: &Tree, chapter: &Chapter) -> Vec<String> {
    let more = format!("{:02}-more.md", chapter.number);
    let path = format!("book/src/{more}");
    let mut findings = Vec::new();
    let mut want = Vec::new();
    let page = &chapter.page;
    for (line, place, _) in page.lines() {
        if place == Place::Prose && folds(page, line, "Answer") {
            let name = format!("answer_{}", want.len() + 1);
            let include = format!("{{{{#include {more}:{name}}}}}");
            let is_there = page.line(line + 3) == include
                && page.line(line + 5) == "</details>";
            let what = format!("the answer is {include}, and nothing else");
            findings.extend((!is_there).then(|| at(&page.path, line, &what)));
            want.push(name);
        }
    }
    let found = names(tree.text(&path).unwrap_or_default());
    if found != want {
        let what = format!("has {found:?}; the chapter asks for {want:?}");
        findings.push(at(&path, 1, &what));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# 3. A\n\n<details>\n<summary>Answer</summary>\n\n\
        {{#include 03-more.md:answer_1}}\n\n</details>\n";
    const MORE: &str = "<!-- ANCHOR: answer_1 -->\nYes.\n\
        <!-- ANCHOR_END: answer_1 -->\n";

    fn found(page: &str, more: &str) -> Vec<String> {
        check(&Tree::of(&[
            ("book/src/SUMMARY.md", "- [3. A](03-a.md)\n"),
            ("book/src/03-a.md", page),
            ("book/src/03-more.md", more),
        ]))
    }

    #[test]
    fn each_answer_is_on_the_second_page_and_only_there() {
        assert_eq!(found(PAGE, MORE), [""; 0]);
        let here = PAGE.replace("{{#include 03-more.md:answer_1}}", "Yes.");
        let found_here = found(&here, MORE);
        let want = "book/src/03-a.md:3: the answer is {{#include 03-more.md:";
        assert!(found_here[0].starts_with(want), "{found_here:?}");
        let twice = format!("{MORE}{}", MORE.replace("_1", "_2"));
        let found_twice = found(PAGE, &twice);
        let want = "book/src/03-more.md:1: has [\"answer_1\", \"answer_2\"]";
        assert!(found_twice[0].starts_with(want), "{found_twice:?}");
        assert_eq!(found(PAGE, "").len(), 1);
    }
}
