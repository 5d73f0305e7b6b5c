//! Bless: a page becomes what our own server says, and nothing else of it
//! changes.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use pillarbox::transcript::bless::blessing::{bless_all, refusal};
use pillarbox::transcript::format::folder::read_all;
use pillarbox::transcript::format::header::Plays;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use tempfile::TempDir;

/// Blesses one page. Gives the exit code, what was printed, and the page.
fn bless(page: &str, accept: bool, codes: bool) -> (u8, String, String) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("page.txt");
    fs::write(&path, page).unwrap();
    let (code, printed) = bless_file(&path, accept, codes);
    let folder = format!("{}/", folder.path().display());
    let printed = printed.replace(&folder, "");
    (code, printed, fs::read_to_string(&path).unwrap())
}

fn bless_file(path: &Path, accept: bool, codes: bool) -> (u8, String) {
    let binary = Path::new(env!("CARGO_BIN_EXE_pillarbox"));
    let mut out = Vec::new();
    let files = [path.to_owned()];
    let code = bless_all(binary, &files, accept, codes, &mut out).unwrap();
    (code, String::from_utf8(out).unwrap())
}

const EHLO: &str = "\
Title: EHLO answers with a list
Spec: RFC 5321 4.1.1.1
Level: must

S: 220 {host} {...}
C: EHLO client.example
S: 250-{host} greets you
# Commands in a row.
S: 250-PIPELINING

S: 250-SIZE 26214400
# What a new keyword does to its neighbours: nothing.
S: 250-SMTPUTF8
S: 250-ENHANCEDSTATUSCODES
S: 250-HELP
S: 250 LIMITS RCPTMAX=100
C: QUIT
S: 221 {...}
(server closes)
";

#[test]
fn a_new_keyword_is_one_new_line_and_no_note_moves() {
    let (code, printed, page) = bless(EHLO, true, false);
    let size = "S: 250-SIZE 26214400\n";
    let wanted = EHLO.replace(size, &format!("{size}S: 250-8BITMIME\n"));
    assert_eq!((code, page), (0, wanted));
    let changes: Vec<&str> =
        printed.lines().filter(|line| line.contains(" + ")).collect();
    assert_eq!(changes, ["      + S: 250-8BITMIME"]);
    assert!(!printed.contains(" - "), "{printed}");
}

#[test]
fn without_accept_the_page_stays_and_the_new_one_lies_beside_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("page.txt");
    fs::write(&path, EHLO).unwrap();
    let (code, _) = bless_file(&path, false, false);
    assert_eq!(code, 1);
    assert_eq!(fs::read_to_string(&path).unwrap(), EHLO);
    let new = fs::read_to_string(folder.path().join("page.txt.new")).unwrap();
    assert!(new.contains("S: 250-8BITMIME\n"), "{new}");
}

#[test]
fn a_changed_code_needs_a_word_of_its_own() {
    let page = "Title: t\nSpec: RFC 5321 4.5.1\nLevel: must\n\n\
        S: 220 {host} {...}\nC: FROB\nS: 250 2.0.0 Done\n\
        (also right: 502)\nC: QUIT\nS: 221 {...}\n(server closes)\n";
    let change = "page.txt:7: 250 -> 500 (Level: must, RFC 5321 4.5.1)\n";
    let (code, printed, same) = bless(page, true, false);
    assert!(printed.contains(change), "{printed}");
    assert_eq!((code, same.as_str()), (1, page));
    let (code, printed, new) = bless(page, true, true);
    assert!(printed.contains(change), "{printed}");
    let reply = "S: 500 5.5.2 Command not recognized";
    let wanted = page.replace("S: 250 2.0.0 Done", reply);
    assert_eq!((code, new), (0, wanted));
}

#[test]
fn a_page_without_replies_is_filled_in() {
    let page = "Title: t\nLevel: own\n\nS: 000\nC: EHLO client.example\n\
        S: 000\n# Then a message.\nC: MAIL FROM:<alice@client.example>\n\
        C: RCPT TO:<bob@example.org>\nC: DATA\nS: 000\nS: 000\nS: 000\n\
        C: Subject: x\nC: .\nS: 000\nC: QUIT\nS: 000\n(server closes)\n\
        (mailbox bob@example.org has 1 message)\nM: ...\nM: Subject: y\n";
    let (code, printed, new) = bless(page, true, false);
    assert_eq!((code, new.as_str()), (1, page), "{printed}");
    let (code, printed, new) = bless(page, true, true);
    assert_eq!(code, 0, "{printed}");
    assert!(new.contains("S: 220 {host} ESMTP\nC: EHLO"), "{new}");
    assert!(new.contains("RCPTMAX=100\n# Then a message.\n"), "{new}");
    assert!(new.contains("S: 221 2.0.0 {host} closing"), "{new}");
    assert!(new.ends_with("M: ...\nM: Subject: x\n"), "{new}");
}

#[test]
fn a_hole_that_no_longer_fits_is_told() {
    let page = "Title: t\nLevel: own\n\nS: 220 {name} ESMTP\n\
        C: HELO client.example\nS: 250 x{name}\nC: QUIT\nS: 221 {...}\n\
        (server closes)\n";
    let (code, printed, new) = bless(page, true, false);
    let told = "page.txt:6: {name} = mx.example.org, now 'mx.example.org'\n";
    assert!(printed.contains(told), "{printed}");
    assert_eq!(code, 0);
    assert!(new.contains("S: 250 {host}\n"), "{new}");
}

#[test]
fn a_talk_that_takes_another_course_is_not_blessed() {
    let head = "Title: t\nLevel: own\n\nS: 220 {...}\n";
    for (page, told) in [
        ("S: 220 and more\n(client closes)\n", "the server says nothing"),
        ("C: QUIT\n(server closes)\n", "the server says more: 221"),
        ("C: QUIT\nS: 221 {...}\nS: 221 x\n", "the server closes"),
    ] {
        // The first case waits for the whole deadline; one such is enough.
        let page = format!("{head}{page}");
        let (code, printed, same) = bless(&page, true, true);
        assert!(printed.contains(told), "{printed}");
        assert_eq!((code, same), (1, page));
    }
}

#[test]
fn counts_are_not_blessed() {
    let page = "Title: t\nLevel: own\n\nS: 220 {...}\n(client closes)\n\
        (mailbox bob@example.org has 1 message)\n";
    let (code, printed, same) = bless(page, true, true);
    assert!(printed.contains("wrong number of messages"), "{printed}");
    assert_eq!((code, same.as_str()), (1, page));
}

#[test]
fn what_is_no_transcript_is_told_with_its_line() {
    let (code, printed, _) =
        bless("Title: t\nLevel: own\n\nc: x\n", true, true);
    assert!(printed.starts_with("page.txt:4: "), "{printed}");
    assert_eq!(code, 2);
}

#[test]
fn nothing_is_blessed_where_nobody_looks() {
    assert_eq!(refusal(None), None);
    assert_eq!(refusal(Some("".into())), None);
    assert!(refusal(Some("true".into())).is_some());
}

/// `S: 250 words` and `M: words`.
fn is_heard(line: &str) -> bool {
    let speaker = line.split(':').next().unwrap_or_default();
    matches!(speaker.as_bytes(), b"M" | b"S" | [b'S', b'1'..=b'9'])
}

/// The page with other words in each reply line that has no hole, and in each
/// line of a message.
fn spoil(page: &str) -> String {
    let spoil_line = |line: &str| {
        let is_free = line.ends_with("...") || line.contains('{');
        match is_heard(line) && !is_free && line.len() > 6 {
            true => format!("{line} spoiled\n"),
            false => format!("{line}\n"),
        }
    };
    page.lines().map(spoil_line).collect()
}

/// The lines that a blessing must not touch.
fn untouchable(page: &str) -> Vec<&str> {
    page.lines().filter(|line| !is_heard(line)).collect()
}

#[test]
fn every_transcript_is_mended_and_blessed_again_does_not_change() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    let all = read_all(&root).unwrap();
    let paths: Vec<PathBuf> = all
        .into_iter()
        .filter(|transcript| transcript.header.plays == Plays::Client)
        .map(|transcript| transcript.path)
        .collect();
    let next = AtomicUsize::new(0);
    let mend = |path: &Path| {
        let page = fs::read_to_string(path).unwrap();
        let folder = TempDir::new().unwrap();
        let copy = folder.path().join("page.txt");
        let text = |path: &Path| fs::read_to_string(path).unwrap();
        let name = path.display();

        fs::write(&copy, &page).unwrap();
        let (code, printed) = bless_file(&copy, true, false);
        assert_eq!((code, text(&copy)), (0, page.clone()), "{name}: {printed}");

        fs::write(&copy, spoil(&page)).unwrap();
        let (code, printed) = bless_file(&copy, true, false);
        let mended = text(&copy);
        assert_eq!(code, 0, "{name}: {printed}");
        assert_eq!(untouchable(&mended), untouchable(&page), "{name}");
        let (code, printed) = bless_file(&copy, true, false);
        assert_eq!((code, text(&copy)), (0, mended), "{name}: {printed}");
    };
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let take = || paths.get(next.fetch_add(1, Ordering::Relaxed));
                while let Some(path) = take() {
                    mend(path);
                }
            });
        }
    });
}
