//! `pillarbox grade`: does what the command line says.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | all submissions were judged, and no transcript failed |
//! | 1 | one failed, only some were judged, or a result cannot be written |
//! | 2 | wrong usage, or a file is not a transcript |
//! | 3 | nothing could be judged: no submission, no server, or no thread |
//!
//! Interface:
//!   `grade`  the whole command; gives back the exit code
//!   `World`  where it prints

use std::io::Write;
use std::time::Instant;

use super::class::{self, Class, Submission};
use super::html;
use super::mark::Mark;
use super::pool::grade_all;
use super::results::Results;
use super::settings::GradeSettings;
use super::table::{Table, of};
use super::work::{Graded, Work};
use crate::transcript::format::digest::suite;
use crate::transcript::format::folder::read_given;
use crate::transcript::format::script::Transcript;
use crate::transcript::report::verdict::{
    Ending, FAILED, NOT_JUDGED, WRONG_USAGE,
};
use crate::words::{in_one_line, reason};

/// What the command needs of the world.
pub struct World<'a> {
    /// What it was called on the command line.
    pub called: String,
    /// Standard output.
    pub out: &'a mut dyn Write,
    /// Standard error.
    pub errors: &'a mut dyn Write,
}

/// An exit code, and why it is that one.
type Ended = (u8, String);

/// Grades a class, and says how it ended.
pub fn grade(settings: &GradeSettings, world: &mut World<'_>) -> u8 {
    match act(settings, world) {
        Ok(code) => code,
        Err((code, line)) => {
            complain(&line, world);
            code
        }
    }
}

/// If standard error is closed as well, the code must do.
fn complain(line: &str, world: &mut World<'_>) {
    let _ = writeln!(world.errors, "pillarbox: grade: {line}");
}

fn act(settings: &GradeSettings, world: &mut World<'_>) -> Result<u8, Ended> {
    let begin = Instant::now();
    let pages = pages(settings, world)?;
    let class = class(settings, world)?;
    let out = &settings.out;
    let terms = &settings.terms;
    let results = Results::open(out, &settings.class, terms, suite(&pages))
        .map_err(|line| (WRONG_USAGE, line))?;
    let submissions = &class.submissions;
    let (marks, is_written) =
        marks(settings, submissions, &pages, &results, world)?;
    let rows = submissions.iter().zip(marks);
    let rows = rows.filter_map(|(submission, mark)| Some((submission, mark?)));
    let table = Table {
        rows: rows.collect(),
        judge: results.judge(),
        time: begin.elapsed(),
    };
    write_tables(&results, &table, world)?;
    let _ = writeln!(world.out, "the reports are in {}", in_one_line(out));
    match is_written {
        true => Ok(code(&table)),
        false => Ok(FAILED),
    }
}

/// The transcripts. A slip of the pen in one of them must not cost anybody a
/// point.
fn pages(
    settings: &GradeSettings,
    world: &mut World<'_>,
) -> Result<Vec<Transcript>, Ended> {
    let (mut pages, errors) = read_given(&settings.files);
    if let Some((last, others)) = errors.split_last() {
        for error in others {
            complain(&error.to_string(), world);
        }
        return Err((WRONG_USAGE, last.to_string()));
    }
    pages.retain(|page| settings.terms.chosen.has(&page.header));
    match pages.is_empty() {
        true => Err((NOT_JUDGED, "there is no such transcript".into())),
        false => Ok(pages),
    }
}

/// The submissions. What else is in the folder is told.
fn class(
    settings: &GradeSettings,
    world: &mut World<'_>,
) -> Result<Class, Ended> {
    let shown = in_one_line(&settings.class);
    let class = class::read(&settings.class).map_err(|error| {
        let what = format!("cannot read {shown}: {}", reason(&error));
        (WRONG_USAGE, what)
    })?;
    if !class.others.is_empty() {
        let others = class.others.iter();
        let others = others.map(|name| in_one_line(name.as_ref()));
        let others = others.collect::<Vec<_>>().join(", ");
        complain(&format!("not a submission: {others}"), world);
    }
    match class.submissions.is_empty() {
        true => {
            let what = "no folder, and each submission is one";
            Err((NOT_JUDGED, format!("in {shown} there is {what}")))
        }
        false => Ok(class),
    }
}

/// The grade of each submission: kept, or given now. Whether all of it could be
/// written.
fn marks(
    settings: &GradeSettings,
    submissions: &[Submission],
    pages: &[Transcript],
    results: &Results,
    world: &mut World<'_>,
) -> Result<(Vec<Option<Mark>>, bool), Ended> {
    let mut marks: Vec<Option<Mark>> =
        submissions.iter().map(|one| results.kept(one)).collect();
    let all = marks.len();
    let mut count = marks.iter().flatten().count();
    if count > 0 {
        complain(&format!("{count} of {all} have their grade already"), world);
    }
    let works: Vec<Work<'_>> = submissions
        .iter()
        .zip(&marks)
        .filter(|(_, mark)| mark.is_none())
        .map(|(one, _)| Work::new(one, &settings.terms, pages))
        .collect();
    let mut places = Vec::new();
    for (number, mark) in marks.iter().enumerate() {
        if mark.is_none() {
            places.push(number);
        }
    }
    let mut is_written = true;
    let mut over = |number: usize, graded: Graded| {
        let Some(work) = works.get(number) else { return };
        count += 1;
        let (name, mark) = (work.submission.shown(), &graded.mark);
        let points = of(Some(&mark.points));
        // If nobody reads it, the table says it again.
        let _ =
            writeln!(world.errors, "graded {count} of {all}: {name}, {points}");
        let show = work.show(&world.called);
        if let Err(line) = results.write(work.submission, &graded, show) {
            complain(&line, world);
            is_written = false;
        }
        let place = places.get(number).and_then(|at| marks.get_mut(*at));
        if let Some(place) = place {
            *place = Some(graded.mark);
        }
    };
    grade_all(&works, settings.jobs, &mut over)
        .map_err(|error| (NOT_JUDGED, error.to_string()))?;
    Ok((marks, is_written))
}

/// Into the folder, and the one for people to standard output.
fn write_tables(
    results: &Results,
    table: &Table<'_>,
    world: &mut World<'_>,
) -> Result<(), Ended> {
    let text = table.text();
    let (tsv, page) = (table.tsv(), html::page(table));
    // If nobody reads it, it is in the folder.
    let _ = world.out.write_all(text.as_bytes());
    for (name, text) in
        [("grades.txt", text), ("grades.tsv", tsv), ("grades.html", page)]
    {
        let written = results.write_table(name, &text);
        written.map_err(|line| (FAILED, line))?;
    }
    Ok(())
}

fn code(table: &Table<'_>) -> u8 {
    let mut marks = table.rows.iter().map(|(_, mark)| mark.ending);
    let all = |wanted: Ending| {
        table.rows.iter().all(|(_, mark)| mark.ending == wanted)
    };
    match marks.next() {
        None => NOT_JUDGED,
        Some(first) if all(first) => first.code(),
        Some(_) => FAILED,
    }
}
