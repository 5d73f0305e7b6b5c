//! What is on the disk when we start: mailboxes, and what a crash has left.

use crate::disk::{Disk, is_our_name};
use crate::protocol::session::LocalMailbox;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A stranger's file in `tmp` is older than this before we remove it: the
/// Maildir format gives its writer this much time.
const ABANDONED: Duration = Duration::from_secs(36 * 3600);

/// How the name of a file begins that is written at the start and removed at
/// once: the trial whether the folder takes files at all.
pub(super) const PROBE: &str = ".probe-";

/// Where a mailbox is.
pub(super) fn folder(root: &Path, mailbox: &LocalMailbox) -> PathBuf {
    root.join(&mailbox.domain).join(&mailbox.local_part)
}

/// The mailboxes that are there.
pub(super) fn existing(
    disk: &dyn Disk,
    root: &Path,
) -> io::Result<Vec<LocalMailbox>> {
    let mut found = Vec::new();
    for domain in folders_in(disk, root)? {
        for local_part in folders_in(disk, &root.join(&domain))? {
            let domain = domain.clone();
            found.push(LocalMailbox { domain, local_part });
        }
    }
    Ok(found)
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

/// Removes what a crash has left: a probe, and in each `tmp` the messages that
/// nobody was promised.
///
/// A file with our kind of name is ours, and its writer is dead: we are alone.
/// Another file is removed when it is old.
pub(super) fn clean(
    disk: &dyn Disk,
    root: &Path,
    now: SystemTime,
) -> io::Result<()> {
    for name in disk.names(root)? {
        if name.to_string_lossy().starts_with(PROBE) {
            remove(disk, &root.join(name));
        }
    }
    for mailbox in existing(disk, root)? {
        let tmp = folder(root, &mailbox).join("tmp");
        if !disk.is_folder(&tmp) {
            continue;
        }
        for name in disk.names(&tmp)? {
            let path = tmp.join(&name);
            let is_ours = is_our_name(&name.to_string_lossy());
            if is_ours || is_abandoned(disk, &path, now) {
                remove(disk, &path);
            }
        }
    }
    Ok(())
}

/// What cannot be removed (a stranger's folder, perhaps) is no reason not to
/// start.
fn remove(disk: &dyn Disk, path: &Path) {
    match disk.remove_file(path) {
        Ok(()) => log::info!("removed left-over {}", path.display()),
        Err(error) => log::warn!("left-over {}: {error}", path.display()),
    }
}

fn is_abandoned(disk: &dyn Disk, path: &Path, now: SystemTime) -> bool {
    let age = disk.modified(path).map(|changed| now.duration_since(changed));
    matches!(age, Ok(Ok(age)) if age > ABANDONED)
}
