//! The evaluator `codebench/simulate`: a job's CNN on its accelerator.

use crate::accelerator;
use crate::published::{OpCost, Simulation, Simulator};
use codebench_api::{
    Configuration, Evaluator, Plugin, PluginError, PluginInfo, Reads, Registration, Registrations, kinds,
};
use codebench_model::{CostReport, Job, Metrics, ParameterDescription, PublishedAccelerator, PublishedOps};

/// Names of the metrics, as descriptions list them.
const METRICS: [&str; 10] = [
    "total_cycles",
    "latency_s",
    "latency_per_image_s",
    "area_mm2",
    "dynamic_energy_j",
    "dynamic_energy_per_image_j",
    "leakage_energy_j",
    "leakage_energy_per_image_j",
    "params",
    "macs",
];

/// The evaluator `codebench/simulate`.
///
/// Latency and energies are those of a whole batch, beside them the same divided by the batch. Per layer of the
/// workload it gives `latency_s` and `dynamic_energy_j` of the batch: an operation's own cycles in its phase, and of
/// the convolution phase, which is the largest of five counters over the whole CNN, its part of that counter. Image loads
/// belong to the first layer; an operation that stands for no layer belongs to the layer before it. So layers sum to
/// the total: cycles exactly, energies up to rounding.
#[derive(Debug)]
pub struct Simulate {
    simulator: Simulator,
}

impl Plugin for Simulate {
    type Kind = kinds::Evaluator;

    fn info() -> PluginInfo {
        let fidelity = ParameterDescription::choice(
            "fidelity",
            &["published"],
            "published",
            "Which simulation answers: `published` is the authors' released simulator, bit for bit.",
        )
        .required();
        PluginInfo::new(
            "codebench/simulate",
            env!("CARGO_PKG_VERSION"),
            "Simulates the CNN on the accelerator: cycles, latency, energy and area.",
        )
        .parameters(vec![fidelity])
        .metrics(&METRICS)
        .example(
            "Simulate in an experiment",
            "[[evaluator]]\nid = \"hardware\"\nplugin = \"codebench/simulate\"\nparameters = { fidelity = \"published\" }\n",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Simulate { simulator: Simulator::new(configuration.catalog.published_constants()?) })
    }
}

/// The plugins of this crate.
pub static PLUGINS: &[Registration] = &[Registration::of::<Simulate>()];

codebench_api::inventory::submit! {
    Registrations { source: env!("CARGO_PKG_NAME"), plugins: PLUGINS }
}

impl Evaluator for Simulate {
    fn reads(&self) -> Reads {
        Reads { cnn: true, published: true, accelerator: true, ..Reads::default() }
    }

    fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError> {
        let (Some(workload), Some(ops), Some(input)) = (&job.workload, &job.published, &job.accelerator)
        else {
            return Err(PluginError::invalid(
                "simulating needs a CNN and an accelerator: add [space.cnn] and [space.accelerator]",
            ));
        };
        let accelerator = accelerator::resolve(input).map_err(|e| PluginError::invalid(e.to_string()))?;
        let simulation =
            self.simulator.simulate(ops, &accelerator).map_err(|e| PluginError::infeasible(e.to_string()))?;
        Ok(metrics(&simulation, ops, workload.layers.len(), &accelerator))
    }
}

fn metrics(
    simulation: &Simulation,
    ops: &PublishedOps,
    layers: usize,
    accelerator: &PublishedAccelerator,
) -> Metrics {
    let CostReport {
        total_cycles,
        latency_s,
        area_mm2,
        dynamic_energy_j,
        leakage_energy_j,
        params,
        macs,
        ..
    } = simulation.report;
    let batch = accelerator.batch as f64;
    let values = [
        total_cycles as f64,
        latency_s,
        latency_s / batch,
        area_mm2,
        dynamic_energy_j,
        dynamic_energy_j / batch,
        leakage_energy_j,
        leakage_energy_j / batch,
        params as f64,
        macs as f64,
    ];
    let mut metrics = Metrics::default();
    metrics.values.extend(METRICS.iter().map(|name| (*name).to_owned()).zip(values));
    let shares = per_layer(simulation, ops, layers);
    // Cycles and latency are proportional.
    let cycle_s = if total_cycles == 0 { 0.0 } else { latency_s / total_cycles as f64 };
    let latencies = shares.iter().map(|share| share.cycles as f64 * cycle_s).collect();
    let energies = shares.iter().map(|share| share.energy_j).collect();
    metrics.per_layer.insert("latency_s".into(), latencies);
    metrics.per_layer.insert("dynamic_energy_j".into(), energies);
    metrics
}

/// Costs by layer of the workload.
fn per_layer(simulation: &Simulation, ops: &PublishedOps, layers: usize) -> Vec<OpCost> {
    let mut shares = vec![OpCost::default(); layers];
    let mut add = |layer: usize, cost: &OpCost| {
        if let Some(share) = shares.get_mut(layer) {
            share.cycles += cost.cycles;
            share.energy_j += cost.energy_j;
        }
    };
    add(0, &simulation.image);
    let mut current = 0;
    for (layer, cost) in ops.layers.iter().zip(&simulation.per_op) {
        current = layer.filter(|l| *l < layers).unwrap_or(current);
        add(current, cost);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_receive_every_cost() {
        let cost = |cycles: u64| OpCost { cycles, energy_j: cycles as f64 };
        let simulation = Simulation {
            per_op: vec![cost(1), cost(10), cost(100), cost(1000)],
            image: cost(10_000),
            ..Simulation::default()
        };
        let ops = PublishedOps {
            image: codebench_model::TensorShape::new(1, 1, 1),
            params: 0,
            macs: 0,
            ops: Vec::new(),
            layers: vec![None, Some(2), None, Some(1)],
            has_relu: true,
            has_silu: false,
        };
        let cycles: Vec<u64> = per_layer(&simulation, &ops, 3).iter().map(|share| share.cycles).collect();
        assert_eq!(cycles, [10_001, 1000, 110]);
    }
}
