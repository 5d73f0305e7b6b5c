//! One page of Markdown, as far as the checks must understand it.
//!
//! Interface:
//!   `Page`     lines, each prose, a fence, or inside a fenced block
//!   `Block`    a fenced block
//!   `Heading`  with the id that mdBook gives it
//!   `Include`  an `{{#include ...}}`, resolved
//!   `pages`    all pages of the book; `pages_and_readme`, one more
//!
//! It knows the Markdown that this book is written in, not all of it.

use super::ids;
use super::tree::{Tree, resolve};

/// Where a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Prose,
    Fence,
    Block,
}

pub struct Page {
    /// From the root of the repository.
    pub path: String,
    lines: Vec<(Place, String)>,
}

/// A fenced block. `line` is the number of its opening fence.
#[derive(Clone)]
pub struct Block {
    pub line: usize,
    pub info: String,
    pub lines: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Heading {
    pub line: usize,
    pub level: usize,
    pub text: String,
    pub id: String,
}

/// `{{#include target:anchor}}`.
#[derive(Debug, PartialEq, Eq)]
pub struct Include {
    pub line: usize,
    /// From the root; none if it leads out of it.
    pub target: Option<String>,
    pub anchor: Option<String>,
}

/// All pages: the Markdown files that mdBook makes a page of.
pub fn pages(tree: &Tree) -> Vec<Page> {
    let is_page = |path: &str| {
        path.ends_with(".md")
            && !path.contains("/generated/")
            && path != "book/src/SUMMARY.md"
    };
    let files = tree.under("book/src/");
    files
        .filter(|(path, _)| is_page(path))
        .map(|(path, text)| Page::new(path, text))
        .collect()
}

/// The README is read like a page, but is none.
pub fn pages_and_readme(tree: &Tree) -> Vec<Page> {
    let readme = "README.md";
    let readme = tree.text(readme).map(|text| Page::new(readme, text));
    readme.into_iter().chain(pages(tree)).collect()
}

impl Page {
    pub fn new(path: &str, text: &str) -> Page {
        let mut open: Option<String> = None;
        let mut lines = Vec::new();
        for line in text.lines() {
            let fence = fence(line);
            let place = match (&open, fence) {
                (None, Some(mark)) => {
                    open = Some(mark);
                    Place::Fence
                }
                (Some(opened), Some(mark))
                    if mark.starts_with(opened.as_str())
                        && line.trim() == mark =>
                {
                    open = None;
                    Place::Fence
                }
                (Some(_), _) => Place::Block,
                (None, None) => Place::Prose,
            };
            lines.push((place, line.to_owned()));
        }
        Page { path: path.to_owned(), lines }
    }

    /// All lines with their numbers.
    pub fn lines(&self) -> impl Iterator<Item = (usize, Place, &str)> {
        let numbered = self.lines.iter().enumerate();
        numbered.map(|(at, (place, text))| (at + 1, *place, text.as_str()))
    }

    /// The lines outside of blocks.
    pub fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_prose = |&(_, place, _): &_| place == Place::Prose;
        self.lines().filter(is_prose).map(|(number, _, text)| (number, text))
    }

    /// The line of this number, from 1; empty where there is none.
    pub fn line(&self, number: usize) -> &str {
        let line = number.checked_sub(1).and_then(|at| self.lines.get(at));
        line.map_or("", |(_, text)| text)
    }

    /// How many lines it has.
    pub fn length(&self) -> usize {
        self.lines.len()
    }

    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut is_open = false;
        let mut indent = 0;
        for (line, place, text) in self.lines() {
            match place {
                Place::Fence if is_open => is_open = false,
                Place::Fence => {
                    is_open = true;
                    indent = text.len() - text.trim_start().len();
                    let info = text.trim().trim_start_matches(['`', '~']);
                    let info = info.trim().to_owned();
                    blocks.push(Block { line, info, lines: Vec::new() });
                }
                Place::Block => {
                    if let Some(block) = blocks.last_mut() {
                        block.lines.push(dedented(text, indent).to_owned());
                    }
                }
                Place::Prose => {}
            }
        }
        blocks
    }

    /// The headings of this file alone, without what it includes.
    pub fn headings(&self) -> Vec<Heading> {
        let mut used = ids::Used::default();
        let mut found = Vec::new();
        for (line, text) in self.prose() {
            let level = text.chars().take_while(|c| *c == '#').count();
            let words = text.get(level..).unwrap_or_default();
            let is_term =
                !text.is_empty() && self.line(line + 1).starts_with(": ");
            if is_term || (1..=6).contains(&level) && words.starts_with(' ') {
                let text = words.trim().to_owned();
                let id = used.id(&text);
                found.push(Heading { line, level, text, id });
            }
        }
        found
    }

    /// Whether this line stands inside of a fenced block.
    pub fn is_in_block(&self, number: usize) -> bool {
        self.lines().any(|(n, place, _)| n == number && place == Place::Block)
    }

    /// The includes, each alone in its line, also those in a block. One that is
    /// escaped is none.
    pub fn includes(&self) -> Vec<Include> {
        let include = |(line, _, text): (usize, Place, &str)| {
            let path = text.trim().strip_prefix("{{#include ")?;
            let path = path.strip_suffix("}}")?.trim();
            (!path.contains("}}")).then(|| self.include(line, path))
        };
        self.lines().filter_map(include).collect()
    }

    fn include(&self, line: usize, text: &str) -> Include {
        let (path, anchor) = match text.split_once(':') {
            Some((path, anchor)) => (path, Some(anchor.to_owned())),
            None => (text, None),
        };
        Include { line, target: resolve(&self.path, path), anchor }
    }

    /// The page with its includes put in, as far as they are prose.
    pub fn whole(&self, tree: &Tree) -> Page {
        let included = self.includes();
        let mut text = String::new();
        for (number, place, line) in self.lines() {
            let include = included.iter().find(|i| i.line == number);
            let inner = include.and_then(|include| include.text(tree));
            match inner {
                Some(inner) if place == Place::Prose => text.push_str(&inner),
                Some(_) | None => text.push_str(line),
            }
            text.push('\n');
        }
        Page::new(&self.path, &text)
    }

    /// The prose as one text with the same lines, without what is code.
    pub fn words(&self) -> String {
        without_code(&self.text(), &mut Vec::new())
    }

    /// What stands in code font in the prose, each with its line.
    pub fn code(&self) -> Vec<(usize, String)> {
        let text = self.text();
        let mut found = Vec::new();
        without_code(&text, &mut found);
        let line = |start: usize| text[..start].matches('\n').count() + 1;
        let code = found.into_iter();
        code.map(|(start, code)| (line(start), code.replace('\n', " ")))
            .collect()
    }

    /// The prose, with an empty line for each that is none.
    fn text(&self) -> String {
        let line = |(place, line): &(Place, String)| match place {
            Place::Prose => format!("{line}\n"),
            Place::Fence | Place::Block => "\n".to_owned(),
        };
        self.lines.iter().map(line).collect()
    }
}

impl Include {
    /// What is put in its place: a whole file, or the lines of its anchor.
    fn text(&self, tree: &Tree) -> Option<String> {
        let text = tree.text(self.target.as_deref()?)?;
        let Some(anchor) = &self.anchor else {
            return Some(text.to_owned());
        };
        let is_mark = |line: &&str, mark: &str| {
            line.split_once(mark).is_some_and(|(_, rest)| {
                rest.split_whitespace().next() == Some(anchor)
            })
        };
        let lines = text.lines().skip_while(|line| !is_mark(line, "ANCHOR: "));
        let lines = lines.skip(1);
        let lines = lines.take_while(|line| !is_mark(line, "ANCHOR_END: "));
        Some(lines.collect::<Vec<_>>().join("\n"))
    }
}

/// A line of a block in a list begins where the fence does.
fn dedented(line: &str, indent: usize) -> &str {
    let blanks = line.len() - line.trim_start_matches(' ').len();
    &line[blanks.min(indent)..]
}

/// The marks of a line that opens or closes a block.
fn fence(line: &str) -> Option<String> {
    let line = line.trim_start();
    let mark = line.chars().next().filter(|c| *c == '`' || *c == '~')?;
    let marks: String = line.chars().take_while(|c| *c == mark).collect();
    // One line of code in the text may begin with marks, and has more of them.
    let rest = line.get(marks.len()..).unwrap_or_default();
    (marks.len() >= 3 && !rest.contains('`')).then_some(marks)
}

/// Takes out what stands between backticks, and keeps the ends of lines. What
/// was taken out, and where it began, goes into `taken`.
fn without_code<'a>(
    text: &'a str,
    taken: &mut Vec<(usize, &'a str)>,
) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('`') {
        let (before, from) = rest.split_at(start);
        kept.push_str(before);
        let marks = from.len() - from.trim_start_matches('`').len();
        let (mark, inside) = from.split_at(marks);
        let paragraph = inside.split("\n\n").next().unwrap_or_default();
        match paragraph.find(mark) {
            Some(end) => {
                let code = &inside[..end];
                taken.push((text.len() - inside.len(), code));
                kept.extend(code.chars().filter(|c| *c == '\n'));
                rest = &inside[end + marks..];
            }
            None => rest = inside,
        }
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page::new("book/src/a.md", text)
    }

    #[test]
    fn a_block_is_no_prose_and_a_longer_fence_holds_a_shorter_one() {
        let page = page("one\n````text\n```\n# no\n```\n````\ntwo\n");
        let prose: Vec<_> = page.prose().collect();
        assert_eq!(prose, [(1, "one"), (7, "two")]);
        let blocks = page.blocks();
        assert_eq!(blocks.len(), 1);
        assert_eq!(blocks[0].info, "text");
        assert_eq!(blocks[0].lines, ["```", "# no", "```"]);
    }

    #[test]
    fn a_block_in_a_list_begins_where_its_fence_does() {
        let page = page("- x\n\n  ```text\n  a\n    b\n\n  ```\n");
        assert_eq!(page.blocks()[0].lines, ["a", "  b", ""]);
    }

    #[test]
    fn an_include_is_resolved_and_an_escaped_one_is_text() {
        let page =
            page("{{#include ../../src/a.rs:on_rcpt}}\n\\{{#include b.md}}\n");
        let target = Some("src/a.rs".to_owned());
        let anchor = Some("on_rcpt".to_owned());
        assert_eq!(page.includes(), [Include { line: 1, target, anchor }]);
    }

    #[test]
    fn code_in_a_line_is_not_read_and_lines_stay_where_they_are() {
        let page = page("a `[x](y)` b\n``c ` d``\n`e\nf` g\n`h\n");
        assert_eq!(page.words(), "a  b\n\n\n g\nh\n");
        let code = [(1, "[x](y)"), (2, "c ` d"), (3, "e f")];
        assert_eq!(page.code(), code.map(|(n, code)| (n, code.to_owned())));
    }

    #[test]
    fn headings_of_what_is_included_count() {
        let tree = Tree::of(&[("book/src/generated/t.md", "## RFC 5321\n")]);
        let page = page("# A\n{{#include generated/t.md}}\n");
        let ids: Vec<_> =
            page.whole(&tree).headings().into_iter().map(|h| h.id).collect();
        assert_eq!(ids, ["a", "rfc-5321"]);
    }

    #[test]
    fn of_an_anchor_nothing_but_its_lines_is_put_in() {
        let more = "## B\n<!-- ANCHOR: b_1 -->\n### C\n<!-- ANCHOR_END: b_1 \
            -->\n## D\n";
        let tree = Tree::of(&[("book/src/more.md", more)]);
        let page = page("# A\n{{#include more.md:b_1}}\n");
        let ids: Vec<_> =
            page.whole(&tree).headings().into_iter().map(|h| h.id).collect();
        assert_eq!(ids, ["a", "c"]);
    }
}
