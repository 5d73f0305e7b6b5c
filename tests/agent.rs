//! What `pillarbox send` makes of options and a text, before anybody is
//! connected to (RFC 5322, RFC 2047).
//!
//! A test fails by panicking.
#![allow(clippy::expect_used, clippy::panic)]

use pillarbox::agent::compose::{Content, Field, Letter, Message, Stamp};
use pillarbox::agent::refusal::{BAD_TEXT, Refusal};
use pillarbox::protocol::address::{self, Mailbox, ReversePath};

fn mailbox(text: &str) -> Mailbox {
    address::mailbox(text).expect(text)
}

fn field(text: &str) -> Field {
    Field::read(text).expect(text)
}

fn subject(text: &str) -> Field {
    Field::subject(text).expect(text)
}

/// A letter from Alice to these.
fn letter_to(to: &[&str], content: Content) -> Letter {
    let from = ReversePath::Mailbox(mailbox("alice@example.org"));
    let to: Vec<_> = to.iter().map(|text| mailbox(text)).collect();
    Letter::new(from, &to, content).expect("a letter")
}

/// A letter from Alice to Bob.
fn with(fields: &[Field]) -> Letter {
    letter_to(&["bob@example.net"], Content::Body(fields.to_vec()))
}

fn raw() -> Letter {
    letter_to(&["bob@example.net"], Content::Raw)
}

fn compose(letter: &Letter, text: &[u8]) -> Result<Message, Refusal> {
    let stamp = Stamp { seconds: 784_111_777, id: "00ff".into() };
    letter.message(text.to_vec(), &stamp)
}

fn composed(letter: &Letter, text: &[u8]) -> String {
    let message = compose(letter, text).expect("a message");
    String::from_utf8(message.bytes).expect("UTF-8")
}

/// The header of a message, which must have one empty line after it.
fn header(letter: &Letter, text: &str) -> String {
    let message = composed(letter, text.as_bytes());
    let (header, rest) = message.split_once("\n\n").expect("an empty line");
    assert_eq!(rest, text);
    format!("{header}\n")
}

#[test]
fn what_a_message_must_have_is_added_rfc_5322_3_6() {
    let to = ["bob@example.net", "\"c d\"@[127.0.0.1]"];
    let letter = letter_to(&to, Content::Body(vec![subject("Lunch")]));
    assert_eq!(
        composed(&letter, b"At noon?\n"),
        "Date: Sun, 06 Nov 1994 08:49:37 +0000\n\
         From: alice@example.org\n\
         To: bob@example.net, \"c d\"@[127.0.0.1]\n\
         Message-ID: <784111777.00ff@example.org>\n\
         Subject: Lunch\n\
         \n\
         At noon?\n"
    );
}

#[test]
fn what_the_user_has_given_is_not_added_again() {
    let fields = [
        "date: yesterday",
        "FROM: Alice <alice@example.org>",
        "To: list:;",
        "Message-Id: <1@x>",
        "Subject: hi",
    ];
    assert_eq!(
        header(&with(&fields.map(field)), ""),
        "date: yesterday\nFROM: Alice <alice@example.org>\nTo: list:;\n\
         Message-Id: <1@x>\nSubject: hi\n"
    );
    // No subject is no reason to make one up (RFC 5322 3.6.5).
    assert!(!header(&with(&[field("X: y")]), "").contains("Subject"));
}

#[test]
fn the_envelope_is_from_and_to_alone() {
    let fields = vec![field("To: all@x.example"), field("Cc: cc@x.example")];
    let letter = letter_to(&["b@c", "b@c", "B@c"], Content::Body(fields));
    assert_eq!(letter.from().to_string(), "<alice@example.org>");
    assert_eq!(letter.to(), [mailbox("b@c"), mailbox("B@c")]);
}

#[test]
fn the_null_sender_needs_a_header_with_a_sender() {
    let to = [mailbox("bob@example.net")];
    let letter = |content| Letter::new(ReversePath::Null, &to, content);
    assert!(letter(Content::Raw).is_ok());
    let fields = vec![field("From: alice@example.org")];
    assert!(letter(Content::Body(fields)).is_ok());
    letter(Content::Body(Vec::new())).expect_err("no From");
}

#[test]
fn a_text_beyond_ascii_says_how_it_is_written() {
    let mime = "MIME-Version: 1.0\n\
        Content-Type: text/plain; charset=UTF-8\n\
        Content-Transfer-Encoding: 8bit\n";
    assert!(header(&with(&[]), "Grüße\n").ends_with(mime));
    assert!(!header(&with(&[]), "hello\n").contains("MIME"));
    let own = with(&[field("Content-Type: text/html; charset=UTF-8")]);
    let found = header(&own, "<p>Grüße\n");
    assert_eq!(found.matches("Content-Type").count(), 1);
    assert!(found.contains("MIME-Version: 1.0\n"));
    let latin = compose(&with(&[]), b"Gr\xfc\xdfe\n").expect("a message");
    let charset = b"charset=unknown-8bit\n".as_slice();
    assert!(latin.bytes.windows(charset.len()).any(|part| part == charset));
    assert!(latin.bytes.ends_with(b"\n\nGr\xfc\xdfe\n"));
}

#[test]
fn a_subject_and_headers_beyond_ascii_become_encoded_words_rfc_2047() {
    let found = header(
        &with(&[
            subject("Grüße aus Köln"),
            field("From: Käthe Köhl <k@example.org>"),
        ]),
        "",
    );
    assert!(found.is_ascii(), "{found}");
    assert!(found.contains(
        "\nSubject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?= aus =?UTF-8?Q?K=C3=B6ln?=\n"
    ));
    assert!(found.contains(
        "\nFrom: =?UTF-8?Q?K=C3=A4the_K=C3=B6hl?= <k@example.org>\n"
    ));
}

#[test]
fn an_address_beyond_ascii_stays_as_it_is_rfc_6531() {
    let content = Content::Body(Vec::new());
    let letter = letter_to(&["käthe@example.net"], content);
    assert!(header(&letter, "").contains("\nTo: käthe@example.net\n"));
}

#[test]
fn many_recipients_are_folded_into_lines_of_78() {
    let name = |n: usize| format!("recipient.number.{n}@example.net");
    let names: Vec<String> = (0..100).map(name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = header(&letter_to(&names, Content::Body(Vec::new())), "");
    assert!(found.lines().all(|line| line.len() <= 78));
    let unfolded = found.replace("\n ", " ");
    let line = unfolded.lines().find(|line| line.starts_with("To: "));
    let list = line.expect("a To field").strip_prefix("To: ");
    assert_eq!(list.expect("its value").split(", ").count(), 100);
}

#[test]
fn a_text_is_a_text_whatever_it_looks_like() {
    for text in ["Subject: no\n\nhello\n", "From x\n", ".\n..\n", "\n\n", ""] {
        let found = composed(&with(&[]), text.as_bytes());
        assert!(found.ends_with(&format!("example.org>\n\n{text}")), "{text}");
    }
}

#[test]
fn both_line_ends_are_line_ends_and_the_last_line_gets_one() {
    for (text, want) in [
        ("a\r\nb\nc", "a\nb\nc\n"),
        ("a\r\n\r\n", "a\n\n"),
        ("\r\n", "\n"),
        ("", ""),
    ] {
        let found = composed(&with(&[]), text.as_bytes());
        assert!(
            found.ends_with(&format!("example.org>\n\n{want}")),
            "{text:?}"
        );
    }
}

#[test]
fn a_lone_carriage_return_or_a_nul_is_no_text_rfc_5321_2_3_8() {
    for text in ["a\rb\n", "a\r", "a\r\r\n", "\r", "a\0b", "\0"] {
        let text = format!("X: y\n{text}");
        for letter in [with(&[]), raw()] {
            let refusal = compose(&letter, text.as_bytes());
            let refusal = refusal.expect_err("a refusal");
            assert_eq!(refusal.code, BAD_TEXT, "{text:?}");
            assert!(refusal.text.starts_with("line 2 of"), "{}", refusal.text);
        }
    }
}

/// Case 13: what another program puts into an option must not become a field,
/// a text or a command. (Addresses: `protocol::address`.)
#[test]
fn no_option_can_bring_a_line_end_or_a_control_character() {
    for bad in ["\r\n", "\n", "\r", "\0", "\x1b", "\x7f", "\t", "\u{85}"] {
        let text = format!("a{bad}Bcc: b");
        Field::subject(&text).expect_err("a control character");
        Field::read(&format!("X: {text}")).expect_err("in the value");
        Field::read(&format!("X{bad}: y")).expect_err("in the name");
        Field::read(&format!("X: y{bad}")).expect_err("at the end");
        let address = format!("a{bad}@b");
        address::mailbox(&address).expect_err("in an address");
    }
}

#[test]
fn a_header_that_is_no_field_is_refused() {
    for text in [
        "",
        "Name",
        ": value",
        " Name: value",
        "Name : value",
        "Na me: value",
        "Näme: value",
        "Bcc: bob@example.org",
        "bcc:",
        "Resent-BCC: bob@example.org",
    ] {
        Field::read(text).expect_err(text);
    }
    for fields in [
        [field("Subject: a"), field("subject: b")],
        [subject("a"), field("SUBJECT: b")],
        [field("To: a@b"), field("to: c@d")],
    ] {
        let content = Content::Body(fields.to_vec());
        let (from, to) = (mailbox("a@b"), [mailbox("c@d")]);
        let letter = Letter::new(ReversePath::Mailbox(from), &to, content);
        assert!(letter.expect_err("twice").contains("one"));
    }
    // Fields of one's own may be there more than once.
    assert_eq!(
        header(&with(&[field("X: a"), field("X: b")]), "")
            .matches("X: ")
            .count(),
        2
    );
}

#[test]
fn no_line_of_the_header_is_over_998_rfc_5322_2_1_1() {
    let value = |length: usize| format!("X:{}", "y".repeat(length));
    assert!(header(&with(&[field(&value(995))]), "").contains("yyy\n"));
    Field::read(&value(996)).expect_err("too long");
    Field::subject(&"y".repeat(990)).expect_err("too long");
    // What can be folded or encoded may be of any length.
    let long = subject(&"yy ".repeat(5000));
    let beyond = field(&format!("X: {}", "ä".repeat(5000)));
    assert!(header(&with(&[long, beyond]), "").lines().all(|l| l.len() <= 78));
}

#[test]
fn a_raw_message_goes_as_it_is() {
    let text = b"X-Odd :  a\n\tb\nFrom: \xff\nno field\n\nBcc: text\n.\n\xc3\n";
    let message = compose(&raw(), text).expect("a message");
    assert_eq!(message.bytes, text);
    assert_eq!(message.hidden, 0);
    let message = compose(&raw(), b"A: b\r\n\r\nc").expect("a message");
    assert_eq!(message.bytes, b"A: b\n\nc\n");
    let message = compose(&raw(), b"A: b").expect("a message");
    assert_eq!(message.bytes, b"A: b\n");
}

/// Case 14: nobody sees the hidden recipients, also where there are several
/// fields of them, one after another.
#[test]
fn hidden_recipients_are_taken_out_of_a_raw_message_rfc_5322_3_6_3() {
    let text = "Bcc: a@b,\n c@d\nBCC: e@f\nTo: g@h\nbcc :\n\ti@j\n \n\
        Resent-Bcc: k@l\nnot a field\nBcc: m@n\nX-Bcc: o\nBcc\x0c: p@q\n\n\
        Bcc: text\n";
    let message = compose(&raw(), text.as_bytes()).expect("a message");
    let want = "To: g@h\nnot a field\nX-Bcc: o\n\nBcc: text\n";
    assert_eq!(String::from_utf8_lossy(&message.bytes), want);
    assert_eq!(message.hidden, 6);
}

#[test]
fn without_a_header_first_nothing_is_raw() {
    for text in [
        "",
        "\n",
        "hello\n",
        "\nX: y\n",
        " X: y\n",
        ": y\n",
        "a b: c\n",
        // A form feed is no blank.
        "X\x0c: y\n",
    ] {
        let refusal = compose(&raw(), text.as_bytes());
        assert_eq!(refusal.expect_err("a refusal").code, BAD_TEXT, "{text:?}");
    }
}
