//! What a sentence names in code font is there: a file, a name in the source,
//! an option. Whole commands are checked in `commands.rs`.

use std::collections::BTreeSet;

use super::commands::missing_files;
use super::options::Options;
use super::page::pages_and_readme;
use super::tree::{Tree, at};

/// Names and options of other programs that the book speaks about.
const THEIRS: [&str; 9] = [
    // Postfix
    "maximal_queue_lifetime",
    "smtpd_banner",
    "smtpd_forbid_bare_newline",
    // qmail
    "smtp_data",
    "smtp_mail",
    "smtp_rcpt",
    "smtp_rset",
    // swaks; our script tests/exercises
    "--helo",
    "--renew",
];

/// All findings about what is named.
pub fn check(tree: &Tree, helps: &[(&str, String)]) -> Vec<String> {
    let source = words_of_source(tree);
    let mut findings = Vec::new();
    for page in pages_and_readme(tree) {
        for (line, code) in page.code() {
            let wrong = wrong(tree, &source, helps, &code);
            let finding = |what: String| at(&page.path, line, &what);
            findings.extend(wrong.into_iter().map(finding));
        }
    }
    findings
}

/// Every word of the source, of the tests, and of the solutions.
fn words_of_source(tree: &Tree) -> BTreeSet<&str> {
    let folders = ["src/", "tests/", "book/exercises/"].into_iter();
    let files = folders.flat_map(|folder| tree.under(folder));
    files.flat_map(|(_, text)| words(text)).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}

fn wrong(
    tree: &Tree,
    source: &BTreeSet<&str>,
    helps: &[(&str, String)],
    code: &str,
) -> Vec<String> {
    let first = code.split([' ', '=']).next().unwrap_or_default();
    if THEIRS.contains(&first) || code.contains(['…', '<']) {
        Vec::new()
    } else if first.starts_with("--") && first.len() > 2 {
        let has = |help: &str| Options::read(help).has(first);
        let is_there = helps.iter().any(|(_, help)| has(help));
        let what = format!("no command has the option {first}: mend it");
        (!is_there).then_some(what).into_iter().collect()
    } else if is_name(code) {
        let gone = words(code).filter(|word| !source.contains(word));
        let what =
            |word| format!("src/ and tests/ have no '{word}': mend the name");
        gone.map(what).collect()
    } else {
        missing_files(tree, &[code.to_owned()])
    }
}

/// `on_rcpt`, `Session::step`, `main()`: what only a program is called.
fn is_name(code: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || "_:()".contains(c);
    code.chars().all(is_letter)
        && code.starts_with(|c: char| c.is_alphabetic())
        && (code.contains('_') || code.contains("::") || code.ends_with("()"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let help = "Options:\n    -m, --mail DIR      x\n".to_owned();
        let tree = Tree::of(&[
            ("README.md", text),
            ("src/a.rs", "fn on_rcpt() {\n}\nlet step = io::Error;\n"),
            ("transcripts/a/b.txt", "Title: t\n"),
        ]);
        check(&tree, &[("serve", help)])
    }

    #[test]
    fn what_is_there_can_be_named() {
        for code in [
            "on_rcpt",
            "on_rcpt()",
            "io::Error",
            "--mail DIR",
            "--mail=x",
            "--helo",
            "--",
            "smtpd_banner",
            "src/a.rs",
            "src/a.rs:2",
            "transcripts/*.txt",
            "RCPT TO:<bob_b@example.org>",
            "MAIL",
        ] {
            assert_eq!(found(&format!("x `{code}` y\n")), [""; 0], "{code}");
        }
    }

    #[test]
    fn what_is_gone_is_found() {
        let gone = "src/ and tests/ have no";
        for (code, want) in [
            ("on_data", format!("{gone} 'on_data': mend the name")),
            ("gone()", format!("{gone} 'gone': mend the name")),
            ("io::gone", format!("{gone} 'gone': mend the name")),
            ("--frob", "no command has the option --frob: mend it".into()),
            ("src/b.rs", "there is no src/b.rs: mend the path".into()),
            ("src/a.rs:4", "src/a.rs has only 3 lines: mend src/a.rs:4".into()),
        ] {
            let want = format!("README.md:2: {want}");
            assert_eq!(found(&format!("x\n`{code}`\n")), [want], "{code}");
        }
    }
}
