//! What a 250 is worth: deliveries on a disk that fails at any one call
//! (RFC 5321 6.1 and 4.2.5).
//!
//! The disk under test does what the real one does, writes down every call,
//! and fails at the call it is told to. Each test looks at the mailboxes
//! afterwards:
//! - what was promised is in `new`, whole, for every recipient;
//! - what was refused is in nobody's `new`, and has made no folder;
//! - `tmp` is empty after the next start;
//! - the next delivery works.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod support;

use pillarbox::disk::RealDisk;
use pillarbox::mailbox::delivery::refusal_for;
use pillarbox::mailbox::maildir::Maildirs;
use pillarbox::protocol::reply;
use std::fs;
use std::io::ErrorKind;
use std::sync::Mutex;
use std::time::SystemTime;
use support::disk::{FakeDisk, Play};
use support::post::{Post, TEXT, mailbox, open, post, two};
use tempfile::TempDir;

#[test]
fn a_delivery_syncs_the_file_before_the_link_and_new_before_it_leaves_tmp() {
    let want = [
        "create tmp",
        "write file",
        "sync file",
        "link new",
        "syncdir new",
        "remove tmp",
    ];
    assert_eq!(post().calls_of_a_usual_delivery(&[mailbox("bob")]), want);
}

#[test]
fn several_recipients_share_one_file_and_one_sync_of_it() {
    let post = post();
    let want = [
        "create tmp",
        "write file",
        "sync file",
        "link new",
        "link new",
        "syncdir new",
        "syncdir new",
        "remove tmp",
    ];
    assert_eq!(post.calls_of_a_usual_delivery(&two()), want);
    for files in post.everyone("new") {
        assert_eq!(files, [TEXT, TEXT]);
    }
}

const ALL_FOLDERS: [&str; 6] =
    ["mail", "example.org", "bob", "tmp", "new", "cur"];

/// Whether the first delivery in this run syncs all that leads to the message,
/// once each, after it is there and before it leaves `tmp`.
fn assert_all_is_synced_once(calls: &[String]) {
    let place = |what: &str| calls.iter().position(|call| call == what);
    for folder in ALL_FOLDERS {
        let sync = format!("syncdir {folder}");
        let count = calls.iter().filter(|call| **call == sync).count();
        assert_eq!(count, 1, "{folder}: {calls:?}");
        let at = place(&sync);
        assert!(at > place("link new"), "{folder}: {calls:?}");
        assert!(at < place("remove tmp").or(place("remove .tmp")), "{calls:?}");
    }
}

#[test]
fn the_folders_of_a_new_mailbox_are_synced_up_to_the_root() {
    let post = post();
    post.forget_calls();
    post.deliver(&[mailbox("bob")]).unwrap();
    assert_all_is_synced_once(&post.calls());
}

/// Runs `prepare` and then one delivery for each call that it makes, with that
/// call failing, and checks what is left.
fn fail_at_every_call(prepare: impl Fn(&Post)) -> usize {
    for at in 1.. {
        let post = post();
        prepare(&post);
        let (old, before) = (post.everyone("new"), post.mailboxes());
        let outcome = post.deliver_failing(at, ErrorKind::StorageFull);
        let calls = post.calls();
        if calls.len() < at {
            return at - 1;
        }
        let failed = &calls[at - 1];
        let new = post.everyone("new");
        match outcome {
            // It makes no difference if a link fails where all of them do.
            Ok(()) => {
                let always = post.log.lock().unwrap().fails_always;
                let is_used_to_it = always.is_some() && failed == "link new";
                assert!(is_used_to_it, "call {at}: {failed}");
            }
            Err(error) => {
                assert_eq!(refusal_for(&error), reply::NO_SPACE);
                assert_eq!(new, old, "{failed} failed, mail is left");
                assert_eq!(post.mailboxes(), before, "{failed}: folders");
            }
        }
        let post = post.restart();
        assert_eq!(post.count("tmp"), 0, "{failed}");
        post.deliver(&two()).unwrap();
        for (files, earlier) in post.everyone("new").iter().zip(&new) {
            assert_eq!(files.len(), earlier.len() + 1, "{failed}");
            assert!(files.iter().all(|file| file == TEXT), "{failed}");
        }
    }
    unreachable!("a delivery has an end");
}

#[test]
fn whichever_call_fails_all_get_the_mail_or_none() {
    let calls = fail_at_every_call(|post| {
        post.calls_of_a_usual_delivery(&two());
    });
    assert_eq!(calls, 8, "see the list of calls above");
}

#[test]
fn whichever_call_fails_all_get_the_mail_or_none_in_new_mailboxes() {
    let calls = fail_at_every_call(|_| {});
    assert!(calls > 20, "{calls}");
}

#[test]
fn where_links_cannot_be_made_the_message_is_copied_and_synced() {
    for kind in [ErrorKind::CrossesDevices, ErrorKind::Unsupported] {
        let post = post();
        post.log.lock().unwrap().fails_always = Some(("link", kind));
        let calls = post.calls_of_a_usual_delivery(&[mailbox("bob")]);
        let want = [
            "create tmp",
            "write file",
            "sync file",
            "link new",
            "open tmp",
            "create tmp",
            "write file",
            "sync file",
            "rename new",
            "syncdir new",
            "remove tmp",
        ];
        assert_eq!(calls, want);
        assert_eq!(post.files("bob", "new"), [TEXT, TEXT]);
        assert_eq!(post.count("tmp"), 0);
    }
}

#[test]
fn whichever_call_of_a_copy_fails_all_get_the_mail_or_none() {
    let calls = fail_at_every_call(|post| {
        post.calls_of_a_usual_delivery(&two());
        let link = ("link", ErrorKind::CrossesDevices);
        post.log.lock().unwrap().fails_always = Some(link);
    });
    assert_eq!(calls, 18);
}

#[test]
fn folders_that_were_there_are_synced_before_they_are_counted_on() {
    let post = post();
    post.make_by_hand("bob");
    post.forget_calls();
    post.deliver(&[mailbox("bob")]).unwrap();
    assert_all_is_synced_once(&post.calls());
}

#[test]
fn many_may_start_at_once_on_a_folder_that_is_not_there_yet() {
    for _ in 0..20 {
        let folder = TempDir::new().unwrap();
        let root = folder.path().join("not/yet/mail");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let maildirs = open(&root, Box::new(RealDisk)).unwrap();
                    maildirs.make(&mailbox("bob")).unwrap();
                });
            }
        });
    }
}

#[test]
fn a_third_server_does_not_tidy_up_after_the_second() {
    let first = post();
    let root = first.folder.path().join("mail");
    let now = SystemTime::now();
    let second = open(&root, Box::new(RealDisk)).unwrap();
    let mut staged = second.stage(&two(), now).unwrap();
    staged.write(TEXT).unwrap();
    drop(first.maildirs);
    let third = open(&root, Box::new(RealDisk)).unwrap();
    staged.commit().unwrap();
    drop(third);
}

#[test]
fn a_message_that_is_dropped_leaves_nothing_and_no_mailbox() {
    let post = post();
    let mut staged = post.maildirs.stage(&two(), SystemTime::now()).unwrap();
    staged.write(&[b'x'; 100_000]).unwrap();
    let staging = || fs::read_dir(post.at(".tmp")).unwrap().count();
    assert_eq!(staging(), 1);
    drop(staged);
    assert_eq!(staging(), 0);
    assert!(post.mailboxes().is_empty(), "{:?}", post.mailboxes());
}

#[test]
fn a_message_is_written_in_the_tmp_of_a_recipient_that_has_a_mailbox() {
    let post = post();
    post.deliver(&[mailbox("carol")]).unwrap();
    let mut staged = post.maildirs.stage(&two(), SystemTime::now()).unwrap();
    staged.write(&[b'x'; 100_000]).unwrap();
    assert_eq!(post.files("carol", "tmp").len(), 1);
    drop(staged);
    assert_eq!(post.count("tmp"), 0);
    assert_eq!(post.count("new"), 1);
}

/// A file system that has shut down may still say that an fsync went well.
#[test]
fn a_message_that_cannot_leave_tmp_is_not_promised() {
    let post = post();
    post.deliver(&two()).unwrap();
    let first = post.everyone("new");
    let error = ErrorKind::Other;
    post.log.lock().unwrap().fails_always = Some(("remove", error));
    assert_eq!(post.deliver(&two()).unwrap_err().kind(), error);
    post.log.lock().unwrap().fails_always = None;
    let calls = post.calls();
    let removed = calls.iter().position(|call| call == "remove tmp").unwrap();
    let synced = calls.iter().rposition(|call| call == "syncdir new").unwrap();
    assert!(synced < removed, "{calls:?}");
    // Nothing of it could be taken away. In `tmp` it goes at the next start; in
    // `new` it stays, and will be there twice when the client sends it again.
    let post = post.restart();
    assert_eq!(post.count("tmp"), 0);
    assert_eq!(first.concat().len() + 2, post.everyone("new").concat().len());
}

#[test]
fn making_one_mailbox_holds_up_no_other() {
    let (bob_may_go_on, wait) = std::sync::mpsc::channel::<()>();
    let (bob_waits, bob_is_there) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new((wait, bob_waits));
    let disk = FakeDisk::new(move |call, path| {
        if call == "mkdir" && path.ends_with("bob") {
            let (wait, bob_waits) = &*gate.lock().unwrap();
            bob_waits.send(()).unwrap();
            wait.recv_timeout(support::DEADLINE).unwrap();
        }
        Play::Real
    });
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("mail");
    let maildirs = open(&root, Box::new(disk)).unwrap();
    let deliver = |name: &str| {
        let now = SystemTime::now();
        let mut staged = maildirs.stage(&[mailbox(name)], now).unwrap();
        staged.write(TEXT).unwrap();
        staged.commit().unwrap();
    };
    std::thread::scope(|scope| {
        scope.spawn(|| deliver("bob"));
        bob_is_there.recv_timeout(support::DEADLINE).unwrap();
        deliver("carol");
        bob_may_go_on.send(()).unwrap();
    });
    for name in ["bob", "carol"] {
        let new = root.join("example.org").join(name).join("new");
        assert_eq!(fs::read_dir(new).unwrap().count(), 1);
    }
}

#[test]
fn a_mailbox_that_is_made_at_the_start_is_synced_with_its_first_message() {
    let post = post();
    post.forget_calls();
    post.maildirs.make(&mailbox("bob")).unwrap();
    let calls = post.calls();
    assert!(calls.iter().all(|call| call.starts_with("mkdir ")), "{calls:?}");
    post.deliver(&[mailbox("bob")]).unwrap();
    assert_all_is_synced_once(&post.calls());
}

#[test]
fn errors_of_the_disk_are_temporary_refusals() {
    for (kind, want) in [
        (ErrorKind::StorageFull, reply::NO_SPACE),
        (ErrorKind::QuotaExceeded, reply::MAILBOX_FULL),
        (ErrorKind::PermissionDenied, reply::LOCAL_ERROR),
        (ErrorKind::ReadOnlyFilesystem, reply::LOCAL_ERROR),
        (ErrorKind::NotFound, reply::LOCAL_ERROR),
        (ErrorKind::Other, reply::LOCAL_ERROR),
    ] {
        let found = refusal_for(&kind.into());
        assert_eq!(found, want);
        assert!((400..500).contains(&found.code), "{kind:?}");
    }
}

#[test]
fn names_differ_also_when_the_clock_stands_still() {
    let post = post();
    let now = SystemTime::now();
    let names = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let staged = post.maildirs.stage(&two()[..1], now);
                    names.lock().unwrap().push(staged.unwrap().id().to_owned());
                }
            });
        }
    });
    let mut names = names.into_inner().unwrap();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 4000);
}

#[test]
fn a_host_name_in_a_file_name_has_no_slash_and_no_colon() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("mail");
    let host = "[IPv6:::1]/x";
    let now = SystemTime::now();
    let post = Maildirs::open(&root, host, Box::new(RealDisk), now).unwrap();
    let staged = post.stage(&two(), SystemTime::now()).unwrap();
    let name = staged.commit().unwrap();
    let host = "[IPv6\\072\\072\\0721]\\057x";
    assert!(name.ends_with(host), "{name}");
}
