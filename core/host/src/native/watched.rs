//! What the study calls, on threads that can be left behind.

use super::watch::guarded;
use codebench_api::{
    Catalog, ChannelRequest, CnnOp, Entry, ErrorKind, Evaluator, Form, LowerRequest, LoweredOp, Maker,
    PluginError, Reads, Strategy, StrategyContext, Tell,
};
use codebench_model::{DataShape, DataSource, Genotype, Job, Metrics};
use std::sync::{Arc, Mutex, TryLockError};

/// The catalogue, whose plugins may now call native code: evaluators and strategies of any form, since they may be given native
/// plugins, and native cnn-ops, which the study calls itself. Without native plugins nothing changes.
pub(crate) fn watched(catalog: Catalog) -> Result<Catalog, codebench_api::CatalogError> {
    if !catalog.entries().any(|entry| entry.form == Form::Native) {
        return Ok(catalog);
    }
    let mut watched = Catalog::default();
    for entry in catalog.entries() {
        watched.add(Entry { maker: maker(entry), ..entry.clone() })?;
    }
    Ok(watched)
}

fn maker(entry: &Entry) -> Maker {
    match entry.maker.clone() {
        Maker::Evaluator(make) => Maker::Evaluator(Arc::new(move |configuration| {
            Ok(Box::new(ApartEvaluator(make(configuration)?.into())))
        })),
        Maker::Strategy(make) => Maker::Strategy(Arc::new(move |configuration, context| {
            Ok(Box::new(ApartStrategy(Arc::new(Mutex::new(make(configuration, context)?)))))
        })),
        Maker::CnnOp(make) if entry.form == Form::Native => {
            Maker::CnnOp(Arc::new(move |configuration| Ok(Box::new(ApartOp(make(configuration)?.into())))))
        }
        other => other,
    }
}

struct ApartEvaluator(Arc<dyn Evaluator>);

impl Evaluator for ApartEvaluator {
    fn reads(&self) -> Reads {
        self.0.reads()
    }

    fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError> {
        let (evaluator, job) = (Arc::clone(&self.0), job.clone());
        guarded(move || evaluator.evaluate(&job))
    }

    fn data_shape(&self, data: &DataSource) -> Option<Result<DataShape, PluginError>> {
        self.0.data_shape(data)
    }
}

struct ApartOp(Arc<dyn CnnOp>);

impl CnnOp for ApartOp {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        let (op, request) = (Arc::clone(&self.0), request.clone());
        guarded(move || op.output_channels(&request))
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        let (op, request) = (Arc::clone(&self.0), request.clone());
        guarded(move || op.lower(&request))
    }
}

struct ApartStrategy(Arc<Mutex<Box<dyn Strategy>>>);

impl ApartStrategy {
    fn call<T: Send + 'static>(
        &self,
        body: impl FnOnce(&mut dyn Strategy) -> Result<T, PluginError> + Send + 'static,
    ) -> Result<T, PluginError> {
        let strategy = Arc::clone(&self.0);
        guarded(move || {
            // A call that was left behind holds the strategy for ever; after a panic it is as good as it was before.
            let mut strategy = match strategy.try_lock() {
                Ok(strategy) => strategy,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {
                    let message = "an earlier call of the strategy has not come back".to_owned();
                    return Err(PluginError { kind: ErrorKind::Limit, message });
                }
            };
            body(strategy.as_mut())
        })
    }
}

impl Strategy for ApartStrategy {
    fn start(&mut self, context: &StrategyContext) -> Result<(), PluginError> {
        let context = context.clone();
        self.call(move |strategy| strategy.start(&context))
    }

    fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        self.call(move |strategy| strategy.ask(count))
    }

    fn tell(&mut self, outcomes: &[Tell]) -> Result<(), PluginError> {
        let outcomes = outcomes.to_vec();
        self.call(move |strategy| strategy.tell(&outcomes))
    }
}
