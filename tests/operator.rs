//! `pillarbox queue`, the program, on queues with and without a server.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

mod support;

use pillarbox::disk::RealDisk;
use pillarbox::mailbox::directory::Directory;
use pillarbox::mailbox::maildir::Maildirs;
use pillarbox::protocol::address::{ReversePath, mailbox};
use pillarbox::relay::local::LocalMail;
use pillarbox::relay::office::{Around, Arrival, Relay};
use pillarbox::relay::queue::read_entry;
use pillarbox::relay::settings::{HostPort, RelaySettings};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};
use support::host::{Host, Say};
use support::{Server, wait_until};
use tempfile::TempDir;

/// What the program has printed, and how it has ended.
struct Printed {
    out: String,
    errors: String,
    code: Option<i32>,
}

fn queue(folder: &Path, options: &[&str]) -> Printed {
    let program = env!("CARGO_BIN_EXE_pillarbox");
    let output = Command::new(program)
        .arg("queue")
        .arg(folder)
        .args(options)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Printed {
        out: text(output.stdout),
        errors: text(output.stderr),
        code: output.status.code(),
    }
}

/// A queue whose smart host says "later" to everything.
struct Lab {
    folder: TempDir,
    relay: Relay,
    host: Host,
}

fn lab() -> Lab {
    let folder = TempDir::new().unwrap();
    let host = Host::start(|command| match command.starts_with("RCPT") {
        true => Say::This("450 4.2.0 later"),
        false => Say::Yes,
    });
    let mut settings = RelaySettings::new(folder.path().join("queue"));
    settings.smart_host = Some(HostPort {
        host: "127.0.0.1".to_owned(),
        port: host.address.port(),
    });
    let relay = Relay::open(settings, "mx.a.example", Box::new(RealDisk));
    Lab { folder, relay: relay.unwrap(), host }
}

impl Lab {
    fn path(&self) -> PathBuf {
        self.folder.path().join("queue")
    }

    fn start(&self) {
        let (mail, disk) = (self.folder.path().join("mail"), RealDisk);
        let now = SystemTime::now();
        let maildirs = Maildirs::open(&mail, "mx", Box::new(disk), now);
        let directory = Directory::new(vec!["a.example".into()], Vec::new());
        let around = Around {
            domain: "a.example".to_owned(),
            mailboxes: LocalMail {
                directory: Arc::new(directory),
                maildirs: Arc::new(maildirs.unwrap()),
            },
            listening: Vec::new(),
            observer: Box::new(|_| {}),
        };
        self.relay.start(around).unwrap();
    }

    fn take(&self, from: Option<&str>, to: &[&str]) -> String {
        let from = from.map(|from| mailbox(from).unwrap());
        let arrival = Arrival {
            reverse_path: from.map_or(ReversePath::Null, ReversePath::Mailbox),
            recipients: to.iter().map(|to| mailbox(to).unwrap()).collect(),
            asks_utf8: false,
        };
        let mut mail = self.relay.stage(&arrival).unwrap();
        mail.write(b"Subject: h\x1b[2Ji\n\nThe text.\n").unwrap();
        mail.store().unwrap().send()
    }

    fn tries(&self, id: &str) -> u32 {
        read_entry(&RealDisk, &self.path(), id).unwrap().map_or(0, |e| e.tries)
    }
}

const ANN: Option<&str> = Some("ann@a.example");

#[test]
fn the_list_has_one_line_per_message_and_goes_on_after_a_damaged_one() {
    let lab = lab();
    let first = lab.take(ANN, &["bob@b.example", "carol@c.example"]);
    let second = lab.take(None, &["bob@b.example"]);
    lab.start();
    wait_until("both were tried", || {
        lab.tries(&first) == 1 && lab.tries(&second) == 1
    });
    fs::write(lab.path().join("0.entry"), "junk").unwrap();
    let printed = queue(&lab.path(), &[]);
    assert_eq!(printed.code, Some(0));
    let lines: Vec<Vec<_>> =
        printed.out.lines().map(|l| l.split('\t').collect()).collect();
    assert_eq!(lines.len(), 2);
    let said = "127.0.0.1 said: 450 4.2.0 later";
    let both = "bob@b.example,carol@c.example";
    assert_eq!((lines[0][0], lines[0][2]), (first.as_str(), "1"));
    assert_eq!(lines[0][4..], ["ann@a.example", both, said]);
    assert_eq!(lines[1][4..], ["<>", "bob@b.example", said]);
    let next: u64 = lines[0][3].parse().unwrap();
    assert!((1_700..=2_160).contains(&next), "{next}");
    assert!(printed.errors.contains("0.entry is damaged"));
    assert_eq!(printed.errors.lines().count(), 1);
}

/// The bounce is entered before the message that it is about is taken out. A
/// list that has read the names before that, and the entries after it, would
/// have neither.
#[test]
fn a_message_that_becomes_a_bounce_while_the_list_is_made_is_in_it() {
    let lab = lab();
    let entry = |id: &str| lab.path().join(format!("{id}.entry"));
    let id = lab.take(ANN, &["bob@b.example"]);
    // Many others before it: reading them takes a while.
    for number in 0..1_000 {
        fs::hard_link(entry(&id), entry(&format!("0{number}"))).unwrap();
    }
    for round in 0..20 {
        let [old, bounce] = ["y", "z"].map(|name| format!("{name}{round}"));
        fs::hard_link(entry(&id), entry(&old)).unwrap();
        let printed = thread::scope(|scope| {
            let list = scope.spawn(|| queue(&lab.path(), &[]));
            // At another moment each time; whenever it is, it must be right.
            thread::sleep(Duration::from_millis(round));
            fs::hard_link(entry(&id), entry(&bounce)).unwrap();
            fs::remove_file(entry(&old)).unwrap();
            list.join().unwrap()
        });
        let has = |id: &str| printed.out.contains(&format!("{id}\t"));
        assert!(has(&old) || has(&bounce), "round {round}: {}", printed.errors);
    }
}

#[test]
fn no_message_is_no_line_and_no_folder_is_an_error() {
    let lab = lab();
    let printed = queue(&lab.path(), &[]);
    assert_eq!((printed.out.as_str(), printed.code), ("", Some(0)));
    for options in [&[][..], &["--flush"], &["--show", "x"], &["--remove", "x"]]
    {
        let printed = queue(&lab.path().join("none"), options);
        assert_eq!(printed.code, Some(1), "{options:?}");
        assert_eq!(printed.errors.lines().count(), 1, "{}", printed.errors);
        assert!(!lab.path().join("none").exists());
    }
}

#[test]
fn a_message_is_shown_with_envelope_and_header_and_nothing_to_obey() {
    let lab = lab();
    let id = lab.take(ANN, &["bob@b.example"]);
    let printed = queue(&lab.path(), &["--show", &id]);
    assert_eq!(printed.code, Some(0));
    for line in [
        format!("id        {id}"),
        "tries     0".to_owned(),
        "from      ann@a.example".to_owned(),
        "to        bob@b.example (waiting)".to_owned(),
        "Subject: h\\x1b[2Ji".to_owned(),
    ] {
        assert!(printed.out.lines().any(|l| l == line), "{}", printed.out);
    }
    assert!(!printed.out.contains("The text."));
    let printed = queue(&lab.path(), &["--show", "nobody"]);
    assert_eq!(printed.code, Some(1));
    assert!(printed.errors.contains("nobody"));
}

#[test]
fn case_38_a_flush_is_obeyed_by_the_server_or_waits_for_one_and_says_so() {
    let lab = lab();
    let id = lab.take(ANN, &["bob@b.example"]);
    lab.start();
    wait_until("it was tried", || lab.tries(&id) == 1);
    let printed = queue(&lab.path(), &["--flush"]);
    assert_eq!((printed.errors.as_str(), printed.code), ("", Some(0)));
    wait_until("it was tried again", || lab.tries(&id) == 2);
    lab.relay.stop();
    let printed = queue(&lab.path(), &["--flush"]);
    assert_eq!(printed.code, Some(0));
    assert!(printed.errors.contains("no server"), "{}", printed.errors);
    assert!(lab.path().join("marks/flush").exists());
}

/// What root left would be out of the reach of the server that owns the queue.
#[test]
fn in_the_queue_of_another_user_nothing_is_left() {
    let lab = lab();
    let id = lab.take(ANN, &["bob@b.example"]);
    lab.relay.stop();
    if chown(lab.path(), Some(12_345), None).is_err() {
        let _ = writeln!(io::stderr(), "skipped: only root may give away");
        return;
    }
    for options in [&["--flush"][..], &["--remove", &id]] {
        let printed = queue(&lab.path(), options);
        assert_eq!(printed.code, Some(1), "{options:?}");
        let told = "belongs to another user (number 12345)";
        assert!(printed.errors.contains(told), "{}", printed.errors);
        assert!(!lab.path().join("marks").exists(), "{options:?}");
    }
    assert!(queue(&lab.path(), &[]).out.starts_with(&id));
}

#[test]
fn marks_that_cannot_be_read_or_taken_away_are_told_once_until_they_can() {
    let folder = TempDir::new().unwrap();
    let queue_folder = folder.path().join("queue");
    let option = queue_folder.display().to_string();
    let mail = folder.path().join("mail");
    let server = Server::start_in(&mail, &["--queue", &option]);
    let complaints = || server.log().matches("cannot obey").count();
    let flushes = || server.log().matches("flushed by hand").count();
    let flush = |count| {
        wait_until("a flush is obeyed", || {
            queue(&queue_folder, &["--flush"]);
            flushes() >= count
        });
    };
    let marks = queue_folder.join("marks");
    // As if it could not be read.
    fs::write(&marks, "").unwrap();
    wait_until("it is told", || complaints() == 1);
    fs::remove_file(&marks).unwrap();
    flush(1);
    // The other marks are obeyed all the same, and more than once.
    fs::create_dir(marks.join("remove-1-1")).unwrap();
    wait_until("it is told again", || complaints() == 2);
    flush(flushes() + 1);
    flush(flushes() + 1);
    assert_eq!(complaints(), 2, "{}", server.log());
}

#[test]
fn a_message_is_removed_with_and_without_a_server_and_nobody_is_told() {
    let lab = lab();
    let ids = [0, 1].map(|_| lab.take(ANN, &["bob@b.example"]));
    lab.start();
    wait_until("it was tried", || lab.tries(&ids[0]) == 1);
    let printed = queue(&lab.path(), &["--remove", &ids[0]]);
    assert_eq!((printed.errors.as_str(), printed.code), ("", Some(0)));
    assert!(queue(&lab.path(), &[]).out.starts_with(&ids[1]));
    lab.relay.stop();
    let printed = queue(&lab.path(), &["--remove", &ids[1]]);
    assert_eq!((printed.errors.as_str(), printed.code), ("", Some(0)));
    assert_eq!(queue(&lab.path(), &[]).out, "");
    let printed = queue(&lab.path(), &["--remove", &ids[1]]);
    assert_eq!(printed.code, Some(1));
    assert!(!lab.folder.path().join("mail/a.example").exists());
    assert!(lab.host.mail().is_empty());
}
