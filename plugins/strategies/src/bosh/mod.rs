//! `codebench/boshnas` and `codebench/boshcode`: search by the gradient of an acquisition function.

mod ascent;
mod refine;
mod settings;
mod sides;
mod state;
mod transfer;

use crate::start;
use codebench_sdk::prelude::*;
use settings::Settings;
use state::State;

/// BOSHNAS: Bayesian optimisation with second-order gradients and a heteroscedastic surrogate, over CNNs or any other space.
#[derive(Debug)]
pub struct Boshnas(Settings, Option<State>);

/// BOSHCODE: the same over pairs of CNN and accelerator, with a surrogate of two inputs and one-sided modes.
#[derive(Debug)]
pub struct Boshcode(Settings, Option<State>);

impl Plugin for Boshnas {
    type Kind = kinds::Strategy;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/boshnas",
            "0.1.0",
            "Climbs a surrogate's confidence bound by second-order gradients from many starts, and proposes the nearest designs.",
        )
        .parameters(Settings::parameters("ucb", 2, 100))
        .needs(&[Kind::Surrogate])
        .example("with its defaults", "[strategy]\nplugin = \"codebench/boshnas\"")
        .example("first-order gradients", "[strategy]\nplugin = \"codebench/boshnas\"\nparameters = { second_order = false }")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Boshnas(Settings::new(configuration)?, None))
    }
}

impl Plugin for Boshcode {
    type Kind = kinds::Strategy;

    fn info() -> PluginInfo {
        let mut parameters = Settings::parameters("ei", 0, 0);
        parameters.extend(Settings::sides());
        PluginInfo::new(
            "codebench/boshcode",
            "0.1.0",
            "Searches pairs of CNN and accelerator as boshnas does; either side may be held fast, or both take turns.",
        )
        .parameters(parameters)
        .needs(&[Kind::Surrogate])
        .example("with its defaults", "[strategy]\nplugin = \"codebench/boshcode\"")
        .example("accelerators for one CNN", "[strategy]\nplugin = \"codebench/boshcode\"\nparameters = { fix = \"cnn\" }")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Boshcode(Settings::with_sides(configuration)?, None))
    }
}

start::strategy_of_state!(Boshnas, State::new);
start::strategy_of_state!(Boshcode, State::new);
