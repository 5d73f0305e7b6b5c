//! `{dir}` in a command: a student's folder, as a word of the shell.
//!
//! A folder may be called anything. Its path is put in so that the shell takes
//! it as one word, or as a part of one: also within quotes, and whatever it
//! holds. It begins with a slash, so no program takes it for an option.
//!
//! What is put in is text. A path that is not UTF-8 is made by the shell's
//! own `printf`. And no brace of it is followed by a letter: `{port}` in the
//! name of a folder is no order to us.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::settings::DIR;

/// Which quotes are open in the command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    None,
    Single,
    Double,
}

/// The command for this folder.
pub(super) fn filled_in(command: &str, folder: &Path) -> String {
    let mut filled = String::new();
    let mut quotes = Quotes::None;
    let mut rest = command;
    while let Some(letter) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix(DIR) {
            filled.push_str(&word(folder, quotes));
            rest = after;
            continue;
        }
        let mut letters = rest.chars();
        filled.extend(letters.next());
        if letter == '\\' && quotes != Quotes::Single {
            // The next one means nothing to the shell.
            filled.extend(letters.next());
        }
        quotes = match (quotes, letter) {
            (Quotes::None, '\'') => Quotes::Single,
            (Quotes::None, '"') => Quotes::Double,
            (Quotes::Single, '\'') | (Quotes::Double, '"') => Quotes::None,
            (_, _) => quotes,
        };
        rest = letters.as_str();
    }
    filled
}

/// The path as it must be written within these quotes.
fn word(path: &Path, quotes: Quotes) -> String {
    let Some(text) = path.to_str() else {
        let made = made_by_printf(path.as_os_str().as_bytes());
        return match quotes {
            Quotes::None => format!("\"{made}\""),
            Quotes::Single => format!("'\"{made}\"'"),
            Quotes::Double => made,
        };
    };
    let single = || text.replace('\'', "'\\''").replace('{', "{''");
    match quotes {
        Quotes::None if text.chars().all(is_plain) => text.to_owned(),
        Quotes::None => format!("'{}'", single()),
        Quotes::Single => single(),
        Quotes::Double => {
            let mut escaped = String::new();
            for letter in text.chars() {
                match letter {
                    '\\' | '"' | '$' | '`' => escaped.extend(['\\', letter]),
                    '{' => escaped.push_str("{\"\""),
                    _ => escaped.push(letter),
                }
            }
            escaped
        }
    }
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "/._-+@,:".contains(letter)
}

fn made_by_printf(bytes: &[u8]) -> String {
    let mut made = "$(printf '".to_owned();
    for byte in bytes {
        match char::from(*byte) {
            letter if is_plain(letter) => made.push(letter),
            _ => made.push_str(&format!("\\{byte:03o}")),
        }
    }
    made + "')"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::process::Command;

    /// What a program gets as its arguments.
    fn arguments(command: &str) -> Vec<Vec<u8>> {
        let script =
            format!("for word in {command}; do printf '%s|' \"$word\"; done");
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        let mut words: Vec<Vec<u8>> =
            output.stdout.split(|byte| *byte == b'|').map(Vec::from).collect();
        words.pop();
        words
    }

    #[test]
    fn whatever_a_folder_is_called_it_is_one_word() {
        let names: [&[u8]; 10] = [
            b"plain",
            b"two words",
            b"it's",
            b"say \"hi\"",
            b"$HOME `id` $(id) \\ ! * ? ~",
            b"a;b&c",
            b"{port} {maildir}",
            b"\xe9t\xe9 'x' {port}",
            "\u{e9}".as_bytes(),
            b"line\nend",
        ];
        for name in names {
            let path = [b"/class/", name].concat();
            let folder = Path::new(OsStr::from_bytes(&path));
            let file = [&path[..], b"/x y"].concat();
            let table = [
                ("{dir}", &path),
                ("'{dir}'", &path),
                ("\"{dir}\"", &path),
                ("{dir}/'x y'", &file),
                ("'{dir}/x y'", &file),
                ("\"{dir}/x y\"", &file),
                ("{dir}/x\\ y", &file),
            ];
            for (command, wanted) in table {
                let filled = filled_in(command, folder);
                assert_eq!(arguments(&filled), [&wanted[..]], "{filled}");
                assert!(!filled.contains("{port}"), "{filled}");
            }
        }
    }

    #[test]
    fn a_plain_path_stays_readable_and_other_words_stay_as_they_are() {
        let filled = filled_in(
            "cd {dir} && x \"\\\"{dir}\" {port} {",
            Path::new("/class/anna-1"),
        );
        let wanted = "cd /class/anna-1 && x \"\\\"/class/anna-1\" {port} {";
        assert_eq!(filled, wanted);
    }
}
