//! Transfers that an engine could ask of a memory with given facts.

use codebench_model::{MemoryFacts, TransferProfile};
use codebench_space::Rng;

/// A random profile: consistent, and possible on that memory.
pub(super) fn draw(facts: &MemoryFacts, rng: &mut Rng) -> TransferProfile {
    let top = 1 << rng.below(24);
    let bytes = top + rng.below(top);
    let most = bytes.min(1 << rng.below(10));
    let runs = 1 + rng.below(most);
    // At least one visit of each row's worth of bytes, and at most one more a run.
    let least = bytes.div_ceil(facts.row_bytes.max(1));
    let visits = least + rng.below(runs + 1);
    of(bytes, runs, visits, facts, rng)
}

/// The largest transfer: 1 TB in runs of a byte.
pub(super) fn huge(facts: &MemoryFacts, rng: &mut Rng) -> TransferProfile {
    of(1 << 40, 1 << 40, 1 << 40, facts, rng)
}

fn of(bytes: u64, runs: u64, visits: u64, facts: &MemoryFacts, rng: &mut Rng) -> TransferProfile {
    let row_hits = rng.below(visits + 1);
    let all = facts.ranks.saturating_mul(facts.banks_per_rank).max(1);
    let row_activates = rng.below((visits - row_hits).min(all) + 1);
    let banks = 1 + rng.below(all.min(visits));
    TransferProfile {
        direction: rng.below(2),
        bytes,
        runs,
        run_bytes: bytes.div_ceil(runs),
        row_hits,
        row_activates,
        row_conflicts: visits - row_hits - row_activates,
        banks: banks.max(row_activates.min(1)),
    }
}

/// Ways in which a profile becomes more work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Growth {
    /// Longer runs.
    Bytes,
    /// As many more runs of the same length as there are, and their visits.
    Runs,
    /// A visit finds no row open instead of its own.
    HitToActivate,
    /// A visit finds another row open instead of none.
    ActivateToConflict,
}

impl Growth {
    pub(super) const ALL: [Growth; 4] =
        [Growth::Bytes, Growth::Runs, Growth::HitToActivate, Growth::ActivateToConflict];
}

/// More work, or `None` where that growth means nothing.
pub(super) fn grown(profile: TransferProfile, growth: Growth, rng: &mut Rng) -> Option<TransferProfile> {
    let mut more = profile;
    match growth {
        Growth::Bytes => {
            more.bytes = if rng.below(2) == 0 { profile.bytes + 1 } else { profile.bytes * 2 };
            more.run_bytes = more.bytes.div_ceil(more.runs);
        }
        Growth::Runs => {
            more.bytes = profile.run_bytes * profile.runs * 2;
            more.runs *= 2;
            more.row_hits *= 2;
            more.row_activates *= 2;
            more.row_conflicts *= 2;
        }
        Growth::HitToActivate => {
            more.row_hits = profile.row_hits.checked_sub(1)?;
            more.row_activates += 1;
        }
        Growth::ActivateToConflict => {
            more.row_activates = profile.row_activates.checked_sub(1)?;
            more.row_conflicts += 1;
        }
    }
    Some(more)
}
