//! An HBM3-class memory: stacks of DRAM dies with 32 pseudo-channels each. See the README for the figures' sources.

use codebench_sdk::prelude::*;

/// Pseudo-channels of one stack, each 32 bits wide.
const PSEUDO_CHANNELS: u64 = 32;
/// Bytes of a burst: 8 beats of 32 bits.
const BURST_BYTES: u64 = 32;
/// Clock cycles of a burst: 4 beats a cycle.
const BURST_CYCLES: u64 = 2;
/// Core timings, ns; those of a DRAM cell, whatever the interface.
const ROW_TO_COLUMN_NS: f64 = 14.0;
const PRECHARGE_NS: f64 = 14.0;
const READ_LATENCY_NS: f64 = 16.0;
const WRITE_LATENCY_NS: f64 = 8.0;
const ACTIVATE_TO_ACTIVATE_NS: f64 = 2.5;
const WRITE_TO_READ_NS: f64 = 7.5;
const READ_TO_WRITE_NS: f64 = 4.0;
const REFRESH_EVERY_NS: f64 = 3_900.0;
const REFRESH_NS: f64 = 260.0;
/// Energy of opening a row of 1 KiB, pJ.
const ACTIVATE_PJ: f64 = 909.0;
/// Energy of moving a bit between cells and pins, pJ.
const BIT_PJ: f64 = 1.51 + 1.17 + 0.80;
/// Energy of refreshing one pseudo-channel once, pJ: the rows of every bank.
const REFRESH_PJ: f64 = 16.0 * ACTIVATE_PJ;
/// Power of a stack that only waits, mW.
const STANDBY_MW: f64 = 700.0;

/// The memory.
pub struct Hbm3 {
    stacks: u64,
    height: u64,
    clock_khz: u64,
    interleave_bytes: u64,
}

impl Plugin for Hbm3 {
    type Kind = kinds::Memory;

    fn info() -> PluginInfo {
        PluginInfo::new("example/hbm3", "0.1.0", "HBM3-class memory: stacked DRAM with 32 pseudo-channels a stack.")
            .parameters(vec![
                ParameterDescription::integer("stacks", 1, 8, 1, "Stacks beside the accelerator."),
                ParameterDescription::choice("height", &["4", "8", "12", "16"], "8", "DRAM dies of a stack, 2 GiB each."),
                ParameterDescription::integer("data_rate", 3200, 6400, 6400, "Transfers per second and pin.").unit("MT/s"),
                ParameterDescription::integer("interleave", 32, 1024, 256, "Consecutive bytes that stay on one pseudo-channel, rounded up to a power of two.").unit("bytes"),
            ])
            .example("Two fast stacks", "[[module]]\nrole = \"memory\"\nplugin = \"example/hbm3\"\nparameters = { stacks = 2, data_rate = 6400 }")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let whole = |name: &str| configuration.integer(name).map(|n| n.unsigned_abs());
        let height = configuration.text("height")?;
        Ok(Hbm3 {
            stacks: whole("stacks")?,
            height: height
                .parse()
                .map_err(|_| PluginError::invalid(format!("height = {height:?}: give 4, 8, 12 or 16")))?,
            clock_khz: whole("data_rate")? * 1000 / 4,
            interleave_bytes: whole("interleave")?.next_power_of_two(),
        })
    }
}

impl Hbm3 {
    /// Cycles that cover `ns`.
    fn cycles(&self, ns: f64) -> u64 {
        (ns * self.clock_khz as f64 / 1e6).ceil() as u64
    }
}

impl Memory for Hbm3 {
    fn facts(&self) -> MemoryFacts {
        MemoryFacts {
            clock_khz: self.clock_khz,
            channels: PSEUDO_CHANNELS * self.stacks,
            ranks: self.height.div_ceil(4),
            banks_per_rank: 16,
            row_bytes: 1024,
            burst_bytes: BURST_BYTES,
            interleave_bytes: self.interleave_bytes,
            capacity_bytes: (self.stacks * self.height) << 31,
            read_to_write_mem_cycles: self.cycles(READ_TO_WRITE_NS),
            write_to_read_mem_cycles: self.cycles(WRITE_TO_READ_NS),
            refresh_every_mem_cycles: self.cycles(REFRESH_EVERY_NS),
            refresh_mem_cycles: self.cycles(REFRESH_NS),
            background_mw: STANDBY_MW * self.stacks as f64,
            events: vec![
                EventFacts::new("row_activate", Cause::Memory, ACTIVATE_PJ),
                EventFacts::new("burst", Cause::Memory, 8.0 * BURST_BYTES as f64 * BIT_PJ),
            ],
            refresh_event: Some(EventFacts::new("refresh", Cause::Memory, REFRESH_PJ)),
            ..MemoryFacts::default()
        }
    }

    fn cost(&self, profiles: &[TransferProfile], costs: &mut [TransferCost]) -> Result<(), PluginError> {
        let open = self.cycles(ROW_TO_COLUMN_NS);
        let reopen = open + self.cycles(PRECHARGE_NS);
        let activate_to_activate = self.cycles(ACTIVATE_TO_ACTIVATE_NS);
        let latencies = [self.cycles(READ_LATENCY_NS), self.cycles(WRITE_LATENCY_NS)];
        for (profile, cost) in profiles.iter().zip(costs) {
            let bursts = profile.runs * profile.run_bytes.div_ceil(BURST_BYTES);
            let activates = profile.row_activates + profile.row_conflicts;
            // Banks prepare their rows at the same time, but start one after another; data moves meanwhile.
            let rows = (profile.row_activates * open + profile.row_conflicts * reopen)
                .div_ceil(profile.banks.max(1));
            let first = match (profile.row_conflicts, profile.row_activates) {
                (0, 0) => 0,
                (0, _) => open,
                _ => reopen,
            };
            *cost = TransferCost {
                bus_mem_cycles: (bursts * BURST_CYCLES).max(rows).max(activates * activate_to_activate),
                first_byte_mem_cycles: first + latencies[usize::from(profile.direction != 0)],
                ..TransferCost::default()
            };
            cost.events[0] = activates;
            cost.events[1] = bursts;
        }
        Ok(())
    }
}

codebench_sdk::plugins![Hbm3];

#[cfg(target_family = "wasm")]
codebench_sdk::export!(crate);
