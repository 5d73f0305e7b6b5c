//! The files that the checks look at, as one value: a test can make up its
//! own, and break it.
//!
//! Interface:
//!   `Tree`     paths from the root of the repository, and their texts
//!   `resolve`  where a relative path leads
//!   `at`       a finding: file, line, what to do

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What is read. Nothing else can be included, linked to or named.
const ROOTS: [&str; 6] =
    [".ci", "README.md", "book", "src", "tests", "transcripts"];

/// What is made by programs, and is in nobody's repository.
const MADE: [&str; 6] = [
    "book/book",
    "book/live/target",
    "node_modules",
    "__pycache__",
    ".new",
    ".orig",
];

/// Files by their path from the root, with `/` on every system.
#[derive(Default)]
pub struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// The repository, as it is on the disk now.
    pub fn read() -> Tree {
        let mut tree = Tree::default();
        for name in ROOTS {
            tree.add(&root().join(name), name);
        }
        tree
    }

    /// A tree made up by a test.
    pub fn of(files: &[(&str, &str)]) -> Tree {
        let owned = |(path, text): &(&str, &str)| {
            ((*path).to_owned(), (*text).to_owned())
        };
        Tree { files: files.iter().map(owned).collect() }
    }

    /// The same tree with one file more, or with another text in one.
    pub fn with(mut self, path: &str, text: &str) -> Tree {
        self.files.insert(path.to_owned(), text.to_owned());
        self
    }

    /// The same tree without one file.
    pub fn without(mut self, path: &str) -> Tree {
        self.files.remove(path);
        self
    }

    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether there is a file or a folder of this name.
    pub fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.files.contains_key(path)
            || self.under(&format!("{path}/")).next().is_some()
    }

    /// The files whose path begins so, in order.
    pub fn under<'a>(
        &'a self,
        start: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let files = self.files.range(start.to_owned()..);
        files
            .take_while(move |(path, _)| path.starts_with(start))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    fn add(&mut self, path: &Path, name: &str) {
        if MADE.iter().any(|made| name.ends_with(made)) {
            return;
        }
        if path.is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                let entry = entry.unwrap();
                let inner = entry.file_name().into_string().unwrap();
                self.add(&entry.path(), &format!("{name}/{inner}"));
            }
        } else if let Ok(bytes) = fs::read(path) {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            self.files.insert(name.to_owned(), text);
        }
    }
}

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where `target` leads, seen from the file `from`. None if out of the root.
pub fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// One finding, as an editor can jump to it.
pub fn at(path: &str, line: usize, what: &str) -> String {
    format!("{path}:{line}: {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_is_resolved_and_stays_in_the_root() {
        let from = "book/src/appendix/a.md";
        assert_eq!(resolve(from, "b.md").unwrap(), "book/src/appendix/b.md");
        assert_eq!(resolve(from, "../../../src/x.rs").unwrap(), "src/x.rs");
        assert_eq!(resolve(from, "../../../../x"), None);
    }

    #[test]
    fn a_folder_is_there_if_it_has_a_file() {
        let tree = Tree::of(&[("transcripts/01-first/a.txt", "")]);
        assert!(tree.has("transcripts/01-first"));
        assert!(tree.has("transcripts/01-first/"));
        assert!(!tree.has("transcripts/01"));
    }
}
