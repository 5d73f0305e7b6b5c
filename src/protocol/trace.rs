//! The two header fields that a server puts on top of a message
//! (RFC 5321 4.4): `Return-Path`, and one `Received` for each server that the
//! message went through.
//!
//! Interface:
//!   `return_path`, `Received`  the fields, each ended by LF as in a file
//!   `date_time`                a date from the seconds since 1970
//!
//! Guarantee: one field each, whatever the client sent. Names and addresses
//! were read by `command.rs` and `address.rs`, which let no CR, LF or other
//! control character through.

use super::address::{Host, ReversePath};
use core::net::IpAddr;

/// No name is longer, of all that mean something (RFC 5321 4.5.3.1.2).
const NAME_LIMIT: usize = 255;

/// The field that keeps the reverse-path, for bounces and for the reader.
pub fn return_path(path: &ReversePath) -> String {
    format!("Return-Path: {path}\n")
}

/// What is known of a message's arrival.
#[derive(Debug)]
pub struct Received<'a> {
    /// The name that the client gave with HELO or EHLO.
    pub client_name: &'a str,
    /// The client's address, if it came over the network.
    pub client_address: Option<IpAddr>,
    /// The name of this server.
    pub host: &'a str,
    /// `SMTP`, `ESMTP` or `UTF8SMTP`.
    pub protocol: &'a str,
    /// What the message is called in the log: one atom.
    pub id: &'a str,
    /// When it came: seconds since 1970, UTC.
    pub seconds: u64,
}

impl Received<'_> {
    // ANCHOR: field
    /// The field, on three lines.
    ///
    /// ```abnf
    /// Stamp = From-domain By-domain Opt-info [CFWS] ";" FWS date-time
    /// ```
    pub fn field(&self) -> String {
        let address = match self.client_address {
            Some(address) => format!(" ({})", Host::Address(address)),
            None => String::new(),
        };
        format!(
            "Received: from {}{address}\n\tby {} with {} id {};\n\t{}\n",
            not_too_long(self.client_name),
            self.host,
            self.protocol,
            self.id,
            date_time(self.seconds)
        )
    }
    // ANCHOR_END: field
}

/// A name that fits a line of 998 characters (RFC 5322 2.1.1) with room for the
/// rest. Only a literal can be longer: its end is cut off, except the bracket.
fn not_too_long(name: &str) -> String {
    match name.char_indices().nth(NAME_LIMIT) {
        Some((end, _)) => {
            format!("{}]", name.get(..end).unwrap_or_default())
        }
        None => name.to_owned(),
    }
}

/// A date as RFC 5322 3.3 writes it, in UTC: `Sun, 06 Nov 1994 08:49:37 +0000`.
///
/// UTC, because the standard library knows no time zones. RFC 5321 4.4 would
/// like local time better.
pub fn date_time(seconds: u64) -> String {
    const WEEKDAYS: [&str; 7] =
        ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct",
        "Nov", "Dec",
    ];
    let days = seconds / 86_400;
    let (year, month, day) = civil_date(days);
    let weekday = pick(&WEEKDAYS, days % 7);
    let month = pick(&MONTHS, month - 1);
    let time = clock_time(seconds);
    format!("{weekday}, {day:02} {month} {year:04} {time} +0000")
}

/// A date as log files write it: `1994-11-06T08:49:37Z`.
pub fn iso_date_time(seconds: u64) -> String {
    let (year, month, day) = civil_date(seconds / 86_400);
    format!("{year:04}-{month:02}-{day:02}T{}Z", clock_time(seconds))
}

fn clock_time(seconds: u64) -> String {
    let (hour, minute) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{hour:02}:{minute:02}:{:02}", seconds % 60)
}

/// Year, month and day of a day since 1970.
///
/// Years are counted from the first of March, so that the leap day is the last
/// of its year, and in turns of 400 years, after which the calendar repeats.
fn civil_date(days: u64) -> (u64, u64, u64) {
    const DAYS_BEFORE_1970: u64 = 719_468; // from 1 March of the year 0
    const DAYS_IN_400_YEARS: u64 = 146_097;
    let days = days + DAYS_BEFORE_1970;
    let turn = days / DAYS_IN_400_YEARS;
    let day = days % DAYS_IN_400_YEARS;
    let leap_days = day / 1460 - day / 36_524 + day / 146_096;
    let year_of_turn = (day - leap_days) / 365;
    let leap_days_before = year_of_turn / 4 - year_of_turn / 100;
    let day_of_year = day - (365 * year_of_turn + leap_days_before);
    // From March on, five months have 153 days: 31, 30, 31, 30, 31.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = 400 * turn + year_of_turn + u64::from(month <= 2);
    (year, month, day)
}

fn pick<'a>(names: &[&'a str], index: u64) -> &'a str {
    let index = usize::try_from(index).unwrap_or_default();
    names.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::address;

    #[test]
    fn dates_are_right_from_1970_to_9999() {
        for (seconds, date) in [
            (0, "Thu, 01 Jan 1970 00:00:00 +0000"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 +0000"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"),
            (951_868_799, "Tue, 29 Feb 2000 23:59:59 +0000"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 +0000"),
            (2_147_483_648, "Tue, 19 Jan 2038 03:14:08 +0000"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 +0000"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 +0000"),
            (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 +0000"),
        ] {
            assert_eq!(date_time(seconds), date);
        }
        assert_eq!(iso_date_time(784_111_777), "1994-11-06T08:49:37Z");
    }

    #[test]
    fn each_day_follows_the_one_before() {
        let mut before = (1969, 12, 31);
        for days in 0..2_932_897 {
            let (year, month, day) = civil_date(days);
            let is_leap = |year: u64| {
                let divides = |n| year.is_multiple_of(n);
                divides(4) && !divides(100) || divides(400)
            };
            let length = match before.1 {
                2 if is_leap(before.0) => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            let want = match before {
                (year, 12, 31) => (year + 1, 1, 1),
                (year, month, day) if day == length => (year, month + 1, 1),
                (year, month, day) => (year, month, day + 1),
            };
            assert_eq!((year, month, day), want);
            before = want;
        }
        assert_eq!(before, (9999, 12, 31));
    }

    #[test]
    fn received_names_both_hosts_rfc_5321_4_4() {
        let received = Received {
            client_name: "client.example",
            client_address: Some("2001:db8::1".parse().unwrap()),
            host: "mx.example.org",
            protocol: "ESMTP",
            id: "M1P2Q3",
            seconds: 0,
        };
        let want = "Received: from client.example ([IPv6:2001:db8::1])\n\
            \tby mx.example.org with ESMTP id M1P2Q3;\n\
            \tThu, 01 Jan 1970 00:00:00 +0000\n";
        assert_eq!(received.field(), want);
        // It tells nobody who else got the message (RFC 5321 7.6).
        assert!(!want.contains(" for "));
        let unknown = Received { client_address: None, ..received };
        let first = "Received: from client.example\n\tby ";
        assert!(unknown.field().starts_with(first));
    }

    #[test]
    fn no_line_of_received_is_longer_than_998_rfc_5322_2_1_1() {
        let long = |length| "x".repeat(length);
        let received = Received {
            client_name: &format!("[tag:{}]", long(2000)),
            client_address: Some("2001:db8::1".parse().unwrap()),
            host: &long(255),
            protocol: "UTF8SMTP",
            id: &long(64),
            seconds: 0,
        };
        let field = received.field();
        assert!(field.lines().all(|line| line.len() <= 998), "{field}");
        assert!(field.contains("xxx] ([IPv6:"), "{field}");
    }

    #[test]
    fn a_bounce_has_the_null_return_path() {
        let path = address::reverse_path("<>").unwrap().0;
        assert_eq!(return_path(&path), "Return-Path: <>\n");
    }
}
