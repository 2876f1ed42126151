//! Reports for people.

use crate::Failure;
use crate::cnn_input::Image;
use crate::table::Table;
use codebench_model::cycle_costs::{CycleCosts, LayerCosts};
use codebench_model::{CostReport, PublishedAccelerator};
use std::io::Write;

pub(super) fn write_cnn(name: &str, image: Image, out: &mut dyn Write) -> Result<(), Failure> {
    Ok(writeln!(out, "cnn             {name}, images of {}, {} classes", image.shape, image.classes)?)
}

pub(super) fn write_published(
    accelerator: &PublishedAccelerator,
    report: &CostReport,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let a = accelerator;
    let memory = a.memory.name();
    writeln!(
        out,
        "accelerator     PEs {}x{}x{}, {} lanes of {} multipliers, kernel {}x{}",
        a.pib, a.pix, a.piy, a.pof, a.pif, a.pkx, a.pky
    )?;
    writeln!(
        out,
        "                buffers {} + {} + {} MB, {memory} configuration {}, batch {}",
        a.activation_buffer_mb, a.weight_buffer_mb, a.mask_buffer_mb, a.memory_config, a.batch
    )?;
    writeln!(out, "fidelity        {}\n", report.fidelity)?;
    write_totals(report, a.batch, out)?;
    if let Some(phases) = &report.published {
        writeln!(
            out,
            "phases, cycles  conv {}, batchnorm {}, pool {}, globalavgpool {}, upsampling {}, memory {}",
            phases.conv_cycles,
            phases.batchnorm_cycles,
            phases.pool_cycles,
            phases.globalavgpool_cycles,
            phases.upsampling_cycles,
            phases.memory_cycles
        )?;
    }
    Ok(())
}

/// What both fidelities answer.
fn write_totals(report: &CostReport, batch: u64, out: &mut dyn Write) -> Result<(), Failure> {
    let per_image = |value: f64, unit: &str| match batch {
        1 => String::new(),
        batch => format!("  ({} {unit} per image)", exact(value / batch as f64)),
    };
    writeln!(out, "cycles          {}", report.total_cycles)?;
    writeln!(out, "latency         {} s{}", exact(report.latency_s), per_image(report.latency_s, "s"))?;
    writeln!(out, "area            {} mm2", report.area_mm2)?;
    let (dynamic, leakage) = (report.dynamic_energy_j, report.leakage_energy_j);
    writeln!(out, "dynamic energy  {} J{}", exact(dynamic), per_image(dynamic, "J"))?;
    writeln!(out, "leakage energy  {} J{}", exact(leakage), per_image(leakage, "J"))?;
    writeln!(out, "parameters      {}", report.params)?;
    writeln!(out, "MACs            {} per image", report.macs)?;
    Ok(())
}

pub(super) fn write_cycle(report: &CostReport, out: &mut dyn Write) -> Result<(), Failure> {
    let Some(costs) = &report.cycle else { return Ok(()) };
    writeln!(
        out,
        "accelerator     {}, {} MHz, {}-bit words, batch {}",
        costs.accelerator,
        costs.clock_khz as f64 * 1e-3,
        costs.word_bits,
        costs.batch
    )?;
    writeln!(out, "fidelity        {}\n", report.fidelity)?;
    write_totals(report, costs.batch, out)?;
    write_costs(costs, out)?;
    writeln!(out)?;
    write_layers(costs, out)
}

fn write_costs(costs: &CycleCosts, out: &mut dyn Write) -> Result<(), Failure> {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    writeln!(
        out,
        "array           {} of {} MACs per cycle, those with zeros left out",
        percent(costs.utilisation),
        costs.peak_macs_per_cycle
    )?;
    let roof = costs.roofline;
    writeln!(
        out,
        "roofline        {:.1} MACs per byte: {} of {:.0} MACs per cycle, bound by the {}",
        roof.macs_per_byte,
        percent(roof.achieved_macs_per_cycle / roof.attainable_macs_per_cycle.max(1e-300)),
        roof.attainable_macs_per_cycle,
        if roof.memory_bound { "memory" } else { "array" }
    )?;
    let e = costs.energy;
    let shares = [
        ("MAC", e.mac_j),
        ("buffer read", e.buffer_read_j),
        ("buffer write", e.buffer_write_j),
        ("DMA", e.dma_j),
        ("memory", e.memory_j),
        ("vector", e.vector_j),
        ("control", e.control_j),
        ("leakage", e.leakage_j),
    ];
    let total: f64 = shares.iter().map(|(_, joules)| joules).sum();
    let listed: Vec<String> = shares
        .iter()
        .map(|(name, joules)| format!("{name} {}", percent(joules / total.max(1e-300))))
        .collect();
    writeln!(out, "energy          {}", listed.join(", "))?;
    let s = costs.stall_cycles;
    writeln!(
        out,
        "stalls, cycles  activations {}, weights {}, buffer space {}, memory turnaround {}",
        s.activations, s.weights, s.buffer_space, s.memory_turnaround
    )?;
    let b = costs.bytes;
    writeln!(
        out,
        "memory, bytes   activations {} read, {} written; weights {} read; masks {} read, {} written",
        b.memory_activations_read,
        b.memory_activations_written,
        b.memory_weights_read,
        b.memory_masks_read,
        b.memory_masks_written
    )?;
    let (peak, capacity) = (costs.peak_bytes, costs.capacity_bytes);
    writeln!(
        out,
        "buffers, bytes  activations {} of {}, weights {} of {}, masks {} of {}",
        peak.activation_buffer,
        capacity.activation_buffer,
        peak.weight_buffer,
        capacity.weight_buffer,
        peak.mask_buffer,
        capacity.mask_buffer
    )?;
    Ok(())
}

fn write_layers(costs: &CycleCosts, out: &mut dyn Write) -> Result<(), Failure> {
    let stalls = |layer: &LayerCosts| {
        let s = layer.stall_cycles;
        s.activations + s.weights + s.buffer_space + s.memory_turnaround
    };
    let mut table =
        Table::new(&["<layer", "<op", "tiles", "cycles", "stalls", "array", "memory bytes", "energy J"]);
    for layer in &costs.layers {
        let name = match layer.fused.len() {
            0 => layer.name.clone(),
            count => format!("{} (+{count})", layer.name),
        };
        table.row([
            name,
            layer.op.clone(),
            layer.tiles.to_string(),
            layer.cycles.to_string(),
            stalls(layer).to_string(),
            format!("{:.1} %", 100.0 * layer.utilisation),
            layer.bytes.memory().to_string(),
            format!("{:.3e}", layer.module_energy_j.iter().sum::<f64>()),
        ]);
    }
    Ok(table.write(out)?)
}

/// Every digit; small values with an exponent.
pub(super) fn exact(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 { format!("{value:e}") } else { format!("{value}") }
}
