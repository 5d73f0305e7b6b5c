//! The README's first conversation, typed as it is printed there.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use support::{Server, needs, wait_until};

const README: &str = include_str!("../README.md");
const MAP: &str = include_str!("../src/lib.rs");

/// The conversation: what stands between its fences.
fn conversation() -> &'static str {
    let (_, rest) = README.split_once("```text\n220 laptop").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    text
}

fn is_reply(line: &str) -> bool {
    line.split(' ').next().is_some_and(|word| {
        word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Talks through `nc` and gives what the server said, or `None` if there is
/// no `nc`.
fn talk_through_nc(options: &[&str], server: &Server) -> Option<String> {
    // There are several programs of this name, with other options.
    if !needs(&["sh", "-c", "nc -h 2>&1 | grep -q OpenBSD"]) {
        return None;
    }
    let mut child = Command::new("nc")
        .args(options)
        .args(["127.0.0.1", &server.port().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let typed: String = conversation()
        .lines()
        .skip(1)
        .filter(|line| !is_reply(line))
        .map(|line| format!("{line}\n"))
        .collect();
    let mut input = child.stdin.take().unwrap();
    input.write_all(typed.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_first_conversation_is_as_printed_and_leaves_a_message() {
    let options = ["--hostname", "laptop"];
    let server = Server::start(&options);
    let Some(said) = talk_through_nc(&["-C"], &server) else {
        return;
    };
    let printed: Vec<String> = format!("220 laptop{}", conversation())
        .lines()
        .filter(|line| is_reply(line))
        .map(|line| format!("{line}\r\n"))
        .collect();
    assert_eq!(said, printed.concat());
    let stored = server.messages("localhost", "student");
    assert_eq!(stored.len(), 1);
    let text = String::from_utf8(stored.concat()).unwrap();
    let body = "Subject: My first message\n\n\
        Hello! A dot alone on a line ends this message.\n";
    assert!(text.ends_with(body), "{text}");
}

/// What `serve --explain` shows of the first conversation: the lines of the
/// log left out.
fn explained() -> String {
    let options = ["--hostname", "laptop", "--explain"];
    let mut server = Server::start_with_log("warn", &options);
    let mut client = server.connect();
    for line in format!("220 laptop{}", conversation()).lines() {
        match is_reply(line) {
            true => assert_eq!(client.reply(), line),
            false => client.say(line),
        }
    }
    wait_until("the session has ended", || server.log().contains("(closed)"));
    server.kill();
    let log = server.log();
    let is_log = |line: &&str| line.contains("Z WARN ");
    log.lines().filter(|l| !is_log(l)).map(|l| format!("{l}\n")).collect()
}

#[test]
fn the_live_dialogue_is_as_printed() {
    let (_, rest) = README.split_once("```text\n[1] (connected").unwrap();
    let (printed, _) = rest.split_once("```").unwrap();
    let explained = explained();
    let want = explained.strip_prefix("[1] (connected").unwrap();
    assert!(printed == want, "the README should have:\n{explained}");
}

#[test]
fn without_the_option_of_nc_the_server_says_what_is_wrong() {
    // It ends when the server has lost patience: its own input was not QUIT.
    let options = ["--hostname", "laptop", "--timeout", "5"];
    let server = Server::start(&options);
    let Some(said) = talk_through_nc(&[], &server) else {
        return;
    };
    let hint = "500 5.5.2 Line feed without carriage return (netcat needs -C)";
    assert!(said.contains(hint), "{said}");
    assert!(server.messages("localhost", "student").is_empty());
}

/// The names of the source files that the README and the map must name.
fn server_files() -> Vec<String> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = vec!["lib.rs".to_owned(), "main.rs".to_owned()];
    for folder in ["protocol", "mailbox", "server"] {
        for entry in fs::read_dir(src.join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name != "mod.rs" && name != "tests.rs" {
                found.push(name);
            }
        }
    }
    found
}

#[test]
fn the_readme_and_the_map_name_every_file_of_the_server() {
    for file in server_files() {
        assert!(README.contains(&file), "the README does not name {file}");
        let word = file.trim_end_matches(".rs");
        let is_itself = word == "lib";
        assert!(is_itself || MAP.contains(word), "lib.rs: {file}");
    }
}
