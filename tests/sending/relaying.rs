//! Never an open relay: a client that may not relay, and every form of an
//! address that somebody has got through some server with (RFC 5321 7.8).

use super::office::{OURS, Office, list};
use crate::support::{Client, Server};
use std::fs;
use std::io::{ErrorKind, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// What comes after `RCPT TO:`. Only client.example is here.
const FORMS: [&str; 76] = [
    // As it should be.
    "<user@elsewhere.example>",
    "<User@ELSEWHERE.EXAMPLE>",
    "<user@sub.elsewhere.example>",
    "<user+tag@elsewhere.example>",
    "<postmaster@elsewhere.example>",
    "<abuse@elsewhere.example>",
    "<user@localhost>",
    "<user@localhost.localdomain>",
    "<user@example>",
    // Nearly our own domain.
    "<user@sub.client.example>",
    "<user@xclient.example>",
    "<user@client.example.elsewhere.example>",
    "<user@client.example.>",
    "<user@.client.example>",
    "<user@client..example>",
    "<user@client-example>",
    "<user@client.examples>",
    "<user@client.exampl>",
    "<user@CLIENT.EXAMPLE.elsewhere.example>",
    // A way in the local part: percent and bang (RFC 5321 appendix F.3).
    "<user%elsewhere.example@client.example>",
    "<user%elsewhere.example%sub.example@client.example>",
    "<user%elsewhere.example@>",
    "<user%elsewhere.example>",
    "<user%40elsewhere.example@client.example>",
    "<elsewhere.example!user@client.example>",
    "<elsewhere.example!user>",
    "<client.example!elsewhere.example!user>",
    "<elsewhere.example!user%sub.example@client.example>",
    "<user/elsewhere.example@client.example>",
    "<user:elsewhere.example@client.example>",
    "<user=elsewhere.example@client.example>",
    "<user#elsewhere.example@client.example>",
    // Quoted.
    "<\"user@elsewhere.example\"@client.example>",
    "<\"user@elsewhere.example\">",
    "<\"user%elsewhere.example\"@client.example>",
    "<\"elsewhere.example!user\"@client.example>",
    "<\"user\"@elsewhere.example>",
    "<\"us\\er\"@elsewhere.example>",
    "<\"user@elsewhere.example\\\"@client.example\">",
    "<\"\"@elsewhere.example>",
    "<\"user \"@elsewhere.example>",
    "<user\"@\"elsewhere.example>",
    // A source route (RFC 5321 appendix C).
    "<@client.example:user@elsewhere.example>",
    "<@elsewhere.example:user@client.example>",
    "<@client.example,@elsewhere.example:user@sub.example>",
    "<@client.example:user%elsewhere.example@client.example>",
    "<@elsewhere.example:user@elsewhere.example>",
    "<@client.example:\"user@elsewhere.example\"@client.example>",
    "<@client.example:@elsewhere.example:user@sub.example>",
    "<@client.example,user@elsewhere.example>",
    // Two addresses in one.
    "<user@elsewhere.example@client.example>",
    "<user@client.example@elsewhere.example>",
    "<user@client.example,user@elsewhere.example>",
    "<user@client.example;user@elsewhere.example>",
    "<user@client.example user@elsewhere.example>",
    "<user@client.example><user@elsewhere.example>",
    "<user@elsewhere.example> <user@client.example>",
    "<<user@elsewhere.example>>",
    "<user@elsewhere.example>,<user@client.example>",
    // Addresses instead of names.
    "<user@[192.0.2.1]>",
    "<user@[127.0.0.1]>",
    "<user@[IPv6:2001:db8::1]>",
    "<user@[IPv6:::1]>",
    "<user@[tag:client.example]>",
    "<user@192.0.2.1>",
    "<user@#3221225985>",
    "<user@[client.example]>",
    // Without angle brackets, or half of them, or nothing.
    "user@elsewhere.example",
    "\"user@elsewhere.example\"",
    "<user@elsewhere.example",
    "user@elsewhere.example>",
    " <user@elsewhere.example>",
    "<user@elsewhere.example> SIZE=1",
    "<user>",
    "<>",
    // Letters beyond ASCII that look like ours.
    "<user@cl\u{456}ent.example>",
];

const SENDERS: [&str; 3] =
    ["<spammer@elsewhere.example>", "<alice@client.example>", "<>"];

/// Tries each form with each sender, and sends a message where it is accepted.
/// Gives how often it was.
fn try_all(connect: impl Fn() -> Client) -> usize {
    let mut count = 0;
    for form in FORMS {
        for sender in SENDERS {
            let mut client = connect();
            client.expect(220);
            client.say("EHLO client.example");
            client.expect(250);
            client.say(&format!("MAIL FROM:{sender} SMTPUTF8"));
            client.expect(250);
            client.say(&format!("RCPT TO:{form}"));
            if client.reply().starts_with("250") {
                client.say("DATA");
                client.expect(354);
                client.say("Subject: buy\r\n\r\nnow\r\n.");
                client.expect(250);
                count += 1;
            }
        }
    }
    count
}

/// All mail is in mailboxes of client.example.
fn all_mail_is_ours(server: &Server) {
    for domain in fs::read_dir(server.mail()).unwrap() {
        let name = domain.unwrap().file_name().into_string().unwrap();
        assert!(
            ["client.example", ".tmp", ".lock"].contains(&&*name),
            "{name}"
        );
    }
}

/// Where mail would go to, and nobody may come.
struct Trap(TcpListener);

impl Trap {
    fn set() -> Trap {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Trap(listener)
    }

    fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    fn is_empty(&self) -> bool {
        let came = self.0.accept();
        came.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}

#[test]
fn without_a_queue_no_form_of_an_address_is_relayed() {
    let server = Server::start(&OURS);
    try_all(|| server.connect());
    all_mail_is_ours(&server);
}

#[test]
fn with_a_queue_no_form_is_relayed_for_a_client_that_may_not() {
    for network in ["192.0.2.0/24", "127.0.0.2", "::1", "::/0"] {
        let trap = Trap::set();
        let host = trap.address();
        let options = ["--relay-from", network, "--smart-host", &host];
        let office = Office::start(&options);
        try_all(|| office.server.connect());
        all_mail_is_ours(&office.server);
        assert!(office.files().is_empty(), "{network}: {:?}", office.files());
        assert!(trap.is_empty(), "{network}");
    }
}

#[test]
fn a_client_that_may_relay_gets_many_of_these_forms_through() {
    let trap = Trap::set();
    let host = trap.address();
    let office = Office::start(&["--smart-host", &host]);
    let count = try_all(|| office.server.connect());
    assert!(count >= 3 * 20, "{count}");
    assert!(office.list().len() >= 20);
    for fields in office.list() {
        assert!(!fields[5].ends_with("@client.example"), "{fields:?}");
    }
}

#[test]
fn a_session_over_standard_input_relays_for_nobody() {
    let folder = TempDir::new().unwrap();
    let queue = folder.path().join("queue");
    let mut child = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
        .args(["serve", "--stdio", "--hostname", "client.example", "--queue"])
        .arg(&queue)
        .arg("--mail")
        .arg(folder.path().join("mail"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let session = "EHLO client.example\r\nMAIL FROM:<>\r\n\
        RCPT TO:<user@elsewhere.example>\r\nQUIT\r\n";
    child.stdin.take().unwrap().write_all(session.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\r\n550 5.7.1 "), "{text}");
    assert!(!queue.exists() || list(&queue).is_empty());
}
