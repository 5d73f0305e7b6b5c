//! An exercise names all places: each file of `src` that its solution changes,
//! each transcript or its folder, and the list `ALL` if it makes a reply.

use super::chapters::chapters;
use super::exercises::on_page;
use super::links::links;
use super::page::Page;
use super::tree::{Tree, at};

/// All findings about places that a student would have to guess.
pub fn check(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    for chapter in chapters(tree) {
        let page = &chapter.page;
        for exercise in on_page(page) {
            for (_, folder) in &exercise.folders {
                let told = told(tree, page, exercise.line);
                let places = places(tree, folder);
                let missing = places.iter().filter(|p| !names(&told, p));
                findings.extend(missing.map(|place| {
                    let what = format!(
                        "the solution changes {place}: name it in the hint"
                    );
                    at(&page.path, exercise.line, &what)
                }));
            }
        }
    }
    findings
}

/// What an exercise says, from its heading to the next one, with the page that
/// it may have for itself.
fn told(tree: &Tree, page: &Page, line: usize) -> String {
    let end = page
        .headings()
        .iter()
        .find(|heading| heading.line > line && heading.level <= 3)
        .map_or(page.length() + 1, |next| next.line);
    let lines = (line..end).map(|number| page.line(number));
    let told = lines.collect::<Vec<_>>().join("\n");
    let prefix = page.path.rsplit('/').next().unwrap_or_default();
    let prefix = prefix.get(..3).unwrap_or_default();
    let is_own =
        |path: &str| path.starts_with(prefix) && !path.ends_with("-more.md");
    let links = links(&Page::new(&page.path, &told));
    let own = links.iter().filter(|link| is_own(&link.path));
    let texts =
        own.filter_map(|link| tree.text(&format!("book/src/{}", link.path)));
    texts.fold(told.clone(), |all, text| all + text)
}

/// The places that a solution changes, as its patch has them.
fn places(tree: &Tree, folder: &str) -> Vec<String> {
    let path = format!("book/exercises/{folder}/solution.patch");
    let patch = tree.text(&path).unwrap_or_default();
    let mut places = Vec::new();
    let mut lines = patch.lines().peekable();
    while let Some(line) = lines.next() {
        let old = line.strip_prefix("--- ");
        let new = lines.peek().and_then(|next| next.strip_prefix("+++ b/"));
        if let (Some(old), Some(new)) = (old, new)
            && old != "/dev/null"
            && !new.starts_with("book/")
        {
            places.push(new.to_owned());
        }
        let is_in_list = line.strip_prefix("+    ").is_some_and(|name| {
            name.ends_with(',')
                && name
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || "_,".contains(c))
        });
        if is_in_list && !places.contains(&"`ALL`".to_owned()) {
            places.push("`ALL`".to_owned());
        }
    }
    places
}

/// A file by its name alone; a transcript by its folder, too.
fn names(told: &str, place: &str) -> bool {
    let mut parts = place.rsplit('/');
    let file = parts.next().unwrap_or_default();
    let folder = parts.next().unwrap_or_default();
    told.contains(file)
        || place.starts_with("transcripts/") && told.contains(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_of_a_solution_must_be_named() {
        let patch = "--- a/src/protocol/reply.rs\n+++ b/src/protocol/reply.rs\n\
            @@ -1 +1 @@\n+    A_REPLY,\n\
            --- a/transcripts/02-b/c.txt\n+++ b/transcripts/02-b/c.txt\n\
            --- /dev/null\n+++ b/src/new.rs\n";
        let tree = |hint: &str| {
            let page = format!(
                "# 3. A\n\n### Exercise 3.1: B \\* (10 min)\n\n\
                 {{{{#include ../exercises/03-b/case.txt}}}}\n\n{hint}\n\n\
                 ## Real world\n\nreply.rs\n"
            );
            check(&Tree::of(&[
                ("book/src/SUMMARY.md", "- [3. A](03-a.md)\n"),
                ("book/src/03-a.md", &page),
                ("book/exercises/03-b/case.txt", ""),
                ("book/exercises/03-b/solution.patch", patch),
            ]))
        };
        assert_eq!(tree("`reply.rs`, its `ALL`, and `02-b`"), [""; 0]);
        assert_eq!(tree("`reply.rs`, its `ALL`, and `c.txt`"), [""; 0]);
        let found = tree("`reply.rs`");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("changes `ALL`: name it"), "{found:?}");
        assert_eq!(tree("nothing").len(), 3);
    }
}
