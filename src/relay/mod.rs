//! The sending half: where mail for other hosts waits, and where it goes
//! (RFC 5321 4.5.4.1 and 5).
//!
//! - [`settings`]: what it is told.

pub mod settings;
