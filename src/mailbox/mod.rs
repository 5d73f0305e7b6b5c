//! The mailboxes: which ones exist, and how a message gets into one for good.
//!
//! In reading order:
//!   `directory`  which mailboxes exist
//!   `maildir`    one message into its recipients' Maildirs, durably
//!   `disk`       the few calls to the file system that a delivery needs

pub mod directory;
pub mod disk;
pub mod maildir;
