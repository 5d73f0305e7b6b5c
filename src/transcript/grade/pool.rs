//! Workers for the whole class.
//!
//! A worker takes the next step of the first submission that has one. So those
//! at the front are done first, and while one of them waits (for a build, or
//! for a server that hangs) the workers go on with the next ones.
//!
//! Interface:
//!   `grade_all`  does all steps of all submissions

use std::sync::mpsc::Sender;
use std::sync::{Condvar, Mutex};
use std::thread;

use super::work::{Graded, Step, Steps, Work};

/// How far the class is.
struct Pool<'a> {
    works: &'a [Work<'a>],
    /// Of each submission; none when it is done.
    steps: Mutex<Vec<Option<Steps>>>,
    /// Somebody has done a step: there may be another one.
    changed: Condvar,
}

/// Does all steps, `jobs` of them at the same time. Each submission is told
/// with its number when it is done.
pub(super) fn grade_all(
    works: &[Work<'_>],
    jobs: usize,
    done: &Sender<(usize, Graded)>,
) {
    let steps = works.iter().map(|work| Some(Steps::new(work))).collect();
    let pool =
        Pool { works, steps: Mutex::new(steps), changed: Condvar::new() };
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| pool.work(done));
        }
    });
}

impl Pool<'_> {
    fn work(&self, done: &Sender<(usize, Graded)>) {
        while let Some((number, step)) = self.take() {
            let Some(work) = self.works.get(number) else {
                return;
            };
            let came = work.step(step);
            let steps = self.keep(number, |steps| steps.keep(work, came));
            self.changed.notify_all();
            if let Some(steps) = steps {
                // If nobody listens, the command is about to end.
                let _ = done.send((number, work.grade(steps)));
            }
        }
    }

    /// The next step, and whose it is; none when all is done.
    fn take(&self) -> Option<(usize, Step)> {
        let mut all = self.steps.lock().ok()?;
        loop {
            let both = self.works.iter().zip(all.iter_mut()).enumerate();
            let mut ready = both.filter_map(|(number, (work, steps))| {
                Some((number, steps.as_mut()?.next(work)?))
            });
            if let Some(found) = ready.next() {
                return Some(found);
            }
            if all.iter().all(Option::is_none) {
                return None;
            }
            all = self.changed.wait(all).ok()?;
        }
    }

    /// Keeps what came of a step. Gives all back if it was the last one.
    fn keep(
        &self,
        number: usize,
        keep: impl FnOnce(&mut Steps) -> bool,
    ) -> Option<Steps> {
        let mut all = self.steps.lock().ok()?;
        let place = all.get_mut(number)?;
        let is_last = keep(place.as_mut()?);
        if is_last { place.take() } else { None }
    }
}
