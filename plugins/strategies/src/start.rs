//! What strategies are made from.

use codebench_sdk::prelude::*;
use codebench_sdk::space::{Points, SpaceError, Weighting};

/// The parameter `weighting`.
pub(crate) fn weighting_parameter() -> ParameterDescription {
    ParameterDescription::choice(
        "weighting",
        &["points", "values"],
        "points",
        "What is equally likely: every valid point, so that large CNNs prevail, or every value of each choice in turn.",
    )
}

/// Its value.
pub(crate) fn weighting(configuration: &Configuration<'_>) -> Result<Weighting, PluginError> {
    Ok(match configuration.text("weighting")? {
        "values" => Weighting::Values,
        _ => Weighting::Points,
    })
}

/// The points of the study's space.
pub(crate) fn points(context: &StrategyContext) -> Result<Points, PluginError> {
    Points::new(&context.space).map_err(invalid)
}

pub(crate) fn invalid(error: SpaceError) -> PluginError {
    PluginError::invalid(error.to_string())
}

/// The error of a call before [`Strategy::start`].
pub(crate) fn not_started() -> PluginError {
    PluginError::contract("the strategy is asked before it is started: call `start` first")
}

/// `Strategy` for a pair of settings and a state that `start` makes of them: `(settings, context) -> Result<State, PluginError>`.
macro_rules! strategy_of_state {
    ($strategy:ty, $start:expr) => {
        impl Strategy for $strategy {
            fn start(&mut self, context: &StrategyContext) -> Result<(), PluginError> {
                self.1 = Some($start(&self.0, context)?);
                Ok(())
            }

            fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
                self.1.as_mut().ok_or_else($crate::start::not_started)?.ask(count)
            }

            fn tell(&mut self, outcomes: &[Tell]) -> Result<(), PluginError> {
                self.1.as_mut().ok_or_else($crate::start::not_started)?.tell(outcomes);
                Ok(())
            }
        }
    };
}
pub(crate) use strategy_of_state;
