//! Pictures: lines, boxes and words on a card of their own.
//!
//! A picture has two sets of colours and takes the one that the reader's
//! system asks for; the card makes it legible on any page. What it shows is
//! also said in its description.
//!
//! Interface:
//!   `Svg`   draws, and gives the file
//!   `wrap`  cuts words to a width

use std::fmt::Write;

/// Name, colour on light, colour on dark. All but `card`, `panel` and `edge`
/// are colours of words.
const COLOURS: [(&str, &str, &str); 7] = [
    ("card", "#ffffff", "#161a21"),
    ("panel", "#eef2f6", "#262d38"),
    ("edge", "#7b8490", "#7f8a99"),
    ("ink", "#1a1d22", "#eceff4"),
    ("soft", "#4a525e", "#b6bfcc"),
    ("client", "#0a568f", "#8ecbff"),
    ("server", "#8c3a00", "#ffb98c"),
];

/// How wide one letter is at most, of a size of 100: of code, and of words.
const CODE_WIDTH: i32 = 61;
const WORD_WIDTH: i32 = 56;

/// How large the letters are.
pub const CODE: i32 = 15;
pub const WORDS: i32 = 15;

/// Where a text stands, seen from its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// A point of a line.
pub type Point = (i32, i32);

/// A picture of a fixed width; its height is known in the end.
pub struct Svg {
    width: i32,
    title: String,
    description: String,
    /// What the style has besides colours and letters.
    rules: String,
    body: String,
}

impl Svg {
    pub fn new(width: i32, title: &str, description: &str) -> Svg {
        Svg {
            width,
            title: title.to_owned(),
            description: description.to_owned(),
            rules: String::new(),
            body: String::new(),
        }
    }

    /// What is drawn from here to `end_group` has a name: an address that ends
    /// in `#name` can point at it.
    pub fn group(&mut self, name: &str) {
        self.add(&format!("<g id=\"{name}\">"));
    }

    pub fn end_group(&mut self) {
        self.add("</g>");
    }

    /// The group lights up while the address of the picture ends in `#name`;
    /// and the box that comes later, as `also`.
    pub fn lights_up(&mut self, name: &str, also: &str) {
        let lit = format!("#{name}:target");
        let _ = writeln!(
            self.rules,
            "{lit} rect, {lit} ~ #{also} rect {{ stroke: var(--lit); \
             stroke-width: 4; fill: var(--ground); }}\n\
             {lit} polyline {{ stroke: var(--lit); stroke-width: 4; }}\n\
             {lit} polygon {{ fill: var(--lit); }}"
        );
    }

    /// One line of words. `class` is a colour, and `code`, `bold` or `note`.
    pub fn text(&mut self, at: Point, anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (x, y) = at;
        let mut text = escape(text);
        if class.contains("code") {
            text = with_ends(&text);
        }
        self.add(&format!(
            "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" \
             class=\"{class}\">{text}</text>"
        ));
    }

    /// A line through these points.
    pub fn line(&mut self, points: &[Point], class: &str) {
        let points: Vec<String> =
            points.iter().map(|(x, y)| format!("{x},{y}")).collect();
        let points = points.join(" ");
        self.add(&format!(r#"<polyline points="{points}" class="{class}"/>"#));
    }

    /// A line with a head at its last point.
    pub fn arrow(&mut self, points: &[Point], class: &str) {
        self.line(points, class);
        if let [.., (x0, y0), (x, y)] = *points {
            let (dx, dy) = ((x - x0).signum(), (y - y0).signum());
            let (long, half) = match class.contains("wide") {
                true => (14, 8),
                false => (9, 5),
            };
            let back = (x - long * dx, y - long * dy);
            let (left, right) = (
                (back.0 + half * dy, back.1 + half * dx),
                (back.0 - half * dy, back.1 - half * dx),
            );
            self.add(&format!(
                r#"<polygon points="{x},{y} {},{} {},{}" class="{class}"/>"#,
                left.0, left.1, right.0, right.1
            ));
        }
    }

    /// A box with round corners, from its upper left corner.
    pub fn rect(&mut self, at: Point, size: (i32, i32), class: &str) {
        let ((x, y), (w, h)) = (at, size);
        self.add(&format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" \
             rx=\"6\" class=\"{class}\"/>"
        ));
    }

    /// A box that is filled with a colour of words, from its upper left corner.
    pub fn bar(&mut self, at: Point, size: (i32, i32), class: &str) {
        let ((x, y), (right, low)) = (at, (at.0 + size.0, at.1 + size.1));
        self.add(&format!(
            "<polygon points=\"{x},{y} {right},{y} {right},{low} {x},{low}\" \
             class=\"{class}\"/>"
        ));
    }

    /// The whole file.
    pub fn finish(self, height: i32) -> String {
        let (width, style) = (self.width, style() + &self.rules);
        let (title, description) =
            (escape(&self.title), escape(&self.description));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" \
             aria-labelledby=\"t d\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\">\n\
             <title id=\"t\">{title}</title>\n\
             <desc id=\"d\">{description}</desc>\n\
             <style>\n{style}</style>\n\
             <rect x=\"1\" y=\"1\" width=\"{}\" height=\"{}\" rx=\"10\" \
             class=\"card\"/>\n{}</svg>\n",
            width - 2,
            height - 2,
            self.body
        )
    }

    fn add(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }
}

/// The colours by their names, then the same for the dark.
fn style() -> String {
    let mut style = format!(
        "text {{ font: {WORDS}px sans-serif; stroke: none; }}\n\
         .code {{ font-family: monospace; font-size: {CODE}px; \
         white-space: pre; }}\n\
         .bold {{ font-weight: bold; }}\n\
         .note {{ font-style: italic; }}\n\
         .small {{ font-size: 14px; }}\n\
         rect {{ stroke-width: 1.5; }}\n\
         polyline {{ fill: none; stroke-width: 2; }}\n\
         .end {{ font-weight: bold; text-decoration: underline; }}\n\
         .thick, .wide {{ stroke-width: 4; }}\n\
         .dashed {{ stroke-dasharray: 7 5; }}\n"
    );
    style += &colours(|(_, light, _)| light);
    style += ":root { --lit: #b3261e; --ground: #fde7e4; }\n";
    style += "@media (prefers-color-scheme: dark) {\n";
    style += &colours(|(_, _, dark)| dark);
    style += ":root { --lit: #ff8a80; --ground: #5a2320; }\n";
    style + "}\n"
}

type Colour = (&'static str, &'static str, &'static str);

fn colours(pick: fn(Colour) -> &'static str) -> String {
    let mut rules = String::new();
    for colour in COLOURS {
        let (name, value) = (colour.0, pick(colour));
        let fill =
            format!("text.{name}, polygon.{name} {{ fill: {value}; }}\n");
        let _ = match name {
            "card" | "panel" => {
                writeln!(rules, "rect.{name} {{ fill: {value}; }}")
            }
            "edge" => writeln!(
                rules,
                "rect {{ stroke: {value}; }}\n\
                 polyline.{name} {{ stroke: {value}; }}"
            ),
            _ => writeln!(
                rules,
                "{fill}polyline.{name}, rect.{name} {{ stroke: {value}; }}"
            ),
        };
    }
    rules
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

/// The bytes that end a line look different from its words.
fn with_ends(text: &str) -> String {
    let end = |end: &str| format!("<tspan class=\"end\">{end}</tspan>");
    let text = text.replace("\\r\\n", "\u{1}");
    let text = text.replace("\\n", &end("\\n")).replace("\\r", &end("\\r"));
    text.replace('\u{1}', &end("\\r\\n"))
}

/// How wide a text of this many letters is at most.
pub fn code_width(letters: usize) -> i32 {
    i32::try_from(letters).unwrap_or(i32::MAX / 100) * CODE_WIDTH * CODE / 100
}

/// The same for words.
pub fn word_width(letters: usize) -> i32 {
    i32::try_from(letters).unwrap_or(i32::MAX / 100) * WORD_WIDTH * WORDS / 100
}

/// How many letters of code fit.
pub fn letters(width: i32) -> usize {
    usize::try_from(width * 100 / (CODE_WIDTH * CODE)).unwrap_or(0)
}

/// Cuts a text into lines of at most so many letters, at blanks and behind a
/// colon where it can. Lines beyond the most are an ellipsis.
pub fn wrap(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut rest = text;
    while rest.chars().count() > width {
        let end = rest.char_indices().nth(width).map_or(rest.len(), |(i, _)| i);
        let part = &rest[..end];
        let fits = rest[end..].starts_with(' ').then_some(end);
        let blank = fits.or(part.rfind(' ')).filter(|at| *at > 0);
        let colon = part.rfind(":<").map(|at| at + 1);
        let cut = colon.or(blank).unwrap_or(end);
        lines.push(rest[..cut].to_owned());
        rest = rest[cut..].trim_start();
    }
    lines.push(rest.to_owned());
    if lines.len() > most {
        lines.truncate(most);
        let last = lines.last_mut().unwrap();
        let kept: String = last.chars().take(width - 1).collect();
        *last = kept + "…";
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How bright a colour is (WCAG 2, relative luminance).
    fn brightness(colour: &str) -> f64 {
        let part = |at: usize| {
            let byte = u8::from_str_radix(&colour[at..at + 2], 16).unwrap();
            let part = f64::from(byte) / 255.0;
            match part <= 0.04045 {
                true => part / 12.92,
                false => ((part + 0.055) / 1.055).powf(2.4),
            }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (brightness(one), brightness(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn words_have_enough_contrast_on_card_and_panel_in_light_and_dark() {
        let (grounds, others) = COLOURS.split_at(2);
        for ground in grounds {
            for (name, light, dark) in others {
                let least = if *name == "edge" { 3.0 } else { 4.5 };
                let on_light = contrast(light, ground.1);
                let on_dark = contrast(dark, ground.2);
                assert!(on_light >= least, "{name} on light: {on_light}");
                assert!(on_dark >= least, "{name} on dark: {on_dark}");
            }
        }
    }

    #[test]
    fn words_are_cut_at_blanks_and_what_is_too_long_ends_in_an_ellipsis() {
        assert_eq!(wrap("250 OK", 10, 2), ["250 OK"]);
        assert_eq!(wrap("250 Sender is OK", 10, 2), ["250 Sender", "is OK"]);
        assert_eq!(wrap("MAIL FROM:<a@b>", 12, 2), ["MAIL FROM:", "<a@b>"]);
        assert_eq!(wrap("abcdefgh", 3, 2), ["abc", "de…"]);
        assert_eq!(wrap("é é é é", 3, 9), ["é é", "é é"]);
    }

    #[test]
    fn a_picture_has_a_name_a_description_and_no_script() {
        let mut svg = Svg::new(100, "A & B", "what <is> said");
        svg.arrow(&[(0, 0), (50, 0)], "client");
        svg.text((1, 2), Anchor::End, "ink code", "<CR>");
        let file = svg.finish(50);
        assert!(file.contains("<title id=\"t\">A &amp; B</title>"));
        assert!(file.contains("what &lt;is&gt; said</desc>"));
        assert!(file.contains(">&lt;CR&gt;</text>"));
        assert!(file.contains("points=\"50,0 41,5 41,-5\""), "{file}");
        assert!(!file.contains("script"));
    }
}
