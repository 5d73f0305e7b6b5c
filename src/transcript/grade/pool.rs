//! Workers for the whole class.
//!
//! A worker takes the next step of the first submission that has one. So those
//! at the front are done first, and while one of them waits (for a build, or
//! for a server that hangs) the workers go on with the next ones.
//!
//! Interface:
//!   `grade_all`  does all steps of all submissions

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Condvar, Mutex};
use std::thread::{self, Builder};

use super::work::{Graded, Step, Steps, Work};
use crate::words::no_thread;

/// How far the class is.
struct Pool<'a> {
    works: &'a [Work<'a>],
    /// Of each submission; none when it is done.
    steps: Mutex<Vec<Option<Steps>>>,
    /// Somebody has done a step: there may be another one.
    changed: Condvar,
}

/// Does all steps, up to `jobs` of them at the same time. `over` hears of each
/// submission, by its number, as soon as it is done. Where the system has too
/// few threads there are fewer workers; without any, nothing is graded.
pub(super) fn grade_all(
    works: &[Work<'_>],
    jobs: usize,
    over: &mut dyn FnMut(usize, Graded),
) -> io::Result<()> {
    let steps = works.iter().map(|work| Some(Steps::new(work))).collect();
    let pool =
        &Pool { works, steps: Mutex::new(steps), changed: Condvar::new() };
    let (sender, done) = channel();
    thread::scope(|scope| {
        for number in 0..jobs {
            let sender = sender.clone();
            let work = move || pool.work(&sender);
            match Builder::new().spawn_scoped(scope, work) {
                Ok(_) => {}
                Err(error) if number == 0 => return Err(no_thread(error)),
                Err(_) => break,
            }
        }
        drop(sender);
        for (number, graded) in done {
            over(number, graded);
        }
        Ok(())
    })
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
