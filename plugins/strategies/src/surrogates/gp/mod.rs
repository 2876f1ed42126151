//! `codebench/gp`.

mod kernel;
mod likelihood;
mod model;

use super::columns::Columns;
use super::{Shape, not_fitted};
use codebench_sdk::prelude::*;
use likelihood::Likelihood;
use model::Model;

/// Gaussian processes, one per objective: Matern 5/2 kernel with a length scale per input.
///
/// Length scales, the variance of the signal and that of the noise maximise the marginal likelihood of (at most
/// `hyperparameter_records`) records, times weak log-normal priors unless `priors = false`; each fit goes on from those of the
/// one before. The epistemic deviation is that of the process, the aleatoric one the noise, the same everywhere.
#[derive(Debug)]
pub struct Gp {
    settings: Settings,
    shape: Shape,
    /// Logarithms of the hyperparameters per objective, after the first fit.
    logs: Vec<Vec<f64>>,
    fitted: Option<Fitted>,
}

#[derive(Debug, Clone, Copy)]
struct Settings {
    priors: bool,
    noise_floor: f64,
    evaluations: usize,
    records: usize,
}

#[derive(Debug)]
struct Fitted {
    inputs: Columns,
    targets: Columns,
    models: Vec<Model>,
}

impl Plugin for Gp {
    type Kind = kinds::Surrogate;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/gp",
            "0.1.0",
            "Gaussian processes with a Matern 5/2 kernel and one length scale per input.",
        )
        .parameters(vec![
            ParameterDescription::boolean(
                "priors",
                true,
                "Whether weak log-normal priors hold the hyperparameters where few records say little about them.",
            ),
            ParameterDescription::float(
                "noise_floor",
                1e-9,
                1.0,
                1e-6,
                "The least variance of the noise, as a share of the variance of the targets.",
            ),
            ParameterDescription::integer(
                "evaluations",
                1,
                1000,
                40,
                "Evaluations of the likelihood in the first fit; each later fit takes half as many.",
            ),
            ParameterDescription::integer(
                "hyperparameter_records",
                2,
                5000,
                200,
                "Most records, evenly spaced, that the hyperparameters are learned from; predictions use all.",
            ),
        ])
        .example("as the surrogate of a strategy", "[strategy]\nplugin = \"codebench/boshnas\"\nparameters = { surrogate = \"codebench/gp\" }")
        .example(
            "maximum likelihood without priors",
            "[strategy]\nplugin = \"codebench/boshnas\"\nparameters = { surrogate = \"codebench/gp\", surrogate_parameters = 'priors = false' }",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let settings = Settings {
            priors: configuration.boolean("priors")?,
            noise_floor: configuration.float("noise_floor")?,
            evaluations: configuration.integer("evaluations")? as usize,
            records: configuration.integer("hyperparameter_records")? as usize,
        };
        Ok(Gp { settings, shape: Shape::default(), logs: Vec::new(), fitted: None })
    }
}

impl Surrogate for Gp {
    fn start(&mut self, context: &SurrogateContext) -> Result<(), PluginError> {
        self.shape = Shape::of(context)?;
        self.logs.clear();
        self.fitted = None;
        Ok(())
    }

    fn fit(&mut self, x: &[f64], y: &[f64]) -> Result<(), PluginError> {
        let n = self.shape.records(x, y)?;
        let Shape { inputs, outputs } = self.shape;
        let (by_input, by_target) = (Columns::unit(x, inputs), Columns::standard(y, outputs));
        let (scaled, standard) = (by_input.apply(x), by_target.apply(y));
        let chosen = n.min(self.settings.records);
        let subset: Vec<usize> = (0..chosen).map(|i| i * n / chosen).collect();
        let column =
            |rows: &[usize], a: usize| -> Vec<f64> { rows.iter().map(|r| scaled[r * inputs + a]).collect() };
        let all: Vec<usize> = (0..n).collect();
        let columns: Vec<f64> = (0..inputs).flat_map(|a| column(&all, a)).collect();
        let few: Vec<f64> = (0..inputs).flat_map(|a| column(&subset, a)).collect();
        let mut models = Vec::with_capacity(outputs);
        let mut logs = Vec::with_capacity(outputs);
        for output in 0..outputs {
            let target = |rows: &[usize]| -> Vec<f64> {
                rows.iter().map(|r| standard[r * outputs + output]).collect()
            };
            let learned = self.learn(self.logs.get(output), &few, &target(&subset));
            let model = Model::new(&columns, &target(&all), &learned).ok_or_else(|| {
                PluginError::failed(format!(
                    "the covariance of {n} records has no Cholesky factor: raise noise_floor"
                ))
            })?;
            models.push(model);
            logs.push(learned);
        }
        self.logs = logs;
        self.fitted = Some(Fitted { inputs: by_input, targets: by_target, models });
        Ok(())
    }

    fn predict(&self, x: &[f64], rows: usize) -> Result<Prediction, PluginError> {
        self.shape.rows(x, rows)?;
        let fitted = self.fitted.as_ref().ok_or_else(not_fitted)?;
        let outputs = self.shape.outputs;
        let scaled = fitted.inputs.apply(x);
        let nothing = vec![0.0; rows * outputs];
        let mut prediction =
            Prediction { mean: nothing.clone(), epistemic: nothing.clone(), aleatoric: nothing };
        for (output, model) in fitted.models.iter().enumerate() {
            let (shift, scale) = (fitted.targets.shift[output], fitted.targets.scale[output]);
            for (row, (mean, deviation)) in model.predict(&scaled, rows).into_iter().enumerate() {
                prediction.mean[row * outputs + output] = shift + scale * mean;
                prediction.epistemic[row * outputs + output] = scale * deviation;
                prediction.aleatoric[row * outputs + output] = scale * model.noise;
            }
        }
        Ok(prediction)
    }

    fn differentiable(&self) -> bool {
        true
    }

    fn gradient(&self, x: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, PluginError> {
        self.shape.point(x, None, coefficients)?;
        self.derivatives(x, None, coefficients)
    }

    fn hvp(&self, x: &[f64], v: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, PluginError> {
        self.shape.point(x, Some(v), coefficients)?;
        self.derivatives(x, Some(v), coefficients)
    }
}

impl Gp {
    /// Logarithms of the hyperparameters, from those of the fit before or from the middle of the road.
    fn learn(&self, before: Option<&Vec<f64>>, columns: &[f64], targets: &[f64]) -> Vec<f64> {
        let inputs = self.shape.inputs;
        let ln = codebench_sdk::math::ln;
        let mut bounds = vec![(ln(5e-3), ln(1e3)); inputs];
        bounds.extend([(ln(1e-3), ln(1e3)), (ln(self.settings.noise_floor), ln(10.0))]);
        let middle = || {
            let mut logs = vec![ln(0.5) + 0.5 * ln(inputs.max(1) as f64); inputs];
            logs.extend([0.0, ln(1e-2)]);
            logs
        };
        let evaluations = match before {
            Some(_) => (self.settings.evaluations / 2).max(1),
            None => self.settings.evaluations,
        };
        let start = before.cloned().unwrap_or_else(middle);
        let likelihood = Likelihood { columns, targets, inputs, priors: self.settings.priors };
        super::optimise::minimise(&start, &bounds, evaluations, |logs| likelihood.loss(logs))
    }

    /// The gradient, or its product with `v` of the Hessian, in the units of the inputs.
    fn derivatives(
        &self,
        x: &[f64],
        v: Option<&[f64]>,
        coefficients: &[f64],
    ) -> Result<Vec<f64>, PluginError> {
        let fitted = self.fitted.as_ref().ok_or_else(not_fitted)?;
        let (outputs, scales) = (self.shape.outputs, &fitted.inputs.scale);
        let at = fitted.inputs.apply(x);
        let along: Option<Vec<f64>> = v.map(|v| v.iter().zip(scales).map(|(v, s)| v / s).collect());
        let mut sum = vec![0.0; self.shape.inputs];
        for (output, model) in fitted.models.iter().enumerate() {
            let scale = fitted.targets.scale[output];
            let weights = [scale * coefficients[output], scale * coefficients[outputs + output]];
            model.add_derivatives(&at, along.as_deref(), weights, &mut sum);
        }
        sum.iter_mut().zip(scales).for_each(|(d, s)| *d /= s);
        Ok(sum)
    }
}
