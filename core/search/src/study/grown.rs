//! A budget that grew within a batch.

use super::{Study, of_batch};

impl Study<'_> {
    /// A sentence about the first batch that an earlier, smaller budget cut short; `None` if there is none. A strategy that
    /// was told of a short batch proposes other candidates than one that was told of a whole one. It is a function of the
    /// asked trials, so every resume gives the same.
    pub(super) fn grown(&self) -> Option<String> {
        let budget = self.setup.experiment.budget;
        self.batches.iter().filter(|(_, end)| end.is_none()).find_map(|(batch, _)| {
            let asks = of_batch(&self.asks, *batch);
            let trials = asks.last()?.trial + 1;
            let cut = (asks.len() as u64) < budget.batch && trials < budget.trials;
            cut.then(|| {
                let whole = asks.first().map_or(0, |first| first.trial) + budget.batch;
                format!(
                    "the budget was {trials} trials, which ends within a batch of {}, and has grown to {}: the records from trial \
                     {trials} on can differ from those of a run that had {} trials from its start; to have the same, let a budget \
                     that is to grow end on a multiple of the batch, such as {whole}",
                    budget.batch, budget.trials, budget.trials
                )
            })
        })
    }
}
