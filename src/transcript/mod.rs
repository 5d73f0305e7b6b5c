//! Transcripts: plays between a client and a server, read and run.
//!
//! The same text file is a listing in the book, a golden test of Pillarbox,
//! and a test of any other server. This folder speaks TCP and reads Maildirs;
//! it knows nothing of the server's insides, and takes only the replies with
//! their reasons from it (`protocol::reply`).
//!
//! In reading order:
//!   `script`      what a transcript is made of: header, steps, lines
//!   `text`        the words of a line: escapes, holes, repeats
//!   `stage`       the stage directions, in brackets
//!   `header`      the lines before the first empty line
//!   `spoken`      the lines that client and server say
//!   `steps`       what may follow what; the lines of one reply
//!   `parse`       a file becomes a script, or a line number and a reason
//!   `check`       what is allowed, but not in this repository
//!   `matching`    does a text fit these bytes? and what are its names bound to
//!   `talk`        one connection: write, read a whole reply, see the end
//!   `stored`      the messages in a Maildir, compared with the `M:` lines
//!   `judge`       is what the server did what stands on the page?
//!   `replay`      the one loop that plays a script against a server
//!   `failure`     what went wrong, for people
//!   `own_server`  starts our own program for one transcript
//!   `run`         one file, or a folder of files, against our own program
//!
//! And the other way, from a session to a file:
//!   `writer`      one session, line by line
//!   `overheard`   what a server says becomes replies, or notes
//!   `privacy`     what must not be written down
//!   `record`      the proxy: passes bytes on, and writes them down
//!
//! And from our own server back to the page:
//!   `align`       what stayed, and what changed, between two lists
//!   `edit`        a page and what was really said become a new page
//!   `rewrite`     the words of a line that is written anew
//!   `rehearsal`   plays a page to hear, not to judge
//!   `bless`       shows the new page, and puts it in the place of the old one

mod align;
pub mod bless;
pub mod check;
mod edit;
pub mod failure;
pub mod header;
mod judge;
pub mod matching;
mod overheard;
mod own_server;
pub mod parse;
mod privacy;
pub mod record;
mod rehearsal;
pub mod replay;
mod rewrite;
pub mod run;
pub mod script;
mod spoken;
mod stage;
mod steps;
mod stored;
mod talk;
pub mod text;
pub mod writer;

#[cfg(test)]
mod testing;
