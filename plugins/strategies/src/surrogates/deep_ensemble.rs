//! `codebench/deep-ensemble`.

use super::network::{
    Dual, Flow, LEAST_VARIANCE, Layer, Loss, Network, Records, Scalar, Scaling, Schedule, Trained,
};
use super::{Shape, not_fitted};
use codebench_sdk::prelude::*;
use codebench_sdk::space::Rng;

/// Rows that are computed at once.
const ROWS: usize = 64;

/// Several networks that learn the same records from different starts, each with a mean and a variance per objective.
///
/// Their means average to the mean and spread to the epistemic deviation; their variances average to the square of the
/// aleatoric one. After Lakshminarayanan, Pritzel and Blundell, "Simple and scalable predictive uncertainty estimation using
/// deep ensembles" (2017).
#[derive(Debug)]
pub struct DeepEnsemble {
    settings: Settings,
    shape: Shape,
    seed: u64,
    fits: u64,
    fitted: Option<(Scaling, Vec<Trained>)>,
}

#[derive(Debug, Clone, Copy)]
struct Settings {
    members: usize,
    units: usize,
    layers: usize,
    epochs: usize,
    warm_epochs: usize,
    warm_start: bool,
    batch: usize,
    rate: f64,
    decay: f64,
}

impl Plugin for DeepEnsemble {
    type Kind = kinds::Surrogate;

    fn info() -> PluginInfo {
        let integer = ParameterDescription::integer;
        let float = ParameterDescription::float;
        PluginInfo::new(
            "codebench/deep-ensemble",
            "0.1.0",
            "Networks that learn the same records from different starts; their disagreement is the epistemic deviation.",
        )
        .parameters(vec![
            integer("members", 2, 100, 5, "Networks."),
            integer("units", 4, 512, 64, "Units of each hidden layer."),
            integer("layers", 1, 8, 2, "Hidden layers."),
            integer("epochs", 1, 10_000, 60, "Passes over the records after a fresh start."),
            integer("warm_epochs", 1, 10_000, 15, "Passes over the records when a fit goes on from the one before."),
            ParameterDescription::boolean("warm_start", true, "Whether a fit goes on from the one before."),
            integer("batch", 1, 4096, 32, "Records of a mini-batch."),
            float("learning_rate", 1e-5, 1.0, 0.03, "Highest learning rate of AdamW; it rises and falls once in a fit."),
            float("weight_decay", 0.0, 1.0, 1e-3, "Weight decay of AdamW."),
        ])
        .example("as the surrogate of a strategy", "[strategy]\nplugin = \"codebench/boshnas\"\nparameters = { surrogate = \"codebench/deep-ensemble\" }")
        .example(
            "more and larger members",
            "[strategy]\nplugin = \"codebench/boshnas\"\nparameters = { surrogate = \"codebench/deep-ensemble\", surrogate_parameters = 'members = 10, units = 128' }",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let count = |name| configuration.integer(name).map(|i| i as usize);
        let settings = Settings {
            members: count("members")?,
            units: count("units")?,
            layers: count("layers")?,
            epochs: count("epochs")?,
            warm_epochs: count("warm_epochs")?,
            warm_start: configuration.boolean("warm_start")?,
            batch: count("batch")?,
            rate: configuration.float("learning_rate")?,
            decay: configuration.float("weight_decay")?,
        };
        Ok(DeepEnsemble { settings, shape: Shape::default(), seed: 0, fits: 0, fitted: None })
    }
}

impl Surrogate for DeepEnsemble {
    fn start(&mut self, context: &SurrogateContext) -> Result<(), PluginError> {
        self.shape = Shape::of(context)?;
        (self.seed, self.fits, self.fitted) = (context.seed, 0, None);
        Ok(())
    }

    fn fit(&mut self, x: &[f64], y: &[f64]) -> Result<(), PluginError> {
        let rows = self.shape.records(x, y)?;
        let Shape { inputs, outputs } = self.shape;
        self.fits += 1;
        let before = self.fitted.take().filter(|_| self.settings.warm_start);
        let before = before.and_then(|mut f| f.0.goes_on(rows, x, y).then_some(f));
        let schedule = self.schedule(before.is_none());
        let mut rngs: Vec<Rng> = (0..self.settings.members as u64)
            .map(|member| Rng::new(self.seed, self.fits << 32 | member))
            .collect();
        let (scaling, mut members) = before.unwrap_or_else(|| {
            let scaling = Scaling::new(rows, (x, inputs), (y, outputs), false);
            (scaling, rngs.iter_mut().map(|rng| Trained::new(self.network(), rng, 1.0)).collect())
        });
        let (scaled, targets) = scaling.records(x, y);
        let records = Records { rows, x: &scaled, y: &targets };
        for (member, rng) in members.iter_mut().zip(&mut rngs) {
            member.train(Loss::Normal { outputs }, schedule, records, rng);
        }
        self.fitted = Some((scaling, members));
        Ok(())
    }

    fn predict(&self, x: &[f64], rows: usize) -> Result<Prediction, PluginError> {
        self.shape.rows(x, rows)?;
        let (scaling, members) = self.fitted.as_ref().ok_or_else(not_fitted)?;
        let Shape { inputs, outputs } = self.shape;
        let scaled = scaling.inputs.apply(x);
        let mut answer = Prediction::default();
        for start in (0..rows).step_by(ROWS) {
            let count = ROWS.min(rows - start);
            let part = &scaled[start * inputs..][..count * inputs];
            let flows: Vec<Flow<f64>> =
                members.iter().map(|m| m.network.forward(count, part, &m.wide, &[]).0).collect();
            for row in 0..count {
                for output in 0..outputs {
                    let at = row * 2 * outputs + output;
                    let moments = Moments::of(&flows, at, at + outputs);
                    let (shift, scale) = (scaling.targets.shift[output], scaling.targets.scale[output]);
                    answer.mean.push(shift + scale * moments.mean);
                    answer.epistemic.push(scale * moments.epistemic);
                    answer.aleatoric.push(scale * moments.aleatoric);
                }
            }
        }
        Ok(answer)
    }

    fn differentiable(&self) -> bool {
        true
    }

    fn gradient(&self, x: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, PluginError> {
        self.shape.point(x, None, coefficients)?;
        let (scaling, members) = self.fitted.as_ref().ok_or_else(not_fitted)?;
        let numbers: Vec<&[f64]> = members.iter().map(|m| m.wide.as_slice()).collect();
        let gradient = self.derivatives(scaling, members, &numbers, &scaling.inputs.apply(x), coefficients);
        Ok(gradient.iter().zip(&scaling.inputs.scale).map(|(d, s)| d / s).collect())
    }

    fn hvp(&self, x: &[f64], v: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, PluginError> {
        self.shape.point(x, Some(v), coefficients)?;
        let (scaling, members) = self.fitted.as_ref().ok_or_else(not_fitted)?;
        let numbers: Vec<&[Dual]> = members.iter().map(|m| m.dual.as_slice()).collect();
        let along = v.iter().zip(&scaling.inputs.scale).map(|(v, s)| v / s);
        let at: Vec<Dual> = scaling
            .inputs
            .apply(x)
            .into_iter()
            .zip(along)
            .map(|(value, slope)| Dual { value, slope })
            .collect();
        let gradient = self.derivatives(scaling, members, &numbers, &at, coefficients);
        Ok(gradient.iter().zip(&scaling.inputs.scale).map(|(d, s)| d.slope / s).collect())
    }
}

/// What the members say of one objective at one row.
struct Moments<T> {
    mean: T,
    epistemic: T,
    aleatoric: T,
}

impl<T: Scalar> Moments<T> {
    /// From the means at `at` and the numbers at `raw` whose softplus are the variances.
    fn of(flows: &[Flow<T>], at: usize, raw: usize) -> Self {
        let share = T::new(1.0 / flows.len().max(1) as f64);
        let sum =
            |each: &dyn Fn(&Flow<T>) -> T| flows.iter().fold(T::default(), |sum, f| sum + each(f)) * share;
        let mean = sum(&|f| f.mean[at]);
        // The spread is kept from zero, where its root has no derivative.
        let square = sum(&|f| (f.mean[at] - mean) * (f.mean[at] - mean)) + T::new(1e-18);
        let variance = sum(&|f| f.mean[raw].softplus().0) + T::new(LEAST_VARIANCE);
        Moments { mean, epistemic: square.root(), aleatoric: variance.root() }
    }
}

impl DeepEnsemble {
    fn network(&self) -> Network {
        let mut network = Network::new(self.shape.inputs);
        network.trunk(|trunk| {
            (0..self.settings.layers).for_each(|_| {
                trunk.dense(self.settings.units).then(Layer::Softplus);
            });
            trunk.dense(2 * self.shape.outputs);
        });
        network
    }

    fn schedule(&self, fresh: bool) -> Schedule {
        let Settings { epochs, warm_epochs, batch, rate, decay, .. } = self.settings;
        Schedule {
            epochs: if fresh { epochs } else { warm_epochs },
            batch,
            rate: if fresh { rate } else { 0.5 * rate },
            decay,
            dropout: 0.0,
            held_out: 0.0,
            patience: 1,
        }
    }

    fn derivatives<T: Scalar>(
        &self,
        scaling: &Scaling,
        members: &[Trained],
        numbers: &[&[T]],
        at: &[T],
        coefficients: &[f64],
    ) -> Vec<T> {
        let Shape { inputs, outputs } = self.shape;
        let passes: Vec<_> =
            members.iter().zip(numbers).map(|(m, numbers)| m.network.forward(1, at, numbers, &[])).collect();
        let flows: Vec<Flow<T>> = passes.iter().map(|(flow, _)| flow.clone()).collect();
        let moments: Vec<Moments<T>> = (0..outputs).map(|o| Moments::of(&flows, o, o + outputs)).collect();
        let share = 1.0 / members.len().max(1) as f64;
        let weight = |part: usize, o: usize| {
            T::new(coefficients[part * outputs + o] * scaling.targets.scale[o] * share)
        };
        let mut sum = vec![T::default(); inputs];
        for ((member, numbers), (flow, trace)) in members.iter().zip(numbers).zip(&passes) {
            let mut of_output = vec![T::default(); 2 * outputs];
            for (o, m) in moments.iter().enumerate() {
                of_output[o] = weight(0, o) + weight(1, o) * (flow.mean[o] - m.mean) / m.epistemic;
                let slope = flow.mean[outputs + o].softplus().1;
                of_output[outputs + o] = weight(2, o) * slope * T::new(0.5) / m.aleatoric;
            }
            let of_output = Flow { mean: of_output, variance: Vec::new() };
            let part = member.network.backward(trace, of_output, numbers, &[], None);
            sum.iter_mut().zip(part).for_each(|(s, d)| *s = *s + d);
        }
        sum
    }
}
