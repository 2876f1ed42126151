//! Kind `accel-module`: one module of an accelerator. Unstable: its contract settles with the `cycle` fidelity.

use crate::PluginError;
use codebench_model::{ModuleFacts, TileCost, TileWork};

/// Purpose: says what a module of an accelerator is (area, leakage, capabilities) and what each tile costs on it.
///
/// Call order: [`AccelModule::facts`] once, then any number of [`AccelModule::cost`].
///
/// Purity and threads: both are functions of the parameters, the
/// [`HardwareContext`](codebench_model::HardwareContext) and, for `cost`, of the one row: neither the order of the rows
/// nor their split into calls changes a cost, and answers may be stored and used again. Called from any thread, several
/// at once. The simulator owns all state.
///
/// Units: [`ModuleFacts`] and the rows say theirs; cycles are the accelerator's.
///
/// Errors: [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a work that the facts do not promise to accept. More work
/// never costs fewer cycles or events.
///
/// ```
/// use codebench_api::{AccelModule, PluginError};
/// use codebench_model::{Activation, Cause, EventFacts, ModuleFacts, PrimitiveKind, TileCost, TileWork};
///
/// /// Sixteen rectifiers.
/// struct Rectifiers;
///
/// impl AccelModule for Rectifiers {
///     fn facts(&self) -> ModuleFacts {
///         ModuleFacts {
///             area_mm2: 0.001,
///             leakage_mw: 0.01,
///             primitives: vec![PrimitiveKind::Activation],
///             activations: vec![Activation::Relu],
///             events: vec![EventFacts::new("element", Cause::Vector, 0.02)],
///             ..ModuleFacts::default()
///         }
///     }
///
///     fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
///         for (work, cost) in works.iter().zip(costs) {
///             let elements = work.batch * work.out_channels * work.out_y * work.out_x;
///             *cost = TileCost {
///                 busy_cycles: elements.div_ceil(16),
///                 activation_read_bytes: work.read_bytes,
///                 activation_write_bytes: work.write_bytes,
///                 ..TileCost::default()
///             };
///             cost.events[0] = elements;
///         }
///         Ok(())
///     }
/// }
///
/// let work = TileWork { batch: 1, out_channels: 3, out_y: 4, out_x: 4, ..TileWork::default() };
/// let mut cost = [TileCost::default()];
/// Rectifiers.cost(&[work], &mut cost)?;
/// assert_eq!(cost[0].busy_cycles, 3);
/// # Ok::<(), PluginError>(())
/// ```
///
/// Smallest built-in to copy: `dma` in `plugins/accelbench`.
pub trait AccelModule: Send + Sync {
    /// The facts; the same at every call.
    fn facts(&self) -> ModuleFacts;

    /// Writes the cost of each work to the same index of `costs`, which has as many rows as `works`. A plugin of a file is handed
    /// rows of zeros.
    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError>;
}
