//! Lines of a terminal, cut into words as far as a book needs it.
//!
//! Interface:
//!   `Typed`   what is typed behind one `$ `, with its place
//!   `typed`   all of a page
//!   `named`   those that its sentences name
//!   `cut`     a line becomes the commands in it

use super::page::Page;

/// What somebody types; lines that a backslash continues are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    pub path: String,
    pub line: usize,
    pub text: String,
}

/// What is typed in the ```console blocks of a page.
pub fn typed(page: &Page) -> Vec<Typed> {
    let mut found: Vec<Typed> = Vec::new();
    for block in page.blocks().iter().filter(|b| b.info == "console") {
        let mut goes_on = false;
        for (line, text) in (block.line + 1..).zip(&block.lines) {
            let text = text.as_str();
            let start = text.strip_prefix("$ ");
            let part = start.unwrap_or(text).trim();
            match (start, found.last_mut()) {
                (Some(_), _) => {
                    let path = page.path.clone();
                    let text = part.to_owned();
                    found.push(Typed { path, line, text });
                }
                (None, Some(last)) if goes_on => add(&mut last.text, part),
                (None, _) => continue,
            }
            goes_on = found.last().is_some_and(|last| is_open(&last.text));
        }
    }
    found
}

/// Whether the shell would wait for more.
fn is_open(text: &str) -> bool {
    let read = Words::read(text);
    let ends = ["\\", "&&", "|"];
    let is_cut = ends.iter().any(|end| text.ends_with(end));
    is_cut || read.quote.is_some() || read.depth > 0
}

/// Adds the next line. In brackets it is a command of its own.
fn add(text: &mut String, part: &str) {
    let is_own =
        Words::read(text).quote.is_none() && !text.ends_with(['\\', '&', '|']);
    if text.ends_with('\\') {
        text.pop();
    }
    let text_end = text.trim_end().len();
    text.truncate(text_end);
    text.push_str(if is_own { " ; " } else { " " });
    text.push_str(part);
}

/// Commands that are named in a sentence, in code font. Where a word is left
/// open, there is nothing to check.
pub fn named(page: &Page) -> Vec<Typed> {
    let is_command = |code: &str| {
        let starts = ["cargo run -- ", "cargo test --test "];
        starts.iter().any(|start| code.starts_with(start))
    };
    let code = page.code().into_iter();
    code.filter(|(_, code)| is_command(code) && !code.contains(['…', '<']))
        .filter(|(_, code)| !code.contains("..."))
        .map(|(line, text)| Typed { path: page.path.clone(), line, text })
        .collect()
}

/// The commands of a line, each a list of words. Pipes and the like part
/// them; a file behind `<` is a word, one behind `>` is none.
pub fn cut(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut is_made = false;
    for word in Words::read(line).words {
        match word.as_str() {
            "|" | "&&" | "||" | ";" | "&" => commands.push(Vec::new()),
            ">" | ">>" | "2>" => is_made = true,
            "<" => {}
            _ if is_made => is_made = false,
            _ => commands.last_mut().unwrap().push(word),
        }
    }
    commands.retain(|command| !command.is_empty());
    commands
}

/// Words parted by blanks, with quotes taken away. A `#` begins a remark.
#[derive(Default)]
struct Words {
    words: Vec<String>,
    /// The quote that is open at the end, and how many brackets.
    quote: Option<char>,
    depth: usize,
}

impl Words {
    fn read(line: &str) -> Words {
        let mut read = Words::default();
        let mut word: Option<String> = None;
        for c in line.chars() {
            match (read.quote, c) {
                (Some(open), c) if c == open => read.quote = None,
                (Some(_), c) => word.get_or_insert_default().push(c),
                (None, '\'' | '"') => {
                    read.quote = Some(c);
                    word.get_or_insert_default();
                }
                (None, ' ') => read.words.extend(word.take()),
                (None, '(' | ')') => read.bracket(word.take(), c),
                (None, '#') if word.is_none() => break,
                (None, c) => word.get_or_insert_default().push(c),
            }
        }
        read.words.extend(word);
        read
    }

    /// What is in brackets are commands of their own.
    fn bracket(&mut self, word: Option<String>, bracket: char) {
        self.words.extend(word);
        self.words.push(";".to_owned());
        self.depth = match bracket {
            '(' => self.depth + 1,
            _ => self.depth.saturating_sub(1),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_stands_behind_a_dollar_and_may_go_on() {
        let text = "```console\n$ nc -C \\\n      localhost 25\n220 x\n$ ls\n\
            ```\n```text\n$ no\n```\n";
        let typed = typed(&Page::new("README.md", text));
        let found: Vec<_> =
            typed.iter().map(|t| (t.line, t.text.as_str())).collect();
        assert_eq!(found, [(2, "nc -C localhost 25"), (5, "ls")]);
    }

    #[test]
    fn open_quotes_and_brackets_go_on_in_the_next_line() {
        let text = "```console\n$ sh -c 'a &&\n  b' # it's\nout\n\
            $ (printf 'x'\n   yes) | nc -C x 25\n$ a &&\n  b\n```\n";
        let typed = typed(&Page::new("a.md", text));
        let cut: Vec<_> = typed.iter().map(|t| cut(&t.text)).collect();
        assert_eq!(cut[0], [["sh", "-c", "a && b"]]);
        assert_eq!(cut[1][0], ["printf", "x"]);
        assert_eq!(cut[1][1], ["yes"]);
        assert_eq!(cut[1][2], ["nc", "-C", "x", "25"]);
        assert_eq!(cut[2], [["a"], ["b"]]);
    }

    #[test]
    fn a_command_in_a_sentence_is_found() {
        let text = "Play `cargo run -- replay\nx.txt`, or `cargo run -- ...`, \
            or `nc`.\n";
        let named = named(&Page::new("a.md", text));
        assert_eq!(named.len(), 1);
        assert_eq!(named[0].text, "cargo run -- replay x.txt");
    }

    #[test]
    fn a_line_is_cut_into_commands_and_words() {
        let line = "printf 'a b\\r\\n' | nc -C x 25 > out < in && ls  # why";
        let cut = cut(line);
        assert_eq!(cut[0], ["printf", "a b\\r\\n"]);
        assert_eq!(cut[1], ["nc", "-C", "x", "25", "in"]);
        assert_eq!(cut[2], ["ls"]);
        assert_eq!(super::cut("# only a remark"), [[""; 0]; 0]);
    }
}
