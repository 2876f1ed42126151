//! What the host requires of answers that are plain numbers, around plugins that it did not build.

use super::watch::Watched;
use crate::checks;
use codebench_api::{
    AccelModule, ChannelRequest, CnnOp, Evaluator, LowerRequest, LoweredOp, Maker, Memory, PluginError,
    Prediction, Reads, Strategy, StrategyContext, Surrogate, SurrogateContext, Tell,
};
use codebench_model::{
    DataShape, DataSource, Genotype, Job, MemoryFacts, Metrics, ModuleFacts, TileCost, TileWork,
    TransferCost, TransferProfile,
};
use std::sync::Arc;

/// The same maker; its instances refuse to answer what cannot be, and note when they are inside the library.
pub(super) fn maker(maker: Maker, watched: &'static Watched) -> Maker {
    match maker {
        Maker::AccelModule(make) => Maker::AccelModule(Arc::new(move |configuration| {
            let (module, facts) = watched.inside(|| {
                let module = make(configuration)?;
                let facts = module.facts();
                Ok((module, facts))
            })?;
            checks::module_facts(&facts)?;
            Ok(Box::new(CheckedModule { watched, module, facts }))
        })),
        Maker::Memory(make) => Maker::Memory(Arc::new(move |configuration| {
            let (memory, facts) = watched.inside(|| {
                let memory = make(configuration)?;
                let facts = memory.facts();
                Ok((memory, facts))
            })?;
            checks::memory_facts(&facts)?;
            Ok(Box::new(CheckedMemory { watched, memory, facts }))
        })),
        Maker::Surrogate(make) => Maker::Surrogate(Arc::new(move |configuration, context| {
            let surrogate = watched.inside(|| make(configuration, context))?;
            Ok(Box::new(CheckedSurrogate { watched, surrogate }))
        })),
        // The study checks candidates, metrics, lowered vertices and losses, wherever they come from.
        Maker::CnnOp(make) => Maker::CnnOp(Arc::new(move |configuration| {
            Ok(Box::new(WatchedOp { watched, op: watched.inside(|| make(configuration))? }))
        })),
        Maker::Strategy(make) => Maker::Strategy(Arc::new(move |configuration, context| {
            Ok(Box::new(WatchedStrategy {
                watched,
                strategy: watched.inside(|| make(configuration, context))?,
            }))
        })),
        Maker::Evaluator(make) => Maker::Evaluator(Arc::new(move |configuration| {
            Ok(Box::new(WatchedEvaluator { watched, evaluator: watched.inside(|| make(configuration))? }))
        })),
        // A step of training may rightly take as long as it likes.
        other => other,
    }
}

struct WatchedOp {
    watched: &'static Watched,
    op: Box<dyn CnnOp>,
}

impl CnnOp for WatchedOp {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        self.watched.inside(|| self.op.output_channels(request))
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        self.watched.inside(|| self.op.lower(request))
    }
}

struct WatchedStrategy {
    watched: &'static Watched,
    strategy: Box<dyn Strategy>,
}

impl Strategy for WatchedStrategy {
    fn start(&mut self, context: &StrategyContext) -> Result<(), PluginError> {
        self.watched.inside(|| self.strategy.start(context))
    }

    fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        self.watched.inside(|| self.strategy.ask(count))
    }

    fn tell(&mut self, outcomes: &[Tell]) -> Result<(), PluginError> {
        self.watched.inside(|| self.strategy.tell(outcomes))
    }
}

struct WatchedEvaluator {
    watched: &'static Watched,
    evaluator: Box<dyn Evaluator>,
}

impl Evaluator for WatchedEvaluator {
    fn reads(&self) -> Reads {
        self.evaluator.reads()
    }

    fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError> {
        self.watched.inside(|| self.evaluator.evaluate(job))
    }

    fn data_shape(&self, data: &DataSource) -> Option<Result<DataShape, PluginError>> {
        self.evaluator.data_shape(data)
    }
}

struct CheckedModule {
    watched: &'static Watched,
    module: Box<dyn AccelModule>,
    facts: ModuleFacts,
}

impl AccelModule for CheckedModule {
    fn facts(&self) -> ModuleFacts {
        self.facts.clone()
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        self.watched.inside(|| self.module.cost(works, costs))?;
        checks::tile_costs(costs, self.facts.events.len())
    }
}

struct CheckedMemory {
    watched: &'static Watched,
    memory: Box<dyn Memory>,
    facts: MemoryFacts,
}

impl Memory for CheckedMemory {
    fn facts(&self) -> MemoryFacts {
        self.facts.clone()
    }

    fn cost(&self, profiles: &[TransferProfile], costs: &mut [TransferCost]) -> Result<(), PluginError> {
        self.watched.inside(|| self.memory.cost(profiles, costs))?;
        checks::transfer_costs(costs, self.facts.events.len())
    }
}

struct CheckedSurrogate {
    watched: &'static Watched,
    surrogate: Box<dyn Surrogate>,
}

impl Surrogate for CheckedSurrogate {
    fn start(&mut self, context: &SurrogateContext) -> Result<(), PluginError> {
        self.watched.inside(|| self.surrogate.start(context))
    }

    fn fit(&mut self, x: &[f64], y: &[f64]) -> Result<(), PluginError> {
        self.watched.inside(|| self.surrogate.fit(x, y))
    }

    fn predict(&self, x: &[f64], rows: usize) -> Result<Prediction, PluginError> {
        let prediction = self.watched.inside(|| self.surrogate.predict(x, rows))?;
        checks::finite("mean", &prediction.mean)?;
        checks::deviations("epistemic", &prediction.epistemic)?;
        checks::deviations("aleatoric", &prediction.aleatoric)?;
        Ok(prediction)
    }

    fn differentiable(&self) -> bool {
        self.surrogate.differentiable()
    }

    fn gradient(&self, x: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, PluginError> {
        let gradient = self.watched.inside(|| self.surrogate.gradient(x, coefficients))?;
        checks::finite("gradient", &gradient)?;
        Ok(gradient)
    }

    fn hvp(&self, x: &[f64], v: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, PluginError> {
        let product = self.watched.inside(|| self.surrogate.hvp(x, v, coefficients))?;
        checks::finite("Hessian-vector product", &product)?;
        Ok(product)
    }
}
