//! What became of the transcripts of a run, for people and for programs.
//!
//! Everything that came from a server was escaped before it gets here: a
//! report is plain text whatever a server said.
//!
//! In reading order:
//!   `row`       one transcript, and the judgement on it
//!   `verdict`   from what happened to the judgement
//!   `summary`   how many of each, and how long it took
//!   `formats`   text, tap, junit, tsv or html: picks one of the next five
//!   `text`      for people
//!   `tap`       the Test Anything Protocol
//!   `junit`     JUnit's XML
//!   `tsv`       columns, written and read again
//!   `html`      a page for people, with all that was said
//!   `matrix`    one table of several runs
//!   `show`      the whole talk of one transcript
//!   `progress`  how far a run is

pub mod formats;
pub(super) mod html;
mod junit;
pub(super) mod matrix;
pub(super) mod progress;
pub mod row;
pub(super) mod show;
pub mod summary;
mod tap;
mod text;
mod tsv;
pub(super) mod verdict;

#[cfg(test)]
mod testing;
