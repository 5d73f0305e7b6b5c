//! The book cannot drift from the code: what a page shows, names and promises
//! is compared with the source, the transcripts and the program.
//!
//! `PILLARBOX_REDRAW=1 cargo test --test book` writes the generated tables and
//! the pictures anew; then look at what has changed, and commit it.
//!
//! All checks read the Markdown; mdBook is not needed. Each finding is one
//! line: the file, the line, and what to do. The rules for pages are said in
//! `book/src/appendix/contributing.md`.

// A test fails by panicking.
// An exercise may add a state or a step: these readers pass over what they do
// not know.
#![allow(clippy::wildcard_enum_match_arm)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs, unreachable_pub)]

mod support;

mod book {
    pub mod anchors;
    pub mod answers;
    pub mod asks;
    pub mod bars;
    pub mod chapters;
    pub mod client_picture;
    pub mod client_table;
    pub mod commands;
    pub mod events;
    pub mod exercises;
    pub mod figures;
    pub mod generated;
    pub mod ids;
    pub mod includes;
    pub mod index;
    pub mod ladder;
    pub mod links;
    pub mod machine_picture;
    pub mod matrix;
    pub mod measured_pictures;
    pub mod microscope;
    pub mod model_picture;
    pub mod names;
    pub mod offices;
    pub mod options;
    pub mod page;
    pub mod places;
    pub mod queue_picture;
    pub mod quotations;
    pub mod reports;
    pub mod retry_picture;
    pub mod rfc;
    pub mod server;
    pub mod shell;
    pub mod shown;
    pub mod svg;
    pub mod tables;
    pub mod talks;
    pub mod titles;
    pub mod tree;
    pub mod walk;
    pub mod weeks;
}

use book::tree::{Tree, root};
use book::{
    chapters, commands, exercises, generated, includes, links, names, options,
    quotations, reports, shown, titles,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The repository, read once; before that, the generated files are written if
/// somebody has asked for it.
static TREE: LazyLock<Tree> = LazyLock::new(|| {
    let tree = Tree::read();
    if !generated::is_asked_to_redraw() {
        return tree;
    }
    let (files, _) = generated::all(&tree, binary());
    generated::redraw(&tree, &files);
    // What was written is part of some pages, and changes what links to them.
    let tree = Tree::read();
    let (files, _) = generated::all(&tree, binary());
    generated::redraw(&tree, &files);
    Tree::read()
});

/// What the program itself says of its commands.
static HELPS: LazyLock<Vec<(&str, String)>> =
    LazyLock::new(|| generated::helps(binary()));

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_pillarbox"))
}

fn assert_none(findings: &[String]) {
    let count = findings.len();
    assert!(count == 0, "{count} findings:\n{}", findings.join("\n"));
}

#[test]
fn what_a_page_includes_is_there_and_every_anchor_is_on_a_page() {
    assert_none(&includes::check(&TREE));
}

#[test]
fn every_transcript_every_page_and_every_picture_is_shown() {
    assert_none(&shown::check(&TREE));
}

#[test]
fn every_link_leads_somewhere() {
    assert_none(&links::check(&TREE));
}

#[test]
fn every_chapter_has_its_parts() {
    assert_none(&chapters::check(&TREE));
}

#[test]
fn every_answer_is_on_the_second_page_of_its_chapter() {
    assert_none(&book::answers::check(&TREE));
}

#[test]
fn what_a_teacher_asks_is_answered_for_the_teacher() {
    assert_none(&book::asks::check(&TREE));
}

#[test]
fn every_exercise_has_its_folder_and_every_folder_its_exercise() {
    assert_none(&exercises::folders(&TREE));
}

#[test]
fn every_exercise_names_all_places_that_its_solution_changes() {
    assert_none(&book::places::check(&TREE));
}

#[test]
fn what_is_generated_is_what_the_source_says() {
    let (files, mut findings) = generated::all(&TREE, binary());
    findings.extend(generated::compare(&TREE, &files));
    assert_none(&findings);
}

#[test]
fn every_option_is_explained_on_the_page_of_the_command_line() {
    assert_none(&options::check(&TREE, &HELPS));
}

#[test]
fn what_a_sentence_names_in_code_font_is_there() {
    assert_none(&names::check(&TREE, &HELPS));
}

#[test]
fn the_commands_of_readme_and_book_are_right() {
    assert_none(&commands::check(&TREE, &HELPS));
}

#[test]
fn the_commands_of_readme_and_book_do_what_they_should() {
    assert_none(&commands::play(&TREE, binary()));
}

#[test]
fn a_report_under_a_replay_is_what_it_prints_today() {
    let (findings, count) = reports::check(&TREE, binary());
    assert_none(&findings);
    assert!(count >= 2, "only {count} reports are compared");
}

#[test]
fn the_two_post_offices_of_chapter_and_readme_do_what_they_should() {
    book::offices::play(&TREE, binary());
}

#[test]
fn every_section_that_is_named_is_one() {
    assert_none(&titles::check(&TREE));
}

/// The folder of the RFCs' texts, if there is one here.
fn rfc_texts() -> Option<PathBuf> {
    std::env::var_os("PILLARBOX_RFC").map(PathBuf::from)
}

#[test]
fn every_quotation_is_as_it_was_compared_with_the_rfc() {
    let folder = rfc_texts();
    if let Some(folder) = &folder {
        assert_none(&quotations::look_up(&TREE, folder));
    }
    // Only what was looked up is written down.
    if folder.is_some() && generated::is_asked_to_redraw() {
        let file = root().join(quotations::path());
        fs::write(file, quotations::hashes(&TREE)).unwrap();
        return;
    }
    assert_none(&quotations::compare(&TREE));
}
