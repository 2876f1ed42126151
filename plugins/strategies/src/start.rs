//! What both strategies are made from.

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
