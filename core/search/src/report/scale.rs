//! Numbers as people read them: units with prefixes, round ticks.

/// Unit of a metric, from the end of its name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Unit {
    /// Symbol, empty for a plain number.
    symbol: &'static str,
    /// What a value is multiplied by.
    factor: f64,
}

const PREFIXES: [(f64, [&str; 2]); 7] = [
    (1.0, ["s", "J"]),
    (1e3, ["ms", "mJ"]),
    (1e6, ["\u{b5}s", "\u{b5}J"]),
    (1e9, ["ns", "nJ"]),
    (1e12, ["ps", "pJ"]),
    (1e15, ["fs", "fJ"]),
    (1e18, ["as", "aJ"]),
];

impl Unit {
    /// The unit in which values of `metric` up to `largest` are written.
    pub(crate) fn of(metric: &str, largest: f64) -> Unit {
        let prefixed = |column: usize| {
            let fits = |(factor, _): &&(f64, [&'static str; 2])| largest.abs() * factor >= 1.0;
            let (factor, symbols) = PREFIXES.iter().find(fits).unwrap_or(&PREFIXES[0]);
            Unit { symbol: symbols[column], factor: *factor }
        };
        if metric.ends_with("_s") {
            prefixed(0)
        } else if metric.ends_with("_j") {
            prefixed(1)
        } else if metric.ends_with("_mm2") {
            Unit { symbol: "mm\u{b2}", factor: 1.0 }
        } else if metric.ends_with("accuracy") {
            Unit { symbol: "%", factor: 100.0 }
        } else {
            Unit { symbol: "", factor: 1.0 }
        }
    }

    /// A value in this unit.
    pub(crate) fn convert(self, value: f64) -> f64 {
        value * self.factor
    }

    /// The metric's name with the unit, for an axis.
    pub(crate) fn title(self, metric: &str) -> String {
        let name = plain_name(metric);
        if self.symbol.is_empty() { name } else { format!("{name} ({})", self.symbol) }
    }
}

/// A value of `metric` with its unit.
pub(crate) fn with_unit(metric: &str, value: f64) -> String {
    let unit = Unit::of(metric, value);
    let digits = short(unit.convert(value));
    if unit.symbol.is_empty() { digits } else { format!("{digits}\u{202f}{}", unit.symbol) }
}

/// `hardware.latency_per_image_s` as "latency per image".
pub(crate) fn plain_name(metric: &str) -> String {
    let name = metric.rsplit('.').next().unwrap_or(metric);
    let name = ["_s", "_j", "_mm2"].iter().find_map(|unit| name.strip_suffix(unit)).unwrap_or(name);
    name.replace('_', " ")
}

/// About four significant digits, whole numbers whole and grouped by thousands.
pub(crate) fn short(x: f64) -> String {
    if x.fract() == 0.0 && x.abs() < 1e15 {
        return grouped(x);
    }
    let size = x.abs();
    if (1e-3..1e5).contains(&size) {
        let before = codebench_math::floor(codebench_math::log10(size)) as i64;
        let digits = usize::try_from((3 - before).clamp(0, 6)).unwrap_or(0);
        let text = format!("{x:.digits$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    } else {
        number(x)
    }
}

/// Up to six significant digits, as a person reads them.
pub(crate) fn number(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 {
        "0".into()
    } else if x.fract() == 0.0 && size < 1e15 {
        format!("{x}")
    } else if (1e-3..1e6).contains(&size) {
        // 6 significant digits, so 5 less those before the point.
        let before = codebench_math::floor(codebench_math::log10(size)) as i64;
        let digits = usize::try_from(5 - before).unwrap_or(0);
        let text = format!("{x:.digits$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    } else {
        let text = format!("{x:.5e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
        format!("{mantissa}e{exponent}")
    }
}

fn grouped(x: f64) -> String {
    let digits = format!("{:.0}", x.abs());
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 && digits.len() > 4 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    if x < 0.0 { format!("-{text}") } else { text }
}

/// A range of values on a line of pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    logarithmic: bool,
    from: f64,
    to: f64,
}

impl Scale {
    /// Covers `values`; logarithmic when they are positive and span more than a factor of thirty.
    pub(crate) fn new(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Scale {
        let (low, high) = range(values);
        if low > 0.0 && high / low > 30.0 {
            let scale = Scale {
                low: codebench_math::log10(low),
                high: codebench_math::log10(high),
                logarithmic: true,
                from,
                to,
            };
            return scale.with_margin();
        }
        Scale { low, high, logarithmic: false, from, to }.with_margin()
    }

    /// Covers `values`, linear.
    pub(crate) fn linear(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Scale {
        let (low, high) = range(values);
        Scale { low, high, logarithmic: false, from, to }.with_margin()
    }

    fn with_margin(self) -> Scale {
        let Scale { low, high, .. } = self;
        let margin = if high > low { (high - low) * 0.06 } else { high.abs().max(1e-12) * 0.1 };
        Scale { low: low - margin, high: high + margin, ..self }
    }

    /// Where a value stands.
    pub(crate) fn at(&self, x: f64) -> f64 {
        let x = if self.logarithmic { codebench_math::log10(x) } else { x };
        self.from + (x - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Round values along the range.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        if self.logarithmic {
            let exponents = codebench_math::floor(self.low) as i32..=codebench_math::ceil(self.high) as i32;
            let steps: &[f64] = if self.high - self.low > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
            let all = exponents
                .flat_map(|e| steps.iter().map(move |s| s * codebench_math::pow(10.0, f64::from(e))));
            let inside = |x: &f64| (self.low..=self.high).contains(&codebench_math::log10(*x));
            return all.filter(inside).collect();
        }
        let rough = (self.high - self.low) / 5.0;
        let power = codebench_math::pow(10.0, codebench_math::floor(codebench_math::log10(rough)));
        let step =
            [1.0, 2.0, 2.5, 5.0].map(|s| s * power).into_iter().find(|s| *s >= rough).unwrap_or(10.0 * power);
        let first = codebench_math::ceil(self.low / step) as i64;
        let last = codebench_math::floor(self.high / step) as i64;
        (first..=last).map(|i| i as f64 * step).collect()
    }
}

/// The least and the largest value; 0 to 1 for none.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    if low <= high { (low, high) } else { (0.0, 1.0) }
}

/// A tick's label: short, and without the noise of binary fractions.
pub(crate) fn tick_label(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 {
        "0".into()
    } else if (1e-4..1e6).contains(&size) {
        let text = format!("{x:.6}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{x:e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_with_prefixes() {
        assert_eq!(with_unit("hardware.latency_per_image_s", 1.2346e-5), "12.35\u{202f}\u{b5}s");
        assert_eq!(with_unit("train.test_accuracy", 0.9722), "97.22\u{202f}%");
        assert_eq!(with_unit("hardware.macs", 1234567.0), "1\u{202f}234\u{202f}567");
        assert_eq!(with_unit("hardware.dynamic_energy_j", 0.0), "0\u{202f}J");
        assert_eq!(with_unit("x.loss", 0.12345678), "0.1235");
    }

    #[test]
    fn scales_cover_their_values_with_round_ticks() {
        let scale = Scale::new([2.0, 8.0].into_iter(), 0.0, 100.0);
        assert!(scale.at(2.0) > 0.0 && scale.at(8.0) < 100.0);
        assert_eq!(scale.ticks(), [2.0, 4.0, 6.0, 8.0]);
        let logarithmic = Scale::new([1e-6, 1e-2].into_iter(), 0.0, 100.0);
        assert_eq!(logarithmic.ticks().len(), 5);
        for same in [0.0, 5.0, -3.0, 1e-300] {
            let scale = Scale::new([same].into_iter(), 0.0, 100.0);
            assert!((scale.at(same) - 50.0).abs() < 1e-6);
            assert!(scale.ticks().len() < 100);
        }
        assert!(!Scale::new(std::iter::empty(), 0.0, 1.0).ticks().is_empty());
    }
}
