//! The executable contract, and the same refusals as the embedded engine's.

use crate::pair::{CLASSES, Data, chain, lower, options};
use codebench_api::{Catalog, ErrorKind, PluginError, StepOptions};
use codebench_conformance::{Options, check};
use codebench_engines::ENGINES;
use codebench_model::{CnnGraph, ParameterValue, Parameters, TensorShape, Workload};

#[test]
fn the_engine_on_libtorch_keeps_the_contract() {
    let Some(catalog) = codebench_engines::catalog() else { return };
    let report = check(&catalog, ENGINES[1], &Options::default()).unwrap();
    assert!(report.ok(), "{report}");
}

fn workload(catalog: &Catalog) -> Workload {
    let modules = vec![chain(&["conv3x3-c8-p1-bn-relu"]), chain(&["flatten", "dense_classes"])];
    lower(catalog, &CnnGraph { default_channels: 8, modules }, TensorShape::new(1, 8, 8)).unwrap()
}

/// The errors of both engines for the same damage.
fn refusals(catalog: &Catalog, damage: impl Fn(&mut Workload)) -> [PluginError; 2] {
    let mut damaged = workload(catalog);
    damage(&mut damaged);
    ENGINES.map(|id| {
        let engine = catalog.engine(id, &Parameters::new()).unwrap();
        engine.build(&damaged, &options("sgd")).map(drop).unwrap_err()
    })
}

#[test]
fn both_engines_refuse_alike() {
    let Some(catalog) = codebench_engines::catalog() else { return };
    let damages: [fn(&mut Workload); 4] = [
        |w| w.tensors[1].height = 9,
        |w| w.layers[0].weights.truncate(0),
        |w| w.output = 1,
        |w| w.tensors[0].width = 0,
    ];
    for damage in damages {
        let [burn, torch] = refusals(&catalog, damage);
        assert_eq!((burn.kind, &burn.message), (torch.kind, &torch.message));
    }
    let engine = catalog.engine(ENGINES[1], &Parameters::new()).unwrap();
    let mut network = engine.build(&workload(&catalog), &options("sgd")).unwrap();
    let data = Data::draw(TensorShape::new(1, 8, 8), 2, 1);
    let labels = [0, CLASSES as u32];
    let error =
        network.gradients(&codebench_api::MiniBatch { labels: &labels, ..data.batch() }, 0).unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (ErrorKind::Invalid, "label 10 is out of range: the network has 10 classes, from 0")
    );
}

fn with(name: &str, value: &str) -> Parameters {
    let engine = ("engine".to_owned(), ParameterValue::Text(ENGINES[1].into()));
    Parameters::from([engine, (name.to_owned(), ParameterValue::Text(value.into()))])
}

#[test]
fn the_trainer_hands_parameters_to_its_engine() {
    let Some(catalog) = codebench_engines::catalog() else { return };
    let made = |text: &str| catalog.evaluator("codebench/train", &with("engine_parameters", text)).map(drop);
    made("threads = 2, device = cpu").unwrap();
    assert!(made("threads = 0").unwrap_err().message.contains("`threads`"));
    assert_eq!(
        made("threads").unwrap_err().message,
        "engine_parameters: \"threads\" is no `name = value`: write it so"
    );
    // A machine with a CUDA device and a libtorch for it may well compute there.
    if let Err(error) = made("device = cuda") {
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert!(
            error.message.starts_with("device = \"cuda\": this libtorch finds no CUDA device"),
            "{error}"
        );
    }
}

#[test]
fn both_engines_refuse_what_is_beyond_their_memory() {
    let Some(catalog) = codebench_engines::catalog() else { return };
    let least = Parameters::from([("memory_mb".to_owned(), ParameterValue::Integer(64))]);
    let data = Data::draw(TensorShape::new(1, 8, 8), 20_000, 1);
    let [burn, torch] = ENGINES.map(|id| {
        let engine = catalog.engine(id, &least).unwrap();
        let mut network = engine.build(&workload(&catalog), &options("sgd")).unwrap();
        let step = StepOptions { learning_rate: 0.01, step: 0 };
        let error = network.train_step(&data.batch(), &step).unwrap_err();
        // The network is as it was.
        network.train_step(&Data::draw(TensorShape::new(1, 8, 8), 4, 1).batch(), &step).unwrap();
        error
    });
    assert_eq!((burn.kind, &burn.message), (torch.kind, &torch.message));
    assert!(burn.message.contains("more than the 64 MB of parameter `memory_mb`: raise it"), "{burn}");
}
