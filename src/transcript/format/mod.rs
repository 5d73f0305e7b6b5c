//! The file: what a transcript is, how it is read, and what its words fit.
//!
//! Nothing here speaks to anybody: bytes come in, values go out.
//!
//! In reading order:
//!   `script`    what a transcript is made of: header, steps, lines
//!   `text`      the words of a line: escapes, holes, repeats
//!   `header`    the lines before the first empty line
//!   `cause`     what must work before anything else
//!   `said`      what a client has to say in the end
//!   `stage`     the stage directions, in brackets
//!   `spoken`    the lines that client and server say
//!   `steps`     what may follow what; the lines of one reply
//!   `parse`     a file becomes a script, or a line number and a reason
//!   `digest`    a short name for many files
//!   `suite`     all of `transcripts/`, built in; its list is `suite_files`
//!   `folder`    reads all files under a folder
//!   `matching`  does a text fit these bytes? and what are its names bound to
//!   `lint`      what the grammar allows, but this repository does not
//!   `turns`     the same, for pages that play the server: whose turn it is

pub mod cause;
pub(super) mod digest;
pub mod folder;
pub mod header;
pub mod lint;
pub mod matching;
pub mod parse;
pub mod said;
pub mod script;
pub(super) mod spoken;
mod stage;
mod steps;
pub(super) mod suite;
mod suite_files;
pub mod text;
mod turns;

#[cfg(test)]
pub(super) mod testing;
