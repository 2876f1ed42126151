//! The suite of `surrogate`.

use crate::check::{Check, Finding, Verdict, ensure, failed};
use crate::rows;
use crate::subject::{Shown, Subject};
use codebench_api::{ErrorKind, Prediction, Surrogate, SurrogateContext};
use codebench_model::{Block, Parameters};
use codebench_space::Rng;

pub(crate) const CHECKS: &[Check] = &[
    Check {
        name: "shapes",
        promise: "Predictions have one number per row and objective, finite; uncertainties are not negative.",
        run: shapes,
    },
    Check {
        name: "records",
        promise: "One record, constant inputs and equal targets are no errors.",
        run: records,
    },
    Check {
        name: "shape-refusal",
        promise: "Matrices that do not fit the context are refused as invalid.",
        run: refusal,
    },
    Check {
        name: "determinism",
        promise: "A fresh instance with the same seed, given the same log of fits, predicts the same.",
        run: determinism,
    },
    Check {
        name: "purity",
        promise: "Between two fits neither the order of rows, nor their split into calls, nor repetition changes a prediction.",
        run: purity,
    },
    Check {
        name: "gradients",
        promise: "`differentiable` is honest: gradients and Hessian products agree with finite differences, or are refused.",
        run: gradients,
    },
    Check {
        name: "scale",
        promise: "1 to 65,536 rows are predicted alike, in time linear in the rows.",
        run: scale,
    },
    Check { name: "threads", promise: "Several threads at once get the predictions of one.", run: threads },
];

const INPUTS: usize = 5;
const OUTPUTS: usize = 2;
const RECORDS: usize = 24;

/// A smooth function of rows in the unit cube.
fn records_of(rng: &mut Rng, rows: usize) -> (Vec<f64>, Vec<f64>) {
    let x: Vec<f64> = (0..rows * INPUTS).map(|_| rng.unit()).collect();
    let y = x.chunks(INPUTS).flat_map(|x| {
        let bowl: f64 = x.iter().map(|x| (x - 0.4) * (x - 0.4)).sum();
        [1.0 - bowl, 0.5 * x[0] - 0.25 * x[4] + x[1] * x[2]]
    });
    let y = y.collect();
    (x, y)
}

fn make(subject: &Subject<'_>, parameters: &Parameters, seed: u64) -> Result<Box<dyn Surrogate>, Finding> {
    let context = SurrogateContext {
        seed,
        inputs: INPUTS,
        outputs: OUTPUTS,
        blocks: vec![(Block::Cnn, 0..3), (Block::Accelerator, 3..INPUTS)],
    };
    match subject.catalog.surrogate(subject.id(), parameters, &context) {
        Ok(surrogate) => Ok(surrogate),
        Err(e) => failed(format!("it cannot start: {e}")),
    }
}

fn fitted(
    subject: &Subject<'_>,
    parameters: &Parameters,
    seed: u64,
    logs: &[(Vec<f64>, Vec<f64>)],
) -> Result<Box<dyn Surrogate>, Finding> {
    let mut surrogate = make(subject, parameters, seed)?;
    for (x, y) in logs {
        if let Err(e) = surrogate.fit(x, y) {
            return failed(format!("fitting {} records is an error ({:?}): {e}", y.len() / OUTPUTS, e.kind));
        }
    }
    Ok(surrogate)
}

fn each(
    subject: &Subject<'_>,
    rng: &mut Rng,
    mut check: impl FnMut(&Parameters, &mut Rng) -> Verdict,
) -> Verdict {
    for parameters in subject.variants(rng, 3)? {
        check(&parameters, rng).map_err(|finding| match finding {
            Finding::Failed(m) => Finding::Failed(format!("{m}\nwith {}", Shown(&parameters))),
            other => other,
        })?;
    }
    Ok(())
}

fn predict(surrogate: &dyn Surrogate, x: &[f64]) -> Result<Prediction, Finding> {
    let rows = x.len() / INPUTS;
    match surrogate.predict(x, rows) {
        Ok(prediction) => Ok(prediction),
        Err(e) => failed(format!("predicting {rows} rows is an error ({:?}): {e}", e.kind)),
    }
}

fn sane(prediction: &Prediction, rows: usize) -> Verdict {
    let parts = [
        ("mean", &prediction.mean),
        ("epistemic", &prediction.epistemic),
        ("aleatoric", &prediction.aleatoric),
    ];
    for (name, values) in parts {
        ensure(values.len() == rows * OUTPUTS, || {
            format!("{name} has {} numbers for {rows} rows of {OUTPUTS} objectives", values.len())
        })?;
        if let Some(odd) = values.iter().find(|v| !v.is_finite() || (name != "mean" && **v < 0.0)) {
            return failed(format!(
                "{name} holds {odd}: give finite numbers, and standard deviations of at least 0"
            ));
        }
    }
    Ok(())
}

fn shapes(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |parameters, rng| {
        let surrogate = fitted(subject, parameters, rng.word(), &[records_of(rng, RECORDS)])?;
        for rows in [0, 1, 2, 33] {
            let x = records_of(rng, rows).0;
            sane(&predict(surrogate.as_ref(), &x)?, rows)?;
        }
        // Far outside the records.
        let far: Vec<f64> = (0..INPUTS).map(|i| 100.0 * (i as f64 - 2.0)).collect();
        sane(&predict(surrogate.as_ref(), &far)?, 1)
    })
}

fn records(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |parameters, rng| {
        let (x, y) = records_of(rng, 8);
        let one = (x[..INPUTS].to_vec(), y[..OUTPUTS].to_vec());
        let constant_inputs = (vec![0.5; 8 * INPUTS], y.clone());
        let equal_targets = (x.clone(), vec![0.25; 8 * OUTPUTS]);
        let repeated = (x[..INPUTS].repeat(4), y[..OUTPUTS].repeat(4));
        for (what, log) in [
            ("one record", one),
            ("constant inputs", constant_inputs),
            ("equal targets", equal_targets),
            ("the same record four times", repeated),
        ] {
            let surrogate = fitted(subject, parameters, 1, &[log]);
            let prediction = surrogate.and_then(|s| predict(s.as_ref(), &x));
            let verdict = prediction.and_then(|p| sane(&p, 8));
            verdict.map_err(|finding| match finding {
                Finding::Failed(m) => Finding::Failed(format!("with {what}: {m}")),
                other => other,
            })?;
        }
        Ok(())
    })
}

fn refusal(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |parameters, rng| {
        let (x, y) = records_of(rng, 8);
        let mut surrogate = make(subject, parameters, 1)?;
        for (what, x, y) in [
            ("x one number short", &x[1..], &y[..]),
            ("y one number short", &x[..], &y[1..]),
            ("y of another number of rows", &x[..], &y[OUTPUTS..]),
        ] {
            invalid(surrogate.fit(x, y), &format!("fit with {what}"))?;
        }
        let surrogate = fitted(subject, parameters, 1, &[(x.clone(), y)])?;
        invalid(surrogate.predict(&x[1..], 8).map(drop), "predict of 8 rows with x one number short")
    })
}

fn invalid(answer: Result<(), codebench_api::PluginError>, what: &str) -> Verdict {
    match answer {
        Ok(()) => failed(format!("{what} is accepted")),
        Err(e) => ensure(e.kind == ErrorKind::Invalid && !e.message.is_empty(), || {
            format!("{what} is refused as {:?} ({e}): refuse it as Invalid, and quote both shapes", e.kind)
        }),
    }
}

fn determinism(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |parameters, rng| {
        let logs = [records_of(rng, RECORDS / 2), records_of(rng, RECORDS)];
        let (x, seed) = (records_of(rng, 16).0, rng.word());
        let first = predict(fitted(subject, parameters, seed, &logs)?.as_ref(), &x)?;
        // Another instance with another seed at work between them.
        predict(fitted(subject, parameters, !seed, &logs[..1])?.as_ref(), &x)?;
        let second = predict(fitted(subject, parameters, seed, &logs)?.as_ref(), &x)?;
        ensure(first == second, || difference("a fresh instance, fitted alike,", &second, &first))
    })
}

fn difference(how: &str, is: &Prediction, should: &Prediction) -> String {
    let pairs =
        [(&is.mean, &should.mean), (&is.epistemic, &should.epistemic), (&is.aleatoric, &should.aleatoric)];
    let odd = pairs.iter().flat_map(|(a, b)| a.iter().zip(b.iter())).find(|(a, b)| a != b);
    match odd {
        Some((is, should)) => format!("{how} predicts {is} instead of {should}"),
        None => format!("{how} predicts another number of values"),
    }
}

fn purity(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |parameters, rng| {
        let surrogate = fitted(subject, parameters, rng.word(), &[records_of(rng, RECORDS)])?;
        let rows = 16;
        let x = records_of(rng, rows).0;
        let whole = predict(surrogate.as_ref(), &x)?;
        sane(&whole, rows)?;
        let again = predict(surrogate.as_ref(), &x)?;
        ensure(again == whole, || difference("asked again, it", &again, &whole))?;
        let mut parts = Prediction::default();
        for row in x.chunks(INPUTS) {
            append(&mut parts, &predict(surrogate.as_ref(), row)?);
        }
        ensure(parts == whole, || difference("asked row by row, it", &parts, &whole))?;
        let backwards: Vec<f64> = x.chunks(INPUTS).rev().flatten().copied().collect();
        let reversed = reverse(&predict(surrogate.as_ref(), &backwards)?);
        ensure(reversed == whole, || difference("asked in another order, it", &reversed, &whole))
    })
}

fn append(to: &mut Prediction, part: &Prediction) {
    to.mean.extend(&part.mean);
    to.epistemic.extend(&part.epistemic);
    to.aleatoric.extend(&part.aleatoric);
}

fn reverse(prediction: &Prediction) -> Prediction {
    let turn = |values: &[f64]| values.chunks(OUTPUTS).rev().flatten().copied().collect();
    Prediction {
        mean: turn(&prediction.mean),
        epistemic: turn(&prediction.epistemic),
        aleatoric: turn(&prediction.aleatoric),
    }
}

/// Step of central differences.
const STEP: f64 = 1e-5;

fn gradients(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |parameters, rng| {
        let surrogate = fitted(subject, parameters, rng.word(), &[records_of(rng, RECORDS)])?;
        let surrogate = surrogate.as_ref();
        let x = records_of(rng, 1).0;
        let coefficients = vec![1.0; 3 * OUTPUTS];
        if !surrogate.differentiable() {
            invalid(
                surrogate.gradient(&x, &coefficients).map(drop),
                "a gradient, though it is not differentiable,",
            )?;
            return invalid(
                surrogate.hvp(&x, &x, &coefficients).map(drop),
                "a Hessian product, though it is not differentiable,",
            );
        }
        agreement(rng, |rng| {
            let x = records_of(rng, 1).0;
            let coefficients: Vec<f64> = (0..3 * OUTPUTS).map(|_| rng.unit() - 0.3).collect();
            let v: Vec<f64> = (0..INPUTS).map(|_| rng.unit() - 0.5).collect();
            let gradient = gradient(surrogate, &x, &coefficients)?;
            let product = match surrogate.hvp(&x, &v, &coefficients) {
                Ok(product) if product.len() == INPUTS => product,
                Ok(product) => {
                    return failed(format!("hvp gives {} numbers for {INPUTS} inputs", product.len()));
                }
                Err(e) => return failed(format!("hvp is an error, though it is differentiable: {e}")),
            };
            let mut pairs = Vec::new();
            for (i, exact) in gradient.into_iter().enumerate() {
                let at = |by: f64| {
                    weighted(surrogate, &moved(&x, |j| if i == j { by } else { 0.0 }), &coefficients)
                };
                pairs.push((exact, (at(STEP)? - at(-STEP)?) / (2.0 * STEP)));
            }
            let along = |by: f64| self::gradient(surrogate, &moved(&x, |j| by * v[j]), &coefficients);
            let (ahead, behind) = (along(STEP)?, along(-STEP)?);
            let differences = ahead.iter().zip(&behind).map(|(a, b)| (a - b) / (2.0 * STEP));
            pairs.extend(product.into_iter().zip(differences));
            Ok(pairs)
        })
    })
}

/// Fails unless nine of ten pairs agree: a kink between two points of a difference is no error.
fn agreement(rng: &mut Rng, mut pairs: impl FnMut(&mut Rng) -> Result<Vec<(f64, f64)>, Finding>) -> Verdict {
    let mut all = Vec::new();
    for _ in 0..4 {
        all.extend(pairs(rng)?);
    }
    let scale = all.iter().map(|(a, b)| a.abs().max(b.abs())).fold(0.0, f64::max);
    let odd: Vec<_> = all
        .iter()
        .filter(|(exact, difference)| {
            let allowed = 1e-3 * exact.abs().max(difference.abs()) + 1e-4 * scale + 1e-7;
            (exact - difference).abs() > allowed || !exact.is_finite()
        })
        .collect();
    ensure(odd.len() * 10 <= all.len(), || {
        let (exact, difference) = odd[0];
        format!(
            "{} of {} derivatives disagree with finite differences, such as {exact} with {difference}",
            odd.len(),
            all.len()
        )
    })
}

fn moved(x: &[f64], by: impl Fn(usize) -> f64) -> Vec<f64> {
    x.iter().enumerate().map(|(i, x)| x + by(i)).collect()
}

fn weighted(surrogate: &dyn Surrogate, x: &[f64], coefficients: &[f64]) -> Result<f64, Finding> {
    let Prediction { mean, epistemic, aleatoric } = predict(surrogate, x)?;
    let all = mean.iter().chain(&epistemic).chain(&aleatoric);
    Ok(all.zip(coefficients).map(|(value, c)| value * c).sum())
}

fn gradient(surrogate: &dyn Surrogate, x: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, Finding> {
    match surrogate.gradient(x, coefficients) {
        Ok(gradient) if gradient.len() == INPUTS => Ok(gradient),
        Ok(gradient) => failed(format!("gradient gives {} numbers for {INPUTS} inputs", gradient.len())),
        Err(e) => failed(format!("gradient is an error, though it is differentiable: {e}")),
    }
}

fn scale(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    let parameters = subject.base(rng)?;
    let surrogate = fitted(subject, &parameters, rng.word(), &[records_of(rng, RECORDS)])?;
    let x = records_of(rng, 64).0;
    let few = predict(surrogate.as_ref(), &x)?;
    rows::linear(&[1, 64, 4096, rows::MOST_ROWS], "rows", |rows| {
        let many: Vec<f64> = x.iter().copied().cycle().take(rows * INPUTS).collect();
        let (prediction, time) = rows::timed(|| predict(surrogate.as_ref(), &many))?;
        sane(&prediction, rows)?;
        let repeats =
            |values: &[f64], few: &[f64]| values.iter().zip(few.iter().cycle()).all(|(a, b)| a == b);
        let same = repeats(&prediction.mean, &few.mean)
            && repeats(&prediction.epistemic, &few.epistemic)
            && repeats(&prediction.aleatoric, &few.aleatoric);
        ensure(same, || format!("among {rows} rows, a row is predicted otherwise than among 64"))?;
        Ok(time)
    })
}

fn threads(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |parameters, rng| {
        let surrogate = fitted(subject, parameters, rng.word(), &[records_of(rng, RECORDS)])?;
        let x = records_of(rng, 16).0;
        rows::threads(&|| predict(surrogate.as_ref(), &x), "predictions")
    })
}
