//! As much of the mailboxes as needs no disk.

#[path = "../../../src/mailbox/directory.rs"]
pub mod directory;
