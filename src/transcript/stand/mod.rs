//! The server that a page is played against: started here, or running already.
//!
//! In reading order:
//!   `server`      which server: ours, a student's, or one that runs
//!   `own_server`  our own program, started for one transcript
//!   `client`      somebody else's client, started for one mail
//!   `student`     somebody else's program, started for one transcript
//!   `braces`      fills in a command
//!   `build`       a command that makes a program first
//!   `process`     what all are: a process that ends with us
//!   `guard`       the shell beside it, which ends it whatever becomes of us
//!   `log_tail`    the end of what it prints
//!   `quota`       how much it may write
//!   `neighbour`   is it the right server that listens?
//!   `scratch`     the folder of a process, which goes away with it
//!   `port`        a port that no other run is given
//!   `lock`        the file that says that something is taken

mod braces;
pub(super) mod build;
pub(super) mod client;
mod guard;
mod lock;
mod log_tail;
mod neighbour;
mod own_server;
mod port;
pub(super) mod process;
mod quota;
mod scratch;
pub mod server;
mod student;
