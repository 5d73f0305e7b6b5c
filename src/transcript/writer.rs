//! Writes a session down as a transcript: one file, line by line.
//!
//! Both recorders use it: the server's own (`serve --record`), which hands over
//! its replies, and the proxy (`record.rs`), which hands over bytes.
//!
//! Interface:
//!   `Heading`                   what stands on the top of the file
//!   `Writer::create`            a new file with a name of its own
//!   `Writer::client`, `reply`, `server`, `note`   what happened
//!   `Writer::finish_line`       the client's line will have no end
//!   `Writer::end`               who closed; the file is complete
//!
//! Guarantees:
//! - whatever was said, and whenever it breaks off, the file is a transcript;
//! - replayed against the same server, it passes (notes aside: what is no
//!   reply can only be a note);
//! - at most 1 MiB. A file that would be longer ends at that line, and its name
//!   in `.part`;
//! - no file is overwritten; no password is written (`privacy.rs`).

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::overheard::{Overheard, Part};
use super::privacy::Privacy;
use super::text::escape;

/// The most bytes of one file, and what is kept free for its last lines.
const LARGEST: usize = 1024 * 1024;
const RESERVE: usize = 1024;

/// A client's line is written in pieces if it is longer.
const PIECE: usize = 16 * 1024;

/// How many names are tried for a file.
const MOST_TRIES: u64 = 10_000;

/// What stands on the top of a recording.
#[derive(Debug)]
pub struct Heading<'a> {
    /// When it began, as `2026-11-22T23:57:03Z`.
    pub time: &'a str,
    /// Who the client is.
    pub from: &'a str,
    /// The number of the session, for the name of the file.
    pub number: u64,
    /// The options of the server, for the header `Server:`.
    pub server: &'a [(String, String)],
    /// One line about the circumstances; may be empty.
    pub note: &'a str,
}

/// Who closed the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The client hung up.
    ByClient,
    /// The server did.
    ByServer,
}

/// A recording that goes on.
#[derive(Debug)]
pub struct Writer {
    file: File,
    path: PathBuf,
    size: usize,
    /// Nothing is written any more.
    is_over: bool,
    privacy: Privacy,
    overheard: Overheard,
    /// The client's line, as far as it has come.
    line: Vec<u8>,
    /// Its beginning is in the file already.
    is_continued: bool,
}

impl Writer {
    /// Makes a file in the folder, which must exist, and writes its header.
    pub fn create(folder: &Path, heading: &Heading<'_>) -> io::Result<Writer> {
        let (file, path) = new_file(folder, heading)?;
        let mut writer = Writer {
            file,
            path,
            size: 0,
            is_over: false,
            privacy: Privacy::default(),
            overheard: Overheard::default(),
            line: Vec::new(),
            is_continued: false,
        };
        writer.header(heading)?;
        Ok(writer)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the client. A line is written when its end has come.
    pub fn client(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.is_over || self.privacy.is_encrypted() {
                return Ok(());
            }
            self.line.extend_from_slice(piece);
            if self.line.ends_with(b"\n") {
                self.finish_line()?;
            } else if self.line.len() >= PIECE {
                self.long_line()?;
            }
        }
        Ok(())
    }

    /// Writes the client's line, or its beginning, as it stands: nothing more
    /// of it will come.
    pub fn finish_line(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return Ok(());
        }
        let (mark, text) = match line.strip_suffix(b"\r\n") {
            Some(text) => (':', text),
            None => ('>', line.as_slice()),
        };
        let words = match self.is_continued {
            true => escape(text),
            false => self.privacy.client(&line),
        };
        self.is_continued = mark == '>' && !line.ends_with(b"\n");
        self.spoken(&format!("C{mark}"), &words)
    }

    /// Writes the beginning of the client's line, if it is known not to be
    /// private: something else has happened before its end.
    pub fn cut_line(&mut self) -> io::Result<()> {
        match self.is_continued || self.privacy.may_cut(&self.line) {
            true => self.finish_line(),
            false => Ok(()),
        }
    }

    fn long_line(&mut self) -> io::Result<()> {
        self.cut_line()?;
        match self.line.is_empty() {
            true => Ok(()),
            // A secret of that length: it can be neither kept nor shown.
            false => self.part(),
        }
    }

    /// A reply, by its lines without CR LF. `{host}` in them stays a hole.
    pub fn reply(&mut self, lines: &[String]) -> io::Result<()> {
        let lines: Vec<String> = lines
            .iter()
            .map(|line| reply_line(line.as_bytes()))
            .map(|line| line.replace("\\{host}", "{host}"))
            .collect();
        let code = lines.first().and_then(|line| line.get(..3)?.parse().ok());
        self.whole_reply(code.unwrap_or_default(), &lines)
    }

    /// Bytes of the server. A reply is written when it is complete; what is no
    /// reply becomes a note.
    pub fn server(&mut self, bytes: &[u8]) -> io::Result<()> {
        for part in self.overheard.feed(bytes) {
            if self.is_over || self.privacy.is_encrypted() {
                return Ok(());
            }
            self.part_of_server(part)?;
        }
        Ok(())
    }

    /// Something that is no line of either side.
    pub fn note(&mut self, text: &str) -> io::Result<()> {
        self.write(&format!("# {}\n", escape(text.as_bytes())))
    }

    /// The connection is closed: writes what is left, and by whom.
    pub fn end(&mut self, closed: Closed) -> io::Result<()> {
        let mut closed = closed;
        if self.privacy.is_encrypted() {
            // Whatever the server did then, nobody can play it.
            closed = Closed::ByClient;
        } else {
            self.finish_line()?;
            for part in self.overheard.finish() {
                self.part_of_server(part)?;
            }
        }
        self.write(match closed {
            Closed::ByClient => "(client closes)\n",
            Closed::ByServer => "(server closes)\n",
        })?;
        self.is_over = true;
        Ok(())
    }

    fn header(&mut self, heading: &Heading<'_>) -> io::Result<()> {
        let minutes: String = heading.time.chars().take(16).collect();
        let time = minutes.replace('T', " ");
        let from = escape(heading.from.as_bytes());
        let mut header =
            format!("Title: Recorded {time} from {from}\nLevel: own\n");
        let options: Vec<String> = heading
            .server
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        if !options.is_empty() {
            header.push_str(&format!("Server: {}\n", options.join(" ")));
        }
        if !heading.note.is_empty() {
            header
                .push_str(&format!("# {}\n", escape(heading.note.as_bytes())));
        }
        self.write(&(header + "\n"))
    }

    fn part_of_server(&mut self, part: Part) -> io::Result<()> {
        match part {
            Part::Reply(code, lines) => {
                let lines: Vec<String> =
                    lines.iter().map(|line| reply_line(line)).collect();
                self.whole_reply(code, &lines)
            }
            Part::Junk(bytes) => self.write(&format!(
                "# no reply, but the server said: {}\n",
                escape(&bytes)
            )),
        }
    }

    /// A transcript cannot say half a reply, so its lines are one write.
    fn whole_reply(&mut self, code: u16, lines: &[String]) -> io::Result<()> {
        let lines = lines.iter().map(|line| format!("S: {line}\n"));
        self.write(&lines.collect::<String>())?;
        self.privacy.reply(code);
        if self.privacy.is_encrypted() {
            self.line.clear();
            self.write("# encrypted from here\n")?;
        }
        Ok(())
    }

    fn spoken(&mut self, who: &str, words: &str) -> io::Result<()> {
        let blank = if words.is_empty() { "" } else { " " };
        self.write(&format!("{who}{blank}{words}\n"))
    }

    /// Everything is written here. What no longer fits ends the file.
    fn write(&mut self, lines: &str) -> io::Result<()> {
        if self.is_over {
            return Ok(());
        }
        let is_ending = lines.starts_with('(');
        let room = if is_ending {
            LARGEST
        } else {
            LARGEST - RESERVE
        };
        if self.size + lines.len() > room {
            return self.part();
        }
        self.size += lines.len();
        self.file.write_all(lines.as_bytes())
    }

    /// Ends the file before the session has ended.
    fn part(&mut self) -> io::Result<()> {
        self.is_over = true;
        self.line = Vec::new();
        self.file.write_all(b"# the rest was too long\n")?;
        let mut name = self.path.clone().into_os_string();
        name.push(".part");
        // A link fails where a rename would overwrite.
        fs::hard_link(&self.path, &name)?;
        fs::remove_file(&self.path)?;
        self.path = name.into();
        Ok(())
    }
}

/// `250-text`, as it stands behind `S: `.
fn reply_line(line: &[u8]) -> String {
    let (start, text) = line.split_at(line.len().min(4));
    let start = String::from_utf8_lossy(start);
    match text {
        b"" => start.trim_end().to_owned(),
        text => format!("{start}{}", escape(text)),
    }
}

/// Makes `recorded-20261122-235703-1.txt`, or the next number that is free.
fn new_file(
    folder: &Path,
    heading: &Heading<'_>,
) -> io::Result<(File, PathBuf)> {
    let digits = heading.time.chars().filter(char::is_ascii_digit);
    let digits: String = digits.collect();
    let (day, time) = digits.split_at_checked(8).unwrap_or((&digits, ""));
    let first = heading.number;
    for number in first..first.saturating_add(MOST_TRIES) {
        let name = format!("recorded-{day}-{time}-{number}.txt");
        let path = folder.join(&name);
        if folder.join(name + ".part").exists() {
            continue;
        }
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            result => return result.map(|file| (file, path)),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::super::matching::Names;
    use super::super::parse;
    use super::super::script::{Action, Transcript};
    use super::super::testing::Random;
    use super::*;
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
                | Action::RestOfMessage => continue,
            };
            bytes.extend(Names::default().expand(text).unwrap());
            bytes.extend_from_slice(end);
        }
        bytes
    }

    #[test]
    fn the_header_says_when_from_whom_and_under_which_conditions() {
        let folder = tempfile::tempdir().unwrap();
        let server =
            [("hostname", "mx.example.org"), ("max-size", "9")].map(pair);
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
            let mut writer =
                Writer::create(folder.path(), &heading(&[])).unwrap();
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
            let mut writer =
                Writer::create(folder.path(), &heading(&[])).unwrap();
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
}
