//! A post office to test from outside: the built program, with a queue.
//!
//! Interface:
//!   `Office`  a running `pillarbox serve --queue`, and what it keeps
//!   `letter`  a text with a subject of its own

use crate::support::{Client, Server, wait_until};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The name of a server, and whose mail it keeps.
pub const OURS: [&str; 4] =
    ["--hostname", "client.example", "--domain", "client.example"];

/// A server at client.example, whose mail for others waits in a queue.
pub struct Office {
    pub server: Server,
    folder: TempDir,
}

impl Office {
    /// All that it sends goes where these options say.
    pub fn start(options: &[&str]) -> Office {
        Office::start_in(TempDir::new().unwrap(), options)
    }

    /// On what another one has left.
    pub fn start_in(folder: TempDir, options: &[&str]) -> Office {
        Office::start_by(&[], folder, options)
    }

    /// By way of another program, which gets the command line.
    pub fn start_by(
        program: &[&str],
        folder: TempDir,
        options: &[&str],
    ) -> Office {
        let queue = folder.path().join("queue");
        let queue = queue.display().to_string();
        let ours = [&OURS[..], &["--queue", &queue]].concat();
        let mail = folder.path().join("mail");
        let options = [&ours[..], options].concat();
        let server = Server::start_by(program, &mail, &options);
        Office { server, folder }
    }

    /// Ends it as `kill -9` does, and gives what it leaves.
    pub fn stop(mut self) -> TempDir {
        self.server.kill();
        self.folder
    }

    pub fn queue(&self) -> PathBuf {
        self.folder.path().join("queue")
    }

    /// A client that may begin with MAIL.
    pub fn client(&self) -> Client {
        let mut client = self.server.connect();
        client.expect(220);
        client.say("EHLO user.client.example");
        client.expect(250);
        client
    }

    /// Hands it a message, and gives its last answer.
    pub fn hand(&self, from: &str, to: &[&str], text: &str) -> String {
        let mut client = self.client();
        client.say(&format!("MAIL FROM:<{from}>"));
        client.expect(250);
        for address in to {
            client.say(&format!("RCPT TO:<{address}>"));
            client.expect(250);
        }
        client.say("DATA");
        client.expect(354);
        client.send(text.replace('\n', "\r\n").as_bytes());
        client.say(".");
        client.reply()
    }

    /// Hands it a message of Alice's, which it must take.
    pub fn take(&self, to: &[&str]) {
        let answer = self.hand("alice@client.example", to, &letter("hello"));
        assert_eq!(answer, "250 2.0.0 Stored");
    }

    /// What `pillarbox queue` prints: the fields of each line.
    pub fn list(&self) -> Vec<Vec<String>> {
        list(&self.queue())
    }

    /// What is in the folder of the queue besides the lock and empty folders.
    pub fn files(&self) -> Vec<String> {
        let names = |folder: &Path| -> Vec<_> {
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect()
        };
        let mut found = names(&self.queue());
        for folder in ["dead", "damaged"] {
            let folder = self.queue().join(folder);
            if folder.exists() {
                found.extend(names(&folder));
            }
        }
        found.retain(|path| path.is_file() && !path.ends_with(".lock"));
        found.iter().map(|path| path.display().to_string()).collect()
    }

    pub fn wait_until_nothing_waits(&self) {
        wait_until("nothing is left in the queue", || self.files().is_empty());
    }

    /// The mail of somebody at client.example.
    pub fn mail_of(&self, name: &str) -> Vec<String> {
        let messages = self.server.messages("client.example", name);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        messages.into_iter().map(text).collect()
    }
}

/// What `pillarbox queue` prints: the fields of each line.
pub fn list(queue: &Path) -> Vec<Vec<String>> {
    let output = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
        .arg("queue")
        .arg(queue)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let fields = |line: &str| line.split('\t').map(str::to_owned).collect();
    text.lines().map(fields).collect()
}

pub fn letter(subject: &str) -> String {
    format!(
        "From: Alice <alice@client.example>\n\
         Date: Sun, 22 Nov 2026 10:30:00 +0000\n\
         Message-ID: <{subject}@client.example>\n\
         Subject: {subject}\n\
         \n\
         Hello.\n"
    )
}
