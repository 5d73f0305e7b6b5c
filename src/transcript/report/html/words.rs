//! Text in a page, from whatever source.
//!
//! Interface:
//!   `text`      words that mean no more than they say
//!   `sections`  the same, with links to the sections of RFCs

/// Words that mean no more than they say, in an element and in an attribute. What
/// would turn the line round, or move the cursor, is shown and not obeyed.
pub(crate) fn text(words: &str) -> String {
    let mut text = String::new();
    for letter in words.chars() {
        match letter {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&#39;"),
            '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => text.extend(letter.escape_unicode()),
            _ if letter.is_control() => text.extend(letter.escape_default()),
            _ => text.push(letter),
        }
    }
    text
}

/// `RFC 5321 3.3, 4.1.4`, with a link for each section.
pub(super) fn sections(words: &str) -> String {
    let number = words.strip_prefix("RFC ").map(|rest| {
        let is_digit = |c: char| c.is_ascii_digit();
        rest.split_once(|c: char| !is_digit(c)).unwrap_or((rest, ""))
    });
    match number {
        Some((rfc, rest)) if !rfc.is_empty() => {
            let place = format!("https://www.rfc-editor.org/rfc/rfc{rfc}");
            let links: Vec<String> =
                rest.split(", ").map(|section| link(&place, section)).collect();
            format!("RFC {rfc} {}", links.join(", "))
        }
        Some(_) | None => text(words),
    }
}

/// `4.1.4` or `section 4`; other words stay as they are.
fn link(place: &str, words: &str) -> String {
    let number = words.strip_prefix("section ").unwrap_or(words);
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    match !number.is_empty() && number.chars().all(is_number) {
        true => {
            format!("<a href=\"{place}#section-{number}\">{words}</a>")
        }
        false => text(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_have_links_and_other_words_have_none() {
        let rfc = "https://www.rfc-editor.org/rfc/rfc5321#section-";
        let wanted = format!(
            "RFC 5321 <a href=\"{rfc}3.3\">3.3</a>, \
             <a href=\"{rfc}4.1.4\">4.1.4</a>"
        );
        assert_eq!(sections("RFC 5321 3.3, 4.1.4"), wanted);
        assert!(sections("RFC 1870 section 4").contains(">section 4</a>"));
        assert_eq!(sections("RFC 9422"), "RFC 9422 ");
        assert_eq!(sections("CVE-1 & more"), "CVE-1 &amp; more");
        assert_eq!(sections("RFC x"), "RFC x");
    }

    #[test]
    fn nothing_in_a_text_is_obeyed() {
        let wanted = "&lt;a href=&quot;x&quot;&gt;&amp;&#39;\\u{202e}\\u{1b}";
        assert_eq!(text("<a href=\"x\">&'\u{202e}\x1b"), wanted);
    }
}
