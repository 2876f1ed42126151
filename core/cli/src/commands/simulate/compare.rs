//! The two fidelities side by side, with why they differ.

use super::text::exact;
use crate::table::Table;
use crate::{Failure, OrFail};
use codebench_model::CostReport;
use serde::Serialize;
use std::io::Write;

/// Why the published figures are not those of hardware. The book's page on the published fidelity says more.
const CAUSES: [&str; 9] = [
    "published counts words where its buffers hold bits: they are 20 times too small, and operands are read again and again",
    "published sums phases of which one is the largest of five counters over the whole CNN; cycle follows every tile",
    "published gives every memory 40 GB/s without latency; in cycle rows, banks, channels, turnaround and refresh decide",
    "published never writes results to memory and reads them back all the same; cycle keeps what fits on chip",
    "published pads nothing and, for CNNs in the published semantics, takes the shapes of branches from the vertex before; cycle has the true shapes and halos",
    "published charges no activation, addition, shuffle or mask; in cycle every layer runs on a module",
    "published cuts output channels into tiles of 4 whatever the array; in cycle the tile follows the array",
    "published adds memory energies in nJ to powers in mW; cycle counts events in pJ, operand reads of buffers included",
    "published has im2col's power as printed, 99 % of the total and probably a slip of unit; cycle's default is corrected",
];

#[derive(Serialize)]
struct Both<'a> {
    published: &'a CostReport,
    cycle: &'a CostReport,
    causes: &'a [&'a str],
}

pub(super) fn json(published: &CostReport, cycle: &CostReport, out: &mut dyn Write) -> Result<(), Failure> {
    let both = Both { published, cycle, causes: &CAUSES };
    Ok(writeln!(out, "{}", serde_json::to_string(&both).failure()?)?)
}

pub(super) fn text(published: &CostReport, cycle: &CostReport, out: &mut dyn Write) -> Result<(), Failure> {
    let mut table = Table::new(&["", "published", "cycle", "cycle / published"]);
    let mut row = |name: &str, values: [f64; 2]| {
        let ratio = if values[0] == 0.0 { "-".to_owned() } else { format!("{:.4}", values[1] / values[0]) };
        table.row(vec![name.to_owned(), exact(values[0]), exact(values[1]), ratio]);
    };
    row("cycles", [published.total_cycles as f64, cycle.total_cycles as f64]);
    row("latency, s", [published.latency_s, cycle.latency_s]);
    row("area, mm2", [published.area_mm2, cycle.area_mm2]);
    row("dynamic energy, J", [published.dynamic_energy_j, cycle.dynamic_energy_j]);
    row("leakage energy, J", [published.leakage_energy_j, cycle.leakage_energy_j]);
    row("parameters", [published.params as f64, cycle.params as f64]);
    row("MACs per image", [published.macs as f64, cycle.macs as f64]);
    writeln!(out)?;
    table.write(out)?;
    writeln!(out, "\nWhy they differ:")?;
    for cause in CAUSES {
        writeln!(out, "- {cause}")?;
    }
    Ok(())
}
