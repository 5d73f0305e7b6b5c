//! What the name of a message's file says: when it came, and what a reader has
//! done with it.
//!
//! ```text
//! 1795412756.M5P7Q0.mx.example.org,S=512:2,FS
//! seconds since 1970       flagged and seen ~~
//! ```

/// Between the name of a message and its flags.
const FLAGS: &[u8] = b":2,";

/// The flag of a message that was seen.
const SEEN: u8 = b'S';

/// The last second of the year 9999: a larger number at the beginning of a
/// name is no date.
pub(super) const LAST_SECOND: u64 = 253_402_300_799;

/// The name of a message, and its flags if it has any.
pub(super) fn split_flags(name: &[u8]) -> (&[u8], Option<&[u8]>) {
    let place = name.windows(FLAGS.len()).position(|part| part == FLAGS);
    match place.and_then(|at| name.split_at_checked(at)) {
        Some((unique, flags)) => (unique, flags.strip_prefix(FLAGS)),
        None => (name, None),
    }
}

pub(super) fn is_seen(name: &[u8]) -> bool {
    split_flags(name).1.is_some_and(|flags| flags.contains(&SEEN))
}

/// The name with the flag of a message that was seen. A name with something
/// else after its colon is not ours to change.
pub(super) fn with_seen(name: &[u8]) -> Vec<u8> {
    let (unique, flags) = split_flags(name);
    if flags.is_none() && unique.contains(&b':') {
        return name.to_vec();
    }
    let mut flags = flags.unwrap_or_default().to_vec();
    flags.push(SEEN);
    flags.sort_unstable();
    flags.dedup();
    [unique, FLAGS, &flags].concat()
}

/// The time with which a name begins: `1795412756.M5P7Q0.mx.example.org`.
pub(super) fn seconds_in(name: &[u8]) -> Option<u64> {
    let digits = name.split(|byte| *byte == b'.').next()?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let seconds = str::from_utf8(digits).ok()?.parse().ok()?;
    (seconds <= LAST_SECOND).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(name: &str) -> String {
        String::from_utf8(with_seen(name.as_bytes())).unwrap()
    }

    #[test]
    fn the_flag_of_a_seen_message_goes_in_its_place() {
        for (name, want) in [
            ("1.a.host", "1.a.host:2,S"),
            ("1.a.host:2,", "1.a.host:2,S"),
            ("1.a.host:2,RF", "1.a.host:2,FRS"),
            ("1.a.host:2,T", "1.a.host:2,ST"),
            ("1.a.host:2,S", "1.a.host:2,S"),
            ("1.a.host,S=5,W=6", "1.a.host,S=5,W=6:2,S"),
            ("1.a.host,S=5:2,F", "1.a.host,S=5:2,FS"),
            // The first form of flags, which nobody has defined.
            ("1.a.host:1,x", "1.a.host:1,x"),
            ("", ":2,S"),
        ] {
            assert_eq!(seen(name), want);
            assert_eq!(
                is_seen(want.as_bytes()),
                want.contains(":2,"),
                "{want}"
            );
        }
        assert!(!is_seen(b"1.S.host,S=5:2,FT"));
    }

    #[test]
    fn the_seconds_of_arrival_are_the_first_part_of_the_name() {
        for (name, want) in [
            ("1795412756.M5P7Q0.host", Some(1_795_412_756)),
            ("1795412756.M5P7Q0.host:2,S", Some(1_795_412_756)),
            ("0.x", Some(0)),
            ("253402300799.x", Some(253_402_300_799)),
            ("253402300800.x", None),
            ("99999999999999999999.x", None),
            ("-1.x", None),
            ("msg.1", None),
            (".x", None),
            ("", None),
        ] {
            assert_eq!(seconds_in(name.as_bytes()), want, "{name}");
        }
    }
}
