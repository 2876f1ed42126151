//! A systolic array of rows x columns processing elements in one of three dataflows, as a compute module.
//!
//! How its cycles are counted stands in [`Fold`]; they are those of SCALE-Sim, which the tests compare.

mod fold;

pub use fold::{Dataflow, Fold, Traffic};

use codebench_sdk::prelude::*;

/// `example/systolic-array`.
pub struct SystolicArray {
    rows: u64,
    columns: u64,
    dataflow: Dataflow,
    /// Of one processing element.
    area_um2: f64,
    leakage_uw: f64,
    mac_energy_pj: f64,
    clock_energy_pj: f64,
    word_bits: u64,
}

impl Plugin for SystolicArray {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "example/systolic-array",
            "0.1.0",
            "Systolic array of multiply-accumulate elements: weight-, output- or input-stationary.",
        )
        .parameters(vec![
            ParameterDescription::integer("rows", 2, 1024, 32, "Rows of the array."),
            ParameterDescription::integer("columns", 2, 1024, 32, "Columns of the array."),
            ParameterDescription::choice(
                "dataflow",
                &Dataflow::NAMES,
                Dataflow::NAMES[0],
                "Which operand stays in place.",
            ),
            ParameterDescription::float("pe_area_um2", 0.0, 1e6, 700.0, "Area of one element.").unit("um2"),
            ParameterDescription::float("pe_leakage_uw", 0.0, 1e6, 7.0, "Leakage power of one element.")
                .unit("uW"),
            ParameterDescription::float("mac_energy_pj", 0.0, 1e6, 0.6, "Energy of one multiply-accumulate.")
                .unit("pJ"),
            ParameterDescription::float(
                "pe_clock_energy_pj",
                0.0,
                1e6,
                0.05,
                "Energy of clocking one element for a cycle.",
            )
            .unit("pJ"),
        ])
        .example(
            "The compute module of an accelerator",
            "[[module]]\nrole = \"compute\"\nplugin = \"example/systolic-array\"\n\
             parameters = { rows = 16, columns = 64, dataflow = \"output-stationary\" }\n",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(SystolicArray {
            rows: configuration.integer("rows")?.unsigned_abs(),
            columns: configuration.integer("columns")?.unsigned_abs(),
            dataflow: Dataflow::named(configuration.text("dataflow")?)?,
            area_um2: configuration.float("pe_area_um2")?,
            leakage_uw: configuration.float("pe_leakage_uw")?,
            mac_energy_pj: configuration.float("mac_energy_pj")?,
            clock_energy_pj: configuration.float("pe_clock_energy_pj")?,
            word_bits: configuration.hardware.word_bits,
        })
    }
}

impl SystolicArray {
    fn elements(&self) -> f64 {
        (self.rows * self.columns) as f64
    }

    /// The matrix product of one group of a convolution or a dense layer.
    fn fold(&self, work: &TileWork) -> Fold {
        let groups = work.groups.max(1);
        Fold {
            rows: self.rows,
            columns: self.columns,
            pixels: work.batch * work.out_y * work.out_x,
            window: work.in_channels / groups * work.kernel_y * work.kernel_x,
            filters: work.out_channels / groups,
        }
    }

    fn bytes(&self, words: u128) -> u64 {
        u64::try_from((words * u128::from(self.word_bits)).div_ceil(8)).unwrap_or(u64::MAX)
    }

    fn cost_of(&self, work: &TileWork) -> TileCost {
        let (fold, groups) = (self.fold(work), u128::from(work.groups.max(1)));
        let groups_cycles = work.groups.max(1);
        let traffic = fold.traffic(self.dataflow);
        // Partial sums of an earlier input tile are read again; those of the last one are written as its output.
        let outputs = u128::from(fold.pixels) * u128::from(fold.filters);
        let resumed = if work.first_input_tile == 1 { 0 } else { outputs };
        let spilled = traffic.partial_sums;
        let last = if work.last_input_tile == 1 { work.write_bytes } else { self.bytes(groups * outputs) };
        let cycles = fold.cycles(self.dataflow).saturating_mul(groups_cycles);
        let mut cost = TileCost {
            busy_cycles: cycles,
            activation_read_bytes: self.bytes(groups * (traffic.activations + spilled + resumed)),
            activation_write_bytes: self.bytes(groups * spilled).saturating_add(last),
            weight_read_bytes: self.bytes(groups * traffic.weights),
            mask_read_bytes: work.mask_bytes,
            ..TileCost::default()
        };
        cost.events[0] = work.macs;
        cost.events[1] = cycles;
        cost
    }
}

impl AccelModule for SystolicArray {
    fn facts(&self) -> ModuleFacts {
        ModuleFacts {
            area_mm2: self.elements() * self.area_um2 * 1e-6,
            leakage_mw: self.elements() * self.leakage_uw * 1e-3,
            primitives: vec![PrimitiveKind::Conv, PrimitiveKind::Dense],
            peak_macs_per_cycle: self.rows * self.columns,
            // Whole windows, so that no partial sums leave the array between tiles; filters in columns where they stay.
            preferred_tile: TileSize {
                out_channels: if self.dataflow == Dataflow::InputStationary { 0 } else { self.columns },
                ..TileSize::default()
            },
            events: vec![
                EventFacts::new("mac", Cause::Mac, self.mac_energy_pj),
                EventFacts::new("busy_cycle", Cause::Control, self.clock_energy_pj * self.elements()),
            ],
            ..ModuleFacts::default()
        }
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        for (work, cost) in works.iter().zip(costs) {
            match PrimitiveKind::of_code(work.primitive) {
                Some(PrimitiveKind::Conv | PrimitiveKind::Dense) => *cost = self.cost_of(work),
                other => {
                    let name = other.map_or("none", PrimitiveKind::name);
                    return Err(PluginError::invalid(format!(
                        "primitive {} ({name}): a systolic array runs conv and dense; give the accelerator a vector module",
                        work.primitive
                    )));
                }
            }
        }
        Ok(())
    }
}

codebench_sdk::plugins![SystolicArray];
