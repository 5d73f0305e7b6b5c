//! The mail folder of a running server: which mailboxes there are, what the log
//! says when one takes no mail, and what happens when the folder vanishes.

// A test fails by panicking.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use pillarbox::server::{self, Settings};
use std::fs::{self, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use support::disk::{FakeDisk, Play};
use support::{Client, Server, needs, wait_until};
use tempfile::TempDir;

const PILLARBOX: &str = env!("CARGO_BIN_EXE_pillarbox");

const OPTIONS: [&str; 4] =
    ["--hostname", "mx.example.org", "--domain", "example.org"];

const STORED: &str = "250 2.0.0 Stored";

fn greeted(mut client: Client) -> Client {
    client.expect(220);
    client.say("HELO client.example");
    client.expect(250);
    client
}

/// Asks for these recipients, and stops before the message.
fn begin(client: &mut Client, recipients: &[String]) {
    client.say("MAIL FROM:<alice@client.example>");
    client.expect(250);
    for recipient in recipients {
        client.say(&format!("RCPT TO:<{recipient}@example.org>"));
        client.expect(250);
    }
    client.say("DATA");
    client.expect(354);
}

/// The reply to the dot of a message for Bob.
fn send_to_bob(server: &Server) -> String {
    let mut client = greeted(server.connect());
    send(&mut client, "bob")
}

fn send(client: &mut Client, recipient: &str) -> String {
    begin(client, &[recipient.to_owned()]);
    client.say("Subject: hi\r\n\r\nHello.\r\n.");
    client.reply()
}

/// What a server says that cannot start.
fn failed_start(mail: &Path, options: &[&str]) -> String {
    let outcome = serve(mail, options);
    let said = String::from_utf8(outcome.stderr).unwrap();
    assert_eq!(outcome.status.code(), Some(1), "{said}");
    assert!(outcome.stdout.is_empty());
    said
}

/// Runs a server to its end: it must not start.
fn serve(mail: &Path, options: &[&str]) -> Output {
    Command::new("timeout")
        .args(["60", PILLARBOX, "serve", "--listen", "127.0.0.1:0", "--mail"])
        .arg(mail)
        .args(OPTIONS)
        .args(options)
        .env("RUST_LOG", "error")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn mailboxes_that_never_got_a_message_take_no_place_and_have_no_folder() {
    let server = Server::start(&OPTIONS);
    // A hundred at a time, more than there are places for.
    for round in 0..11 {
        let name = |n| format!("never{}", round * 100 + n);
        let recipients: Vec<String> = (0..100).map(name).collect();
        let mut client = greeted(server.connect());
        begin(&mut client, &recipients);
        client.say("Subject: never");
    }
    wait_until("all have hung up", || {
        server.log().matches("client closed").count() == 11
    });
    let mut client = greeted(server.connect());
    assert_eq!(send(&mut client, "newcomer"), STORED);
    let mut names: Vec<_> = fs::read_dir(server.mail().join("example.org"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["newcomer", "postmaster"]);
    let staging = server.mail().join(".tmp");
    assert_eq!(fs::read_dir(staging).unwrap().count(), 0);
}

#[test]
fn on_a_full_disk_no_place_is_taken_and_no_folder_stays() {
    let is_full = Arc::new(AtomicBool::new(true));
    let folder = TempDir::new().unwrap();
    let mut settings = Settings::new(folder.path().join("mail"));
    settings.listen = vec!["127.0.0.1:0".parse().unwrap()];
    settings.domains = vec!["example.org".to_owned()];
    let full = Arc::clone(&is_full);
    // Folders for mailboxes can be made, the last of the three cannot.
    settings.disk = Box::new(FakeDisk::new(move |call, path| {
        let is_last = call == "mkdir" && path.ends_with("new");
        let is_postmaster = path.to_string_lossy().contains("postmaster");
        if is_last && !is_postmaster && full.load(Ordering::SeqCst) {
            Play::Fail(ErrorKind::StorageFull)
        } else {
            Play::Real
        }
    }));
    let server = server::Server::start(settings).unwrap();
    let address = *server.addresses().first().unwrap();
    let mut client = greeted(Client::new(address).unwrap());
    for round in 0..11 {
        let name = |n| format!("u{}", round * 100 + n);
        let recipients: Vec<String> = (0..100).map(name).collect();
        begin(&mut client, &recipients);
        client.say(".");
        // Not 452 4.2.2 or the like, for want of places.
        let full = "452 4.3.1 Insufficient system storage";
        assert_eq!(client.reply(), full, "round {round}");
    }
    let mailboxes = folder.path().join("mail/example.org");
    assert_eq!(fs::read_dir(&mailboxes).unwrap().count(), 1);
    is_full.store(false, Ordering::SeqCst);
    assert_eq!(send(&mut client, "newcomer"), STORED);
    assert_eq!(fs::read_dir(&mailboxes).unwrap().count(), 2);
}

#[test]
fn a_host_name_of_253_characters_stores_mail() {
    let labels = [63, 63, 63, 61].map(|length| "h".repeat(length));
    let host = labels.join(".");
    let server =
        Server::start(&["--hostname", &host, "--domain", "example.org"]);
    assert_eq!(send_to_bob(&server), STORED);
    let new = server.mail().join("example.org/bob/new");
    let file = fs::read_dir(&new).unwrap().next().unwrap().unwrap().path();
    // As a mail reader does when Bob has seen it.
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    let seen = format!("{name},S=26214400,W=26214400:2,DFPRSTabcdefghijklmnop");
    fs::rename(&file, new.with_file_name("cur").join(seen)).unwrap();
}

/// Sends to Bob, whose mailbox somebody has spoilt; the line of the log.
fn refused_for(spoil: impl Fn(&Path)) -> String {
    let server = Server::start(&OPTIONS);
    assert_eq!(send_to_bob(&server), STORED);
    spoil(&server.mail().join("example.org/bob"));
    let refused = send_to_bob(&server);
    assert_eq!(refused, "451 4.3.0 Local error, try again later");
    wait_until("it is logged", || server.log().contains("ERROR"));
    let log = server.log();
    let line = log.lines().find(|line| line.contains("ERROR")).unwrap();
    assert!(line.contains(&server.mail().display().to_string()), "{line}");
    line.to_owned()
}

#[test]
fn the_log_of_a_failed_delivery_names_the_path_and_the_reason() {
    let line = refused_for(|bob| {
        fs::remove_dir_all(bob).unwrap();
        fs::write(bob, "").unwrap();
    });
    assert!(line.ends_with("/bob should be a folder"), "{line}");
    let line = refused_for(|bob| {
        let new = bob.join("new");
        fs::rename(&new, bob.join("old")).unwrap();
        symlink(bob.join("nowhere"), new).unwrap();
    });
    assert!(line.ends_with("/bob/new should be a folder"), "{line}");
    let line = refused_for(|bob| {
        fs::set_permissions(bob, Permissions::from_mode(0o777)).unwrap();
    });
    assert!(line.contains("try chmod go-w"), "{line}");
}

#[test]
fn the_system_s_own_refusal_is_logged_with_its_path() {
    if !needs(&["strace", "-qq", "-e", "trace=none", "true"]) {
        return;
    }
    for (fault, place, why) in [
        ("linkat:error=EROFS", "/bob/new/1", "read-only file system"),
        ("mkdir:error=EACCES:when=2+", "/example.org", "permission denied"),
    ] {
        let folder = TempDir::new().unwrap();
        // The folders of the postmaster are there: it starts without a fault.
        drop(Server::start_in(folder.path(), &OPTIONS));
        let calls = fault.split(':').next().unwrap();
        let [trace, inject] =
            [format!("trace={calls}"), format!("inject={fault}")];
        let strace = ["strace", "-D", "-f", "-qq", "-o", "/dev/null"];
        let program = [&strace[..], &["-e", &trace, "-e", &inject]].concat();
        let server = Server::start_by(&program, folder.path(), &OPTIONS);
        let refused = send_to_bob(&server);
        assert_eq!(
            refused, "451 4.3.0 Local error, try again later",
            "{fault}"
        );
        wait_until("it is logged", || server.log().contains("ERROR"));
        let log = server.log();
        let line = log.lines().find(|line| line.contains("ERROR")).unwrap();
        assert!(line.contains(place) && line.contains(why), "{fault}: {line}");
        assert!(server.messages("example.org", "bob").is_empty(), "{fault}");
    }
}

#[test]
fn a_start_that_fails_names_what_is_wrong() {
    let folder = TempDir::new().unwrap();
    let mail = folder.path().join("mail");
    drop(Server::start_in(&mail, &OPTIONS));
    let bob = mail.join("example.org/bob");
    let named = ["--mailbox", "bob@example.org"];
    fs::write(&bob, "").unwrap();
    let said = failed_start(&mail, &named);
    let path = bob.display();
    assert!(said.contains(&format!("{path} should be a folder")), "{said}");
    fs::remove_file(&bob).unwrap();
    symlink("nowhere", &bob).unwrap();
    let said = failed_start(&mail, &named);
    assert!(said.contains(&format!("{path} should be a folder")), "{said}");
    // The folder itself.
    for (name, target) in [("file", None), ("dangling", Some("nowhere"))] {
        let mail = folder.path().join(name);
        match target {
            Some(target) => symlink(target, &mail).unwrap(),
            None => fs::write(&mail, "").unwrap(),
        }
        let said = failed_start(&mail, &[]);
        let want =
            format!("{} is a file, or a link that leads", mail.display());
        assert!(said.contains(&want), "{said}");
    }
    // The lock.
    let mail = folder.path().join("trap");
    fs::create_dir(&mail).unwrap();
    fs::set_permissions(&mail, Permissions::from_mode(0o700)).unwrap();
    let lock = mail.join(".lock");
    assert!(Command::new("mkfifo").arg(&lock).status().unwrap().success());
    let said = failed_start(&mail, &[]);
    let want = format!("{} should be a plain file", lock.display());
    assert!(said.contains(&want), "{said}");
}

#[test]
fn what_an_ordinary_user_may_not_read_does_not_stop_the_start() {
    let nobody =
        ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
    let is_root = fs::metadata("/proc/self").is_ok_and(|us| us.uid() == 0);
    if !is_root || !needs(&[&nobody[..], &["true"]].concat()) {
        return;
    }
    let folder = TempDir::new().unwrap();
    // Root reads everything, so the server runs as somebody else.
    let program = folder.path().join("pillarbox");
    fs::copy(PILLARBOX, &program).unwrap();
    let mail = folder.path().join("mail");
    let tmp = mail.join("example.org/bob/tmp");
    for place in ["new", "cur", "tmp"] {
        fs::create_dir_all(tmp.with_file_name(place)).unwrap();
    }
    fs::create_dir(mail.join("lost+found")).unwrap();
    for path in [folder.path(), &mail, &program] {
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
    for path in tmp.ancestors().take(4) {
        chown(path, Some(65534), Some(65534)).unwrap();
    }
    for place in ["new", "cur"] {
        chown(tmp.with_file_name(place), Some(65534), Some(65534)).unwrap();
    }
    for path in [&tmp, &mail.join("lost+found")] {
        fs::set_permissions(path, Permissions::from_mode(0o000)).unwrap();
    }
    let mut words = nobody.to_vec();
    let path = program.display().to_string();
    words.extend(["sh", "-c", "program=$1; shift 2; exec \"$program\" \"$@\""]);
    words.extend(["sh", &path]);
    let server = Server::start_by(&words, &mail, &OPTIONS);
    for path in ["lost+found", "bob/tmp"] {
        let is_warned = |line: &str| {
            line.contains("WARN")
                && line.contains(path)
                && line.contains("permission denied")
        };
        wait_until(path, || server.log().lines().any(is_warned));
    }
    let mut client = greeted(server.connect());
    assert_eq!(send(&mut client, "carol"), STORED);
}

#[test]
fn a_strange_file_name_cannot_forge_a_line_of_the_log() {
    let folder = TempDir::new().unwrap();
    drop(Server::start_in(folder.path(), &OPTIONS));
    let tmp = folder.path().join("example.org/postmaster/tmp");
    let name = "1700000000.M5P7Q0R00ff.x\n2026-01-01T00:00:00Z INFO  forged";
    fs::write(tmp.join(name), "").unwrap();
    let server = Server::start_in(folder.path(), &OPTIONS);
    let escaped = "x\\n2026-01-01T00:00:00Z INFO  forged";
    wait_until("it is logged", || server.log().contains(escaped));
    let log = server.log();
    assert!(
        !log.lines().any(|line| line.ends_with("Z INFO  forged")
            && line.starts_with("2026-01-01")),
        "{log}"
    );
}

#[test]
fn a_mail_folder_that_was_removed_is_made_again_at_the_next_delivery() {
    let folder = TempDir::new().unwrap();
    let mail = folder.path().join("mail");
    let server = Server::start_in(&mail, &OPTIONS);
    assert_eq!(send_to_bob(&server), STORED);
    fs::remove_dir_all(&mail).unwrap();
    assert_eq!(send_to_bob(&server), STORED);
    assert_eq!(server.messages("example.org", "bob").len(), 1);
    assert!(mail.join(".lock").exists());
    wait_until("it is logged", || server.log().contains("WARN"));
}

/// How often a session over standard input syncs before its greeting.
fn syncs_of_a_start(mail: &Path, mailboxes: usize) -> usize {
    let folder = TempDir::new().unwrap();
    let trace = folder.path().join("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "trace=fsync", "-o"]).arg(&trace);
    command.args([PILLARBOX, "serve", "--stdio", "--mail"]).arg(mail);
    command.args(OPTIONS);
    for number in 0..mailboxes {
        command.arg(format!("--mailbox=u{number}@example.org"));
    }
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"QUIT\r\n").unwrap();
    assert!(child.wait().unwrap().success());
    fs::read_to_string(trace).unwrap().matches("fsync(").count()
}

#[test]
fn a_start_syncs_as_often_with_a_hundred_mailboxes_as_with_one() {
    if !needs(&["strace", "-qq", "-e", "trace=none", "true"]) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let mail = folder.path().join("mail");
    let one = syncs_of_a_start(&mail, 1);
    assert_eq!(syncs_of_a_start(&mail, 100), syncs_of_a_start(&mail, 1));
    assert!(one < 5, "{one}");
}
