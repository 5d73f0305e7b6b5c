use super::*;
use crate::transcript::format::matching::Names;
use crate::transcript::format::parse;
use crate::transcript::format::script::{Action, Transcript};
use crate::transcript::format::testing::Random;
use std::ffi::OsString;

fn heading<'a>(server: &'a [(String, String)]) -> Heading<'a> {
    Heading {
        time: "2026-11-22T23:57:03Z",
        from: "127.0.0.1",
        number: 1,
        server,
        note: "",
    }
}

/// What is in the file after these calls.
fn record(calls: impl FnOnce(&mut Writer) -> io::Result<()>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(folder.path(), &heading(&[])).unwrap();
    calls(&mut writer).unwrap();
    let text = fs::read_to_string(writer.path()).unwrap();
    let (header, body) = text.split_once("\n\n").unwrap();
    let wanted = "Title: Recorded 2026-11-22 23:57 from 127.0.0.1\n\
                  Level: own";
    assert_eq!(header, wanted);
    body.to_owned()
}

/// What the client of a transcript sends.
fn sent(transcript: &Transcript) -> Vec<u8> {
    let mut bytes = Vec::new();
    for step in &transcript.steps {
        let (text, end): (_, &[u8]) = match &step.action {
            Action::Send(text) => (text, b"\r\n"),
            Action::SendRaw(text) => (text, b""),
            Action::Reply(_)
            | Action::ReplyRaw(_)
            | Action::ClientConnects
            | Action::ClientCloses
            | Action::ServerCloses
            | Action::Silence(_)
            | Action::Wait(_)
            | Action::Mailbox(_)
            | Action::RestOfMessage(_)
            | Action::MayQuit => continue,
        };
        bytes.extend(Names::default().expand(text).unwrap());
        bytes.extend_from_slice(end);
    }
    bytes
}

#[test]
fn the_header_says_when_from_whom_and_under_which_conditions() {
    let folder = tempfile::tempdir().unwrap();
    let server = [("hostname", "mx.example.org"), ("max-size", "9")].map(pair);
    let mut heading = heading(&server);
    heading.note = "through a proxy";
    let writer = Writer::create(folder.path(), &heading).unwrap();
    let text = fs::read_to_string(writer.path()).unwrap();
    let wanted = "Title: Recorded 2026-11-22 23:57 from 127.0.0.1\n\
                  Level: own\n\
                  Server: hostname=mx.example.org max-size=9\n\
                  # through a proxy\n\n";
    assert_eq!(text, wanted);
    let name = writer.path().file_name().unwrap();
    assert_eq!(name, "recorded-20261122-235703-1.txt");
}

fn pair((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[test]
fn both_sides_are_written_in_the_order_in_which_their_lines_end() {
    let text = record(|to| {
        to.server(b"220 mx.example.org ES")?;
        to.server(b"MTP\r\n")?;
        to.client(b"EHLO a\r\nMAIL FROM:<a")?;
        to.server(b"250-x\r\n250 \r\n")?;
        to.client(b"@b.example>\r\n\r\nNOOP {a}\\\0 \r\nNOOP\nQU")?;
        to.reply(&["250-2.0.0 {host} {x}".into(), "250 2.0.0".into()])?;
        to.cut_line()?;
        to.client(b"IT\r\nNOOP with \xff")?;
        to.cut_line()?;
        to.client(b" and more\r\n...\r\n")?;
        to.server(b"221 ...\r\n")?;
        to.end(Closed::ByServer)?;
        to.client(b"NOOP\r\n")?;
        to.end(Closed::ByClient)
    });
    let wanted = r"S: 220 mx.example.org ESMTP
C: EHLO a
S: 250-x
S: 250
C: MAIL FROM:<a@b.example>
C:
C: NOOP \{a}\\\0\x20
C> NOOP\n
S: 250-2.0.0 {host} \{x}
S: 250 2.0.0
C: QUIT
C> NOOP with \xff
C:  and more
C: \x2e..
S: 221 \x2e..
(server closes)
";
    assert_eq!(text, wanted);
}

#[test]
fn what_breaks_off_is_written_down_to_its_last_byte() {
    let text = record(|to| {
        to.server(b"220 x\r\n250-a\r\n25")?;
        to.client(b"AUTH PLAIN abc")?;
        to.cut_line()?;
        to.end(Closed::ByClient)
    });
    let wanted = "S: 220 x\n\
        C> AUTH PLAIN {secret}\n\
        # no reply, but the server said: 250-a\\r\\n\n\
        # no reply, but the server said: 25\n\
        (client closes)\n";
    assert_eq!(text, wanted);
}

/// The line feed after it, and another line, may still come.
#[test]
fn a_line_that_is_answered_after_cr_or_nul_comes_before_its_answer() {
    let answer = || ["500 what".to_owned()];
    let text = record(|to| {
        to.client(b"NOOP\r\nNOOP\r")?;
        to.reply(&answer())?;
        to.client(b"\n")?;
        to.client(b"NOOP\0")?;
        to.reply(&answer())?;
        to.client(b"AUTH PLAIN abc\0")?;
        to.reply(&answer())?;
        to.client(b"NO")?;
        to.reply(&answer())?;
        to.end(Closed::ByServer)
    });
    let wanted = "C: NOOP\nC> NOOP\\r\nS: 500 what\nC> \\n\n\
        C> NOOP\\0\nS: 500 what\n\
        S: 500 what\nS: 500 what\nC> AUTH PLAIN {secret}\n\
        (server closes)\n";
    assert_eq!(text, wanted);
}

#[test]
fn nothing_encrypted_is_written() {
    let text = record(|to| {
        to.client(b"STARTTLS\r\n")?;
        to.server(b"220 go\r\n\x16\x03\x01\n")?;
        to.client(b"\x16\x03\n")?;
        to.end(Closed::ByServer)
    });
    let wanted = "C: STARTTLS\nS: 220 go\n# encrypted from here\n\
                  (client closes)\n";
    assert_eq!(text, wanted);
}

#[test]
fn no_file_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let part = "recorded-20261122-235703-2.txt.part";
    fs::write(folder.path().join(part), "").unwrap();
    let names: Vec<_> = (0..3)
        .map(|_| Writer::create(folder.path(), &heading(&[])).unwrap())
        .map(|writer| writer.path().file_name().unwrap().to_owned())
        .collect();
    let name = |n| format!("recorded-20261122-235703-{n}.txt");
    assert_eq!(names, [name(1), name(3), name(4)].map(OsString::from));
}

#[test]
fn a_mebibyte_is_the_end_and_the_name_says_so() {
    for line in [vec![b'x'; 2_000_000], b"text\r\n".repeat(300_000)] {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::create(folder.path(), &heading(&[])).unwrap();
        writer.reply(&["354 go".into()]).unwrap();
        for bytes in line.chunks(8192) {
            writer.client(bytes).unwrap();
            assert!(writer.line.len() < PIECE + 8192);
        }
        writer.end(Closed::ByClient).unwrap();
        let path = writer.path();
        assert_eq!(path.extension().unwrap(), "part");
        assert!(fs::metadata(path).unwrap().len() <= LARGEST as u64);
        let transcript = parse::read(path).unwrap();
        assert!(line.starts_with(&sent(&transcript)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn whatever_both_sides_say_the_file_says_what_the_client_sent() {
    let mut random = Random::new(11);
    let words: [&[u8]; 9] = [
        b"\r\n",
        b"\n",
        b"\r",
        b"250 ",
        b"250-",
        b"354 x\r\n",
        b".\r\n",
        b"NOOP ",
        b"220",
    ];
    for _ in 0..3000 {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::create(folder.path(), &heading(&[])).unwrap();
        let mut said = Vec::new();
        for _ in 0..random.below(30) {
            let bytes = match random.below(2) {
                0 => random.bytes(8),
                _ => words[random.below(words.len())].to_vec(),
            };
            match random.below(4) {
                0 => writer.server(&bytes).unwrap(),
                1 => writer.cut_line().unwrap(),
                _ => {
                    writer.client(&bytes).unwrap();
                    said.extend(bytes);
                }
            }
        }
        writer.end(Closed::ByClient).unwrap();
        let transcript = parse::read(writer.path()).unwrap();
        assert_eq!(sent(&transcript), said);
    }
}
