//! Kind `surrogate`: a model of the objectives, with uncertainties.

use crate::PluginError;
use codebench_model::Block;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What a surrogate is made for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SurrogateContext {
    /// The only source of randomness.
    pub seed: u64,
    /// Columns of `x`.
    pub inputs: usize,
    /// Columns of `y`; every one larger is better.
    pub outputs: usize,
    /// Columns that belong together: those of the CNN and those of the accelerator, where there are both.
    pub blocks: Vec<(Block, Range<usize>)>,
}

/// Row-major answers for `n` rows of `x`, each `n x outputs`; uncertainties are standard deviations.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Prediction {
    /// Expected objectives.
    pub mean: Vec<f64>,
    /// What more records would reduce.
    pub epistemic: Vec<f64>,
    /// What they would not: noise of the objectives themselves.
    pub aleatoric: Vec<f64>,
}

/// Purpose: learns objectives from records and predicts them with both uncertainties.
///
/// Call order: [`Surrogate::start`] once, then [`Surrogate::fit`], each replacing the records of the one before (a
/// surrogate may start from what it learned), then any number of the others.
///
/// Purity and threads: the state is a function of (parameters, context, ordered log of fits). Randomness in predictions comes
/// from (seed, number of fits) and is the same for every row and call, so predictions are pure between two fits: neither
/// the order of rows nor their split into calls changes them. `fit` is called from one thread, the others from any.
///
/// Units: those of the encoded candidates and of the objectives, larger is better. All values are finite.
///
/// Errors: [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for shapes that do not fit the context;
/// [`ErrorKind::Failed`](crate::ErrorKind::Failed) where no model can be found. One record, constant inputs and equal
/// targets are no errors.
///
/// ```
/// use codebench_api::{PluginError, Prediction, Surrogate, SurrogateContext};
///
/// /// Predicts the mean of all records.
/// #[derive(Default)]
/// struct Average {
///     outputs: usize,
///     mean: Vec<f64>,
/// }
///
/// impl Surrogate for Average {
///     fn start(&mut self, context: &SurrogateContext) -> Result<(), PluginError> {
///         self.outputs = context.outputs;
///         Ok(())
///     }
///
///     fn fit(&mut self, _x: &[f64], y: &[f64]) -> Result<(), PluginError> {
///         let rows = y.len() / self.outputs;
///         self.mean =
///             (0..self.outputs).map(|m| y.iter().skip(m).step_by(self.outputs).sum::<f64>() / rows as f64).collect();
///         Ok(())
///     }
///
///     fn predict(&self, _x: &[f64], rows: usize) -> Result<Prediction, PluginError> {
///         let nothing = vec![0.0; rows * self.outputs];
///         Ok(Prediction { mean: self.mean.repeat(rows), epistemic: nothing.clone(), aleatoric: nothing })
///     }
/// }
///
/// let mut average = Average::default();
/// average.start(&SurrogateContext { seed: 0, inputs: 1, outputs: 1, blocks: vec![] })?;
/// average.fit(&[0.0, 1.0], &[2.0, 4.0])?;
/// assert_eq!(average.predict(&[0.5], 1)?.mean, [3.0]);
/// # Ok::<(), PluginError>(())
/// ```
///
/// Smallest built-in to copy: `gp` in `plugins/strategies`.
pub trait Surrogate: Send + Sync {
    /// Receives shapes and seed.
    fn start(&mut self, context: &SurrogateContext) -> Result<(), PluginError>;

    /// Learns all records so far: `x` is row-major `n x inputs`, `y` row-major `n x outputs`.
    fn fit(&mut self, x: &[f64], y: &[f64]) -> Result<(), PluginError>;

    /// Predicts `rows` rows of `x`.
    fn predict(&self, x: &[f64], rows: usize) -> Result<Prediction, PluginError>;

    /// Whether [`Surrogate::gradient`] and [`Surrogate::hvp`] answer.
    fn differentiable(&self) -> bool {
        false
    }

    /// For one row `x`, the gradient of the sum of `coefficients` (`3 x outputs`: those of mean, epistemic, aleatoric)
    /// times the predictions: `inputs` numbers.
    fn gradient(&self, x: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, PluginError> {
        let _ = (x, coefficients);
        Err(PluginError::invalid(
            "this surrogate gives no gradients: choose one that does, or a strategy without them",
        ))
    }

    /// The product of the same function's Hessian with `v`: `inputs` numbers.
    fn hvp(&self, x: &[f64], v: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, PluginError> {
        let _ = (x, v, coefficients);
        Err(PluginError::invalid(
            "this surrogate gives no second derivatives: choose one that does, or a strategy without them",
        ))
    }
}
