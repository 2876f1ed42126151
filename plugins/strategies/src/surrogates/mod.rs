//! Models of the objectives.
//!
//! Each is a pure function of its parameters, the context and the log of fits. Matrices are row-major.

mod boshnas;
mod columns;
mod deep_ensemble;
mod gp;
mod network;
mod optimise;
mod random_forest;

pub use boshnas::Boshnas;
pub use deep_ensemble::DeepEnsemble;
pub use gp::Gp;
pub use random_forest::RandomForest;

use codebench_sdk::prelude::*;

/// The sizes that a surrogate was started with, and the checks of what it is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

impl Shape {
    /// The shape of a context.
    pub(crate) fn of(context: &SurrogateContext) -> Result<Self, PluginError> {
        let SurrogateContext { inputs, outputs, blocks, .. } = context;
        if *outputs == 0 {
            return Err(PluginError::invalid("a surrogate of 0 objectives: give at least one objective"));
        }
        if let Some((block, range)) = blocks.iter().find(|(_, r)| r.start > r.end || r.end > *inputs) {
            return Err(PluginError::invalid(format!(
                "columns {range:?} of block {block:?} do not lie within {inputs} inputs"
            )));
        }
        Ok(Shape { inputs: *inputs, outputs: *outputs })
    }

    /// The number of records, at least one; all numbers are finite.
    pub(crate) fn records(&self, x: &[f64], y: &[f64]) -> Result<usize, PluginError> {
        let Shape { inputs, outputs } = *self;
        let rows = y.len() / outputs.max(1);
        if rows * outputs != y.len() || rows * inputs != x.len() {
            return Err(PluginError::invalid(format!(
                "{} inputs and {} targets do not make whole records of {inputs} inputs and {outputs} targets",
                x.len(),
                y.len()
            )));
        }
        if rows == 0 {
            return Err(PluginError::invalid("no records to learn from: give at least one"));
        }
        finite("input", x, inputs)?;
        finite("target", y, outputs)?;
        Ok(rows)
    }

    /// That `x` holds `rows` finite rows.
    pub(crate) fn rows(&self, x: &[f64], rows: usize) -> Result<(), PluginError> {
        if rows.checked_mul(self.inputs) != Some(x.len()) {
            return Err(PluginError::invalid(format!(
                "{} inputs do not make {rows} rows of {} inputs",
                x.len(),
                self.inputs
            )));
        }
        finite("input", x, self.inputs)
    }

    /// That `x`, `coefficients` and, for a Hessian product, `v` are one point's.
    pub(crate) fn point(
        &self,
        x: &[f64],
        v: Option<&[f64]>,
        coefficients: &[f64],
    ) -> Result<(), PluginError> {
        self.rows(x, 1)?;
        if let Some(v) = v {
            if v.len() != self.inputs {
                return Err(PluginError::invalid(format!(
                    "a direction of {} numbers for {} inputs",
                    v.len(),
                    self.inputs
                )));
            }
            finite("direction", v, self.inputs)?;
        }
        if coefficients.len() != 3 * self.outputs {
            return Err(PluginError::invalid(format!(
                "{} coefficients for {} objectives: give 3 for each, those of means, epistemic and aleatoric deviations",
                coefficients.len(),
                self.outputs
            )));
        }
        finite("coefficient", coefficients, self.outputs)
    }
}

fn finite(what: &str, values: &[f64], columns: usize) -> Result<(), PluginError> {
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(at) => Err(PluginError::invalid(format!(
            "{what} {} of row {} is {}: give finite numbers",
            at % columns.max(1),
            at / columns.max(1),
            values[at]
        ))),
    }
}

/// The error of a call before [`Surrogate::fit`].
pub(crate) fn not_fitted() -> PluginError {
    PluginError::contract("the surrogate is asked before it has records: call `fit` first")
}
