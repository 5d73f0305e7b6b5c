//! When a message is tried again, and when we give up (RFC 5321 4.5.4.1).
//!
//! The waits double up to a limit: a host that is restarted gets its mail
//! soon, and a host that is gone costs little. Each wait is stretched by a
//! random factor, so that a thousand messages which failed in the same minute
//! do not all come back in the same minute.
//!
//! Interface:
//!   `Schedule`  what the operator has set
//!   `Next`      what follows a failed try
//!   `spread`    a random number becomes the factor
//!
//! Guarantees:
//! - no try is later than acceptance + give-up, and the last one is not
//!   earlier than that: a message gets all of its time;
//! - nothing here reads a clock or rolls dice, so the life of a message can be
//!   played in a moment.

use std::iter;
use std::time::Duration;

/// What the operator has set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// The wait after the first try.
    pub first: Duration,
    /// The longest wait; not shorter than `first`.
    pub max: Duration,
    /// The age at which we give up.
    pub give_up: Duration,
}

impl Default for Schedule {
    /// RFC 5321 4.5.4.1: at least 30 minutes between two tries, then "one
    /// every two or three hours", for "at least 4-5 days".
    fn default() -> Schedule {
        Schedule {
            first: Duration::from_secs(1_800),
            max: Duration::from_secs(10_800),
            give_up: Duration::from_secs(432_000),
        }
    }
}

/// What follows a try that failed for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Another try, after this long.
    Wait(Duration),
    /// A bounce: the time is up.
    GiveUp,
}

impl Schedule {
    // ANCHOR: next
    /// What follows the failed try number `tries` of a message that was
    /// accepted `age` ago. `spread` is the random factor, from 1.0 to 1.2.
    ///
    /// Age counts from acceptance, never from a failure: a message that is
    /// deferred again and again must come to its end.
    pub fn next(&self, tries: u32, age: Duration, spread: f64) -> Next {
        let left = self.give_up.saturating_sub(age);
        if left.is_zero() {
            return Next::GiveUp;
        }
        Next::Wait(stretched(self.wait(tries), spread).min(left))
    }
    // ANCHOR_END: next

    /// The life of a message to a host that never answers, when a try takes no
    /// time: its age at each try. The last one is followed by the bounce.
    pub fn life(self, spread: f64) -> impl Iterator<Item = Duration> {
        let mut tries = 0;
        iter::successors(Some(Duration::ZERO), move |age| {
            tries += 1;
            match self.next(tries, *age, spread) {
                Next::Wait(wait) => Some(*age + wait),
                Next::GiveUp => None,
            }
        })
    }

    /// The first wait, doubled for each further try, up to the limit.
    fn wait(&self, tries: u32) -> Duration {
        let doubled = 1_u32
            .checked_shl(tries.saturating_sub(1))
            .and_then(|times| self.first.checked_mul(times));
        doubled.unwrap_or(self.max).min(self.max)
    }
}

/// A random number becomes the factor of a wait, from 1.0 to 1.2.
pub fn spread(random: u64) -> f64 {
    let [.., high, low] = random.to_be_bytes();
    1.0 + 0.2 * f64::from(u16::from_be_bytes([high, low])) / 65_535.0
}

/// A factor below 1 would take us below the RFC's 30 minutes.
fn stretched(wait: Duration, spread: f64) -> Duration {
    let seconds = wait.as_secs_f64() * spread.clamp(1.0, 1.2);
    Duration::try_from_secs_f64(seconds).unwrap_or(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3_600);
    const DAY: Duration = Duration::from_secs(86_400);

    fn schedule(first: u64, max: u64, give_up: u64) -> Schedule {
        let seconds = Duration::from_secs;
        Schedule {
            first: seconds(first),
            max: seconds(max),
            give_up: seconds(give_up),
        }
    }

    #[test]
    fn a_dead_host_is_tried_43_times_in_five_days() {
        let ages: Vec<_> = Schedule::default().life(1.0).collect();
        assert_eq!(ages.len(), 43);
        let first = [0, 30, 90, 210, 390, 570].map(|n| n * MINUTE);
        assert_eq!(ages[..6], first);
        assert_eq!(ages.last(), Some(&(5 * DAY)));
    }

    #[test]
    fn two_tries_are_in_the_first_hour_rfc_5321_4_5_4_1() {
        for factor in [1.0, 1.1, 1.2] {
            let ages = Schedule::default().life(factor);
            let early = ages.take_while(|age| *age <= HOUR).count();
            assert_eq!(early, 2, "{factor}");
        }
    }

    #[test]
    fn no_wait_is_below_the_rfcs_30_minutes_but_the_one_cut_off_at_the_end() {
        for factor in [f64::MIN, 0.0, 1.0, 1.2, 9.0, f64::NAN, f64::INFINITY] {
            let ages: Vec<_> = Schedule::default().life(factor).collect();
            let waits: Vec<_> = ages.windows(2).map(|w| w[1] - w[0]).collect();
            let (_, uncut) = waits.split_last().unwrap();
            let most = 3 * HOUR + 36 * MINUTE;
            for wait in uncut {
                assert!((30 * MINUTE..=most).contains(wait), "{factor}");
            }
        }
    }

    #[test]
    fn the_last_try_is_at_the_age_of_giving_up_whatever_is_set() {
        for (first, max, give_up) in
            [(1, 1, 1), (1, 3, 2), (5, 7, 6), (60, 60, 1), (1, 9, 1_000)]
        {
            let schedule = schedule(first, max, give_up);
            for factor in [1.0, 1.07, 1.2] {
                let last = schedule.life(factor).last();
                assert_eq!(last, Some(schedule.give_up), "{schedule:?}");
            }
        }
    }

    #[test]
    fn a_failure_at_or_after_the_age_of_giving_up_is_a_bounce() {
        let schedule = Schedule::default();
        let moment = Duration::from_nanos(1);
        let just_before = 5 * DAY - moment;
        assert_eq!(schedule.next(1, just_before, 1.0), Next::Wait(moment));
        for age in [5 * DAY, 6 * DAY, Duration::MAX] {
            assert_eq!(schedule.next(1, age, 1.0), Next::GiveUp);
        }
    }

    #[test]
    fn a_slow_try_shortens_no_wait_and_the_number_of_tries_sets_it() {
        let schedule = Schedule::default();
        for (tries, minutes) in
            [(0, 30), (1, 30), (2, 60), (3, 120), (4, 180), (5, 180)]
        {
            let next = schedule.next(tries, HOUR, 1.0);
            assert_eq!(next, Next::Wait(minutes * MINUTE), "{tries}");
        }
    }

    #[test]
    fn no_number_is_too_large() {
        let endless = Schedule {
            max: Duration::MAX,
            give_up: Duration::MAX,
            ..schedule(1, 1, 1)
        };
        for tries in [31, 32, 33, 34, 1_000, u32::MAX] {
            let next = endless.next(tries, Duration::ZERO, 1.2);
            assert!(matches!(next, Next::Wait(wait) if wait > DAY), "{tries}");
        }
    }

    #[test]
    fn the_factor_is_from_1_to_1_2_and_not_always_the_same() {
        assert_eq!(spread(0).to_string(), "1");
        assert_eq!(spread(u64::MAX).to_string(), "1.2");
        assert_eq!(spread(0x1234_5678_9abc_8000).to_string()[..4], *"1.10");
    }
}
