//! The formats of a report.

use std::io::{self, Write};

use super::row::Row;
use super::summary::Summary;
use super::{html, junit, tap, text, tsv};

/// What a report can look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// The Test Anything Protocol, version 13.
    Tap,
    /// JUnit's XML.
    Junit,
    /// Columns for a spreadsheet or a script.
    Tsv,
    /// A page for people, with all that was said.
    Html,
}

/// Writes the report of a run.
pub(crate) fn write(
    out: &mut dyn Write,
    format: Format,
    rows: &[Row],
    summary: &Summary,
) -> io::Result<()> {
    match format {
        Format::Text => text::write(out, rows, summary),
        Format::Tap => tap::write(out, rows, summary),
        Format::Junit => junit::write(out, rows, summary),
        Format::Tsv => tsv::write(out, rows, summary),
        Format::Html => {
            let page = html::page("What the server does", rows, summary);
            out.write_all(page.as_bytes())
        }
    }
}
