//! The disk: what a file needs so that a power cut does not take it away
//! (RFC 5321 6.1), for the mailboxes and for the queue.
//!
//! In reading order:
//!   `draft`   a file that is being written: it becomes durable, or it is gone
//!   `seam`    the few calls to the file system that this takes
//!   `names`   a name for each file that no other file has
//!   `real`    the operating system's file system
//!   `folder`  a folder made for good, and nobody else's to write into
//!   `lock`    which programs work in a folder just now

mod draft;
mod folder;
mod lock;
mod names;
mod real;
mod seam;

pub use draft::{Draft, Synced};
pub use names::{Name, Names, is_our_name};
pub use real::RealDisk;
pub use seam::{Claim, Disk, DiskFile, Found, Kind, shown};
