//! The executor `codebench/threads`: a pool of threads on this machine.

use codebench_api::{
    Configuration, Executor, Plugin, PluginError, PluginInfo, Registration, Registrations, kinds,
};
use codebench_model::ParameterDescription;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

/// Id of the executor that an experiment uses unless it names another.
pub(crate) const ID: &str = "codebench/threads";

/// Runs the tasks of a batch on a pool of threads.
pub struct Threads {
    pool: rayon::ThreadPool,
}

impl Plugin for Threads {
    type Kind = kinds::Executor;

    fn info() -> PluginInfo {
        PluginInfo::new(
            ID,
            env!("CARGO_PKG_VERSION"),
            "Runs the evaluations of a batch on threads of this machine.",
        )
        .parameters(vec![ParameterDescription::integer(
            "threads",
            0,
            1024,
            0,
            "Number of threads; 0 is one per core. Never changes a result.",
        )])
        .example("Two threads", "[executor]\nplugin = \"codebench/threads\"\nparameters = { threads = 2 }")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let threads = usize::try_from(configuration.integer("threads")?).unwrap_or(0);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("evaluation-{i}"))
            .build()
            .map_err(|e| PluginError::failed(format!("cannot start {threads} threads: {e}")))?;
        Ok(Threads { pool })
    }
}

impl Executor for Threads {
    fn run(&self, count: usize, task: &(dyn Fn(usize) + Sync)) -> Result<(), PluginError> {
        self.pool.install(|| (0..count).into_par_iter().with_max_len(1).for_each(task));
        Ok(())
    }
}

/// The plugins of this crate.
pub static PLUGINS: &[Registration] = &[Registration::of::<Threads>()];

codebench_api::inventory::submit! {
    Registrations { source: env!("CARGO_PKG_NAME"), plugins: PLUGINS }
}
