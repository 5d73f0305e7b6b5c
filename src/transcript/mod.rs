//! Transcripts: plays between a client and a server, read and run.
//!
//! The same text file is a listing in the book, a golden test of Pillarbox,
//! and a test of any other server. This folder speaks TCP and reads Maildirs;
//! it knows nothing of the server's insides. From the protocol it takes the
//! replies with their reasons (`protocol::reply`) and the reader of replies
//! (`protocol::replies`), and no more.
//!
//! The rooms, each with a map of its own. A room uses those above it in this
//! list, except that `bless` does without `grade` and `report`, and that
//! `record` needs only `format`:
//!
//! ```text
//!   format   a file becomes a script, or a line number and a reason
//!   judge    did the other side do what the page says?
//!   stand    the server that a page is played against, and its process
//!   play     plays a page: the client's part, or the server's
//!   report   what became of the pages: text, TAP, JUnit, tsv, a table
//!   grade    the same for a whole class, and one table of it
//!   bless    what our own server says becomes a new page
//!   record   a session becomes a page
//! ```
//!
//! Beside them, `settings` is what the command line asks for, and `command` is
//! `pillarbox replay`, which does it; `grade` has both of its own.
//! `tests/layering.rs` checks who uses whom.

pub mod bless;
pub mod command;
pub mod format;
pub mod grade;
pub mod judge;
pub mod play;
pub mod record;
pub mod report;
pub mod settings;
pub mod stand;
