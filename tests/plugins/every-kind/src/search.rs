//! A strategy and an evaluator.

use crate::Panics;
use codebench_sdk::prelude::*;

/// Proposes the first values, then the second, and so on.
pub struct Upwards {
    panics: Panics,
    choices: usize,
    next: u32,
    told: usize,
}

impl Plugin for Upwards {
    type Kind = kinds::Strategy;

    fn info() -> PluginInfo {
        PluginInfo::new("test/upwards", "0.1.0", "Proposes the first values, then the second, and so on.")
            .parameters(vec![Panics::parameter()])
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Upwards { panics: Panics::new(configuration)?, choices: 0, next: 0, told: 0 })
    }
}

impl Strategy for Upwards {
    fn start(&mut self, context: &StrategyContext) -> Result<(), PluginError> {
        self.panics.at("start");
        self.choices = context.space.choices.len();
        Ok(())
    }

    fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        self.panics.at("ask");
        let first = self.next;
        self.next += u32::try_from(count).map_err(|e| PluginError::invalid(e.to_string()))?;
        Ok((first..self.next).map(|i| Genotype(vec![i; self.choices])).collect())
    }

    fn tell(&mut self, outcomes: &[Tell]) -> Result<(), PluginError> {
        self.panics.at("tell");
        self.told += outcomes.len();
        match self.told {
            0..10 => Ok(()),
            told => {
                Err(PluginError::failed(format!("{told} outcomes are more than this strategy remembers")))
            }
        }
    }
}

/// Counts layers.
pub struct Depth(Panics);

impl Plugin for Depth {
    type Kind = kinds::Evaluator;

    fn info() -> PluginInfo {
        PluginInfo::new("test/depth", "0.1.0", "Counts the layers of the CNN.")
            .parameters(vec![Panics::parameter()])
            .metrics(&["layers"])
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Depth(Panics::new(configuration)?))
    }
}

impl Evaluator for Depth {
    fn reads(&self) -> Reads {
        self.0.at("reads");
        Reads { cnn: true, data: true, ..Reads::default() }
    }

    fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError> {
        self.0.at("evaluate");
        let workload = job.workload.as_ref();
        let layers =
            workload.ok_or_else(|| PluginError::infeasible("the candidate has no CNN"))?.layers.len();
        let mut metrics = Metrics::default();
        metrics.values.insert("layers".into(), layers as f64 + 0.1);
        metrics.per_layer.insert("ones".into(), vec![1.0; layers]);
        Ok(metrics)
    }

    fn data_shape(&self, data: &DataSource) -> Option<Result<DataShape, PluginError>> {
        self.0.at("data_shape");
        match data.id.as_str() {
            "none" => None,
            "broken" => Some(Err(PluginError::failed("the data set is broken"))),
            _ => Some(Ok(DataShape {
                input: TensorShape { channels: 1, height: 8, width: 8 },
                classes: 10,
                digest: "d".into(),
            })),
        }
    }
}
