//! What is on the disk when we start: mailboxes, and what a crash has left.
//!
//! The mail folder may hold what is not ours (`lost+found`, a home folder's
//! other contents). It is passed over: only what is a Maildir is looked into,
//! and only a file with a name of our own making is ever removed.

use super::folders::Folders;
use crate::disk::{Disk, is_our_name, shown};
use crate::protocol::session::LocalMailbox;
use std::io;
use std::path::Path;

/// The folder for messages to mailboxes that are not made yet. No mailbox can
/// have this name: domains begin with no dot.
pub(super) const STAGING: &str = ".tmp";

/// The mailboxes that are there. What cannot be looked into, or must not be
/// trusted, is passed over with a warning.
pub(super) fn existing(
    disk: &dyn Disk,
    root: &Path,
) -> io::Result<Vec<LocalMailbox>> {
    let mut found = Vec::new();
    for domain in folders_in(disk, root)? {
        let local_parts = folders_in(disk, &root.join(&domain));
        for local_part in or_pass_over(local_parts) {
            let domain = domain.clone();
            let mailbox = LocalMailbox { domain, local_part };
            if is_maildir(disk, root, &mailbox) {
                found.push(mailbox);
            }
        }
    }
    Ok(found)
}

/// Removes what a crash has left of the messages that nobody was promised
/// (RFC 5321 4.2.5): our files in the root, in its `.tmp`, and in the `tmp` of
/// each mailbox. Their writers are dead, for nobody else works in the folder.
pub(super) fn clean(disk: &dyn Disk, root: &Path, mailboxes: &[LocalMailbox]) {
    clean_folder(disk, root);
    let staging = root.join(STAGING);
    if disk.is_folder(&staging) {
        clean_folder(disk, &staging);
    }
    for mailbox in mailboxes {
        clean_folder(disk, &Folders::of(root, mailbox).tmp);
    }
}

fn clean_folder(disk: &dyn Disk, folder: &Path) {
    for name in or_pass_over(disk.names(folder)) {
        if is_our_name(&name.to_string_lossy()) {
            let path = folder.join(name);
            match disk.remove_file(&path) {
                Ok(()) => log::info!("removed left-over {}", shown(&path)),
                Err(error) => log::warn!("left-over: {error}"),
            }
        }
    }
}

fn is_maildir(disk: &dyn Disk, root: &Path, mailbox: &LocalMailbox) -> bool {
    let folders = Folders::of(root, mailbox);
    folders.are_there(disk).unwrap_or_else(|error| {
        log::warn!("passed over a mailbox: {error}");
        false
    })
}

/// The folders in `folder`, without the hidden ones.
fn folders_in(disk: &dyn Disk, folder: &Path) -> io::Result<Vec<String>> {
    let names = disk.names(folder)?.into_iter();
    let text = names.filter_map(|name| name.into_string().ok());
    let is_folder = |name: &String| {
        !name.starts_with('.') && disk.is_folder(&folder.join(name))
    };
    Ok(text.filter(is_folder).collect())
}

/// A folder that cannot be read is no reason not to start.
fn or_pass_over<T>(names: io::Result<Vec<T>>) -> Vec<T> {
    names.unwrap_or_else(|error| {
        log::warn!("passed over: {error}");
        Vec::new()
    })
}
