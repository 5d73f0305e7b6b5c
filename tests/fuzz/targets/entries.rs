//! Any text where an entry of the queue should be, and an entry with any words
//! in it.
//!
//! Claims:
//! - what is read is written, and read again it is the same;
//! - a part of it is no entry: a file that was half written is noticed;
//! - whatever a host has answered, it comes back from the file as it was, adds
//!   no line to it, and is shown to people in plain ASCII.

#![cfg_attr(fuzzing, no_main)]

use pillarbox::relay::entry::{Answer, Entry};
use std::time::Duration;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|input: &[u8]| check(input));

const ID: &str = "1795412756-559687";

/// One byte says where the others are cut; those are the text.
pub fn check(input: &[u8]) {
    let Some((place, bytes)) = input.split_first() else { return };
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Some(mut entry) = Entry::read(ID, text) else { return };
    let written = entry.written();
    assert_eq!(Entry::read(ID, &written).as_ref(), Some(&entry));
    // From 0 to all but one byte.
    let cut = written.len() * usize::from(*place) / 256;
    if let Some(part) = written.get(..cut) {
        assert_eq!(Entry::read(ID, part), None, "{part:?}");
    }
    let lines = written.lines().count();
    for recipient in &mut entry.recipients {
        let at = Duration::from_secs(u64::from(*place));
        let is_reply = place % 2 == 0;
        let answer = Answer::new(at, "4.2.0", text, is_reply, bytes);
        assert!(answer.to_string().chars().all(|c| matches!(c, ' '..='~')));
        recipient.answer = Some(answer);
    }
    let written = entry.written();
    assert_eq!(written.lines().count(), lines);
    assert_eq!(Entry::read(ID, &written), Some(entry));
}
