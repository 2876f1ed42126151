//! The example accelerators, and the paper's template against the published constants.

#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_accelbench::{AccelBench, PLUGINS};
use codebench_sdk::api::Catalog;
use codebench_sdk::model::published::{ModuleConstants, Multiplier};
use codebench_sdk::model::{PublishedConstants, accelerator};
use codebench_sdk::prelude::*;
use std::collections::BTreeSet;
use std::path::Path;

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("here", PLUGINS).unwrap();
    catalog
}

fn example(name: &str) -> AcceleratorDescription {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/accelerators").join(name);
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A text, or what it refers to.
fn resolve(value: &ParameterValue, names: &Parameters) -> ParameterValue {
    match value.as_str().and_then(|text| text.strip_prefix('$')) {
        Some(name) => names.get(name).unwrap_or_else(|| panic!("no parameter {name}")).clone(),
        None => value.clone(),
    }
}

/// A module; nothing for the memory, which has been made too.
type Made = Option<Box<dyn AccelModule>>;

/// Every module of a description with its role, in file order.
fn make(description: &AcceleratorDescription) -> Vec<(Role, String, Made)> {
    let catalog = catalog();
    let hardware = HardwareContext {
        clock_khz: (description.clock_mhz * 1e3) as u64,
        word_bits: description.word.integer_bits + description.word.fraction_bits,
    };
    let one = |module: &DescribedModule| {
        let names = &description.parameters;
        let plugin = resolve(&ParameterValue::Text(module.plugin.clone()), names);
        let id = plugin.as_str().unwrap().to_owned();
        let parameters = module.parameters.iter().map(|(k, v)| (k.clone(), resolve(v, names))).collect();
        let made = match module.role {
            Role::Memory => {
                assert!(catalog.memory(&id, &parameters, hardware).unwrap().facts().channels > 0);
                None
            }
            _ => Some(catalog.accel_module(&id, &parameters, hardware).unwrap()),
        };
        (module.role, id, made)
    };
    description.module.iter().map(one).collect()
}

fn facts(made: &[(Role, String, Made)]) -> impl Iterator<Item = (Role, &str, ModuleFacts)> {
    made.iter().filter_map(|(role, id, made)| Some((*role, id.as_str(), made.as_ref()?.facts())))
}

#[test]
fn every_example_runs_every_primitive_and_every_function() {
    for name in ["paper.toml", "edge-dram.toml", "server-hbm.toml"] {
        let made = make(&example(name));
        let runs: BTreeSet<_> = facts(&made)
            .filter(|(role, ..)| matches!(role, Role::Compute | Role::Vector))
            .flat_map(|(_, _, facts)| facts.primitives)
            .collect();
        let functions: BTreeSet<_> = facts(&made).flat_map(|(_, _, facts)| facts.activations).collect();
        use PrimitiveKind::{Concat, Dropout, Flatten, Slice};
        for kind in PrimitiveKind::ALL {
            let is_view = matches!(kind, Concat | Dropout | Flatten | Slice);
            assert!(is_view != runs.contains(&kind), "{name}: {kind:?}");
        }
        assert_eq!(functions.len(), Activation::ALL.len() - 1, "{name}: all but the identity");
        for role in [Role::ActivationBuffer, Role::WeightBuffer, Role::Dma, Role::Compute] {
            assert!(made.iter().any(|(r, ..)| *r == role), "{name}: {role}");
        }
        assert_eq!(made.iter().filter(|(role, ..)| *role == Role::Memory).count(), 1);
    }
}

#[test]
fn the_template_has_the_names_and_the_default_of_the_published_vector() {
    let parameters = example("paper.toml").parameters;
    for (name, value) in accelerator::PUBLISHED_NAMES.iter().zip(accelerator::DEFAULT_VECTOR) {
        match parameters.get(*name).unwrap() {
            ParameterValue::Text(id) => {
                assert_eq!((*name, id.as_str(), value), ("memory", "codebench/rram", 1.0))
            }
            number => assert_eq!(number.as_f64(), Some(value), "{name}"),
        }
    }
}

/// Area (mm2), leakage (mW) and dynamic power (mW at 700 MHz, all instances busy) of the released simulator, section 6 of
/// its specification.
fn published(set: &str) -> (f64, f64, f64) {
    let c = PublishedConstants::from(AccelBench);
    let (pe, lanes, pif) = (64.0, 72.0, 16.0);
    let lane = c.mac_lanes.iter().find(|l| l.pif == 16).unwrap();
    let lane = match set {
        "relu" => lane.relu,
        "silu" => lane.silu,
        _ => lane.both,
    };
    let modules = [
        lane,
        c.data_flow,
        c.dma,
        c.fifo,
        c.batch_norm,
        c.im2col,
        c.pooling,
        c.global_average_pool,
        c.upsample,
        c.pre_sparsity,
        c.post_sparsity,
    ];
    let instances = |m: &ModuleConstants| match m.multiplier {
        Multiplier::Pe => pe,
        Multiplier::PeLane => pe * lanes,
        Multiplier::PeLanePif2 => pe * lanes * pif * 2.0,
    };
    let total = |of: fn(&ModuleConstants) -> f64| modules.iter().map(|m| of(m) * instances(m)).sum::<f64>();
    let buffers = [(c.activation_buffer, 12.0), (c.weight_buffer, 24.0), (c.mask_buffer, 4.0)];
    let area = buffers.iter().map(|(b, mb)| b.area_mm2 / b.reference_mb * mb).sum::<f64>();
    let leakage = buffers.iter().map(|(b, mb)| b.leakage_mw * b.banks / b.reference_mb * mb).sum::<f64>();
    (total(|m| m.area_um2) * 1e-6 + area, total(|m| m.leakage_mw) + leakage, total(|m| m.dynamic_mw))
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-12 * b.abs(), "{a} is not {b}");
}

#[test]
fn the_templates_area_and_leakage_are_the_published_ones() {
    for set in ["relu", "silu", "both"] {
        let mut description = example("paper.toml");
        description.parameters.insert("activation_set".into(), ParameterValue::Text(set.into()));
        let made = make(&description);
        let (area, leakage, _) = published(set);
        close(facts(&made).map(|(_, _, f)| f.area_mm2).sum(), area);
        close(facts(&made).map(|(_, _, f)| f.leakage_mw).sum(), leakage);
    }
}

#[test]
fn dynamic_power_is_the_published_one_with_im2col_as_published() {
    let mut description = example("paper.toml");
    description.parameters.insert("im2col_power".into(), ParameterValue::Text("published".into()));
    let made = make(&description);
    // Instances by event: what all of them draw when busy, at 700 MHz.
    let (pes, lanes, engines) = (64.0, 4608.0, 64.0);
    let instances = |id: &str, event: &str| match (id, event) {
        ("codebench/im2col", _) => lanes / 2.0, // The released energy counts it twice, the list of powers once.
        (_, "lane_cycle") => lanes,
        (_, "pe_cycle" | "unit_cycle") => pes,
        (_, "engine_cycle") => engines,
        ("codebench/post-sparsity", "word") => lanes,
        _ => 0.0,
    };
    let shared =
        ["codebench/elementwise-unit", "codebench/local-response-norm-unit", "codebench/softmax-unit"];
    let power: f64 = facts(&made)
        .filter(|(_, id, _)| !shared.contains(id))
        .flat_map(|(_, id, facts)| {
            let id = id.to_owned();
            facts.events.into_iter().map(move |e| e.energy_pj * 0.7 * instances(&id, &e.name))
        })
        .sum();
    close(power, published("both").2);
}

#[test]
fn shorter_words_make_modules_smaller_and_accesses_cheaper() {
    let mut description = example("paper.toml");
    let wide = make(&description);
    description.word = WordFormat { integer_bits: 4, fraction_bits: 6 };
    let narrow = make(&description);
    for ((_, id, wide), (_, _, narrow)) in facts(&wide).zip(facts(&narrow)) {
        if id == "codebench/dataflow-control" || wide.events.is_empty() {
            continue;
        }
        let ratio = narrow.events[0].energy_pj / wide.events[0].energy_pj;
        assert!(ratio == 0.5 || ratio == 0.25, "{id}: {ratio}");
        if id == "codebench/mac-lanes" {
            close(narrow.area_mm2, wide.area_mm2 / 4.0);
        }
    }
}

#[test]
fn a_buffers_access_costs_the_published_energy() {
    let c = PublishedConstants::from(AccelBench);
    let made = make(&example("paper.toml"));
    for (id, constants, mb) in [
        ("codebench/activation-buffer", c.activation_buffer, 12.0),
        ("codebench/weight-buffer", c.weight_buffer, 24.0),
        ("codebench/mask-buffer", c.mask_buffer, 4.0),
    ] {
        let (_, _, facts) = facts(&made).find(|(_, i, _)| *i == id).unwrap();
        close(facts.events[0].energy_pj, constants.read_nj * 1e3);
        close(facts.events[1].energy_pj, constants.write_nj * 1e3);
        assert_eq!(facts.capacity_bytes, (mb * 1048576.0) as u64);
    }
}

#[test]
fn organisations_are_those_of_the_published_space() {
    let catalog = catalog();
    let published = PublishedConstants::from(AccelBench).memories;
    for (id, list) in ["codebench/rram", "codebench/dram", "codebench/hbm"].into_iter().zip(published) {
        for (i, configuration) in list.iter().enumerate() {
            let given = Parameters::from([("organisation".into(), ParameterValue::Integer(i as i64 + 1))]);
            let facts = catalog.memory(id, &given, HardwareContext::default()).unwrap().facts();
            assert_eq!(
                [facts.banks_per_rank, facts.ranks, facts.channels],
                configuration.organisation,
                "{id}"
            );
        }
        let beyond =
            Parameters::from([("organisation".into(), ParameterValue::Integer(list.len() as i64 + 1))]);
        assert!(catalog.memory(id, &beyond, HardwareContext::default()).is_err(), "{id}");
    }
}

#[test]
fn memory_types_and_organisations_differ_in_latency_bandwidth_and_energy() {
    let catalog = catalog();
    let mut seen = Vec::new();
    for id in ["codebench/rram", "codebench/rram-off-chip", "codebench/dram", "codebench/hbm"] {
        let memory = catalog.memory(id, &Parameters::new(), HardwareContext::default()).unwrap();
        let facts = memory.facts();
        let read = TransferProfile {
            bytes: 65_536,
            runs: 1,
            run_bytes: 65_536,
            row_activates: 65_536u64.div_ceil(facts.row_bytes),
            banks: 16.min(65_536u64.div_ceil(facts.row_bytes)),
            ..TransferProfile::default()
        };
        let mut costs = [TransferCost::default(); 2];
        memory.cost(&[read, TransferProfile { direction: 1, ..read }], &mut costs).unwrap();
        let seconds = |cycles: u64| cycles as f64 / facts.clock_khz as f64;
        let energy = |cost: &TransferCost| {
            facts.events.iter().zip(cost.events).map(|(e, count)| e.energy_pj * count as f64).sum::<f64>()
        };
        seen.push([
            seconds(costs[0].first_byte_mem_cycles),
            seconds(costs[0].bus_mem_cycles),
            seconds(costs[1].bus_mem_cycles),
            energy(&costs[0]),
            energy(&costs[1]),
        ]);
        let wide = Parameters::from([("channels".into(), ParameterValue::Integer(1))]);
        let one_channel = catalog.memory(id, &wide, HardwareContext::default()).unwrap().facts();
        assert!(one_channel.channels < facts.channels && one_channel.background_mw <= facts.background_mw);
    }
    for (i, a) in seen.iter().enumerate() {
        for b in &seen[i + 1..] {
            assert!(a.iter().zip(b).all(|(x, y)| x != y), "{a:?} {b:?}");
        }
    }
}
