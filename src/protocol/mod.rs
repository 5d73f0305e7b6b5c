//! The protocol, pure: bytes in, values out.
pub mod reply;
