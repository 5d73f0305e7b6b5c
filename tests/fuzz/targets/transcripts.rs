//! Any bytes where a transcript should be.
//!
//! Claims:
//! - an error names a line of the file;
//! - a file that ends too early is a transcript still, or is known to be cut:
//!   a power cut is no slip of the pen;
//! - a step quotes its line as the file has it;
//! - any bytes can be written as the words of a line, and read again they are
//!   the same;
//! - what a line without holes sends is what a line of the same words expects.

#![cfg_attr(fuzzing, no_main)]

use pillarbox::transcript::format::lint;
use pillarbox::transcript::format::matching::Names;
use pillarbox::transcript::format::parse::parse;
use pillarbox::transcript::format::script::{Action, Transcript};
use pillarbox::transcript::format::text::{Text, escape};
use std::path::Path;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|input: &[u8]| check(input));

/// One byte says where the others are cut; those are the file.
pub fn check(input: &[u8]) {
    let Some((place, bytes)) = input.split_first() else { return };
    let path = Path::new("page.txt");
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    match parse(path, bytes) {
        Err(error) => assert!(error.line <= lines.len(), "{error}"),
        Ok(page) => {
            quotes_its_lines(&page, &lines);
            lint::check(&page);
            let cut = bytes.len() * usize::from(*place) / 256;
            if let Err(error) = parse(path, &bytes[..cut]) {
                assert!(error.is_cut, "cut at {cut}: {error}");
            }
        }
    }
    let words = Text::parse(&escape(bytes)).expect("escaped words");
    assert_eq!(Names::default().expand(&words).as_deref(), Ok(bytes));
}

fn quotes_its_lines(page: &Transcript, lines: &[&[u8]]) {
    for step in &page.steps {
        let line = lines[step.source.line - 1];
        assert_eq!(step.source.text.as_bytes(), line);
        if let Action::Send(text) | Action::SendRaw(text) = &step.action
            && text.size() < 1000
            && let Ok(sent) = Names::default().expand(text)
        {
            assert!(Names::default().fit(text, &sent));
        }
    }
}
