//! The command line is a contract: what it says, where, and with which code.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::ffi::OsStr;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

fn pillarbox(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pillarbox"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs it, and gives the one line of complaint and the exit code. Lines of
/// the log are not complaints.
fn complaint(arguments: &[&str]) -> (String, i32) {
    let output = pillarbox(arguments);
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
    let errors = text(&output.stderr);
    let is_log = |line: &&str| line.contains("Z WARN ");
    let lines: Vec<_> = errors.lines().filter(|l| !is_log(l)).collect();
    assert_eq!(lines.len(), 1, "{arguments:?}: {errors}");
    (lines[0].to_owned(), output.status.code().unwrap())
}

#[test]
fn wrong_usage_is_told_in_one_line_with_code_2() {
    for (arguments, want) in [
        (&[][..], "pillarbox: no command given; try: pillarbox serve"),
        (
            &["sevre"],
            "pillarbox: unknown command 'sevre'; try: pillarbox --help",
        ),
        (
            &["serve", "--frob"],
            "pillarbox: serve: unrecognized option: 'frob'; \
             try: pillarbox serve --help",
        ),
        (
            &["serve", "now"],
            "pillarbox: serve: takes no argument, but got 'now'",
        ),
        (
            &["serve", "--listen", "2525"],
            "pillarbox: serve: --listen: '2525' is not an IP address and a \
             port, such as 127.0.0.1:2525",
        ),
        (
            &["serve", "--max-size", "0"],
            "pillarbox: serve: --max-size: '0' is not a whole number from 1 \
             to 1099511627776",
        ),
        (
            &["serve", "--max-connections", "12000"],
            "pillarbox: serve: --max-connections: '12000' is not a whole \
             number from 1 to 10000: each connection has a thread, and \
             10000 threads take 40000 of the 65530 memory maps that Linux \
             allows a process",
        ),
        (
            &["serve", "--domain", "bücher.example"],
            "pillarbox: serve: --domain: 'bücher.example' is not in ASCII; \
             write its A-label form, such as xn--bcher-kva.example",
        ),
        (
            &["serve", "--no\nsuch"],
            "pillarbox: serve: unrecognized option: 'no\\nsuch'; \
             try: pillarbox serve --help",
        ),
        (
            &["serve", "--max-recipients", "many"],
            "pillarbox: serve: --max-recipients: 'many' is not a whole number \
             from 1 to 10000",
        ),
        (
            &["serve", "--timeout", "-3"],
            "pillarbox: serve: --timeout: '-3' is not a number of seconds \
             from 0.001 to 86400",
        ),
        (
            &["serve", "--hostname", "my host"],
            "pillarbox: serve: --hostname: 'my host' is not a domain name, \
             such as mx.example.org",
        ),
        (
            &["serve", "--mailbox", "bob"],
            "pillarbox: serve: --mailbox: 'bob' is not an address, such as \
             bob@example.org",
        ),
        (
            &["serve", "--mailbox", "bob@elsewhere.example"],
            "pillarbox: serve: --mailbox: bob@elsewhere.example is in no \
             domain of this server; try --domain elsewhere.example",
        ),
        (
            &["serve", "--without", "STARTTLS"],
            "pillarbox: serve: --without: 'STARTTLS' is not one of \
             PIPELINING, SIZE, 8BITMIME, SMTPUTF8, ENHANCEDSTATUSCODES, \
             HELP, LIMITS",
        ),
        (
            &["serve", "--mail"],
            "pillarbox: serve: argument to option 'mail' missing; \
             try: pillarbox serve --help",
        ),
    ] {
        assert_eq!(complaint(arguments), (want.to_owned(), 2));
    }
}

#[test]
fn an_argument_that_is_not_utf_8_is_refused_and_never_changed() {
    let here = TempDir::new().unwrap();
    for (arguments, shown) in [
        (&[&b"serve"[..], b"--mail", b"post\xe9"][..], r"post\xe9"),
        (&[b"serve", b"--mail=post\xe9"], r"--mail=post\xe9"),
        (&[b"replay", b"na\xefve.txt"], r"na\xefve.txt"),
        (&[b"s\xe9rve\n"], r"s\xe9rve\n"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
            .args(arguments.iter().map(|bytes| OsStr::from_bytes(bytes)))
            .current_dir(here.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let want = format!("pillarbox: the argument '{shown}' is not UTF-8\n");
        assert_eq!(text(&output.stderr), want);
        assert_eq!(output.status.code(), Some(2));
    }
    // It used to make the folder `post\u{fffd}`.
    assert_eq!(here.path().read_dir().unwrap().count(), 0);
}

#[test]
fn what_cannot_be_done_is_told_in_one_line_with_code_1() {
    let mail = TempDir::new().unwrap();
    let mail = mail.path().to_str().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let serve = ["serve", "--mail", mail, "--listen", &address];
    let want = format!(
        "pillarbox: cannot listen on {address}: address already in use"
    );
    assert_eq!(complaint(&serve), (want, 1));

    let serve = ["serve", "--mail", "/proc/no/mail", "--listen", "127.0.0.1:0"];
    let (text, code) = complaint(&serve);
    let want = "pillarbox: cannot use mail folder /proc/no/mail: ";
    assert!(text.starts_with(want), "{text}");
    assert_eq!(code, 1);
}

#[test]
fn help_lists_the_commands_and_every_option() {
    let output = pillarbox(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "");
    assert!(text(&output.stdout).contains("\n    serve "));

    let output = pillarbox(&["serve", "--help"]);
    assert_eq!(output.status.code(), Some(0));
    let help = text(&output.stdout);
    for option in [
        "-l, --listen",
        "-n, --hostname",
        "-d, --domain",
        "-b, --mailbox",
        "-m, --mail",
        "--max-size",
        "--max-recipients",
        "--max-connections",
        "--max-per-client",
        "--timeout",
        "--without",
        "-h, --help",
    ] {
        assert!(help.contains(option), "{option}");
    }
}

/// As programs do that take sendmail's place (sysexits.h).
#[test]
fn wrong_usage_of_send_has_the_code_64() {
    for (arguments, want) in [
        (
            &["send", "--to", "bob@example.org"][..],
            "pillarbox: send: from whom? try: --from alice@example.org",
        ),
        (
            &["send", "-f", "alice@example.org"],
            "pillarbox: send: to whom? try: --to bob@example.org",
        ),
        (
            &["send", "--frob"],
            "pillarbox: send: unrecognized option: 'frob'; \
             try: pillarbox send --help",
        ),
        (
            &["send", "-f", "", "-t", "a@b.example", "--header", "Bcc: c"],
            "pillarbox: send: --header: 'Bcc: c' is not for the header: all \
             may read it; --to alone hides a recipient",
        ),
    ] {
        assert_eq!(complaint(arguments), (want.to_owned(), 64));
    }
}

#[test]
fn options_for_relaying_are_told_apart_from_a_queue_that_cannot_be() {
    for (arguments, want) in [
        (
            &["serve", "--smart-host", "mx.example.org:25"][..],
            "pillarbox: serve: --smart-host needs --queue",
        ),
        (
            &["serve", "--queue", "q", "--relay-from", "192.0.2.0/33"],
            "pillarbox: serve: --relay-from: '192.0.2.0/33' is not an \
             address or a network, such as 192.0.2.7 or 192.0.2.0/24",
        ),
        (
            &["serve", "--queue", "q", "--retry-first", "20000"],
            "pillarbox: serve: --retry-max (10800) is less than \
             --retry-first (20000)",
        ),
    ] {
        assert_eq!(complaint(arguments), (want.to_owned(), 2));
    }
}

/// It must work beside a server that has the queue open.
#[test]
fn a_session_over_stdio_leaves_the_queue_alone_and_says_so() {
    let here = TempDir::new().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
        .args(["serve", "--stdio", "--queue", "queue", "--mail", "mail"])
        .current_dir(here.path())
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).starts_with("220 "), "{output:?}");
    let log = text(&output.stderr);
    assert!(log.contains("--stdio relays for nobody"), "{log}");
    assert!(here.path().join("mail").exists());
    assert!(!here.path().join("queue").exists());
}

/// The lines are broken by counting bytes: right as long as each character is
/// one byte.
#[test]
fn every_help_is_ascii_and_fits_into_80_columns() {
    let commands =
        ["serve", "replay", "grade", "record", "send", "inbox", "queue"];
    for command in commands {
        let help = text(&pillarbox(&[command, "--help"]).stdout);
        assert!(help.contains("-h, --help "), "{help}");
        assert!(help.is_ascii(), "{help}");
        assert!(help.lines().all(|line| line.len() <= 80), "{help}");
    }
}

#[test]
fn the_version_is_printed() {
    let output = pillarbox(&["--version"]);
    let want = format!("pillarbox {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(text(&output.stdout), want);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn printing_to_a_closed_pipe_ends_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
        .args(["serve", "--help"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}
