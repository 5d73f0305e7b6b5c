//! Power cuts in memory: after each call to the disk, each state that a cut may
//! leave is looked at as the next start would (RFC 5321 6.1). And each call
//! fails once, with each error that the system has for it.
//!
//! What must hold, always:
//! - each message that was promised (250) is there for each of its recipients,
//!   byte for byte;
//! - no file that others look at is in part;
//! - after the start nothing is left over, and the next message gets through;
//! - of mail to be sent, nobody is forgotten, and no sender is told twice.
//!
//! `cargo test --test crashes -- --nocapture` says how many there were. With
//! PILLARBOX_NOTE=1 they become rows of `tests/figures/crashes.tsv`.
//!
//! Real power cuts, by `tests/power/cut`, only confirm that the disk in memory
//! is an honest one.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing, clippy::print_stdout, missing_docs)]

mod support;

use pillarbox::disk::Disk;
use pillarbox::mailbox::maildir::Maildirs;
use pillarbox::protocol::address::{ReversePath, mailbox as address};
use pillarbox::protocol::decision::Class;
use pillarbox::protocol::session::LocalMailbox;
use pillarbox::relay::books::Books;
use pillarbox::relay::entry::{
    Answer, Entry, Fate as Brought, Recipient, State, TextNeeds,
};
use pillarbox::relay::office::Relay;
use pillarbox::relay::queue::{Queue, entry_ids, open_content, read_entry};
use pillarbox::relay::schedule::Schedule;
use pillarbox::relay::settings::RelaySettings;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};
use support::memory::{Fault, MemoryDisk, folders};
use support::post::{mailbox, open};

/// What a call to the file system may fail with on Linux, by its number:
/// EPERM, ENOENT, EINTR, EIO, ENOMEM, EACCES, EEXIST, EXDEV, ENOTDIR, EINVAL,
/// ENFILE, EMFILE, EFBIG, ENOSPC, EROFS, EMLINK, ENAMETOOLONG, EOPNOTSUPP,
/// ESTALE, EDQUOT.
const ERRORS: [i32; 20] = [
    1, 2, 4, 5, 12, 13, 17, 18, 20, 22, 23, 24, 27, 28, 30, 31, 36, 95, 116,
    122,
];
const EIO: i32 = 5;
const ENOENT: i32 = 2;

/// How many cuts are tried where it would take too long to try all: in a play
/// of its own, and in a play that is one of a hundred.
const ALL: u64 = 200;
const FEW: u64 = 8;

// Mailboxes.

/// A message, and whom it is for.
type Promise = (Vec<LocalMailbox>, &'static [u8]);

/// The letters of the play.
const LETTERS: [&[u8]; 5] = [
    b"Subject: one\n\nThe first in a new mailbox.\n",
    b"Subject: two\n\nFor Bob and for Carol, who has none yet.\n",
    b"Subject: three\n\nBegun first, and done last.\n",
    b"Subject: four\n\nBegun last, and done first.\n",
    b"Subject: five\n\nThe client hung up.\n",
];
const NEXT: &[u8] = b"Subject: next\n\nAfter the cut.\n";

fn root() -> &'static Path {
    Path::new("/mail")
}

fn start(disk: &MemoryDisk) -> Maildirs {
    open(root(), Box::new(disk.clone())).unwrap()
}

/// Four deliveries, two of them at the same time, and one that is broken off.
/// Each promise that was made is noted down on the disk.
fn deliveries(disk: &MemoryDisk, maildirs: &Maildirs) -> Vec<Promise> {
    let (bob, carol) = (vec![mailbox("bob")], vec![mailbox("carol")]);
    let both = support::post::two();
    let mut promises = Vec::new();
    let stage = |to: &[LocalMailbox], text: &[u8]| {
        let mut staged = maildirs.stage(to, SystemTime::now()).ok()?;
        staged.write(text).ok()?;
        Some(staged)
    };
    let mut commit = |staged: Option<_>, to: &Vec<_>, text| {
        let Some(staged) = staged else { return };
        let staged: pillarbox::mailbox::delivery::Staged<'_> = staged;
        if staged.commit().is_ok() {
            promises.push((to.clone(), text));
            disk.note();
        }
    };
    commit(stage(&bob, LETTERS[0]), &bob, LETTERS[0]);
    commit(stage(&both, LETTERS[1]), &both, LETTERS[1]);
    let (slow, fast) = (stage(&bob, LETTERS[2]), stage(&carol, LETTERS[3]));
    commit(fast, &carol, LETTERS[3]);
    commit(slow, &bob, LETTERS[2]);
    drop(stage(&carol, LETTERS[4]));
    promises
}

fn new_of(mailbox: &LocalMailbox) -> PathBuf {
    root().join(&mailbox.domain).join(&mailbox.local_part).join("new")
}

fn inbox(disk: &MemoryDisk, mailbox: &LocalMailbox) -> Vec<Vec<u8>> {
    let files = disk.files(&new_of(mailbox));
    files.into_iter().map(|(_, text)| text).collect()
}

/// What is wrong on this disk when the next process starts there.
fn wrong_mail(disk: &MemoryDisk, promises: &[Promise]) -> Result<(), String> {
    let maildirs = start(disk);
    for (to, text) in &promises[..disk.notes()] {
        for mailbox in to {
            if !inbox(disk, mailbox).iter().any(|found| found == text) {
                let text = text.escape_ascii();
                return Err(format!("{mailbox:?} has lost: {text}"));
            }
        }
    }
    no_part_of_mail(disk, |folder| is_half_made(disk, folder))?;
    let mut next = maildirs.stage(&support::post::two(), SystemTime::now());
    let sent = next.as_mut().map(|next| next.write(NEXT)).is_ok();
    if !sent || next.unwrap().commit().is_err() {
        return Err("the next delivery fails".to_owned());
    }
    if !inbox(disk, &mailbox("carol")).iter().any(|text| text == NEXT) {
        return Err("the next message is not there".to_owned());
    }
    // Now each mailbox is whole, and the start after this one tidies up.
    drop(start(disk));
    no_part_of_mail(disk, |_| false)
}

/// Each file is a whole message in `new`, except in the folders that may have
/// left-overs.
fn no_part_of_mail(
    disk: &MemoryDisk,
    may_have_left_overs: impl Fn(&Path) -> bool,
) -> Result<(), String> {
    for folder in folders(disk, root()).into_iter().chain([root().into()]) {
        for (name, text) in disk.files(&folder) {
            let is_whole = LETTERS.contains(&&text[..]) || text == NEXT;
            if !folder.ends_with("new") && !may_have_left_overs(&folder) {
                return Err(format!("left over: {name} in {folder:?}"));
            }
            if folder.ends_with("new") && !is_whole {
                return Err(format!("in part: {}", text.escape_ascii()));
            }
        }
    }
    Ok(())
}

/// The `tmp` of what is not a mailbox yet, since a cut has left no more of it.
/// Who knows what that is? It is not tidied up before it is one.
fn is_half_made(disk: &MemoryDisk, folder: &Path) -> bool {
    let mailbox = folder.parent().unwrap();
    folder.ends_with("tmp")
        && !["new", "cur"].iter().all(|n| disk.is_folder(&mailbox.join(n)))
}

/// Looks at each disk that a cut may leave after each call of the play: how
/// many there were, and what was wrong.
fn cut_everywhere(
    disk: &MemoryDisk,
    sample: u64,
    wrong: impl Fn(&MemoryDisk) -> Result<(), String>,
) -> (usize, Vec<String>) {
    let (mut count, mut found) = (0, Vec::new());
    for (call, moment) in disk.past().into_iter().enumerate() {
        for cut in moment.crashes(sample) {
            count += 1;
            found.extend(wrong(&cut).err().map(|e| format!("{call}: {e}")));
        }
    }
    (count, found)
}

/// Says how many there were, and notes it down if somebody has asked for it.
fn tell(what: &str, tried: usize, wrong: usize) {
    println!("{what}: {tried} tried, {wrong} wrong");
    if std::env::var_os("PILLARBOX_NOTE").is_some() {
        let append =
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/figures/append");
        let status = Command::new(append)
            .arg("crashes")
            .arg(format!("what={what}"))
            .arg(format!("tried={tried}"))
            .arg(format!("wrong={wrong}"))
            .status();
        assert!(status.unwrap().success());
    }
}

fn mail_after_cuts(disk: &MemoryDisk) -> (usize, Vec<String>) {
    let maildirs = start(disk);
    disk.remember_from(0);
    let promises = deliveries(disk, &maildirs);
    assert_eq!(promises.len(), 4);
    cut_everywhere(disk, ALL, |cut| wrong_mail(cut, &promises))
}

#[test]
fn no_cut_after_any_call_loses_mail_that_was_promised() {
    let (count, found) = mail_after_cuts(&MemoryDisk::new());
    tell("states of the mailboxes", count, found.len());
    assert!(found.is_empty(), "{} of {count}: {}", found.len(), found[0]);
    assert!(count > 5_000, "{count}");
}

#[test]
fn without_the_sync_of_folders_cuts_lose_mail_and_the_test_sees_it() {
    let disk = MemoryDisk::new().without_folder_sync();
    let (count, found) = mail_after_cuts(&disk);
    let what = "states of the mailboxes, without the sync of folders";
    tell(what, count, found.len());
    let lost = found.iter().filter(|wrong| wrong.contains("has lost"));
    assert!(lost.count() > count / 100, "{} of {count}", found.len());
}

/// Plays once for each call and each error that it may fail with, where it has
/// done its work and where it has not. Gives the number of plays.
fn fail_everywhere(
    errors: &[i32],
    mut play: impl FnMut(Fault) -> (usize, String),
) -> usize {
    let mut count = 0;
    for at in 1.. {
        // Only trouble with the disk itself may leave open what was done.
        let done = errors.iter().filter(|errno| **errno == EIO);
        let plays = errors.iter().map(|errno| (errno, false));
        for (&errno, is_done) in plays.chain(done.map(|errno| (errno, true))) {
            let (calls, what) = play(Fault { at, errno, is_done });
            if calls < at {
                return count;
            }
            assert!(what.is_empty(), "call {at}, error {errno}: {what}");
            count += 1;
        }
    }
    count
}

/// One play of the deliveries with a fault. Of what was refused nothing stays,
/// unless the system has lied: then it may be there twice.
fn mail_with(fault: Fault, is_cut: bool) -> (usize, String) {
    let disk = MemoryDisk::new();
    let maildirs = start(&disk);
    disk.fail(fault);
    if is_cut {
        disk.remember_from(fault.at);
    }
    let promises = deliveries(&disk, &maildirs);
    let calls = disk.calls();
    disk.be_well();
    let mut what = String::new();
    if calls.len() < fault.at {
        return (calls.len(), what);
    }
    if !fault.is_done {
        for mailbox in support::post::two() {
            let promised = promises.iter().filter(|p| p.0.contains(&mailbox));
            let (want, have) = (promised.count(), inbox(&disk, &mailbox).len());
            if have != want {
                writeln!(what, "{mailbox:?} has {have}, not {want}").unwrap();
            }
        }
    }
    let wrong = match is_cut {
        true => cut_everywhere(&disk, FEW, |cut| wrong_mail(cut, &promises)).1,
        false => wrong_mail(&disk, &promises).err().into_iter().collect(),
    };
    if let Some(wrong) = wrong.first() {
        writeln!(what, "after {}: {wrong}", calls[fault.at - 1]).unwrap();
    }
    (calls.len(), what)
}

#[test]
fn each_call_of_a_delivery_may_fail_with_each_error_of_the_system() {
    let cells = fail_everywhere(&ERRORS, |fault| mail_with(fault, false));
    tell("cells of a delivery", cells, 0);
    assert!(cells > 1_500, "{cells}");
}

#[test]
fn a_cut_after_a_failed_call_loses_no_more_than_any_other() {
    let cells = fail_everywhere(&[EIO], |fault| mail_with(fault, true));
    assert!(cells > 100, "{cells}");
}

// The queue.

const NOW: Duration = Duration::from_secs(1_795_412_756);
const TEXT: &[u8] = b"Received: by us\nSubject: hi\n\nHello.\n";
const BOB: &str = "bob@b.example";
const CAROL: &str = "carol@c.example";

/// What has really happened, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fact {
    /// We have said 250 to a message for these.
    Promised(&'static str, Vec<&'static str>),
    /// The mail host of this recipient has said 250 to us.
    Delivered(&'static str, &'static str),
    /// It has refused the mail for this one, for ever.
    Refused(&'static str, &'static str),
}

fn folder() -> &'static Path {
    Path::new("/queue")
}

fn entry(id: &str, from: ReversePath, to: &[&str]) -> Entry {
    let recipient = |to: &&str| Recipient::new(address(to).unwrap());
    Entry {
        id: id.to_owned(),
        accepted: NOW,
        tries: 0,
        next: NOW,
        text: TextNeeds::default(),
        reverse_path: from,
        about: None,
        tells: Vec::new(),
        recipients: to.iter().map(recipient).collect(),
    }
}

fn answer(class: Class) -> Answer {
    let (status, words): (_, &[u8]) = match class {
        Class::Delivered => ("2.0.0", b"250 2.0.0 taken"),
        Class::Temporary => ("4.2.0", b"450 4.2.0 later"),
        Class::Permanent => ("5.1.1", b"550 5.1.1 nobody"),
    };
    Answer::new(NOW, status, "mx.b.example", true, words)
}

/// A queue at work, and what has happened to its mail.
struct Office<'a> {
    queue: Queue,
    disk: &'a MemoryDisk,
    facts: Vec<Fact>,
}

impl<'a> Office<'a> {
    fn open(disk: &'a MemoryDisk) -> Office<'a> {
        let queue = Queue::open(folder(), Box::new(disk.clone())).unwrap();
        Office { queue, disk, facts: Vec::new() }
    }

    fn happened(&mut self, fact: Fact) {
        self.facts.push(fact);
        self.disk.note();
    }

    fn accept(
        &mut self,
        id: &'static str,
        from: ReversePath,
        to: &[&'static str],
    ) {
        let accepted = || {
            let mut draft = self.queue.create(entry(id, from, to))?;
            draft.write(TEXT)?;
            draft.commit()
        };
        if accepted().is_ok() {
            self.happened(Fact::Promised(id, to.to_vec()));
        }
    }

    /// A try in which each recipient that waits has this result.
    fn attempt(&mut self, id: &'static str, results: &[(&'static str, Class)]) {
        let Ok(Some(entry)) = self.queue.entry(id) else { return };
        let waits: Vec<_> = entry.waiting().map(ToString::to_string).collect();
        for (to, class) in results {
            if !waits.iter().any(|waiting| waiting == to) {
                continue;
            }
            match class {
                Class::Delivered => self.happened(Fact::Delivered(id, to)),
                Class::Permanent => self.happened(Fact::Refused(id, to)),
                Class::Temporary => {}
            }
        }
        let books = Books {
            queue: &self.queue,
            schedule: Schedule {
                first: Duration::from_secs(100),
                max: Duration::from_secs(400),
                give_up: Duration::from_secs(100_000),
            },
            hostname: "mx.a.example",
            domain: "a.example",
            observer: &|_| {},
        };
        let fate = |(to, class): &(&str, Class)| Brought {
            mailbox: address(to).unwrap(),
            class: *class,
            answer: answer(*class),
        };
        let results: Vec<_> = results.iter().map(fate).collect();
        let _ = books.close(id, &results, NOW, 1.0);
    }
}

/// Mail for two that goes out in three tries, the last of which fails for one;
/// mail for one that goes out at once; and a bounce that nobody takes.
fn post(office: &mut Office<'_>) {
    let ann = ReversePath::Mailbox(address("ann@a.example").unwrap());
    office.accept("x", ann.clone(), &[BOB, CAROL]);
    office.attempt("x", &[(BOB, Class::Delivered), (CAROL, Class::Temporary)]);
    office.accept("y", ann, &[BOB]);
    office.attempt("x", &[(CAROL, Class::Temporary)]);
    office.attempt("y", &[(BOB, Class::Delivered)]);
    office.attempt("x", &[(CAROL, Class::Permanent)]);
    office.accept("z", ReversePath::Null, &[BOB]);
    office.attempt("z", &[(BOB, Class::Permanent)]);
}

/// What is wrong in the queue of this disk when the next process starts.
fn wrong_queue(disk: &MemoryDisk, facts: &[Fact]) -> Result<(), String> {
    let facts = &facts[..disk.notes()];
    let settings = RelaySettings::new(folder());
    let relay = Relay::open(settings, "mx.a.example", Box::new(disk.clone()));
    drop(relay.map_err(|error| format!("no start: {error}"))?);
    let mut entries = BTreeMap::new();
    for id in entry_ids(disk, folder()).unwrap() {
        let entry = read_entry(disk, folder(), &id).unwrap().unwrap();
        let mut text = Vec::new();
        let content = open_content(disk, folder(), &id);
        content.unwrap().read_to_end(&mut text).unwrap();
        if entry.about.is_none() && text != TEXT {
            return Err(format!("{id} is in part: {}", text.escape_ascii()));
        }
        entries.insert(id, entry);
    }
    no_left_over(disk, &entries)?;
    let is_promised = |id: &str| {
        facts.iter().any(|f| matches!(f, Fact::Promised(its, _) if *its == id))
    };
    for (name, _) in disk.files(&folder().join("damaged")) {
        if is_promised(name.split('.').next().unwrap()) {
            return Err(format!("damaged: {name}"));
        }
    }
    nobody_is_told_twice(&entries)?;
    for fact in facts {
        let Fact::Promised(id, to) = fact else { continue };
        for to in to {
            let where_it_is = fate(id, to, &entries, disk);
            let is_delivered = facts.contains(&Fact::Delivered(id, to));
            let is_refused = facts.contains(&Fact::Refused(id, to));
            let is_right = match where_it_is {
                Fate::Waits => true,
                Fate::Done => is_delivered,
                Fate::Told => is_refused,
                Fate::Gone => is_delivered,
            };
            if !is_right {
                return Err(format!("{id} for {to}: {where_it_is:?}"));
            }
        }
    }
    Ok(())
}

/// What the queue knows of a recipient.
#[derive(Debug)]
enum Fate {
    Waits,
    Done,
    Told,
    Gone,
}

fn fate(
    id: &str,
    to: &str,
    entries: &BTreeMap<String, Entry>,
    disk: &MemoryDisk,
) -> Fate {
    let is_told = entries.values().any(|bounce| {
        bounce.about.as_deref() == Some(id)
            && bounce.tells.iter().any(|told| told.to_string() == to)
    });
    let dead = disk.files(&folder().join("dead"));
    let is_dead = dead.iter().any(|(name, _)| name.starts_with(id));
    let state = entries.get(id).and_then(|entry| {
        let all = entry.recipients.iter();
        let mut its = all.filter(|r| r.mailbox.to_string() == to);
        its.next().map(|recipient| recipient.state)
    });
    match state {
        Some(State::Waiting | State::Failed) => Fate::Waits,
        Some(State::Delivered) => Fate::Done,
        Some(State::Told) | None if is_told || is_dead => Fate::Told,
        Some(State::Told) | None => Fate::Gone,
    }
}

fn no_left_over(
    disk: &MemoryDisk,
    entries: &BTreeMap<String, Entry>,
) -> Result<(), String> {
    for (name, _) in disk.files(folder()) {
        let (id, kind) = name.rsplit_once('.').unwrap();
        if !entries.contains_key(id) || !["mail", "entry"].contains(&kind) {
            return Err(format!("left over: {name}"));
        }
    }
    Ok(())
}

fn nobody_is_told_twice(
    entries: &BTreeMap<String, Entry>,
) -> Result<(), String> {
    let mut told = BTreeSet::new();
    for bounce in entries.values() {
        for to in &bounce.tells {
            if !told.insert((bounce.about.clone(), to.to_string())) {
                return Err(format!("told twice of {to}"));
            }
        }
    }
    Ok(())
}

fn queue_after_cuts(disk: &MemoryDisk) -> (usize, Vec<String>) {
    let mut office = Office::open(disk);
    disk.remember_from(0);
    post(&mut office);
    let facts = office.facts;
    assert_eq!(facts.len(), 7, "{facts:?}");
    cut_everywhere(disk, ALL, |cut| wrong_queue(cut, &facts))
}

#[test]
fn no_cut_after_any_call_forgets_anybody_in_the_queue() {
    let (count, found) = queue_after_cuts(&MemoryDisk::new());
    tell("states of the queue", count, found.len());
    assert!(found.is_empty(), "{} of {count}: {}", found.len(), found[0]);
    assert!(count > 1_000, "{count}");
}

#[test]
fn without_the_sync_of_folders_cuts_lose_queued_mail_and_the_test_sees_it() {
    let disk = MemoryDisk::new().without_folder_sync();
    let (count, found) = queue_after_cuts(&disk);
    let what = "states of the queue, without the sync of folders";
    tell(what, count, found.len());
    let lost = found.iter().filter(|wrong| wrong.ends_with("Gone"));
    assert!(lost.count() > count / 100, "{} of {count}", found.len());
}

fn queue_with(fault: Fault, is_cut: bool) -> (usize, String) {
    let disk = MemoryDisk::new();
    let mut office = Office::open(&disk);
    disk.fail(fault);
    if is_cut {
        disk.remember_from(fault.at);
    }
    post(&mut office);
    let calls = disk.calls();
    disk.be_well();
    let facts = std::mem::take(&mut office.facts);
    drop(office);
    if calls.len() < fault.at {
        return (calls.len(), String::new());
    }
    let wrong = match is_cut {
        true => cut_everywhere(&disk, FEW, |cut| wrong_queue(cut, &facts)).1,
        false => wrong_queue(&disk, &facts).err().into_iter().collect(),
    };
    let at = &calls[fault.at - 1];
    // No system says that a name is not there while it is.
    if at.starts_with("remove") && fault.errno == ENOENT {
        return (calls.len(), String::new());
    }
    let what = wrong.first().map(|wrong| format!("after {at}: {wrong}"));
    (calls.len(), what.unwrap_or_default())
}

#[test]
fn each_call_of_the_queue_may_fail_with_each_error_of_the_system() {
    let cells = fail_everywhere(&ERRORS, |fault| queue_with(fault, false));
    tell("cells of the queue", cells, 0);
    assert!(cells > 1_500, "{cells}");
}

#[test]
fn a_cut_after_a_failed_call_of_the_queue_forgets_nobody() {
    let cells = fail_everywhere(&[EIO], |fault| queue_with(fault, true));
    assert!(cells > 100, "{cells}");
}
