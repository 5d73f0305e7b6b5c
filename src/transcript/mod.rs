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
//!   `target`      a server to talk to, and how strictly it is judged
//!   `alias`       other names for the cast
//!   `message`     one stored message, compared with the `M:` lines
//!   `stored`      the messages in a Maildir
//!   `judge`       is what the server did what stands on the page?
//!   `play`        the other direction: plays the server to a client
//!   `failure`     what went wrong, for people
//!   `replay`      the one loop that plays a script against a server
//!   `scratch`     a folder that goes away, and the end of a log
//!   `own_server`  starts our own program for one transcript
//!   `student`     starts somebody else's server for one transcript
//!   `stand`       which of them, or one that runs
//!   `probe`       asks a server what it offers
//!   `run`         many transcripts, each with its server
//!   `report`      what became of them: text, TAP, JUnit, tsv
//!   `matrix`      one table of several runs
//!   `show`        the whole talk of one transcript
//!   `progress`    how far a run is
//!   `settings`    what the command line asks for
//!   `command`     `pillarbox replay`
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

pub mod alias;
mod align;
pub mod bless;
pub mod check;
pub mod command;
mod edit;
pub mod failure;
pub mod header;
mod judge;
pub mod matching;
mod matrix;
mod message;
mod overheard;
mod own_server;
pub mod parse;
pub mod play;
mod privacy;
mod probe;
mod progress;
pub mod record;
mod rehearsal;
mod replay;
pub mod report;
mod rewrite;
pub mod run;
mod scratch;
pub mod script;
pub mod settings;
pub mod show;
mod spoken;
mod stage;
pub mod stand;
mod steps;
mod stored;
mod student;
mod talk;
pub mod target;
pub mod text;
pub mod writer;

#[cfg(test)]
mod testing;
