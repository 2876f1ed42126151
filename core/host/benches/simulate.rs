//! What plugins cost a whole simulation: the accelerator of the paper, its PE array and its memory built in, from a native library
//! and from the sandbox (metered), with and without the simulator's memory of answers.
//!
//! `cargo bench -p codebench-host --bench simulate`. The source of all three forms is one. One benchmark times all forms: they take
//! turns, so that what the machine does meanwhile hits all of them, and a line `case {...}` gives each form's median time and
//! the median of its ratios to the built-in run beside it.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use codebench_api::Catalog;
use codebench_cnn::{Language, named};
use codebench_fixtures::{Build, copies, library};
use codebench_host::ReadFile;
use codebench_host::native::{self, Checker};
use codebench_host::wasm::{WasmLimits, load_with, pack};
use codebench_model::{AcceleratorInput, CostReport, Parameters, TensorShape, Workload};
use codebench_sim::cycle::{Machine, Options, Sparsity, describe, evaluate};
use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// What is taken from a plugin file: the PE array and the memory of the paper's default.
const FOREIGN: [&str; 2] = ["codebench/mac-lanes", "codebench/rram"];
const NETWORK: &str = "resnet50";

/// The built-in catalogue, with the two plugins of the file in place of its own.
fn with(entries: Vec<codebench_api::Entry>) -> Catalog {
    let mut catalog = Catalog::default();
    let foreign: Vec<_> = entries.into_iter().filter(|e| FOREIGN.contains(&e.info.id.as_str())).collect();
    assert_eq!(foreign.len(), FOREIGN.len());
    let own = codebench_accelbench::PLUGINS.iter().map(|r| codebench_api::Entry::built_in(r, "bench"));
    own.filter(|e| !FOREIGN.contains(&e.info.id.as_str()))
        .chain(foreign)
        .for_each(|e| catalog.add(e).unwrap());
    catalog
}

fn built_in() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("bench", codebench_accelbench::PLUGINS).unwrap();
    catalog
}

fn from_library() -> Catalog {
    let path = library("codebench-accelbench-native", &Build { optimised: true, ..Build::default() });
    with(native::load_with(&ReadFile::read(&path, None).unwrap(), &Checker::Nobody, None, &copies()).unwrap())
}

fn from_sandbox() -> Option<Catalog> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("accelbench.wasm");
    std::fs::write(&path, pack(&codebench_guests::module("codebench-accelbench-wasm")?).unwrap()).unwrap();
    let file = ReadFile::read(&path, None).unwrap();
    Some(with(load_with(&file, &WasmLimits::default(), None).unwrap()))
}

fn workload() -> Workload {
    let mut catalog = Catalog::default();
    catalog.add_all("bench", codebench_cnn_ops::PLUGINS).unwrap();
    let network = named::find_for_image(NETWORK, 224).unwrap();
    let language = Language::new(&catalog).unwrap();
    language.lower(&network.graph, TensorShape::new(3, 224, 224), 1000).unwrap().workload
}

fn machine(catalog: &Catalog) -> Machine {
    let paper = describe(&AcceleratorInput::Named(Parameters::new())).unwrap();
    Machine::resolve(&paper, catalog).unwrap()
}

/// A whole run, as the evaluator makes one: modules are made, asked and dropped.
#[inline(never)]
fn cold(catalog: &Catalog, workload: &Workload) -> CostReport {
    evaluate(&machine(catalog), workload, &Sparsity::Paper, Options::default()).unwrap().0
}

/// A run on modules that are there already.
#[inline(never)]
fn again(machine: &Machine, workload: &Workload) -> CostReport {
    evaluate(machine, workload, &Sparsity::Paper, Options::default()).unwrap().0
}

/// One benchmark, whose iteration runs every form once, in turns.
fn in_turns(criterion: &mut Criterion, name: &str, forms: &[(&str, &dyn Fn() -> CostReport)]) {
    let mut seconds: Vec<Vec<f64>> = vec![Vec::new(); forms.len()];
    let mut group = criterion.benchmark_group("simulate");
    group.sample_size(20).sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(6));
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|iterations| {
            let mut all = Duration::ZERO;
            for _ in 0..iterations {
                for ((_, run), seconds) in forms.iter().zip(&mut seconds) {
                    let start = Instant::now();
                    black_box(run());
                    let took = start.elapsed();
                    seconds.push(took.as_secs_f64());
                    all += took;
                }
            }
            all
        });
    });
    group.finish();
    for ((form, _), times) in forms.iter().zip(&seconds) {
        let ratios = times.iter().zip(&seconds[0]).map(|(own, built_in)| own / built_in).collect();
        let (time, ratio) = (median(times.clone()), median(ratios));
        println!("case {{\"run\":\"{name}\",\"form\":\"{form}\",\"seconds\":{time:e},\"ratio\":{ratio}}}");
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

fn simulations(criterion: &mut Criterion) {
    let (workload, mut catalogs) = (workload(), vec![("built-in", built_in()), ("native", from_library())]);
    catalogs.extend(from_sandbox().map(|catalog| ("wasm", catalog)));
    let machines: Vec<(&str, Machine)> = catalogs.iter().map(|(form, c)| (*form, machine(c))).collect();
    let expected = again(&machines[0].1, &workload);
    for (form, machine) in &machines {
        assert_eq!(again(machine, &workload), expected, "{form}");
        assert_eq!(again(&machine.without_memo(), &workload), expected, "{form}, without memory");
    }
    let forgetful: Vec<_> = machines.iter().map(|(form, m)| (*form, m.without_memo())).collect();

    let runs: Vec<_> = catalogs.iter().map(|(f, c)| (*f, || cold(c, &workload))).collect();
    let runs: Vec<_> = runs.iter().map(|(f, run)| (*f, run as &dyn Fn() -> CostReport)).collect();
    in_turns(criterion, "a whole run", &runs);
    let runs: Vec<_> = machines.iter().map(|(f, m)| (*f, || again(m, &workload))).collect();
    let runs: Vec<_> = runs.iter().map(|(f, run)| (*f, run as &dyn Fn() -> CostReport)).collect();
    in_turns(criterion, "again", &runs);
    let runs: Vec<_> = forgetful.iter().map(|(f, m)| (*f, || again(m, &workload))).collect();
    let runs: Vec<_> = runs.iter().map(|(f, run)| (*f, run as &dyn Fn() -> CostReport)).collect();
    in_turns(criterion, "without memory", &runs);
}

criterion_group!(benches, simulations);
criterion_main!(benches);
