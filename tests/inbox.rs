//! What `pillarbox inbox` shows of a Maildir, and what it does to it.
//!
//! A test fails by panicking.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use pillarbox::agent::inbox::{Settings, Task, World, inbox};
use pillarbox::protocol::session::LocalMailbox;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use support::programs::{PYTHON, run};
use support::{DEADLINE, needs};
use tempfile::TempDir;

const PILLARBOX: &str = env!("CARGO_BIN_EXE_pillarbox");

/// 23 Nov 2026, 10:33 UTC.
const NOW: u64 = 1_795_430_000;

struct Office {
    folder: TempDir,
}

impl Office {
    /// A folder with the mailbox of bob@example.org, which is empty.
    fn open() -> Office {
        let office = Office { folder: TempDir::new().expect("a folder") };
        office.make("example.org/bob");
        office
    }

    fn mail(&self) -> PathBuf {
        self.folder.path().join("mail")
    }

    fn make(&self, mailbox: &str) {
        for name in ["tmp", "new", "cur"] {
            let folder = self.mail().join(mailbox).join(name);
            fs::create_dir_all(folder).expect("a folder is made");
        }
    }

    /// Puts a file into bob's mailbox: `new/NAME` or `cur/NAME`.
    fn put(&self, place: &str, content: impl AsRef<[u8]>) {
        fs::write(self.bob().join(place), content).expect("a file is made");
    }

    fn bob(&self) -> PathBuf {
        self.mail().join("example.org/bob")
    }

    /// The names in bob's `new` and `cur`.
    fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        for place in ["new", "cur"] {
            for entry in fs::read_dir(self.bob().join(place)).expect("there") {
                let name = entry.expect("an entry").file_name();
                found.push(format!("{place}/{}", name.to_string_lossy()));
            }
        }
        found.sort();
        found
    }

    fn ask(&self, address: &str, task: Task) -> io::Result<(u8, String)> {
        self.ask_as(address, task, false)
    }

    fn ask_as(
        &self,
        address: &str,
        task: Task,
        is_terminal: bool,
    ) -> io::Result<(u8, String)> {
        let (local_part, domain) = address.rsplit_once('@').expect("one");
        let (local_part, domain) = (local_part.into(), domain.into());
        let mailbox = LocalMailbox { domain, local_part };
        let settings = Settings { mail: self.mail(), mailbox, task };
        let mut out = Vec::new();
        let mut world = World { out: &mut out, is_terminal, now: NOW };
        let code = inbox(&settings, &mut world)?;
        Ok((code, String::from_utf8(out).expect("UTF-8, whatever comes")))
    }

    /// The program itself, and how it ends.
    fn call(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(PILLARBOX);
        command.arg("inbox").arg("-m").arg(self.mail()).args(arguments);
        command.output().expect("pillarbox runs")
    }

    fn list(&self) -> String {
        self.printed(Task::List)
    }

    fn show(&self, number: usize) -> String {
        self.printed(Task::Show(number))
    }

    fn printed(&self, task: Task) -> String {
        let (code, text) = self.ask("bob@example.org", task).expect("done");
        assert_eq!(code, 0);
        text
    }

    fn fails(&self, address: &str, task: Task) -> String {
        let outcome = self.ask(address, task);
        let text = outcome.expect_err("it cannot be done").to_string();
        assert!(!text.contains('\n'), "{text}");
        text
    }
}

fn message(from: &str, subject: &str) -> String {
    format!("Return-Path: <x@y>\nFrom: {from}\nSubject: {subject}\n\ntext\n")
}

#[test]
fn a_program_gets_one_line_of_fields_for_each_message() {
    let office = Office::open();
    office.put("new/1795429800.b.host", message("al@b.c", "Re: Lunch"));
    office.put("cur/1795343400.a.host:2,S", message("Alice <a@b.c>", "Lunch"));
    office.put("cur/1795429860.c.host:2,F", "no header, no line end");
    office.put("new/1795429800.a.host", "");
    assert_eq!(
        office.list(),
        "1\tseen\t2026-11-22 10:30\tAlice <a@b.c>\tLunch\t60\n\
         2\tnew\t2026-11-23 10:30\t\t\t0\n\
         3\tnew\t2026-11-23 10:30\tal@b.c\tRe: Lunch\t57\n\
         4\tnew\t2026-11-23 10:31\t\t\t22\n"
    );
}

#[test]
fn a_person_gets_columns_on_80_and_new_mail_is_told_in_letters() {
    let office = Office::open();
    let empty = office.ask_as("bob@example.org", Task::List, true);
    let empty = empty.expect("a list").1;
    assert_eq!(empty, "bob@example.org: no messages\n");
    office.put("cur/1795343400.a.host:2,S", message("Alice <a@b.c>", "Lunch"));
    office.put("new/1795429800.a.host", message("日本語 <a@b.c>", "日本語"));
    let long = message(&"x".repeat(200), &"y".repeat(200));
    office.put("new/1700000000.a.host", long + &"z\n".repeat(10_000));
    let list = office.ask_as("bob@example.org", Task::List, true);
    let list = list.expect("a list").1;
    assert_eq!(
        list,
        "bob@example.org: 3 messages, 2 new. The times are UTC.\n \
         1  new  14 Nov  2023  xxxxxxxxxxxxxxx...  \
         yyyyyyyyyyyyyyyyyyyyyyyyyyy...   20k\n \
         2       22 Nov 10:30  Alice               \
         Lunch                             60\n \
         3  new  23 Nov 10:30  日本語              \
         日本語                            68\n"
    );
    let widths = list.lines().map(|line| line.chars().count());
    assert_eq!(widths.skip(1).collect::<Vec<_>>(), [79, 79, 73]);
}

#[test]
fn listing_changes_nothing_and_an_empty_mailbox_is_no_line() {
    let office = Office::open();
    assert_eq!(office.list(), "");
    office.put("new/1.a.host", message("a@b", "c"));
    let before = office.files();
    office.list();
    assert_eq!(office.files(), before);
}

/// Case 50: what is in a folder is not all mail.
#[test]
fn only_plain_files_are_messages() {
    let office = Office::open();
    office.put("new/1.a.host", message("a@b", "c"));
    office.put("new/.hidden", message("a@b", "hidden"));
    office.put("tmp/2.a.host", message("a@b", "not there yet"));
    fs::create_dir(office.bob().join("cur/3.a.host:2,S")).expect("a folder");
    let secret = office.folder.path().join("secret");
    fs::write(&secret, message("a@b", "secret")).expect("a file");
    symlink(&secret, office.bob().join("new/4.a.host")).expect("a link");
    symlink("nowhere", office.bob().join("new/5.a.host")).expect("a link");
    let socket = UnixListener::bind(office.bob().join("new/6")).expect("one");
    let fifo = office.bob().join("new/7.a.host");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.expect("mkfifo runs").success());
    let list = office.list();
    assert_eq!(list.lines().count(), 1, "{list}");
    drop(socket);
    office.show(1);
    for request in [Task::List, Task::Wait(Duration::ZERO)] {
        let answer = office.ask("bob@example.org", request).expect("done");
        assert!(answer.0 == 1 || answer.1.lines().count() == 1);
    }
}

#[test]
fn without_a_time_in_its_name_a_message_has_that_of_its_file() {
    let office = Office::open();
    for (name, seconds) in [("b", 1_000_000_000), ("9999999999999.x", 0)] {
        office.put(&format!("new/{name}"), "");
        let file = File::open(office.bob().join("new").join(name));
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        file.expect("the file").set_modified(time).expect("a time is set");
    }
    assert_eq!(
        office.list(),
        "1\tnew\t1970-01-01 00:00\t\t\t0\n2\tnew\t2001-09-09 01:46\t\t\t0\n"
    );
}

#[test]
fn a_message_that_was_moved_while_we_looked_is_listed_once() {
    let office = Office::open();
    office.put("new/1.a.host", message("a@b", "c"));
    office.put("cur/1.a.host:2,S", message("a@b", "c"));
    assert!(office.list().starts_with("1\tseen\t"));
    assert_eq!(office.list().lines().count(), 1);
}

#[test]
fn showing_a_message_moves_it_to_cur_and_names_it_seen() {
    for (before, after) in [
        ("new/1.a.host", "cur/1.a.host:2,S"),
        ("new/1.a.host,S=70", "cur/1.a.host,S=70:2,S"),
        ("cur/1.a.host:2,RF", "cur/1.a.host:2,FRS"),
        ("cur/1.a.host:2,S", "cur/1.a.host:2,S"),
        ("cur/1.a.host", "cur/1.a.host:2,S"),
    ] {
        let office = Office::open();
        office.put(before, message("a@b", "c"));
        office.put("new/2.b.host", "");
        assert_eq!(office.show(1), message("a@b", "c"));
        assert_eq!(office.files(), [after, "new/2.b.host"]);
        // It has kept its number.
        assert_eq!(office.show(1), message("a@b", "c"));
    }
}

#[test]
fn a_message_never_takes_the_place_of_another() {
    let office = Office::open();
    office.put("cur/1.a.host", "one\n");
    fs::create_dir(office.bob().join("cur/1.a.host:2,S")).expect("a folder");
    let error = office.fails("bob@example.org", Task::Show(1));
    assert!(error.starts_with("cannot mark it as seen"), "{error}");
    assert_eq!(office.files(), ["cur/1.a.host", "cur/1.a.host:2,S"]);
}

#[test]
fn a_message_is_shown_with_its_header_decoded_and_its_text_as_it_is() {
    let office = Office::open();
    office.put(
        "new/1.a.host",
        b"From: =?UTF-8?Q?K=C3?=\r\n =?UTF-8?Q?=A4the?= <k@b>\r\n\
          X:  as\n\t it was \n\
          \r\n\
          =?UTF-8?Q?K=C3=A4the?=\r\n\
          Gr\xfc\xc3\x9fe \r x\tx\r\r\n.\n\nno line end"
            .as_slice(),
    );
    assert_eq!(
        office.show(1),
        "From: Käthe <k@b>\nX:  as\n\t it was \n\n=?UTF-8?Q?K=C3=A4the?=\n\
         Gr\\xfcße \\x0d x\tx\\x0d\n.\n\nno line end\n"
    );
}

#[test]
fn a_message_that_is_all_header_or_nothing_is_shown_as_well() {
    for (content, want) in [
        ("", ""),
        ("\n", "\n"),
        ("Subject: a", "Subject: a\n"),
        ("Subject: a\n b\n", "Subject: a\n b\n"),
        ("\n\n=?UTF-8?Q?a?=\n", "\n\n=?UTF-8?Q?a?=\n"),
    ] {
        let office = Office::open();
        office.put("new/1.a.host", content);
        assert_eq!(office.show(1), want);
    }
}

/// Case 15: nothing in a message reaches the terminal as an order, also if it
/// was hidden in an encoded word.
#[test]
fn what_a_terminal_would_obey_is_escaped_after_decoding() {
    let evil = "\x1b]0;x\x07\u{9b}\u{202e}\u{2028}\x7f";
    let want = "\\x1b]0;x\\x07\\u{9b}\\u{202e}\\u{2028}\\x7f";
    let office = Office::open();
    let word = "=?UTF-8?B?G10wO3gHwpvigK7igKh/?=";
    for (number, from, subject) in
        [(1, evil, word), (2, word, evil), (3, "a\tb\x00", "=?UTF-8?Q?c=0A?=")]
    {
        let name = format!("new/{number}.a.host");
        office.put(&name, message(from, subject) + evil + "\n");
    }
    let list = office.list();
    for line in list.lines().take(2) {
        assert!(line.contains(&format!("\t{want}\t{want}\t")), "{line}");
    }
    assert!(list.contains("\ta b\\x00\tc\\x0a\t"), "{list}");
    let list = office.ask_as("bob@example.org", Task::List, true);
    let mut printed = list.expect("a list").1;
    for number in 1..=3 {
        let shown = office.show(number);
        assert!(shown.ends_with(&format!("\ntext\n{want}\n")), "{shown}");
        printed += &shown;
    }
    assert!(printed.contains("From: a\tb\\x00\nSubject: c\\x0a\n"));
    let is_order = |c: char| c.is_control() && !"\n\t".contains(c);
    assert!(!printed.contains(is_order), "{printed:?}");
    assert!(!printed.contains(['\u{202e}', '\u{2028}']), "{printed:?}");
}

#[test]
fn a_long_field_is_cut_and_a_long_header_is_not_read() {
    let office = Office::open();
    office.put("new/1.a.host", message(&"ä".repeat(2000), &"\x01".repeat(999)));
    let far = format!("X: {}\nSubject: far\n\n", "y".repeat(70_000));
    office.put("new/2.a.host", far);
    let list = office.list();
    let fields: Vec<Vec<&str>> =
        list.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(fields[0][3], "ä".repeat(998));
    assert_eq!(fields[0][4], "\\x01".repeat(249));
    assert_eq!(fields[1][4], "");
}

#[test]
fn what_is_not_there_cannot_be_shown() {
    let office = Office::open();
    office.put("new/1.a.host", "");
    for address in ["al@example.org", "bob@example.net", "bob@[127.0.0.1]"] {
        for request in [Task::List, Task::Show(1)] {
            let error = office.fails(address, request);
            assert!(error.starts_with("no mailbox of"), "{error}");
        }
    }
    for number in [0, 2, usize::MAX] {
        let error = office.fails("bob@example.org", Task::Show(number));
        assert!(error.starts_with("no message"), "{error}");
    }
    fs::remove_dir_all(office.mail()).expect("removed");
    let error = office.fails("bob@example.org", Task::List);
    assert!(error.starts_with("no folder"), "{error}");
}

#[test]
fn a_tag_leads_to_a_mailbox_of_that_name_or_to_the_one_without_it() {
    let office = Office::open();
    office.make("example.org/a+b");
    office.make("[127.0.0.1]/bob");
    for address in ["bob+tag@example.org", "a+b@example.org", "bob@[127.0.0.1]"]
    {
        assert!(office.ask(address, Task::List).is_ok(), "{address}");
    }
}

#[test]
fn no_address_and_no_link_leads_out_of_the_folder() {
    let office = Office::open();
    let outside = office.folder.path().join("outside");
    for name in ["new", "cur"] {
        fs::create_dir_all(outside.join("bob").join(name)).expect("made");
    }
    fs::write(outside.join("bob/new/1.a"), "secret").expect("a file");
    for address in [
        "../../outside/bob@example.org",
        "../bob@example.org",
        "bob/../bob@example.org",
        ".@example.org",
        "..@example.org",
        "@example.org",
        "/@example.org",
        "x\0y@example.org",
        "bob@../outside",
        "bob@outside/..",
        "bob@..",
        "bob@.",
        "bob@",
        "bob@/",
        "mail@..",
    ] {
        let error = office.fails(address, Task::List);
        assert!(error.starts_with("no mailbox of"), "{error}");
    }
    let mail = office.mail();
    let link = |from: &Path| symlink(&outside, from).expect("a link");
    link(&mail.join("linked.example"));
    symlink(outside.join("bob"), mail.join("example.org/al")).expect("a link");
    fs::create_dir(mail.join("example.org/eve")).expect("a folder");
    let new = mail.join("example.org/eve/new");
    symlink(outside.join("bob/new"), new).expect("a link");
    for address in ["bob@linked.example", "al@example.org", "eve@example.org"] {
        let error = office.fails(address, Task::List);
        assert!(error.starts_with("no mailbox of"), "{error}");
    }
    // A link in the place of `cur` is not followed either.
    fs::remove_dir(office.bob().join("cur")).expect("removed");
    symlink(outside.join("bob/new"), office.bob().join("cur")).expect("a link");
    assert_eq!(office.list(), "");
}

#[test]
fn waiting_ends_with_the_first_unseen_message_or_with_the_time() {
    let office = Office::open();
    let wait = |address: &str, patience| {
        let answer = office.ask(address, Task::Wait(patience));
        answer.expect("an answer")
    };
    let nothing = (1, String::new());
    assert_eq!(wait("bob@example.org", Duration::ZERO), nothing);
    office.put("cur/1.a.host:2,S", "");
    office.put("new/.2.a.host", "");
    let short = Duration::from_millis(200);
    let start = Instant::now();
    assert_eq!(wait("bob@example.org", short), nothing);
    assert!(start.elapsed() >= short);
    let something = (0, String::new());
    office.put("cur/2.a.host:2,F", "");
    assert_eq!(wait("bob@example.org", Duration::ZERO), something);
    // Neither the mailbox nor the folder of its domain is made yet.
    thread::scope(|scope| {
        let waiter = scope.spawn(|| wait("al@example.net", DEADLINE));
        office.make("example.net/al");
        let file = office.mail().join("example.net/al/new/1.a.host");
        fs::write(file, "").expect("a file");
        assert_eq!(waiter.join().expect("no panic"), something);
    });
}

#[test]
fn the_exit_code_is_0_done_1_could_not_be_done_2_wrong_usage() {
    let office = Office::open();
    office.put("new/1.a.host", message("a@b", "c"));
    for (arguments, code) in [
        (&["bob@example.org"][..], 0),
        (&["--wait", "60", "bob@example.org"], 0),
        (&["bob@example.org", "1"], 0),
        (&["--wait", "0.05", "bob@example.org"], 1),
        (&["bob@example.org", "2"], 1),
        (&["al@example.org"], 1),
        (&["bob"], 2),
        (&["bob@example.org", "0"], 2),
        (&["bob@example.org", "1", "2"], 2),
    ] {
        let ended = office.call(arguments);
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}");
        let is_waiting = arguments.contains(&"--wait");
        let told = ended.stderr.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(told, usize::from(code > 0 && !is_waiting), "{arguments:?}");
    }
    assert_eq!(office.files(), ["cur/1.a.host:2,S"]);
}

#[test]
fn a_reader_that_goes_away_is_no_error_and_the_message_stays_unseen() {
    let office = Office::open();
    office.put("new/1.a.host", "a line of text\n".repeat(100_000));
    let mut child = Command::new(PILLARBOX)
        .args(["inbox", "bob@example.org", "1", "-m"])
        .arg(office.mail())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("pillarbox starts");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("our own child");
    assert!(ended.status.success());
    assert_eq!(ended.stderr, b"");
    assert_eq!(office.files(), ["new/1.a.host"]);
}

#[test]
fn on_a_terminal_the_list_is_for_people() {
    if needs(PYTHON) {
        let office = Office::open();
        office.put("new/1795429800.a.host", message("Al <al@b.c>", "Lunch"));
        let mut command = Command::new("python3");
        command
            .args(["-c", "import pty, sys; pty.spawn(sys.argv[1:])"])
            .args([PILLARBOX, "inbox", "bob@example.org", "-m"])
            .arg(office.mail());
        let ended = run(&mut command, Stdio::null(), office.folder.path());
        let lines: Vec<&str> = ended.printed.lines().collect();
        assert_eq!(lines.len(), 2, "{}", ended.printed);
        assert!(lines[0].starts_with("bob@example.org: 1 message, 1 new."));
        assert!(lines[1].starts_with(" 1  new  23 Nov "), "{}", lines[1]);
    }
}

/// Case 50. On an idle machine this takes half a second, and 6 MB.
#[test]
fn a_list_of_20_000_messages_is_one_pass_in_little_memory() {
    let office = Office::open();
    let text = message("Alice <a@b.c>", "Lunch") + &"text\n".repeat(200);
    for number in 0..20_000u64 {
        let seconds = 1_700_000_000 + number * 7_919 % 20_000;
        office.put(&format!("new/{seconds}.M{number}.host"), &text);
    }
    let start = Instant::now();
    let ended = Command::new("sh")
        // All that it maps, its own code among it: less than 128 MiB.
        .args(["-c", "ulimit -v 131072; exec \"$@\"", "sh", PILLARBOX])
        .args(["inbox", "bob@example.org", "-m"])
        .arg(office.mail())
        .output()
        .expect("sh runs");
    let taken = start.elapsed();
    assert!(ended.status.success(), "{ended:?}");
    assert!(taken < support::DEADLINE, "{taken:?}");
    let list = String::from_utf8(ended.stdout).expect("UTF-8");
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 20_000);
    assert!(lines[19_999].starts_with("20000\tnew\t2023-11-15 03:46\tAlice"));
}
