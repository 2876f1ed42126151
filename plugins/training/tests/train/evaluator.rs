//! Accuracy, metrics, repeatability and errors of the evaluator.

use crate::setting::*;
use codebench_sdk::api::ErrorKind;
use codebench_sdk::model::*;
use rayon::prelude::*;
use std::collections::BTreeMap;

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
fn augmentation_clipping_and_schedules_change_the_training_reproducibly() {
    let values = |change: fn(&mut Recipe)| {
        let mut recipe = short();
        change(&mut recipe);
        evaluator().evaluate(&job(small(), Purpose::Search, recipe)).unwrap().values
    };
    let changes: [fn(&mut Recipe); 6] = [
        |_| (),
        |r| r.crop_padding = 1,
        |r| r.flip = true,
        |r| r.cutout = 3,
        |r| (r.optimizer, r.clip_norm) = ("sgd".into(), 0.1),
        |r| r.schedule = "one-cycle".into(),
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
