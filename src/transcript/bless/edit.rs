//! A page and what the server really said become a new page.
//!
//! Only the `S:` and `M:` lines change, and of these only the ones that no
//! longer fit: a line that fits stays byte for byte, and a note between two
//! lines stays between them. In a line that is written anew, the words that
//! still fit stay too, holes and all; and where the server says its own name,
//! or another value that the old lines had a hole for, the hole comes back.
//!
//! A code is different from a text. One that has changed is only taken if the
//! caller says so; if not, the whole reply stays as it is.
//!
//! Interface:
//!   `Page`  the lines of the file, and what is to be done to them

use std::collections::BTreeMap;

use super::align::{Change, Fit, align};
use super::rewrite::{Known, literal, rewrite};
use crate::protocol::replies::ServerReply;
use crate::transcript::format::matching::Names;
use crate::transcript::format::script::{
    MailLine, ReplyLine, ReplyStep, Source, Step,
};
use crate::transcript::format::text::{Text, escape};

/// A file that is being changed.
#[derive(Debug)]
pub(super) struct Page {
    /// The line that takes the place of an old one; none if it is gone.
    replaced: BTreeMap<usize, Option<String>>,
    /// The lines that come after an old one.
    inserted: BTreeMap<usize, Vec<String>>,
    host: String,
    accept_codes: bool,
    /// Line, old code, new code.
    pub(super) codes: Vec<(usize, u16, u16)>,
    /// Line, and what no longer fits in it.
    pub(super) lost_holes: Vec<(usize, String)>,
}

impl Page {
    /// A page without changes. `host` is the server's name.
    pub(super) fn new(host: &str, accept_codes: bool) -> Page {
        Page {
            replaced: BTreeMap::new(),
            inserted: BTreeMap::new(),
            host: host.to_owned(),
            accept_codes,
            codes: Vec::new(),
            lost_holes: Vec::new(),
        }
    }

    /// The server said this where that was expected.
    pub(super) fn reply(
        &mut self,
        step: &Step,
        wanted: &ReplyStep,
        said: &ServerReply,
        names: &mut Names,
    ) {
        if said.code != wanted.code {
            let change = (step.source.line, wanted.code, said.code);
            self.codes.push(change);
            if !self.accept_codes {
                return;
            }
        }
        let old: Vec<OldLine<'_>> =
            wanted.lines.iter().map(OldLine::of_reply).collect();
        let rest = wanted.rest.iter().map(OldLine::wild);
        let speaker = step.source.text.split(':').next().unwrap_or_default();
        let last = said.lines.len().saturating_sub(1);
        let new = said.lines.iter().enumerate().map(|(place, line)| {
            let mark = if place == last { ' ' } else { '-' };
            NewLine {
                start: format!("{speaker}: {:03}{mark}", said.code),
                bytes: line.get(4..).unwrap_or_default(),
            }
        });
        let block = Block {
            old: old.into_iter().chain(rest).collect(),
            new: new.collect(),
            wild_needs_one: true,
        };
        self.block(&block, names);
    }

    /// The mailbox holds this message where that was expected.
    pub(super) fn message(
        &mut self,
        wanted: &[MailLine],
        message: &[u8],
        names: &mut Names,
    ) {
        let whole = message.strip_suffix(b"\n").unwrap_or(message);
        let lines = whole.split(|byte| *byte == b'\n');
        let block = Block {
            old: wanted.iter().map(OldLine::of_message).collect(),
            new: lines.map(NewLine::of_message).collect(),
            wild_needs_one: false,
        };
        self.block(&block, names);
    }

    /// The file with its changes.
    pub(super) fn text(&self, old: &str) -> String {
        let mut new = String::new();
        for (place, line) in old.split_inclusive('\n').enumerate() {
            let number = place + 1;
            match self.replaced.get(&number) {
                None => new.push_str(line),
                Some(Some(text)) => {
                    let end = line.ends_with('\n');
                    new.push_str(text);
                    new.push_str(if end { "\n" } else { "" });
                }
                Some(None) => {}
            }
            for text in self.inserted.get(&number).into_iter().flatten() {
                if !new.ends_with('\n') {
                    new.push('\n');
                }
                new.push_str(text);
                new.push('\n');
            }
        }
        new
    }

    /// Lines that belong together: a reply, or a message.
    fn block(&mut self, block: &Block<'_>, names: &mut Names) {
        let known = self.known(block, names);
        // New lines go after the last old one, and before its notes.
        let mut last = block.first_number().saturating_sub(1);
        let mut has_absorbed = false;
        for change in block.changes(names) {
            match change {
                Change::Keep(old, new) | Change::Replace(old, new) => {
                    self.line(old, new, names, &known);
                    last = old.source.line;
                }
                Change::Delete(old) => {
                    last = old.source.line;
                    self.replaced.insert(last, None);
                    self.lose_holes(old, "", b"", &known);
                }
                Change::Insert(new) => {
                    let lines = self.inserted.entry(last).or_default();
                    lines.push(new.text(&literal(new.bytes, &known)));
                }
                Change::Absorb(_) => has_absorbed = true,
                Change::Wild(old) => {
                    last = old.source.line;
                    if block.wild_needs_one && !has_absorbed {
                        self.replaced.insert(last, None);
                    }
                    has_absorbed = false;
                }
            }
        }
    }

    /// An old line, and the new one in its place. If the words still fit, they
    /// stay; the code and the mark before them may be new all the same.
    fn line(
        &mut self,
        old: &OldLine<'_>,
        new: &NewLine<'_>,
        names: &mut Names,
        known: &Known,
    ) {
        let fits = old.text.is_some_and(|text| names.fit(text, new.bytes));
        let words = match fits {
            true => old.words.to_owned(),
            false => rewrite(old.words, new.bytes, names, known),
        };
        if !fits {
            self.lose_holes(old, &words, new.bytes, known);
        }
        let text = new.text(&words);
        // `S: 250` and `S: 250 ` say the same; the page's own way stays.
        if text != old.source.text.trim_end() {
            self.replaced.insert(old.source.line, Some(text));
        }
    }

    /// Takes note of the names in the old words that are not in the new ones.
    fn lose_holes(
        &mut self,
        old: &OldLine<'_>,
        words: &str,
        line: &[u8],
        known: &Known,
    ) {
        for name in old.text.into_iter().flat_map(Text::names) {
            if words.contains(&format!("{{{name}}}")) {
                continue;
            }
            let value = known.iter().find(|(other, _)| other == name);
            let value = value.map_or(String::new(), |(_, value)| {
                format!(" = {}", escape(value))
            });
            let what = format!("{{{name}}}{value}, now '{}'", escape(line));
            self.lost_holes.push((old.source.line, what));
        }
    }

    /// What is put back as a hole: the server's name, and the names in the old
    /// lines. A value from elsewhere may be in a line by chance.
    fn known(&self, block: &Block<'_>, names: &Names) -> Known {
        let host = names.get("host").unwrap_or(self.host.as_bytes());
        let mut known = vec![("host".to_owned(), host.to_vec())];
        let texts = block.old.iter().filter_map(|line| line.text);
        for name in texts.flat_map(Text::names) {
            let is_new = known.iter().all(|(other, _)| other != name);
            if let Some(value) = names.get(name).filter(|_| is_new) {
                known.push((name.to_owned(), value.to_vec()));
            }
        }
        known
    }
}

/// Old and new lines that belong together.
struct Block<'a> {
    old: Vec<OldLine<'a>>,
    new: Vec<NewLine<'a>>,
    /// Whether a wild line that takes in nothing is dropped.
    wild_needs_one: bool,
}

impl Block<'_> {
    /// The number of its first line in the file.
    fn first_number(&self) -> usize {
        self.old.first().map_or(1, |line| line.source.line)
    }

    /// What becomes of each line.
    fn changes(
        &self,
        names: &Names,
    ) -> Vec<Change<'_, OldLine<'_>, NewLine<'_>>> {
        let is_wild = |old: &OldLine<'_>| old.text.is_none();
        let fit = |old: &OldLine<'_>, new: &NewLine<'_>| old.fit(new, names);
        align(&self.old, &self.new, &is_wild, &fit)
    }
}

/// A line that was really said, or that is in the mailbox.
struct NewLine<'a> {
    /// What comes before its words.
    start: String,
    bytes: &'a [u8],
}

impl NewLine<'_> {
    fn of_message(line: &[u8]) -> NewLine<'_> {
        let bytes = line.strip_suffix(b"\r").unwrap_or(line);
        NewLine { start: "M: ".to_owned(), bytes }
    }

    /// As it is written in the file, with these words for its bytes.
    fn text(&self, words: &str) -> String {
        format!("{}{words}", self.start).trim_end().to_owned()
    }
}

/// A line of the page.
struct OldLine<'a> {
    source: &'a Source,
    /// The words as the file has them.
    words: &'a str,
    /// None for `...`.
    text: Option<&'a Text>,
}

impl OldLine<'_> {
    fn of_reply(line: &ReplyLine) -> OldLine<'_> {
        // `S: 250-words`
        let spoken = line.source.text.split_once(": ");
        let words = spoken.and_then(|(_, spoken)| spoken.get(4..));
        OldLine {
            source: &line.source,
            words: words.unwrap_or_default(),
            text: Some(&line.text),
        }
    }

    fn of_message(line: &MailLine) -> OldLine<'_> {
        let words = line.source.text.strip_prefix("M: ");
        OldLine {
            source: &line.source,
            words: words.unwrap_or_default(),
            text: line.text.as_ref(),
        }
    }

    fn wild(source: &Source) -> OldLine<'_> {
        OldLine { source, words: "...", text: None }
    }

    /// `Subject:`, `SIZE`: two lines with the same first word say the same
    /// thing in other words.
    fn fit(&self, new: &NewLine<'_>, names: &Names) -> Fit {
        let is_alike =
            first_word(self.words.as_bytes()) == first_word(new.bytes);
        match self.text {
            Some(text) if names.clone().fit(text, new.bytes) => Fit::Yes,
            Some(_) | None if is_alike => Fit::Alike,
            Some(_) | None => Fit::No,
        }
    }
}

fn first_word(line: &[u8]) -> &[u8] {
    line.split(|byte| *byte == b' ').next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
