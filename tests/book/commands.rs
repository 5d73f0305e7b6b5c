//! The commands that the README and the book print are right: the program has
//! these options, the files are there, and what can be played is played.

use std::path::Path;
use std::process::{Command, Stdio};

use super::options::Options;
use super::page::pages_and_readme;
use super::shell::{Typed, cut, named, typed};
use super::tree::{Tree, at, root};

/// Programs of others that the course uses.
const KNOWN: &[&str] = &[
    "apt", "apt-get", "bash", "brew", "cat", "cd", "cp", "curl", "diff", "dig",
    "echo", "for", "git", "grep", "head", "host", "ls", "mdbook", "mkdir",
    "msmtp", "mutt", "mv", "nc", "od", "openssl", "patch", "printf", "python3",
    "rm", "rustc", "sleep", "strace", "stunnel", "sudo", "swaks", "tail",
    "unshare", "yes", "time",
];

/// What cargo is asked to do.
const CARGO: [&str; 8] =
    ["bench", "build", "clippy", "doc", "fmt", "install", "run", "test"];

/// Where a path that is typed must lead to a file that is there.
const OURS: [&str; 5] = ["transcripts/", "book/", "tests/", "src/", ".ci/"];

const EXERCISES: &str = "book/exercises/";

/// What is there once it was made.
const MADE: [&str; 1] = ["book/book/"];

/// Options of `replay` that need something which no test has.
const NOT_PLAYED: [&str; 9] = [
    "--server",
    "--listen",
    "--client",
    "--run",
    "--bless",
    "--matrix",
    "--out",
    "--accept",
    "--maildir",
];

/// The program's own help, by command. The program itself is `pillarbox`.
pub type Helps = [(&'static str, String)];

/// Everything typed in the README and in the book.
pub fn all(tree: &Tree) -> Vec<Typed> {
    pages_and_readme(tree).iter().flat_map(typed).collect()
}

/// All findings about what is typed.
pub fn check(tree: &Tree, helps: &Helps) -> Vec<String> {
    let mut findings = Vec::new();
    let pages = pages_and_readme(tree);
    let named = pages.iter().flat_map(named).collect();
    for typed in [all(tree), named].concat() {
        for words in cut(&typed.text) {
            let wrong = wrong(tree, helps, &words);
            let finding = |what: String| at(&typed.path, typed.line, &what);
            findings.extend(wrong.into_iter().map(finding));
        }
    }
    for page in &pages {
        for block in page.blocks() {
            let what = match block.info.as_str() {
                "sh" | "bash" | "shell" => {
                    "commands stand in a ```console block"
                }
                "console" if !block.lines.iter().any(|l| is_typed(l)) => {
                    "what is typed begins with `$ `"
                }
                _ => continue,
            };
            findings.push(at(&page.path, block.line, what));
        }
    }
    findings
}

fn is_typed(line: &str) -> bool {
    line.starts_with("$ ")
}

/// What is wrong with one command.
fn wrong(tree: &Tree, helps: &Helps, words: &[String]) -> Vec<String> {
    let words = without_settings(words);
    let mut findings = missing_files(tree, words);
    let program = words.first().map_or("", String::as_str);
    if let Some(arguments) = of_pillarbox(words) {
        findings.extend(arguments_of(helps, arguments));
    } else if program == "cargo" {
        findings.extend(cargo(tree, words));
    } else if program == "tests/exercises" {
        let names = words[1..].iter().filter(|word| !word.starts_with('-'));
        let is_missing =
            |name: &&String| !tree.has(&format!("{EXERCISES}{name}"));
        let missing = names.filter(is_missing);
        findings.extend(missing.map(|name| format!("no exercise {name}")));
    } else if !KNOWN.contains(&program) && !tree.has(program) {
        findings.push(format!(
            "'{program}' is not among the programs the course uses"
        ));
    }
    findings
}

/// The words behind `RUST_LOG=debug` and the like.
fn without_settings(words: &[String]) -> &[String] {
    let is_setting = |word: &&String| {
        let name = word.split_once('=').map_or("", |(name, _)| name);
        let is_letter = |c: char| c.is_ascii_uppercase() || c == '_';
        !name.is_empty() && name.chars().all(is_letter)
    };
    let count = words.iter().take_while(is_setting).count();
    &words[count..]
}

/// What stands behind `cargo run --` or the program's own path.
fn of_pillarbox(words: &[String]) -> Option<&[String]> {
    let (program, rest) = words.split_first()?;
    if program.ends_with("target/debug/pillarbox") || program == "pillarbox" {
        return Some(rest);
    }
    let is_run = program == "cargo" && rest.first()? == "run";
    let start = rest.iter().position(|word| word == "--")?;
    is_run.then(|| &rest[start + 1..])
}

/// Which files of ours are named and are not there.
pub fn missing_files(tree: &Tree, words: &[String]) -> Vec<String> {
    let parts = words.iter().flat_map(|word| word.split([' ', '=', '@']));
    let is_ours = |part: &&str| {
        let starts = |list: &[&str]| list.iter().any(|s| part.starts_with(s));
        starts(&OURS) && !starts(&MADE) && !part.contains(['*', '{', '<'])
    };
    let wrong = |part: &str| {
        let (path, line) = without_line(part);
        if !tree.has(path) {
            return Some(format!("there is no {part}: mend the path"));
        }
        let length = tree.text(path).map_or(0, |text| text.lines().count());
        let what = format!("{path} has only {length} lines: mend {part}");
        (line > length).then_some(what)
    };
    parts.filter(is_ours).filter_map(wrong).collect()
}

/// `--show` takes FILE:LINE. Without a line it is 0.
fn without_line(path: &str) -> (&str, usize) {
    let parts = path.rsplit_once(':');
    let parts = parts.and_then(|(file, n)| Some((file, n.parse().ok()?)));
    parts.unwrap_or((path, 0))
}

fn cargo(tree: &Tree, words: &[String]) -> Vec<String> {
    let mut findings = Vec::new();
    let what = words.get(1).map_or("", String::as_str);
    if !CARGO.contains(&what) {
        findings.push(format!("'cargo {what}' is not used in the course"));
    }
    if what == "run" {
        findings.push("'cargo run' needs -- and a command".to_owned());
    }
    for pair in words.windows(2).filter(|pair| pair[0] == "--test") {
        let name = &pair[1];
        if !tree.has(&format!("tests/{name}.rs")) {
            findings.push(format!("there is no test file tests/{name}.rs"));
        }
    }
    findings
}

/// Are the words behind `pillarbox` a command with its options?
fn arguments_of(helps: &Helps, words: &[String]) -> Vec<String> {
    let help = |name: &str| helps.iter().find(|(command, _)| *command == name);
    let Some((command, rest)) = words.split_first() else {
        return vec!["a command is missing, such as serve".into()];
    };
    let (command, rest) = match command.starts_with('-') {
        true => ("pillarbox", words),
        false => (command.as_str(), rest),
    };
    let Some((_, help)) = help(command) else {
        return vec![format!("pillarbox has no command '{command}'")];
    };
    wrong_options(command, &Options::read(help), rest)
}

fn wrong_options(
    command: &str,
    options: &Options,
    words: &[String],
) -> Vec<String> {
    let has_options_only = ["serve", "record"].contains(&command);
    let mut findings = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if !word.starts_with('-') {
            if has_options_only {
                findings.push(format!("{command} takes no '{word}'"));
            }
            continue;
        }
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word.as_str(), None),
        };
        match (options.takes_value(name), value) {
            (None, _) => findings.push(format!("{command} has no {name}")),
            (Some(true), None) if rest.next().is_none() => {
                findings.push(format!("{name} needs a value"));
            }
            (Some(false), Some(_)) => {
                findings.push(format!("{name} takes no value"));
            }
            (Some(_), _) => {}
        }
    }
    findings
}

/// Plays what needs no other server, each command once, and says which did
/// not end as it should.
pub fn play(tree: &Tree, binary: &Path) -> Vec<String> {
    let mut played: Vec<Vec<String>> = Vec::new();
    let mut findings = Vec::new();
    for typed in all(tree) {
        for words in cut(&typed.text) {
            let arguments = of_pillarbox(without_settings(&words));
            let arguments = expanded(tree, arguments.unwrap_or_default());
            if is_playable(tree, &arguments) && !played.contains(&arguments) {
                let wrong = ends_wrong(binary, &arguments);
                played.push(arguments);
                let finding = |what: String| at(&typed.path, typed.line, &what);
                findings.extend(wrong.map(finding));
            }
        }
    }
    findings
}

/// What a shell makes of words with one star in each.
fn expanded(tree: &Tree, words: &[String]) -> Vec<String> {
    let mut expanded = Vec::new();
    for word in words {
        let Some((start, end)) = word.split_once('*') else {
            expanded.push(word.clone());
            continue;
        };
        let is_it = |path: &&str| {
            let inside = path[start.len()..].strip_suffix(end);
            inside.is_some_and(|inside| !inside.contains('/'))
        };
        let paths = tree.under(start).map(|(path, _)| path);
        expanded.extend(paths.filter(is_it).map(str::to_owned));
    }
    expanded
}

/// Whether it ends by itself, and has all that it needs.
fn is_playable(tree: &Tree, arguments: &[String]) -> bool {
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let is_help = has("--help") || has("-h") || has("--version") || has("-V");
    let is_replay = arguments.first().is_some_and(|first| first == "replay");
    let needs_more = arguments.iter().any(|argument| {
        let name = argument.split('=').next().unwrap_or_default();
        NOT_PLAYED.contains(&name)
    });
    // A file that the reader makes.
    let files = arguments.iter().filter(|word| word.contains('/'));
    let mut files = files.map(|word| without_line(word).0);
    let is_there = arguments.len() > 1 && files.all(|file| tree.has(file));
    is_help || is_replay && !needs_more && is_there
}

/// Runs it in the root of the repository.
fn ends_wrong(binary: &Path, arguments: &[String]) -> Option<String> {
    let output = Command::new(binary)
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let is_exercise = arguments.iter().any(|a| a.contains("book/exercises"));
    let is_check = arguments.iter().any(|a| a == "--check" || a == "--list");
    match output.status.code() {
        Some(0) => None,
        // An exercise is red until somebody has solved it.
        Some(1) if is_exercise && !is_check => None,
        code => {
            let errors = String::from_utf8_lossy(&output.stderr);
            let printed = String::from_utf8_lossy(&output.stdout);
            let last = errors.lines().chain(printed.lines()).last();
            Some(format!(
                "'{}' ends with {code:?}: {}",
                arguments.join(" "),
                last.unwrap_or_default()
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn helps() -> [(&'static str, String); 3] {
        let serve = "Options:\n    -m, --mail DIR      x\n";
        let serve = format!("{serve}        --explain       y\n");
        let replay = "Options:\n        --show FILE:LINE\n";
        let program = "Options:\n    -h, --help      x\n";
        [
            ("pillarbox", program.into()),
            ("serve", serve),
            ("replay", replay.into()),
        ]
    }

    fn found(command: &str) -> Vec<String> {
        let page = format!("# A\n\n```console\n$ {command}\n```\n");
        let tree = Tree::of(&[
            ("book/src/a.md", &page),
            ("book/exercises/03-a/solution.patch", ""),
            ("tests/exercises", ""),
            ("tests/transcripts.rs", ""),
            ("tests/students/right.py", ""),
            ("transcripts/01-first/helo.txt", "1\n2\n3\n4\n5\n6\n7\n"),
        ]);
        check(&tree, &helps())
    }

    #[test]
    fn commands_that_are_right_are_no_findings() {
        for command in [
            "cargo run -- serve",
            "RUST_LOG=debug cargo run -- serve -m mail --explain",
            "cargo run --release -- --help",
            "cargo run -- serve --mail=mail   # here",
            "cargo run -- replay --show transcripts/01-first/helo.txt:7",
            "cargo run -- replay transcripts raw/x.txt",
            "TRANSCRIPT=a cargo test --test transcripts",
            "patch -p1 < book/exercises/03-a/solution.patch",
            "python3 tests/students/right.py 2600 mail",
            "tests/exercises 03-a --renew",
            "cat mail/localhost/student/new/* | head -3 > book/out",
        ] {
            assert_eq!(found(command), [""; 0], "{command}");
        }
    }

    #[test]
    fn each_command_that_cannot_work_is_found() {
        for (command, want) in [
            ("cargo run", "'cargo run' needs -- and a command"),
            ("cargo run -- sevre", "pillarbox has no command 'sevre'"),
            ("cargo run -- serve --frob", "serve has no --frob"),
            ("cargo run -- serve -x", "serve has no -x"),
            ("cargo run -- serve --mail", "--mail needs a value"),
            ("cargo run -- serve --explain=1", "--explain takes no value"),
            ("cargo run -- serve now", "serve takes no 'now'"),
            ("cargo run --", "a command is missing, such as serve"),
            (
                "cargo run -- replay transcripts/01-first/gone.txt",
                "there is no transcripts/01-first/gone.txt: mend the path",
            ),
            ("cargo test --test gone", "there is no test file tests/gone.rs"),
            ("tests/exercises 03-b", "no exercise 03-b"),
            ("cargo frob", "'cargo frob' is not used in the course"),
            ("frob x", "'frob' is not among the programs the course uses"),
            (
                "patch -p1 < book/exercises/03-b/solution.patch",
                "there is no book/exercises/03-b/solution.patch: mend the \
                 path",
            ),
        ] {
            let want = format!("book/src/a.md:4: {want}");
            assert_eq!(found(command), [want], "{command}");
        }
    }

    #[test]
    fn a_star_stands_for_one_part_of_a_path() {
        let tree = Tree::of(&[("a/b/c.txt", ""), ("a/d/e/c.txt", "")]);
        let words = ["replay".to_owned(), "a/*/c.txt".to_owned()];
        assert_eq!(expanded(&tree, &words), ["replay", "a/b/c.txt"]);
    }

    #[test]
    fn a_block_of_another_name_is_found() {
        let tree = Tree::of(&[("book/src/a.md", "```sh\n$ frob\n```\n")]);
        let want = "book/src/a.md:1: commands stand in a ```console block";
        assert_eq!(check(&tree, &helps()), [want]);
        let tree = Tree::of(&[("book/src/a.md", "```console\nfrob\n```\n")]);
        let want = "book/src/a.md:1: what is typed begins with `$ `";
        assert_eq!(check(&tree, &helps()), [want]);
    }

    #[test]
    fn what_needs_another_server_or_a_file_of_the_reader_is_not_played() {
        let file = "transcripts/01-first/helo.txt";
        let tree = Tree::of(&[(file, "")]);
        for (command, want) in [
            (format!("replay {file}"), true),
            (format!("replay --show {file}:7"), true),
            ("serve --help".into(), true),
            ("replay transcripts".into(), true),
            ("serve".into(), false),
            ("replay".into(), false),
            (format!("replay --server localhost:25 {file}"), false),
            (format!("replay --bless {file}"), false),
            ("replay raw/x.txt".into(), false),
        ] {
            let words: Vec<String> =
                command.split(' ').map(str::to_owned).collect();
            assert_eq!(is_playable(&tree, &words), want, "{command}");
        }
    }
}
