//! A surrogate, and a strategy that needs one.

use crate::Panics;
use codebench_sdk::prelude::*;

/// Predicts the mean of all records plus the sum of the inputs.
pub struct Average {
    panics: Panics,
    inputs: usize,
    outputs: usize,
    mean: Vec<f64>,
}

impl Plugin for Average {
    type Kind = kinds::Surrogate;

    fn info() -> PluginInfo {
        PluginInfo::new("test/average", "0.1.0", "The mean of all records plus the sum of the inputs.")
            .parameters(vec![Panics::parameter()])
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Average { panics: Panics::new(configuration)?, inputs: 0, outputs: 0, mean: Vec::new() })
    }
}

impl Surrogate for Average {
    fn start(&mut self, context: &SurrogateContext) -> Result<(), PluginError> {
        self.panics.at("start");
        (self.inputs, self.outputs) = (context.inputs, context.outputs);
        self.mean = vec![0.0; context.outputs];
        Ok(())
    }

    fn fit(&mut self, _: &[f64], y: &[f64]) -> Result<(), PluginError> {
        self.panics.at("fit");
        let rows = y.len() / self.outputs;
        if rows == 0 {
            return Err(PluginError::invalid("0 records cannot be learned: give at least one"));
        }
        let sum = |m: usize| y.iter().skip(m).step_by(self.outputs).sum::<f64>();
        self.mean = (0..self.outputs).map(|m| sum(m) / rows as f64).collect();
        Ok(())
    }

    fn predict(&self, x: &[f64], rows: usize) -> Result<Prediction, PluginError> {
        self.panics.at("predict");
        let row = |r: usize| x[r * self.inputs..][..self.inputs].iter().sum::<f64>();
        let mean = (0..rows).flat_map(|r| self.mean.iter().map(move |m| m + row(r))).collect();
        let one = vec![1.0; rows * self.outputs];
        Ok(Prediction { mean, epistemic: one.clone(), aleatoric: one })
    }

    fn differentiable(&self) -> bool {
        true
    }

    fn gradient(&self, _: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, PluginError> {
        self.panics.at("gradient");
        Ok(vec![coefficients[..self.outputs].iter().sum(); self.inputs])
    }

    fn hvp(&self, _: &[f64], _: &[f64], _: &[f64]) -> Result<Vec<f64>, PluginError> {
        self.panics.at("hvp");
        Ok(vec![0.0; self.inputs])
    }
}

/// Proposes every choice's first value or its second, whichever a surrogate prefers.
pub struct Guided {
    surrogate: Box<dyn Surrogate>,
    choices: usize,
}

impl Plugin for Guided {
    type Kind = kinds::Strategy;

    fn info() -> PluginInfo {
        PluginInfo::new("test/guided", "0.1.0", "Proposes what a surrogate prefers.")
            .parameters(vec![ParameterDescription::text("surrogate", "test/average", "Id of the surrogate.")])
            .needs(&[Kind::Surrogate])
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let context = SurrogateContext { seed: 1, inputs: 1, outputs: 1, blocks: Vec::new() };
        let id = configuration.text("surrogate")?;
        let surrogate = configuration.catalog.surrogate(id, &Parameters::new(), &context)?;
        Ok(Guided { surrogate, choices: 0 })
    }
}

impl Strategy for Guided {
    fn start(&mut self, context: &StrategyContext) -> Result<(), PluginError> {
        self.choices = context.space.choices.len();
        Ok(())
    }

    fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        let mean = self.surrogate.predict(&[0.0, 1.0], 2)?.mean;
        Ok(vec![Genotype(vec![u32::from(mean[1] > mean[0]); self.choices]); count])
    }

    fn tell(&mut self, outcomes: &[Tell]) -> Result<(), PluginError> {
        let y: Vec<f64> = outcomes.iter().filter_map(|tell| tell.objectives.first().copied()).collect();
        self.surrogate.fit(&vec![0.0; y.len()], &y)
    }
}
