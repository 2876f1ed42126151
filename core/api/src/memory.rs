//! Kind `memory`: the main memory of an accelerator. Unstable: its contract settles with the `cycle` fidelity.

use crate::PluginError;
use codebench_model::{MemoryFacts, TransferCost, TransferProfile};

/// Purpose: says what a memory is (clock, organisation, turnaround, refresh) and what each transfer costs on a channel.
///
/// Call order: [`Memory::facts`] once, then any number of [`Memory::cost`].
///
/// Purity and threads: both are functions of the parameters and, for `cost`, of the one row: neither the order of the rows
/// nor their split into calls changes a cost, and answers may be stored and used again. Called from any thread, several
/// at once. The simulator owns the state: queues, open rows, direction of the bus, refresh.
///
/// Units: durations in cycles of the memory's own clock, sizes in bytes, energies in pJ, power in mW.
///
/// Errors: [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a profile that cannot be. More bytes never cost fewer
/// cycles or events.
///
/// ```
/// use codebench_api::{Memory, PluginError};
/// use codebench_model::{Cause, EventFacts, MemoryFacts, TransferCost, TransferProfile};
///
/// /// One channel that moves 64 bytes a cycle, whatever the addresses.
/// struct Flat;
///
/// impl Memory for Flat {
///     fn facts(&self) -> MemoryFacts {
///         MemoryFacts {
///             clock_khz: 1_000_000,
///             channels: 1,
///             ranks: 1,
///             banks_per_rank: 1,
///             row_bytes: 4096,
///             burst_bytes: 64,
///             interleave_bytes: 4096,
///             capacity_bytes: 1 << 32,
///             events: vec![EventFacts::new("burst", Cause::Memory, 100.0)],
///             ..MemoryFacts::default()
///         }
///     }
///
///     fn cost(&self, profiles: &[TransferProfile], costs: &mut [TransferCost]) -> Result<(), PluginError> {
///         for (profile, cost) in profiles.iter().zip(costs) {
///             let bursts = profile.runs * profile.run_bytes.div_ceil(64);
///             *cost = TransferCost { bus_mem_cycles: bursts, first_byte_mem_cycles: 20, ..TransferCost::default() };
///             cost.events[0] = bursts;
///         }
///         Ok(())
///     }
/// }
///
/// let profile = TransferProfile { bytes: 100, runs: 1, run_bytes: 100, ..TransferProfile::default() };
/// let mut cost = [TransferCost::default()];
/// Flat.cost(&[profile], &mut cost)?;
/// assert_eq!(cost[0].bus_mem_cycles, 2);
/// # Ok::<(), PluginError>(())
/// ```
///
/// Smallest built-in to copy: `rram` in `plugins/accelbench`.
pub trait Memory: Send + Sync {
    /// The facts; the same at every call.
    fn facts(&self) -> MemoryFacts;

    /// Writes the cost of each profile to the same index of `costs`, which has as many rows as `profiles`. A plugin of a file is handed
    /// rows of zeros.
    fn cost(&self, profiles: &[TransferProfile], costs: &mut [TransferCost]) -> Result<(), PluginError>;
}
