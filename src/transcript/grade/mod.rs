//! A class: every submission in a folder is graded, and becomes a row of one
//! table.
//!
//! ```text
//! class/            RESULTS/
//!   anna/             grades.txt, grades.tsv, grades.html
//!   bert/             reports/anna/report.html, .txt, .tsv; grade.tsv
//!   notes.txt         reports/bert/...
//! ```
//!
//! Guarantees:
//!
//! * A submission has the grade that `pillarbox replay --run` would give it
//!   alone. It is the same run of the same pages (`play/run.rs`); only who plays
//!   the next page is decided here.
//! * A submission that crashes, hangs, prints without end or cannot be built
//!   costs its own points, and no others. It may take only so much time, and
//!   write only so much.
//! * Nothing is written into a submission by us. (Its own server may do so.)
//! * `grade.tsv` appears when a submission is done, whole or not at all. So a
//!   grading that was interrupted, in whatever way, goes on where it was.
//!
//! In reading order:
//!   `settings`  what the command line asks for
//!   `command`   `pillarbox grade`: reads the class, has it graded, says how
//!   `class`     a folder becomes a list of submissions
//!   `place`     `{dir}` in a command, quoted for the shell
//!   `pool`      workers, and which page is next
//!   `work`      one submission on its way: built, its causes, its other pages
//!   `mark`      the grade: points by stage, the first cause, the time
//!   `results`   the folder of the results; what need not be graded again
//!   `state`     has a submission changed?
//!   `table`     the table, for people and for programs
//!   `html`      the same for a browser
//!
//! How a server is started, ended and watched: see `stand`.

mod class;
pub mod command;
mod html;
mod mark;
mod place;
mod pool;
mod results;
pub mod settings;
mod state;
mod table;
mod work;
