//! A page and what the server really said become a new page.
//!
//! Only the `S:` and `M:` lines change, and of these only the ones that no
//! longer fit: a line that fits stays byte for byte, and a note between two
//! lines stays between them. In a line that is written anew, the words that
//! still fit stay too, holes and all; and where the server says its own name,
//! or another value that the old lines had a hole for, the hole comes back.
//!
//! A code is different from a text. One that has changed is only taken if the
//! caller says so; otherwise the whole reply stays as it is.
//!
//! Interface:
//!   `Page`  the lines of the file, and what is to be done to them

use std::collections::BTreeMap;

use super::align::{Change, Fit, Lists, align};
use super::matching::Names;
use super::rewrite::{Known, literal, rewrite};
use super::script::{MailLine, ReplyLine, ReplyStep, Source, Step};
use super::talk::Said;
use super::text::{Text, escape};

/// A file that is being changed.
#[derive(Debug)]
pub(super) struct Page {
    /// The lines that stand in the place of an old one; none if it is gone.
    replaced: BTreeMap<usize, Option<String>>,
    /// The lines that come behind an old one.
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
        said: &Said,
        names: &mut Names,
    ) {
        if said.code != wanted.code {
            let change = (step.source.line, wanted.code, said.code);
            self.codes.push(change);
            if !self.accept_codes {
                return;
            }
        }
        let last = said.lines.len().saturating_sub(1);
        let speaker = step.source.text.split(':').next().unwrap_or_default();
        let start = |place: usize| {
            let mark = if place == last { ' ' } else { '-' };
            format!("{speaker}: {:03}{mark}", said.code)
        };
        let old = wanted.lines.iter().map(OldLine::of_reply);
        let rest = wanted.rest.iter().map(OldLine::wild);
        let new = said.lines.iter().map(|line| line.get(4..));
        let block = Block {
            old: old.chain(rest).collect(),
            new: new.map(Option::unwrap_or_default).collect(),
            start: &start,
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
            new: lines
                .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
                .collect(),
            start: &|_| "M: ".to_owned(),
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
        let before = names.clone();
        let fit = |old: usize, new: usize| {
            let line = block.new.get(new).copied().unwrap_or_default();
            let old = block.old.get(old);
            let text = old.and_then(|old| old.text);
            match old.is_some_and(|old| {
                first_word(old.words.as_bytes()) == first_word(line)
            }) {
                _ if text.is_some_and(|t| before.clone().fit(t, line)) => {
                    Fit::Yes
                }
                true => Fit::Alike,
                false => Fit::No,
            }
        };
        let changes = align(&Lists {
            old: block.old.len(),
            new: block.new.len(),
            is_wild: &|i| block.old.get(i).is_some_and(|l| l.text.is_none()),
            fit: &fit,
        });
        // New lines go behind the last old one, and before its notes.
        let first = block.old.first().map_or(1, |line| line.source.line);
        let mut behind = first.saturating_sub(1);
        let mut absorbed = 0;
        for change in changes {
            match change {
                Change::Keep(i, j) | Change::Replace(i, j) => {
                    let Some(old) = block.old.get(i) else {
                        continue;
                    };
                    self.line(block, old, j, names, &known);
                    behind = old.source.line;
                }
                Change::Delete(i) => {
                    let Some(old) = block.old.get(i) else {
                        continue;
                    };
                    self.replaced.insert(old.source.line, None);
                    self.lose_holes(old, "", b"", &known);
                    behind = old.source.line;
                }
                Change::Insert(j) => {
                    let line = block.new_line(j, &known);
                    self.inserted.entry(behind).or_default().push(line);
                }
                Change::Absorb(_) => absorbed += 1,
                Change::Wild(i) => {
                    let Some(old) = block.old.get(i) else {
                        continue;
                    };
                    behind = old.source.line;
                    if absorbed == 0 && block.wild_needs_one {
                        self.replaced.insert(behind, None);
                    }
                    absorbed = 0;
                }
            }
        }
    }

    /// An old line, and the new one in its place. If the words still fit, they
    /// stay; the code and the mark before them may be new all the same.
    fn line(
        &mut self,
        block: &Block<'_>,
        old: &OldLine<'_>,
        new: usize,
        names: &mut Names,
        known: &Known,
    ) {
        let line = block.new.get(new).copied().unwrap_or_default();
        let start = (block.start)(new);
        let fits = old.text.is_some_and(|text| names.fit(text, line));
        let words = match fits {
            true => old.words.to_owned(),
            false => rewrite(old.words, line, names, known),
        };
        if !fits {
            self.lose_holes(old, &words, line, known);
        }
        let text = format!("{start}{words}");
        let text = text.trim_end();
        // `S: 250` and `S: 250 ` say the same; the page's own way stays.
        if text != old.source.text.trim_end() {
            self.replaced.insert(old.source.line, Some(text.to_owned()));
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
    new: Vec<&'a [u8]>,
    /// What stands before the words of a new line.
    start: &'a dyn Fn(usize) -> String,
    /// Whether a wild line must stand for something.
    wild_needs_one: bool,
}

impl Block<'_> {
    fn new_line(&self, place: usize, known: &Known) -> String {
        let line = self.new.get(place).copied().unwrap_or_default();
        let text = (self.start)(place) + &literal(line, known);
        text.trim_end().to_owned()
    }
}

/// A line of the page.
struct OldLine<'a> {
    source: &'a Source,
    /// The words as they stand in the file.
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
}

/// `Subject:`, `SIZE`: two lines with the same first word say the same thing
/// in other words.
fn first_word(line: &[u8]) -> &[u8] {
    line.split(|byte| *byte == b' ').next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
