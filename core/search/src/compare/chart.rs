//! Regret curves with their bands.

use super::result::Comparison;
use crate::report::scale::Scale;
use crate::report::svg::{BOTTOM, HEIGHT, LEFT, RIGHT, Svg, TOP, WIDTH, escaped};

/// Colours that stay apart for colour-blind readers (Okabe and Ito).
const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#8c8c8c", "#000000"];
/// Height of a line of the legend.
const LINE: f64 = 18.0;

const STYLE: &str = "<style>text{font:12px sans-serif;fill:#1b2430}.tick{fill:#5d6b7c}.middle{text-anchor:middle}\
    .end{text-anchor:end}.title{font-size:13px}polyline{fill:none}.axis{stroke:#5d6b7c}.grid{stroke:#dde3ea}\
    .curve{stroke-width:2}.band{opacity:.15;stroke:none}</style>";

/// The drawing, one file.
pub(super) fn svg(comparison: &Comparison) -> String {
    let label = format!("Mean regret of {} strategies on {}", comparison.strategies.len(), comparison.name);
    let height = HEIGHT + LINE * comparison.strategies.len() as f64 + 6.0;
    let mut svg = Svg::new(WIDTH, height, &label);
    svg.raw(format_args!("{STYLE}<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>"));
    let from = comparison.area_from.saturating_sub(1);
    let visible = || comparison.strategies.iter().flat_map(|s| s.curve.iter().skip(from));
    // Regret falls over orders of magnitude; where a band reaches zero the scale is linear.
    let xs = Scale::linear(
        [comparison.area_from as f64, comparison.queries as f64].into_iter(),
        LEFT,
        WIDTH - RIGHT,
    );
    let ys = Scale::new(visible().flat_map(|(_, low, high)| [*low, *high]), HEIGHT - BOTTOM, TOP);
    svg.axes(&xs, &ys, "queries", "mean regret, 95 % band");
    for (i, strategy) in comparison.strategies.iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()];
        let points =
            || strategy.curve.iter().enumerate().skip(from).map(|(q, band)| (xs.at((q + 1) as f64), band));
        let upper = points().map(|(x, (_, _, high))| (x, ys.at(*high)));
        let lower: Vec<(f64, f64)> = points().map(|(x, (_, low, _))| (x, ys.at(*low))).collect();
        let band: Vec<(f64, f64)> = upper.chain(lower.into_iter().rev()).collect();
        svg.raw(format_args!("<polygon class=\"band\" fill=\"{colour}\" points=\"{}\"/>", list(&band)));
        let mean: Vec<(f64, f64)> = points().map(|(x, (mean, ..))| (x, ys.at(*mean))).collect();
        svg.raw(format_args!(
            "<polyline class=\"curve\" stroke=\"{colour}\" points=\"{}\"><title>{}</title></polyline>",
            list(&mean),
            escaped(&strategy.name)
        ));
        let at = HEIGHT + LINE * (i as f64 + 0.7);
        svg.raw(format_args!(
            "<line class=\"curve\" stroke=\"{colour}\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>",
            LEFT + 24.0,
            at - 4.0,
            at - 4.0
        ));
        svg.text("legend", LEFT + 32.0, at, &strategy.name);
    }
    svg.finish().replacen("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ", 1)
}

fn list(points: &[(f64, f64)]) -> String {
    let list: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    list.join(" ")
}
