//! The mailboxes: which ones exist, and how a message gets into one for good.
//!
//! In reading order:
//!   `directory`  which mailboxes exist
//!   `maildir`    one message into its recipients' Maildirs, durably
//!   `names`      a name for each message that no other file has
//!   `leftovers`  what is there at the start, and what a crash has left
//!   `disk`       the few calls to the file system that a delivery needs

pub mod directory;
pub mod disk;
mod leftovers;
pub mod maildir;
mod names;
pub mod reader;
