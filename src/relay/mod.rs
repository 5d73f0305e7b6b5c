//! The sending half of the post office: where mail for other hosts waits, where
//! it goes, and how it gets there (RFC 5321 4.5.4.1 and 5).
//!
//! The whole, and what happens in it:
//!   `office`      as the server sees it
//!   `settings`    what it is told
//!   `event`       what somebody sees who watches
//!
//! The queue:
//!   `entry`       one message: for whom, since when, how often tried
//!   `queue`       the folder, and what makes an entry durable
//!   `unsaved`     what a failing disk has not taken yet
//!   `stock`       what is in it at the start, and what a crash has left
//!   `marks`       what an operator wants of it
//!
//! Who is tried when:
//!   `schedule`    when is a message tried again, and when do we give up?
//!   `line`        which group is next, and how many connections it may have
//!   `agenda`      what all threads share
//!   `desk`        where the results come in
//!   `runner`      begins the tries
//!   `turn`        a look-up, a connection, and the mail of a group
//!   `books`       what the results make of an entry
//!   `bounce`      what a sender gets when a message cannot be delivered
//!   `local`       mail of the queue that stays here: bounces
//!
//! Where mail goes:
//!   `mx`, `smart_host`  which hosts take it; `route` is what comes of it
//!   `resolver`, `ask`   which name server is asked, and how
//!   `dns`, `names`      a question and an answer in bytes
//!   `step`              what somebody sees who watches a look-up
//!
//! How it gets there:
//!   `client`      hands a mail to the first of several addresses that takes it
//!   `connection`  one connection: where a socket meets the client's machine
//!   `socket`      looks out for an answer while a text leaves
//!   `text`        the text of a mail, block by block
//!   `orders`      what a client is told, and what it tells

mod agenda;
pub mod ask;
pub mod books;
pub mod bounce;
pub mod client;
mod connection;
mod desk;
pub mod dns;
pub mod entry;
pub mod event;
pub mod line;
pub mod local;
pub mod marks;
pub mod mx;
pub mod names;
pub mod office;
mod orders;
pub mod queue;
pub mod resolver;
pub mod route;
mod runner;
pub mod schedule;
pub mod settings;
pub mod smart_host;
mod socket;
pub mod step;
mod stock;
mod text;
mod turn;
mod unsaved;
