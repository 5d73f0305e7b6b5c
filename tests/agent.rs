//! What `pillarbox send` makes of options and a text, before anybody is
//! connected to (RFC 5322, RFC 2047).
//!
//! A test fails by panicking.
#![allow(clippy::expect_used, clippy::panic)]

use pillarbox::agent::compose::{Draft, Letter, Message, Stamp};
use pillarbox::agent::refusal::{BAD_TEXT, BAD_USAGE, Refusal};

fn letter() -> Letter {
    Letter {
        from: Some("alice@example.org".into()),
        to: vec!["bob@example.net".into()],
        ..Letter::default()
    }
}

fn with_headers(headers: &[&str]) -> Letter {
    let headers = headers.iter().map(|text| (*text).to_owned()).collect();
    Letter { headers, ..letter() }
}

fn raw() -> Letter {
    Letter { is_raw: true, ..letter() }
}

fn compose(letter: &Letter, text: &[u8]) -> Result<Message, Refusal> {
    let stamp = Stamp { seconds: 784_111_777, id: "00ff".into() };
    Draft::new(letter)?.message(text.to_vec(), &stamp)
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
    let letter = Letter {
        subject: Some("Lunch".into()),
        to: vec!["bob@example.net".into(), "\"c d\"@[127.0.0.1]".into()],
        ..letter()
    };
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
    let letter = with_headers(&[
        "date: yesterday",
        "FROM: Alice <alice@example.org>",
        "To: list:;",
        "Message-Id: <1@x>",
        "Subject: hi",
    ]);
    assert_eq!(
        header(&letter, ""),
        "date: yesterday\nFROM: Alice <alice@example.org>\nTo: list:;\n\
         Message-Id: <1@x>\nSubject: hi\n"
    );
    // No subject is no reason to make one up (RFC 5322 3.6.5).
    assert!(!header(&with_headers(&["X: y"]), "").contains("Subject"));
}

#[test]
fn the_envelope_is_from_and_to_alone() {
    let letter = with_headers(&["To: all@x.example", "Cc: cc@x.example"]);
    let letter =
        Letter { to: vec!["b@c".into(), "b@c".into(), "B@c".into()], ..letter };
    let draft = Draft::new(&letter).expect("a draft");
    assert_eq!(draft.from(), "alice@example.org");
    assert_eq!(draft.to(), ["b@c", "B@c"]);
    let null = Letter { from: Some(String::new()), ..raw() };
    assert_eq!(Draft::new(&null).expect("a draft").from(), "");
}

#[test]
fn a_text_beyond_ascii_says_how_it_is_written() {
    let mime = "MIME-Version: 1.0\n\
        Content-Type: text/plain; charset=UTF-8\n\
        Content-Transfer-Encoding: 8bit\n";
    assert!(header(&letter(), "Grüße\n").ends_with(mime));
    assert!(!header(&letter(), "hello\n").contains("MIME"));
    let own = with_headers(&["Content-Type: text/html; charset=UTF-8"]);
    let found = header(&own, "<p>Grüße\n");
    assert_eq!(found.matches("Content-Type").count(), 1);
    assert!(found.contains("MIME-Version: 1.0\n"));
    let latin = compose(&letter(), b"Gr\xfc\xdfe\n").expect("a message");
    let charset = b"charset=unknown-8bit\n".as_slice();
    assert!(latin.bytes.windows(charset.len()).any(|part| part == charset));
    assert!(latin.bytes.ends_with(b"\n\nGr\xfc\xdfe\n"));
}

#[test]
fn a_subject_and_headers_beyond_ascii_become_encoded_words_rfc_2047() {
    let letter = Letter {
        subject: Some("Grüße aus Köln".into()),
        ..with_headers(&["From: Käthe Köhl <k@example.org>"])
    };
    let found = header(&letter, "");
    assert!(found.is_ascii(), "{found}");
    assert!(found.contains(
        "\nSubject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?= aus =?UTF-8?Q?K=C3=B6ln?=\n"
    ));
    assert!(found.contains(
        "\nFrom: =?UTF-8?Q?K=C3=A4the_K=C3=B6hl?= <k@example.org>\n"
    ));
    let message = compose(&letter, b"").expect("a message");
    assert!(!message.has_utf8_address);
}

#[test]
fn an_address_beyond_ascii_stays_and_is_told_of_rfc_6531() {
    let letter = Letter { to: vec!["käthe@example.net".into()], ..letter() };
    let message = compose(&letter, b"").expect("a message");
    assert!(message.has_utf8_address);
    let text = String::from_utf8(message.bytes).expect("UTF-8");
    assert!(text.contains("\nTo: käthe@example.net\n"));
}

#[test]
fn many_recipients_are_folded_into_lines_of_78() {
    let name = |n: usize| format!("recipient.number.{n}@example.net");
    let letter = Letter { to: (0..100).map(name).collect(), ..letter() };
    let found = header(&letter, "");
    assert!(found.lines().all(|line| line.len() <= 78));
    let unfolded = found.replace("\n ", " ");
    let line = unfolded.lines().find(|line| line.starts_with("To: "));
    let list = line.expect("a To field").strip_prefix("To: ");
    assert_eq!(list.expect("its value").split(", ").count(), 100);
}

#[test]
fn a_text_is_a_text_whatever_it_looks_like() {
    for text in ["Subject: no\n\nhello\n", "From x\n", ".\n..\n", "\n\n", ""] {
        let found = composed(&letter(), text.as_bytes());
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
        let found = composed(&letter(), text.as_bytes());
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
        for letter in [letter(), raw()] {
            let refusal = compose(&letter, text.as_bytes());
            let refusal = refusal.expect_err("a refusal");
            assert_eq!(refusal.code, BAD_TEXT, "{text:?}");
            assert!(refusal.text.starts_with("line 2 of"), "{}", refusal.text);
        }
    }
}

/// Case 13: what another program puts into an option must not become a field,
/// a text or a command.
#[test]
fn no_option_can_bring_a_line_end_or_a_control_character() {
    for bad in ["\r\n", "\n", "\r", "\0", "\x1b", "\x7f", "\t", "\u{85}"] {
        let text = format!("a{bad}Bcc: b");
        let subject = Letter { subject: Some(text.clone()), ..letter() };
        let value = with_headers(&[&format!("X: {text}")]);
        let name = with_headers(&[&format!("X{bad}: y")]);
        let address = format!("a{bad}@b");
        let from = Letter { from: Some(address.clone()), ..letter() };
        let to = Letter { to: vec!["b@c".into(), address], ..letter() };
        for letter in [subject, value, name, from, to] {
            check_usage(&letter);
        }
    }
}

fn check_usage(letter: &Letter) {
    let refusal = Draft::new(letter).expect_err("a refusal");
    assert_eq!(refusal.code, BAD_USAGE, "{letter:?}");
    assert!(!refusal.text.contains(char::is_control), "{}", refusal.text);
}

#[test]
fn every_bad_address_is_refused_before_there_is_a_text() {
    for address in [
        "bob",
        "bob@",
        "@example.org",
        "Bob <bob@example.org>",
        "<bob@example.org>",
        "@relay.example:bob@example.org",
        "bob@example.org, al@example.org",
        "bob@exa mple.org",
        "bob@example.org>",
        " bob@example.org",
        "bob@example..org",
    ] {
        check_usage(&Letter { to: vec![address.into()], ..letter() });
        check_usage(&Letter { from: Some(address.into()), ..letter() });
    }
    check_usage(&Letter { to: vec![String::new()], ..letter() });
    check_usage(&Letter { from: None, ..letter() });
    check_usage(&Letter { to: Vec::new(), ..letter() });
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
        check_usage(&with_headers(&[text]));
    }
    check_usage(&with_headers(&["Subject: a", "subject: b"]));
    check_usage(&Letter {
        subject: Some("a".into()),
        ..with_headers(&["Subject: b"])
    });
    assert!(Draft::new(&with_headers(&["X: a", "X: b"])).is_ok());
    // The null sender has no address for From.
    check_usage(&Letter { from: Some(String::new()), ..letter() });
}

#[test]
fn no_line_of_the_header_is_over_998_rfc_5322_2_1_1() {
    let value = |length: usize| format!("X:{}", "y".repeat(length));
    assert!(compose(&with_headers(&[&value(995)]), b"").is_ok());
    let refusal = compose(&with_headers(&[&value(996)]), b"");
    assert_eq!(refusal.expect_err("a refusal").code, BAD_USAGE);
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
        Resent-Bcc: k@l\nnot a field\nBcc: m@n\nX-Bcc: o\n\nBcc: text\n";
    let message = compose(&raw(), text.as_bytes()).expect("a message");
    let want = "To: g@h\nnot a field\nX-Bcc: o\n\nBcc: text\n";
    assert_eq!(String::from_utf8_lossy(&message.bytes), want);
    assert_eq!(message.hidden, 5);
}

#[test]
fn without_a_header_first_nothing_is_raw() {
    for text in
        ["", "\n", "hello\n", "\nX: y\n", " X: y\n", ": y\n", "a b: c\n"]
    {
        let refusal = compose(&raw(), text.as_bytes());
        assert_eq!(refusal.expect_err("a refusal").code, BAD_TEXT, "{text:?}");
    }
    check_usage(&Letter { subject: Some("a".into()), ..raw() });
    check_usage(&Letter { headers: vec!["X: y".into()], ..raw() });
}
