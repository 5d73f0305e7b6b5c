//! The extensions: how SMTP grew without breaking (RFC 5321 2.2).
//!
//! A server names its extensions in the reply to EHLO. A client uses only
//! those that were named, and a parameter of any other gets 555.
//!
//! Interface:
//!   `Extension`       one extension, with its keyword
//!   `Offer`           which of them this server has, and its limits
//!   `MailParameters`  what the parameters of MAIL say

use super::command::Parameter;
use super::reply::{self, Reply};

/// An extension of SMTP, in the order of our reply to EHLO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// Commands may come in a row, without waiting (RFC 2920).
    Pipelining,
    /// The client may tell the size beforehand (RFC 1870).
    Size,
    /// The message may have bytes over 127 (RFC 6152).
    EightBitMime,
    /// Addresses and headers may be in UTF-8 (RFC 6531).
    SmtpUtf8,
    /// Replies carry a second, more exact code (RFC 2034).
    EnhancedStatusCodes,
    /// The command HELP (RFC 5321 4.1.1.8).
    Help,
    /// The server tells its limits (RFC 9422).
    Limits,
}

impl Extension {
    // ANCHOR: all
    /// All that there are.
    pub const ALL: [Extension; 7] = [
        Extension::Pipelining,
        Extension::Size,
        Extension::EightBitMime,
        Extension::SmtpUtf8,
        Extension::EnhancedStatusCodes,
        Extension::Help,
        Extension::Limits,
    ];
    // ANCHOR_END: all

    /// The word in the reply to EHLO.
    pub fn keyword(self) -> &'static str {
        match self {
            Extension::Pipelining => "PIPELINING",
            Extension::Size => "SIZE",
            Extension::EightBitMime => "8BITMIME",
            Extension::SmtpUtf8 => "SMTPUTF8",
            Extension::EnhancedStatusCodes => "ENHANCEDSTATUSCODES",
            Extension::Help => "HELP",
            Extension::Limits => "LIMITS",
        }
    }

    /// The extension with this keyword, in any case.
    pub fn named(keyword: &str) -> Option<Extension> {
        let is_it = |e: &Extension| e.keyword().eq_ignore_ascii_case(keyword);
        Extension::ALL.into_iter().find(is_it)
    }
}

/// What this server offers: its name, its extensions and its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The server's name, as it is in the greeting.
    pub hostname: String,
    /// The largest message, in bytes (RFC 1870).
    pub max_size: u64,
    /// The most recipients of one transaction.
    pub max_recipients: usize,
    /// The extensions that are switched off.
    pub without: Vec<Extension>,
}

impl Offer {
    /// Whether `extension` is offered.
    ///
    /// SMTPUTF8 needs 8BITMIME and goes with it (RFC 6531 3.1).
    pub fn has(&self, extension: Extension) -> bool {
        let is_off = |e: Extension| self.without.contains(&e);
        let lost =
            extension == Extension::SmtpUtf8 && is_off(Extension::EightBitMime);
        !is_off(extension) && !lost
    }

    /// The lines of the reply to EHLO, except its first.
    pub fn ehlo_lines(&self) -> Vec<String> {
        let offered = Extension::ALL.into_iter().filter(|e| self.has(*e));
        offered.map(|extension| self.ehlo_line(extension)).collect()
    }

    // ANCHOR: ehlo_line
    fn ehlo_line(&self, extension: Extension) -> String {
        let keyword = extension.keyword();
        match extension {
            Extension::Size => format!("{keyword} {}", self.max_size),
            Extension::Limits => {
                format!("{keyword} RCPTMAX={}", self.max_recipients)
            }
            Extension::Pipelining
            | Extension::EightBitMime
            | Extension::SmtpUtf8
            | Extension::EnhancedStatusCodes
            | Extension::Help => keyword.to_owned(),
        }
    }
    // ANCHOR_END: ehlo_line
}

/// What the parameters of MAIL say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MailParameters {
    /// `SIZE=`: how large the message will be, in bytes.
    pub size: Option<u64>,
    /// `BODY=8BITMIME`: the message will have bytes over 127.
    pub eight_bit: bool,
    /// `SMTPUTF8`: so will the addresses.
    pub utf8: bool,
}

impl MailParameters {
    /// Reads the parameters of a MAIL.
    ///
    /// The caller gives no offer (`None`) to a client that said HELO: to it
    /// no extension was offered, so no parameter is right.
    // ANCHOR: read
    pub fn read(
        list: &[Parameter],
        offer: Option<&Offer>,
    ) -> Result<MailParameters, Reply> {
        let mut found = MailParameters::default();
        for parameter in list {
            let has = |extension| offer.is_some_and(|o| o.has(extension));
            let value = parameter.value.as_deref();
            match parameter.keyword.as_str() {
                "SIZE" if has(Extension::Size) => {
                    found.size = Some(size(value)?);
                }
                "BODY" if has(Extension::EightBitMime) => {
                    found.eight_bit = is_eight_bit(value)?;
                }
                "SMTPUTF8" if has(Extension::SmtpUtf8) => {
                    found.utf8 = no_value(value)?;
                }
                _ => return Err(reply::UNKNOWN_PARAMETER),
            }
        }
        Ok(found)
    }
    // ANCHOR_END: read
}

/// `size-value ::= 1*20DIGIT` (RFC 1870 section 3).
///
/// Twenty digits may be more than a `u64` holds. Such a size is over every
/// limit, so the largest number will do.
fn size(value: Option<&str>) -> Result<u64, Reply> {
    let digits = value.ok_or(reply::BAD_SIZE)?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || digits.len() > 20 {
        return Err(reply::BAD_SIZE);
    }
    Ok(digits.parse().unwrap_or(u64::MAX))
}

/// `body-value = "7BIT" / "8BITMIME"` (RFC 6152 section 2).
///
/// Other values belong to extensions that we do not offer (RFC 3030).
fn is_eight_bit(value: Option<&str>) -> Result<bool, Reply> {
    let value = value.ok_or(reply::BAD_PARAMETER)?;
    match value.to_ascii_uppercase().as_str() {
        "7BIT" => Ok(false),
        "8BITMIME" => Ok(true),
        _ => Err(reply::UNKNOWN_PARAMETER),
    }
}

fn no_value(value: Option<&str>) -> Result<bool, Reply> {
    match value {
        None => Ok(true),
        Some(_) => Err(reply::BAD_PARAMETER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(without: &[Extension]) -> Offer {
        Offer {
            hostname: "mx.example.org".into(),
            max_size: 1000,
            max_recipients: 100,
            without: without.to_vec(),
        }
    }

    fn read(
        text: &str,
        offer: Option<&Offer>,
    ) -> Result<MailParameters, Reply> {
        let parameter = |word: &str| match word.split_once('=') {
            Some((keyword, value)) => {
                Parameter { keyword: keyword.into(), value: Some(value.into()) }
            }
            None => Parameter { keyword: word.into(), value: None },
        };
        let list: Vec<_> = text.split(' ').map(parameter).collect();
        MailParameters::read(&list, offer)
    }

    #[test]
    fn a_size_has_1_to_20_digits_rfc_1870_3() {
        let all = offer(&[]);
        for (text, want) in [
            ("SIZE=0", Ok(0)),
            ("SIZE=00000000000000000007", Ok(7)),
            ("SIZE=18446744073709551615", Ok(u64::MAX)),
            ("SIZE=99999999999999999999", Ok(u64::MAX)),
            ("SIZE=000000000000000000007", Err(reply::BAD_SIZE)),
            ("SIZE=-1", Err(reply::BAD_SIZE)),
            ("SIZE=+1", Err(reply::BAD_SIZE)),
            ("SIZE=1k", Err(reply::BAD_SIZE)),
            ("SIZE", Err(reply::BAD_SIZE)),
        ] {
            let size = read(text, Some(&all)).map(|p| p.size.unwrap());
            assert_eq!(size, want, "{text}");
        }
    }

    #[test]
    fn a_parameter_that_was_not_offered_gets_555() {
        let all = offer(&[]);
        let bare = offer(&Extension::ALL);
        let refused = Err(reply::UNKNOWN_PARAMETER);
        for text in ["SIZE=1", "SIZE=x", "BODY=7BIT", "SMTPUTF8"] {
            assert_eq!(read(text, None), refused, "after HELO: {text}");
            assert_eq!(read(text, Some(&bare)), refused, "off: {text}");
        }
        for text in ["FOO", "FOO=1", "AUTH=<>", "RET=HDRS", "BODY=BINARYMIME"] {
            assert_eq!(read(text, Some(&all)), refused, "{text}");
        }
    }

    #[test]
    fn smtputf8_goes_when_8bitmime_goes_rfc_6531_3_1() {
        let seven_bit = offer(&[Extension::EightBitMime]);
        assert!(!seven_bit.has(Extension::SmtpUtf8));
        assert!(!seven_bit.ehlo_lines().contains(&"SMTPUTF8".to_owned()));
    }

    #[test]
    fn every_extension_is_found_by_its_keyword() {
        for extension in Extension::ALL {
            let keyword = extension.keyword().to_lowercase();
            assert_eq!(Extension::named(&keyword), Some(extension));
        }
        assert_eq!(Extension::named("STARTTLS"), None);
    }
}
