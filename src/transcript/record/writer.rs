//! Writes a session down as a transcript: one file, line by line.
//!
//! Both recorders use it: the server's own (`serve --record`), which hands over
//! its replies, and the proxy (`proxy.rs`), which hands over bytes.
//!
//! Interface:
//!   `make_folder`               the folder for the files
//!   `Heading`                   what the file begins with
//!   `Writer::create`            a new file with a name of its own
//!   `Writer::client`, `reply`, `server`, `note`   what happened
//!   `Writer::finish_line`       the client's line will have no end
//!   `Writer::end`               which side closed; the file is complete
//!
//! Guarantees:
//! - whatever was said, and whenever it breaks off, the file is a transcript;
//! - replayed against the same server, it passes (notes aside: what is no
//!   reply can only be a note);
//! - at most 1 MiB. A file that would be longer ends at that line, and its name
//!   in `.part`;
//! - no file is overwritten; no password is written (`privacy.rs`);
//! - only its owner may read it, and once it is complete a power cut does not
//!   take it away.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::privacy::Privacy;
use crate::protocol::replies::{Limits, NoReply, ReplyReader};
use crate::protocol::reply::LINE_LIMIT;
use crate::transcript::format::text::escape;
use crate::words::because;

/// The most bytes of one file, and what is kept free for its last lines.
const LARGEST: usize = 1024 * 1024;
const RESERVE: usize = 1024;

/// A client's line is written in pieces if it is longer.
const PIECE: usize = 16 * 1024;

/// What a server may say at a time. No real server comes near it, and
/// what is longer can only be a note.
const LIMITS: Limits = Limits { line: LINE_LIMIT, reply: 16 * 1024 };

/// How many names are tried for a file.
const MOST_TRIES: u64 = 10_000;

/// What a recording begins with.
#[derive(Debug)]
pub struct Heading<'a> {
    /// When it began, as `2026-11-22T23:57:03Z`.
    pub time: &'a str,
    /// The client's address.
    pub from: &'a str,
    /// The number of the session, for the name of the file.
    pub number: u64,
    /// The options of the server, for the header `Server:`.
    pub server: &'a [(String, String)],
    /// One line about the circumstances; may be empty.
    pub note: &'a str,
}

/// The side that closed the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The client hung up.
    ByClient,
    /// The server did.
    ByServer,
}

/// Makes the folder for recordings, if it is not there. It is for its owner
/// alone, as each file is: a recording holds people's mail.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(
        |error| {
            because(&format!("cannot record in {}", folder.display()), &error)
        },
    )
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
    replies: ReplyReader,
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
            replies: ReplyReader::new(LIMITS),
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

    /// Writes the client's line, or its beginning, as it is: nothing more
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
        // What follows a CR or a NUL may be a line of its own: see `reply`.
        let is_over = matches!(line.as_slice(), [.., b'\n' | b'\r' | 0]);
        self.is_continued = !is_over;
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
    ///
    /// The server waits for no line feed after a CR or a NUL: its reply may be
    /// to what has come of the line (`protocol/line.rs`).
    pub fn reply(&mut self, lines: &[String]) -> io::Result<()> {
        if matches!(self.line.as_slice(), [.., b'\r' | 0]) {
            self.cut_line()?;
        }
        let lines: Vec<String> = lines
            .iter()
            .map(|line| reply_line(line.as_bytes()))
            .map(|line| line.replace("\\{host}", "{host}"))
            .collect();
        let code = lines.first().and_then(|line| line.get(..3)?.parse().ok());
        self.whole_reply(code.unwrap_or_default(), lines)
    }

    /// Bytes of the server. A reply is written when it is complete; what is no
    /// reply becomes a note.
    pub fn server(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.is_over && !self.privacy.is_encrypted() {
            self.replies.feed(bytes);
        }
        while let Some(next) = self.replies.next_reply() {
            if self.is_over || self.privacy.is_encrypted() {
                break;
            }
            match next {
                Ok(reply) => {
                    let lines = reply.lines.iter();
                    let lines = lines.map(|line| reply_line(line)).collect();
                    self.whole_reply(reply.code, lines)?;
                }
                Err(NoReply { before, heard, .. }) => {
                    self.no_reply(&before)?;
                    self.no_reply(&[heard])?;
                }
            }
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
            let rest = self.replies.rest();
            self.no_reply(&rest)?;
        }
        self.write(match closed {
            Closed::ByClient => "(client closes)\n",
            Closed::ByServer => "(server closes)\n",
        })?;
        self.is_over = true;
        self.sync()
    }

    /// A recording is read after the fact, perhaps after the power cut that it
    /// tells of: fsync of the file, then of its folder, which holds the name.
    fn sync(&self) -> io::Result<()> {
        self.file.sync_all()?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
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

    /// Bytes that no transcript can say.
    fn no_reply(&mut self, said: &[Vec<u8>]) -> io::Result<()> {
        said.iter().try_for_each(|bytes| {
            let bytes = escape(bytes);
            self.write(&format!("# no reply, but the server said: {bytes}\n"))
        })
    }

    /// A transcript cannot say half a reply, so its lines are one write.
    fn whole_reply(&mut self, code: u16, lines: Vec<String>) -> io::Result<()> {
        let lines = lines.into_iter().map(|line| format!("S: {line}\n"));
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
        let room = if is_ending { LARGEST } else { LARGEST - RESERVE };
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

/// `250-text`, as it comes after `S: `.
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
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        match options.open(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            result => return result.map(|file| (file, path)),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests;
