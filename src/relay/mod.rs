//! The sending half: what becomes of mail for other hosts.
//!
//!   `bounce`  what a sender gets when a message cannot be delivered

pub mod bounce;
