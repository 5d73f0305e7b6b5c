//! head

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs, unreachable_pub)]

mod support;

#[path = "sending/crash.rs"]
mod crash;
#[path = "sending/office.rs"]
mod office;
#[path = "sending/pages.rs"]
mod pages;
#[path = "sending/relaying.rs"]
mod relaying;
#[path = "sending/ways.rs"]
mod ways;
