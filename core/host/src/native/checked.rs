//! What the host requires of answers that are plain numbers, around plugins that it did not build.

use crate::checks;
use codebench_api::{AccelModule, Maker, Memory, PluginError, Prediction, Surrogate, SurrogateContext};
use codebench_model::{MemoryFacts, ModuleFacts, TileCost, TileWork, TransferCost, TransferProfile};
use std::sync::Arc;

/// The same maker; its instances refuse to answer what cannot be.
pub(super) fn maker(maker: Maker) -> Maker {
    match maker {
        Maker::AccelModule(make) => Maker::AccelModule(Arc::new(move |configuration| {
            let module = make(configuration)?;
            let facts = module.facts();
            checks::module_facts(&facts)?;
            Ok(Box::new(CheckedModule { module, facts }))
        })),
        Maker::Memory(make) => Maker::Memory(Arc::new(move |configuration| {
            let memory = make(configuration)?;
            let facts = memory.facts();
            checks::memory_facts(&facts)?;
            Ok(Box::new(CheckedMemory { memory, facts }))
        })),
        Maker::Surrogate(make) => Maker::Surrogate(Arc::new(move |configuration, context| {
            Ok(Box::new(CheckedSurrogate(make(configuration, context)?)))
        })),
        // The study checks candidates, metrics, lowered vertices and losses, wherever they come from.
        other => other,
    }
}

struct CheckedModule {
    module: Box<dyn AccelModule>,
    facts: ModuleFacts,
}

impl AccelModule for CheckedModule {
    fn facts(&self) -> ModuleFacts {
        self.facts.clone()
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        self.module.cost(works, costs)?;
        checks::tile_costs(costs, self.facts.events.len())
    }
}

struct CheckedMemory {
    memory: Box<dyn Memory>,
    facts: MemoryFacts,
}

impl Memory for CheckedMemory {
    fn facts(&self) -> MemoryFacts {
        self.facts.clone()
    }

    fn cost(&self, profiles: &[TransferProfile], costs: &mut [TransferCost]) -> Result<(), PluginError> {
        self.memory.cost(profiles, costs)?;
        checks::transfer_costs(costs, self.facts.events.len())
    }
}

struct CheckedSurrogate(Box<dyn Surrogate>);

impl Surrogate for CheckedSurrogate {
    fn start(&mut self, context: &SurrogateContext) -> Result<(), PluginError> {
        self.0.start(context)
    }

    fn fit(&mut self, x: &[f64], y: &[f64]) -> Result<(), PluginError> {
        self.0.fit(x, y)
    }

    fn predict(&self, x: &[f64], rows: usize) -> Result<Prediction, PluginError> {
        let prediction = self.0.predict(x, rows)?;
        checks::finite("mean", &prediction.mean)?;
        checks::deviations("epistemic", &prediction.epistemic)?;
        checks::deviations("aleatoric", &prediction.aleatoric)?;
        Ok(prediction)
    }

    fn differentiable(&self) -> bool {
        self.0.differentiable()
    }

    fn gradient(&self, x: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, PluginError> {
        let gradient = self.0.gradient(x, coefficients)?;
        checks::finite("gradient", &gradient)?;
        Ok(gradient)
    }

    fn hvp(&self, x: &[f64], v: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, PluginError> {
        let product = self.0.hvp(x, v, coefficients)?;
        checks::finite("Hessian-vector product", &product)?;
        Ok(product)
    }
}
