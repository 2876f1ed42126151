//! `codebench/bayesian-optimisation` and `codebench/bananas`.

use crate::acquisition::{Acquisition, Weights, climbed, pool};
use crate::history::History;
use crate::model::{Model, SurrogateUse};
use crate::start;
use codebench_sdk::prelude::*;

/// Streams of the seed.
const STREAM: u64 = 9;
const BANANAS_STREAM: u64 = 10;
/// Random candidates beside those near the best.
const RANDOM: usize = 100;
/// Steps by which the best candidates climb to better neighbours.
const CLIMBS: usize = 2;

/// Bayesian optimisation: proposes what promises most by a Gaussian process, or another surrogate.
#[derive(Debug)]
pub struct BayesianOptimisation(Settings, Option<State>);

/// BANANAS (White et al., 2021): an ensemble of networks on path encodings, independent Thompson sampling, candidates by mutation.
#[derive(Debug)]
pub struct Bananas(Settings, Option<State>);

#[derive(Debug, Clone)]
struct Settings {
    surrogate: SurrogateUse,
    acquisition: Acquisition,
    startup: usize,
    around: usize,
    climbs: usize,
}

#[derive(Debug)]
struct State {
    history: History,
    model: Model,
    settings: Settings,
}

impl Plugin for BayesianOptimisation {
    type Kind = kinds::Strategy;

    fn info() -> PluginInfo {
        let mut parameters = vec![
            ParameterDescription::choice(
                "acquisition",
                &["ei", "ucb"],
                "ei",
                "Expected improvement, or upper confidence bound.",
            ),
            ParameterDescription::float(
                "beta",
                0.0,
                100.0,
                1.0,
                "Deviations that the confidence bound lies above the mean.",
            ),
            ParameterDescription::integer("startup", 1, 100_000, 10, "Random trials before the first model."),
        ];
        parameters.extend(SurrogateUse::parameters("codebench/gp", "choices", "values"));
        PluginInfo::new(
            "codebench/bayesian-optimisation",
            "0.1.0",
            "Proposes what promises most by a surrogate: expected improvement or confidence bound of a Gaussian process.",
        )
        .parameters(parameters)
        .needs(&[Kind::Surrogate])
        .example("GP-UCB", "[strategy]\nplugin = \"codebench/bayesian-optimisation\"\nparameters = { acquisition = \"ucb\", beta = 2.0 }")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let acquisition = match configuration.text("acquisition")? {
            "ucb" => Acquisition::Bound(configuration.float("beta")?),
            _ => Acquisition::Improvement,
        };
        let settings = Settings {
            surrogate: SurrogateUse::configure(configuration)?,
            acquisition,
            startup: configuration.integer("startup")?.unsigned_abs() as usize,
            around: 5,
            climbs: CLIMBS,
        };
        Ok(BayesianOptimisation(settings, None))
    }
}

impl Plugin for Bananas {
    type Kind = kinds::Strategy;

    fn info() -> PluginInfo {
        let mut parameters = vec![
            ParameterDescription::integer("startup", 1, 100_000, 10, "Random trials before the first model."),
            ParameterDescription::integer(
                "parents",
                1,
                1000,
                10,
                "Best trials whose mutations are candidates.",
            ),
        ];
        parameters.extend(SurrogateUse::parameters("codebench/deep-ensemble", "paths", "values"));
        PluginInfo::new(
            "codebench/bananas",
            "0.1.0",
            "An ensemble of networks on path encodings, Thompson sampling, candidates by mutation of the best.",
        )
        .parameters(parameters)
        .needs(&[Kind::Surrogate])
        .example("on a Gaussian process", "[strategy]\nplugin = \"codebench/bananas\"\nparameters = { surrogate = \"codebench/gp\" }")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let settings = Settings {
            surrogate: SurrogateUse::configure(configuration)?,
            acquisition: Acquisition::Draw,
            startup: configuration.integer("startup")?.unsigned_abs() as usize,
            around: configuration.integer("parents")?.unsigned_abs() as usize,
            climbs: 0,
        };
        Ok(Bananas(settings, None))
    }
}

start::strategy_of_state!(BayesianOptimisation, |settings, context| State::new(settings, context, STREAM));
start::strategy_of_state!(Bananas, |settings, context| State::new(settings, context, BANANAS_STREAM));

impl State {
    fn tell(&mut self, outcomes: &[Tell]) {
        self.history.tell(outcomes);
    }

    fn new(settings: &Settings, context: &StrategyContext, stream: u64) -> Result<State, PluginError> {
        let history = History::new(context, stream)?;
        Ok(State { history, model: settings.surrogate.start(context)?, settings: settings.clone() })
    }

    fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        let mut proposals = Vec::with_capacity(count);
        while proposals.len() < count {
            let missing = count - proposals.len();
            let starting = self.settings.startup.saturating_sub(self.history.known());
            let chosen = match starting > 0 || self.history.outcomes.is_empty() {
                true => Vec::new(),
                false => self.promising(missing)?.unwrap_or_default(),
            };
            if chosen.is_empty() {
                for _ in 0..missing.min(starting.max(1)) {
                    let point = self.history.sample();
                    proposals.push(self.history.propose(point));
                }
            }
            for point in chosen {
                proposals.push(self.history.propose(point));
            }
        }
        Ok(proposals)
    }

    /// The best candidates by the surrogate; `None` if it fails.
    fn promising(&mut self, count: usize) -> Result<Option<Vec<Genotype>>, PluginError> {
        if self.history.is_exhausted() || !self.model.learn(&self.history) {
            return Ok(None);
        }
        let weights = Weights::draw(&mut self.history, 0.0);
        let mut around = self.history.ranking();
        around.truncate(self.settings.around);
        let candidates = pool(&mut self.history, &around, RANDOM)?;
        let Settings { acquisition, climbs, .. } = self.settings;
        let scored = climbed(&self.model, candidates, &weights, acquisition, climbs, &mut self.history)?;
        Ok(scored.map(|scored| {
            let (chosen, _) = scored.choose(&self.model, &weights, acquisition, count, &mut self.history);
            chosen.into_iter().map(|i| scored.points[i].clone()).collect()
        }))
    }
}
