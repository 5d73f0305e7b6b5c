//! What a section of an RFC is called, copied from the tables of contents.
//!
//! Only the three that the book quotes from are here with their sections.

use super::rfc::Section;

/// `5321 4.1.4 Order of Commands`, a line each.
const SECTIONS: &str = include_str!("titles.txt");

const RFCS: [(u32, &str); 15] = [
    (1035, "Domain names - implementation and specification"),
    (1870, "SMTP Service Extension for Message Size Declaration"),
    (2034, "SMTP Service Extension for Returning Enhanced Error Codes"),
    (2119, "Key words for use in RFCs to Indicate Requirement Levels"),
    (2606, "Reserved Top Level DNS Names"),
    (2920, "SMTP Service Extension for Command Pipelining"),
    (
        3030,
        "SMTP Service Extensions for Transmission of Large and Binary \
            MIME Messages",
    ),
    (
        3207,
        "SMTP Service Extension for Secure SMTP over Transport Layer \
            Security",
    ),
    (3463, "Enhanced Mail System Status Codes"),
    (4954, "SMTP Service Extension for Authentication"),
    (5321, "Simple Mail Transfer Protocol"),
    (5322, "Internet Message Format"),
    (6152, "SMTP Service Extension for 8-bit MIME Transport"),
    (6531, "SMTP Extension for Internationalized Email"),
    (9422, "The LIMITS SMTP Service Extension"),
];

pub fn rfc_title(rfc: u32) -> Option<&'static str> {
    RFCS.iter().find(|(number, _)| *number == rfc).map(|(_, title)| *title)
}

/// None for a whole RFC, and for one whose sections are not listed here.
pub fn section_title(section: &Section) -> Option<&'static str> {
    let start = format!("{} {} ", section.rfc, section.number);
    SECTIONS.lines().find_map(|line| line.strip_prefix(&start))
}

/// The RFCs of which every section has its title here.
pub fn is_listed(rfc: u32) -> bool {
    matches!(rfc, 1870 | 5321 | 5322)
}
