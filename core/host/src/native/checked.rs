//! What the host requires of the answers of plugins that it did not build, and the note that a thread is inside of them.

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
use std::mem::ManuallyDrop;
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
            Ok(Box::new(CheckedModule { module: Instance::new(watched, module), facts }))
        })),
        Maker::Memory(make) => Maker::Memory(Arc::new(move |configuration| {
            let (memory, facts) = watched.inside(|| {
                let memory = make(configuration)?;
                let facts = memory.facts();
                Ok((memory, facts))
            })?;
            checks::memory_facts(&facts)?;
            Ok(Box::new(CheckedMemory { memory: Instance::new(watched, memory), facts }))
        })),
        Maker::Surrogate(make) => Maker::Surrogate(Arc::new(move |configuration, context| {
            Ok(Box::new(CheckedSurrogate(Instance::make(watched, || make(configuration, context))?)))
        })),
        // The study checks candidates, losses and the structure of lowered vertices, wherever they come from.
        Maker::CnnOp(make) => Maker::CnnOp(Arc::new(move |configuration| {
            Ok(Box::new(CheckedOp(Instance::make(watched, || make(configuration))?)))
        })),
        Maker::Strategy(make) => Maker::Strategy(Arc::new(move |configuration, context| {
            Ok(Box::new(WatchedStrategy(Instance::make(watched, || make(configuration, context))?)))
        })),
        Maker::Evaluator(make) => Maker::Evaluator(Arc::new(move |configuration| {
            let (evaluator, reads) = watched.inside(|| {
                let evaluator = make(configuration)?;
                let reads = evaluator.reads();
                Ok((evaluator, reads))
            })?;
            Ok(Box::new(CheckedEvaluator { evaluator: Instance::new(watched, evaluator), reads }))
        })),
        // A step of training may rightly take as long as it likes.
        other => other,
    }
}

/// An instance of a plugin. Its calls are inside the library, and so is its drop.
struct Instance<T: ?Sized> {
    watched: &'static Watched,
    plugin: ManuallyDrop<Box<T>>,
}

impl<T: ?Sized> Instance<T> {
    fn new(watched: &'static Watched, plugin: Box<T>) -> Self {
        Instance { watched, plugin: ManuallyDrop::new(plugin) }
    }

    fn make(
        watched: &'static Watched,
        make: impl FnOnce() -> Result<Box<T>, PluginError>,
    ) -> Result<Self, PluginError> {
        Ok(Instance::new(watched, watched.inside(make)?))
    }

    fn call<R>(&self, call: impl FnOnce(&T) -> Result<R, PluginError>) -> Result<R, PluginError> {
        self.watched.inside(|| call(&self.plugin))
    }

    fn change<R>(&mut self, call: impl FnOnce(&mut T) -> Result<R, PluginError>) -> Result<R, PluginError> {
        self.watched.inside(|| call(&mut self.plugin))
    }
}

impl<T: ?Sized> Drop for Instance<T> {
    fn drop(&mut self) {
        let plugin = &mut self.plugin;
        // The instance of a plugin that is disabled stays: its drop may come back as little as the call that was left behind.
        let _ = self.watched.inside(|| {
            // SAFETY: nobody uses the instance after its drop.
            unsafe { ManuallyDrop::drop(plugin) };
            Ok(())
        });
    }
}

struct CheckedOp(Instance<dyn CnnOp>);

impl CnnOp for CheckedOp {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        self.0.call(|op| op.output_channels(request))
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        let lowered = self.0.call(|op| op.lower(request))?;
        checks::lowered(&lowered)?;
        Ok(lowered)
    }
}

struct WatchedStrategy(Instance<dyn Strategy>);

impl Strategy for WatchedStrategy {
    fn start(&mut self, context: &StrategyContext) -> Result<(), PluginError> {
        self.0.change(|strategy| strategy.start(context))
    }

    fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        self.0.change(|strategy| strategy.ask(count))
    }

    fn tell(&mut self, outcomes: &[Tell]) -> Result<(), PluginError> {
        self.0.change(|strategy| strategy.tell(outcomes))
    }
}

struct CheckedEvaluator {
    evaluator: Instance<dyn Evaluator>,
    reads: Reads,
}

impl Evaluator for CheckedEvaluator {
    fn reads(&self) -> Reads {
        self.reads.clone()
    }

    fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError> {
        let metrics = self.evaluator.call(|evaluator| evaluator.evaluate(job))?;
        checks::metrics(&metrics)?;
        Ok(metrics)
    }

    fn data_shape(&self, data: &DataSource) -> Option<Result<DataShape, PluginError>> {
        self.evaluator.call(|evaluator| evaluator.data_shape(data).transpose()).transpose()
    }
}

struct CheckedModule {
    module: Instance<dyn AccelModule>,
    facts: ModuleFacts,
}

impl AccelModule for CheckedModule {
    fn facts(&self) -> ModuleFacts {
        self.facts.clone()
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        self.module.call(|module| module.cost(works, costs))?;
        checks::tile_costs(costs, self.facts.events.len())
    }
}

struct CheckedMemory {
    memory: Instance<dyn Memory>,
    facts: MemoryFacts,
}

impl Memory for CheckedMemory {
    fn facts(&self) -> MemoryFacts {
        self.facts.clone()
    }

    fn cost(&self, profiles: &[TransferProfile], costs: &mut [TransferCost]) -> Result<(), PluginError> {
        self.memory.call(|memory| memory.cost(profiles, costs))?;
        checks::transfer_costs(costs, self.facts.events.len())
    }
}

struct CheckedSurrogate(Instance<dyn Surrogate>);

impl Surrogate for CheckedSurrogate {
    fn start(&mut self, context: &SurrogateContext) -> Result<(), PluginError> {
        self.0.change(|surrogate| surrogate.start(context))
    }

    fn fit(&mut self, x: &[f64], y: &[f64]) -> Result<(), PluginError> {
        self.0.change(|surrogate| surrogate.fit(x, y))
    }

    fn predict(&self, x: &[f64], rows: usize) -> Result<Prediction, PluginError> {
        let prediction = self.0.call(|surrogate| surrogate.predict(x, rows))?;
        checks::finite("mean", &prediction.mean)?;
        checks::deviations("epistemic", &prediction.epistemic)?;
        checks::deviations("aleatoric", &prediction.aleatoric)?;
        Ok(prediction)
    }

    fn differentiable(&self) -> bool {
        // A plugin that is disabled answers nothing.
        self.0.call(|surrogate| Ok(surrogate.differentiable())).unwrap_or(false)
    }

    fn gradient(&self, x: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, PluginError> {
        let gradient = self.0.call(|surrogate| surrogate.gradient(x, coefficients))?;
        checks::finite("gradient", &gradient)?;
        Ok(gradient)
    }

    fn hvp(&self, x: &[f64], v: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, PluginError> {
        let product = self.0.call(|surrogate| surrogate.hvp(x, v, coefficients))?;
        checks::finite("Hessian-vector product", &product)?;
        Ok(product)
    }
}
