//! What the study calls, on threads that can be left behind.

use super::watch::guarded;
use codebench_api::{
    Catalog, ChannelRequest, CnnOp, Entry, ErrorKind, Evaluator, Form, LowerRequest, LoweredOp, Maker,
    PluginError, Reads, Strategy, StrategyContext, Tell,
};
use codebench_model::{AcceleratorInput, DataShape, DataSource, Genotype, Job, Metrics};
use std::mem::ManuallyDrop;
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
            Ok(Box::new(ApartEvaluator(Apart::new(make(configuration)?.into()))))
        })),
        Maker::Strategy(make) => Maker::Strategy(Arc::new(move |configuration, context| {
            Ok(Box::new(ApartStrategy(Apart::new(Arc::new(Mutex::new(make(configuration, context)?))))))
        })),
        Maker::CnnOp(make) if entry.form == Form::Native => Maker::CnnOp(Arc::new(move |configuration| {
            Ok(Box::new(ApartOp(Apart::new(make(configuration)?.into()))))
        })),
        other => other,
    }
}

/// An instance whose last owner drops it on a thread that can be left behind.
struct Apart<T: ?Sized + Send + Sync + 'static>(ManuallyDrop<Arc<T>>);

impl<T: ?Sized + Send + Sync + 'static> Apart<T> {
    fn new(instance: Arc<T>) -> Self {
        Apart(ManuallyDrop::new(instance))
    }

    fn share(&self) -> Arc<T> {
        Arc::clone(&self.0)
    }
}

impl<T: ?Sized + Send + Sync + 'static> Drop for Apart<T> {
    fn drop(&mut self) {
        // SAFETY: nobody uses it after its drop.
        let instance = unsafe { ManuallyDrop::take(&mut self.0) };
        // One that does not come back is left behind like any other call; nobody is there to be told.
        let _ = guarded(move || {
            drop(instance);
            Ok(())
        });
    }
}

struct ApartEvaluator(Apart<dyn Evaluator>);

impl Evaluator for ApartEvaluator {
    fn reads(&self) -> Reads {
        // What a plugin of a file reads is known since it was made.
        self.0.0.reads()
    }

    fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError> {
        let (evaluator, job) = (self.0.share(), job.clone());
        guarded(move || evaluator.evaluate(&job))
    }

    fn check_accelerator(&self, accelerator: &AcceleratorInput) -> Result<(), PluginError> {
        // It may make native modules.
        let (evaluator, accelerator) = (self.0.share(), accelerator.clone());
        guarded(move || evaluator.check_accelerator(&accelerator))
    }

    fn data_shape(&self, data: &DataSource) -> Option<Result<DataShape, PluginError>> {
        let (evaluator, data) = (self.0.share(), data.clone());
        guarded(move || evaluator.data_shape(&data).transpose()).transpose()
    }
}

struct ApartOp(Apart<dyn CnnOp>);

impl CnnOp for ApartOp {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        let (op, request) = (self.0.share(), request.clone());
        guarded(move || op.output_channels(&request))
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        let (op, request) = (self.0.share(), request.clone());
        guarded(move || op.lower(&request))
    }
}

struct ApartStrategy(Apart<Mutex<Box<dyn Strategy>>>);

impl ApartStrategy {
    fn call<T: Send + 'static>(
        &self,
        body: impl FnOnce(&mut dyn Strategy) -> Result<T, PluginError> + Send + 'static,
    ) -> Result<T, PluginError> {
        let strategy = self.0.share();
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

#[cfg(test)]
mod tests {
    use super::super::checked;
    use super::super::watch::Watched;
    use super::*;
    use codebench_api::PluginInfo;
    use codebench_model::Parameters;
    use std::time::{Duration, Instant};

    /// It hangs in the method of this name, or when it is dropped.
    struct Hangs(&'static str);

    impl Hangs {
        fn at(&self, method: &str) {
            if self.0 == method {
                loop {
                    std::thread::park();
                }
            }
        }
    }

    impl Evaluator for Hangs {
        fn reads(&self) -> Reads {
            Reads { seed: true, ..Reads::default() }
        }

        fn evaluate(&self, _: &Job) -> Result<Metrics, PluginError> {
            Ok(Metrics::default())
        }

        fn data_shape(&self, _: &DataSource) -> Option<Result<DataShape, PluginError>> {
            self.at("data_shape");
            None
        }
    }

    impl Drop for Hangs {
        fn drop(&mut self) {
            self.at("drop");
        }
    }

    /// A catalogue with such an evaluator, as if a library had brought it.
    fn catalog(method: &'static str) -> Catalog {
        let maker = Maker::Evaluator(Arc::new(move |_| Ok(Box::new(Hangs(method)))));
        let limit = Some(Duration::from_millis(100));
        let entry = Entry {
            info: PluginInfo::new("test/hangs", "0.1.0", "Hangs."),
            maker: checked::maker(maker, Watched::new("test/hangs", limit)),
            source: "here".into(),
            form: Form::Native,
            sha256: None,
        };
        let mut catalog = Catalog::default();
        catalog.add(entry).unwrap();
        watched(catalog).unwrap()
    }

    /// Takes no accelerator.
    struct Refuses;

    impl Evaluator for Refuses {
        fn reads(&self) -> Reads {
            Reads::default()
        }

        fn evaluate(&self, _: &Job) -> Result<Metrics, PluginError> {
            Ok(Metrics::default())
        }

        fn check_accelerator(&self, _: &AcceleratorInput) -> Result<(), PluginError> {
            Err(PluginError::invalid("no accelerator at all"))
        }
    }

    /// A library elsewhere in the catalogue changes nothing of what a built-in evaluator is asked.
    #[test]
    fn a_built_in_evaluator_still_judges_accelerators() {
        let mut unwatched = catalog("");
        let entry = Entry {
            info: PluginInfo::new("test/refuses", "0.1.0", "Refuses."),
            maker: Maker::Evaluator(Arc::new(|_| Ok(Box::new(Refuses)))),
            source: "here".into(),
            form: Form::BuiltIn,
            sha256: None,
        };
        unwatched.add(entry).unwrap();
        let evaluator = watched(unwatched).unwrap().evaluator("test/refuses", &Parameters::new()).unwrap();
        let refused = evaluator.check_accelerator(&AcceleratorInput::Named(Parameters::new()));
        assert_eq!(refused.unwrap_err().message, "no accelerator at all");
    }

    #[test]
    fn a_hang_in_a_drop_or_a_question_is_left_behind() {
        let data = DataSource { id: "digits".into(), parameters: Parameters::new() };
        for method in ["", "data_shape", "drop"] {
            let (catalog, started) = (catalog(method), Instant::now());
            let evaluator = catalog.evaluator("test/hangs", &Parameters::new()).unwrap();
            assert!(evaluator.reads().seed);
            let shape = evaluator.data_shape(&data);
            let hangs = shape
                .is_some_and(|shape| shape.unwrap_err().message.contains("`test/hangs` has not come back"));
            assert_eq!(hangs, method == "data_shape");
            drop(evaluator);
            assert!(started.elapsed() < Duration::from_secs(30), "{method}");
            // Its instances are made no more.
            let again = catalog.evaluator("test/hangs", &Parameters::new()).err().map(|e| e.message);
            assert_eq!(
                again.is_some_and(|said| said.contains("is disabled")),
                !method.is_empty(),
                "{method}"
            );
        }
    }
}
