//! What a chapter offers to somebody who talks to the machine in its page: from
//! `book/live/talks`, as a part of the page. Without JavaScript it is read.
//!
//! Whether the lines below a goal reach it is not checked here: the machine has
//! to be played for that (`tests/live/goals.mjs`).

use std::fmt::Write;

use super::tree::{Tree, at};

const FOLDER: &str = "book/live/talks/";

/// One file.
#[derive(Default)]
struct Talk {
    server: String,
    tries: Vec<String>,
    goals: Vec<Goal>,
}

#[derive(Default)]
struct Goal {
    text: String,
    pattern: String,
    /// Client lines, as in a transcript.
    lines: Vec<String>,
}

/// The parts for the pages, by their names.
pub fn parts(tree: &Tree) -> (Vec<(String, String)>, Vec<String>) {
    let (mut parts, mut findings) = (Vec::new(), Vec::new());
    for (path, text) in tree.under(FOLDER) {
        match read(text) {
            Ok(talk) => {
                let name = path.trim_start_matches(FOLDER);
                let name = name.trim_end_matches(".txt");
                parts.push((format!("talk-{name}.md"), talk.html()));
            }
            Err((line, what)) => findings.push(at(path, line, &what)),
        }
    }
    (parts, findings)
}

fn read(text: &str) -> Result<Talk, (usize, String)> {
    let mut talk = Talk::default();
    for (number, line) in (1..).zip(text.lines()) {
        let error = |what: &str| (number, what.to_owned());
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
        match (key, talk.goals.last_mut()) {
            ("Server", None) => talk.server = value,
            ("Try", None) => talk.tries.push(value),
            ("Goal", _) => {
                talk.goals.push(Goal { text: value, ..Goal::default() });
            }
            ("When", Some(goal)) => goal.pattern = value,
            (_, Some(goal)) if line.starts_with("C") => {
                goal.lines.push(line.to_owned());
            }
            _ if line.is_empty() || line.starts_with('#') => {}
            _ => return Err(error("expected Server, Try, Goal, When or C")),
        }
    }
    let is_whole =
        |goal: &&Goal| goal.pattern.is_empty() || goal.lines.is_empty();
    match talk.goals.iter().find(is_whole) {
        Some(goal) => Err((1, format!("no When or no lines: {}", goal.text))),
        None => Ok(talk),
    }
}

impl Talk {
    /// One block of HTML: no empty line may be in it.
    fn html(&self) -> String {
        let mut html = format!(
            "<div class=\"talk\" data-server=\"{}\">\n\
             <div class=\"offline\">\n\
             <p><strong>Talk to it.</strong> With JavaScript, the machine of \
             this chapter answers in this place. At home, it does so in a \
             terminal:</p>\n\
             <pre><code class=\"language-console\">{}</code></pre>\n\
             <p>Lines to try:</p>\n<ul class=\"tries\">\n",
            escape(&self.server),
            self.at_home()
        );
        for line in &self.tries {
            let line = escape(line);
            let _ = writeln!(html, "<li><code>{line}</code></li>");
        }
        html += "</ul>\n</div>\n<p>Goals:</p>\n<ol class=\"goals\">\n";
        for goal in &self.goals {
            let lines: Vec<String> =
                goal.lines.iter().map(|line| escape(line)).collect();
            let _ = writeln!(
                html,
                "<li data-when=\"{}\"><span>{}</span>\n\
                 <details><summary>Solution</summary>\
                 <pre><code>{}</code></pre></details></li>",
                escape(&goal.pattern),
                escape(&goal.text),
                // A line feed that ends no line of the Markdown.
                lines.join("&#10;")
            );
        }
        html + "</ol>\n</div>\n"
    }

    /// The same server, in a terminal.
    fn at_home(&self) -> String {
        let options = self.server.split(' ').filter(|word| !word.is_empty());
        let options =
            options.map(|word| format!(" --{}", word.replace('=', " ")));
        format!(
            "$ cargo run -- serve --stdio --explain{} \\&#10;    \
             --hostname mx.example.org --domain example.org \\&#10;    \
             --mailbox bob@example.org --mailbox carol@example.org",
            options.collect::<String>()
        )
    }
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TALK: &str = "# note\nServer: max-size=9\n\nTry: A <b>\nTry:\n\n\
        Goal: Do \"it\".\nWhen: ^x\nC: x\nC:\n";

    #[test]
    fn a_talk_becomes_one_block_with_its_lines_and_goals() {
        let tree = Tree::of(&[("book/live/talks/01-a.txt", TALK)]);
        let (parts, findings) = parts(&tree);
        assert_eq!(findings, [""; 0]);
        let [(name, html)] = &parts[..] else { panic!("{}", parts.len()) };
        assert_eq!(name, "talk-01-a.md");
        for want in [
            "data-server=\"max-size=9\"",
            "--explain --max-size 9 ",
            "<li><code>A &lt;b&gt;</code></li>\n<li><code></code></li>",
            "<li data-when=\"^x\"><span>Do &quot;it&quot;.</span>",
            "<code>C: x&#10;C:</code>",
        ] {
            assert!(html.contains(want), "{want}: {html}");
        }
        assert!(!html.contains("\n\n"), "{html}");
    }

    #[test]
    fn a_goal_without_a_solution_and_an_unknown_line_are_found() {
        for (old, new, line) in [("C: x\nC:\n", "", 1), ("Try:\n", "Fry:\n", 5)]
        {
            let text = TALK.replace(old, new);
            let tree = Tree::of(&[("book/live/talks/01-a.txt", &text)]);
            let want = format!("book/live/talks/01-a.txt:{line}: ");
            assert!(parts(&tree).1[0].starts_with(&want), "{new}");
        }
    }
}
