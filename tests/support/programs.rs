//! Mail clients that other people wrote, and how they are run.
//!
//! Interface:
//!   `swaks`, `curl`, `msmtp`, `smtplib`
//!             the command that sends one file
//!   `run`     runs a command, away from anybody's own settings

use std::env;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::DEADLINE;

pub const SENDER: &str = "alice@client.example";
pub const CLIENT: &str = "client.example";

pub const SWAKS: &[&str] = &["swaks", "--version"];
pub const CURL: &[&str] = &["curl", "--version"];
pub const MSMTP: &[&str] = &["msmtp", "--version"];

/// Some systems have a Python with half of its library.
pub const PYTHON: &[&str] = &["python3", "-c", "import mailbox, pty, smtplib"];

/// What a client is told: the port, the recipients, the file. The file is
/// also its standard input.
pub type Client = fn(u16, &[String], &Path) -> Command;

pub fn swaks(port: u16, to: &[String], file: &Path) -> Command {
    let mut command = Command::new("swaks");
    command
        .args(["--server", "127.0.0.1", "--port", &port.to_string()])
        .args(["--helo", CLIENT, "--from", SENDER, "--to", &to.join(",")])
        .args(["--suppress-data", "--data"])
        .arg(format!("@{}", file.display()));
    command
}

pub fn curl(port: u16, to: &[String], file: &Path) -> Command {
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error", "--crlf", "--upload-file"])
        .arg(file)
        // The path of the URL is what it says in EHLO.
        .arg(format!("smtp://127.0.0.1:{port}/{CLIENT}"))
        .args(["--mail-from", SENDER]);
    for address in to {
        command.args(["--mail-rcpt", address]);
    }
    command
}

pub fn msmtp(port: u16, to: &[String], _stdin: &Path) -> Command {
    let mut command = Command::new("msmtp");
    command
        .args(["--host=127.0.0.1", "--auth=off", "--tls=off"])
        .arg(format!("--port={port}"))
        .arg(format!("--domain={CLIENT}"))
        .arg(format!("--from={SENDER}"))
        .arg("--")
        .args(to);
    command
}

pub fn smtplib(port: u16, to: &[String], _stdin: &Path) -> Command {
    let mut command = Command::new("python3");
    command.args(["-c", SENDMAIL, &port.to_string(), CLIENT, SENDER]).args(to);
    command
}

/// smtplib changes line ends in text only; bytes go out as they come in.
const SENDMAIL: &str = "\
import smtplib, sys
port, client, sender, *to = sys.argv[1:]
message = sys.stdin.buffer.read().replace(b'\\n', b'\\r\\n')
with smtplib.SMTP('127.0.0.1', int(port), client, timeout=60) as server:
    server.ehlo_or_helo_if_needed()
    options = ['BODY=8BITMIME'] if server.has_extn('8bitmime') else []
    refused = server.sendmail(sender, to, message, options)
    assert not refused, refused
";

/// How a program ended.
pub struct Ended {
    /// It says itself that all is well: its exit code is 0.
    pub well: bool,
    /// All that it printed.
    pub printed: String,
}

/// Runs a program to its end, in a folder of the test's own.
pub fn run(command: &mut Command, input: Stdio, desk: &Path) -> Ended {
    let printed = desk.join("printed");
    let output = File::create(&printed).expect("a file is made");
    let child = command
        // Nobody's own settings, and nobody's proxy.
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .env("TERM", "vt100")
        .env("HOME", desk)
        .current_dir(desk)
        .stdin(input)
        .stdout(output.try_clone().expect("a second handle"))
        .stderr(output)
        .spawn()
        .expect("an installed program starts");
    let well = ends_well(child);
    let text = fs::read(&printed).expect("what it printed");
    let printed = String::from_utf8_lossy(&text).into_owned();
    Ended { well, printed }
}

fn ends_well(mut child: Child) -> bool {
    let end = Instant::now() + DEADLINE;
    while Instant::now() < end {
        if let Some(status) = child.try_wait().expect("our own child") {
            return status.success();
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("our own child");
    child.wait().expect("our own child");
    false
}
