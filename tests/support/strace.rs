//! System calls that fail: `strace` makes a chosen call of a program fail, or
//! ends the program in the middle of it.
//!
//! Interface:
//!   `can_inject`  whether it can be used here
//!   `injection`   the two options for a fault such as `fsync:error=EIO:when=1`
//!   `Faults`      faults in a program that runs; they end when it is dropped

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

use super::{needs, wait_until};
use std::fs;
use std::process::{Child, Command};

/// Whether `strace` can be used here.
pub fn can_inject() -> bool {
    needs(&["strace", "-qq", "-e", "trace=none", "true"])
}

/// The options of `strace` for a fault. `when=` counts the calls of one thread.
pub fn injection(fault: &str) -> [String; 2] {
    let calls = fault.split(':').next().unwrap();
    [format!("trace={calls}"), format!("inject={fault}")]
}

/// Faults in a program that runs, and in all threads that it starts from now
/// on.
pub struct Faults(Child);

impl Faults {
    pub fn begin(pid: u32, fault: &str) -> Faults {
        let [trace, inject] = injection(fault);
        let strace = Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-e", &trace])
            .args(["-e", &inject, "-p", &pid.to_string()])
            .spawn()
            .unwrap();
        let faults = Faults(strace);
        wait_until("strace has all threads", || is_traced(pid));
        faults
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A thread may end while we look.
fn is_traced(pid: u32) -> bool {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let mut states = tasks.map(|task| {
        let path = task.unwrap().path().join("status");
        fs::read_to_string(path).unwrap_or_default()
    });
    states.all(|state| !state.contains("TracerPid:\t0\n"))
}
