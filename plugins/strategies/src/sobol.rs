//! `codebench/sobol`.

use crate::start;
use codebench_sdk::prelude::*;
use codebench_sdk::space::{Points, Rng, Weighting};

/// First stream of the seed that the scrambles are drawn from; one stream per block of dimensions.
const STREAM: u64 = 1 << 32;

/// Dimensions that the direction numbers cover, and points of one scramble: limits of the library.
const DIMENSIONS: usize = sobol_burley::NUM_DIMENSIONS as usize;
const PERIOD: u64 = 1 << 16;

/// Walks an Owen-scrambled Sobol sequence.
///
/// One dimension per choice with several values, in order of choices. A block of 256 dimensions shares a scramble drawn
/// from the seed; further dimensions reuse the direction numbers of the first 256 under scrambles of their own, so that
/// each block is evenly spread in itself and independent of the others. Every 2^16 points the scrambles are drawn anew.
#[derive(Debug)]
pub struct Sobol {
    weighting: Weighting,
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    points: Points,
    /// Choices that take a coordinate.
    choices: Vec<usize>,
    /// One per block of dimensions; each yields the block's scramble of one period after another.
    streams: Vec<Rng>,
    scrambles: Vec<u32>,
    /// Points proposed so far.
    proposed: u64,
}

impl Plugin for Sobol {
    type Kind = kinds::Strategy;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/sobol",
            "0.1.0",
            "Walks a scrambled Sobol sequence, which covers the space more evenly than random points.",
        )
        .parameters(vec![start::weighting_parameter()])
        .example("evenly spread points", "[strategy]\nplugin = \"codebench/sobol\"")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Sobol { weighting: start::weighting(configuration)?, state: None })
    }
}

impl Strategy for Sobol {
    fn start(&mut self, context: &StrategyContext) -> Result<(), PluginError> {
        let choices = &context.space.choices;
        let choices: Vec<usize> = (0..choices.len()).filter(|i| choices[*i].values.len() > 1).collect();
        let blocks = choices.len().div_ceil(DIMENSIONS) as u64;
        let streams = (0..blocks).map(|block| Rng::new(context.seed, STREAM + block)).collect();
        let points = start::points(context)?;
        self.state = Some(State { points, choices, streams, scrambles: Vec::new(), proposed: 0 });
        Ok(())
    }

    fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        let weighting = self.weighting;
        let state = self.state.as_mut().ok_or_else(start::not_started)?;
        (0..count)
            .map(|_| {
                let coordinates = state.next_coordinates();
                state.points.from_unit(&coordinates, weighting).map_err(start::invalid)
            })
            .collect()
    }

    fn tell(&mut self, _: &[Tell]) -> Result<(), PluginError> {
        Ok(())
    }
}

impl State {
    fn next_coordinates(&mut self) -> Vec<f64> {
        let index = self.proposed % PERIOD;
        if index == 0 {
            self.scrambles = self.streams.iter_mut().map(|stream| stream.word() as u32).collect();
        }
        self.proposed += 1;
        let mut coordinates = vec![0.0; self.points.space().choices.len()];
        for (block, choices) in self.choices.chunks(DIMENSIONS).enumerate() {
            for (dimension, &choice) in choices.iter().enumerate() {
                let sample = sobol_burley::sample(index as u32, dimension as u32, self.scrambles[block]);
                coordinates[choice] = f64::from(sample);
            }
        }
        coordinates
    }
}
