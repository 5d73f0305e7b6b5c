//! A line on the terminal that says how far a run is.

use std::io::Write;

use crate::transcript::play::outcome::{Outcome, Played};

/// How many are over, and how many of them failed.
pub(crate) struct Progress<'a> {
    terminal: Option<&'a mut dyn Write>,
    all: usize,
    over: usize,
    failed: usize,
}

impl<'a> Progress<'a> {
    /// Without a terminal nothing is shown.
    pub(crate) fn new(
        terminal: Option<&'a mut dyn Write>,
        all: usize,
    ) -> Progress<'a> {
        Progress { terminal, all, over: 0, failed: 0 }
    }

    /// One more is over.
    pub(crate) fn one(&mut self, played: &Played) {
        self.over += 1;
        match played.outcome {
            Outcome::Fail(_) | Outcome::NoServer(_) => self.failed += 1,
            Outcome::Pass | Outcome::Skip(_) | Outcome::Lost(_) => {}
        }
        let (over, all, failed) = (self.over, self.all, self.failed);
        self.show(&format!("\r{over} of {all}, {failed} not passed"));
    }

    /// Makes room for what follows.
    pub(crate) fn end(&mut self) {
        self.show("\r\x1b[K");
    }

    /// A terminal that went away is no reason to stop.
    fn show(&mut self, text: &str) {
        if let Some(terminal) = &mut self.terminal {
            let _ = terminal.write_all(text.as_bytes());
            let _ = terminal.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_line_is_written_over_and_over_and_then_goes_away() {
        let mut terminal = Vec::new();
        let mut progress = Progress::new(Some(&mut terminal), 2);
        let played = Played {
            outcome: Outcome::Pass,
            notes: Vec::new(),
            unchecked: None,
            talk: Vec::new(),
            time: Duration::ZERO,
        };
        progress.one(&played);
        progress.one(&played);
        progress.end();
        let wanted = "\r1 of 2, 0 not passed\r2 of 2, 0 not passed\r\x1b[K";
        assert_eq!(String::from_utf8(terminal).unwrap(), wanted);
    }
}
