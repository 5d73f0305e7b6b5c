//! The header of a transcript: what it shows, and under which conditions.
//!
//! ```text
//! Title: A line that begins with a dot
//! Spec: RFC 5321 4.5.2; RFC 5322 2.3
//! Level: must
//! ```
//!
//! `Title` and `Level` are required, and no key comes twice. `Server:` takes
//! the options of `pillarbox serve` that choose no path and no address: a
//! stranger's file must not be able to write wherever it likes. A server that
//! relays needs both; for it there is `relay=yes`. The program that starts it
//! chooses an empty folder, and a host that takes no mail.

use super::cause::Cause;
use super::said::Wanted;
use super::text::is_all;

/// What comes before the first empty line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// What the transcript shows, in one line.
    pub title: String,
    /// The sections that it is about; free text.
    pub spec: Vec<String>,
    /// How binding it is.
    pub level: Level,
    /// Which side the file plays.
    pub plays: Plays,
    /// EHLO keywords without which it cannot be played.
    pub needs: Vec<String>,
    /// Options of the server, in order, without their dashes.
    pub server: Vec<(String, String)>,
    /// The chapter of the book by which it can be understood.
    pub stage: Option<u8>,
    /// The cause whose page it is.
    pub cause: Option<Cause>,
    /// The causes that it depends on.
    pub requires: Vec<Cause>,
    /// What a client has to say in the end, if the file plays the server.
    pub outcome: Option<Wanted>,
}

impl Header {
    /// Whether it is about this section, or about a part of it: `4.5.2`, or
    /// with the document before it, `RFC 5321 4.5.2`.
    pub(crate) fn is_about(&self, wanted: &str) -> bool {
        let (document, number) =
            wanted.rsplit_once(' ').unwrap_or(("", wanted));
        let mut texts =
            self.spec.iter().filter(|text| text.starts_with(document));
        texts.any(|text| {
            let mut words = text.split([' ', ',']);
            words.any(|word| {
                let rest = word.strip_prefix(number);
                rest.is_some_and(|rest| {
                    rest.is_empty() || rest.starts_with('.')
                })
            })
        })
    }
}

/// How binding a transcript is, in the words of RFC 2119.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// A server that does it differently does not speak SMTP.
    Must,
    /// There may be reasons to do it differently.
    Should,
    /// A matter of taste.
    May,
    /// Our own way; no other server is judged by it.
    Own,
}

impl Level {
    /// The word for it in a header.
    pub fn word(self) -> &'static str {
        match self {
            Level::Must => "must",
            Level::Should => "should",
            Level::May => "may",
            Level::Own => "own",
        }
    }
}

/// Which side a file plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plays {
    /// It speaks the `C:` lines and checks the `S:` lines.
    Client,
    /// It speaks the `S:` lines and checks the `C:` lines.
    Server,
}

/// The header while it is read: each key at most once.
#[derive(Debug, Default)]
pub(crate) struct HeaderReader {
    lines: usize,
    title: Option<String>,
    spec: Option<Vec<String>>,
    level: Option<Level>,
    plays: Option<Plays>,
    needs: Option<Vec<String>>,
    server: Option<Vec<(String, String)>>,
    stage: Option<u8>,
    cause: Option<Cause>,
    requires: Option<Vec<Cause>>,
    outcome: Option<Wanted>,
}

impl HeaderReader {
    /// Reads one line. Notes are allowed between the keys.
    pub(crate) fn line(&mut self, line: &str) -> Result<(), String> {
        self.lines += 1;
        if line.starts_with('#') {
            return Ok(());
        }
        let (key, value) = line
            .split_once(": ")
            .ok_or("expected `Key: value`, a note or an empty line")?;
        if value.trim().is_empty() {
            return Err(format!("expected a value after {key}:"));
        }
        match key {
            "Title" => once(key, &mut self.title, value.to_owned()),
            "Spec" => once(key, &mut self.spec, split(value, "; ")),
            "Level" => once(key, &mut self.level, level(value)?),
            "Plays" => once(key, &mut self.plays, plays(value)?),
            "Needs" => once(key, &mut self.needs, needs(value)?),
            "Server" => once(key, &mut self.server, server(value)?),
            "Stage" => once(key, &mut self.stage, stage(value)?),
            "Cause" => once(key, &mut self.cause, Cause::read(value)?),
            "Requires" => once(key, &mut self.requires, requires(value)?),
            "Outcome" => once(
                key,
                &mut self.outcome,
                Wanted::read((self.lines, line), value)?,
            ),
            _ => Err("expected Title, Spec, Level, Plays, Needs, Server, \
                      Stage, Cause, Requires, Outcome or an empty line"
                .into()),
        }
    }

    /// The header is over: is all there that must be?
    pub(crate) fn finish(self) -> Result<Header, String> {
        Ok(Header {
            title: self.title.ok_or("expected a Title in the header")?,
            spec: self.spec.unwrap_or_default(),
            level: self.level.ok_or("expected a Level in the header")?,
            plays: self.plays.unwrap_or(Plays::Client),
            needs: self.needs.unwrap_or_default(),
            server: self.server.unwrap_or_default(),
            stage: self.stage,
            cause: self.cause,
            requires: self.requires.unwrap_or_default(),
            outcome: self.outcome,
        })
    }
}

/// Fills the place of a key, which must be empty still.
fn once<T>(key: &str, place: &mut Option<T>, value: T) -> Result<(), String> {
    if place.is_some() {
        return Err(format!("expected {key} only once"));
    }
    *place = Some(value);
    Ok(())
}

fn split(value: &str, separator: &str) -> Vec<String> {
    value.split(separator).map(str::to_owned).collect()
}

fn level(value: &str) -> Result<Level, String> {
    match value {
        "must" => Ok(Level::Must),
        "should" => Ok(Level::Should),
        "may" => Ok(Level::May),
        "own" => Ok(Level::Own),
        _ => Err("expected Level: must, should, may or own".into()),
    }
}

fn plays(value: &str) -> Result<Plays, String> {
    match value {
        "client" => Ok(Plays::Client),
        "server" => Ok(Plays::Server),
        _ => Err("expected Plays: client or server".into()),
    }
}

/// EHLO keywords, separated by blanks (RFC 5321 4.1.1.1).
fn needs(value: &str) -> Result<Vec<String>, String> {
    let is_keyword =
        |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
    let words = split(value, " ");
    if words.iter().all(|word| is_all(word, is_keyword)) {
        Ok(words)
    } else {
        Err("expected EHLO keywords like PIPELINING SIZE".into())
    }
}

/// The number of a chapter.
fn stage(value: &str) -> Result<u8, String> {
    value.parse().map_err(|_| "expected the number of a chapter".to_owned())
}

/// Causes, separated by blanks.
fn requires(value: &str) -> Result<Vec<Cause>, String> {
    value.split(' ').map(Cause::read).collect()
}

fn server(value: &str) -> Result<Vec<(String, String)>, String> {
    value.split(' ').map(option).collect()
}

/// `key=value`. No value that is allowed needs a slash, so none has one.
fn option(word: &str) -> Result<(String, String), String> {
    let (key, value) = word
        .split_once('=')
        .ok_or("expected key=value, separated by one blank")?;
    if !is_allowed(key) {
        return Err(format!(
            "expected hostname, domain, mailbox, max-..., timeout, \
             without or relay, not {key:?}"
        ));
    }
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if key.starts_with("max-") && !is_number(value) {
        return Err(format!("expected a whole number for {key}, not {value}"));
    }
    if key == "timeout" && value.parse::<f64>().is_err() {
        return Err(format!("expected seconds for timeout, not {value}"));
    }
    if key == "relay" && value != "yes" {
        return Err(format!("expected relay=yes, not relay={value}"));
    }
    if value.is_empty() || value.contains('/') {
        return Err(format!("expected a value without a slash for {key}"));
    }
    Ok((key.into(), value.into()))
}

fn is_allowed(key: &str) -> bool {
    const KEYS: [&str; 10] = [
        "hostname",
        "domain",
        "mailbox",
        "max-size",
        "max-recipients",
        "max-connections",
        "max-per-client",
        "timeout",
        "without",
        "relay",
    ];
    KEYS.contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Result<Header, String> {
        let mut draft = HeaderReader::default();
        lines.iter().try_for_each(|line| draft.line(line))?;
        draft.finish()
    }

    #[test]
    fn a_whole_header_is_read() {
        let header = read(&[
            "Title: Every key",
            "# a note",
            "Spec: RFC 5321 4.1, 4.2; CVE-2023-51764",
            "Level: should",
            "Plays: server",
            "Needs: PIPELINING 8BITMIME",
            "Server: mailbox=a@example.org mailbox=b@example.org max-size=9 \
             relay=yes",
            "Stage: 7",
            "Cause: sender",
            "Requires: hello ehlo",
            "Outcome: later, sent",
        ]);
        let outcome = (11, "Outcome: later, sent");
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let wanted = Header {
            title: "Every key".into(),
            spec: vec!["RFC 5321 4.1, 4.2".into(), "CVE-2023-51764".into()],
            level: Level::Should,
            plays: Plays::Server,
            needs: vec!["PIPELINING".into(), "8BITMIME".into()],
            server: vec![
                pair("mailbox", "a@example.org"),
                pair("mailbox", "b@example.org"),
                pair("max-size", "9"),
                pair("relay", "yes"),
            ],
            stage: Some(7),
            cause: Some(Cause::Sender),
            requires: vec![Cause::Hello, Cause::Ehlo],
            outcome: Wanted::read(outcome, "later, sent").ok(),
        };
        assert_eq!(header, Ok(wanted));
    }

    #[test]
    fn a_section_is_found_with_its_parts_and_with_its_document() {
        let spec = "Spec: RFC 5321 4.1.1, 4.5.3.1.6; RFC 5322 2.1";
        let header = read(&["Title: t", "Level: must", spec]).unwrap();
        for section in ["4.1.1", "4.5.3", "RFC 5321 4.1", "RFC 5322 2.1"] {
            assert!(header.is_about(section), "{section}");
        }
        for section in ["4.1.1.1", "4.5.30", "5", "RFC 5322 4.1.1", "RFC 9 2"] {
            assert!(!header.is_about(section), "{section}");
        }
    }

    #[test]
    fn without_plays_the_file_is_the_client() {
        let header = read(&["Title: t", "Level: own"]).unwrap();
        assert_eq!(header.plays, Plays::Client);
    }

    #[test]
    fn title_and_level_are_required() {
        assert!(read(&["Level: must"]).unwrap_err().contains("Title"));
        assert!(read(&["Title: t"]).unwrap_err().contains("Level"));
    }

    #[test]
    fn wrong_lines_are_refused() {
        let refused = [
            "Titel: t",
            "Title:t",
            "Title",
            "Title:  ",
            "Level: MUST",
            "Plays: both",
            "Needs: size",
            "Needs: SIZE  HELP",
            "Server: max-size",
            "Server: max-size=",
            "Server: max-=1",
            "Server: mail=/tmp",
            "Server: record=x",
            "Server: queue=x",
            "Server: relay=no",
            "Server: relay=",
            "Server: smart-host=127.0.0.1:25",
            "Server: listen=127.0.0.1:25",
            "Server: mailbox=a@../../home",
            "Server: max-size=1  timeout=2",
            "Stage: one",
            "Cause: all",
            "Requires: hello, ehlo",
            "Outcome: delivered",
        ];
        for line in refused {
            assert!(HeaderReader::default().line(line).is_err(), "{line}");
        }
        let twice = read(&["Title: t", "Title: t", "Level: own"]);
        assert_eq!(twice.unwrap_err(), "expected Title only once");
    }
}
