//! `codebench/random`.

use crate::start;
use codebench_sdk::prelude::*;
use codebench_sdk::space::{Points, Rng, Weighting};

/// Stream of the seed that the points are drawn from.
const STREAM: u64 = 1;

/// Draws valid points independently and uniformly.
#[derive(Debug)]
pub struct Random {
    weighting: Weighting,
    state: Option<(Points, Rng)>,
}

impl Plugin for Random {
    type Kind = kinds::Strategy;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/random",
            "0.1.0",
            "Draws valid points of the space, independent and uniform.",
        )
        .parameters(vec![start::weighting_parameter()])
        .example("uniform over points", "[strategy]\nplugin = \"codebench/random\"")
        .example(
            "small and large CNNs alike",
            "[strategy]\nplugin = \"codebench/random\"\nparameters = { weighting = \"values\" }",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Random { weighting: start::weighting(configuration)?, state: None })
    }
}

impl Strategy for Random {
    fn start(&mut self, context: &StrategyContext) -> Result<(), PluginError> {
        self.state = Some((start::points(context)?, Rng::new(context.seed, STREAM)));
        Ok(())
    }

    fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        let (points, rng) = self.state.as_mut().ok_or_else(start::not_started)?;
        Ok((0..count).map(|_| points.sample_weighted(rng, self.weighting)).collect())
    }

    fn tell(&mut self, _: &[Tell]) -> Result<(), PluginError> {
        Ok(())
    }
}
