//! The protocol, pure: bytes in, values out (RFC 5321).
//!
//! No socket, file, clock, log or thread is used here; a test checks it. What
//! the world knows (time, names, mailboxes) comes in as data, so that the same
//! code answers over TCP, in a test, and in the book.
//!
//! In reading order:
//!   `line`       cuts bytes into lines
//!   `command`    what a line asks for
//!   `address`    paths, mailboxes, domains
//!   `session`    the machine: state and command give state and reply
//!   `extension`  what EHLO offers, what parameters mean
//!   `reply`      what the server can say, and why
//!   `data`       the message, up to the dot
//!   `trace`      Return-Path and Received
//!   `explain`    the live dialogue, with the reason for each reply
//!
//! And for a client:
//!   `replies`    what a server has said
//!   `decision`   what is made of it, and why: a table
//!   `sending`    the machine: a reply gives the next commands
//!   `delivery`   one mail, and what each recipient was answered
//!   `outcome`    what becomes of each recipient
//!   `outgoing`   commands and text, as they go on the wire

pub mod address;
pub mod command;
pub mod data;
pub mod decision;
pub mod delivery;
pub mod explain;
pub mod extension;
pub mod line;
pub mod outcome;
pub mod outgoing;
pub mod replies;
pub mod reply;
pub mod sending;
pub mod session;
pub mod trace;
