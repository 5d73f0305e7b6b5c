//! What a 250 is worth: deliveries on a disk that fails at any one call
//! (RFC 5321 6.1 and 4.2.5).
//!
//! The disk under test does what the real one does, writes down every call,
//! and fails at the call it is told to. Each test looks at the mailboxes
//! afterwards:
//! - what was promised is in `new`, whole, for every recipient;
//! - what was refused is in nobody's `new`;
//! - `tmp` is empty after the next start;
//! - the next delivery works.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod support;

use pillarbox::disk::{Disk, RealDisk};
use pillarbox::mailbox::maildir::{self, Maildirs};
use pillarbox::protocol::reply;
use pillarbox::protocol::session::LocalMailbox;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use support::disk::{FakeDisk, Play};
use tempfile::TempDir;

const TEXT: &[u8] = b"Subject: hi\n\nHello.\n";

/// The calls so far, and which one fails.
#[derive(Default)]
struct Log {
    calls: Vec<String>,
    fails_at: Option<(usize, ErrorKind)>,
    /// Fails every call of this name.
    fails_always: Option<(&'static str, ErrorKind)>,
}

type SharedLog = Arc<Mutex<Log>>;

/// A disk that writes its calls down, and fails where it is told to.
fn faulty_disk(log: SharedLog) -> FakeDisk {
    FakeDisk::new(move |call, path| {
        // What changes nothing is not counted.
        if ["claim", "look", "names", "modified"].contains(&call) {
            return Play::Real;
        }
        let mut log = log.lock().unwrap();
        log.calls.push(format!("{call} {}", place(call, path)));
        let now = log.calls.len();
        match (log.fails_always, log.fails_at) {
            (Some((which, kind)), _) if which == call => Play::Fail(kind),
            (_, Some((at, kind))) if at == now => Play::Fail(kind),
            _ => Play::Real,
        }
    })
}

/// A message by its folder, all else by its name.
fn place(call: &str, path: &Path) -> String {
    let last: Vec<_> = path.iter().rev().take(2).collect();
    let file = last[0].to_string_lossy();
    if ["write", "sync"].contains(&call) {
        return "file".to_owned();
    }
    let place = if file.contains(".M") { last[1] } else { last[0] };
    place.to_string_lossy().into_owned()
}

/// A folder of mailboxes on a disk that can fail.
struct Post {
    folder: TempDir,
    log: SharedLog,
    maildirs: Maildirs,
}

fn post() -> Post {
    post_in(TempDir::new().unwrap())
}

fn post_in(folder: TempDir) -> Post {
    let log = SharedLog::default();
    let disk = Box::new(faulty_disk(Arc::clone(&log)));
    let root = folder.path().join("mail");
    let maildirs = open(&root, disk).unwrap();
    Post { folder, log, maildirs }
}

fn open(root: &Path, disk: Box<dyn Disk>) -> io::Result<Maildirs> {
    Maildirs::open(root, "mx.example.org", disk, SystemTime::now())
}

fn mailbox(name: &str) -> LocalMailbox {
    LocalMailbox { domain: "example.org".into(), local_part: name.into() }
}

fn two() -> Vec<LocalMailbox> {
    vec![mailbox("bob"), mailbox("carol")]
}

impl Post {
    /// Ends the process, as it were, and starts it again.
    fn restart(self) -> Post {
        drop(self.maildirs);
        post_in(self.folder)
    }

    fn deliver(&self, mailboxes: &[LocalMailbox]) -> io::Result<String> {
        let now = SystemTime::now();
        let mut staged = self.maildirs.stage(mailboxes, now)?;
        staged.write(TEXT)?;
        staged.commit()
    }

    /// The same, failing at call `at`; then the disk is well again.
    fn deliver_failing(&self, at: usize, kind: ErrorKind) -> io::Result<()> {
        let mut log = self.log.lock().unwrap();
        log.calls.clear();
        log.fails_at = Some((at, kind));
        drop(log);
        let outcome = self.deliver(&two()).map(|_| ());
        self.log.lock().unwrap().fails_at = None;
        outcome
    }

    fn calls(&self) -> Vec<String> {
        self.log.lock().unwrap().calls.clone()
    }

    fn files(&self, name: &str, place: &str) -> Vec<Vec<u8>> {
        let mailbox = self.folder.path().join("mail/example.org").join(name);
        let Ok(found) = fs::read_dir(mailbox.join(place)) else {
            return Vec::new();
        };
        found.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
    }

    fn count(&self, place: &str) -> usize {
        self.everyone(place).iter().map(Vec::len).sum()
    }

    fn everyone(&self, place: &str) -> Vec<Vec<Vec<u8>>> {
        ["bob", "carol"].map(|name| self.files(name, place)).to_vec()
    }
}

#[test]
fn a_delivery_syncs_the_file_before_the_link_and_new_before_it_is_done() {
    let post = post();
    post.deliver(&[mailbox("bob")]).unwrap();
    post.log.lock().unwrap().calls.clear();
    post.deliver(&[mailbox("bob")]).unwrap();
    let want = [
        "create tmp",
        "write file",
        "sync file",
        "link new",
        "remove tmp",
        "syncdir new",
    ];
    assert_eq!(post.calls(), want);
}

#[test]
fn several_recipients_share_one_file_and_one_sync_of_it() {
    let post = post();
    post.deliver(&two()).unwrap();
    post.log.lock().unwrap().calls.clear();
    post.deliver(&two()).unwrap();
    let want = [
        "create tmp",
        "write file",
        "sync file",
        "link new",
        "link new",
        "remove tmp",
        "syncdir new",
        "syncdir new",
    ];
    assert_eq!(post.calls(), want);
    for files in post.everyone("new") {
        assert_eq!(files, [TEXT, TEXT]);
    }
}

#[test]
fn the_folders_of_a_new_mailbox_are_synced_up_to_the_root() {
    let post = post();
    post.log.lock().unwrap().calls.clear();
    post.deliver(&[mailbox("bob")]).unwrap();
    let calls = post.calls();
    let created = calls.iter().position(|call| call == "create tmp").unwrap();
    for folder in ["mail", "example.org", "bob", "tmp", "new", "cur"] {
        let sync = format!("syncdir {folder}");
        let at = calls.iter().position(|call| *call == sync);
        assert!(at.is_some_and(|at| at < created), "{folder}: {calls:?}");
    }
}

/// Runs `prepare` and then one delivery for each call that it makes, with that
/// call failing, and checks what is left.
fn fail_at_every_call(prepare: impl Fn(&Post)) -> usize {
    for at in 1.. {
        let post = post();
        prepare(&post);
        let old = post.everyone("new");
        let outcome = post.deliver_failing(at, ErrorKind::StorageFull);
        let calls = post.calls();
        if calls.len() < at {
            return at - 1;
        }
        let failed = &calls[at - 1];
        let new = post.everyone("new");
        match outcome {
            // Only the name in tmp may stay without harm. And it makes no
            // difference if a folder that is there cannot be made, or if a
            // link fails where all of them do.
            Ok(()) => {
                let always = post.log.lock().unwrap().fails_always;
                let is_used_to_it = always.is_some() && failed == "link new"
                    || failed == "mkdir example.org";
                assert!(failed == "remove tmp" || is_used_to_it, "call {at}");
            }
            Err(error) => {
                assert_eq!(maildir::trouble(&error), reply::NO_SPACE);
                assert_eq!(new, old, "{failed} failed, mail is left");
            }
        }
        let post = post.restart();
        assert_eq!(post.count("tmp"), 0, "{failed}");
        post.deliver(&two()).unwrap();
        for (files, before) in post.everyone("new").iter().zip(&new) {
            assert_eq!(files.len(), before.len() + 1, "{failed}");
            assert!(files.iter().all(|file| file == TEXT), "{failed}");
        }
    }
    unreachable!("a delivery has an end");
}

#[test]
fn whichever_call_fails_all_get_the_mail_or_none() {
    let calls = fail_at_every_call(|post| drop(post.deliver(&two()).unwrap()));
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
        post.deliver(&[mailbox("bob")]).unwrap();
        post.log.lock().unwrap().calls.clear();
        post.deliver(&[mailbox("bob")]).unwrap();
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
            "remove tmp",
            "syncdir new",
        ];
        assert_eq!(post.calls(), want);
        assert_eq!(post.files("bob", "new"), [TEXT, TEXT]);
        assert_eq!(post.count("tmp"), 0);
    }
}

#[test]
fn whichever_call_of_a_copy_fails_all_get_the_mail_or_none() {
    let calls = fail_at_every_call(|post| {
        drop(post.deliver(&two()).unwrap());
        let link = ("link", ErrorKind::CrossesDevices);
        post.log.lock().unwrap().fails_always = Some(link);
    });
    assert_eq!(calls, 18);
}

#[test]
fn folders_that_were_there_are_synced_before_they_are_counted_on() {
    let post = post();
    let bob = post.folder.path().join("mail/example.org/bob");
    for name in ["tmp", "new", "cur"] {
        fs::create_dir_all(bob.join(name)).unwrap();
    }
    post.log.lock().unwrap().calls.clear();
    post.deliver(&[mailbox("bob")]).unwrap();
    let calls = post.calls();
    for folder in ["mail", "example.org", "bob", "tmp", "new", "cur"] {
        let sync = format!("syncdir {folder}");
        assert!(calls.contains(&sync), "{folder}: {calls:?}");
    }
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
fn who_comes_third_does_not_tidy_up_after_the_second() {
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
fn a_message_that_is_dropped_leaves_nothing() {
    let post = post();
    let mut staged = post.maildirs.stage(&two(), SystemTime::now()).unwrap();
    staged.write(&[b'x'; 100_000]).unwrap();
    assert_eq!(post.files("bob", "tmp").len(), 1);
    drop(staged);
    assert_eq!(post.count("tmp"), 0);
    assert_eq!(post.count("new"), 0);
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
        let found = maildir::trouble(&kind.into());
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

#[test]
fn at_the_start_our_left_overs_go_and_strangers_files_stay_36_hours() {
    let post = post();
    post.deliver(&[mailbox("bob")]).unwrap();
    let tmp = post.folder.path().join("mail/example.org/bob/tmp");
    let day = Duration::from_secs(24 * 3600);
    for (name, age) in [
        ("1700000000.M5P7Q0R00ff.mx.example.org", day / 24),
        ("1700000000.M5P7Q0R00ff.mx.example.org.copy", day / 24),
        ("1700000000.12345.strange.example", day),
        ("another", day * 2),
    ] {
        let file = File::create(tmp.join(name)).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }
    let probe = post.folder.path().join("mail/.probe-P7");
    File::create(&probe).unwrap();
    let post = post.restart();
    assert!(!probe.exists());
    let left: Vec<_> = fs::read_dir(&tmp)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["1700000000.12345.strange.example"]);
    assert_eq!(post.files("bob", "new").len(), 1);
}

#[test]
fn two_servers_share_a_folder_and_neither_tidies_up_the_others_files() {
    let first = post();
    let root = first.folder.path().join("mail");
    let now = SystemTime::now();
    let mut staged = first.maildirs.stage(&two(), now).unwrap();
    staged.write(TEXT).unwrap();
    let second = open(&root, Box::new(RealDisk)).unwrap();
    let mut other = second.stage(&two(), now).unwrap();
    other.write(TEXT).unwrap();
    assert_eq!(first.files("bob", "tmp").len(), 2);
    staged.commit().unwrap();
    other.commit().unwrap();
    for files in first.everyone("new") {
        assert_eq!(files, [TEXT, TEXT]);
    }
}

#[test]
fn a_folder_that_others_may_write_is_refused() {
    let folder = TempDir::new().unwrap();
    for mode in [0o777, 0o770, 0o702] {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(folder.path(), permissions).unwrap();
        let opened = open(folder.path(), Box::new(RealDisk));
        let error = opened.err().unwrap().to_string();
        assert!(error.contains("chmod go-w"), "{error}");
    }
}

#[test]
fn a_link_in_the_place_of_a_folder_is_not_followed() {
    let post = post();
    post.deliver(&[mailbox("bob")]).unwrap();
    let elsewhere = TempDir::new().unwrap();
    let new = post.folder.path().join("mail/example.org/bob/new");
    fs::rename(&new, new.with_file_name("old")).unwrap();
    symlink(elsewhere.path(), &new).unwrap();
    post.deliver(&[mailbox("bob")]).unwrap_err();
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[test]
fn folders_and_files_are_for_their_owner_only() {
    let post = post();
    let name = post.deliver(&[mailbox("bob")]).unwrap();
    let root = post.folder.path().join("mail");
    for (path, want) in [
        ("", 0o700),
        ("example.org", 0o700),
        ("example.org/bob", 0o700),
        ("example.org/bob/new", 0o700),
        (&format!("example.org/bob/new/{name}"), 0o600),
    ] {
        let mode = fs::metadata(root.join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, want, "{path}");
    }
}

#[test]
fn a_mailbox_that_somebody_removed_is_made_again() {
    let post = post();
    post.deliver(&[mailbox("bob")]).unwrap();
    fs::remove_dir_all(post.folder.path().join("mail/example.org")).unwrap();
    post.deliver(&[mailbox("bob")]).unwrap();
    assert_eq!(post.files("bob", "new"), [TEXT]);
}
