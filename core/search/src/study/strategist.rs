//! The strategy with its log: its state is always a function of the seed and the logged calls that succeeded.

use crate::error::SearchError;
use crate::experiment::PluginUse;
use crate::store::{CallKind, LoggedCall};
use codebench_api::{Catalog, PluginError, Strategy, StrategyContext, Tell};
use codebench_model::Genotype;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Failed asks, or failed tells, in a row that end a run.
const PATIENCE: u32 = 3;

/// Failures since the last success.
#[derive(Default)]
struct Failures {
    asks: u32,
    tells: u32,
    reason: String,
}

impl Failures {
    fn count(&mut self, call: &LoggedCall) {
        let of_kind = if call.kind == CallKind::Ask { &mut self.asks } else { &mut self.tells };
        match &call.error {
            Some(reason) => {
                *of_kind += 1;
                self.reason.clone_from(reason);
            }
            None => *of_kind = 0,
        }
    }
}

pub(super) struct Strategist<'c> {
    catalog: &'c Catalog,
    plugin: PluginUse,
    context: StrategyContext,
    strategy: Box<dyn Strategy>,
    log: Vec<LoggedCall>,
    /// What was told, by batch.
    told: BTreeMap<u64, Vec<Tell>>,
    failures: Failures,
}

impl<'c> Strategist<'c> {
    /// A strategy in the state to which `log` leads; `told` holds the outcomes of every batch that the log tells.
    pub(super) fn replayed(
        catalog: &'c Catalog,
        plugin: PluginUse,
        context: StrategyContext,
        log: Vec<LoggedCall>,
        told: BTreeMap<u64, Vec<Tell>>,
    ) -> Result<Self, SearchError> {
        let strategy = make(catalog, &plugin, &context)?;
        let mut this =
            Strategist { catalog, plugin, context, strategy, log, told, failures: Failures::default() };
        this.replay()?;
        this.log.iter().for_each(|call| this.failures.count(call));
        Ok(this)
    }

    /// The error that ends the run once the strategy has failed too often.
    pub(super) fn check(&self) -> Result<(), SearchError> {
        if self.failures.asks.max(self.failures.tells) < PATIENCE {
            return Ok(());
        }
        let (plugin, reason) = (self.plugin.plugin.clone(), self.failures.reason.clone());
        Err(SearchError::Strategy { plugin, reason })
    }

    /// Asks for `count` candidates; `None` if the call failed. `understood` turns the answer into what the caller needs
    /// or says what is wrong with it. The call is the last of the log.
    pub(super) fn ask<T>(
        &mut self,
        batch: u64,
        count: usize,
        understood: impl FnOnce(&[Genotype]) -> Result<T, PluginError>,
    ) -> Result<Option<T>, SearchError> {
        let answer = guarded(|| self.strategy.ask(count)).and_then(|proposals| {
            if proposals.len() > count {
                let message = format!("it was asked for {count} candidates and proposed {}", proposals.len());
                return Err(PluginError::contract(message));
            }
            let result = understood(&proposals)?;
            Ok((proposals, result))
        });
        let (outcome, result) = match answer {
            Ok((proposals, result)) => (Ok(Some(proposals)), Some(result)),
            Err(e) => (Err(e), None),
        };
        self.log(CallKind::Ask, batch, count, outcome)?;
        Ok(result)
    }

    /// Tells the outcomes of a batch. The call is the last of the log.
    pub(super) fn tell(&mut self, batch: u64, outcomes: Vec<Tell>) -> Result<(), SearchError> {
        let outcome = guarded(|| self.strategy.tell(&outcomes)).map(|()| None);
        let count = outcomes.len();
        self.told.insert(batch, outcomes);
        self.log(CallKind::Tell, batch, count, outcome)
    }

    /// Calls logged since `start` calls were in the log.
    pub(super) fn calls_since(&self, start: usize) -> &[LoggedCall] {
        self.log.get(start..).unwrap_or_default()
    }

    pub(super) fn calls(&self) -> usize {
        self.log.len()
    }

    /// Whether the log tells the batch, successfully or not.
    pub(super) fn has_told(&self, batch: u64) -> bool {
        self.told.contains_key(&batch)
    }

    fn log(
        &mut self,
        kind: CallKind,
        batch: u64,
        count: usize,
        outcome: Result<Option<Vec<Genotype>>, PluginError>,
    ) -> Result<(), SearchError> {
        let (proposals, error) = match outcome {
            Ok(proposals) => (proposals, None),
            Err(e) => (None, Some(e.message)),
        };
        let failed = error.is_some();
        let call = LoggedCall { kind, batch, count: count as u64, proposals, error };
        self.failures.count(&call);
        self.log.push(call);
        if failed {
            // The failed call may have left anything behind; every replay skips it, so this state must not have it.
            self.strategy = make(self.catalog, &self.plugin, &self.context).map_err(|e| self.lost(&e))?;
            self.replay()?;
        }
        Ok(())
    }

    fn lost(&self, error: &SearchError) -> SearchError {
        SearchError::StrategyLost {
            plugin: self.plugin.plugin.clone(),
            reason: self.failures.reason.clone(),
            error: error.to_string(),
        }
    }

    fn replay(&mut self) -> Result<(), SearchError> {
        for (i, call) in self.log.iter().enumerate().filter(|(_, call)| call.error.is_none()) {
            let differs = |what: String| SearchError::Replay { plugin: self.plugin.plugin.clone(), what };
            let count = usize::try_from(call.count).unwrap_or(usize::MAX);
            match call.kind {
                CallKind::Ask => {
                    let proposals = guarded(|| self.strategy.ask(count))
                        .map_err(|e| differs(format!("call {i}, ask({count}), failed: {e}")))?;
                    if Some(&proposals) != call.proposals.as_ref() {
                        return Err(differs(format!("call {i}, ask({count}), proposed other candidates")));
                    }
                }
                CallKind::Tell => {
                    let outcomes = self.told.get(&call.batch).map(Vec::as_slice).unwrap_or_default();
                    guarded(|| self.strategy.tell(outcomes)).map_err(|e| {
                        differs(format!("call {i}, tell of batch {}, failed: {e}", call.batch))
                    })?;
                }
            }
        }
        Ok(())
    }
}

fn make(
    catalog: &Catalog,
    plugin: &PluginUse,
    context: &StrategyContext,
) -> Result<Box<dyn Strategy>, SearchError> {
    guarded(|| catalog.strategy(&plugin.plugin, &plugin.parameters, context))
        .map_err(|error| SearchError::Plugin { role: "[strategy]".into(), error })
}

/// Calls a plugin; a panic is an error.
pub(crate) fn guarded<T>(call: impl FnOnce() -> Result<T, PluginError>) -> Result<T, PluginError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<&str>()
            .map(|s| (*s).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".into());
        Err(PluginError::panicked(&said))
    })
}
