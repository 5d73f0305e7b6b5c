//! The server that a page is played against: started here, or running already.
//!
//! In reading order:
//!   `server`      which server: ours, a student's, or one that runs
//!   `own_server`  our own program, started for one transcript
//!   `student`     somebody else's program, started for one transcript
//!   `process`     what both are: a process that ends with us, and its log
//!   `scratch`     the folder of a process, which goes away with it

mod own_server;
pub(super) mod process;
mod scratch;
pub mod server;
mod student;
