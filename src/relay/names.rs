//! Domain names, as text and as they are in a packet (RFC 1035 2.3.4, 3.1 and
//! 4.1.4).
//!
//! As text a name is in small letters, without a dot at its end. The root of
//! all names, which has no label, is a dot. A byte that is in no name of a host
//! is written as in a zone file, `\046` (RFC 1035 5.1): a dot inside a label
//! must not look like one between two.
//!
//! Interface:
//!   `is_host_name`  whether a text can be the name of a host
//!   `to_bytes`      such a name as it is sent
//!   `Reader`        a packet, and how far it was read
//!
//! Guarantee: no packet makes the reader panic, and none keeps it busy. A
//! pointer leads backwards only, and not for ever.

/// Limits in bytes (RFC 1035 2.3.4). A name is counted as it is sent, with a
/// length before each label and a zero at the end.
const LABEL_LIMIT: usize = 63;
const NAME_LIMIT: usize = 255;

/// In labels and pointers. A name has 127 labels at the most, and each of them
/// may be in another place.
const PART_LIMIT: usize = 256;

/// Whether a text can be the name of a host: letters, digits, hyphens and
/// (since they are used) underscores, in labels. A text whose last label is a
/// number is an address or a mistake for one, and no name (RFC 1123 2.1).
pub fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_LIMIT).contains(&label.len()) && label.bytes().all(is_letter)
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() + 2 <= NAME_LIMIT
        && text.split('.').all(is_label)
        && !last.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// A name of a host as it is sent: a length before each label, and a zero.
pub(super) fn to_bytes(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        bytes.push(u8::try_from(label.len()).unwrap_or_default());
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

/// A packet, and how far it was read. `None` is the end of it, or a lie.
pub(super) struct Reader<'a> {
    packet: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(packet: &'a [u8]) -> Reader<'a> {
        Reader { packet, at: 0 }
    }

    /// Where it is in the packet.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn number(&mut self) -> Option<u16> {
        self.bytes().map(u16::from_be_bytes)
    }

    pub(super) fn bytes<const COUNT: usize>(&mut self) -> Option<[u8; COUNT]> {
        self.take(COUNT)?.try_into().ok()
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&[u8]> {
        let end = self.at + count;
        let taken = self.packet.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    /// A name, which may go on elsewhere in the packet (RFC 1035 4.1.4). We
    /// come back to the byte after the first pointer.
    ///
    /// A pointer leads to a place before the part of the name that it ends. So
    /// there is no way round and round.
    pub(super) fn name(&mut self) -> Option<String> {
        let mut labels = Vec::new();
        let mut length = 1;
        let mut part = self.at;
        let mut back = None;
        for _ in 0..PART_LIMIT {
            let [first] = self.bytes()?;
            match first {
                0 => {
                    self.at = back.unwrap_or(self.at);
                    return Some(text(&labels));
                }
                1..=0x3f => {
                    labels.push(label_text(self.take(first.into())?));
                    length += 1 + usize::from(first);
                    if length > NAME_LIMIT {
                        return None;
                    }
                }
                0xc0.. => {
                    let [low] = self.bytes()?;
                    let target = u16::from_be_bytes([first & 0x3f, low]).into();
                    if target >= part {
                        return None;
                    }
                    back = back.or(Some(self.at));
                    (part, self.at) = (target, target);
                }
                // The other two kinds of length are reserved.
                0x40..=0xbf => return None,
            }
        }
        None
    }
}

/// The name without a dot at its end; but the root of all names is a dot.
fn text(labels: &[String]) -> String {
    if labels.is_empty() { ".".to_owned() } else { labels.join(".") }
}

/// A byte that is in no name of a host is written as in a zone file, `\046`
/// (RFC 1035 5.1): a dot inside a label must not look like one between two.
fn label_text(label: &[u8]) -> String {
    let text = |byte: &u8| {
        if is_letter(*byte) {
            char::from(byte.to_ascii_lowercase()).to_string()
        } else {
            format!("\\{byte:03}")
        }
    };
    label.iter().map(text).collect()
}
