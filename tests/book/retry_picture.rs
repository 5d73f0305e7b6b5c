//! The tries of a message to a host that never answers, on two lines of time.
//! When they are, the schedule says.

use pillarbox::relay::schedule::Schedule;
use std::time::Duration;

use super::svg::{Anchor, Point, Svg};

const WIDTH: i32 = 560;
const HEIGHT: i32 = 268;
const LEFT: i32 = 30;
const LENGTH: i32 = 500;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// A line of time: its name, how long it is, and what is written below it.
struct Line {
    y: i32,
    name: &'static str,
    whole: Duration,
    unit: Duration,
    unit_name: &'static str,
}

const LINES: [Line; 2] = [
    Line {
        y: 104,
        name: "the first ten hours",
        whole: Duration::from_secs(36_000),
        unit: HOUR,
        unit_name: "h",
    },
    Line {
        y: 208,
        name: "five days",
        whole: Duration::from_secs(432_000),
        unit: DAY,
        unit_name: "d",
    },
];

/// The picture.
pub fn draw() -> String {
    let ages: Vec<Duration> = Schedule::default().life(1.0).collect();
    let title = "When a message to a dead host is tried";
    let mut svg = Svg::new(WIDTH, title, &in_words(&ages));
    svg.text((WIDTH / 2, 32), Anchor::Middle, "ink bold", title);
    for line in &LINES {
        line.draw(&mut svg, &ages);
    }
    svg.finish(HEIGHT)
}

fn in_words(ages: &[Duration]) -> String {
    let count = ages.len();
    let is_early = |age: &&Duration| **age <= LINES[0].whole;
    let early = ages.iter().filter(is_early).count();
    format!(
        "A line of ten hours with a mark for each of {early} tries, which are \
         further and further apart, and a line of five days with a mark for \
         each of {count}; after the last one is the bounce. The table has \
         the times."
    )
}

impl Line {
    fn draw(&self, svg: &mut Svg, ages: &[Duration]) {
        let name_at = (LEFT, self.y - 36);
        svg.text(name_at, Anchor::Start, "soft small", self.name);
        svg.line(&[(LEFT, self.y), (LEFT + LENGTH, self.y)], "edge");
        let units = self.whole.as_secs() / self.unit.as_secs();
        for number in 0..=u32::try_from(units).unwrap_or_default() {
            let (x, _) = self.point(self.unit * number);
            svg.line(&[(x, self.y), (x, self.y + 7)], "edge");
            let text = format!("{number} {}", self.unit_name);
            let below = (x, self.y + 24);
            svg.text(below, Anchor::Middle, "soft small", &text);
        }
        for age in ages.iter().filter(|age| **age <= self.whole) {
            let (x, y) = self.point(*age);
            svg.line(&[(x, y), (x, y - 22)], "client");
        }
        if let Some(last) = ages.last().filter(|age| **age <= self.whole) {
            let (x, y) = self.point(*last);
            svg.line(&[(x, y), (x, y - 30)], "server wide");
            svg.text((x, y - 36), Anchor::End, "server bold", "bounce");
        }
    }

    fn point(&self, age: Duration) -> Point {
        let share = age.as_secs_f64() / self.whole.as_secs_f64();
        #[allow(clippy::cast_possible_truncation)]
        let x = (f64::from(LENGTH) * share).round() as i32;
        (LEFT + x, self.y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_try_has_its_mark() {
        let picture = draw();
        // Six of the 43 are on both lines.
        assert_eq!(picture.matches("class=\"client\"").count(), 43 + 6);
        assert_eq!(picture.matches(">bounce<").count(), 1);
    }
}
