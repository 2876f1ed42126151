//! Accuracy, metrics, repeatability and errors of the evaluator.

use crate::setting::*;
use codebench_sdk::api::ErrorKind;
use codebench_sdk::model::*;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

#[test]
fn a_small_cnn_reaches_98_percent_on_the_test_split() {
    let job = job(small(), Purpose::Final, Recipe::default());
    let metrics = evaluator().evaluate(&job).unwrap();
    println!("{metrics:?}");
    assert!(metrics.values["test_accuracy"] >= 0.98, "{metrics:?}");
    assert!(metrics.values["validation_accuracy"] >= 0.98, "{metrics:?}");
}

#[test]
fn metrics_are_the_described_ones_and_test_only_the_final() {
    let described = catalog().get("codebench/train").unwrap().info.metrics.clone();
    let metrics = |purpose| evaluator().evaluate(&job(small(), purpose, short())).unwrap();
    let (search, last) = (metrics(Purpose::Search), metrics(Purpose::Final));
    let names = |metrics: &Metrics| metrics.values.keys().cloned().collect::<Vec<_>>();
    let mut sorted = described.clone();
    sorted.sort_unstable();
    assert_eq!(names(&last), sorted);
    sorted.retain(|name| !name.starts_with("test_"));
    assert_eq!(names(&search), sorted);
    // The purpose changes nothing else.
    assert!(search.values.iter().all(|(name, value)| last.values[name] == *value));
    assert_eq!(search.wall.keys().collect::<Vec<_>>(), ["images_per_s", "seconds"]);
    let workload = lower(&small());
    assert_eq!(search.values["macs"], workload.macs() as f64);
    assert_eq!(search.values["parameters"], workload.parameters() as f64);
}

#[test]
fn every_layer_has_the_density_of_its_output() {
    let job = job(small(), Purpose::Search, short());
    let metrics = evaluator().evaluate(&job).unwrap();
    let densities = &metrics.per_layer["activation_density"];
    let layers = &job.workload.as_ref().unwrap().layers;
    assert_eq!(densities.len(), layers.len());
    for (layer, density) in layers.iter().zip(densities) {
        match layer.primitive {
            // About half of what a batch norm centres on zero is negative.
            Primitive::Activation { function: Activation::Relu } => {
                assert!((0.05..0.95).contains(density), "{}: {density}", layer.name);
            }
            Primitive::Conv { .. } | Primitive::BatchNorm { .. } | Primitive::Dense { .. } => {
                assert!(*density > 0.99, "{}: {density}", layer.name);
            }
            _ => assert!((0.0..=1.0).contains(density), "{}: {density}", layer.name),
        }
    }
}

#[test]
fn every_field_of_the_recipe_changes_the_training_reproducibly() {
    let values = |change: fn(&mut Recipe)| {
        let mut recipe = short();
        change(&mut recipe);
        evaluator().evaluate(&job(small(), Purpose::Search, recipe)).unwrap().values
    };
    let changes: [fn(&mut Recipe); 15] = [
        |_| (),
        |r| r.crop_padding = 1,
        |r| r.flip = true,
        |r| r.cutout = 3,
        |r| r.schedule = "one-cycle".into(),
        |r| r.label_smoothing = 0.1,
        |r| r.clip_norm = 0.1,
        |r| r.weight_decay = 0.2,
        |r| r.betas = [0.8, 0.999],
        |r| r.betas = [0.9, 0.9],
        |r| r.optimizer = "adam".into(),
        |r| r.optimizer = "sgd".into(),
        |r| (r.optimizer, r.momentum) = ("sgd".into(), 0.5),
        |r| (r.optimizer, r.weight_decay) = ("sgd".into(), 0.2),
        |r| (r.optimizer, r.clip_norm) = ("sgd".into(), 0.1),
    ];
    let all = changes.map(values);
    for (i, one) in all.iter().enumerate() {
        assert_eq!(*one, values(changes[i]), "change {i} is not reproducible");
        assert!(
            all[..i].iter().all(|other| other["train_loss"] != one["train_loss"]),
            "change {i} changes nothing"
        );
    }
}

/// The key of a training: the seed, the data, the engine's parameters and each field of the recipe are part of it.
#[test]
fn what_decides_a_training_decides_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let key = |threads: Option<&str>, change: &dyn Fn(&mut Job)| {
        let text = |text: &str| ParameterValue::Text(text.into());
        let mut parameters =
            Parameters::from([("checkpoints".to_owned(), text(folder.path().to_str().unwrap()))]);
        parameters.extend(threads.map(|given| ("engine_parameters".to_owned(), text(given))));
        let cnn = network(vec![chain(&["conv3x3-c4-p1-s2-relu"])]);
        let mut job = job(cnn, Purpose::Search, Recipe { batch_size: 1024, ..short() });
        change(&mut job);
        let trainer = catalog().evaluator("codebench/train", &parameters).unwrap();
        trainer.evaluate(&job).unwrap().artifacts["weights"].clone()
    };
    fn of_recipe(change: fn(&mut Recipe)) -> impl Fn(&mut Job) {
        move |job| job.recipe.iter_mut().for_each(change)
    }
    let plain = key(None, &|_| ());
    assert_eq!(key(None, &|_| ()), plain);
    // What only measures is no part of it.
    assert_eq!(key(None, &|job| job.purpose = Purpose::Final), plain);
    let others = [
        key(None, &|job| job.seed = 2),
        key(Some("memory_mb = 1000"), &|_| ()),
        key(Some("memory_mb = 1001"), &|_| ()),
        key(None, &of_recipe(|r| r.momentum = 0.5)),
        key(None, &of_recipe(|r| r.label_smoothing = 0.1)),
        key(None, &of_recipe(|r| r.epochs = 2)),
        key(None, &|job| {
            let workload = job.workload.as_mut().unwrap();
            let relu = workload.layers.iter_mut().find_map(|layer| match &mut layer.primitive {
                Primitive::Activation { function } => Some(function),
                _ => None,
            });
            *relu.unwrap() = Activation::Tanh;
        }),
        key(None, &|job| job.data = Some(others_of_that_shape(folder.path()))),
    ];
    for (i, one) in others.iter().enumerate() {
        assert_ne!(*one, plain, "change {i}");
        assert!(others[..i].iter().all(|other| other != one), "change {i} is as one before it");
    }
}

/// A data set of the digits' shape: grey images of 8 x 8 pixels in ten classes.
fn others_of_that_shape(folder: &Path) -> DataSource {
    let (images, labels): (Vec<u8>, Vec<u8>) =
        ((0..20 * 64).map(|i| (i % 251) as u8).collect(), (0..20).map(|i| i % 10).collect());
    let file = |extents: &[u32], content: &[u8]| {
        let mut bytes = vec![0, 0, 8, extents.len() as u8];
        extents.iter().for_each(|extent| bytes.extend(extent.to_be_bytes()));
        bytes.extend(content);
        bytes
    };
    for part in ["train", "t10k"] {
        std::fs::write(folder.join(format!("{part}-images-idx3-ubyte")), file(&[20, 8, 8], &images)).unwrap();
        std::fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), file(&[20], &labels)).unwrap();
    }
    let parameters = Parameters::from([
        ("folder".to_owned(), ParameterValue::Text(folder.to_str().unwrap().into())),
        ("validation_percent".to_owned(), ParameterValue::Integer(50)),
    ]);
    DataSource { id: "idx".into(), parameters }
}

#[test]
fn patience_ends_a_training_that_gets_no_better() {
    let recipe = Recipe { epochs: 60, patience: 1, schedule: "constant".into(), ..short() };
    let epochs = evaluator().evaluate(&job(small(), Purpose::Search, recipe)).unwrap().values["epochs"];
    assert!((2.0..60.0).contains(&epochs), "{epochs} epochs");
}

#[test]
fn values_do_not_depend_on_threads_or_neighbours() {
    let evaluator = evaluator();
    let jobs: Vec<Job> = (0..4)
        .map(|seed| {
            let cnn =
                network(vec![chain(&["conv3x3-c8-p1-bn-relu", "dropout-p2", "conv3x3-c8-p1-s2-bn-silu"])]);
            Job { seed, ..job(cnn, Purpose::Search, short()) }
        })
        .collect();
    let values = |job: &Job| -> BTreeMap<String, u64> {
        let metrics = evaluator.evaluate(job).unwrap();
        metrics.values.into_iter().map(|(name, value)| (name, value.to_bits())).collect()
    };
    let alone: Vec<_> = jobs.iter().map(values).collect();
    for threads in [1, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let together: Vec<_> = pool.install(|| jobs.par_iter().map(values).collect());
        assert_eq!(alone, together, "{threads} threads");
    }
    assert_ne!(alone[0], alone[1], "the seed changes nothing");
}

#[test]
fn the_data_set_tells_its_shape() {
    let evaluator = evaluator();
    let shape = evaluator.data_shape(&digits()).unwrap().unwrap();
    assert_eq!((shape.input, shape.classes), (TensorShape::new(1, 8, 8), 10));
    assert_eq!(shape.digest.len(), 64);
    let unknown = DataSource { id: "digts".into(), ..digits() };
    let error = evaluator.data_shape(&unknown).unwrap().unwrap_err();
    assert_eq!(
        error.message,
        "unknown data set `digts` (did you mean `digits`?); known: digits, fashion-mnist, idx, cifar-10, cifar-100, image-folder"
    );
}

fn error(change: impl Fn(&mut Job)) -> (ErrorKind, String) {
    let mut job = job(small(), Purpose::Search, short());
    change(&mut job);
    let error = evaluator().evaluate(&job).unwrap_err();
    (error.kind, error.message)
}

#[test]
fn jobs_that_cannot_be_trained_are_refused() {
    let recipe = |change: fn(&mut Recipe)| error(move |job| job.recipe.iter_mut().for_each(change));
    let cases = [
        (
            error(|job| job.recipe = None),
            "training needs a CNN, a data set and a recipe: add [space.cnn], [data] and [recipe]",
        ),
        (
            recipe(|r| r.learning_rate = -1.0),
            "recipe `learning_rate` = -1 is out of range: give a number above 0 and at most 10",
        ),
        (
            error(|job| job.donor = Some("abc".into())),
            "`codebench/train` keeps no checkpoints, but is asked to go on from `abc`",
        ),
        (
            error(|job| {
                let workload = job.workload.as_mut().unwrap();
                workload.tensors[workload.input].width = 9;
            }),
            "the CNN turns images of 1x8x9 into 10 values, but the data set has images of 1x8x8 in 10 classes",
        ),
        (
            error(|job| {
                let workload = job.workload.as_mut().unwrap();
                workload.tensors[workload.output].channels = 9;
            }),
            "the CNN turns images of 1x8x8 into 9 values, but the data set has images of 1x8x8 in 10 classes",
        ),
    ];
    for ((kind, message), expected) in cases {
        assert_eq!((kind, message.as_str()), (ErrorKind::Invalid, expected));
    }
}

#[test]
fn a_diverging_training_fails_with_its_step() {
    let (kind, message) = error(|job| {
        let cnn = network(vec![chain(&["conv3x3-c8-p1-identity", "conv3x3-c8-p1-identity"])]);
        job.workload = Some(lower(&cnn));
        job.recipe = Some(Recipe {
            optimizer: "sgd".into(),
            learning_rate: 10.0,
            schedule: "constant".into(),
            ..short()
        });
    });
    assert_eq!(kind, ErrorKind::Failed);
    assert!(message.starts_with("the training diverged: the loss is "), "{message}");
    assert!(message.ends_with("lower `learning_rate` or add batch norms"), "{message}");
}

#[test]
fn a_training_ends_at_its_wall_limit() {
    let (kind, message) = error(|job| job.limits.wall_s = Some(0.0));
    assert_eq!(kind, ErrorKind::Limit);
    assert_eq!(message, "the training passed its limit of 0 s: raise the time limit, or train fewer epochs");
}

/// The evaluator's own limit, where the job has none or a longer one.
#[test]
fn a_training_ends_at_the_limit_of_its_evaluator() {
    let limit = Parameters::from([("time_limit_s".to_owned(), ParameterValue::Float(1e-9))]);
    let evaluator = catalog().evaluator("codebench/train", &limit).unwrap();
    for of_job in [None, Some(60.0)] {
        let mut job = job(small(), Purpose::Search, short());
        job.limits.wall_s = of_job;
        let message = evaluator.evaluate(&job).unwrap_err().message;
        assert!(message.starts_with("the training passed its limit of 0.000000001 s"), "{message}");
    }
}
