//! Built-in plugins.

use super::{both, same};
use codebench_api::{ChannelRequest, LowerContext, LowerRequest, Semantics, StrategyContext, Tell};
use codebench_model::{
    AcceleratorTemplate, Assignment, Block, Choice, HardwareContext, ParameterValue, Parameters, Space,
    Status, TensorShape, TileCost, TileWork, TransferCost, TransferProfile,
};

#[test]
fn cnn_ops_lower_alike() {
    let catalogs = both(codebench_cnn_ops::PLUGINS);
    let arguments = ["", "3x3", "3x3-c8-bn-relu", "-c4", "-50", "3x3-s2", "-bn", "9x9-s4-p7-?"];
    for entry in catalogs[0].entries() {
        for keyword in &entry.info.keywords {
            for arguments in arguments {
                let image = TensorShape { channels: 6, height: 8, width: 8 };
                let semantics = Semantics::Explicit;
                let context = LowerContext { default_channels: 16, classes: 10, image, semantics };
                let (keyword, arguments) = (keyword.clone(), arguments.to_owned());
                let question = ChannelRequest {
                    keyword: keyword.clone(),
                    arguments: arguments.clone(),
                    input_channels: 6,
                    context: context.clone(),
                };
                let request = LowerRequest { keyword, arguments, input: image, context };
                let _ = same(&catalogs, |catalog| {
                    let op = catalog.cnn_op(&entry.info.id, &Parameters::new()).unwrap();
                    (op.output_channels(&question), op.lower(&request))
                });
            }
        }
    }
}

/// Two choices of three values.
fn space() -> Space {
    let values = vec![ParameterValue::Integer(0), ParameterValue::Integer(1), ParameterValue::Integer(2)];
    let choice = |name: &str| Choice {
        name: name.into(),
        block: Block::Accelerator,
        values: values.clone(),
        ordered: true,
        when: Vec::new(),
    };
    let choices = vec![choice("pib"), choice("pif")];
    let assignment = |(choice, name): (usize, &str)| Assignment { choice, parameters: vec![name.to_owned()] };
    let assignments = [(0, "pib"), (1, "pif")].into_iter().map(assignment).collect();
    let accelerator = Some(AcceleratorTemplate { assignments, base: None });
    Space { v: Space::VERSION, name: "two".into(), choices, cnn: None, accelerator }
}

#[test]
fn strategies_propose_alike() {
    let catalogs = both(codebench_strategies::PLUGINS);
    let ids: Vec<String> = catalogs[0]
        .entries()
        .filter(|e| e.kind() == codebench_api::Kind::Strategy)
        .map(|e| e.info.id.clone())
        .collect();
    assert!(ids.len() >= 2);
    for id in ids {
        let context = StrategyContext { space: space(), seed: 7, objectives: 1 };
        let proposals = same(&catalogs, |catalog| {
            let mut strategy = catalog.strategy(&id, &Parameters::new(), &context).unwrap();
            let first = strategy.ask(3).unwrap();
            let tells: Vec<Tell> = (0..)
                .zip(&first)
                .map(|(trial, genotype)| Tell {
                    trial,
                    genotype: genotype.clone(),
                    status: Status::Ok,
                    objectives: vec![0.1 * trial as f64],
                    violation: 0.0,
                })
                .collect();
            strategy.tell(&tells).unwrap();
            (first, strategy.ask(2).unwrap())
        });
        assert_eq!((proposals.0.len(), proposals.1.len()), (3, 2));
    }
}

#[test]
fn modules_and_memories_cost_alike() {
    let catalogs = both(codebench_accelbench::PLUGINS);
    let hardware = HardwareContext { clock_khz: 500_000, word_bits: 16 };
    let work = TileWork {
        batch: 1,
        out_channels: 8,
        out_y: 4,
        out_x: 4,
        in_channels: 4,
        in_y: 6,
        in_x: 6,
        groups: 1,
        kernel_y: 3,
        kernel_x: 3,
        stride_y: 1,
        stride_x: 1,
        dilation_y: 1,
        dilation_x: 1,
        operands: 1,
        first_input_tile: 1,
        last_input_tile: 1,
        macs: 4608,
        effective_macs: 4608,
        activation_density_ppm: 1_000_000,
        weight_density_ppm: 1_000_000,
        overlap_ppm: 1_000_000,
        read_bytes: 288,
        write_bytes: 256,
        ..TileWork::default()
    };
    let profile = TransferProfile {
        bytes: 4096,
        runs: 2,
        run_bytes: 2048,
        row_hits: 1,
        row_activates: 1,
        row_conflicts: 1,
        banks: 2,
        ..TransferProfile::default()
    };
    for entry in catalogs[0].entries() {
        let id = &entry.info.id;
        match entry.kind() {
            codebench_api::Kind::AccelModule => {
                let _ = same(&catalogs, |catalog| {
                    let module = catalog.accel_module(id, &Parameters::new(), hardware).unwrap();
                    let mut costs = [TileCost::default(); 2];
                    (module.facts(), module.cost(&[work, work], &mut costs), costs)
                });
            }
            codebench_api::Kind::Memory => {
                let _ = same(&catalogs, |catalog| {
                    let memory = catalog.memory(id, &Parameters::new(), hardware).unwrap();
                    let mut costs = [TransferCost::default()];
                    (memory.facts(), memory.cost(&[profile], &mut costs), costs)
                });
            }
            _ => {}
        }
    }
}
