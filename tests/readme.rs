//! The README's first conversation, typed as it is printed there.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]
#![allow(clippy::print_stderr)]

mod support;

use std::io::Write;
use std::process::{Command, Stdio};
use support::Server;

const README: &str = include_str!("../README.md");

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

/// Talks through `program` and gives what the server said, or `None` if the
/// program is missing, which CI does not allow.
fn talk_through(program: &[&str], server: &Server) -> Option<String> {
    let (name, options) = program.split_first().unwrap();
    let child = Command::new(name)
        .args(options)
        .args(["127.0.0.1", &server.port().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        assert!(std::env::var_os("CI").is_none(), "CI needs {name}");
        eprintln!("skipped: {name} is not installed");
        return None;
    };
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
    let Some(said) = talk_through(&["nc", "-C"], &server) else {
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

#[test]
fn without_the_option_of_nc_the_server_says_what_is_wrong() {
    let server = Server::start(&["--hostname", "laptop"]);
    let Some(said) = talk_through(&["nc", "-q", "1"], &server) else {
        return;
    };
    let hint = "500 5.5.2 Line feed without carriage return (netcat needs -C)";
    assert!(said.contains(hint), "{said}");
    assert!(server.messages("localhost", "student").is_empty());
}

#[test]
fn the_readme_names_every_source_file_of_the_server() {
    for file in [
        "lib.rs",
        "listener.rs",
        "connection.rs",
        "incoming.rs",
        "line.rs",
        "command.rs",
        "address.rs",
        "session.rs",
        "extension.rs",
        "reply.rs",
        "directory.rs",
        "data.rs",
        "trace.rs",
        "maildir.rs",
        "names.rs",
        "leftovers.rs",
        "disk.rs",
        "src/options/",
        "main.rs",
        "register.rs",
        "wire.rs",
    ] {
        assert!(README.contains(file), "{file}");
    }
}
