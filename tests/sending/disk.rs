//! A full disk, at each step of the queue and of a bounce (RFC 5321 6.1).
//!
//! `tests/queue.rs` does the same call by call inside one process. This is the
//! whole program, and the real kernel says no: `strace` makes one call fail, or
//! there is really no room.

use super::office::{Office, letter};
use crate::support::host::{Host, Say};
use crate::support::strace::{Faults, can_inject};
use crate::support::{needs, wait_until};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// What writes, in the order of its first use.
const CALLS: [&str; 6] =
    ["openat", "write", "fsync", "linkat", "rename", "?unlink,?unlinkat"];

/// A host that says "later" until it says "never".
struct Moody {
    host: Host,
    is_later: Arc<AtomicBool>,
}

impl Moody {
    fn start() -> Moody {
        let is_later = Arc::new(AtomicBool::new(true));
        let mood = Arc::clone(&is_later);
        let host = Host::start(move |command| {
            match (command.starts_with("RCPT"), mood.load(Ordering::SeqCst)) {
                (true, true) => Say::This("450 4.2.0 later"),
                (true, false) => Say::This("550 5.1.1 nobody"),
                (false, _) => Say::Yes,
            }
        });
        Moody { host, is_later }
    }

    fn office(&self, folder: TempDir) -> Office {
        let address = self.host.address.to_string();
        Office::start_in(folder, &["--smart-host", &address])
    }

    fn says_never(&self) {
        self.is_later.store(false, Ordering::SeqCst);
    }
}

fn flush(queue: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pillarbox"));
    command.args(["queue", "--flush"]).arg(queue);
    assert!(command.status().unwrap().success());
}

/// Flushes until no message waits.
fn flush_to_the_end(office: &Office) {
    let mut count = 0;
    wait_until("no message waits", || {
        if count % 100 == 0 {
            flush(&office.queue());
        }
        count += 1;
        office.list().is_empty()
    });
}

#[test]
fn at_each_step_of_accepting_no_room_is_told_and_leaves_nothing() {
    if !can_inject() {
        return;
    }
    let to = ["carol@client.example", "bob@example.org"];
    for call in CALLS {
        for at in 1..20 {
            let moody = Moody::start();
            let office = moody.office(TempDir::new().unwrap());
            let fault = format!("{call}:error=ENOSPC:when={at}");
            let faults = Faults::begin(office.server.pid(), &fault);
            let from = "alice@client.example";
            let answer = office.hand(from, &to, &letter("hello"));
            drop(faults);
            if answer.starts_with("250") {
                // There is no such call, or it does not matter.
                assert!(at > 1 || call == "rename", "{fault}");
                break;
            }
            assert_eq!(answer, "452 4.3.1 Insufficient system storage");
            let files = office.files();
            let drafts = files.iter().filter(|file| file.ends_with(".draft"));
            assert_eq!(files.len(), drafts.count(), "{fault}: {files:?}");
            assert!(office.mail_of("carol").is_empty(), "{fault}");
            // And then there is room again.
            office.take(&to);
            assert_eq!(office.list().len(), 1, "{fault}");
            assert_eq!(office.mail_of("carol").len(), 1, "{fault}");
        }
    }
}

#[test]
fn at_each_step_of_a_bounce_no_room_costs_time_and_nothing_else() {
    if !can_inject() {
        return;
    }
    // A full disk lets files be opened for reading, and `strace` does not ask.
    for call in CALLS.into_iter().filter(|call| *call != "openat") {
        for at in 1..20 {
            let fault = format!("{call}:error=ENOSPC:when={at}");
            if bounce_with(&fault) {
                break;
            }
        }
    }
}

/// Whether nothing went wrong.
fn bounce_with(fault: &str) -> bool {
    let moody = Moody::start();
    let office = moody.office(TempDir::new().unwrap());
    office.take(&["bob@example.org"]);
    wait_until("it waits", || office.list()[0][2] == "1");
    moody.says_never();
    let faults = Faults::begin(office.server.pid(), fault);
    flush(&office.queue());
    let is_done = || office.files().is_empty();
    let mut is_well = false;
    wait_until("the bounce is made, or not", || {
        is_well = is_done();
        let log = office.server.log();
        is_well
            || log.contains(" ERROR ")
            || log.contains("left over")
            || log.matches("the next one in").count() > 1
    });
    drop(faults);
    flush_to_the_end(&office);
    let bounces = office.mail_of("alice");
    assert_eq!(bounces.len(), 1, "{fault}: {}", office.server.log());
    let about = "\nFinal-Recipient: rfc822; bob@example.org\n";
    assert!(bounces[0].contains(about), "{fault}: {}", bounces[0]);
    // If the folder could not be synced, a text is left for the next start.
    let office = moody.office(office.stop());
    assert!(office.files().is_empty(), "{fault}: {:?}", office.files());
    is_well
}

/// A small disk, which only root can make.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn make() -> Option<SmallDisk> {
        let id = Command::new("id").arg("-u").output().unwrap();
        if id.stdout != b"0\n" {
            let _ = writeln!(io::stderr(), "skipped: only root may mount");
            return None;
        }
        let folder = TempDir::new().unwrap();
        let mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs"];
        let path = folder.path().to_str().unwrap().to_owned();
        let probe = [&mount[..], &[&path]].concat();
        needs(&probe).then_some(SmallDisk(folder))
    }

    /// Takes all the room that there is.
    fn fill(&self) {
        let mut file = File::create(self.0.path().join("filler")).unwrap();
        let block = [b'x'; 512];
        while file.write_all(&block).is_ok() {}
    }

    fn free(&self) {
        fs::remove_file(self.0.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let mut unmount = Command::new("umount");
        unmount.arg("-l").arg(self.0.path());
        assert!(unmount.status().unwrap().success());
    }
}

#[test]
fn on_a_disk_that_is_really_full_the_queue_waits_for_room() {
    let Some(disk) = SmallDisk::make() else { return };
    let moody = Moody::start();
    let office = moody.office(TempDir::new_in(disk.0.path()).unwrap());
    for _ in 0..3 {
        office.take(&["bob@example.org"]);
    }
    wait_until("they wait", || office.list().iter().all(|f| f[2] == "1"));
    disk.fill();
    let answer =
        office.hand("alice@client.example", &["bob@b.example"], &letter("x"));
    assert_eq!(answer, "452 4.3.1 Insufficient system storage");
    moody.says_never();
    // The mark needs no block, or there would be no way to flush either.
    flush(&office.queue());
    wait_until("it has tried", || office.server.log().contains(" ERROR "));
    assert_eq!(office.list().len(), 3);
    assert!(office.mail_of("alice").is_empty());
    disk.free();
    flush_to_the_end(&office);
    assert_eq!(office.mail_of("alice").len(), 3);
    drop(office);
}
