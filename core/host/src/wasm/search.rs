//! Kinds `strategy` and `surrogate` in the sandbox.
//!
//! Both have a state, which is a function of the calls that succeeded. An instance in which a call failed is thrown away, and
//! the next call starts with a fresh one that has seen the log.

use super::bindings::exports::codebench::plugin::{strategy, surrogate};
use super::configured;
use super::sandbox::{Pool, Sandbox, Worker, pool_of};
use crate::checks;
use codebench_api::{
    Configuration, Maker, PluginError, Prediction, Strategy, StrategyContext, Surrogate, SurrogateContext,
    Tell,
};
use codebench_model::{Block, Genotype, ROW_LAYOUT};
use std::sync::Arc;

/// A call of the log.
enum Call {
    Ask(u32),
    Tell(String),
}

/// A configured strategy.
struct SandboxedStrategy {
    pool: Pool<strategy::Guest>,
    log: Vec<Call>,
    /// The instance that has seen the whole log.
    worker: Option<Worker<strategy::Guest>>,
}

/// The maker of strategy `id`.
pub(super) fn strategy(sandbox: &Arc<Sandbox>, id: &str) -> Result<Maker, String> {
    let indices = Arc::new(strategy::GuestIndices::new(&sandbox.pre).map_err(|e| e.to_string())?);
    let (sandbox, id): (_, Arc<str>) = (sandbox.clone(), id.into());
    Ok(Maker::Strategy(Arc::new(move |configuration: &Configuration<'_>, context: &StrategyContext| {
        let given = configured(configuration);
        let document = json(context)?;
        let pool = pool_of!(sandbox, indices, id, given, document);
        let worker = Some(pool.worker()?);
        Ok(Box::new(SandboxedStrategy { pool, log: Vec::new(), worker }) as Box<dyn Strategy>)
    })))
}

impl SandboxedStrategy {
    /// The instance, or a fresh one brought to where the log ends.
    fn worker(&mut self) -> Result<Worker<strategy::Guest>, PluginError> {
        if let Some(worker) = self.worker.take() {
            return Ok(worker);
        }
        let mut worker = self.pool.worker()?;
        for call in &self.log {
            let (kept, answer) = match call {
                Call::Ask(count) => {
                    let (kept, answer) = ask(&self.pool, worker, *count);
                    (kept, answer.map(drop))
                }
                Call::Tell(outcomes) => tell(&self.pool, worker, outcomes),
            };
            answer.map_err(|e| PluginError::contract(format!("a replayed call failed: {}", e.message)))?;
            worker = kept.ok_or_else(|| PluginError::contract("a replayed call left no instance"))?;
        }
        Ok(worker)
    }
}

fn ask(
    pool: &Pool<strategy::Guest>,
    worker: Worker<strategy::Guest>,
    count: u32,
) -> (Option<Worker<strategy::Guest>>, Result<String, PluginError>) {
    pool.run(worker, "ask", usize::MAX, |w| w.exports.instance().call_ask(&mut w.store, w.instance, count))
}

fn tell(
    pool: &Pool<strategy::Guest>,
    worker: Worker<strategy::Guest>,
    outcomes: &str,
) -> (Option<Worker<strategy::Guest>>, Result<(), PluginError>) {
    pool.run(worker, "tell", usize::MAX, |w| {
        w.exports.instance().call_tell(&mut w.store, w.instance, outcomes)
    })
}

impl Strategy for SandboxedStrategy {
    /// The context was given at construction.
    fn start(&mut self, _: &StrategyContext) -> Result<(), PluginError> {
        Ok(())
    }

    fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        let count = u32::try_from(count)
            .map_err(|_| PluginError::invalid(format!("{count} candidates at once: ask for fewer")))?;
        let worker = self.worker()?;
        let (worker, answer) = ask(&self.pool, worker, count);
        // The study checks their number and shapes, whatever the form.
        let genotypes = answer
            .and_then(|text| parsed("list of genotypes", &text).map_err(|e| self.pool.error("ask", e)))?;
        self.worker = worker;
        self.log.push(Call::Ask(count));
        Ok(genotypes)
    }

    fn tell(&mut self, outcomes: &[Tell]) -> Result<(), PluginError> {
        let document = json(&outcomes)?;
        let worker = self.worker()?;
        let (worker, answer) = tell(&self.pool, worker, &document);
        answer?;
        self.worker = worker;
        self.log.push(Call::Tell(document));
        Ok(())
    }
}

/// A fit of the log: `x` and `y`.
type Fit = (Arc<[f64]>, Arc<[f64]>);

/// A configured surrogate.
struct SandboxedSurrogate {
    pool: Pool<surrogate::Guest>,
    inputs: usize,
    outputs: usize,
    differentiable: bool,
    log: Vec<Fit>,
}

/// The maker of surrogate `id`.
pub(super) fn surrogate(sandbox: &Arc<Sandbox>, id: &str) -> Result<Maker, String> {
    let indices = Arc::new(surrogate::GuestIndices::new(&sandbox.pre).map_err(|e| e.to_string())?);
    let (sandbox, id): (_, Arc<str>) = (sandbox.clone(), id.into());
    Ok(Maker::Surrogate(Arc::new(move |configuration: &Configuration<'_>, context: &SurrogateContext| {
        let given = configured(configuration);
        let shape = shape(context)?;
        let pool = pool_of!(sandbox, indices, id, given, shape);
        let differentiable = pool.pure("differentiable", 0, |w| {
            Ok(Ok(w.exports.instance().call_differentiable(&mut w.store, w.instance)?))
        })?;
        let (inputs, outputs) = (context.inputs, context.outputs);
        let surrogate = SandboxedSurrogate { pool, inputs, outputs, differentiable, log: Vec::new() };
        Ok(Box::new(surrogate) as Box<dyn Surrogate>)
    })))
}

fn shape(context: &SurrogateContext) -> Result<surrogate::Context, PluginError> {
    let number = |n: usize| {
        u32::try_from(n).map_err(|_| PluginError::invalid(format!("{n} columns: at most {}", u32::MAX)))
    };
    let columns = |(block, range): &(Block, std::ops::Range<usize>)| {
        let block = match block {
            Block::Cnn => surrogate::Block::Cnn,
            Block::Accelerator => surrogate::Block::Accelerator,
        };
        Ok(surrogate::Columns { block, start: number(range.start)?, end: number(range.end)? })
    };
    Ok(surrogate::Context {
        seed: context.seed,
        inputs: number(context.inputs)?,
        outputs: number(context.outputs)?,
        blocks: context.blocks.iter().map(columns).collect::<Result<_, PluginError>>()?,
    })
}

impl SandboxedSurrogate {
    /// `worker` after every fit that it has not seen.
    fn caught_up(
        &self,
        mut worker: Worker<surrogate::Guest>,
    ) -> Result<Worker<surrogate::Guest>, PluginError> {
        for (x, y) in &self.log[worker.seen.min(self.log.len())..] {
            let (kept, answer) = fit(&self.pool, worker, x, y);
            answer?;
            worker = kept.ok_or_else(|| PluginError::contract("a replayed fit left no instance"))?;
            worker.seen += 1;
        }
        Ok(worker)
    }

    /// The predictions of one call.
    fn predict_at_once(&self, x: &[f64], rows: usize) -> Result<Prediction, PluginError> {
        let each = rows.saturating_mul(self.outputs);
        let many = u32::try_from(rows)
            .map_err(|_| PluginError::invalid(format!("{rows} rows at once: predict fewer")))?;
        let mut mean = self.numbers("predict", each.saturating_mul(3), |w| {
            w.exports.instance().call_predict(&mut w.store, w.instance, ROW_LAYOUT, x, many)
        })?;
        let aleatoric = mean.split_off(2 * each);
        let epistemic = mean.split_off(each);
        checks::deviations("epistemic", &epistemic)
            .and_then(|()| checks::deviations("aleatoric", &aleatoric))
            .map_err(|e| self.pool.error("predict", e))?;
        Ok(Prediction { mean, epistemic, aleatoric })
    }

    /// A call that answers with `count` numbers.
    fn numbers(
        &self,
        call: &str,
        count: usize,
        body: impl FnOnce(&mut Worker<surrogate::Guest>) -> super::sandbox::Answer<Vec<f64>>,
    ) -> Result<Vec<f64>, PluginError> {
        let bytes = count.saturating_mul(size_of::<f64>());
        let answer = self.pool.call(call, bytes, |worker| self.caught_up(worker), body)?;
        checks::count("answer", answer.len(), count)
            .and_then(|()| checks::finite("answer", &answer))
            .map_err(|e| self.pool.error(call, e))?;
        Ok(answer)
    }
}

/// Rows of one call of `predict`. Neither split nor order of rows change a prediction, and limits are of one call.
const MOST_ROWS: usize = 4096;

fn fit(
    pool: &Pool<surrogate::Guest>,
    worker: Worker<surrogate::Guest>,
    x: &[f64],
    y: &[f64],
) -> (Option<Worker<surrogate::Guest>>, Result<(), PluginError>) {
    pool.run(worker, "fit", 0, |w| w.exports.instance().call_fit(&mut w.store, w.instance, ROW_LAYOUT, x, y))
}

impl Surrogate for SandboxedSurrogate {
    /// The context was given at construction.
    fn start(&mut self, _: &SurrogateContext) -> Result<(), PluginError> {
        Ok(())
    }

    fn fit(&mut self, x: &[f64], y: &[f64]) -> Result<(), PluginError> {
        // One instance learns now, to learn whether it can; the others catch up when they are used.
        let worker = match self.pool.idle() {
            Some(worker) => worker,
            None => self.pool.worker()?,
        };
        let (worker, answer) = fit(&self.pool, self.caught_up(worker)?, x, y);
        answer?;
        self.log.push((x.into(), y.into()));
        if let Some(mut worker) = worker {
            worker.seen = self.log.len();
            self.pool.keep(worker);
        }
        Ok(())
    }

    fn predict(&self, x: &[f64], rows: usize) -> Result<Prediction, PluginError> {
        if x.len() != rows.saturating_mul(self.inputs) {
            return self.predict_at_once(x, rows);
        }
        let mut all = Prediction::default();
        for from in (0..rows.max(1)).step_by(MOST_ROWS) {
            let count = MOST_ROWS.min(rows - from);
            let columns = from * self.inputs..(from + count) * self.inputs;
            let Prediction { mean, epistemic, aleatoric } = self.predict_at_once(&x[columns], count)?;
            all.mean.extend(mean);
            all.epistemic.extend(epistemic);
            all.aleatoric.extend(aleatoric);
        }
        Ok(all)
    }

    fn differentiable(&self) -> bool {
        self.differentiable
    }

    fn gradient(&self, x: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, PluginError> {
        self.numbers("gradient", self.inputs, |w| {
            w.exports.instance().call_gradient(&mut w.store, w.instance, ROW_LAYOUT, x, coefficients)
        })
    }

    fn hvp(&self, x: &[f64], v: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, PluginError> {
        self.numbers("hvp", self.inputs, |w| {
            w.exports.instance().call_hvp(&mut w.store, w.instance, ROW_LAYOUT, x, v, coefficients)
        })
    }
}

/// `value` as a document.
pub(super) fn json<T: serde::Serialize>(value: &T) -> Result<String, PluginError> {
    serde_json::to_string(value)
        .map_err(|e| PluginError::failed(format!("the arguments cannot be written as JSON: {e}")))
}

/// A guest's document.
pub(super) fn parsed<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> Result<T, PluginError> {
    serde_json::from_str(text).map_err(|e| PluginError::contract(format!("its answer is no {what}: {e}")))
}
