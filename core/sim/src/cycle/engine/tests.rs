//! What the planner never lets happen, and what the engine says if it does.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::super::plan::{Plans, plan};
use super::super::{CycleError, Machine, Options, Sparsity, describe, fuse};
use codebench_api::Catalog;
use codebench_cnn::{Language, named};
use codebench_model::{AcceleratorInput, TensorShape};

/// Follows a schedule after the capacity of one buffer has become `bytes`.
fn with_capacity(buffer: impl Fn(&Machine) -> usize, bytes: u64) -> Result<u64, CycleError> {
    let _ = (codebench_accelbench::PLUGINS.len(), codebench_cnn_ops::PLUGINS.len());
    let catalog = Catalog::built_in().unwrap();
    let network = named::find_for_image("lenet-5", 32).unwrap();
    let lowered =
        Language::new(&catalog).unwrap().lower(&network.graph, TensorShape::new(1, 32, 32), 10).unwrap();
    let workload = fuse(&lowered.workload).unwrap();
    let densities = Sparsity::Paper.densities(&workload).unwrap();
    let description = describe(&AcceleratorInput::Named(Default::default())).unwrap();
    let mut machine = Machine::resolve(&description, &catalog).unwrap();
    let schedule = plan(&machine, &workload, &Plans::Auto, &densities).unwrap();
    let buffer = buffer(&machine);
    let module = &mut machine.modules[buffer];
    module.facts.capacity_bytes = bytes.min(module.facts.capacity_bytes);
    super::run(&machine, &workload, &schedule, &densities, Options::default()).map(|done| done.total_cycles)
}

fn waiting(result: Result<u64, CycleError>) -> String {
    match result {
        Err(CycleError::Deadlock { waiting, .. }) => waiting,
        other => format!("no deadlock: {other:?}"),
    }
}

#[test]
fn a_schedule_that_cannot_go_on_says_which_tasks_wait_for_what() {
    let load = waiting(with_capacity(|machine| machine.roles.weight_buffer, 1));
    assert!(
        load.starts_with("tile 0 of ") && load.contains("waits for its LoadWeights, which needs "),
        "{load}"
    );
    assert!(load.contains(" bytes of the weight buffer; in use: "), "{load}");
    let output = waiting(with_capacity(|machine| machine.roles.activation_buffer, 3000));
    assert!(
        output.contains("waits for space for its output") || output.contains("waits for its Load"),
        "{output}"
    );
    assert!(output.contains("in use: "), "{output}");
    assert!(with_capacity(|machine| machine.roles.weight_buffer, u64::MAX).is_ok());
}
