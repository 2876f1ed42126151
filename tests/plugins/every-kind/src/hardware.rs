//! An accel-module and a memory.

use crate::Panics;
use codebench_sdk::prelude::*;

/// Lanes of MACs.
pub struct Lanes {
    panics: Panics,
    lanes: u64,
    hardware: HardwareContext,
}

impl Plugin for Lanes {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        PluginInfo::new("test/lanes", "0.1.0", "Lanes of multiply-accumulates.").parameters(vec![
            ParameterDescription::integer("lanes", 1, 1024, 16, "Number of lanes."),
            Panics::parameter(),
        ])
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let lanes = configuration.integer("lanes")?.unsigned_abs();
        Ok(Lanes { panics: Panics::new(configuration)?, lanes, hardware: configuration.hardware })
    }
}

impl AccelModule for Lanes {
    fn facts(&self) -> ModuleFacts {
        self.panics.at("facts");
        ModuleFacts {
            area_mm2: 0.001 * self.lanes as f64,
            leakage_mw: 0.1,
            primitives: vec![PrimitiveKind::Conv, PrimitiveKind::Dense],
            activations: vec![Activation::Relu],
            peak_macs_per_cycle: self.lanes,
            preferred_tile: TileSize {
                batch: 1,
                y: 2,
                x: 3,
                in_channels: 4,
                out_channels: self.hardware.word_bits,
            },
            events: vec![EventFacts::busy_cycle(Cause::Mac, 0.5, self.hardware.clock_khz)],
            ..ModuleFacts::default()
        }
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        self.panics.at("cost");
        for (work, cost) in works.iter().zip(costs) {
            if work.groups == 0 {
                return Err(PluginError::invalid("`groups` = 0 is out of range: give at least 1"));
            }
            cost.busy_cycles = work.effective_macs.div_ceil(self.lanes);
            cost.activation_read_bytes = work.read_bytes;
            cost.events[0] = cost.busy_cycles;
        }
        Ok(())
    }
}

/// A memory without rows.
pub struct Flat(Panics);

impl Plugin for Flat {
    type Kind = kinds::Memory;

    fn info() -> PluginInfo {
        PluginInfo::new("test/flat", "0.1.0", "Moves 64 bytes a cycle.").parameters(vec![Panics::parameter()])
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Flat(Panics::new(configuration)?))
    }
}

impl Memory for Flat {
    fn facts(&self) -> MemoryFacts {
        self.0.at("facts");
        MemoryFacts {
            clock_khz: 1_000_000,
            channels: 2,
            ranks: 1,
            banks_per_rank: 1,
            row_bytes: 4096,
            burst_bytes: 64,
            interleave_bytes: 4096,
            capacity_bytes: 1 << 32,
            background_mw: 3.5,
            events: vec![EventFacts::new("burst", Cause::Memory, 100.0)],
            refresh_event: Some(EventFacts::new("refresh", Cause::Memory, 0.1)),
            ..MemoryFacts::default()
        }
    }

    fn cost(&self, profiles: &[TransferProfile], costs: &mut [TransferCost]) -> Result<(), PluginError> {
        self.0.at("cost");
        for (profile, cost) in profiles.iter().zip(costs) {
            cost.bus_mem_cycles = profile.runs * profile.run_bytes.div_ceil(64);
            cost.first_byte_mem_cycles = 20;
            cost.events[0] = cost.bus_mem_cycles;
        }
        Ok(())
    }
}
