//! DRAM: energies from currents, by Micron's power formula (TN-41-01).

use super::organisation::Organisation;
use super::timing::Timing;
use codebench_sdk::prelude::*;

/// Currents of one device, mA, by their data-sheet names, and its supply.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Currents {
    pub(crate) volts: f64,
    /// One activate and precharge after another.
    pub(crate) idd0: f64,
    /// All banks closed.
    pub(crate) idd2n: f64,
    /// A bank open.
    pub(crate) idd3n: f64,
    pub(crate) idd4r: f64,
    pub(crate) idd4w: f64,
    /// Refreshing.
    pub(crate) idd5b: f64,
    /// Devices that a rank is made of.
    pub(crate) devices: f64,
}

/// A dynamic memory in an organisation.
#[derive(Debug)]
pub(crate) struct Dynamic {
    pub(crate) timing: Timing,
    pub(crate) currents: Currents,
    pub(crate) organisation: Organisation,
}

impl Dynamic {
    pub(crate) fn facts(&self) -> MemoryFacts {
        let (t, i) = (&self.timing, &self.currents);
        // mA x V = mW; mW x cycles / kHz = uJ; 10^6 pJ.
        let pj = |charge: f64| i.devices * i.volts * charge / t.clock_khz as f64 * 1e6;
        let above_open = |current: f64, cycles: u64| pj((current - i.idd3n) * cycles as f64);
        let (ras, rp) = (t.t_ras as f64, t.t_rp as f64);
        let activate = pj(i.idd0 * (ras + rp) - i.idd3n * ras - i.idd2n * rp);
        let (channels, ranks) = (self.organisation.channels as f64, self.organisation.ranks as f64);
        let memory = |name, pj| EventFacts::new(name, Cause::Memory, pj);
        MemoryFacts {
            // Rows stay open in the rank of each channel that works; the other ranks wait.
            background_mw: channels * i.devices * i.volts * (i.idd3n + i.idd2n * (ranks - 1.0)),
            events: vec![
                memory("activate", activate),
                memory("read_burst", above_open(i.idd4r, t.t_burst)),
                memory("write_burst", above_open(i.idd4w, t.t_burst)),
            ],
            refresh_event: Some(memory("refresh", ranks * above_open(i.idd5b, t.t_rfc))),
            ..t.facts(&self.organisation)
        }
    }

    pub(crate) fn cost(
        &self,
        profiles: &[TransferProfile],
        costs: &mut [TransferCost],
    ) -> Result<(), PluginError> {
        self.timing.cost(&self.organisation, profiles, costs)?;
        // A bit that changes costs nothing of its own.
        costs.iter_mut().for_each(|cost| cost.events[super::timing::WRITE_BIT] = 0);
        Ok(())
    }
}
