//! Errors and foreign bytes, made fit for people and logs.
//!
//! The system's words for an error end in a number that means nothing to a
//! student. What a client, a server or a file brings may hold a line end that
//! forges a line of the log, or a byte that a terminal takes for an order.
//! Both go through here before anybody reads them.
//!
//! Interface:
//!   `reason`       the system's words for an error
//!   `because`      the same, after what could not be done
//!   `no_thread`    the same, of a thread that was not started
//!   `lower_first`  a sentence made fit for the middle of a line
//!   `printable`    bytes from outside, escaped and not too long
//!   `in_one_line`  the name of a file, in a report that has lines
//!   `shell_word`   a word of a command that can be pasted

use std::io;
use std::path::Path;

/// The system's words for an error: without its number, with a small letter
/// at the front, as they go on after a colon.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    lower_first(text.split(" (os error").next().unwrap_or_default())
}

/// An error of the same kind that says what could not be done, and why.
pub fn because(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {}", reason(error)))
}

/// The same, where the system gives no thread.
pub fn no_thread(error: io::Error) -> io::Error {
    because("cannot start a thread", &error)
}

/// The text with a small letter at its front.
pub fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

// ANCHOR: printable
/// Bytes from outside, fit for a log: escaped, and `most` bytes of them.
pub fn printable(bytes: &[u8], most: usize) -> String {
    let shown = bytes.get(..most).unwrap_or(bytes);
    let dots = if shown.len() < bytes.len() { "..." } else { "" };
    format!("{}{dots}", shown.escape_ascii())
}
// ANCHOR_END: printable

/// The name of a file as it is, but in one line: a control character in it
/// would forge a line of a report, or give a terminal an order.
pub fn in_one_line(path: &Path) -> String {
    let escaped = |letter: char| match letter.is_control() {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    };
    path.to_string_lossy().chars().map(escaped).collect()
}

/// A word as a shell takes it, in one line whatever is in it.
pub fn shell_word(word: &str) -> String {
    let is_plain =
        |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    if word.contains(char::is_control) {
        return format!("$'{}'", word.escape_default());
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_without_its_number() {
        let error = io::Error::from_raw_os_error(13);
        assert_eq!(reason(&error), "permission denied");
        let told = because("cannot listen on 127.0.0.1:25", &error);
        assert_eq!(told.kind(), io::ErrorKind::PermissionDenied);
        let wanted = "cannot listen on 127.0.0.1:25: permission denied";
        assert_eq!(told.to_string(), wanted);
        // Told twice, the first reason stays as it is.
        let again = because("cannot start", &told).to_string();
        assert_eq!(again, format!("cannot start: {wanted}"));
    }

    #[test]
    fn the_name_of_a_file_is_one_line() {
        let name = in_one_line(Path::new("é \\/a\nok 2\x1b[2J.txt"));
        assert_eq!(name, "é \\/a\\nok 2\\u{1b}[2J.txt");
    }

    #[test]
    fn a_word_of_a_command_can_be_pasted() {
        let table = [
            ("--server=a:25", "--server=a:25"),
            ("", "''"),
            ("x {port}", "'x {port}'"),
            ("it's", r"'it'\''s'"),
            ("a\n'b", r"$'a\n\'b'"),
        ];
        for (word, wanted) in table {
            assert_eq!(shell_word(word), wanted);
        }
    }

    #[test]
    fn what_comes_from_outside_is_one_line_and_not_too_long() {
        assert_eq!(printable(b"a\r\nb\x1b[2J", 99), "a\\r\\nb\\x1b[2J");
        assert_eq!(printable(b"12345", 5), "12345");
        assert_eq!(printable(b"123456", 5), "12345...");
    }
}
