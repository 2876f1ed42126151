//! `codebench/boshnas-surrogate`.

mod answer;
mod fit;
mod settings;
mod shapes;

use super::network::{Dual, Scaling, Trained};
use super::{Shape, not_fitted};
use codebench_sdk::prelude::*;
use settings::Settings;

/// The surrogate of the CODEBench paper: a teacher with Monte Carlo dropout, a student that learns the teacher's spread
/// (epistemic deviation), and a natural-parameter network (mean and aleatoric deviation).
///
/// With blocks of columns (a CNN's and an accelerator's) each network has a branch per block, joined behind its second
/// layer; without, one stack. Networks are trained in mini-batches with AdamW and early stopping. A fit goes on from the
/// numbers of the one before, with fewer epochs, until the records have doubled or left the range that inputs and targets were
/// scaled to; then it starts afresh.
#[derive(Debug)]
pub struct Boshnas {
    settings: Settings,
    shape: Shape,
    seed: u64,
    /// Columns of each branch.
    branches: Vec<Vec<usize>>,
    /// Fits so far: the number of the stream that randomness comes from.
    fits: u64,
    fitted: Option<Fitted>,
}

#[derive(Debug)]
struct Fitted {
    scaling: Scaling,
    teacher: Trained,
    /// Learns the spread of the teacher in units of `spread`, per objective.
    student: Option<Trained>,
    spread: Vec<f64>,
    moments: Option<Trained>,
    /// What stands in for the student without one: masks of each dropout layer, by sample.
    masks: Vec<Vec<Vec<f64>>>,
}

impl Plugin for Boshnas {
    type Kind = kinds::Surrogate;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/boshnas-surrogate",
            "0.1.0",
            "The paper's surrogate: teacher with dropout, student of its spread, natural-parameter network for noise.",
        )
        .parameters(settings::parameters())
        .example("as the surrogate of a strategy", "[strategy]\nplugin = \"codebench/boshnas\"\nparameters = { surrogate = \"codebench/boshnas-surrogate\" }")
        .example(
            "as the paper has it",
            "[strategy]\nplugin = \"codebench/boshnas\"\nparameters = { surrogate = \"codebench/boshnas-surrogate\", surrogate_parameters = 'head = \"sigmoid\", mean = \"npn\", \
             distillation = \"records\", error_weight = 10, dropout = 0.3' }",
        )
        .example(
            "without heteroscedasticity (ablation)",
            "[strategy]\nplugin = \"codebench/boshnas\"\nparameters = { surrogate = \"codebench/boshnas-surrogate\", surrogate_parameters = 'heteroscedastic = false' }",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let settings = Settings::of(configuration)?;
        Ok(Boshnas {
            settings,
            shape: Shape::default(),
            seed: 0,
            branches: Vec::new(),
            fits: 0,
            fitted: None,
        })
    }
}

impl Surrogate for Boshnas {
    fn start(&mut self, context: &SurrogateContext) -> Result<(), PluginError> {
        self.shape = Shape::of(context)?;
        self.seed = context.seed;
        self.branches = if self.settings.branches { super::network::branches(context) } else { Vec::new() };
        self.fits = 0;
        self.fitted = None;
        Ok(())
    }

    fn fit(&mut self, x: &[f64], y: &[f64]) -> Result<(), PluginError> {
        let rows = self.shape.records(x, y)?;
        self.learn(rows, x, y);
        Ok(())
    }

    fn predict(&self, x: &[f64], rows: usize) -> Result<Prediction, PluginError> {
        self.shape.rows(x, rows)?;
        let fitted = self.fitted.as_ref().ok_or_else(not_fitted)?;
        Ok(fitted.predict(&self.settings, self.shape, x, rows))
    }

    fn differentiable(&self) -> bool {
        true
    }

    fn gradient(&self, x: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, PluginError> {
        self.shape.point(x, None, coefficients)?;
        let fitted = self.fitted.as_ref().ok_or_else(not_fitted)?;
        let at: Vec<f64> = fitted.scaling.inputs.apply(x);
        let gradient = fitted.gradient(&self.settings, self.shape, &at, coefficients, |t| &t.wide);
        Ok(gradient.iter().zip(&fitted.scaling.inputs.scale).map(|(d, s)| d / s).collect())
    }

    fn hvp(&self, x: &[f64], v: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, PluginError> {
        self.shape.point(x, Some(v), coefficients)?;
        let fitted = self.fitted.as_ref().ok_or_else(not_fitted)?;
        let scales = &fitted.scaling.inputs.scale;
        let along = v.iter().zip(scales).map(|(v, s)| v / s);
        let at: Vec<Dual> = fitted
            .scaling
            .inputs
            .apply(x)
            .into_iter()
            .zip(along)
            .map(|(value, slope)| Dual { value, slope })
            .collect();
        let gradient = fitted.gradient(&self.settings, self.shape, &at, coefficients, |t| &t.dual);
        Ok(gradient.iter().zip(scales).map(|(d, s)| d.slope / s).collect())
    }
}
