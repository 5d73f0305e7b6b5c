//! Pillarbox: an SMTP server to learn from. It can be read from the first line
//! to the last, and it really works: what it answers 250 to is on the disk.
pub mod mailbox;
pub mod options;
pub mod protocol;
pub mod server;
pub mod transcript;
