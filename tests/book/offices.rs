//! "Two post offices on one machine": what the chapter and the README tell a
//! reader to type is typed, in this order, and does what they say.
//!
//! Only ports are others, which are free, and the folders are in a place of
//! their own.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

use super::page::{Page, pages_and_readme};
use super::shell::{Typed, typed};
use super::tree::Tree;
use crate::support::wait_until;

const CHAPTER: &str = "book/src/09-sending.md";
const README: &str = "README.md";
const TITLE: &str = "Two post offices on one machine";

/// The port of Bob's office, and that which is nowhere written.
const BOBS_PORT: &str = "127.0.0.1:2626";

/// Plays the section of the chapter. That of the README has some of the same
/// commands, and no others.
pub fn play(tree: &Tree, binary: &Path) {
    let (commands, blocks) = section(tree, CHAPTER);
    for command in section(tree, README).0 {
        let is_known = commands.contains(&command);
        assert!(is_known, "{README} types what {CHAPTER} does not: {command}");
    }
    let words: Vec<&str> = commands.iter().map(String::as_str).collect();
    let [
        bob,
        alice,
        tea,
        list,
        read,
        hello,
        waits,
        flush,
        again,
        nobody,
        bounces,
        bounce,
        lab,
    ] = words[..]
    else {
        panic!("{CHAPTER}: {TITLE}: 13 commands, not {}", words.len())
    };
    let [explained, waiting] = &blocks[..] else { panic!("two blocks") };
    let mut offices = Offices::new(binary);

    offices.serve("bob", bob);
    offices.serve("alice", alice);
    offices.is_silent(tea);
    offices.until(list, &["\talice@client.example\tTea\t"]);
    offices.until(read, &["by mx.example.org", "by mail.client.example"]);
    wait_until("the other side is explained", || {
        let log = without_numbers(&offices.log("alice"));
        explained.iter().all(|line| log.contains(&without_numbers(line)))
    });

    offices.stop("bob");
    offices.is_silent(hello);
    let why = waiting.last().unwrap().trim();
    offices.until(waits, &["\talice@client.example\tbob@example.org\t", why]);
    offices.serve("bob", bob);
    offices.is_silent(flush);
    offices.until(again, &["\tTea\t", "\tHello\t"]);

    offices.is_silent(nobody);
    offices.until(bounces, &["\tYour message could not be delivered\t"]);
    offices.until(bounce, &["<nobody@example.org>", "550 5.1.1 No such"]);
    assert_eq!(lab, "tests/lab/run");
}

/// What is typed in the section of a page, and the lines of its ```text blocks.
fn section(tree: &Tree, path: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let pages = pages_and_readme(tree);
    let page = pages.iter().find(|page| page.path == path).unwrap();
    let lines = lines_of(page);
    let is_here = |line: usize| lines.contains(&line);
    let typed = typed(page).into_iter();
    let typed = typed.filter(|typed: &Typed| is_here(typed.line));
    let blocks = page.blocks().into_iter();
    let blocks = blocks.filter(|b| is_here(b.line) && b.info == "text");
    (typed.map(|t| t.text).collect(), blocks.map(|b| b.lines).collect())
}

fn lines_of(page: &Page) -> std::ops::Range<usize> {
    let headings = page.headings();
    let mut headings = headings.iter().filter(|heading| heading.level == 2);
    let first = headings.find(|heading| heading.text == TITLE);
    let first = first.unwrap_or_else(|| panic!("{}: no {TITLE}", page.path));
    let end = headings.next().map_or(page.length() + 1, |next| next.line);
    first.line..end
}

/// Numbers, ids and sizes are others each time.
fn without_numbers(text: &str) -> String {
    let letters =
        text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c });
    let mut kept = String::new();
    for c in letters {
        if c != '0' || !kept.ends_with('0') {
            kept.push(c);
        }
    }
    kept
}

/// The reader's terminals.
struct Offices {
    folder: TempDir,
    binary: PathBuf,
    bobs_port: String,
    alices_port: String,
    servers: BTreeMap<String, Child>,
}

impl Offices {
    fn new(binary: &Path) -> Offices {
        Offices {
            folder: TempDir::new().unwrap(),
            binary: binary.to_owned(),
            bobs_port: free_port(),
            alices_port: free_port(),
            servers: BTreeMap::new(),
        }
    }

    /// Starts a server, and waits until it listens.
    fn serve(&mut self, name: &str, command: &str) {
        let file = |end| self.folder.path().join(format!("{name}.{end}"));
        let (out, log) = (file("out"), file("log"));
        let mut shell = self.shell(&format!("exec {command}"));
        shell.stdout(File::create(&out).unwrap());
        shell.stderr(File::create(&log).unwrap());
        self.servers.insert(name.to_owned(), shell.spawn().unwrap());
        wait_until("a server listens", || {
            fs::read_to_string(&out).unwrap().contains("listening on")
        });
    }

    /// Ctrl-C.
    fn stop(&mut self, name: &str) {
        let mut server = self.servers.remove(name).unwrap();
        server.kill().unwrap();
        server.wait().unwrap();
    }

    fn log(&self, name: &str) -> String {
        let path = self.folder.path().join(format!("{name}.log"));
        fs::read_to_string(path).unwrap()
    }

    /// The command does its work and says nothing.
    fn is_silent(&self, command: &str) {
        let output = self.shell(command).output().unwrap();
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8_lossy(&printed);
        assert!(output.status.success(), "{command}: {printed}");
        assert_eq!(printed, "", "{command}");
    }

    /// The command prints all this, now or a moment later.
    fn until(&self, command: &str, wanted: &[&str]) {
        wait_until(&format!("{command}: {wanted:?}"), || {
            let output = self.shell(command).output().unwrap();
            let printed = String::from_utf8_lossy(&output.stdout);
            wanted.iter().all(|words| printed.contains(words))
        });
    }

    /// A command of the page, as it is typed here.
    fn shell(&self, command: &str) -> Command {
        let program = format!("'{}'", self.binary.display());
        let mut command = command.replace("cargo run --", &program);
        command = command.replace(BOBS_PORT, &self.bobs_port);
        let more = [(" send ", "--server"), (" serve ", "--listen")];
        for (name, option) in more {
            if command.contains(name) && !command.contains(option) {
                command.push_str(&format!(" {option} {}", self.alices_port));
            }
        }
        let mut shell = Command::new("bash");
        shell.arg("-c").arg(command).current_dir(self.folder.path());
        shell.env_remove("RUST_LOG").stdin(Stdio::null());
        shell
    }
}

impl Drop for Offices {
    fn drop(&mut self) {
        for server in self.servers.values_mut() {
            // It may have ended by itself.
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}
