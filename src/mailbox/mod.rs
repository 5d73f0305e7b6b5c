//! The mailboxes: which ones exist, and how a message gets into one for good
//! (RFC 5321 3.3 and 6.1).
//!
//! In reading order:
//!   `directory`  which mailboxes exist
//!   `maildir`    all mailboxes below one folder
//!   `delivery`   one message into the mailboxes of its recipients, for good
//!   `folders`    the folders of a mailbox: fit for mail, and made if missing
//!   `synced`     which folders need no fsync any more
//!   `reader`     one mailbox, as its owner's mail reader sees it
//!   `leftovers`  what is there at the start, and what a crash has left

pub mod delivery;
pub mod directory;
mod folders;
mod leftovers;
pub mod maildir;
pub mod reader;
mod synced;
