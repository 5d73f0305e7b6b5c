//! Writes the seed corpora: `cargo run --example seeds -- FOLDER`.
//!
//! For each target a folder, and in it a file for each input to begin with.

// It is a tool of ours: it may stop at the first thing that goes wrong.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs, unreachable_pub)]

#[path = "parts/seeds.rs"]
mod seeds;

use std::fs;
use std::path::PathBuf;

fn main() {
    let folder = std::env::args_os().nth(1).expect("a folder");
    for target in seeds::TARGETS {
        let folder = PathBuf::from(&folder).join(target);
        fs::create_dir_all(&folder).expect("a folder for the target");
        for (number, seed) in seeds::seeds(target).iter().enumerate() {
            let path = folder.join(format!("seed-{number:03}"));
            fs::write(path, seed).expect("a file for the seed");
        }
    }
}
