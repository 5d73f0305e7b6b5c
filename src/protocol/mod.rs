//! The protocol, pure: bytes in, values out.
pub mod address;
pub mod data;
pub mod line;
pub mod reply;
