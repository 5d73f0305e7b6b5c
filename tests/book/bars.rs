//! Pictures of measured figures: a bar for each, with a mark for what they are
//! compared with.

use super::svg::{Anchor, Svg};

/// As wide as a phone.
const WIDTH: i32 = 330;
const LEFT: i32 = 16;
/// How long the longest bar is.
const LENGTH: i32 = 298;
const TOP: i32 = 56;
const STEP: i32 = 52;

/// One bar: what it is, how long it is, and that in words.
pub struct Bar {
    pub name: String,
    pub value: f64,
    pub figure: String,
    /// The colour: `client` or `server`.
    pub class: &'static str,
}

/// A picture of them. The mark is a stroke at a value, in all of them, with a
/// word below.
pub fn draw(
    title: &str,
    description: &str,
    bars: &[Bar],
    mark: Option<(f64, &str)>,
) -> String {
    let values = bars.iter().map(|bar| bar.value);
    let longest =
        values.chain(mark.map(|(value, _)| value)).fold(0.0, f64::max);
    let x = |value: f64| LEFT + (value / longest * f64::from(LENGTH)) as i32;
    let mut svg = Svg::new(WIDTH, title, description);
    svg.text((WIDTH / 2, 32), Anchor::Middle, "ink bold", title);
    let bottom = TOP + STEP * i32::try_from(bars.len()).unwrap();
    for (bar, number) in bars.iter().zip(0..) {
        let y = TOP + STEP * number;
        let (start, end) = ((LEFT, y + 12), (LEFT + LENGTH, y + 12));
        svg.text(start, Anchor::Start, "soft small", &bar.name);
        svg.text(end, Anchor::End, "ink bold", &bar.figure);
        let length = (x(bar.value) - LEFT).max(3);
        svg.bar((LEFT, y + 20), (length, 16), bar.class);
        if let Some((value, _)) = mark {
            svg.line(&[(x(value), y + 17), (x(value), y + 39)], "ink");
        }
    }
    if let Some((value, word)) = mark {
        let at = (x(value), bottom + 10);
        svg.text(at, Anchor::Middle, "ink small", word);
    }
    svg.finish(bottom + if mark.is_some() { 26 } else { 8 })
}
