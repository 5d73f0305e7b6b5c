//! What was said in a transcript, line by line, with a mark where it went
//! wrong.
//!
//! Interface:
//!   `Paper`  how much may still be written
//!   `list`   a talk, as much of it as there is paper for

use super::words::text;
use crate::transcript::play::outcome::TalkLine;

/// How much of all talks is shown, and of one.
const ALL_TALKS: usize = 2 * 1024 * 1024;
const ONE_TALK: usize = 16 * 1024;

/// What a line costs besides its words.
const LINE: usize = 40;

/// How much of the talks may still be shown.
pub(super) struct Paper(usize);

impl Paper {
    pub(super) fn new() -> Paper {
        Paper(ALL_TALKS)
    }
}

/// The talk. If it is too long, its beginning and its end are shown: where it
/// went wrong is at the end.
pub(super) fn list(talk: &[TalkLine], paper: &mut Paper) -> String {
    let most = ONE_TALK.min(paper.0);
    let cost = |said: &TalkLine| said.text.len() + LINE;
    let whole: usize = talk.iter().map(cost).sum();
    paper.0 -= whole.min(most);
    if talk.is_empty() {
        return "<p>Nothing was said, or nobody wrote it down.</p>\n".into();
    }
    if whole <= most {
        return format!("<ol class=\"talk\">\n{}</ol>\n", lines(talk));
    }
    let (first, rest) = talk.split_at(fitting(talk.iter(), most / 2));
    let last = fitting(rest.iter().rev(), most / 2);
    let (left_out, last) = rest.split_at(rest.len() - last);
    format!(
        "<ol class=\"talk\">\n{}<li class=\"more\">{} lines more</li>\n\
         {}</ol>\n",
        lines(first),
        left_out.len(),
        lines(last)
    )
}

/// How many lines there is room for.
fn fitting<'a>(talk: impl Iterator<Item = &'a TalkLine>, most: usize) -> usize {
    let mut sum = 0;
    let fits = |said: &&TalkLine| {
        sum += said.text.len() + LINE;
        sum <= most
    };
    talk.take_while(fits).count()
}

fn lines(talk: &[TalkLine]) -> String {
    talk.iter().map(line).collect()
}

fn line(said: &TalkLine) -> String {
    let side = match said.text.chars().next() {
        Some('C') => "client",
        Some('S') => "server",
        Some(_) | None => "stage",
    };
    let (wrong, mark) = match said.is_expected {
        true => ("", ""),
        false => (" wrong", "!!"),
    };
    format!(
        "<li class=\"{side}{wrong}\"><span class=\"number\">{}</span> \
         <span class=\"mark\">{mark}</span> <code>{}</code></li>\n",
        said.line,
        text(&said.text)
    )
}
