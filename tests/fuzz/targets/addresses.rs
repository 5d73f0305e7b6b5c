//! Any text where an address should be (RFC 5321 4.1.2).
//!
//! Claims:
//! - what is read is written, and read again it is the same;
//! - what is written holds no control character, and fits one header field;
//! - a path of the plainest form, `<local-part@domain>`, is taken if and only if
//!   a reference takes it that knows nothing of quotes and literals.

#![cfg_attr(fuzzing, no_main)]

use pillarbox::protocol::address::{
    Mailbox, ReversePath, forward_path, mailbox, reverse_path, whole_host,
};
use pillarbox::protocol::trace::return_path;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|input: &[u8]| check(input));

/// The input is the text, if it is one.
pub fn check(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let path = reverse_path(text);
    if let Ok((path, rest)) = &path {
        let written = path.to_string();
        assert!(text.ends_with(rest));
        assert_eq!(reverse_path(&written), Ok((path.clone(), "")));
        assert!(!written.contains(char::is_control), "{written:?}");
        assert_eq!(return_path(path).lines().count(), 1);
    }
    if let Ok((path, _)) = forward_path(text) {
        let written = path.to_string();
        assert_eq!(forward_path(&written), Ok((path, "")));
    }
    if let Ok(read) = mailbox(text) {
        assert_eq!(mailbox(&read.to_string()), Ok(read));
    }
    if let Ok(host) = whole_host(text) {
        assert_eq!(whole_host(&host.to_string()), Ok(host.clone()));
        assert!(!host.canonical().contains(|c: char| c.is_ascii_uppercase()));
    }
    if let Some((local_part, domain)) = plain(text) {
        let read = match path {
            Ok((ReversePath::Mailbox(Mailbox { local_part, host }), "")) => {
                Some((local_part, host.to_string()))
            }
            _ => None,
        };
        let is_right = is_dot_string(local_part) && is_domain(domain);
        let fits = local_part.len() <= 64
            && domain.len() <= 255
            && domain.split('.').all(|label| label.len() <= 63)
            && text.len() <= 256;
        let wanted = (local_part.to_owned(), domain.to_owned());
        assert_eq!(read, (is_right && fits).then_some(wanted));
    }
}

/// The two sides of a path that has no quotes, literals and source routes.
fn plain(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('<')?.strip_suffix('>')?;
    let (local_part, domain) = inside.split_once('@')?;
    let is_plain = !local_part.is_empty()
        && !domain.is_empty()
        && !inside.contains(['"', '[', '<', '>']);
    is_plain.then_some((local_part, domain))
}

/// The characters of an atom, as RFC 5322 3.2.3 lists them, and all beyond
/// ASCII.
fn is_dot_string(text: &str) -> bool {
    let is_special = |c| "()<>[]:;@\\,\"".contains(c);
    let is_atext =
        |c: char| c > ' ' && !c.is_control() && !is_special(c) && c != '.';
    text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

fn is_domain(text: &str) -> bool {
    let is_let_dig =
        |c: char| c.is_ascii_alphanumeric() || !c.is_ascii() && !c.is_control();
    text.split('.').all(|label| {
        label.starts_with(is_let_dig)
            && label.ends_with(is_let_dig)
            && label.chars().all(|c| is_let_dig(c) || c == '-')
    })
}
