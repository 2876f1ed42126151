//! The evaluator `codebench/simulate`: a job's CNN on its accelerator.

use crate::accelerator;
use crate::cycle::{self, CycleError, Machine, Options, Parts, Sparsity};
use crate::published::{OpCost, Simulation, Simulator};
use codebench_api::{
    Catalog, Configuration, Evaluator, Plugin, PluginError, PluginInfo, Reads, Registration, Registrations,
    kinds,
};
use codebench_model::{
    AcceleratorInput, CostReport, Job, Metrics, ParameterDescription, PublishedAccelerator, PublishedOps,
    Workload,
};
use std::collections::BTreeSet;

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
/// workload it gives `latency_s` and `dynamic_energy_j` of the batch, which sum to the total (energies up to rounding).
///
/// Of the fidelity `cycle`, a fused layer's costs belong to the layer that does the main work. Of the fidelity `published`,
/// an operation has its own cycles in its phase, and of the convolution phase, which is the largest of five counters over
/// the whole CNN, its part of that counter; image loads belong to the first layer, an operation that stands for no layer
/// to the layer before it.
pub struct Simulate {
    fidelity: With,
}

/// Which simulation answers.
enum With {
    Cycle { catalog: Box<Catalog>, parts: Parts, sparsity: SparsityFrom },
    Published(Box<Simulator>),
}

/// Where the `cycle` fidelity's densities come from.
enum SparsityFrom {
    Fixed(Sparsity),
    /// The metric `activation_density` per layer of this evaluator.
    Upstream(String),
}

/// The metric per layer that holds measured densities of activations.
const DENSITY: &str = "activation_density";

impl Plugin for Simulate {
    type Kind = kinds::Evaluator;

    fn info() -> PluginInfo {
        let fidelity = ParameterDescription::choice(
            "fidelity",
            &["cycle", "published"],
            "cycle",
            "Which simulation answers: `cycle` is event-driven and cycle-accurate, `published` the authors' released simulator, bit \
             for bit.",
        );
        let sparsity = ParameterDescription::choice(
            "sparsity",
            &["paper", "dense", "measured"],
            "paper",
            "Zeros for the fidelity `cycle`: half of activations and weights as in the paper, none, or activations as another \
             evaluator has measured them.",
        );
        let measured_by = ParameterDescription::text(
            "measured_by",
            "train",
            "With sparsity `measured`: id of the evaluator before this one whose metric per layer `activation_density` counts.",
        );
        PluginInfo::new(
            "codebench/simulate",
            env!("CARGO_PKG_VERSION"),
            "Simulates the CNN on the accelerator: cycles, latency, energy and area.",
        )
        .parameters(vec![fidelity, sparsity, measured_by])
        .metrics(&METRICS)
        .example(
            "Simulate in an experiment",
            "[[evaluator]]\nid = \"hardware\"\nplugin = \"codebench/simulate\"\nparameters = { fidelity = \"cycle\" }\n",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        if configuration.text("fidelity")? == "published" {
            let simulator = Simulator::new(configuration.catalog.published_constants()?);
            return Ok(Simulate { fidelity: With::Published(Box::new(simulator)) });
        }
        let sparsity = match configuration.text("sparsity")? {
            "dense" => SparsityFrom::Fixed(Sparsity::Dense),
            "measured" => SparsityFrom::Upstream(configuration.text("measured_by")?.to_owned()),
            _ => SparsityFrom::Fixed(Sparsity::Paper),
        };
        let catalog = Box::new(configuration.catalog.clone());
        Ok(Simulate { fidelity: With::Cycle { catalog, parts: Parts::default(), sparsity } })
    }
}

/// The plugins of this crate.
pub static PLUGINS: &[Registration] = &[Registration::of::<Simulate>()];

codebench_api::inventory::submit! {
    Registrations { source: env!("CARGO_PKG_NAME"), plugins: PLUGINS }
}

impl Evaluator for Simulate {
    fn reads(&self) -> Reads {
        let reads = Reads { cnn: true, accelerator: true, ..Reads::default() };
        match &self.fidelity {
            With::Published(_) => Reads { published: true, ..reads },
            With::Cycle { sparsity: SparsityFrom::Upstream(id), .. } => {
                Reads { upstream: BTreeSet::from([id.clone()]), ..reads }
            }
            With::Cycle { .. } => reads,
        }
    }

    fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError> {
        let (Some(workload), Some(input)) = (&job.workload, &job.accelerator) else {
            return Err(incomplete());
        };
        match &self.fidelity {
            With::Published(simulator) => {
                let ops = job.published.as_ref().ok_or_else(incomplete)?;
                let accelerator =
                    accelerator::resolve(input).map_err(|e| PluginError::invalid(e.to_string()))?;
                let simulation = simulator
                    .simulate(ops, &accelerator)
                    .map_err(|e| PluginError::infeasible(e.to_string()))?;
                Ok(metrics(&simulation, ops, workload.layers.len(), &accelerator))
            }
            With::Cycle { catalog, parts, sparsity } => {
                let measured;
                let sparsity = match sparsity {
                    SparsityFrom::Fixed(sparsity) => sparsity,
                    SparsityFrom::Upstream(id) => {
                        measured = densities(job, id)?;
                        &measured
                    }
                };
                simulate((catalog, parts), workload, input, sparsity)
            }
        }
    }

    fn check_accelerator(&self, accelerator: &AcceleratorInput) -> Result<(), PluginError> {
        match &self.fidelity {
            With::Published(simulator) => {
                let checked = accelerator::resolve_whole(accelerator).and_then(|a| simulator.check(&a));
                checked.map_err(|e| PluginError::invalid(e.to_string()))
            }
            With::Cycle { catalog, parts, .. } => {
                let description = cycle::describe(accelerator);
                let machine = description.and_then(|d| Machine::resolve_with(&d, catalog, parts));
                machine.map(drop).map_err(|e| PluginError::invalid(e.to_string()))
            }
        }
    }
}

fn incomplete() -> PluginError {
    PluginError::invalid("simulating needs a CNN and an accelerator: add [space.cnn] and [space.accelerator]")
}

/// Densities that another evaluator has measured.
fn densities(job: &Job, id: &str) -> Result<Sparsity, PluginError> {
    let measured = job.upstream.get(id).and_then(|metrics| metrics.per_layer.get(DENSITY));
    measured.cloned().map(Sparsity::Measured).ok_or_else(|| {
        PluginError::invalid(format!(
            "sparsity = \"measured\" needs the metric `{DENSITY}` per layer of evaluator `{id}`, which it does not give: name another \
             evaluator in `measured_by`, or use the sparsity paper or dense"
        ))
    })
}

fn simulate(
    (catalog, parts): (&Catalog, &Parts),
    workload: &Workload,
    input: &AcceleratorInput,
    sparsity: &Sparsity,
) -> Result<Metrics, PluginError> {
    let failed = |error: CycleError| match error.is_infeasible() {
        true => PluginError::infeasible(error.to_string()),
        false => PluginError::invalid(error.to_string()),
    };
    let machine =
        cycle::describe(input).and_then(|d| Machine::resolve_with(&d, catalog, parts)).map_err(failed)?;
    let (report, timeline) =
        cycle::evaluate(&machine, workload, sparsity, Options::default()).map_err(failed)?;
    let mut metrics = totals(&report, machine.batch);
    let mut latencies = vec![0.0; workload.layers.len()];
    let mut energies = latencies.clone();
    let hertz = machine.context.clock_khz as f64 * 1e3;
    let costs = report.cycle.map(|costs| costs.layers).unwrap_or_default();
    for ((layer, costs), timeline) in timeline.main_layers.iter().zip(&costs).zip(&timeline.layers) {
        if let (Some(latency), Some(energy)) = (latencies.get_mut(*layer), energies.get_mut(*layer)) {
            *latency = timeline.cycles as f64 / hertz;
            *energy = costs.module_energy_j.iter().sum();
        }
    }
    metrics.per_layer.insert("latency_s".into(), latencies);
    metrics.per_layer.insert("dynamic_energy_j".into(), energies);
    Ok(metrics)
}

/// The metrics that describe the whole inference.
fn totals(report: &CostReport, batch: u64) -> Metrics {
    let batch = batch as f64;
    let values = [
        report.total_cycles as f64,
        report.latency_s,
        report.latency_s / batch,
        report.area_mm2,
        report.dynamic_energy_j,
        report.dynamic_energy_j / batch,
        report.leakage_energy_j,
        report.leakage_energy_j / batch,
        report.params as f64,
        report.macs as f64,
    ];
    let mut metrics = Metrics::default();
    metrics.values.extend(METRICS.iter().map(|name| (*name).to_owned()).zip(values));
    metrics
}

fn metrics(
    simulation: &Simulation,
    ops: &PublishedOps,
    layers: usize,
    accelerator: &PublishedAccelerator,
) -> Metrics {
    let CostReport { total_cycles, latency_s, .. } = simulation.report;
    let mut metrics = totals(&simulation.report, accelerator.batch);
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
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// What a trainer measured changes what is simulated, and only through the named evaluator.
    #[test]
    fn measured_densities_reach_the_simulator() {
        use codebench_cnn::{Language, named};
        let _ = (codebench_accelbench::PLUGINS.len(), codebench_cnn_ops::PLUGINS.len());
        let catalog = Catalog::built_in().unwrap();
        let network = named::find("lenet-5").unwrap();
        let shape = codebench_model::TensorShape::new(network.channels, network.image, network.image);
        let lowered = Language::new(&catalog).unwrap().lower(&network.graph, shape, 10).unwrap();
        let layers = lowered.workload.layers.len();
        let cycle = |sparsity: SparsityFrom| Simulate {
            fidelity: With::Cycle { catalog: Box::new(catalog.clone()), parts: Parts::default(), sparsity },
        };
        let simulate = cycle(SparsityFrom::Upstream("train".into()));
        assert_eq!(simulate.reads().upstream, BTreeSet::from(["train".to_owned()]));
        let job = |densities: Option<Vec<f64>>| {
            let mut job = Job {
                v: Job::VERSION,
                trial: 0,
                purpose: codebench_model::Purpose::Search,
                candidate: codebench_model::Genotype(Vec::new()),
                cnn: None,
                workload: Some(lowered.workload.clone()),
                published: None,
                accelerator: Some(AcceleratorInput::Named(codebench_model::Parameters::new())),
                data: None,
                recipe: None,
                resume_from: None,
                donor: None,
                seed: 0,
                limits: codebench_model::Limits::default(),
                upstream: std::collections::BTreeMap::new(),
                values: std::collections::BTreeMap::new(),
            };
            if let Some(densities) = densities {
                let mut metrics = Metrics::default();
                metrics.per_layer.insert(DENSITY.into(), densities);
                job.upstream.insert("train".into(), metrics);
            }
            job
        };
        let energy = |densities: Vec<f64>| {
            let metrics = simulate.evaluate(&job(Some(densities))).unwrap();
            (metrics.values["dynamic_energy_j"], metrics.values["total_cycles"])
        };
        let (dense, half, sparse) =
            (energy(vec![1.0; layers]), energy(vec![0.5; layers]), energy(vec![0.1; layers]));
        assert!(dense.0 > half.0 && half.0 > sparse.0, "{dense:?} {half:?} {sparse:?}");
        assert!(dense.1 >= half.1 && half.1 >= sparse.1, "{dense:?} {half:?} {sparse:?}");
        // One layer alone counts, and the others keep theirs.
        let mut one = vec![1.0; layers];
        let relu = lowered.workload.layers.iter().position(|l| l.primitive.name() == "activation").unwrap();
        one[relu] = 0.1;
        let one = energy(one);
        assert!(sparse.0 < one.0 && one.0 < dense.0, "{one:?}");
        let refused = |densities| simulate.evaluate(&job(densities)).unwrap_err().message;
        assert!(refused(None).contains("`activation_density` per layer of evaluator `train`"));
        assert!(refused(Some(vec![0.5; 2])).contains("measured for 2 layers"));
        assert!(refused(Some(vec![1.5; layers])).contains("density 1.5 of layer"));
        // The paper's densities need no measurement.
        assert!(cycle(SparsityFrom::Fixed(Sparsity::Paper)).evaluate(&job(None)).is_ok());
    }

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
