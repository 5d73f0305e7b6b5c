//! The folder of the results.
//!
//! Each submission has a folder in `reports`. Its `grade.tsv` is written last,
//! and put there by a rename. It begins with a stamp: a number that another
//! judge, other terms, other transcripts or another submission would not have.
//! While it is right, the submission keeps its grade.
//!
//! Interface:
//!   `Results`  the folder, ours as long as we hold it

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::class::Submission;
use super::mark::Mark;
use super::settings::Terms;
use super::state;
use super::work::Graded;
use crate::transcript::format::digest::digest;
use crate::transcript::report::formats::{self, Format};
use crate::transcript::report::summary::Summary;
use crate::words::{in_one_line, reason};

const REPORTS: &str = "reports";
const GRADE: &str = "grade.tsv";

/// The reports of a submission.
const FORMATS: [(&str, Format); 3] = [
    ("report.html", Format::Html),
    ("report.txt", Format::Text),
    ("report.tsv", Format::Tsv),
];

/// The report that the table shows, from the folder of the results on.
const SHOWN: &str = "report.html";

/// The folder of the results.
pub(super) struct Results {
    folder: PathBuf,
    /// What every grade here depends on.
    terms: String,
    /// The transcripts, in one word.
    suite: String,
    stage: Option<u8>,
    /// Two gradings at the same time would write the same files.
    _lock: File,
}

impl Results {
    /// Opens the folder, or makes it. An error is in one line.
    pub(super) fn open(
        folder: &Path,
        class: &Path,
        terms: &Terms,
        suite: String,
    ) -> Result<Results, String> {
        let shown = in_one_line(folder);
        let cannot = |error: io::Error| {
            format!("cannot write into {shown}: {}", reason(&error))
        };
        if is_inside(folder, class) {
            return Err(format!(
                "{shown} is inside the folder of the class; name another one \
                 with --out"
            ));
        }
        let reports = folder.join(REPORTS);
        let is_used = |folder: &Path| {
            fs::read_dir(folder).is_ok_and(|mut all| all.next().is_some())
        };
        if is_used(folder) && !reports.is_dir() {
            return Err(format!(
                "{shown} holds other things than grades; name another folder \
                 with --out"
            ));
        }
        fs::create_dir_all(&reports).map_err(cannot)?;
        let lock = File::open(&reports).map_err(cannot)?;
        lock.try_lock().map_err(|_| {
            format!("another grading writes into {shown} at this moment")
        })?;
        Ok(Results {
            folder: folder.into(),
            terms: format!("{} {suite} {terms:?}", env!("CARGO_PKG_VERSION")),
            suite,
            stage: terms.chosen.stage,
            _lock: lock,
        })
    }

    /// The grade that a submission has already, if that still is its grade.
    pub(super) fn kept(&self, submission: &Submission) -> Option<Mark> {
        let file = self.reports(submission).join(GRADE);
        let text = fs::read_to_string(file).ok()?;
        let (stamp, mark) = text.strip_suffix('\n')?.split_once('\t')?;
        let is_it = stamp == self.stamp(submission);
        is_it.then(|| Mark::read(mark)).flatten()
    }

    /// Writes the reports of a submission, and its grade. `show` is the command
    /// that shows a talk.
    pub(super) fn write(
        &self,
        submission: &Submission,
        graded: &Graded,
        show: String,
    ) -> Result<(), String> {
        let folder = self.reports(submission);
        self.write_into(&folder, submission, graded, show).map_err(|error| {
            let (folder, why) = (in_one_line(&folder), reason(&error));
            format!("cannot write into {folder}: {why}")
        })
    }

    fn write_into(
        &self,
        folder: &Path,
        submission: &Submission,
        graded: &Graded,
        show: String,
    ) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let summary = Summary::of(&graded.rows, graded.mark.time);
        let summary = summary.by(self.suite.clone(), self.stage);
        let summary = summary.shown_by(show);
        for (name, format) in FORMATS {
            let mut file = BufWriter::new(File::create(folder.join(name))?);
            if format == Format::Text {
                build_failure(&mut file, graded)?;
            }
            formats::write(&mut file, format, &graded.rows, &summary)?;
            file.flush()?;
        }
        let new = folder.join("grade.new");
        let (stamp, mark) = (self.stamp(submission), graded.mark.line());
        fs::write(&new, format!("{stamp}\t{mark}\n"))?;
        fs::rename(new, folder.join(GRADE))
    }

    /// Writes a table.
    pub(super) fn write_table(
        &self,
        name: &str,
        text: &str,
    ) -> Result<(), String> {
        let path = self.folder.join(name);
        fs::write(&path, text).map_err(|error| {
            let (path, why) = (in_one_line(&path), reason(&error));
            format!("cannot write {path}: {why}")
        })
    }

    /// The judge, and the law: they belong to every grade.
    pub(super) fn judge(&self) -> String {
        Summary::of(&[], Duration::ZERO)
            .by(self.suite.clone(), self.stage)
            .judge()
    }

    /// Where the report of a submission is, from the folder of the results on.
    pub(super) fn report(submission: &Submission) -> PathBuf {
        Path::new(REPORTS).join(&submission.name).join(SHOWN)
    }

    fn reports(&self, submission: &Submission) -> PathBuf {
        self.folder.join(REPORTS).join(&submission.name)
    }

    fn stamp(&self, submission: &Submission) -> String {
        let state = state::of(&submission.folder);
        let all = format!("{state} {}", self.terms);
        format!("{:016x}", digest(all.as_bytes()))
    }
}

/// A build that failed is the first thing to say.
fn build_failure(out: &mut dyn Write, graded: &Graded) -> io::Result<()> {
    let Some(failure) = &graded.failed_build else {
        return Ok(());
    };
    writeln!(out, "FAIL build: {}", failure.reason)?;
    let mut log = failure.log.iter();
    log.try_for_each(|line| writeln!(out, "       log       {line}"))
}

/// Whether a folder, which need not be there yet, is inside another one, or is
/// that one.
fn is_inside(folder: &Path, other: &Path) -> bool {
    let Ok(other) = fs::canonicalize(other) else {
        return false;
    };
    let folder = std::path::absolute(folder).unwrap_or(folder.into());
    let there = folder.ancestors().find_map(|path| fs::canonicalize(path).ok());
    there.is_some_and(|path| path.starts_with(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_neither_in_the_class_nor_among_other_files() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        for name in ["class/anna", "full"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        fs::write(at("full/letter.txt"), "").unwrap();
        std::os::unix::fs::symlink(at("class"), at("link")).unwrap();
        for inside in ["class", "class/anna/new", "class/new/er", "link/x"] {
            assert!(is_inside(&at(inside), &at("class")), "{inside}");
        }
        for outside in ["", "full", "new", "classes"] {
            assert!(!is_inside(&at(outside), &at("class")), "{outside}");
        }
    }
}
