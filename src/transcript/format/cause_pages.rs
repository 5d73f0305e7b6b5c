//! The page of each cause, from `transcripts/`, built in: they are played also
//! when somebody asks for other pages alone.
//!
//! Interface:
//!   `pages`   all of them, in the order of `Cause::ALL`

use std::path::Path;

use super::parse::parse;
use super::script::Transcript;

/// The pages of the causes, as they are in this repository.
const PAGES: [(&str, &str); 9] = [
    (
        "transcripts/01-first/greeting.txt",
        include_str!("../../../transcripts/01-first/greeting.txt"),
    ),
    (
        "transcripts/04-lines/reply-line-ends.txt",
        include_str!("../../../transcripts/04-lines/reply-line-ends.txt"),
    ),
    (
        "transcripts/01-first/hello.txt",
        include_str!("../../../transcripts/01-first/hello.txt"),
    ),
    (
        "transcripts/01-first/ehlo-is-known.txt",
        include_str!("../../../transcripts/01-first/ehlo-is-known.txt"),
    ),
    (
        "transcripts/01-first/sender.txt",
        include_str!("../../../transcripts/01-first/sender.txt"),
    ),
    (
        "transcripts/01-first/recipient.txt",
        include_str!("../../../transcripts/01-first/recipient.txt"),
    ),
    (
        "transcripts/01-first/delivery.txt",
        include_str!("../../../transcripts/01-first/delivery.txt"),
    ),
    (
        "transcripts/01-first/goodbye.txt",
        include_str!("../../../transcripts/01-first/goodbye.txt"),
    ),
    (
        "transcripts/12-commands/vrfy-is-known.txt",
        include_str!("../../../transcripts/12-commands/vrfy-is-known.txt"),
    ),
];

/// The page of each cause, in the order of the list.
pub(crate) fn pages() -> Vec<Transcript> {
    let read = |(path, text): (&str, &str)| {
        parse(Path::new(path), text.as_bytes()).ok()
    };
    PAGES.into_iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::super::cause::Cause;
    use super::*;

    #[test]
    fn every_cause_has_its_page_and_requires_only_what_comes_before() {
        let pages = pages();
        let causes: Vec<Option<Cause>> =
            pages.iter().map(|page| page.header.cause).collect();
        assert_eq!(causes, Cause::ALL.map(Some));
        for page in pages {
            let required = page.header.requires;
            let cause = page.header.cause.unwrap();
            assert!(required.iter().all(|other| *other < cause), "{cause:?}");
        }
    }
}
