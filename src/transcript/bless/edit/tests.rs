use super::*;
use crate::transcript::format::script::Action;
use crate::transcript::format::testing;

/// Changes the page so that each reply is the next one of these, and the
/// message is this.
fn change(page: &str, said: &[&str], message: &str) -> (String, Page) {
    let file = format!("Title: t\nLevel: own\n\n{page}");
    let mut edit = Page::new("mx.example.org", true);
    let mut names = Names::default();
    let mut said = said.iter();
    for step in testing::read(&file).unwrap().steps {
        if let Action::Reply(wanted) = &step.action {
            let lines = said.next().unwrap().split('|');
            let lines: Vec<Vec<u8>> =
                lines.map(|line| line.as_bytes().to_vec()).collect();
            let code = String::from_utf8_lossy(&lines[0][..3]);
            let code = code.parse().unwrap();
            let said = ServerReply { code, lines };
            edit.reply(&step, wanted, &said, &mut names);
        }
        if let Action::Mailbox(wanted) = &step.action {
            let bytes = message.as_bytes();
            edit.message(&wanted.messages[0], bytes, &mut names);
        }
    }
    let text = edit.text(&file);
    (text[file.len() - page.len()..].to_owned(), edit)
}

#[test]
fn what_fits_stays_byte_for_byte_and_the_rest_is_written_anew() {
    let table = [
        ("S: 220 {host} {...}\n", "220 a b c", "S: 220 {host} {...}\n"),
        (
            "S: 250-{host} greets\n# Why?\nS: 250-SIZE\nS: 250 HELP\n",
            "250-mx.example.org greets|250-8BITMIME|250-SIZE|250 HELP",
            "S: 250-{host} greets\nS: 250-8BITMIME\n# Why?\n\
             S: 250-SIZE\nS: 250 HELP\n",
        ),
        (
            "S: 250-a\nS: 250 b\n",
            "250-a|250-b|250 c",
            "S: 250-a\nS: 250-b\nS: 250 c\n",
        ),
        ("S: 250-a\n\nS: 250 b\n", "250 b", "\nS: 250 b\n"),
        ("S: 250-a\nS: ...\n", "250 a", "S: 250 a\n"),
        ("S: 250-x\nS: ...\n", "250-a|250-b|250 c", "S: 250-a\nS: ...\n"),
        ("S1: 000\n", "250-a|250 {b ", "S1: 250-a\nS1: 250 \\{b\\x20\n"),
        (
            "S: 000",
            "220 mx.example.org at mx.example.org.",
            "S: 220 {host} at mx.example.org.",
        ),
        ("S: 250\n", "250 ", "S: 250\n"),
        ("S: 550 {3*x}\n", "554 xxx", "S: 554 {3*x}\n"),
        (
            "S: 250 {size} of {...} for {host}\n",
            "250 7 from a b for mx.example.org",
            "S: 250 {size} from {...} for {host}\n",
        ),
    ];
    for (page, said, wanted) in table {
        let (new, _) = change(page, &[said], "");
        assert_eq!(new, wanted, "{said}");
    }
}

#[test]
fn messages_change_line_by_line_with_their_holes() {
    let page = "(mailbox bob@example.org has 1 message)\n\
        M: Received: from {who} with SMTP id {...};\n\
        # The date.\n\
        M: \\t{...} +0000\n\
        M: ...\n\
        M: Subject: dots\n\
        M:\n\
        M: one\n\
        M: three\n";
    let message = "Received: from a.test with ESMTP id 1.2;\n\
        \tMon, 23 Nov +0000\nFrom: a\nTo: b\nSubject: spots\n\n\
        one\ntwo\nthree\n";
    let wanted = "(mailbox bob@example.org has 1 message)\n\
        M: Received: from {who} with ESMTP id {...};\n\
        # The date.\n\
        M: \\t{...} +0000\n\
        M: ...\n\
        M: Subject: spots\n\
        M:\n\
        M: one\n\
        M: two\n\
        M: three\n";
    let (new, _) = change(page, &[], message);
    assert_eq!(new, wanted);
}

#[test]
fn holes_that_no_longer_fit_are_told() {
    let page = "S: 220 {host} x\nS: 250 {host}\n";
    let said = ["220 mx.example.org x", "250 other"];
    let (new, edit) = change(page, &said, "");
    assert_eq!(new, "S: 220 {host} x\nS: 250 other\n");
    let what = "{host} = mx.example.org, now 'other'".to_owned();
    assert_eq!(edit.lost_holes, [(5, what)]);
}
