//! The mailboxes whose folders need no `fsync` any more, except for `new`.
//!
//! A mailbox is learned when a delivery has synced all its folders, together
//! with a message in them. A delivery that makes a folder forgets the mailbox
//! first. So no session waits for another that makes a mailbox: while it is
//! not learned, each delivery syncs what leads there.

use crate::protocol::session::LocalMailbox;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What this process has synced.
#[derive(Default)]
pub(super) struct SyncedMailboxes(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    mailboxes: BTreeSet<LocalMailbox>,
    /// How often something was forgotten.
    forgotten: u64,
}

/// A moment between two forgettings.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment(u64);

impl SyncedMailboxes {
    /// What a delivery asks before it looks at the first folder.
    pub(super) fn now(&self) -> Moment {
        Moment(self.inner().forgotten)
    }

    /// Whether nothing but its `new` must be synced. To be asked when the
    /// message is there: then no folder that leads to it can go away.
    pub(super) fn knows(&self, mailbox: &LocalMailbox) -> bool {
        self.inner().mailboxes.contains(mailbox)
    }

    /// A delivery that has asked `then` has synced these. If others have
    /// forgotten anything since, it may have been one of them: then the next
    /// delivery syncs them once more.
    pub(super) fn learn(&self, mailboxes: &[LocalMailbox], then: Moment) {
        let mut inner = self.inner();
        if Moment(inner.forgotten) == then {
            inner.mailboxes.extend(mailboxes.iter().cloned());
        }
    }

    /// The mailbox's folders are about to be made, by a delivery that has
    /// asked `then`. What it forgets itself does not keep it from learning.
    pub(super) fn forget(&self, mailbox: &LocalMailbox, then: &mut Moment) {
        let mut inner = self.inner();
        let is_up_to_date = Moment(inner.forgotten) == *then;
        inner.mailboxes.remove(mailbox);
        inner.forgotten += 1;
        if is_up_to_date {
            *then = Moment(inner.forgotten);
        }
    }

    /// The mail folder is another one.
    pub(super) fn forget_all(&self) {
        let mut inner = self.inner();
        inner.mailboxes.clear();
        inner.forgotten += 1;
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
