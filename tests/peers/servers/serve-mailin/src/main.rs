//! A server with mailin, a thread for each connection:
//!
//!     serve-mailin PORT FOLDER

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use mailin::response::{INTERNAL_ERROR, NO_MAILBOX, OK};
use mailin::{Action, Handler, Response, SessionBuilder};

const NAMES: [&str; 3] = ["bob", "carol", "postmaster"];

struct Post {
    folder: PathBuf,
    recipients: Vec<String>,
    message: Vec<u8>,
}

/// The mailbox of an address, if it lives here.
fn name(address: &str) -> Option<String> {
    let address = address.to_ascii_lowercase();
    let (name, domain) = address.rsplit_once('@').unwrap_or((&address, "example.org"));
    // Quotes that are not needed mean nothing (RFC 5321 4.1.2).
    let name = name.replace(['"', '\\'], "");
    (domain == "example.org" && NAMES.contains(&&*name)).then_some(name)
}

impl Handler for Post {
    fn rcpt(&mut self, to: &str) -> Response {
        match name(to) {
            Some(_) => OK,
            None => NO_MAILBOX,
        }
    }

    fn data_start(&mut self, _: &str, from: &str, _: bool, to: &[String]) -> Response {
        self.recipients = to.to_vec();
        self.message = format!("Return-Path: <{from}>\r\n").into_bytes();
        OK
    }

    fn data(&mut self, line: &[u8]) -> io::Result<()> {
        self.message.extend(line);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let mut names = self.recipients.iter().filter_map(|to| name(to));
        match names.try_for_each(|name| store(&self.folder, &name, &self.message)) {
            Ok(()) => OK,
            Err(_) => INTERNAL_ERROR,
        }
    }
}

fn store(folder: &Path, name: &str, message: &[u8]) -> io::Result<()> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let place = folder.join("example.org").join(name);
    for part in ["tmp", "new", "cur"] {
        fs::create_dir_all(place.join(part))?;
    }
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let file = format!("{}.{number}", process::id());
    fs::write(place.join("tmp").join(&file), message)?;
    fs::rename(place.join("tmp").join(&file), place.join("new").join(&file))
}

fn serve(stream: TcpStream, ip: IpAddr, folder: PathBuf) -> io::Result<()> {
    let post = Post { folder, recipients: Vec::new(), message: Vec::new() };
    let mut session = SessionBuilder::new("mx.example.org").build(ip, post);
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    session.greeting().write_to(&mut out)?;
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        let response = session.process(&line);
        line.clear();
        match response.action {
            Action::NoReply => {}
            Action::Reply | Action::UpgradeTls => response.write_to(&mut out)?,
            Action::Close => {
                response.write_to(&mut out)?;
                return out.flush();
            }
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [port, folder] = arguments.as_slice() else {
        return Err(io::Error::other("usage: serve-mailin PORT FOLDER"));
    };
    let port = port.parse().map_err(io::Error::other)?;
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    for stream in listener.incoming() {
        let stream = stream?;
        let (ip, folder) = (stream.peer_addr()?.ip(), PathBuf::from(folder));
        thread::spawn(move || serve(stream, ip, folder));
    }
    Ok(())
}
