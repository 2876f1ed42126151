//! Facts from the published constants, and the loop over rows.

use codebench_sdk::model::published::ModuleConstants;
use codebench_sdk::prelude::*;

/// Clock at which the published dynamic powers were taken.
const PUBLISHED_CLOCK_KHZ: f64 = 700_000.0;

/// Word at which the published figures were taken.
const PUBLISHED_WORD_BITS: f64 = 20.0;

/// How a module's area and power grow with the bits of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Growth {
    /// Registers, comparators, adders.
    Linear,
    /// Multipliers.
    Quadratic,
}

impl Growth {
    /// The factor for words of `word_bits` beside the published ones.
    pub(crate) fn factor(self, word_bits: u64) -> f64 {
        let ratio = word_bits as f64 / PUBLISHED_WORD_BITS;
        match self {
            Growth::Linear => ratio,
            Growth::Quadratic => ratio * ratio,
        }
    }

    /// The constants for such words.
    pub(crate) fn of(self, constants: ModuleConstants, word_bits: u64) -> ModuleConstants {
        let factor = self.factor(word_bits);
        ModuleConstants {
            area_um2: constants.area_um2 * factor,
            dynamic_mw: constants.dynamic_mw * factor,
            leakage_mw: constants.leakage_mw * factor,
            multiplier: constants.multiplier,
        }
    }
}

/// Energy of one instance that draws `dynamic_mw` at 700 MHz for one cycle, at any clock: dynamic power is proportional to
/// the clock.
pub(crate) fn per_cycle_pj(dynamic_mw: f64) -> f64 {
    dynamic_mw * 1e6 / PUBLISHED_CLOCK_KHZ
}

/// Area and leakage of `instances` of a published module, and one event: an instance that works for a cycle.
pub(crate) fn published(
    constants: ModuleConstants,
    instances: u64,
    event: &str,
    cause: Cause,
) -> ModuleFacts {
    ModuleFacts {
        area_mm2: constants.area_um2 * instances as f64 * 1e-6,
        leakage_mw: constants.leakage_mw * instances as f64,
        events: vec![EventFacts::new(event, cause, per_cycle_pj(constants.dynamic_mw))],
        ..ModuleFacts::default()
    }
}

/// Answers each row by itself.
pub(crate) fn each<W, C>(
    works: &[W],
    costs: &mut [C],
    one: impl Fn(&W) -> Result<C, PluginError>,
) -> Result<(), PluginError> {
    if works.len() != costs.len() {
        return Err(PluginError::contract(format!(
            "{} rows to answer, but room for {} answers: give as many",
            works.len(),
            costs.len()
        )));
    }
    for (work, cost) in works.iter().zip(costs) {
        *cost = one(work)?;
    }
    Ok(())
}
