//! The operator's view of a queue: which mail waits, since when, and why.
//!
//! Listing takes no lock, and works beside a running server. The queue belongs
//! to that server alone: what is to be changed in it is asked for with a mark
//! (`relay/marks.rs`).
//!
//! Interface:
//!   `Operator`  where the queue is and where the words go; `list`, `show`,
//!               `flush`, `remove`

use super::screen::{escaped, fitted, text};
use crate::disk::{Disk, RealDisk};
use crate::protocol::address::ReversePath;
use crate::protocol::trace::iso_date_time;
use crate::relay::entry::{Answer, Entry, Recipient, State};
use crate::relay::marks::{Mark, leave};
use crate::relay::queue::{Queue, entry_ids, open_content, read_entry};
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// A server looks for marks at least twice a second; on a busy machine it may
/// take longer.
const OBEDIENCE: Duration = Duration::from_secs(5);

/// The header is looked for in this many bytes.
const HEADER_LIMIT: u64 = 1_048_576;

/// A line for people is no wider.
const WIDTH: usize = 79;

/// Looks at a queue, and asks for something to be done to it.
pub struct Operator<'a> {
    /// The folder of the queue.
    pub folder: &'a Path,
    /// Now, since 1970.
    pub now: Duration,
    /// Where the answer goes,
    pub out: &'a mut dyn Write,
    /// and whether that is a terminal.
    pub is_terminal: bool,
    /// For what is beside the answer.
    pub errors: &'a mut dyn Write,
}

impl Operator<'_> {
    /// One line per message between tabs, or two for people.
    pub fn list(&mut self) -> io::Result<()> {
        let entries = self.entries()?;
        let mut out = BufWriter::new(&mut *self.out);
        if self.is_terminal {
            for_people(&entries, self.now, &mut out)?;
        } else {
            for entry in &entries {
                writeln!(out, "{}", for_programs(entry, self.now))?;
            }
        }
        out.flush()
    }

    /// What is known of a message, and its header.
    pub fn show(&mut self, id: &str) -> io::Result<()> {
        let found =
            self.ids().and_then(|_| read_entry(&RealDisk, self.folder, id));
        let entry = found?.ok_or_else(|| self.no_such(id))?;
        let mut out = BufWriter::new(&mut *self.out);
        writeln!(out, "{}", in_full(&entry))?;
        let content = open_content(&RealDisk, self.folder, id)?;
        for line in BufReader::new(content.take(HEADER_LIMIT)).split(b'\n') {
            let line = line?;
            if line.is_empty() {
                break;
            }
            writeln!(out, "{}", text(&line))?;
        }
        out.flush()
    }

    /// Makes every message due.
    pub fn flush(&mut self) -> io::Result<()> {
        self.ids()?;
        // Fails if the queue is another user's: a mark of ours, and the folder
        // that it is in, would be out of the reach of the server there.
        let is_unused = self.is_unused()?;
        leave(&RealDisk, self.folder, &Mark::Flush)?;
        if is_unused {
            let hint = "no server uses this queue: its mail is due when one \
                        starts";
            // It is only a hint.
            let _ = writeln!(self.errors, "pillarbox: {hint}");
        }
        Ok(())
    }

    /// Takes a message out. A running server does it itself.
    pub fn remove(&mut self, id: &str) -> io::Result<()> {
        if !self.ids()?.iter().any(|known| known == id) {
            return Err(self.no_such(id));
        }
        match Queue::open(self.folder, Box::new(RealDisk)) {
            Ok(queue) => return queue.take_out(id),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        leave(&RealDisk, self.folder, &Mark::Remove(id.to_owned()))?;
        let began = Instant::now();
        while self.ids()?.iter().any(|known| known == id) {
            if began.elapsed() > OBEDIENCE {
                let hint = "it is still there: it may be taken out when its \
                            try is over; if not, the log of the server says \
                            why";
                // It is only a hint.
                let _ = writeln!(self.errors, "pillarbox: {hint}");
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// All that waits. A bounce is entered first, and only then is the message
    /// that it is about changed or taken out. So after the first look the
    /// folder is read again, for a bounce that has come meanwhile: without it
    /// the list could have neither.
    fn entries(&mut self) -> io::Result<Vec<Entry>> {
        let first = self.ids()?;
        let read = |id: &String| self.entry(id);
        let mut entries: Vec<_> = first.iter().filter_map(read).collect();
        let mut later = self.ids()?;
        later.retain(|id| !first.contains(id));
        entries.extend(later.iter().filter_map(|id| self.entry(id)));
        Ok(entries)
    }

    fn ids(&self) -> io::Result<Vec<String>> {
        entry_ids(&RealDisk, self.folder)
    }

    /// An entry; none if it is gone by now, or damaged, which is said.
    fn entry(&mut self, id: &str) -> Option<Entry> {
        match read_entry(&RealDisk, self.folder, id) {
            Ok(entry) => entry,
            Err(error) => {
                // The others are listed all the same.
                let _ = writeln!(self.errors, "pillarbox: {error}");
                None
            }
        }
    }

    fn no_such(&self, id: &str) -> io::Error {
        let folder = self.folder.display();
        io::Error::other(format!("no message {id} waits in {folder}"))
    }

    /// Whether no server uses the queue.
    fn is_unused(&self) -> io::Result<bool> {
        match RealDisk.claim(self.folder, Duration::ZERO) {
            Ok(claim) => Ok(claim.is_alone()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Id, age, tries, next try, sender, waiting recipients, last answer.
fn for_programs(entry: &Entry, now: Duration) -> String {
    let (age, next) = times(entry, now);
    let to: Vec<_> = entry.waiting().map(|m| shown(&m.to_string())).collect();
    format!(
        "{}\t{}\t{}\t{}\t{}\t{}\t{}",
        entry.id,
        age.as_secs(),
        entry.tries,
        next.as_secs(),
        sender(entry),
        to.join(","),
        last_answer(entry).map(Answer::to_string).unwrap_or_default()
    )
}

/// One line for each message, and one for the last answer.
fn for_people(
    entries: &[Entry],
    now: Duration,
    out: &mut dyn Write,
) -> io::Result<()> {
    let ids = entries.iter().map(|entry| entry.id.len());
    let Some(wide) = ids.max() else {
        return writeln!(out, "No message waits.");
    };
    writeln!(out, "{:wide$}   AGE  TRIES  NEXT  FROM -> TO", "ID")?;
    for entry in entries {
        let (age, next) = times(entry, now);
        let start = format!(
            "{:wide$}  {:>4}  {:>5}  {:>4}  ",
            entry.id,
            span(age),
            entry.tries,
            if next.is_zero() { "now".to_owned() } else { span(next) },
        );
        let room = WIDTH.saturating_sub(start.len());
        writeln!(out, "{start}{}", fitted(&paths(entry), room).trim_end())?;
        if let Some(answer) = last_answer(entry) {
            let answer = fitted(&answer.to_string(), WIDTH - 4);
            writeln!(out, "    {}", answer.trim_end())?;
        }
    }
    Ok(())
}

/// From whom, and to whom still.
fn paths(entry: &Entry) -> String {
    let from = sender(entry);
    let mut to = entry.waiting().map(|m| shown(&m.to_string()));
    let first = to.next().unwrap_or_default();
    match to.count() {
        0 => format!("{from} -> {first}"),
        more => format!("{from} -> {first} and {more} more"),
    }
}

/// All that is known of an entry.
fn in_full(entry: &Entry) -> String {
    let date = |moment: Duration| iso_date_time(moment.as_secs());
    let mut words = format!(
        "id        {}\naccepted  {}\ntries     {}\nnext try  {}\n\
         size      {}\nfrom      {}\n",
        entry.id,
        date(entry.accepted),
        entry.tries,
        date(entry.next),
        entry.text.size,
        sender(entry),
    );
    for Recipient { mailbox, state, answer } in &entry.recipients {
        let (to, state) = (shown(&mailbox.to_string()), state.name());
        words.push_str(&format!("to        {to} ({state})\n"));
        if let Some(answer) = answer {
            words.push_str(&format!("          {answer}\n"));
        }
    }
    words
}

/// How old it is, and how long it waits for the next try.
fn times(entry: &Entry, now: Duration) -> (Duration, Duration) {
    (now.saturating_sub(entry.accepted), entry.next.saturating_sub(now))
}

fn sender(entry: &Entry) -> String {
    match &entry.reverse_path {
        ReversePath::Null => "<>".to_owned(),
        ReversePath::Mailbox(mailbox) => shown(&mailbox.to_string()),
    }
}

/// What was last said about a recipient that waits.
fn last_answer(entry: &Entry) -> Option<&Answer> {
    let answers =
        entry.in_state(State::Waiting).filter_map(|r| r.answer.as_ref());
    answers.max_by_key(|answer| answer.at)
}

/// An address, fit for a terminal.
fn shown(address: &str) -> String {
    escaped(address.as_bytes())
}

/// A time in at most four characters: `59s`, `12m`, `23h`, `5d`.
fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::address::mailbox;
    use crate::relay::entry::TextNeeds;

    const NOW: Duration = Duration::from_secs(1_795_412_756);

    fn entry(to: &[&str], answer: Option<Answer>) -> Entry {
        let recipient = |to: &&str| Recipient {
            mailbox: mailbox(to).unwrap(),
            state: State::Waiting,
            answer: answer.clone(),
        };
        Entry {
            id: "1795412756-559687".to_owned(),
            accepted: NOW,
            tries: 2,
            next: NOW + Duration::from_secs(300),
            text: TextNeeds::default(),
            reverse_path: ReversePath::Mailbox(
                mailbox("ann@a.example").unwrap(),
            ),
            about: None,
            tells: Vec::new(),
            recipients: to.iter().map(recipient).collect(),
        }
    }

    fn said(words: &[u8]) -> Option<Answer> {
        Some(Answer::new(NOW, "4.2.0", "mx.b.example", true, words))
    }

    #[test]
    fn a_program_gets_seven_fields_between_tabs_and_nothing_to_obey() {
        let now = NOW + Duration::from_secs(60);
        let mut entry =
            entry(&["bob@b.example", "c@c.example"], said(b"450 \x1b[2J\t"));
        let want = "1795412756-559687\t60\t2\t240\tann@a.example\t\
                    bob@b.example,c@c.example\t\
                    mx.b.example said: 450 \\x1b[2J\\t";
        assert_eq!(for_programs(&entry, now), want);
        entry.reverse_path = ReversePath::Null;
        entry.recipients.truncate(1);
        entry.recipients[0].answer = None;
        let late = NOW + Duration::from_secs(301);
        let want = "1795412756-559687\t301\t2\t0\t<>\tbob@b.example\t";
        assert_eq!(for_programs(&entry, late), want);
    }

    #[test]
    fn a_line_for_people_has_at_most_79_columns() {
        let long = format!("{}@{}.example", "x".repeat(60), "y".repeat(60));
        let entries = [
            entry(&["bob@b.example"], said(b"450 4.2.0 later")),
            entry(&[&long, "bob@b.example"], said(&[b'z'; 500])),
            Entry {
                id: "1795412756-559687-43-0".into(),
                ..entry(&["b@b.example"], None)
            },
        ];
        let mut out = Vec::new();
        for_people(&entries, NOW + Duration::from_secs(7_200), &mut out)
            .unwrap();
        let out = String::from_utf8(out).unwrap();
        let want = "\
ID                       AGE  TRIES  NEXT  FROM -> TO
1795412756-559687         2h      2   now  ann@a.example -> bob@b.example
    mx.b.example said: 450 4.2.0 later
";
        assert!(out.starts_with(want), "{out}");
        assert!(out.lines().all(|line| line.len() <= WIDTH), "{out}");
        assert!(out.contains("\n1795412756-559687-43-0  "), "{out}");
    }

    #[test]
    fn a_time_takes_at_most_four_characters() {
        for (seconds, want) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3_599, "59m"),
            (3_600, "1h"),
            (172_799, "47h"),
            (172_800, "2d"),
            (86_400 * 999, "999d"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), want);
        }
    }
}
