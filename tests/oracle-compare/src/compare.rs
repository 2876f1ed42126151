//! Engine against oracle.

use crate::Case;
use codebench_model::hardware::{TaskKind, TaskRecord};
use codebench_oracle::{Deviation, Failure, LayerTotals, Outcome};
use codebench_sim::cycle::{self, CycleError, Holder, LayerTimeline, Machine, Options, Timeline};

/// What both said.
pub struct Agreed {
    /// The oracle's answer; nothing if both refuse the case.
    pub outcome: Option<Outcome>,
    /// Whether the engine advanced a stretch in closed form.
    pub closed_form: bool,
}

/// The first difference between the engine, in all its modes, and the oracle.
///
/// # Errors
/// Says what differs, engine first.
pub fn difference(case: &Case, deviation: Option<Deviation>) -> Result<Agreed, String> {
    let fused = cycle::fuse(&case.workload).map_err(|e| format!("engine: {e}"))?;
    if fused != case.fused {
        return Err(format!("fusion: {fused:?}\nis not {:?}", case.fused));
    }
    let oracle = case.oracle(deviation);
    let machine = Machine::resolve(&case.machine.description, &case.machine.catalog());
    let machine = machine.map_err(|e| format!("engine: {e}"))?;
    let mut closed_form = false;
    for (record, step_by_step) in [(true, false), (false, true), (false, false)] {
        let options = Options { record, step_by_step };
        let engine = cycle::simulate(&machine, &fused, &case.plans, &case.densities, options);
        if let (Ok(engine), Ok(oracle)) = (&engine, &oracle) {
            closed_form |= engine.stepped_tasks < oracle.tasks.len() as u64;
        }
        let mode = format!("record {record}, step by step {step_by_step}");
        compare(engine, &oracle).map_err(|text| format!("{mode}: {text}"))?;
    }
    Ok(Agreed { outcome: oracle.ok(), closed_form })
}

fn compare(engine: Result<Timeline, CycleError>, oracle: &Result<Outcome, Failure>) -> Result<(), String> {
    let (timeline, outcome) = match (engine, oracle) {
        (Ok(timeline), Ok(outcome)) => (timeline, outcome),
        (Err(engine), Err(oracle)) if same_failure(&engine, oracle) => return Ok(()),
        (Err(engine), Err(oracle)) => return Err(format!("{engine}\nis not {oracle}")),
        (Err(engine), Ok(_)) => return Err(format!("only the engine fails: {engine}")),
        (Ok(_), Err(oracle)) => return Err(format!("only the oracle fails: {oracle}")),
    };
    if let Some(record) = &timeline.record {
        compare_tasks(&record.tasks, outcome)?;
    }
    for (number, (engine, oracle)) in timeline.layers.iter().zip(&outcome.layers).enumerate() {
        compare_layer(engine, oracle).map_err(|text| format!("layer {number}: {text}"))?;
    }
    equal("layers", timeline.layers.len(), outcome.layers.len())?;
    equal("total cycles", timeline.total_cycles, outcome.total_cycles)
}

fn same_failure(engine: &CycleError, oracle: &Failure) -> bool {
    match (engine, oracle) {
        (CycleError::Infeasible(e), Failure::ActivationBuffer { need, .. }) => {
            e.holder == Holder::ActivationBuffer && e.needed_bytes == *need
        }
        (CycleError::Infeasible(e), Failure::MaskBuffer { need, .. }) => {
            e.holder == Holder::MaskBuffer && e.needed_bytes == *need
        }
        (CycleError::Infeasible(e), Failure::WeightBuffer { need, .. }) => {
            e.holder == Holder::WeightBuffer && e.needed_bytes == *need
        }
        (CycleError::Infeasible(e), Failure::Memory { need, .. }) => {
            e.holder == Holder::Memory && e.needed_bytes == *need
        }
        (CycleError::Unsupported { .. }, Failure::NoModule { .. }) => true,
        _ => false,
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(name: &str, engine: T, oracle: T) -> Result<(), String> {
    if engine == oracle { Ok(()) } else { Err(format!("{name}: {engine:?} is not {oracle:?}")) }
}

fn kind_of(task: &codebench_oracle::TaskRecord) -> TaskKind {
    use codebench_oracle::TaskKind as Oracle;
    match (task.kind, task.mask, task.storage) {
        (Oracle::WriteBack, false, _) => TaskKind::WriteBack,
        (Oracle::WriteBack, true, _) => TaskKind::WriteBackMask,
        (Oracle::Promotion, false, _) => TaskKind::Promotion,
        (Oracle::Promotion, true, _) => TaskKind::PromotionMask,
        (Oracle::Load, false, Some(_)) => TaskKind::Load,
        (Oracle::Load, true, Some(_)) => TaskKind::LoadMask,
        (Oracle::Load, false, None) => TaskKind::LoadWeights,
        (Oracle::Load, true, None) => TaskKind::LoadWeightsMask,
        (Oracle::Compute, ..) => TaskKind::Compute,
        (Oracle::Store, false, _) => TaskKind::Store,
        (Oracle::Store, true, _) => TaskKind::StoreMask,
    }
}

/// Tasks of one kind of one tile start in their order, so sorting pairs them.
fn compare_tasks(engine: &[TaskRecord], outcome: &Outcome) -> Result<(), String> {
    let convert = |task: &codebench_oracle::TaskRecord| TaskRecord {
        start: task.start,
        end: task.end,
        tile: task.tile as u64,
        layer: task.layer,
        kind: kind_of(task),
        storage: task.storage,
    };
    let mut oracle: Vec<TaskRecord> = outcome.tasks.iter().map(convert).collect();
    let mut engine = engine.to_vec();
    let order = |task: &TaskRecord| (task.start, task.tile, task.kind, task.storage, task.end);
    oracle.sort_unstable_by_key(order);
    engine.sort_unstable_by_key(order);
    for (engine, oracle) in engine.iter().zip(&oracle) {
        equal("task", engine, oracle)?;
    }
    equal("tasks", engine.len(), oracle.len())
}

fn compare_layer(engine: &LayerTimeline, oracle: &LayerTotals) -> Result<(), String> {
    equal("cycles", engine.cycles, oracle.cycles)?;
    equal("macs", (engine.macs, engine.effective_macs), (oracle.macs, oracle.effective_macs))?;
    equal("events", &engine.events, &oracle.module_events)?;
    equal("memory events", engine.memory_events, oracle.memory_events)?;
    equal("refreshes", engine.refreshes, oracle.refreshes)?;
    let bytes = engine.memory_bytes;
    let read = bytes.activations_read + bytes.weights_read + bytes.masks_read;
    let written = bytes.activations_written + bytes.masks_written;
    equal("memory bytes", (read, written), (oracle.memory_read_bytes, oracle.memory_write_bytes))?;
    equal("buffer bytes", engine.buffer_bytes, oracle.buffer_bytes)
}
