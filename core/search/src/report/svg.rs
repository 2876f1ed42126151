//! Scalable vector graphics as text; styles come from the page.

use super::scale::{Scale, tick_label};
use std::fmt::Write;

/// Size of a chart and the room around its plot.
pub(crate) const WIDTH: f64 = 560.0;
pub(crate) const HEIGHT: f64 = 340.0;
pub(crate) const LEFT: f64 = 66.0;
pub(crate) const RIGHT: f64 = 16.0;
pub(crate) const TOP: f64 = 14.0;
pub(crate) const BOTTOM: f64 = 50.0;

/// A drawing.
pub(crate) struct Svg {
    text: String,
}

impl Svg {
    /// An empty drawing, described for readers who do not see it.
    pub(crate) fn new(width: f64, height: f64, label: &str) -> Svg {
        let mut svg = Svg { text: String::new() };
        svg.raw(format_args!(
            "<svg viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" \
             aria-label=\"{}\">",
            escaped(label)
        ));
        svg
    }

    /// Markup as it is: the caller escapes its texts.
    pub(crate) fn raw(&mut self, markup: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.text.write_fmt(markup);
    }

    pub(crate) fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        self.raw(format_args!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escaped(text)));
    }

    /// A point with a note that appears under the pointer.
    pub(crate) fn point(&mut self, class: &str, x: f64, y: f64, radius: f64, note: &str) {
        self.raw(format_args!(
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"><title>{}</title></circle>",
            escaped(note)
        ));
    }

    pub(crate) fn line(&mut self, class: &str, points: &[(f64, f64)]) {
        let list: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        self.raw(format_args!("<polyline class=\"{class}\" points=\"{}\"/>", list.join(" ")));
    }

    pub(crate) fn bar(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64, note: &str) {
        self.raw(format_args!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"2\">\
             <title>{}</title></rect>",
            escaped(note)
        ));
    }

    /// Grid, ticks and titles of a plot of the standard size.
    pub(crate) fn axes(&mut self, x: &Scale, y: &Scale, x_title: &str, y_title: &str) {
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for tick in y.ticks() {
            let at = y.at(tick);
            self.line("grid", &[(LEFT, at), (right, at)]);
            self.text("tick end", LEFT - 8.0, at + 4.0, &tick_label(tick));
        }
        for tick in x.ticks() {
            let at = x.at(tick);
            self.line("grid", &[(at, TOP), (at, bottom)]);
            self.text("tick middle", at, bottom + 18.0, &tick_label(tick));
        }
        self.line("axis", &[(LEFT, TOP), (LEFT, bottom), (right, bottom)]);
        self.text("title middle", (LEFT + right) / 2.0, HEIGHT - 10.0, x_title);
        let middle = (TOP + bottom) / 2.0;
        self.raw(format_args!(
            "<text class=\"title middle\" transform=\"translate(16 {middle:.1}) rotate(-90)\">{}</text>",
            escaped(y_title)
        ));
    }

    pub(crate) fn finish(mut self) -> String {
        self.text.push_str("</svg>");
        self.text
    }
}

/// Text that stands in markup or in a quoted attribute.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Not allowed in any document.
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
