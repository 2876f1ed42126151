//! From a timeline to costs.

mod energy;

use super::error::CycleError;
use super::machine::Machine;
use super::plan::{Schedule, peak_bytes_per_tick};
use super::timeline::{LayerTimeline, Timeline};
use codebench_model::cycle_costs::{
    BytesMoved, CycleCosts, EnergyByCause, LayerCosts, ModuleCosts, PeakBytes, Roofline, StallCycles,
};
use codebench_model::hardware::{FusedLayer, FusedOp, FusedWorkload};
use codebench_model::{CostReport, Role, Workload};
use energy::Energy;

/// What the costs are made from.
pub(crate) struct Reporter<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) workload: &'a Workload,
    pub(crate) fused: &'a FusedWorkload,
    pub(crate) schedule: &'a Schedule,
    pub(crate) timeline: &'a Timeline,
}

/// Facts are finite one by one; what they come to over a run must be too, also all together.
fn are_finite(parts: &[ModuleCosts]) -> Result<(), CycleError> {
    let mut sums = [0.0; 3];
    for part in parts {
        let of_part = [
            ("area_mm2", part.area_mm2),
            ("dynamic_energy_j", part.dynamic_energy_j),
            ("leakage_energy_j", part.leakage_energy_j),
        ];
        for (sum, (name, value)) in sums.iter_mut().zip(of_part) {
            *sum += value;
            if !sum.is_finite() {
                return Err(CycleError::Facts {
                    module: format!("{} ({})", part.role, part.plugin),
                    name: format!("{name} of the whole run"),
                    value: value.to_string(),
                    allowed: "it must be finite, and so must the sum over all modules: mend the areas, leakages and energies of its facts",
                });
            }
        }
    }
    Ok(())
}

impl Reporter<'_> {
    pub(crate) fn report(&self) -> Result<CostReport, CycleError> {
        let machine = self.machine;
        let costs = self.costs()?;
        let parts = &costs.modules;
        are_finite(parts)?;
        Ok(CostReport {
            fidelity: "cycle".into(),
            total_cycles: self.timeline.total_cycles,
            latency_s: seconds(machine, self.timeline.total_cycles),
            area_mm2: parts.iter().map(|m| m.area_mm2).sum(),
            dynamic_energy_j: parts.iter().map(|m| m.dynamic_energy_j).sum(),
            leakage_energy_j: parts.iter().map(|m| m.leakage_energy_j).sum(),
            params: self.workload.parameters(),
            macs: self.workload.macs(),
            published: None,
            cycle: Some(Box::new(costs)),
        })
    }

    fn costs(&self) -> Result<CycleCosts, CycleError> {
        let machine = self.machine;
        let rate = peak_bytes_per_tick(machine)?;
        let compute = machine.modules.iter().filter(|m| m.role == Role::Compute);
        let peak = compute.map(|m| m.facts.peak_macs_per_cycle).fold(0, u64::saturating_add);
        let total = total(self.timeline)?;
        let cycles = self.timeline.total_cycles;
        let energy = Energy::of(machine, &total);
        let seconds = seconds(machine, cycles);
        let bytes = bytes(&total);
        let capacity = machine.capacities();
        Ok(CycleCosts {
            accelerator: machine.name.clone(),
            clock_khz: machine.context.clock_khz,
            batch: machine.batch,
            word_bits: machine.context.word_bits,
            effective_macs: total.effective_macs,
            peak_macs_per_cycle: peak,
            memory_bytes_per_cycle: rate,
            utilisation: utilisation(total.effective_macs, peak, cycles),
            energy: EnergyByCause {
                leakage_j: energy::leakage_mw(machine) * 1e-3 * seconds,
                ..energy.by_cause
            },
            modules: self.modules(&energy, seconds),
            stall_cycles: stalls(&total),
            bytes,
            roofline: roofline(total.effective_macs, bytes, cycles, peak, rate),
            capacity_bytes: peaks(capacity),
            peak_bytes: peaks(total.peak_bytes),
            refreshes: total.refreshes,
            layers: self.layers(peak, rate),
        })
    }

    fn modules(&self, energy: &Energy, seconds: f64) -> Vec<ModuleCosts> {
        let machine = self.machine;
        let part =
            |role: Role, plugin: &str, area_mm2: f64, leakage_mw: f64, dynamic_energy_j: f64| ModuleCosts {
                role,
                plugin: plugin.to_owned(),
                area_mm2,
                leakage_mw,
                dynamic_energy_j,
                leakage_energy_j: leakage_mw * 1e-3 * seconds,
            };
        let mut parts: Vec<ModuleCosts> = machine
            .modules
            .iter()
            .zip(&energy.by_module)
            .map(|(m, joules)| part(m.role, &m.plugin, m.facts.area_mm2, m.facts.leakage_mw, *joules))
            .collect();
        let memory = &machine.memory;
        let facts = &memory.facts;
        let leakage = facts.leakage_mw + facts.background_mw;
        let memory_part = part(Role::Memory, &memory.plugin, facts.area_mm2, leakage, energy.memory);
        parts.insert(memory.position.min(parts.len()), memory_part);
        parts
    }

    fn layers(&self, peak: u64, rate: f64) -> Vec<LayerCosts> {
        let leakage = energy::leakage_mw(self.machine) * 1e-3;
        let name = |index: usize| {
            self.workload.layers.get(index).map_or_else(|| index.to_string(), |layer| layer.name.clone())
        };
        let layers = self.timeline.layers.iter().zip(&self.fused.layers).zip(&self.schedule.layers);
        layers
            .map(|((timeline, fused), schedule)| {
                let energy = Energy::of(self.machine, timeline);
                let mut module_energy_j = energy.by_module.clone();
                let position = self.machine.memory.position.min(module_energy_j.len());
                module_energy_j.insert(position, energy.memory);
                let bytes = bytes(timeline);
                LayerCosts {
                    name: name(fused.layer),
                    op: fused.primitive.name().into(),
                    fused: fused_layers(fused).map(name).collect(),
                    tile: schedule.plan.tile,
                    order: schedule.plan.order,
                    tiles: timeline.tiles,
                    cycles: timeline.cycles,
                    main_busy_cycles: timeline.main_busy_cycles,
                    macs: timeline.macs,
                    effective_macs: timeline.effective_macs,
                    utilisation: utilisation(timeline.effective_macs, peak, timeline.cycles),
                    energy: EnergyByCause {
                        leakage_j: leakage * seconds(self.machine, timeline.cycles),
                        ..energy.by_cause
                    },
                    module_energy_j,
                    stall_cycles: stalls(timeline),
                    bytes,
                    roofline: roofline(timeline.effective_macs, bytes, timeline.cycles, peak, rate),
                    peak_bytes: peaks(timeline.peak_bytes),
                }
            })
            .collect()
    }
}

/// Layers of the workload that are fused into a layer.
pub(crate) fn fused_layers(layer: &FusedLayer) -> impl Iterator<Item = usize> + '_ {
    layer.fused.iter().map(|op| match op {
        FusedOp::BatchNorm { layer } | FusedOp::Activation { layer, .. } | FusedOp::Add { layer, .. } => {
            *layer
        }
    })
}

fn seconds(machine: &Machine, cycles: u64) -> f64 {
    cycles as f64 / (machine.context.clock_khz as f64 * 1e3)
}

/// All layers together; the largest of their peaks.
fn total(timeline: &Timeline) -> Result<LayerTimeline, CycleError> {
    let mut total = LayerTimeline::default();
    let add = |sum: &mut u64, count: u64| -> Option<()> {
        *sum = sum.checked_add(count)?;
        Some(())
    };
    let all = |sums: &mut [u64], counts: &[u64]| -> Option<()> {
        sums.iter_mut().zip(counts).try_for_each(|(sum, count)| add(sum, *count))
    };
    let mut each = |layer: &LayerTimeline| -> Option<()> {
        total.events.resize(layer.events.len(), Default::default());
        for (sums, counts) in total.events.iter_mut().zip(&layer.events) {
            all(sums, counts)?;
        }
        all(&mut total.memory_events, &layer.memory_events)?;
        all(&mut total.stall_cycles, &layer.stall_cycles)?;
        all(&mut total.buffer_bytes, &layer.buffer_bytes)?;
        add(&mut total.macs, layer.macs)?;
        add(&mut total.effective_macs, layer.effective_macs)?;
        add(&mut total.refreshes, layer.refreshes)?;
        let (sums, counts) = (&mut total.memory_bytes, &layer.memory_bytes);
        add(&mut sums.activations_read, counts.activations_read)?;
        add(&mut sums.weights_read, counts.weights_read)?;
        add(&mut sums.masks_read, counts.masks_read)?;
        add(&mut sums.activations_written, counts.activations_written)?;
        add(&mut sums.masks_written, counts.masks_written)?;
        for (peak, of_layer) in total.peak_bytes.iter_mut().zip(layer.peak_bytes) {
            *peak = (*peak).max(of_layer);
        }
        Some(())
    };
    timeline
        .layers
        .iter()
        .try_for_each(&mut each)
        .ok_or_else(|| CycleError::too_large("the sum over all layers"))?;
    Ok(total)
}

fn stalls(timeline: &LayerTimeline) -> StallCycles {
    let [activations, weights, buffer_space, memory_turnaround] = timeline.stall_cycles;
    StallCycles { activations, weights, buffer_space, memory_turnaround }
}

fn bytes(timeline: &LayerTimeline) -> BytesMoved {
    let memory = timeline.memory_bytes;
    let [ar, aw, wr, ww, mr, mw] = timeline.buffer_bytes;
    BytesMoved {
        memory_activations_read: memory.activations_read,
        memory_weights_read: memory.weights_read,
        memory_masks_read: memory.masks_read,
        memory_activations_written: memory.activations_written,
        memory_masks_written: memory.masks_written,
        activation_buffer_read: ar,
        activation_buffer_written: aw,
        weight_buffer_read: wr,
        weight_buffer_written: ww,
        mask_buffer_read: mr,
        mask_buffer_written: mw,
    }
}

fn peaks([activation_buffer, weight_buffer, mask_buffer]: [u64; 3]) -> PeakBytes {
    PeakBytes { activation_buffer, weight_buffer, mask_buffer }
}

fn utilisation(macs: u64, peak: u64, cycles: u64) -> f64 {
    let most = peak as f64 * cycles as f64;
    if most > 0.0 { macs as f64 / most } else { 0.0 }
}

fn roofline(macs: u64, bytes: BytesMoved, cycles: u64, peak: u64, rate: f64) -> Roofline {
    let moved = bytes.memory() as f64;
    let intensity = if moved > 0.0 { macs as f64 / moved } else { 0.0 };
    let memory_roof = if moved > 0.0 { intensity * rate } else { f64::INFINITY };
    Roofline {
        macs_per_byte: intensity,
        attainable_macs_per_cycle: memory_roof.min(peak as f64),
        achieved_macs_per_cycle: if cycles > 0 { macs as f64 / cycles as f64 } else { 0.0 },
        memory_bound: memory_roof < peak as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_that_are_not_finite_are_no_result() {
        let part = |dynamic_energy_j: f64| ModuleCosts {
            role: Role::Memory,
            plugin: "test/big".into(),
            area_mm2: 1.0,
            leakage_mw: 1.0,
            dynamic_energy_j,
            leakage_energy_j: 1.0,
        };
        assert!(are_finite(&[part(1e308), part(1.0)]).is_ok());
        for parts in [vec![part(f64::INFINITY)], vec![part(1e308), part(1e308)]] {
            let refused = are_finite(&parts).unwrap_err().to_string();
            assert!(refused.contains("memory (test/big): dynamic_energy_j of the whole run = "), "{refused}");
        }
    }
}
