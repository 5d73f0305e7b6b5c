//! Does many things, some of them at the same time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

/// Does the things with the numbers below `count`, up to `jobs` at a time.
/// `over` hears of each as soon as it is over; of those that came to nothing it
/// does not.
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
            scope.spawn(move || {
                while let Some(number) = take() {
                    if let Some(done) = one(number) {
                        let _ = sender.send((number, done));
                    }
                }
            });
        }
        drop(sender);
        for (number, done) in results {
            over(number, done);
        }
    });
}
