//! The messages in a Maildir, compared with the `M:` lines of a transcript.
//!
//! A mailbox is a folder, `MAIL/DOMAIN/LOCAL-PART/{new,cur}`, all in lower
//! case; each file in it is a message. Only those count that came since the
//! transcript began. A server that answered 250 has stored the message, so
//! there is nothing to wait for (RFC 5321 4.2.5).
//!
//! Line ends are ignored, LF or CR LF: a file may have either.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::failure::{Mismatch, show};
use super::matching::Names;
use super::script::{
    Action, Count, MailLine, MailboxAddress, MailboxStep, Source, Transcript,
};

/// The files of a mailbox, by name, in order.
type Files = BTreeMap<String, PathBuf>;

/// The mailboxes that a transcript looks into.
#[derive(Debug)]
pub(super) struct Store {
    root: PathBuf,
    /// What was there when the transcript began.
    before: BTreeMap<MailboxAddress, BTreeSet<String>>,
}

impl Store {
    /// Takes note of what is there already.
    pub(super) fn open(
        root: &Path,
        transcript: &Transcript,
    ) -> io::Result<Store> {
        let mut before = BTreeMap::new();
        for step in &transcript.steps {
            if let Action::Mailbox(MailboxStep { address, .. }) = &step.action {
                let names = files(root, address)?.into_keys().collect();
                before.insert(address.clone(), names);
            }
        }
        Ok(Store {
            root: root.into(),
            before,
        })
    }

    /// Looks into a mailbox: are there so many messages, and these?
    pub(super) fn check(
        &self,
        source: &Source,
        step: &MailboxStep,
        names: &mut Names,
    ) -> Result<(), Mismatch> {
        let unreadable = |error: io::Error| {
            let message = "the mailbox cannot be read";
            Mismatch::new(source, message, error.to_string())
        };
        let files = self.new_files(&step.address).map_err(unreadable)?;
        check_count(source, step, files.len())?;
        let mut files = files.into_values();
        for lines in &step.messages {
            let Some(first) = lines.first() else {
                continue;
            };
            let Some(file) = files.next() else {
                let message = "no such message in the mailbox";
                return Err(Mismatch::new(&first.source, message, ""));
            };
            let message = fs::read(file).map_err(unreadable)?;
            check_message(source, lines, &message, names)?;
        }
        Ok(())
    }

    fn new_files(&self, address: &MailboxAddress) -> io::Result<Files> {
        let mut files = files(&self.root, address)?;
        if let Some(before) = self.before.get(address) {
            files.retain(|name, _| !before.contains(name));
        }
        Ok(files)
    }
}

/// The messages of a mailbox. One that nobody wrote to has no folder yet.
fn files(root: &Path, address: &MailboxAddress) -> io::Result<Files> {
    let mailbox = root
        .join(address.domain.to_lowercase())
        .join(address.local_part.to_lowercase());
    let mut files = Files::new();
    for folder in ["new", "cur"] {
        let entries = match fs::read_dir(mailbox.join(folder)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            files.insert(unique_name(&entry), entry.path());
        }
    }
    Ok(files)
}

/// The name without its flags: reading a message changes only those.
fn unique_name(entry: &fs::DirEntry) -> String {
    let name = entry.file_name().to_string_lossy().into_owned();
    match name.split_once(':') {
        Some((unique, _)) => unique.into(),
        None => name,
    }
}

fn check_count(
    source: &Source,
    step: &MailboxStep,
    got: usize,
) -> Result<(), Mismatch> {
    let fits = match step.count {
        Count::Exactly(wanted) => got == wanted,
        Count::AtMost(most) => got <= most,
    };
    if fits {
        return Ok(());
    }
    let MailboxAddress { local_part, domain } = &step.address;
    let holds = match got {
        0 => "is empty".to_owned(),
        1 => "has 1 message".to_owned(),
        _ => format!("has {got} messages"),
    };
    let got = format!("(mailbox {local_part}@{domain} {holds})");
    let message = "wrong number of messages in the mailbox";
    Err(Mismatch::new(source, message, got))
}

/// Compares the lines of one message.
///
/// `M: ...` cuts the wanted lines into blocks. The first block stands at the
/// beginning, the last one at the end, and each other one at the first place
/// where it fits.
fn check_message(
    source: &Source,
    wanted: &[MailLine],
    message: &[u8],
    names: &mut Names,
) -> Result<(), Mismatch> {
    let lines = message_lines(message);
    let blocks: Vec<&[MailLine]> =
        wanted.split(|line| line.text.is_none()).collect();
    let last = blocks.len().saturating_sub(1);
    let mut rest = lines.as_slice();
    for (number, block) in blocks.iter().enumerate() {
        let furthest = rest.len().saturating_sub(block.len());
        let places = match (number == 0, number == last) {
            (true, _) => 0..=0,
            (false, true) => furthest..=furthest,
            (false, false) => 0..=furthest,
        };
        let after = places
            .clone()
            .find_map(|place| fit_block(block, rest.get(place..)?, names));
        rest = match after {
            Some(after) if number < last || after.is_empty() => after,
            Some(_) | None => {
                return Err(explain(source, block, rest, number == 0, names));
            }
        };
    }
    Ok(())
}

/// The lines of a message without their ends.
fn message_lines(message: &[u8]) -> Vec<&[u8]> {
    let whole = message.strip_suffix(b"\n").unwrap_or(message);
    if message.is_empty() {
        return Vec::new();
    }
    let lines = whole.split(|byte| *byte == b'\n');
    lines
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .collect()
}

/// What follows the block, if these lines begin with it.
fn fit_block<'a, 'b>(
    block: &[MailLine],
    lines: &'a [&'b [u8]],
    names: &mut Names,
) -> Option<&'a [&'b [u8]]> {
    let mut tried = names.clone();
    if fitting(block, lines, &mut tried) < block.len() {
        return None;
    }
    *names = tried;
    lines.get(block.len()..)
}

/// How many lines fit, from the first one.
fn fitting(block: &[MailLine], lines: &[&[u8]], names: &mut Names) -> usize {
    let mut fits = |wanted: &MailLine, line: &[u8]| match &wanted.text {
        Some(text) => names.fit(text, line),
        None => true,
    };
    let pairs = block.iter().zip(lines);
    pairs
        .take_while(|(wanted, line)| fits(wanted, line))
        .count()
}

/// Says which line is wrong, at the place where most of the block fits.
fn explain(
    source: &Source,
    block: &[MailLine],
    lines: &[&[u8]],
    is_first: bool,
    names: &Names,
) -> Mismatch {
    let last_place = if is_first { 0 } else { lines.len() };
    let fitting_at = |place: &usize| {
        let lines = lines.get(*place..).unwrap_or_default();
        fitting(block, lines, &mut names.clone())
    };
    // The first of equals: `max_by_key` alone would take the last.
    let best = (0..=last_place).rev().max_by_key(fitting_at).unwrap_or(0);
    let fits = fitting_at(&best);
    let got = match lines.get(best + fits) {
        Some(_) if fits == 0 && !is_first => "no such line".into(),
        Some(line) => format!("M: {}", show(line)),
        None => "the message ends".into(),
    };
    match (block.get(fits), block.last()) {
        (Some(wanted), _) => {
            Mismatch::new(&wanted.source, "wrong message in the mailbox", got)
        }
        (None, Some(last)) => {
            Mismatch::new(&last.source, "the message goes on", got)
        }
        (None, None) => Mismatch::new(source, "the message goes on", got),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    /// Looks at a mailbox with these messages, in their order.
    fn look(
        messages: &[&str],
        directions: &str,
    ) -> Result<(), (usize, String, String)> {
        let folder = tempfile::tempdir().unwrap();
        let head = "Title: t\nLevel: own\n\n";
        let transcript = testing::read(&format!("{head}{directions}")).unwrap();
        let store = Store::open(folder.path(), &transcript).unwrap();
        let new = folder.path().join("example.org/bob/new");
        fs::create_dir_all(&new).unwrap();
        for (number, message) in messages.iter().enumerate() {
            fs::write(new.join(format!("{number}.host")), message).unwrap();
        }
        let mut names = Names::default();
        for step in &transcript.steps {
            let Action::Mailbox(mailbox) = &step.action else {
                continue;
            };
            let result = store.check(&step.source, mailbox, &mut names);
            result.map_err(|m| (m.source.line, m.message, m.got))?;
        }
        Ok(())
    }

    const ONE: &str = "(mailbox bob@example.org has 1 message)\n";
    const WRONG: &str = "wrong message in the mailbox";
    const GOES_ON: &str = "the message goes on";

    #[test]
    fn messages_are_counted() {
        let bob = |words: &str| format!("(mailbox Bob@Example.org {words})\n");
        assert_eq!(look(&[], &bob("is empty")), Ok(()));
        assert_eq!(look(&["a"], &bob("has 1 message")), Ok(()));
        assert_eq!(look(&["a", "b"], &bob("has 2 messages")), Ok(()));
        assert_eq!(look(&["a"], &bob("has at most 1 message")), Ok(()));
        let (line, message, got) = look(&["a", "b"], ONE).unwrap_err();
        assert_eq!(line, 4);
        assert_eq!(message, "wrong number of messages in the mailbox");
        assert_eq!(got, "(mailbox bob@example.org has 2 messages)");
    }

    #[test]
    fn what_was_there_before_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let mailbox = folder.path().join("example.org/bob");
        fs::create_dir_all(mailbox.join("new")).unwrap();
        fs::create_dir_all(mailbox.join("cur")).unwrap();
        fs::write(mailbox.join("new/1.host"), "old").unwrap();
        let text = format!("Title: t\nLevel: own\n\n{ONE}M: new\n");
        let transcript = testing::read(&text).unwrap();
        let store = Store::open(folder.path(), &transcript).unwrap();
        let [new, seen] = ["new/1.host", "cur/1.host:2,S"];
        fs::rename(mailbox.join(new), mailbox.join(seen)).unwrap();
        fs::write(mailbox.join("new/2.host"), "new").unwrap();
        let step = &transcript.steps[0];
        let Action::Mailbox(look) = &step.action else {
            panic!("{step:?}");
        };
        let mut names = Names::default();
        assert_eq!(store.check(&step.source, look, &mut names), Ok(()));
    }

    #[test]
    fn the_lines_of_a_message_fit_or_do_not() {
        let message = "From: a\r\nTo: b\nSubject: c\n\none\ntwo\n";
        let whole = "M: From: a\nM: To: b\nM: Subject: c\nM:\nM: one\nM: two\n";
        let table = [
            (whole, None),
            ("M: ...\n", None),
            ("M: From: a\nM: ...\n", None),
            ("M: ...\nM: two\n", None),
            ("M: ...\nM: To: b\nM: ...\nM:\nM: one\nM: ...\n", None),
            ("M: From: {who}\nM: ...\nM: one\nM: {...}\n", None),
            ("M: From: b\nM: ...\n", Some((5, WRONG, "M: From: a"))),
            ("M: To: b\nM: ...\n", Some((5, WRONG, "M: From: a"))),
            ("M: From: a\n", Some((5, GOES_ON, "M: To: b"))),
            ("M: ...\nM:\nM: one\n", Some((7, GOES_ON, "M: two"))),
            ("M: ...\nM:\nM: 1\nM: ...\n", Some((7, WRONG, "M: one"))),
            ("M: ...\nM:\nM: one\nM: 2\n", Some((8, WRONG, "M: two"))),
            ("M: ...\nM: x\nM: ...\n", Some((6, WRONG, "no such line"))),
            (
                "M: ...\nM: two\nM: three\n",
                Some((7, WRONG, "the message ends")),
            ),
            (
                "M: From: {a}\nM: To: {a}\nM: ...\n",
                Some((6, WRONG, "M: To: b")),
            ),
        ];
        for (lines, wanted) in table {
            let got = look(&[message], &format!("{ONE}{lines}"));
            let wanted = wanted.map(|(line, message, got)| {
                (line, message.to_owned(), got.to_owned())
            });
            assert_eq!(got.err(), wanted, "{lines}");
        }
    }

    #[test]
    fn messages_come_in_the_order_of_their_names() {
        let two = "(mailbox bob@example.org has 2 messages)\n\
                   M: first\n(next message)\nM: second\n";
        assert_eq!(look(&["first", "second"], two), Ok(()));
        let (line, _, got) = look(&["second", "first"], two).unwrap_err();
        assert_eq!((line, got.as_str()), (5, "M: second"));
        let one = "(mailbox bob@example.org has at most 2 messages)\n\
                   M: first\n(next message)\nM: second\n";
        let (line, message, _) = look(&["first"], one).unwrap_err();
        assert_eq!(line, 7);
        assert_eq!(message, "no such message in the mailbox");
    }
}
