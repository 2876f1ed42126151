//! What the modules around the array share: they keep step with it.

use super::{Array, ArrayWork, each};
use codebench_sdk::prelude::*;

/// The cost of modules that are busy while the array is and move `fill_cycles` later; nothing for what the array does not run.
pub(crate) fn in_step(
    array: &Array,
    works: &[TileWork],
    costs: &mut [TileCost],
    fill_cycles: u64,
    also: impl Fn(&TileWork, &ArrayWork, &mut TileCost) -> Result<(), PluginError>,
) -> Result<(), PluginError> {
    each(works, costs, |work| {
        let mut cost = TileCost::default();
        if let Some(tile) = array.work(work)?.filter(|tile| tile.cycles > 0) {
            cost.busy_cycles = tile.cycles;
            cost.fill_cycles = fill_cycles;
            also(work, &tile, &mut cost)?;
        }
        Ok(cost)
    })
}
