//! Pillarbox.
pub mod mailbox;
pub mod protocol;
pub mod transcript;
