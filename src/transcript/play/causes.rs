//! Which causes are played first, and what they keep others from.
//!
//! See `format/cause.rs` for what a cause is.
//!
//! Interface:
//!   `needed`        the pages of the causes that these pages depend on
//!   `CausePage`     one of them
//!   `FailedCauses`  which of them have failed
//!   `because_of`    why a page is not played because of one

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::transcript::format::cause::Cause;
use crate::transcript::format::header::Header;
use crate::transcript::format::script::Transcript;
use crate::transcript::format::suite;
use crate::words::in_one_line;

/// The page of a cause.
#[derive(Debug)]
pub(crate) enum CausePage {
    /// It is among those that were asked for, with this number.
    Asked(usize),
    /// It is not, so the one of this repository is taken.
    BuiltIn(Box<Transcript>),
}

/// The pages of the causes that these pages depend on, in the order in which
/// they are played.
pub(super) fn needed(pages: &[&Transcript]) -> Vec<CausePage> {
    let mut ours = suite::causes();
    let own = |cause: Cause| {
        pages.iter().position(|page| page.header.cause == Some(cause))
    };
    let mut wanted = BTreeSet::new();
    let is_cause = |page: &&&Transcript| page.header.cause.is_some();
    wanted.extend(pages.iter().filter_map(|page| page.header.cause));
    let stand_on = pages.iter().flat_map(|page| &page.header.requires);
    wanted.extend(stand_on);
    // A page that depends on nothing may be about anything.
    let others = pages.iter().filter(|page| !is_cause(page));
    if others.clone().any(|page| !page.header.requires.is_empty()) {
        // What is let pass is noted on all of them.
        wanted.extend(Cause::ALL.into_iter().filter(|c| c.is_let_pass()));
    }
    // Each cause depends on causes before it.
    for cause in Cause::ALL.into_iter().rev() {
        let page = match own(cause) {
            Some(number) => pages.get(number).copied(),
            None => ours.iter().find(|page| page.header.cause == Some(cause)),
        };
        if let (Some(page), true) = (page, wanted.contains(&cause)) {
            wanted.extend(&page.header.requires);
        }
    }
    let mut all = Vec::new();
    for cause in wanted {
        let built_in =
            ours.iter().position(|page| page.header.cause == Some(cause));
        match (own(cause), built_in) {
            (Some(number), _) => all.push(CausePage::Asked(number)),
            (None, Some(number)) => {
                let page = Box::new(ours.swap_remove(number));
                all.push(CausePage::BuiltIn(page));
            }
            (None, None) => {}
        }
    }
    all
}

/// The causes that have failed, each with the first one that it depends on, and
/// the page of that.
#[derive(Debug, Default)]
pub(super) struct FailedCauses(Mutex<BTreeMap<Cause, (Cause, PathBuf)>>);

impl FailedCauses {
    /// One more has.
    pub(super) fn add(&self, cause: Cause, page: &Transcript) {
        if let Ok(mut failed) = self.0.lock() {
            let required = page.header.requires.iter();
            let root = required.filter_map(|other| failed.get(other)).next();
            let root = root.cloned().unwrap_or((cause, page.path.clone()));
            failed.insert(cause, root);
        }
    }

    /// Why a page with this header is not played, if it depends on one of
    /// them.
    pub(super) fn keep_from(&self, header: &Header) -> Option<String> {
        let failed = self.0.lock().ok()?;
        let mut required = header.requires.iter();
        let (cause, page) = required.find_map(|cause| failed.get(cause))?;
        Some(reason(*cause, page))
    }

    /// Whether this one has.
    pub(super) fn has(&self, cause: Cause) -> bool {
        self.0.lock().is_ok_and(|failed| failed.contains_key(&cause))
    }
}

/// Why a page is not played because of this one, which has failed.
pub(super) fn because_of(cause: Cause, page: &Transcript) -> String {
    reason(cause, &page.path)
}

fn reason(cause: Cause, page: &Path) -> String {
    let (cause, page) = (cause.word(), in_one_line(page));
    format!("not judged because of {cause}, see {page}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::format::testing::read;

    fn page(header: &str) -> Transcript {
        read(&format!("Title: t\nLevel: must\n{header}\n\n")).unwrap()
    }

    fn causes(pages: &[&Transcript]) -> Vec<(bool, Cause)> {
        let header = |found: &CausePage| match found {
            CausePage::Asked(number) => {
                (true, pages[*number].header.cause.unwrap())
            }
            CausePage::BuiltIn(page) => (false, page.header.cause.unwrap()),
        };
        needed(pages).iter().map(header).collect()
    }

    #[test]
    fn a_page_brings_all_that_it_stands_on_and_each_once() {
        let [one, two] = ["Requires: sender", "Requires: hello"].map(page);
        let wanted = [
            Cause::Greeting,
            Cause::Hello,
            Cause::LineEnds,
            Cause::Sender,
            Cause::Quit,
        ];
        let wanted = wanted.map(|cause| (false, cause));
        assert_eq!(causes(&[&one, &two]), wanted);
        let alone = page("Stage: 1");
        assert_eq!(causes(&[&alone]), []);
    }

    #[test]
    fn the_page_that_was_given_is_the_page_of_its_cause() {
        let other = page("Requires: hello");
        let hello = page("Cause: hello");
        let found = causes(&[&other, &hello]);
        assert!(found.contains(&(true, Cause::Hello)), "{found:?}");
        assert!(!found.contains(&(false, Cause::Hello)), "{found:?}");
    }
}
