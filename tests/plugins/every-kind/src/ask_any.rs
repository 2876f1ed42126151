//! Asks any plugin what a study would, so that a test can compare its forms: lowerings, costs, proposals, predictions.

use codebench_sdk::api::{Catalog, LowerContext, Semantics};
use codebench_sdk::prelude::*;
use std::fmt::Debug;

/// The answers of plugin `id` with its defaults, in Rust's debug format, which shows every bit; none for kinds whose answers need
/// more than a question, such as engines.
///
/// # Errors
/// An id that the catalogue lacks.
pub fn answers(catalog: &Catalog, id: &str) -> Result<Vec<String>, PluginError> {
    let entry = catalog.get(id).map_err(|e| PluginError::invalid(e.to_string()))?;
    Ok(match entry.kind() {
        Kind::CnnOp => lowerings(catalog, id, &entry.info.keywords),
        Kind::AccelModule => costs_of_module(catalog, id),
        Kind::Memory => costs_of_memory(catalog, id),
        Kind::Strategy => proposals(catalog, id),
        Kind::Surrogate => predictions(catalog, id),
        _ => Vec::new(),
    })
}

fn said(answer: impl Debug) -> String {
    format!("{answer:?}")
}

fn lowerings(catalog: &Catalog, id: &str, keywords: &[String]) -> Vec<String> {
    let arguments = ["", "3x3", "3x3-c8-bn-relu", "-c4", "-50", "3x3-s2", "-bn", "9x9-s4-p7-?"];
    let input = TensorShape { channels: 6, height: 8, width: 8 };
    let context =
        LowerContext { default_channels: 16, classes: 10, image: input, semantics: Semantics::Explicit };
    let answer = |keyword: &String, arguments: &str| {
        let op = catalog.cnn_op(id, &Parameters::new())?;
        let (keyword, arguments) = (keyword.clone(), arguments.to_owned());
        let question = ChannelRequest {
            keyword: keyword.clone(),
            arguments: arguments.clone(),
            input_channels: 6,
            context: context.clone(),
        };
        let request = LowerRequest { keyword, arguments, input, context: context.clone() };
        Ok::<_, PluginError>((op.output_channels(&question), op.lower(&request)))
    };
    keywords
        .iter()
        .flat_map(|k| arguments.iter().map(move |a| (k, a)))
        .map(|(k, a)| said(answer(k, a)))
        .collect()
}

const HARDWARE: HardwareContext = HardwareContext { clock_khz: 500_000, word_bits: 20 };

/// Tiles of a layer in three sizes, for each primitive and activation.
fn works(facts: &ModuleFacts) -> Vec<TileWork> {
    let mut works = Vec::new();
    let codes = |facts: &ModuleFacts| facts.activations.iter().map(|a| a.code()).collect::<Vec<_>>();
    let activations = [vec![0], codes(facts)].concat();
    let primitives = [vec![0], facts.primitives.iter().map(|p| p.code()).collect()].concat();
    for (role, size) in [(1, 1u64), (2, 3), (3, 8)] {
        for primitive in &primitives {
            for activation in &activations {
                let (out, kernel) = (4 * size + 1, 3);
                let macs = 8 * size * out * out * 4 * kernel * kernel;
                works.push(TileWork {
                    role,
                    primitive: *primitive,
                    activation: *activation,
                    batch: size,
                    out_channels: 8 * size,
                    out_y: out,
                    out_x: out,
                    in_channels: 4,
                    in_y: out + 2,
                    in_x: out + 2,
                    groups: 1,
                    kernel_y: kernel,
                    kernel_x: kernel,
                    stride_y: 1,
                    stride_x: 1,
                    dilation_y: 1,
                    dilation_x: 1,
                    operands: 1,
                    first_input_tile: size % 2,
                    last_input_tile: 1,
                    macs,
                    effective_macs: macs / size,
                    activation_density_ppm: 1_000_000 / size,
                    weight_density_ppm: 1_000_000 / size,
                    overlap_ppm: 1_000_000 / (size * size),
                    read_bytes: 17 * size * macs % 100_000,
                    write_bytes: 5 * macs % 100_000,
                    mask_bytes: size,
                    weight_bytes: 7 * macs % 10_000,
                    ..TileWork::default()
                });
            }
        }
    }
    works
}

fn costs_of_module(catalog: &Catalog, id: &str) -> Vec<String> {
    let module = match catalog.accel_module(id, &Parameters::new(), HARDWARE) {
        Ok(module) => module,
        Err(e) => return vec![said(e)],
    };
    let facts = module.facts();
    let cost = |work| {
        let mut cost = [TileCost::default()];
        said((module.cost(&[work], &mut cost), cost))
    };
    let costs = works(&facts).into_iter().map(cost);
    [said(&facts)].into_iter().chain(costs).collect()
}

fn costs_of_memory(catalog: &Catalog, id: &str) -> Vec<String> {
    let memory = match catalog.memory(id, &Parameters::new(), HARDWARE) {
        Ok(memory) => memory,
        Err(e) => return vec![said(e)],
    };
    let profile = |i: u64| TransferProfile {
        direction: i % 2,
        bytes: i * 100,
        runs: 1 + i % 7,
        run_bytes: (i * 100).div_ceil(1 + i % 7),
        row_hits: i % 3,
        row_activates: i % 5,
        row_conflicts: i % 4,
        banks: 1 + i % 16,
    };
    let profiles: Vec<TransferProfile> = (0..300).map(profile).collect();
    let mut costs = vec![TransferCost::default(); profiles.len()];
    let answer = memory.cost(&profiles, &mut costs);
    vec![said(memory.facts()), said(answer), said(costs)]
}

/// Three choices of an accelerator.
fn space() -> Space {
    let values = |count: i64| (0..count).map(ParameterValue::Integer).collect();
    let choice = |(name, count): (&str, i64)| Choice {
        name: name.into(),
        block: Block::Accelerator,
        values: values(count),
        ordered: true,
        when: Vec::new(),
    };
    let names = ["pib", "pif", "pof"];
    let choices = names.into_iter().zip([3, 4, 5]).map(choice).collect();
    let assignment = |(choice, name): (usize, &str)| Assignment { choice, parameters: vec![name.to_owned()] };
    let assignments = names.into_iter().enumerate().map(assignment).collect();
    let accelerator = Some(AcceleratorTemplate { assignments, base: None });
    Space { v: Space::VERSION, name: "three".into(), choices, cnn: None, accelerator }
}

/// Three batches, each told before the next.
fn proposals(catalog: &Catalog, id: &str) -> Vec<String> {
    let context = StrategyContext { space: space(), seed: 7, objectives: 1 };
    let mut strategy = match catalog.strategy(id, &Parameters::new(), &context) {
        Ok(strategy) => strategy,
        Err(e) => return vec![said(e)],
    };
    let (mut answers, mut trial) = (Vec::new(), 0);
    for count in [4, 3, 2] {
        let asked = strategy.ask(count);
        answers.push(said(&asked));
        let mut outcomes = Vec::new();
        for genotype in asked.unwrap_or_default() {
            let sum: u32 = genotype.0.iter().sum();
            let (status, objectives) = (Status::Ok, vec![0.1 * f64::from(sum)]);
            outcomes.push(Tell { trial, genotype, status, objectives, violation: 0.0 });
            trial += 1;
        }
        answers.push(said(strategy.tell(&outcomes)));
    }
    answers
}

/// Of what a few records teach.
fn predictions(catalog: &Catalog, id: &str) -> Vec<String> {
    const ROWS: usize = 12;
    let context =
        SurrogateContext { seed: 5, inputs: 2, outputs: 1, blocks: vec![(Block::Accelerator, 0..2)] };
    let mut surrogate = match catalog.surrogate(id, &Parameters::new(), &context) {
        Ok(surrogate) => surrogate,
        Err(e) => return vec![said(e)],
    };
    let number = |i: usize| ((i * 37 + 11) % 64) as f64 / 64.0;
    let x: Vec<f64> = (0..2 * ROWS).map(number).collect();
    let y: Vec<f64> = x.chunks(2).map(|row| row.iter().sum::<f64>() * 0.5).collect();
    let (point, coefficients) = (&[0.3, 0.6], &[1.0, 0.5, 0.25]);
    vec![
        said(surrogate.fit(&x[1..], &y)),
        said(surrogate.fit(&x, &y)),
        said(surrogate.predict(&x, ROWS)),
        said(surrogate.predict(&[0.1, 0.9, 0.5, 0.5], 2)),
        said(surrogate.differentiable()),
        said(surrogate.gradient(point, coefficients)),
        said(surrogate.hvp(point, &[1.0, -1.0], coefficients)),
    ]
}
