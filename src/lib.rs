//! Pillarbox.
pub mod protocol;
pub mod transcript;
