//! The suite of `engine`.

mod workload;

use crate::check::{Check, Finding, Verdict, ensure, failed};
use crate::rows;
use crate::subject::{Shown, Subject};
use codebench_api::{
    Engine, ErrorKind, MiniBatch, NamedTensor, Network, NetworkOptions, OptimizerState, PluginError,
    StepOptions,
};
use codebench_model::Workload;
use codebench_space::Rng;
use workload::{CLASSES, IMAGE};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        name: "primitives",
        promise: "Every primitive is built and runs, or is refused as invalid with the layer's name.",
        run: primitives,
    },
    Check {
        name: "weights",
        promise: "Weight tensors are named and shaped as the workload's; bad ones are refused and change nothing.",
        run: weights,
    },
    Check {
        name: "determinism",
        promise: "The same calls on a fresh network give the same bits; the seed decides the initial weights.",
        run: determinism,
    },
    Check {
        name: "gradients",
        promise: "Gradients agree with finite differences of the loss, and taking them changes nothing.",
        run: gradients,
    },
    Check {
        name: "training",
        promise: "Steps of every optimiser lower the loss on one mini-batch; an unknown optimiser is refused by name.",
        run: training,
    },
    Check {
        name: "resumption",
        promise: "A fresh network with weights and optimiser state of another goes on with its bits; bad states are refused.",
        run: resumption,
    },
    Check {
        name: "evaluation",
        promise: "In evaluation each image's logits are independent of the other images, every layer has a density, nothing changes.",
        run: evaluation,
    },
    Check {
        name: "batch-refusal",
        promise: "Images, labels and shapes that do not fit are refused as invalid.",
        run: refusal,
    },
    Check {
        name: "threads",
        promise: "Networks trained at once on several threads get the bits of one.",
        run: threads,
    },
];

const IMAGES: usize = 6;

struct Data {
    images: Vec<f32>,
    labels: Vec<u32>,
}

impl Data {
    fn draw(rng: &mut Rng, images: usize) -> Data {
        let elements = images * IMAGE.elements().unwrap_or(0) as usize;
        Data {
            images: (0..elements).map(|_| (rng.unit() * 2.0 - 1.0) as f32).collect(),
            labels: (0..images).map(|i| i as u32 % CLASSES as u32).collect(),
        }
    }

    fn batch(&self) -> MiniBatch<'_> {
        MiniBatch { images: &self.images, labels: &self.labels, shape: IMAGE }
    }
}

fn options(seed: u64, optimizer: &str) -> NetworkOptions {
    NetworkOptions {
        seed,
        optimizer: optimizer.into(),
        momentum: 0.9,
        betas: [0.9, 0.999],
        weight_decay: 1e-3,
        label_smoothing: 0.1,
        clip_norm: 0.0,
    }
}

fn each(
    subject: &Subject<'_>,
    rng: &mut Rng,
    mut check: impl FnMut(&dyn Engine, &mut Rng) -> Verdict,
) -> Verdict {
    let variants = subject.variants(rng, 2)?;
    for (parameters, engine) in subject.instances(variants, |p| subject.catalog.engine(subject.id(), p))? {
        check(engine.as_ref(), rng).map_err(|finding| match finding {
            Finding::Failed(m) => Finding::Failed(format!("{m}\nwith {}", Shown(&parameters))),
            other => other,
        })?;
    }
    Ok(())
}

fn ok<T>(answer: Result<T, PluginError>, what: &str) -> Result<T, Finding> {
    answer.or_else(|e| failed(format!("{what} is an error ({:?}): {e}", e.kind)))
}

fn build(
    engine: &dyn Engine,
    workload: &Workload,
    options: &NetworkOptions,
) -> Result<Box<dyn Network>, Finding> {
    ok(engine.build(workload, options), "building a network")
}

fn step(network: &mut dyn Network, data: &Data, number: u64) -> Result<f64, Finding> {
    let options = StepOptions { learning_rate: 0.01, step: number };
    let result = ok(network.train_step(&data.batch(), &options), "a training step")?;
    ensure(result.loss.is_finite() && result.correct <= data.labels.len() as u64, || {
        format!("a step answers {result:?} for {} images", data.labels.len())
    })?;
    Ok(result.loss)
}

fn primitives(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    let data = Data::draw(rng, IMAGES);
    each(subject, rng, |engine, _| {
        for (what, workload) in workload::each_primitive()? {
            let mut network = match engine.build(&workload, &options(1, "sgd")) {
                Ok(network) => network,
                Err(e) => {
                    let named = workload.layers.iter().any(|layer| e.message.contains(&layer.name));
                    ensure(e.kind == ErrorKind::Invalid && named, || {
                        format!(
                            "{what} is refused as {:?} ({e}): refuse it as Invalid, naming the layer",
                            e.kind
                        )
                    })?;
                    continue;
                }
            };
            step(network.as_mut(), &data, 0)?;
            let logits = ok(network.evaluate(&data.batch()), "an evaluation")?.logits;
            ensure(
                logits.len() == IMAGES * CLASSES as usize && logits.iter().all(|l| l.is_finite()),
                || {
                    format!(
                        "{what}: {} logits for {IMAGES} images of {CLASSES} classes, or not finite",
                        logits.len()
                    )
                },
            )?;
        }
        Ok(())
    })
}

fn weights(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |engine, rng| {
        let workload = workload::residual()?;
        let mut network = build(engine, &workload, &options(rng.word(), "sgd"))?;
        let tensors = ok(network.weights(), "weights()")?;
        let described = workload.layers.iter().flat_map(|l| &l.weights);
        let expected: Vec<_> = described.map(|w| (w.name.clone(), w.role, w.shape.clone())).collect();
        let given: Vec<_> = tensors.iter().map(|t| (t.name.clone(), t.role, t.shape.clone())).collect();
        ensure(expected == given, || {
            format!("weights() gives {given:?} instead of the workload's {expected:?}")
        })?;
        for tensor in &tensors {
            let elements: u64 = tensor.shape.iter().product();
            ensure(
                tensor.values.len() as u64 == elements && tensor.values.iter().all(|v| v.is_finite()),
                || {
                    format!(
                        "`{}` has {} values for shape {:?}, or not finite",
                        tensor.name,
                        tensor.values.len(),
                        tensor.shape
                    )
                },
            )?;
        }
        let Some(first) = tensors.first() else { return failed("weights() gives none") };
        let bad = [
            ("an unknown name", NamedTensor { name: "no.such.weight".into(), ..first.clone() }),
            ("another shape", NamedTensor { shape: vec![1], values: vec![0.0], ..first.clone() }),
            ("too few values", NamedTensor { values: first.values[1..].to_vec(), ..first.clone() }),
            (
                "a value that is not a number",
                NamedTensor { values: vec![f32::NAN; first.values.len()], ..first.clone() },
            ),
        ];
        let zeros = NamedTensor { values: vec![0.0; first.values.len()], ..first.clone() };
        for (what, tensor) in bad {
            match network.set_weights(&[zeros.clone(), tensor]) {
                Ok(()) => return failed(format!("set_weights accepts {what}")),
                Err(e) => ensure(e.kind == ErrorKind::Invalid, || {
                    format!("set_weights refuses {what} as {:?} instead of Invalid: {e}", e.kind)
                })?,
            }
            ensure(ok(network.weights(), "weights()")? == tensors, || {
                format!("set_weights, refused for {what}, changed weights all the same")
            })?;
        }
        ok(network.set_weights(std::slice::from_ref(&zeros)), "set_weights of one tensor")?;
        let after = ok(network.weights(), "weights()")?;
        ensure(after.first() == Some(&zeros) && after[1..] == tensors[1..], || {
            "set_weights of one tensor does not set that one alone".into()
        })
    })
}

/// Losses, logits and weights of a short training.
#[derive(Debug, PartialEq)]
struct Trace {
    losses: Vec<f64>,
    logits: Vec<f32>,
    weights: Vec<NamedTensor>,
}

fn trace(engine: &dyn Engine, data: &Data, seed: u64) -> Result<Trace, Finding> {
    let mut network = build(engine, &workload::residual()?, &options(seed, "adamw"))?;
    let losses = (0..3).map(|number| step(network.as_mut(), data, number)).collect::<Result<_, _>>()?;
    let logits = ok(network.evaluate(&data.batch()), "an evaluation")?.logits;
    Ok(Trace { losses, logits, weights: ok(network.weights(), "weights()")? })
}

fn determinism(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |engine, rng| {
        let (data, seed) = (Data::draw(rng, IMAGES), rng.word());
        let first = trace(engine, &data, seed)?;
        let second = trace(engine, &data, seed)?;
        ensure(first == second, || {
            format!(
                "the same calls give losses {:?}, then {:?} (or other weights)",
                first.losses, second.losses
            )
        })?;
        let initial = |seed| {
            let network = build(engine, &workload::residual()?, &options(seed, "sgd"))?;
            ok(network.weights(), "weights()")
        };
        ensure(initial(seed)? != initial(!seed)?, || "two seeds give the same initial weights".into())
    })
}

/// Step of central differences in f32.
const STEP: f32 = 1e-2;

fn gradients(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |engine, rng| {
        let data = Data::draw(rng, IMAGES);
        let mut network = build(engine, &workload::smooth()?, &options(rng.word(), "sgd"))?;
        let tensors = ok(network.weights(), "weights()")?;
        let result = ok(network.gradients(&data.batch(), 0), "gradients()")?;
        ensure(ok(network.weights(), "weights()")? == tensors, || "gradients() changes the weights".into())?;
        let parameters: Vec<_> = tensors.iter().filter(|t| t.role.is_parameter()).collect();
        let fits = result.gradients.len() == parameters.len()
            && result.gradients.iter().zip(&parameters).all(|(g, p)| g.name == p.name && g.shape == p.shape);
        ensure(fits, || {
            "gradients() does not give one gradient per parameter in the workload's order".into()
        })?;
        let largest = result.gradients.iter().flat_map(|g| &g.values).fold(0.0f32, |m, g| m.max(g.abs()));
        for (tensor, gradient) in parameters.iter().zip(&result.gradients) {
            let i = rng.index(tensor.values.len());
            let mut loss = |by: f32| {
                let mut moved = (*tensor).clone();
                moved.values[i] += by;
                ok(network.set_weights(&[moved]), "set_weights")?;
                Ok(ok(network.gradients(&data.batch(), 0), "gradients()")?.loss)
            };
            let difference = (loss(STEP)? - loss(-STEP)?) / (2.0 * f64::from(STEP));
            loss(0.0)?;
            let exact = f64::from(gradient.values[i]);
            let allowed = 0.02 * exact.abs() + 0.02 * f64::from(largest) + 1e-4;
            ensure((exact - difference).abs() <= allowed, || {
                format!("the gradient of `{}`[{i}] is {exact}, a finite difference {difference}", tensor.name)
            })?;
        }
        Ok(())
    })
}

fn training(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |engine, rng| {
        let data = Data::draw(rng, IMAGES);
        for optimizer in ["sgd", "adam", "adamw"] {
            let mut network = build(engine, &workload::smooth()?, &options(rng.word(), optimizer))?;
            let first = step(network.as_mut(), &data, 0)?;
            let mut last = first;
            for number in 1..30 {
                last = step(network.as_mut(), &data, number)?;
            }
            ensure(last < first, || {
                format!("thirty steps of {optimizer} on one mini-batch took the loss from {first} to {last}")
            })?;
        }
        match engine.build(&workload::smooth()?, &options(1, "no-such-optimizer")).map(drop) {
            Ok(()) => failed("optimiser `no-such-optimizer` is accepted"),
            Err(e) => ensure(e.kind == ErrorKind::Invalid && e.message.contains("no-such-optimizer"), || {
                format!("an unknown optimiser is refused as {:?} with {:?}: quote it", e.kind, e.message)
            }),
        }
    })
}

fn resumption(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |engine, rng| {
        let data = Data::draw(rng, IMAGES);
        let workload = workload::residual()?;
        for optimizer in ["sgd", "adam", "adamw"] {
            let options = options(rng.word(), optimizer);
            let mut whole = build(engine, &workload, &options)?;
            for number in 0..3 {
                step(whole.as_mut(), &data, number)?;
            }
            // An engine need not tell; its trainings start anew.
            let Some(state) = ok(whole.optimizer_state(), "optimizer_state()")? else { return Ok(()) };
            ensure(state.steps == 3, || format!("after 3 steps, optimizer_state() says {}", state.steps))?;
            let mut fresh = build(engine, &workload, &options)?;
            if let Some(first) = state.first.first() {
                let unknown = NamedTensor { name: "no.such.weight".into(), ..first.clone() };
                let bad = OptimizerState { first: vec![unknown], ..state.clone() };
                match fresh.set_optimizer_state(&bad) {
                    Ok(()) => return failed("set_optimizer_state accepts an unknown name"),
                    Err(e) => ensure(e.kind == ErrorKind::Invalid, || {
                        format!(
                            "set_optimizer_state refuses an unknown name as {:?} instead of Invalid: {e}",
                            e.kind
                        )
                    })?,
                }
            }
            ok(fresh.set_optimizer_state(&state), "set_optimizer_state")?;
            ok(fresh.set_weights(&ok(whole.weights(), "weights()")?), "set_weights")?;
            let told = ok(fresh.optimizer_state(), "optimizer_state()")?;
            ensure(told.as_ref() == Some(&state), || "optimizer_state() is not what was set".into())?;
            for number in 3..6 {
                step(whole.as_mut(), &data, number)?;
                step(fresh.as_mut(), &data, number)?;
            }
            ensure(ok(whole.weights(), "weights()")? == ok(fresh.weights(), "weights()")?, || {
                format!("after three more steps of {optimizer}, the network that goes on has other weights")
            })?;
        }
        Ok(())
    })
}

fn evaluation(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |engine, rng| {
        let data = Data::draw(rng, IMAGES);
        let workload = workload::residual()?;
        let mut network = build(engine, &workload, &options(rng.word(), "sgd"))?;
        step(network.as_mut(), &data, 0)?;
        let before = ok(network.weights(), "weights()")?;
        let all = ok(network.evaluate(&data.batch()), "an evaluation")?.logits;
        let per_image = IMAGE.elements().unwrap_or(1) as usize;
        for (image, logits) in data.images.chunks(per_image).zip(all.chunks(CLASSES as usize)) {
            let alone = MiniBatch { images: image, labels: &[], shape: IMAGE };
            let alone = ok(network.evaluate(&alone), "an evaluation of one image without labels")?.logits;
            let near = alone.len() == logits.len()
                && alone.iter().zip(logits).all(|(a, b)| (a - b).abs() <= 1e-4 * (1.0 + b.abs()));
            ensure(near, || format!("alone, an image has logits {alone:?}, among others {logits:?}"))?;
        }
        let densities = ok(network.densities(&data.batch()), "densities()")?;
        let sound = densities.iter().all(|density| (0.0..=1.0).contains(density));
        ensure(sound && densities.len() == workload.layers.len(), || {
            let layers = workload.layers.len();
            format!("the densities are {densities:?}: give {layers} numbers from 0 to 1, one for each layer")
        })?;
        ensure(ok(network.weights(), "weights()")? == before, || "an evaluation changes the weights".into())
    })
}

fn refusal(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |engine, rng| {
        let data = Data::draw(rng, IMAGES);
        let mut network = build(engine, &workload::smooth()?, &options(rng.word(), "sgd"))?;
        let good = data.batch();
        let odd = codebench_model::TensorShape { channels: IMAGE.channels + 1, ..IMAGE };
        let unknown = vec![CLASSES as u32; IMAGES];
        for (what, batch) in [
            ("images one value short", MiniBatch { images: &good.images[1..], ..good }),
            ("a label short", MiniBatch { labels: &good.labels[1..], ..good }),
            ("a shape that is not the network's", MiniBatch { shape: odd, ..good }),
            ("a label that is no class", MiniBatch { labels: &unknown, ..good }),
        ] {
            match network.train_step(&batch, &StepOptions { learning_rate: 0.01, step: 0 }) {
                Ok(_) => return failed(format!("a step with {what} is accepted")),
                Err(e) => ensure(e.kind == ErrorKind::Invalid, || {
                    format!("a step with {what} is refused as {:?} instead of Invalid: {e}", e.kind)
                })?,
            }
        }
        Ok(())
    })
}

fn threads(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    let data = Data::draw(rng, IMAGES);
    each(subject, rng, |engine, rng| {
        let seed = rng.word();
        rows::threads(&|| trace(engine, &data, seed), "trainings")
    })
}
