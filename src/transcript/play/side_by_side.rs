//! Does many things, some of them at the same time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread::{self, Builder};

/// Does the things with the numbers below `count`, up to `jobs` at a time.
/// `over` hears of each as soon as it is over; of those that came to nothing it
/// does not. Where the system has too few threads, fewer are done at a time.
pub(super) fn side_by_side<T: Send>(
    jobs: usize,
    count: usize,
    one: &(dyn Fn(usize) -> Option<T> + Sync),
    over: &mut dyn FnMut(usize, T),
) {
    let next = AtomicUsize::new(0);
    let take = || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        (number < count).then_some(number)
    };
    let (sender, results) = channel();
    thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, count.max(1)) {
            let sender = sender.clone();
            let work = move || {
                while let Some(number) = take() {
                    if let Some(done) = one(number) {
                        let _ = sender.send((number, done));
                    }
                }
            };
            if Builder::new().spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        drop(sender);
        for (number, done) in results {
            over(number, done);
        }
        // Nothing is left, unless there was no thread at all.
        while let Some(number) = take() {
            if let Some(done) = one(number) {
                over(number, done);
            }
        }
    });
}
