//! Columns shifted and scaled, so that models see numbers of one size.

/// For each column what is subtracted and what divides.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Columns {
    pub(crate) shift: Vec<f64>,
    pub(crate) scale: Vec<f64>,
}

impl Columns {
    /// To mean 0 and deviation 1; a constant column keeps its scale.
    pub(crate) fn standard(values: &[f64], columns: usize) -> Self {
        Self::by(values, columns, |column| {
            let count = column.clone().count().max(1) as f64;
            // Halved first, so that the largest numbers do not overflow.
            let mean = column.clone().map(|x| x / count).sum::<f64>();
            let largest = column.clone().map(|x| (x - mean).abs()).fold(0.0, f64::max);
            if largest <= 1e-12 * mean.abs().max(1e-290) {
                return (mean, 1.0);
            }
            let square = column.map(|x| ((x - mean) / largest) * ((x - mean) / largest)).sum::<f64>() / count;
            (mean, largest * square.sqrt())
        })
    }

    /// To 0..1; a constant column keeps its scale.
    pub(crate) fn unit(values: &[f64], columns: usize) -> Self {
        Self::by(values, columns, |column| {
            let low = column.clone().fold(f64::INFINITY, f64::min);
            let high = column.fold(f64::NEG_INFINITY, f64::max);
            let span = high - low;
            (low, if span > 1e-12 * low.abs().max(1e-290) && span.is_finite() { span } else { 1.0 })
        })
    }

    fn by<'a>(
        values: &'a [f64],
        columns: usize,
        measure: impl Fn(
            std::iter::StepBy<std::iter::Skip<std::iter::Copied<std::slice::Iter<'a, f64>>>>,
        ) -> (f64, f64),
    ) -> Self {
        let (shift, scale) =
            (0..columns).map(|c| measure(values.iter().copied().skip(c).step_by(columns))).unzip();
        Columns { shift, scale }
    }

    /// The rows of `values`, shifted and scaled.
    pub(crate) fn apply(&self, values: &[f64]) -> Vec<f64> {
        let columns = self.shift.iter().zip(&self.scale);
        values.iter().zip(columns.cycle()).map(|(x, (shift, scale))| (x - shift) / scale).collect()
    }
}
