//! A surrogate as strategies use it: named by parameters, fed from the history.

use crate::features::{Features, View};
use crate::history::{History, range};
use crate::hypervolume::Front;
use crate::limits::Limits;
use crate::warp::normal_scores;
use codebench_sdk::api::Catalog;
use codebench_sdk::log::{self, Level};
use codebench_sdk::prelude::*;
use std::sync::Once;

/// Which surrogate, with what.
#[derive(Clone)]
pub(crate) struct SurrogateUse {
    catalog: Catalog,
    id: String,
    parameters: Parameters,
    view: View,
    by_rank: bool,
}

impl std::fmt::Debug for SurrogateUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SurrogateUse")
            .field("id", &self.id)
            .field("parameters", &self.parameters)
            .finish_non_exhaustive()
    }
}

impl SurrogateUse {
    /// The parameters by which a strategy's user names a surrogate.
    pub(crate) fn parameters(surrogate: &str, encoding: &str, targets: &str) -> Vec<ParameterDescription> {
        vec![
            ParameterDescription::text("surrogate", surrogate, "Id of the surrogate."),
            ParameterDescription::text(
                "surrogate_parameters",
                "",
                "Its parameters, as `name = value` separated by commas; those not given keep its defaults.",
            ),
            ParameterDescription::choice(
                "encoding",
                &["choices", "paths", "both", "distances", "neighbourhoods"],
                encoding,
                "What the surrogate sees of a candidate: its choices; the paths of operations through its CNN; both; its CNN's place among others by \
                 edit distance; or its choices and its CNN's operations with what surrounds them.",
            ),
            ParameterDescription::choice(
                "targets",
                &["values", "ranks"],
                targets,
                "What it learns: objectives as they are, or normal scores of their ranks, which no outlier distorts.",
            ),
        ]
    }

    /// What the parameters say.
    pub(crate) fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let id = configuration.text("surrogate")?.to_owned();
        let entry = configuration.catalog.get(&id)?;
        if entry.kind() != Kind::Surrogate {
            return Err(PluginError::invalid(format!(
                "surrogate = \"{id}\" is of kind {}: name a surrogate; `codebench plugin list` shows them",
                entry.kind()
            )));
        }
        let given = configuration.parameters_of(&entry.info, "surrogate_parameters")?;
        let mut catalog = Catalog::default();
        catalog.add(entry.clone()).map_err(|e| PluginError::contract(e.to_string()))?;
        let parameters = catalog.complete(&id, &given)?;
        let view = match configuration.text("encoding")? {
            "paths" => View::Paths,
            "both" => View::Both,
            "distances" => View::Distances,
            "neighbourhoods" => View::Neighbourhoods,
            _ => View::Choices,
        };
        let by_rank = configuration.text("targets")? == "ranks";
        Ok(SurrogateUse { catalog, id, parameters, view, by_rank })
    }

    /// The same, with constraints learned by a surrogate of their own, which gives the probability that a candidate keeps them.
    pub(crate) fn start_with_limits(&self, context: &StrategyContext) -> Result<Model, PluginError> {
        let mut model = self.start(context)?;
        let of_surrogate = SurrogateContext {
            seed: context.seed,
            inputs: model.features.dimension(),
            outputs: 1,
            blocks: model.features.blocks(),
        };
        let surrogate = self.catalog.surrogate(&self.id, &self.parameters, &of_surrogate)?;
        model.limits = Some(Limits::new(surrogate));
        Ok(model)
    }

    /// The surrogate for a study.
    pub(crate) fn start(&self, context: &StrategyContext) -> Result<Model, PluginError> {
        let features = Features::new(&context.space, self.view);
        let of_surrogate = SurrogateContext {
            seed: context.seed,
            inputs: features.dimension(),
            outputs: context.objectives,
            blocks: features.blocks(),
        };
        let surrogate = self.catalog.surrogate(&self.id, &self.parameters, &of_surrogate)?;
        Ok(Model::new(&self.id, surrogate, features, context.objectives, self.by_rank))
    }
}

/// A surrogate and what it was taught.
pub(crate) struct Model {
    surrogate: Box<dyn Surrogate>,
    pub(crate) features: Features,
    pub(crate) outputs: usize,
    by_rank: bool,
    /// Vectors of the outcomes.
    rows: Vec<f64>,
    /// Outcomes of the last fit.
    told: usize,
    /// Targets of the last fit, one row per outcome.
    pub(crate) targets: Vec<f64>,
    /// Whether each outcome keeps the constraints.
    feasible: Vec<bool>,
    usable: bool,
    /// What learns constraints; without it what breaks them has worse targets.
    limits: Option<Limits>,
    /// Id of the surrogate.
    id: String,
    /// Whether the user was told of a failure.
    told_of_failure: Once,
}

impl Model {
    /// A model that knows nothing yet, of a started surrogate whose inputs are the features and whose outputs the objectives.
    pub(crate) fn new(
        id: &str,
        surrogate: Box<dyn Surrogate>,
        features: Features,
        outputs: usize,
        by_rank: bool,
    ) -> Model {
        Model {
            surrogate,
            features,
            outputs,
            by_rank,
            rows: Vec::new(),
            told: 0,
            targets: Vec::new(),
            feasible: Vec::new(),
            usable: false,
            limits: None,
            id: id.to_owned(),
            told_of_failure: Once::new(),
        }
    }

    /// Says once, of all failures of the surrogate, that the search is one at random while it fails.
    fn complain(&self, what: &str) {
        self.told_of_failure.call_once(|| {
            let text = format!(
                "surrogate `{}` {what}: candidates are drawn at random as long as it fails; this is said once",
                self.id
            );
            log::write(Level::Warning, &text);
        });
    }

    /// Learns what is new. False if the surrogate cannot learn it: then there is no prediction until it can.
    pub(crate) fn learn(&mut self, history: &History) -> bool {
        let outcomes = &history.outcomes;
        if self.told == outcomes.len() {
            return self.usable;
        }
        let known = self.rows.len() / self.features.dimension();
        self.rows.extend(self.features.encode_all(outcomes.iter().skip(known).map(|o| &o.genotype)));
        self.targets = self.targets_of(history);
        self.told = outcomes.len();
        self.feasible = outcomes.iter().map(|o| o.violation <= 0.0).collect();
        let learned = self.surrogate.fit(&self.rows, &self.targets);
        self.usable = learned.is_ok();
        if let Err(error) = learned {
            self.complain(&format!("cannot learn {} trials ({error})", self.told));
        }
        if let Some(limits) = &mut self.limits {
            limits.learn(&self.rows, &outcomes.iter().map(|o| o.violation).collect::<Vec<f64>>());
        }
        self.usable
    }

    /// Per row the probability that it keeps the constraints; `None` where nothing has broken them, or nothing learns them.
    pub(crate) fn probabilities(&self, rows: &[f64]) -> Option<Vec<f64>> {
        self.limits.as_ref()?.probabilities(rows, rows.len() / self.features.dimension())
    }

    /// Targets of the outcomes that keep the constraints, row by row.
    pub(crate) fn feasible_targets(&self) -> impl Iterator<Item = &[f64]> {
        let rows = self.targets.chunks(self.outputs.max(1)).zip(&self.feasible);
        rows.filter(|(_, feasible)| **feasible).map(|(row, _)| row)
    }

    /// Targets of all outcomes: unless constraints are learned, what breaks them lies below all that keeps them, in every objective.
    fn targets_of(&self, history: &History) -> Vec<f64> {
        let outcomes = &history.outcomes;
        let columns = (0..self.outputs).map(|m| {
            let feasible = outcomes.iter().filter(|o| o.violation <= 0.0).map(|o| o.objectives[m]);
            let (low, high) = range(feasible);
            let (span, floor) =
                (if high > low { high - low } else { 1.0 }, if low.is_finite() { low } else { 0.0 });
            let target = |o: &crate::history::Outcome| match o.violation > 0.0 && self.limits.is_none() {
                true => floor - span * (0.1 + o.violation / (1.0 + o.violation)),
                false => o.objectives[m],
            };
            let column: Vec<f64> = outcomes.iter().map(target).collect();
            if self.by_rank { normal_scores(&column) } else { standard(&column) }
        });
        let columns: Vec<Vec<f64>> = columns.collect();
        (0..outcomes.len()).flat_map(|row| columns.iter().map(move |column| column[row])).collect()
    }

    /// The front of the targets, and of what is expected of candidates that are still being evaluated.
    pub(crate) fn front(&self, open: &[Genotype]) -> Front {
        let mut front = Front::new(self.feasible_targets().map(<[f64]>::to_vec));
        if open.is_empty() {
            return front;
        }
        let expected = self.predict(&self.features.encode_all(open));
        for mean in expected.iter().flat_map(|p| p.mean.chunks(self.outputs.max(1))) {
            front.add(mean.to_vec());
        }
        front
    }

    /// Vectors of the outcomes that were learned.
    pub(crate) fn rows(&self) -> &[f64] {
        &self.rows
    }

    /// Predictions for whole vectors; `None` if the surrogate fails or gives what is no number.
    pub(crate) fn predict(&self, rows: &[f64]) -> Option<Prediction> {
        let count = rows.len() / self.features.dimension();
        let prediction = match self.surrogate.predict(rows, count) {
            Ok(prediction) => prediction,
            Err(error) => {
                self.complain(&format!("cannot predict {count} candidates ({error})"));
                return None;
            }
        };
        let all = [&prediction.mean, &prediction.epistemic, &prediction.aleatoric];
        let whole = all
            .iter()
            .all(|values| values.len() == count * self.outputs && values.iter().all(|v| v.is_finite()));
        if !whole {
            self.complain(&format!(
                "predicts {count} candidates with {} means, {} epistemic and {} aleatoric deviations, where {} finite numbers of \
                 each are due",
                prediction.mean.len(),
                prediction.epistemic.len(),
                prediction.aleatoric.len(),
                count * self.outputs
            ));
        }
        whole.then_some(prediction)
    }

    /// Whether gradients can be had.
    pub(crate) fn differentiable(&self) -> bool {
        self.surrogate.differentiable()
    }

    /// The gradient of `coefficients` times the predictions at one vector; `None` if it is no vector of numbers.
    pub(crate) fn gradient(&self, x: &[f64], coefficients: &[f64]) -> Option<Vec<f64>> {
        self.surrogate
            .gradient(x, coefficients)
            .ok()
            .filter(|g| g.len() == x.len() && g.iter().all(|v| v.is_finite()))
    }

    /// The product of its Hessian with `v`.
    pub(crate) fn hvp(&self, x: &[f64], v: &[f64], coefficients: &[f64]) -> Option<Vec<f64>> {
        self.surrogate
            .hvp(x, v, coefficients)
            .ok()
            .filter(|h| h.len() == x.len() && h.iter().all(|v| v.is_finite()))
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model")
            .field("told", &self.told)
            .field("usable", &self.usable)
            .finish_non_exhaustive()
    }
}

/// To mean 0 and deviation 1; equal values become 0.
fn standard(values: &[f64]) -> Vec<f64> {
    let count = values.len().max(1) as f64;
    let mean = values.iter().map(|v| v / count).sum::<f64>();
    let largest = values.iter().map(|v| (v - mean).abs()).fold(0.0, f64::max);
    if largest <= 1e-12 * mean.abs().max(1e-290) {
        return vec![0.0; values.len()];
    }
    let squares = values.iter().map(|v| ((v - mean) / largest) * ((v - mean) / largest)).sum::<f64>() / count;
    let deviation = largest * codebench_sdk::math::sqrt(squares);
    values.iter().map(|v| (v - mean) / deviation).collect()
}
