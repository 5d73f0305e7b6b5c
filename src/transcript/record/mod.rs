//! The recorder: a session becomes a page.
//!
//! In reading order:
//!   `writer`   one session, line by line
//!   `privacy`  what must not be written down
//!   `proxy`    passes bytes on between two others, and writes them down

pub(crate) mod privacy;
pub mod proxy;
pub mod writer;
