//! Pictures of measured figures: a bar for each, with a mark for what they are
//! compared with.

use super::svg::{Anchor, Svg};

const WIDTH: i32 = 560;
const LEFT: i32 = 30;
/// How long the longest bar is; its figure is written after it.
const LENGTH: i32 = 420;
const TOP: i32 = 64;
const STEP: i32 = 52;

/// One bar: what it is, how long it is, and that in words.
pub struct Bar {
    pub name: String,
    pub value: f64,
    pub figure: String,
    /// The colour: `client` or `server`.
    pub class: &'static str,
}

/// A picture of them. The mark is a line down through all of them, at a value,
/// with a word.
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
    if let Some((value, word)) = mark {
        svg.line(&[(x(value), TOP - 4), (x(value), bottom)], "edge dashed");
        let at = (x(value), bottom + 18);
        svg.text(at, Anchor::Middle, "soft small", word);
    }
    for (bar, number) in bars.iter().zip(0..) {
        let y = TOP + STEP * number;
        svg.text((LEFT, y + 12), Anchor::Start, "soft small", &bar.name);
        let length = (x(bar.value) - LEFT).max(3);
        svg.bar((LEFT, y + 18), (length, 18), bar.class);
        let after = (LEFT + length + 8, y + 32);
        svg.text(after, Anchor::Start, "ink bold", &bar.figure);
    }
    svg.finish(bottom + 34)
}
