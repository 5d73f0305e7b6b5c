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
            let words = start.unwrap_or(text).trim();
            let part = words.strip_suffix('\\').unwrap_or(words);
            match (start, found.last_mut()) {
                (Some(_), _) => {
                    let path = page.path.clone();
                    let text = part.to_owned();
                    found.push(Typed { path, line, text });
                }
                (None, Some(last)) if goes_on => last.text.push_str(part),
                (None, _) => continue,
            }
            goes_on = words.ends_with('\\');
        }
    }
    found
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
    for word in words(line) {
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
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, '#') if word.is_none() => break,
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
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
