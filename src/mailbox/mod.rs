//! The mailboxes: which ones exist, and how a message gets into one for good
//! (RFC 5321 3.3 and 6.1).
//!
//! In reading order:
//!   `directory`  which mailboxes exist
//!   `maildir`    one message into the Maildirs of its recipients, durably
//!   `reader`     one mailbox, as its owner's mail reader sees it
//!   `leftovers`  what is there at the start, and what a crash has left

pub mod directory;
mod leftovers;
pub mod maildir;
pub mod reader;
