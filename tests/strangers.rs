//! What others have put into the mail folder, and what has vanished from it.
//!
//! Nothing that is not of our own making is removed or followed, and nothing
//! strange keeps the server from its work, unless mail would be at risk.

// A test fails by panicking.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use pillarbox::disk::{Disk, Found, Kind, RealDisk};
use pillarbox::mailbox::maildir::Maildirs;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};
use support::disk::{FakeDisk, OUR_FOLDER, Play};
use support::post::{Post, TEXT, mailbox, open, post, two};
use tempfile::TempDir;

/// A name of the kind that we make.
const OURS: &str = "1700000000.M5P7Q0R00ff.mx.example.org";

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn at_the_start_our_left_overs_go_and_strangers_files_stay() {
    let post = post();
    post.deliver(&[mailbox("bob")]).unwrap();
    let tmp = post.at("example.org/bob/tmp");
    let copy = format!("{OURS}.copy");
    for path in [
        tmp.join(OURS),
        tmp.join(&copy),
        post.at(".tmp").join(OURS),
        post.at("").join(OURS),
        tmp.join("1700000000.12345.strange.example"),
        tmp.join("thesis.tex"),
        post.at(".probe-mine"),
        post.at("thesis.tex"),
    ] {
        let file = File::create(path).unwrap();
        let days = Duration::from_secs(3 * 24 * 3600);
        file.set_modified(SystemTime::now() - days).unwrap();
    }
    let post = post.restart();
    let left = ["1700000000.12345.strange.example", "thesis.tex"];
    assert_eq!(names_in(&tmp), left);
    let left = [".lock", ".probe-mine", ".tmp", "example.org", "thesis.tex"];
    assert_eq!(names_in(&post.at("")), left);
    assert_eq!(post.files("bob", "new").len(), 1);
}

#[test]
fn only_a_maildir_is_tidied_and_takes_a_place() {
    let post = post();
    for folders in [
        ["texts/book/tmp", "texts/book/new", "texts/book/old"],
        ["texts/paper/tmp", "texts/paper/cur", "texts/paper/old"],
        ["texts/idea/tmp", "texts/idea", "texts/idea"],
    ] {
        for folder in folders {
            fs::create_dir_all(post.at(folder)).unwrap();
        }
        File::create(post.at(folders[0]).join(OURS)).unwrap();
    }
    post.make_by_hand("bob");
    File::create(post.at("example.org/bob/tmp").join(OURS)).unwrap();
    let post = post.restart();
    for text in ["book", "paper", "idea"] {
        assert_eq!(names_in(&post.at("texts").join(text).join("tmp")), [OURS]);
    }
    assert_eq!(post.count("tmp"), 0);
    assert_eq!(post.maildirs.existing(), [mailbox("bob")]);
}

/// Mailboxes on a disk that does what `plan` says, and else the usual.
fn open_with(
    post: &Post,
    plan: impl Fn(&str, &Path) -> Option<Play> + Send + Sync + 'static,
) -> io::Result<Maildirs> {
    let disk =
        FakeDisk::new(move |call, path| plan(call, path).unwrap_or(Play::Real));
    open(&post.at(""), Box::new(disk))
}

fn deliver(maildirs: &Maildirs, name: &str) -> io::Result<String> {
    let now = SystemTime::now();
    let mut staged = maildirs.stage(&[mailbox(name)], now)?;
    staged.write(TEXT)?;
    staged.commit()
}

#[test]
fn what_cannot_be_read_is_passed_over_and_the_rest_is_tidied() {
    let mut post = post();
    fs::create_dir(post.at("lost+found")).unwrap();
    for name in ["bob", "carol"] {
        post.make_by_hand(name);
        let tmp = post.at("example.org").join(name).join("tmp");
        File::create(tmp.join(OURS)).unwrap();
    }
    // Only a server that is alone tidies, so the first one goes.
    let elsewhere = TempDir::new().unwrap();
    post.maildirs = open(elsewhere.path(), Box::new(RealDisk)).unwrap();
    let maildirs = open_with(&post, |call, path| {
        let is_closed =
            path.ends_with("lost+found") || path.ends_with("bob/tmp");
        (call == "names" && is_closed)
            .then_some(Play::Fail(ErrorKind::PermissionDenied))
    });
    let mut existing = maildirs.unwrap().existing().to_vec();
    existing.sort();
    assert_eq!(existing, two());
    assert_eq!(post.files("bob", "tmp").len(), 1);
    assert_eq!(post.files("carol", "tmp").len(), 0);
}

#[test]
fn a_mail_folder_that_others_may_write_is_refused_with_advice() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().display();
    for (mode, advice) in [
        (0o777, format!("try chmod go-w {path}")),
        (0o770, format!("try chmod go-w {path}")),
        (0o702, format!("try chmod go-w {path}")),
        (0o1777, "use a folder inside it".to_owned()),
    ] {
        let permissions = Permissions::from_mode(mode);
        fs::set_permissions(folder.path(), permissions).unwrap();
        let opened = open(folder.path(), Box::new(RealDisk));
        let error = opened.err().unwrap().to_string();
        assert!(error.contains(&advice), "{error}");
    }
}

#[test]
fn a_mail_folder_of_another_user_is_refused() {
    let folder = TempDir::new().unwrap();
    if chown(folder.path(), Some(65534), None).is_err() {
        // Only root may give folders away.
        return;
    }
    let opened = open(folder.path(), Box::new(RealDisk));
    let error = opened.err().unwrap().to_string();
    assert!(error.contains("another user (number 65534)"), "{error}");
}

#[test]
fn a_folder_that_is_not_ours_alone_gets_no_mail() {
    let open_to_all = Found { permissions: 0o777, ..OUR_FOLDER };
    let others = Found { owner: 7, is_ours: false, ..OUR_FOLDER };
    let file = Found { kind: Kind::File, ..OUR_FOLDER };
    let link = Found { kind: Kind::Other, ..OUR_FOLDER };
    for (place, found, why) in [
        ("example.org", open_to_all, "chmod go-w"),
        ("example.org", others, "another user (number 7)"),
        ("example.org", file, "should be a folder"),
        ("bob", open_to_all, "chmod go-w"),
        ("bob", others, "another user (number 7)"),
        ("bob", link, "should be a folder"),
        ("bob/new", link, "should be a folder"),
        ("bob/new", open_to_all, "chmod go-w"),
        ("bob/cur", open_to_all, "chmod go-w"),
        ("bob/tmp", others, "another user (number 7)"),
        (".tmp", others, "another user (number 7)"),
    ] {
        let post = post();
        if place != ".tmp" {
            post.deliver(&[mailbox("bob")]).unwrap();
        }
        let count = post.count("new");
        // The start passes over it: others have their mailboxes there.
        let maildirs = open_with(&post, move |call, path| {
            let is_it = call == "look" && path.ends_with(place);
            is_it.then_some(Play::Find(found))
        });
        let maildirs = maildirs.unwrap();
        let error = deliver(&maildirs, "bob").unwrap_err().to_string();
        assert!(error.contains(why), "{place}: {error}");
        assert!(error.contains(place), "{place}: {error}");
        assert_eq!(post.count("new"), count, "{place}");
    }
}

#[test]
fn tmp_and_new_on_two_file_systems_are_noticed_at_the_start() {
    let post = post();
    post.deliver(&[mailbox("bob")]).unwrap();
    let maildirs = open_with(&post, |call, path| {
        let is_new = call == "look" && path.ends_with("bob/new");
        is_new.then_some(Play::Find(OUR_FOLDER))
    });
    let error = maildirs.unwrap().make(&mailbox("bob")).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("bob/tmp and "), "{error}");
    assert!(error.contains("are on two file systems"), "{error}");
}

#[test]
fn a_link_in_the_place_of_a_folder_is_not_followed() {
    for place in ["example.org", "example.org/bob", "example.org/bob/new"] {
        let post = post();
        post.deliver(&[mailbox("bob")]).unwrap();
        let elsewhere = TempDir::new().unwrap();
        // It looks like the real one: a draft would fit in.
        for trap in ["bob/tmp", "bob/new", "bob/cur", "tmp", "new", "cur"] {
            fs::create_dir_all(elsewhere.path().join(trap)).unwrap();
        }
        let folder = post.at(place);
        fs::rename(&folder, post.at("old")).unwrap();
        symlink(elsewhere.path(), &folder).unwrap();
        let bob = [mailbox("bob")];
        let staged = post.maildirs.stage(&bob, SystemTime::now());
        assert!(staged.is_err(), "{place}: a draft was begun");
        post.deliver(&bob).unwrap_err();
        for trap in ["bob/tmp", "bob/new", "tmp", "new"] {
            let trap = elsewhere.path().join(trap);
            assert!(names_in(&trap).is_empty(), "{place}");
        }
    }
}

/// The one with the draft before that is begun, the others before the links.
#[test]
fn each_mailbox_of_a_message_is_looked_at_once() {
    let post = post();
    post.deliver(&two()).unwrap();
    let looks = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&looks);
    let maildirs = open_with(&post, move |call, path| {
        if call == "look" {
            seen.lock().unwrap().push(path.to_owned());
        }
        None
    });
    let maildirs = maildirs.unwrap();
    looks.lock().unwrap().clear();
    let staged = maildirs.stage(&two(), SystemTime::now()).unwrap();
    staged.commit().unwrap();
    let looks = looks.lock().unwrap();
    for name in ["bob", "carol"] {
        for place in ["", "tmp", "new", "cur"] {
            let place = post.at(&format!("example.org/{name}/{place}"));
            let times = looks.iter().filter(|look| **look == place).count();
            assert_eq!(times, 1, "{}", place.display());
        }
    }
}

#[test]
fn folders_and_files_are_for_their_owner_only() {
    let post = post();
    let name = post.deliver(&[mailbox("bob")]).unwrap();
    for (path, want) in [
        ("", 0o700),
        (".lock", 0o600),
        (".tmp", 0o700),
        ("example.org", 0o700),
        ("example.org/bob", 0o700),
        ("example.org/bob/new", 0o700),
        (&format!("example.org/bob/new/{name}"), 0o600),
    ] {
        let mode = fs::metadata(post.at(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, want, "{path}");
    }
}

#[test]
fn two_servers_share_a_folder_and_neither_tidies_up_the_others_files() {
    let first = post();
    first.deliver(&two()).unwrap();
    let now = SystemTime::now();
    let mut staged = first.maildirs.stage(&two(), now).unwrap();
    staged.write(TEXT).unwrap();
    let second = open(&first.at(""), Box::new(RealDisk)).unwrap();
    let mut other = second.stage(&two(), now).unwrap();
    other.write(TEXT).unwrap();
    assert_eq!(first.files("bob", "tmp").len(), 2);
    staged.commit().unwrap();
    other.commit().unwrap();
    for files in first.everyone("new") {
        assert_eq!(files, [TEXT, TEXT, TEXT]);
    }
}

#[test]
fn a_mailbox_that_somebody_removed_is_made_again_and_synced() {
    let post = post();
    post.calls_of_a_usual_delivery(&[mailbox("bob")]);
    fs::remove_dir_all(post.at("example.org")).unwrap();
    post.forget_calls();
    post.deliver(&[mailbox("bob")]).unwrap();
    assert_eq!(post.files("bob", "new"), [TEXT]);
    let calls = post.calls();
    for folder in ["mail", "example.org", "bob", "new"] {
        assert!(calls.contains(&format!("syncdir {folder}")), "{calls:?}");
    }
}

/// Somebody else has it alone for too long. What is not shared is not ours.
#[test]
fn a_new_mail_folder_that_cannot_be_shared_is_claimed_once_more() {
    let post = post();
    let shares = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&shares);
    let maildirs = open_with(&post, move |call, _| {
        let is_second =
            call == "share" && count.fetch_add(1, Ordering::Relaxed) == 1;
        is_second.then_some(Play::Fail(ErrorKind::WouldBlock))
    });
    let maildirs = maildirs.unwrap();
    fs::remove_dir_all(post.at("")).unwrap();
    let error = deliver(&maildirs, "bob").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    deliver(&maildirs, "bob").unwrap();
    assert_eq!(shares.load(Ordering::Relaxed), 3);
}

#[test]
fn a_mail_folder_that_vanished_is_claimed_and_then_made_again() {
    for is_made_by_hand in [false, true] {
        let post = post();
        post.calls_of_a_usual_delivery(&[mailbox("bob")]);
        fs::remove_dir_all(post.at("")).unwrap();
        if is_made_by_hand {
            fs::create_dir(post.at("")).unwrap();
            fs::set_permissions(post.at(""), Permissions::from_mode(0o700))
                .unwrap();
            post.make_by_hand("bob");
        }
        post.forget_calls();
        // A message on its way shows that the claim comes first.
        let now = SystemTime::now();
        let mut staged = post.maildirs.stage(&two()[..1], now).unwrap();
        let second =
            RealDisk.claim(&post.at(""), Duration::from_secs(10)).unwrap();
        assert!(!second.is_alone());
        staged.write(TEXT).unwrap();
        staged.commit().unwrap();
        assert_eq!(post.files("bob", "new"), [TEXT]);
        let calls = post.calls();
        for folder in ["mail", "example.org", "bob", "new"] {
            assert!(calls.contains(&format!("syncdir {folder}")), "{calls:?}");
        }
    }
}

fn claim_error(folder: &Path) -> String {
    let patience = Duration::from_millis(50);
    let claim = RealDisk.claim(folder, patience);
    claim.err().expect("nobody gets this claim").to_string()
}

/// Opening a named pipe waits for somebody at its other end.
#[test]
fn a_strange_lock_file_is_an_error_at_once_and_is_not_followed() {
    type Trap = fn(&Path);
    let traps: [(&str, Trap); 4] = [
        ("a named pipe", |lock| {
            assert!(
                Command::new("mkfifo").arg(lock).status().unwrap().success()
            );
        }),
        ("a link to a file", |lock| {
            let target = lock.with_file_name("target");
            fs::write(&target, "precious").unwrap();
            symlink(target, lock).unwrap();
        }),
        ("a link to nowhere", |lock| {
            symlink(lock.with_file_name("nowhere"), lock).unwrap();
        }),
        ("a folder", |lock| fs::create_dir(lock).unwrap()),
    ];
    for (name, trap) in traps {
        let folder = TempDir::new().unwrap();
        trap(&folder.path().join(".lock"));
        let path = folder.path().to_owned();
        let (sender, outcome) = channel();
        thread::spawn(move || sender.send(claim_error(&path)));
        let error = outcome.recv_timeout(support::DEADLINE).expect(name);
        assert!(error.contains("/.lock should be a plain file"), "{error}");
        let target = folder.path().join("target");
        if let Ok(text) = fs::read_to_string(target) {
            assert_eq!(text, "precious");
        }
        assert!(!folder.path().join("nowhere").exists());
    }
}

#[test]
fn the_lock_of_another_program_is_an_error_that_names_it_when_patience_ends() {
    let folder = TempDir::new().unwrap();
    let first = RealDisk.claim(folder.path(), Duration::ZERO).unwrap();
    assert!(first.is_alone());
    let error = claim_error(folder.path());
    let want =
        format!("{}/.lock is locked by another", folder.path().display());
    assert!(error.starts_with(&want), "{error}");
    // When it is given back, a claim that waits gets it.
    let path = folder.path().to_owned();
    let waiting = thread::spawn(move || {
        RealDisk.claim(&path, support::DEADLINE).map(|claim| claim.is_alone())
    });
    drop(first);
    assert!(waiting.join().unwrap().unwrap());
}

#[test]
fn a_claim_that_is_shared_lets_others_in_who_are_not_alone() {
    let folder = TempDir::new().unwrap();
    let mut first = RealDisk.claim(folder.path(), Duration::ZERO).unwrap();
    first.share().unwrap();
    let second = RealDisk.claim(folder.path(), Duration::ZERO).unwrap();
    assert!(!first.is_alone() && !second.is_alone());
    assert!(first.is_intact() && second.is_intact());
    fs::remove_file(folder.path().join(".lock")).unwrap();
    assert!(!first.is_intact());
}

#[test]
fn a_named_pipe_is_not_opened_to_be_read() {
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let error = RealDisk.open_file(&pipe).err().unwrap();
    assert!(error.to_string().contains("is not a plain file"), "{error}");
    fs::write(folder.path().join("file"), "text").unwrap();
    let mut text = String::new();
    let mut file = RealDisk.open_file(&folder.path().join("file")).unwrap();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "text");
}
