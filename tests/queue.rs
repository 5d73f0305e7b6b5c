//! What a 250 is worth for mail that goes elsewhere: the queue on a disk that
//! fails at any one call, or from one call on for ever, as at a crash
//! (RFC 5321 6.1).
//!
//! Each test looks at the folder afterwards, as the next start would:
//! - what was promised is there, whole;
//! - what was refused leaves nothing;
//! - a sender is told once, never twice.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

mod support;

use pillarbox::disk::{Disk, RealDisk};
use pillarbox::protocol::address::{Mailbox, ReversePath, mailbox};
use pillarbox::protocol::decision::Class;
use pillarbox::relay::books::{Books, Closed};
use pillarbox::relay::entry::{
    Answer, Entry, Fate, Recipient, State, TextNeeds,
};
use pillarbox::relay::event::Event;
use pillarbox::relay::office::{Arrival, Relay};
use pillarbox::relay::queue::{
    DEAD_LIMIT, Queue, entry_ids, open_content, read_entry,
};
use pillarbox::relay::schedule::Schedule;
use pillarbox::relay::settings::RelaySettings;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::disk::{FakeDisk, Play};
use tempfile::TempDir;

const TEXT: &[u8] = b"Received: by us\nSubject: hi\n\nHello.\n";
const SIZE: u64 = 40;

const NOW: Duration = Duration::from_secs(1_795_412_756);
const SCHEDULE: Schedule = Schedule {
    first: Duration::from_secs(100),
    max: Duration::from_secs(400),
    give_up: Duration::from_secs(1_000),
};

/// The calls that change something, and which of them fail.
#[derive(Default)]
struct Log {
    calls: Vec<String>,
    /// This one,
    fails_at: Option<usize>,
    /// and all that come after it.
    for_ever: bool,
    kind: Option<ErrorKind>,
    /// Calls of this name fail, too, as if there were too many open files.
    blind: Option<&'static str>,
}

type SharedLog = Arc<Mutex<Log>>;

fn faulty_disk(log: SharedLog) -> Box<dyn Disk> {
    Box::new(FakeDisk::new(move |call, path| {
        let mut log = log.lock().unwrap();
        if log.blind == Some(call) {
            return Play::Fail(ErrorKind::Other);
        }
        if ["claim", "look", "names", "open"].contains(&call) {
            return Play::Real;
        }
        let name = path.file_name().unwrap().to_string_lossy();
        let kind = name.rsplit('.').next().unwrap();
        log.calls.push(format!("{call} {kind}"));
        let now = log.calls.len();
        let fails = log
            .fails_at
            .is_some_and(|at| at == now || log.for_ever && at < now);
        match fails {
            true => Play::Fail(log.kind.unwrap_or(ErrorKind::StorageFull)),
            false => Play::Real,
        }
    }))
}

/// A queue on a disk that can fail.
struct Bench {
    folder: TempDir,
    log: SharedLog,
    queue: Queue,
    events: Mutex<Vec<String>>,
}

fn bench() -> Bench {
    bench_in(TempDir::new().unwrap())
}

fn bench_in(folder: TempDir) -> Bench {
    let log = SharedLog::default();
    let disk = faulty_disk(Arc::clone(&log));
    let queue = Queue::open(&folder.path().join("queue"), disk).unwrap();
    log.lock().unwrap().calls.clear();
    Bench { folder, log, queue, events: Mutex::default() }
}

impl Bench {
    fn path(&self) -> PathBuf {
        self.folder.path().join("queue")
    }

    fn fail(&self, at: usize, for_ever: bool) {
        let mut log = self.log.lock().unwrap();
        log.calls.clear();
        log.fails_at = Some(at);
        log.for_ever = for_ever;
    }

    fn be_blind(&self, call: &'static str) {
        self.log.lock().unwrap().blind = Some(call);
    }

    fn be_well(&self) {
        let mut log = self.log.lock().unwrap();
        (log.fails_at, log.blind) = (None, None);
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock().unwrap().calls)
    }

    fn add(&self, entry: Entry) -> io::Result<Entry> {
        let mut draft = self.queue.create(entry)?;
        draft.write(TEXT)?;
        draft.commit()
    }

    fn entry(&self, id: &str) -> Option<Entry> {
        self.queue.entry(id).unwrap()
    }

    /// The end of a try in which each recipient has this result.
    fn close(&self, id: &str, class: Class, now: Duration) -> Closed {
        self.close_with(id, now, &|_| class)
    }

    fn close_with(
        &self,
        id: &str,
        now: Duration,
        class: &dyn Fn(&Mailbox) -> Class,
    ) -> Closed {
        let results = self.results(id, class);
        self.with_books(|books| books.close(id, &results, now, 1.0))
    }

    /// One group has its results; there are others.
    fn enter(&self, id: &str, class: &dyn Fn(&Mailbox) -> Class) {
        let results = self.results(id, class);
        self.with_books(|books| books.enter(id, &results));
    }

    /// What those get who wait, also if the queue cannot see them just now.
    fn results(
        &self,
        id: &str,
        class: &dyn Fn(&Mailbox) -> Class,
    ) -> Vec<Fate> {
        let on_disk = || read_entry(&RealDisk, &self.path(), id);
        let entry = self.queue.entry(id).or_else(|_| on_disk()).unwrap();
        let fate = |mailbox: &Mailbox| Fate {
            mailbox: mailbox.clone(),
            class: class(mailbox),
            answer: answer(class(mailbox)),
        };
        entry.iter().flat_map(Entry::waiting).map(fate).collect()
    }

    fn with_books<T>(&self, work: impl FnOnce(Books<'_>) -> T) -> T {
        let observer = |event: Event<'_>| {
            self.events.lock().unwrap().push(event.to_string());
        };
        work(Books {
            queue: &self.queue,
            schedule: SCHEDULE,
            hostname: "mx.a.example",
            domain: "a.example",
            observer: &observer,
        })
    }

    fn events(&self) -> String {
        self.events.lock().unwrap().join("\n")
    }

    /// The process is killed, and the next one starts.
    fn restart(self) -> Bench {
        let Bench { folder, queue, .. } = self;
        drop(queue);
        drop(start(&folder.path().join("queue")).unwrap());
        bench_in(folder)
    }

    fn ids(&self) -> Vec<String> {
        entry_ids(&RealDisk, &self.path()).unwrap()
    }
}

/// What a server does with the folder at its start.
fn start(folder: &Path) -> io::Result<Relay> {
    let settings = RelaySettings::new(folder);
    Relay::open(settings, "mx.a.example", Box::new(RealDisk))
}

fn answer(class: Class) -> Answer {
    let words: &[u8] = match class {
        Class::Delivered => b"250 2.0.0 taken",
        Class::Temporary => b"450 4.2.0 later",
        Class::Permanent => b"550 5.1.1 nobody",
    };
    let status = String::from_utf8(words[4..9].to_vec()).unwrap();
    Answer::new(NOW, &status, "mx.b.example", true, words)
}

fn entry(id: &str, to: &[&str]) -> Entry {
    let sender = mailbox("ann@a.example").unwrap();
    let recipient = |to: &&str| Recipient::new(mailbox(to).unwrap());
    Entry {
        id: id.to_owned(),
        accepted: NOW,
        tries: 0,
        next: NOW,
        text: TextNeeds::default(),
        reverse_path: ReversePath::Mailbox(sender),
        about: None,
        tells: Vec::new(),
        recipients: to.iter().map(recipient).collect(),
    }
}

fn from_nobody(id: &str, to: &[&str]) -> Entry {
    Entry { reverse_path: ReversePath::Null, ..entry(id, to) }
}

const BOB: &[&str] = &["bob@b.example"];
const BOTH: &[&str] = &["bob@b.example", "carol@c.example"];

/// The names in the folder, without those of its own folders.
fn files(folder: &Path) -> Vec<String> {
    let found = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let files =
        found.filter(|e| !e.path().is_dir() && e.file_name() != ".lock");
    let names = files.map(|e| e.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

fn states(entry: &Entry) -> Vec<State> {
    entry.recipients.iter().map(|recipient| recipient.state).collect()
}

// Acceptance.

#[test]
fn case_01_the_content_is_synced_then_the_entry_then_the_folder() {
    let bench = bench();
    bench.add(entry("x", BOB)).unwrap();
    let want = [
        "create mail",
        "write mail",
        "sync mail",
        "create draft",
        "write draft",
        "sync draft",
        "link entry",
        "syncdir queue",
        "remove draft",
    ];
    assert_eq!(bench.calls(), want);
    assert_eq!(files(&bench.path()), ["x.entry", "x.mail"]);
    let stored = fs::read(bench.path().join("x.mail")).unwrap();
    assert_eq!(stored, TEXT);
    assert_eq!(bench.entry("x").unwrap().text.size, SIZE);
}

#[test]
fn case_01_if_any_call_fails_the_message_is_refused_and_leaves_nothing() {
    let count = {
        let bench = bench();
        bench.add(entry("x", BOB)).unwrap();
        bench.calls().len()
    };
    for at in 1..=count {
        let bench = bench();
        bench.fail(at, false);
        let error = bench.add(entry("x", BOB)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull, "{at}");
        bench.be_well();
        let names = files(&bench.path());
        // The draft whose removal failed goes at the next start.
        assert!(names.iter().all(|n| n.ends_with(".draft")), "{at} {names:?}");
        bench.add(entry("x", BOB)).unwrap();
        let bench = bench.restart();
        assert_eq!(files(&bench.path()), ["x.entry", "x.mail"], "{at}");
    }
}

#[test]
fn case_01_after_a_crash_a_promised_message_is_whole_and_others_are_gone() {
    for at in 1..=10 {
        let bench = bench();
        bench.fail(at, true);
        let is_promised = bench.add(entry("x", BOB)).is_ok();
        let bench = bench.restart();
        let names = files(&bench.path());
        if is_promised || names.contains(&"x.entry".to_owned()) {
            assert_eq!(names, ["x.entry", "x.mail"], "{at}");
            assert!(bench.entry("x").is_some());
        } else {
            assert!(names.is_empty(), "{at}: {names:?}");
        }
        assert_eq!(is_promised, at == 10);
    }
}

#[test]
fn a_message_that_is_dropped_before_its_commit_leaves_nothing() {
    let bench = bench();
    let mut draft = bench.queue.create(entry("x", BOB)).unwrap();
    draft.write(TEXT).unwrap();
    assert_eq!(files(&bench.path()), ["x.mail"]);
    drop(draft);
    assert!(files(&bench.path()).is_empty());
}

#[test]
fn one_name_is_given_once() {
    let bench = bench();
    bench.add(entry("x", BOB)).unwrap();
    let again = bench.queue.create(entry("x", BOB)).err().unwrap();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);
    let draft = bench.queue.create(entry("y", BOB)).unwrap();
    assert!(bench.queue.create(entry("y", BOB)).is_err());
    drop(draft);
}

#[test]
fn what_a_text_needs_is_known_when_it_is_accepted_rfc_1870() {
    let bench = bench();
    for (id, text, want) in [
        ("a", "Subject: x\n\n.\n..\n", (21, false, false)),
        ("b", "Subject: x\n\nb\u{f6}dy\n", (21, true, false)),
        ("c", "Subject: \u{f6}\n\n", (15, true, true)),
    ] {
        let mut draft = bench.queue.create(entry(id, BOB)).unwrap();
        for byte in text.bytes() {
            draft.write(&[byte]).unwrap();
        }
        let TextNeeds { size, eight_bit, utf8_header, .. } =
            draft.commit().unwrap().text;
        assert_eq!((size, eight_bit, utf8_header), want, "{text}");
    }
}

#[test]
fn a_recipient_who_is_named_twice_is_kept_once_and_ids_sort_by_arrival() {
    let folder = TempDir::new().unwrap();
    let relay = start(&folder.path().join("queue")).unwrap();
    let to = ["bob@b.example", "bob@B.EXAMPLE", "Bob@b.example"];
    let arrival = Arrival {
        reverse_path: ReversePath::Null,
        recipients: to.map(|to| mailbox(to).unwrap()).to_vec(),
        asks_utf8: false,
    };
    let mut ids = Vec::new();
    for _ in 0..50 {
        let mut mail = relay.stage(&arrival).unwrap();
        let id = mail.id().to_owned();
        mail.write(TEXT).unwrap();
        assert_eq!(mail.store().unwrap().send(), id);
        ids.push(id);
    }
    let path = folder.path().join("queue");
    assert_eq!(entry_ids(&RealDisk, &path).unwrap(), ids);
    let entry = read_entry(&RealDisk, &path, &ids[0]).unwrap().unwrap();
    // Only the domain may be written in any case.
    assert_eq!(entry.recipients.len(), 2);
}

// What is there at the start.

#[test]
fn case_17_what_is_damaged_is_set_aside_and_the_rest_goes_on() {
    let bench = bench();
    for id in ["cut", "empty", "lost", "good"] {
        bench.add(entry(id, BOB)).unwrap();
    }
    let path = bench.path();
    let whole = fs::read(path.join("cut.entry")).unwrap();
    fs::write(path.join("cut.entry"), &whole[..whole.len() - 5]).unwrap();
    fs::write(path.join("empty.entry"), "").unwrap();
    fs::remove_file(path.join("lost.mail")).unwrap();
    fs::write(path.join("junk.entry"), [0xff; 100]).unwrap();
    fs::write(path.join("orphan.mail"), "x").unwrap();
    fs::write(path.join("0.draft"), "x").unwrap();
    fs::write(path.join("1.draft"), "x").unwrap();
    fs::write(path.join("notes.txt"), "x").unwrap();
    fs::create_dir(path.join("folder.entry")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", path.join("link.entry")).unwrap();
    let pipe = Command::new("mkfifo").arg(path.join("pipe.entry")).status();
    assert!(pipe.unwrap().success());

    let bench = bench.restart();
    assert_eq!(files(&path), ["good.entry", "good.mail", "notes.txt"]);
    assert!(!path.join("folder.entry").exists());
    let aside: Vec<_> = fs::read_dir(path.join("damaged")).unwrap().collect();
    let names = aside.into_iter().map(|e| e.unwrap().file_name());
    let mut names: Vec<_> = names.map(|n| n.into_string().unwrap()).collect();
    names.sort();
    let want = [
        "cut.entry",
        "cut.mail",
        "empty.entry",
        "empty.mail",
        "folder.entry",
        "junk.entry",
        "link.entry",
        "lost.entry",
        "pipe.entry",
    ];
    assert_eq!(names, want);
    assert_eq!(bench.ids(), ["good"]);
}

#[test]
fn case_40_times_tries_and_answers_survive_a_restart() {
    let bench = bench();
    bench.add(entry("x", BOTH)).unwrap();
    bench.close("x", Class::Temporary, NOW + SCHEDULE.first);
    let before = bench.entry("x").unwrap();
    assert_eq!((before.tries, before.accepted), (1, NOW));
    let bench = bench.restart();
    assert_eq!(bench.entry("x").unwrap(), before);
}

#[test]
fn case_39_a_queue_in_use_is_refused_within_seconds_and_free_afterwards() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("queue");
    let relay = start(&path).unwrap();
    let began = Instant::now();
    let error = start(&path).err().unwrap();
    assert!(began.elapsed() < support::DEADLINE);
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    let text = error.to_string();
    assert!(text.contains("queue") && text.contains("locked"), "{text}");
    drop(relay);
    start(&path).unwrap();
}

#[test]
fn a_queue_that_cannot_be_used_is_an_error_in_one_line() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [&file, &file.join("queue")] {
        let text = start(path).err().unwrap().to_string();
        assert!(text.starts_with("cannot use queue "), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }
}

#[test]
fn nothing_is_written_after_the_end() {
    let bench = bench();
    bench.add(entry("x", BOB)).unwrap();
    let draft = bench.queue.create(entry("y", BOB)).unwrap();
    bench.queue.close();
    assert!(draft.commit().is_err());
    assert!(bench.add(entry("z", BOB)).is_err());
    assert!(bench.queue.take_out("x").is_err());
    assert_eq!(files(&bench.path()), ["x.entry", "x.mail"]);
    start(&bench.path()).unwrap();
}

#[test]
fn a_folder_that_was_replaced_takes_no_mail() {
    let bench = bench();
    fs::rename(bench.path(), bench.folder.path().join("old")).unwrap();
    fs::create_dir(bench.path()).unwrap();
    assert!(bench.add(entry("x", BOB)).is_err());
    assert!(files(&bench.path()).is_empty());
}

// The results of a try.

#[test]
fn case_10_a_delivered_message_is_taken_out_the_entry_first() {
    let bench = bench();
    bench.add(entry("x", BOTH)).unwrap();
    bench.calls();
    let closed = bench.close("x", Class::Delivered, NOW);
    assert_eq!(closed, Closed { next: None, bounces: Vec::new() });
    let want = ["remove entry", "syncdir queue", "remove mail"];
    assert_eq!(bench.calls(), want);
    assert!(files(&bench.path()).is_empty());
}

#[test]
fn a_temporary_failure_is_tried_again_by_the_schedule() {
    let bench = bench();
    bench.add(entry("x", BOB)).unwrap();
    let mut now = NOW;
    let mut waits = Vec::new();
    while let Some(next) = bench.close("x", Class::Temporary, now).next {
        waits.push((next - now).as_secs());
        now = next;
        assert_eq!(bench.entry("x").unwrap().next, next);
    }
    assert_eq!(waits, [100, 200, 400, 300]);
    assert_eq!(now, NOW + SCHEDULE.give_up);
    assert_eq!(bench.ids(), ["x-5-0"]);
}

#[test]
fn case_05_each_recipient_has_its_own_fate() {
    let bench = bench();
    let all = ["a@b.example", "b@b.example", "c@b.example"];
    bench.add(entry("x", &all)).unwrap();
    let fate = |to: &Mailbox| match to.local_part.as_str() {
        "a" => Class::Delivered,
        "b" => Class::Temporary,
        _ => Class::Permanent,
    };
    let closed = bench.close_with("x", NOW, &fate);
    assert_eq!(closed.next, Some(NOW + SCHEDULE.first));
    assert_eq!(closed.bounces, ["x-1-0"]);
    let left = bench.entry("x").unwrap();
    let want = [State::Delivered, State::Waiting, State::Told];
    assert_eq!(states(&left), want);
    let bounce = bench.entry("x-1-0").unwrap();
    assert_eq!(bounce.reverse_path, ReversePath::Null);
    assert_eq!(bounce.recipients[0].mailbox, mailbox("ann@a.example").unwrap());
    assert_eq!(bounce.tells, [mailbox("c@b.example").unwrap()]);
    // The one that waits is told of later, by another bounce.
    let closed = bench.close("x", Class::Permanent, NOW + SCHEDULE.first);
    assert_eq!(closed, Closed { next: None, bounces: vec!["x-2-1".into()] });
    assert_eq!(bench.ids(), ["x-1-0", "x-2-1"]);
}

#[test]
fn case_22_a_bounce_says_who_what_and_why() {
    let bench = bench();
    bench.add(entry("x", BOB)).unwrap();
    bench.close("x", Class::Permanent, NOW);
    let text = content(&bench.path(), "x-1-0");
    for line in [
        "From: Mail Delivery System <postmaster@a.example>",
        "To: ann@a.example",
        "Reporting-MTA: dns; mx.a.example",
        "Final-Recipient: rfc822; bob@b.example",
        "Status: 5.1.1",
        "Remote-MTA: dns; mx.b.example",
        "Diagnostic-Code: smtp; 550 5.1.1 nobody",
        "Subject: hi",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
    let needs = bench.entry("x-1-0").unwrap().text;
    let wire = text.len() + text.matches('\n').count();
    assert_eq!(needs.size, u64::try_from(wire).unwrap());
}

#[test]
fn a_sender_is_told_also_if_the_message_cannot_be_read_any_more() {
    let bench = bench();
    bench.add(entry("x", BOB)).unwrap();
    fs::remove_file(bench.path().join("x.mail")).unwrap();
    let closed = bench.close("x", Class::Permanent, NOW);
    assert_eq!(closed, Closed { next: None, bounces: vec!["x-1-0".into()] });
    let text = content(&bench.path(), "x-1-0");
    assert!(text.contains("rfc822; bob@b.example"), "{text}");
}

#[test]
fn what_is_given_up_bounces_with_the_last_answer_and_how_long_it_took() {
    let bench = bench();
    bench.add(entry("x", BOB)).unwrap();
    bench.close("x", Class::Temporary, NOW);
    let late = NOW + Duration::from_secs(7_200);
    assert_eq!(bench.close("x", Class::Temporary, late).next, None);
    let text = content(&bench.path(), "x-2-0");
    assert!(text.contains("Given up after 2 hours and 2 tries"), "{text}");
    assert!(text.contains("\nStatus: 4.2.0\n"), "{text}");
}

#[test]
fn a_short_life_is_told_in_minutes_or_seconds() {
    let lives = [
        (3_600, "1 hour"),
        (3_599, "59 minutes"),
        (60, "1 minute"),
        (59, "59 seconds"),
        (0, "0 seconds"),
    ];
    for (seconds, words) in lives {
        let bench = bench();
        bench.add(entry("x", BOB)).unwrap();
        let end = NOW + Duration::from_secs(seconds);
        let schedule =
            Schedule { give_up: Duration::from_secs(seconds), ..SCHEDULE };
        let results = bench.results("x", &|_| Class::Temporary);
        let closed = bench.with_books(|books| {
            let books = Books { schedule, ..books };
            books.close("x", &results, end, 1.0)
        });
        let text = content(&bench.path(), &closed.bounces[0]);
        let why = format!("Given up after {words} and 1 try: ");
        assert!(text.contains(&why), "{text}");
    }
}

#[test]
fn hundreds_of_failures_are_told_in_several_bounces_each_of_them_once() {
    let bench = bench();
    let all: Vec<_> = (0..900).map(|n| format!("u{n}@b.example")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    bench.add(entry("x", &all)).unwrap();
    let closed = bench.close("x", Class::Permanent, NOW);
    assert_eq!(closed.next, None);
    assert!(closed.bounces.len() > 1);
    let told = |id: &String| bench.entry(id).unwrap().tells;
    let told: Vec<_> = closed.bounces.iter().flat_map(told).collect();
    let told: Vec<_> = told.iter().map(Mailbox::to_string).collect();
    assert_eq!(told, all);
}

#[test]
fn case_09_a_bounce_never_bounces_it_is_kept_for_the_operator() {
    let bench = bench();
    bench.add(from_nobody("x", BOTH)).unwrap();
    let fate = |to: &Mailbox| match to.local_part.as_str() {
        "bob" => Class::Permanent,
        _ => Class::Temporary,
    };
    let closed = bench.close_with("x", NOW, &fate);
    assert!(closed.next.is_some() && closed.bounces.is_empty());
    let closed = bench.close("x", Class::Delivered, NOW + SCHEDULE.first);
    assert_eq!(closed, Closed { next: None, bounces: Vec::new() });
    assert!(files(&bench.path()).is_empty());
    assert_eq!(files(&bench.path().join("dead")), ["x.entry", "x.mail"]);
    assert!(bench.events().contains("x: dead"), "{}", bench.events());
}

#[test]
fn dead_holds_a_thousand_and_what_is_too_much_is_dropped() {
    let bench = bench();
    for number in 0..DEAD_LIMIT {
        let path = bench.path().join(format!("dead/d{number}.entry"));
        fs::write(path, "").unwrap();
    }
    bench.add(from_nobody("x", BOB)).unwrap();
    assert_eq!(bench.close("x", Class::Permanent, NOW).next, None);
    assert!(files(&bench.path()).is_empty());
    assert_eq!(files(&bench.path().join("dead")).len(), DEAD_LIMIT);
    assert!(bench.events().contains("full"), "{}", bench.events());
}

#[test]
fn case_07_a_crash_at_any_call_of_a_try_loses_nobody_and_tells_nobody_twice() {
    let fate = |to: &Mailbox| match to.local_part.as_str() {
        "bob" => Class::Permanent,
        _ => Class::Temporary,
    };
    let mut at = 0;
    loop {
        at += 1;
        let bench = bench();
        bench.add(entry("x", BOTH)).unwrap();
        bench.fail(at, true);
        bench.close_with("x", NOW, &fate);
        let calls = bench.calls().len();
        let bench = bench.restart();
        let left = bench.entry("x").unwrap();
        assert_eq!(left.recipients[1].state, State::Waiting, "{at}");
        let has_bounce = bench.ids().contains(&"x-1-0".to_owned());
        let want = if has_bounce { State::Told } else { State::Waiting };
        assert_eq!(left.recipients[0].state, want, "{at}");
        // The bounce may even be delivered before the next try.
        if has_bounce {
            bench.close("x-1-0", Class::Delivered, NOW);
        }
        let closed = bench.close_with("x", NOW, &fate);
        assert_eq!(closed.bounces.is_empty(), has_bounce, "{at}");
        if calls < at {
            break;
        }
    }
    assert!(at > 10);
}

#[test]
fn a_crash_between_the_last_bounce_and_the_end_of_its_message_ends_it() {
    let bench = bench();
    bench.add(entry("x", BOB)).unwrap();
    bench.calls();
    bench.close("x", Class::Permanent, NOW);
    let calls = bench.calls();
    let end = calls.iter().position(|call| call == "remove entry").unwrap();
    let bench = self::bench();
    bench.add(entry("x", BOB)).unwrap();
    bench.fail(end + 1, true);
    bench.close("x", Class::Permanent, NOW);
    assert_eq!(bench.ids(), ["x", "x-1-0"]);
    let bench = bench.restart();
    assert_eq!(bench.ids(), ["x-1-0"]);
    assert_eq!(files(&bench.path()), ["x-1-0.entry", "x-1-0.mail"]);
}

#[test]
fn a_full_disk_at_any_call_of_a_try_costs_time_and_nothing_else() {
    let mut at = 0;
    loop {
        at += 1;
        let bench = bench();
        bench.add(entry("x", BOTH)).unwrap();
        bench.fail(at, false);
        let mut closed = bench.close("x", Class::Permanent, NOW);
        let calls = bench.calls().len();
        bench.be_well();
        let mut bounces = closed.bounces;
        // What failed is tried again later, and no host is asked again.
        while let Some(next) = closed.next {
            let nobody = |_: &Mailbox| -> Class { panic!("asked again") };
            closed = bench.close_with("x", next, &nobody);
            bounces.append(&mut closed.bounces);
        }
        assert_eq!(bounces.len(), 1, "{at}");
        let told = bench.entry(&bounces[0]).unwrap().tells;
        assert_eq!(told.len(), 2, "{at}");
        if calls < at {
            break;
        }
    }
    assert!(at > 10);
}

#[test]
fn a_result_that_the_disk_does_not_take_is_not_forgotten() {
    let bench = bench();
    bench.add(entry("x", BOTH)).unwrap();
    bench.fail(1, true);
    let fate = |to: &Mailbox| match to.local_part.as_str() {
        "bob" => Class::Delivered,
        _ => Class::Temporary,
    };
    let closed = bench.close_with("x", NOW, &fate);
    assert!(closed.next.is_some());
    let entry = bench.entry("x").unwrap();
    assert_eq!(states(&entry), [State::Delivered, State::Waiting]);
    bench.be_well();
    bench.close("x", Class::Temporary, NOW);
    let saved = read_entry(&RealDisk, &bench.path(), "x").unwrap().unwrap();
    assert_eq!(states(&saved), [State::Delivered, State::Waiting]);
}

/// The one is delivered, the other has to wait.
fn bob_alone(to: &Mailbox) -> Class {
    match to.local_part.as_str() {
        "bob" => Class::Delivered,
        _ => Class::Temporary,
    }
}

#[test]
fn case_07_a_result_whose_entry_cannot_be_read_now_is_not_forgotten() {
    let bench = bench();
    bench.add(entry("x", BOTH)).unwrap();
    bench.be_blind("open");
    let closed = bench.close_with("x", NOW, &bob_alone);
    assert_eq!(closed.next, Some(NOW + SCHEDULE.first));
    bench.be_well();
    // The next try sees it before it begins.
    let left = bench.entry("x").unwrap();
    assert_eq!(states(&left), [State::Delivered, State::Waiting]);
    bench.close("x", Class::Temporary, NOW);
    let saved = read_entry(&RealDisk, &bench.path(), "x").unwrap().unwrap();
    assert_eq!(states(&saved), [State::Delivered, State::Waiting]);
}

#[test]
fn case_07_a_refusal_whose_entry_cannot_be_read_now_bounces_later() {
    let bench = bench();
    bench.add(entry("x", BOB)).unwrap();
    bench.be_blind("open");
    let closed = bench.close("x", Class::Permanent, NOW);
    assert!(closed.next.is_some() && closed.bounces.is_empty());
    bench.be_well();
    let nobody = |_: &Mailbox| -> Class { panic!("asked again") };
    let closed = bench.close_with("x", NOW + SCHEDULE.first, &nobody);
    assert_eq!(closed.bounces.len(), 1);
}

#[test]
fn case_07_one_group_brings_a_result_while_its_entry_cannot_be_read() {
    let bench = bench();
    bench.add(entry("x", BOTH)).unwrap();
    bench.be_blind("open");
    bench.enter("x", &bob_alone);
    bench.be_well();
    let closed = bench.close("x", Class::Temporary, NOW);
    assert!(closed.next.is_some());
    let saved = read_entry(&RealDisk, &bench.path(), "x").unwrap().unwrap();
    assert_eq!(states(&saved), [State::Delivered, State::Waiting]);
}

#[test]
fn case_07_mail_from_nobody_keeps_its_results_while_dead_cannot_be_read() {
    let bench = bench();
    bench.add(from_nobody("x", BOTH)).unwrap();
    let fate = |to: &Mailbox| match to.local_part.as_str() {
        "bob" => Class::Delivered,
        _ => Class::Permanent,
    };
    bench.be_blind("names");
    bench.close_with("x", NOW, &fate);
    bench.be_well();
    let left = bench.entry("x").unwrap();
    assert_eq!(states(&left), [State::Delivered, State::Failed]);
}

#[test]
fn case_07_what_could_not_be_saved_is_saved_at_the_end_if_it_can() {
    let bench = bench();
    bench.add(entry("x", BOTH)).unwrap();
    bench.fail(1, true);
    bench.close_with("x", NOW, &bob_alone);
    bench.be_well();
    bench.add(entry("y", BOTH)).unwrap();
    bench.be_blind("open");
    bench.close_with("y", NOW, &bob_alone);
    bench.be_well();
    bench.queue.close();
    let bench = bench.restart();
    for id in ["x", "y"] {
        let left = bench.entry(id).unwrap();
        assert_eq!(states(&left), [State::Delivered, State::Waiting], "{id}");
    }
}

#[test]
fn case_07_what_is_done_and_cannot_be_taken_out_is_never_sent_again() {
    for at in 1..=3 {
        let bench = bench();
        bench.add(entry("x", BOB)).unwrap();
        bench.fail(at, false);
        let closed = bench.close("x", Class::Delivered, NOW);
        assert!(closed.next.is_some(), "{at}");
        bench.be_well();
        let bench = bench.restart();
        let saved = bench.entry("x").unwrap();
        assert_eq!(states(&saved), [State::Delivered], "{at}");
        let closed = bench.close("x", Class::Temporary, NOW);
        assert_eq!(closed.next, None, "{at}");
        assert!(files(&bench.path()).is_empty(), "{at}");
    }
}

#[test]
fn an_entry_that_was_taken_out_by_hand_is_over() {
    let bench = bench();
    bench.add(entry("x", BOB)).unwrap();
    fs::remove_file(bench.path().join("x.entry")).unwrap();
    let closed = bench.close("x", Class::Temporary, NOW);
    assert_eq!(closed, Closed { next: None, bounces: Vec::new() });
    assert!(bench.restart().ids().is_empty());
}

fn content(folder: &Path, id: &str) -> String {
    let mut text = String::new();
    let mut file = open_content(&RealDisk, folder, id).unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}
