//! The messages in a Maildir, compared with the `M:` lines of a transcript.
//!
//! Each file in the `new/` and `cur/` of a mailbox is a message. Only those
//! count that came since the transcript began. Where the mailboxes are: see
//! `target.rs`. What fits a message: see `message.rs`.
//!
//! When Pillarbox answers 250, the message is there: we look once. Another
//! server may deliver it later, so there we look until it fits, or until the
//! time is over; and where too many messages would be wrong, a moment longer.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::failure::Mismatch;
use super::layouts;
use super::message;
use super::rule::Rule;
use super::target::{Rules, Target};
use crate::transcript::format::matching::Names;
use crate::transcript::format::script::{
    Action, Count, MailboxAddress, MailboxStep, Source, Transcript,
};

/// How often we look, and how long one message too many may take to come.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
const A_MOMENT: Duration = Duration::from_millis(500);

/// How long nothing may come from an earlier transcript before we begin.
const QUIET: Duration = Duration::from_millis(300);

/// The files of a mailbox, by name, in order.
type Files = BTreeMap<String, PathBuf>;

/// What came of a look into a mailbox.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// All is as it is written.
    Fits,
    /// Nobody could look, for this reason.
    NotChecked(String),
}

/// The mailboxes that a transcript looks into.
#[derive(Debug)]
pub(crate) struct Store {
    mailboxes: BTreeMap<MailboxAddress, Mailbox>,
    /// The only Maildir of a server that has no others, if it cannot be told
    /// whose mail is in it.
    shared: Option<PathBuf>,
    /// The folder that a student's server was given.
    given: Option<PathBuf>,
    /// How many messages at least and at most all mailboxes have together.
    in_all: (usize, usize),
    /// How long a message may take to come; none if it must be there.
    patience: Option<Duration>,
    fits: message::Fits,
}

/// One mailbox.
#[derive(Debug)]
struct Mailbox {
    folders: Vec<PathBuf>,
    /// What was there when the transcript began.
    before: BTreeSet<String>,
}

impl Store {
    /// Takes note of what is there already.
    pub(crate) fn open(
        target: &Target,
        rules: &Rules,
        transcript: &Transcript,
    ) -> io::Result<Store> {
        let mut store = Store {
            mailboxes: BTreeMap::new(),
            shared: None,
            given: target.mail.shared().map(Path::to_path_buf),
            in_all: in_all(transcript),
            patience: (!target.mail.is_at_once()).then_some(rules.deadline),
            fits: message::Fits::of(rules.matching),
        };
        for address in addresses(transcript) {
            let other = rules.aliases.bytes(address.to_string().as_bytes());
            let other = String::from_utf8_lossy(&other);
            let folders = target.mail.folders(&address, &other);
            let before = BTreeSet::new();
            let mailbox = Mailbox { folders, before };
            store.mailboxes.insert(address, mailbox);
        }
        store.share(target.mail.shared());
        store.remember(target.mail.has_a_past())?;
        Ok(store)
    }

    /// A student's server may have one Maildir for all. If the transcript
    /// looks into one mailbox only, that must be it.
    fn share(&mut self, shared: Option<&Path>) {
        let is_only = self.mailboxes.len() == 1;
        match (shared, self.mailboxes.first_entry()) {
            (Some(root), Some(mut only)) if is_only => {
                only.get_mut().folders.push(root.into());
            }
            (shared, _) => self.shared = shared.map(Path::to_path_buf),
        }
    }

    /// Takes note of what is there, once nothing more comes.
    fn remember(&mut self, has_a_past: bool) -> io::Result<()> {
        let until = Instant::now() + self.patience.unwrap_or_default();
        self.take_note()?;
        let is_known = |mailbox: &Mailbox| !mailbox.folders.is_empty();
        if has_a_past && self.mailboxes.values().any(is_known) {
            thread::sleep(QUIET);
            while self.take_note()? && Instant::now() < until {
                thread::sleep(QUIET);
            }
        }
        Ok(())
    }

    /// Whether something else is there than before.
    fn take_note(&mut self) -> io::Result<bool> {
        let mut has_changed = false;
        for mailbox in self.mailboxes.values_mut() {
            let names = files(&mailbox.folders)?.into_keys().collect();
            has_changed |= mailbox.before != names;
            mailbox.before = names;
        }
        Ok(has_changed)
    }

    /// Looks into a mailbox: are there this many messages, and these?
    pub(crate) fn look_into(
        &self,
        source: &Source,
        step: &MailboxStep,
        names: &mut Names,
    ) -> Result<Look, Mismatch> {
        let address = &step.address;
        let folders = |mailbox: &Mailbox| !mailbox.folders.is_empty();
        let known = self.mailboxes.get(address).filter(|m| folders(m));
        let Some(mailbox) = known else {
            let reason = format!("no --maildir for {address}");
            return Ok(Look::NotChecked(reason));
        };
        match self.one_maildir(mailbox) {
            Some(shared) => self.wait_for_all(source, step, shared)?,
            None => self.wait_until_it_fits(source, mailbox, step, names)?,
        }
        Ok(Look::Fits)
    }

    /// The one Maildir of all, if mail came there and not into a folder of
    /// this mailbox.
    fn one_maildir(&self, mailbox: &Mailbox) -> Option<&PathBuf> {
        let has_mail = |folder: &&PathBuf| {
            files(std::slice::from_ref(*folder)).is_ok_and(|f| !f.is_empty())
        };
        let is_elsewhere = mailbox.folders.iter().any(|folder| folder.exists());
        self.shared.as_ref().filter(|_| !is_elsewhere).filter(has_mail)
    }

    /// Whose mail is in the one Maildir of all cannot be told. But all that
    /// the page waits for must be there, and no more.
    fn wait_for_all(
        &self,
        source: &Source,
        step: &MailboxStep,
        shared: &PathBuf,
    ) -> Result<(), Mismatch> {
        let until = Instant::now() + self.patience.unwrap_or_default();
        let (least, most) = self.in_all;
        loop {
            let found = files(std::slice::from_ref(shared)).unwrap_or_default();
            let count = found.len();
            if (least..=most).contains(&count) {
                return Ok(());
            }
            if Instant::now() >= until {
                let got = format!("{count} messages in one Maildir for all");
                let what = "wrong number of messages";
                let mut wrong = Mismatch::new(source, what, got);
                wrong.rule = Rule::Stored;
                wrong.hint = Some(format!(
                    "all mailboxes of this page, {} among them, were given \
                     {least} to {most} messages",
                    step.address
                ));
                return Err(wrong);
            }
            thread::sleep(BETWEEN_LOOKS);
        }
    }

    fn wait_until_it_fits(
        &self,
        source: &Source,
        mailbox: &Mailbox,
        step: &MailboxStep,
        names: &mut Names,
    ) -> Result<(), Mismatch> {
        if self.patience.is_some() && too_many_is_wrong(step) {
            thread::sleep(A_MOMENT);
        }
        let until = Instant::now() + self.patience.unwrap_or_default();
        loop {
            let mut tried = names.clone();
            match self.look(source, mailbox, step, &mut tried) {
                Ok(()) => {
                    *names = tried;
                    return Ok(());
                }
                Err(mismatch) if Instant::now() >= until => {
                    let (rule, hint) = (Rule::Stored, self.hint(mailbox));
                    return Err(Mismatch { rule, hint, ..mismatch });
                }
                Err(_) => thread::sleep(BETWEEN_LOOKS),
            }
        }
    }

    /// Where mail was looked for, if there is none; and what is there instead.
    fn hint(&self, mailbox: &Mailbox) -> Option<String> {
        let is_empty = mailbox.new_files().is_ok_and(|files| files.is_empty());
        let is_another = self.patience.is_some();
        (is_empty && is_another)
            .then(|| layouts::hint(&mailbox.folders, self.given.as_deref()))
    }

    /// All that came since, in the order of the names.
    pub(crate) fn messages(
        &self,
        address: &MailboxAddress,
    ) -> io::Result<Vec<Vec<u8>>> {
        let Some(mailbox) = self.mailboxes.get(address) else {
            return Ok(Vec::new());
        };
        mailbox.new_files()?.into_values().map(fs::read).collect()
    }

    /// One look.
    fn look(
        &self,
        source: &Source,
        mailbox: &Mailbox,
        step: &MailboxStep,
        names: &mut Names,
    ) -> Result<(), Mismatch> {
        let unreadable = |error: io::Error| {
            let message = "the mailbox cannot be read";
            Mismatch::new(source, message, error.to_string())
        };
        let files = mailbox.new_files().map_err(unreadable)?;
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
            message::compare(source, lines, &message, self.fits, names)?;
        }
        Ok(())
    }
}

impl Mailbox {
    fn new_files(&self) -> io::Result<Files> {
        let mut files = files(&self.folders)?;
        files.retain(|name, _| !self.before.contains(name));
        Ok(files)
    }
}

/// The mailboxes that a transcript looks into.
fn addresses(transcript: &Transcript) -> BTreeSet<MailboxAddress> {
    let steps = transcript.steps.iter();
    let address = steps.filter_map(|step| {
        let Action::Mailbox(mailbox) = &step.action else {
            return None;
        };
        Some(mailbox.address.clone())
    });
    address.collect()
}

/// How many messages at least and at most come to all mailboxes together: of
/// each the last look counts.
fn in_all(transcript: &Transcript) -> (usize, usize) {
    let mut counts = BTreeMap::new();
    for step in &transcript.steps {
        if let Action::Mailbox(mailbox) = &step.action {
            counts.insert(&mailbox.address, mailbox.count);
        }
    }
    let add = |(least, most), count: &Count| match count {
        Count::Exactly(number) => (least + number, most + number),
        Count::AtMost(number) => (least, most + number),
    };
    counts.values().fold((0, 0), add)
}

/// Whether it is the point of this look that nothing more came.
fn too_many_is_wrong(step: &MailboxStep) -> bool {
    matches!(step.count, Count::AtMost(_) | Count::Exactly(0))
}

/// The messages of a mailbox. One that nobody wrote to has no folder yet.
fn files(folders: &[PathBuf]) -> io::Result<Files> {
    let mut files = Files::new();
    for folder in folders {
        for place in ["new", "cur"] {
            let entries = match fs::read_dir(folder.join(place)) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                // A pipe would hold us, and a link may lead anywhere.
                if !entry.file_type()?.is_file() {
                    continue;
                }
                files.insert(unique_name(&entry), entry.path());
            }
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
    let holds = match got {
        0 => "is empty".to_owned(),
        1 => "has 1 message".to_owned(),
        _ => format!("has {got} messages"),
    };
    let got = format!("(mailbox {} {holds})", step.address);
    let message = "wrong number of messages in the mailbox";
    Err(Mismatch::new(source, message, got))
}

#[cfg(test)]
mod tests {
    use super::super::target::Mail;
    use super::*;
    use crate::transcript::format::testing;

    /// Looks at a mailbox with these messages, in their order.
    fn look(
        messages: &[&str],
        directions: &str,
    ) -> Result<(), (usize, String, String)> {
        let folder = tempfile::tempdir().unwrap();
        let head = "Title: t\nLevel: own\n\n";
        let transcript = testing::read(&format!("{head}{directions}")).unwrap();
        let store = open(folder.path(), &transcript);
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
            let result = store.look_into(&step.source, mailbox, &mut names);
            result.map_err(|m| (m.source.line, m.message, m.got))?;
        }
        Ok(())
    }

    fn open(root: &Path, transcript: &Transcript) -> Store {
        let target = Target {
            addresses: Vec::new(),
            wait: Duration::ZERO,
            mail: Mail::Own(root.into()),
        };
        Store::open(&target, &Rules::default(), transcript).unwrap()
    }

    #[test]
    fn what_is_no_plain_file_is_no_message_and_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let new = folder.path().join("new");
        fs::create_dir(&new).unwrap();
        fs::write(new.join("1.host"), "Subject: x\n\n").unwrap();
        std::os::unix::fs::symlink("/dev/zero", new.join("2.host")).unwrap();
        let pipe = new.join("3.host");
        let made = std::process::Command::new("mkfifo").arg(pipe).status();
        assert!(made.unwrap().success());
        let found = files(&[folder.path().to_owned()]).unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), ["1.host"]);
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
        let store = open(folder.path(), &transcript);
        let [new, seen] = ["new/1.host", "cur/1.host:2,S"];
        fs::rename(mailbox.join(new), mailbox.join(seen)).unwrap();
        fs::write(mailbox.join("new/2.host"), "new").unwrap();
        let step = &transcript.steps[0];
        let Action::Mailbox(look) = &step.action else {
            panic!("{step:?}");
        };
        let mut names = Names::default();
        let result = store.look_into(&step.source, look, &mut names);
        assert_eq!(result, Ok(Look::Fits));
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
