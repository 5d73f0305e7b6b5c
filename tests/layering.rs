//! Which room may use which. The rooms are only as good as this test.
//!
//! It reads every path in `src` that leads to a file of ours (`crate::...`,
//! `super::...`, and the name of a file below), and asks two things: does a
//! room name only what its row in the table allows? And can the files be read
//! in some order, each after those that it names, or do they go in a circle?

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each room, and what it may name besides itself. A name stands for all that
/// is in it. `main.rs` may name all; a room that is not built yet has its row
/// already.
const ROOMS: [(&str, &[&str]); 22] = [
    ("protocol", &[]),
    ("wire", &["words"]),
    ("words", &[]),
    ("console", &["words"]),
    ("disk", &["words"]),
    ("mailbox", &["protocol", "disk", "words"]),
    // The pages of the book take it along.
    ("mailbox::directory", &["protocol"]),
    ("relay", &["protocol", "mailbox", "disk", "wire", "words"]),
    (
        "server",
        &[
            "protocol",
            "mailbox",
            "disk",
            "relay",
            "transcript::record",
            "wire",
            "words",
        ],
    ),
    (
        "agent",
        &[
            "protocol",
            "disk",
            "mailbox::reader",
            "relay::client",
            "relay::entry",
            "relay::marks",
            "relay::queue",
            "relay::route",
            "words",
        ],
    ),
    ("transcript", &[]),
    ("transcript::format", &["words"]),
    (
        "transcript::judge",
        &[
            "transcript::format",
            "protocol::reply",
            "protocol::replies",
            "words",
        ],
    ),
    (
        "transcript::stand",
        &["transcript::judge", "transcript::format", "words"],
    ),
    (
        "transcript::play",
        &[
            "transcript::stand",
            "transcript::judge",
            "transcript::format",
            "protocol::replies",
            "words",
        ],
    ),
    (
        "transcript::report",
        &[
            "transcript::play",
            "transcript::judge",
            "transcript::format",
            "words",
        ],
    ),
    (
        "transcript::grade",
        &[
            "transcript::settings",
            "transcript::report",
            "transcript::play",
            "transcript::stand",
            "transcript::judge",
            "transcript::format",
            "words",
        ],
    ),
    (
        "transcript::bless",
        &[
            "transcript::play",
            "transcript::stand",
            "transcript::judge",
            "transcript::format",
            "protocol::replies",
            "words",
        ],
    ),
    (
        "transcript::record",
        &[
            "transcript::format",
            "protocol::reply",
            "protocol::replies",
            "words",
        ],
    ),
    (
        "transcript::settings",
        &["transcript::report", "transcript::judge", "transcript::format"],
    ),
    ("transcript::command", &["transcript", "words"]),
    (
        "options",
        &[
            "agent",
            "mailbox",
            "protocol",
            "relay",
            "server",
            "transcript",
            "words",
        ],
    ),
];

/// The one place where files may name each other: the top file of the command
/// line picks one of the others, and holds what they share.
const WITH_CIRCLES: [&str; 1] = ["options"];

/// What has no place in the protocol: the standard library's way to the world,
/// the log, and names that would reach out of the folder unseen. Of the
/// standard library there is `core`, and what every program has.
const WORLD: [&str; 8] = [
    "std::",
    "use std",
    "log::",
    "getopts",
    "env_logger",
    "print!",
    "println!",
    "extern crate",
];

/// The files that may read a clock, besides `main.rs`.
const CLOCK_READERS: [&str; 17] = [
    "src/console.rs",
    "src/wire.rs",
    "src/relay/connection.rs",
    "src/server/connection.rs",
    "src/server/incoming.rs",
    "src/server/listener.rs",
    "src/server/shared.rs",
    "src/server/watch.rs",
    "src/relay/",
    "src/agent/inbox.rs",
    "src/agent/queue.rs",
    "src/transcript/judge/",
    "src/transcript/stand/",
    "src/transcript/play/",
    "src/transcript/record/proxy.rs",
    "src/transcript/command.rs",
    "src/transcript/grade/",
];

/// A file of `src`, without comments, and without the tests at its end: those
/// may use what they like.
struct File {
    /// From the top folder on: `src/server/mod.rs`.
    path: String,
    /// `server`, or `server::listener`; empty for `lib.rs`.
    module: String,
    /// Each line of code with its number.
    lines: Vec<(usize, String)>,
}

impl File {
    fn read(path: &Path) -> File {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let text = fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        let numbered = (1..).zip(code.lines());
        let place = path.strip_prefix(src).unwrap().to_str().unwrap();
        let module = place.trim_end_matches(".rs").replace('/', "::");
        let module = module.trim_end_matches("::mod").trim_end_matches("lib");
        File {
            path: format!("src/{place}"),
            module: module.to_owned(),
            lines: numbered
                .filter(|(_, line)| is_code(line))
                .map(|(number, line)| (number, line.to_owned()))
                .collect(),
        }
    }

    /// The room that it is in: the last row of the table that fits.
    fn room(&self) -> Option<(&'static str, &'static [&'static str])> {
        let is_mine = |(room, _): &&(&str, _)| is_in(&self.module, room);
        ROOMS.iter().rfind(is_mine).copied()
    }

    /// All lines for which `is_wrong` holds.
    fn offenders(&self, is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
        let wrong = self.lines.iter().filter(|(_, line)| is_wrong(line));
        wrong
            .map(|(number, line)| format!("{}:{number}: {line}", self.path))
            .collect()
    }
}

/// Whether the path leads into this module, or to it.
fn is_in(path: &str, module: &str) -> bool {
    path.strip_prefix(module)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// All files of `src` but `main.rs`, without those that are nothing but tests.
fn files() -> Vec<File> {
    fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                collect(&path, paths);
            } else if name.ends_with(".rs")
                && !["main.rs", "tests.rs", "testing.rs"].contains(&name)
            {
                paths.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut paths);
    paths.sort();
    paths.iter().map(|path| File::read(path)).collect()
}

/// The paths in some code, with the line of each: in `use a::{b, c::d};` there
/// are `a::b` and `a::c::d`.
fn paths(file: &File) -> Vec<(usize, String)> {
    let lines = file.lines.iter();
    let mut tokens = lines
        .flat_map(|(line, text)| {
            tokens(text).into_iter().map(|token| (*line, token))
        })
        .peekable();
    let mut found = Vec::new();
    // What comes before each name in the braces that are open.
    let mut starts: Vec<String> = Vec::new();
    let mut path = String::new();
    while let Some((line, token)) = tokens.next() {
        if token == "::" {
            path.push_str(token);
            continue;
        }
        if token == "as" {
            tokens.next();
            continue;
        }
        if is_name(token) {
            if path.is_empty() {
                path = starts.last().cloned().unwrap_or_default();
            }
            path.push_str(token);
            if tokens.peek().is_some_and(|(_, next)| *next == "::") {
                continue;
            }
        }
        let whole = std::mem::take(&mut path);
        match token {
            "{" => starts.push(whole),
            "}" => drop(starts.pop()),
            _ if whole.is_empty() => {}
            _ => found.push((line, whole.trim_end_matches("::").to_owned())),
        }
    }
    found
}

/// Words, double colons, and single characters.
fn tokens(line: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        let length = match word {
            Some(0) if rest.starts_with("::") => 2,
            Some(0) => first.len_utf8(),
            Some(length) => length,
            None => rest.len(),
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after.trim_start();
    }
    tokens
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Where a path leads, seen from the top of the crate; if it leads to us.
fn resolve(path: &str, from: &str, modules: &BTreeSet<&str>) -> Option<String> {
    let mut names = path.split("::").peekable();
    let mut base: Vec<&str> = from.split("::").collect();
    let mut is_ours = true;
    match *names.peek()? {
        "crate" => base.clear(),
        "self" => {}
        "super" => drop(base.pop()),
        child => {
            is_ours = modules.contains(format!("{from}::{child}").as_str())
        }
    }
    if ["crate", "self", "super"].contains(names.peek()?) {
        names.next();
    }
    while names.next_if_eq(&"super").is_some() {
        base.pop();
    }
    // `pub(crate)` and a variable lead nowhere.
    let leads_on = path.contains("::") && names.peek().is_some();
    base.extend(names.filter(|name| *name != "self"));
    (is_ours && leads_on).then(|| base.join("::"))
}

/// What each file names of ours, with the line.
fn imports(files: &[File]) -> Vec<(&File, usize, String)> {
    let modules: BTreeSet<&str> =
        files.iter().map(|file| file.module.as_str()).collect();
    let of_file = |file| {
        let paths = paths(file).into_iter();
        let modules = &modules;
        paths.filter_map(move |(line, path)| {
            Some((file, line, resolve(&path, &file.module, modules)?))
        })
    };
    files.iter().flat_map(of_file).collect()
}

#[test]
fn each_room_names_only_what_its_row_allows() {
    let files = files();
    let mut wrong = Vec::new();
    for (file, line, path) in imports(&files) {
        let Some((room, allowed)) = file.room() else {
            continue;
        };
        let may = |start: &str| is_in(&path, start);
        if !may(room) && !allowed.iter().any(|start| may(start)) {
            wrong.push(format!("{}:{line}: {room} names {path}", file.path));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_is_in_a_room_of_the_table() {
    let files = files();
    let homeless: Vec<&str> = files
        .iter()
        .filter(|file| !file.module.is_empty() && file.room().is_none())
        .map(|file| file.path.as_str())
        .collect();
    assert!(homeless.is_empty(), "in no row of ROOMS: {homeless:?}");
}

/// A reader can take the files one after the other, and has always seen what
/// the next one uses.
#[test]
fn no_files_go_in_a_circle() {
    let files = files();
    let modules: BTreeSet<&str> =
        files.iter().map(|file| file.module.as_str()).collect();
    // What each file still waits for. A path that leads into a file leads to
    // the deepest one on its way.
    let mut waits: BTreeMap<&str, BTreeSet<&str>> =
        modules.iter().map(|module| (*module, BTreeSet::new())).collect();
    for (file, _, path) in imports(&files) {
        if WITH_CIRCLES.iter().any(|room| is_in(&file.module, room)) {
            continue;
        }
        let on_the_way = modules.iter().filter(|module| is_in(&path, module));
        let deepest = on_the_way.max_by_key(|module| module.len());
        if let Some(deepest) = deepest.filter(|to| **to != file.module) {
            waits.entry(&file.module).or_default().insert(deepest);
        }
    }
    // A file that waits for none can be read, and none waits for it any more.
    while let Some(read) =
        waits.iter().find_map(|(file, rest)| rest.is_empty().then_some(*file))
    {
        waits.remove(read);
        for rest in waits.values_mut() {
            rest.remove(read);
        }
    }
    // Files that only lead to a circle are not in it.
    while let Some(outside) = waits
        .keys()
        .copied()
        .find(|file| !waits.values().any(|rest| rest.contains(file)))
    {
        waits.remove(outside);
    }
    assert!(waits.is_empty(), "these wait for each other: {waits:#?}");
}

/// The reader of paths is only as good as this.
#[test]
fn paths_are_found_wherever_they_are() {
    let lines = [
        "use crate::a::{b, c::{self, d as e}, f};",
        "use super::{",
        "    g,",
        "    h::I,",
        "};",
        "pub(crate) fn x(y: crate::j::K) -> Vec<Z> { child::l(\"{}\") }",
        "use super::super::m::*;",
        "fn z() { std::io::stdin(); Some { x: super::n::o() } }",
    ];
    let file = File {
        path: String::new(),
        module: "r::s".into(),
        lines: (1..).zip(lines.map(str::to_owned)).collect(),
    };
    let modules = BTreeSet::from(["r::s::child"]);
    let found: Vec<(usize, String)> = paths(&file)
        .into_iter()
        .filter_map(|(line, path)| {
            Some((line, resolve(&path, "r::s", &modules)?))
        })
        .collect();
    let wanted = [
        (1, "a::b"),
        (1, "a::c"),
        (1, "a::c::d"),
        (1, "a::f"),
        (3, "r::g"),
        (4, "r::h::I"),
        (6, "j::K"),
        (6, "r::s::child::l"),
        (7, "m"),
        (8, "r::n::o"),
    ];
    let wanted = wanted.map(|(line, path)| (line, path.to_owned()));
    assert_eq!(found, wanted);
}

#[test]
fn the_protocol_touches_nothing_of_the_world() {
    let is_worldly = |line: &str| WORLD.iter().any(|word| line.contains(word));
    let files = files();
    let protocol = files.iter().filter(|file| is_in(&file.module, "protocol"));
    let wrong: Vec<String> =
        protocol.flat_map(|file| file.offenders(is_worldly)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the pages of the book have of us is what `book/live` takes along, and
/// that is nothing that a browser has not.
#[test]
fn the_pages_take_the_protocol_along_and_the_directory_and_no_more() {
    const TAKEN: [&str; 2] = ["protocol/mod.rs", "mailbox/directory.rs"];
    const NOT_IN_A_PAGE: [&str; 9] = [
        "std::fs",
        "std::io",
        "std::time",
        "std::thread",
        "std::process",
        "std::env",
        "::now()",
        "unsafe {",
        "TcpStream",
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("book/live/src");
    let (mut taken, mut wrong) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let code = text.lines().filter(|line| !line.contains("//"));
        for line in code {
            if NOT_IN_A_PAGE.iter().any(|word| line.contains(word)) {
                wrong.push(format!("{}: {line}", path.display()));
            }
            if let Some((_, file)) = line.split_once("../../../src/") {
                taken.push(file.trim_end_matches("\"]").to_owned());
            }
        }
    }
    taken.sort_unstable_by(|one, other| other.cmp(one));
    assert_eq!(taken, TAKEN);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_a_few_files_read_a_clock() {
    let may = |path: &str| {
        CLOCK_READERS.iter().any(|reader| path.starts_with(reader))
    };
    let files = files();
    let others = files.iter().filter(|file| !may(&file.path));
    let wrong: Vec<String> = others
        .flat_map(|file| file.offenders(|line| line.contains("::now()")))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_three_packages_are_the_only_ones() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let text = fs::read_to_string(manifest).unwrap();
    let (_, rest) = text.split_once("\n[dependencies]\n").unwrap();
    let section = rest.split("\n[").next().unwrap();
    let mut names: Vec<_> = section
        .lines()
        .filter(|line| !line.starts_with('#') && line.contains('='))
        .map(|line| line.split([' ', '=']).next().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["env_logger", "getopts", "log"]);
}
