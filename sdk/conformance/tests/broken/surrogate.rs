use crate::{Case, all_noticed, info, passes};
use codebench_api::{Entry, Kind, Maker, PluginError, Prediction, Surrogate, SurrogateContext};
use codebench_conformance::Status::{Crashed, Failed};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Mean of the targets, plus a bowl around the mean of the inputs; differentiable.
struct Fake {
    fault: Fault,
    context: SurrogateContext,
    fits: u64,
    centre: f64,
    mean: Vec<f64>,
    asked: AtomicU64,
    running: AtomicU64,
    instance: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    NoGradients,
    GradientsAllTheSame,
    WrongGradient,
    WrongProduct,
    ShortGradient,
    NaN,
    Negative,
    Short,
    FarAway,
    OneRecord,
    EqualTargets,
    AnyShape,
    ShortX,
    Instance,
    Asked,
    Rows,
    ManyRows,
    Panics,
    Running,
}

static INSTANCES: AtomicU64 = AtomicU64::new(0);

impl Fake {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn row(&self, x: &[f64]) -> f64 {
        x.iter().map(|x| (x - self.centre) * (x - self.centre)).sum()
    }

    fn disturbance(&self, rows: usize, running: u64) -> f64 {
        match self.fault {
            Fault::Instance => self.instance as f64,
            Fault::Asked => self.asked.fetch_add(1, Ordering::Relaxed) as f64,
            Fault::Rows => rows as f64,
            Fault::ManyRows if rows > 1000 => 1.0,
            Fault::Running if running > 0 => 1.0,
            Fault::NaN => f64::NAN,
            _ => 0.0,
        }
    }
}

fn misfit(what: &str, is: usize, should: usize) -> PluginError {
    PluginError::invalid(format!("{what} has {is} numbers: give {should}"))
}

impl Surrogate for Fake {
    fn start(&mut self, _: &SurrogateContext) -> Result<(), PluginError> {
        Ok(())
    }

    fn fit(&mut self, x: &[f64], y: &[f64]) -> Result<(), PluginError> {
        let SurrogateContext { inputs, outputs, .. } = self.context;
        let rows = y.len() / outputs;
        if (x.len() != rows * inputs || !y.len().is_multiple_of(outputs)) && !self.is(Fault::AnyShape) {
            return Err(misfit("x", x.len(), rows * inputs));
        }
        if rows == 1 && self.is(Fault::OneRecord) {
            return Err(PluginError::failed("one record is too few"));
        }
        if self.is(Fault::EqualTargets) && y.iter().all(|v| *v == y[0]) {
            return Err(PluginError::failed("no variance"));
        }
        self.fits += 1;
        self.centre = x.iter().sum::<f64>() / x.len().max(1) as f64;
        self.mean = (0..outputs)
            .map(|m| y.iter().skip(m).step_by(outputs).sum::<f64>() / rows.max(1) as f64)
            .collect();
        Ok(())
    }

    fn predict(&self, x: &[f64], rows: usize) -> Result<Prediction, PluginError> {
        let SurrogateContext { inputs, .. } = self.context;
        if x.len() != rows * inputs && !self.is(Fault::ShortX) {
            return Err(misfit("x", x.len(), rows * inputs));
        }
        assert!(!(self.is(Fault::Panics) && rows > 10_000), "too many rows");
        let running = self.running.fetch_add(1, Ordering::SeqCst);
        if self.is(Fault::Running) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let mut prediction = Prediction::default();
        for x in x.chunks(inputs) {
            let far = self.is(Fault::FarAway) && x.iter().any(|x| x.abs() > 10.0);
            for mean in &self.mean {
                let value = mean - self.row(x) + self.disturbance(rows, running);
                prediction.mean.push(if far { f64::INFINITY } else { value });
                prediction.epistemic.push(if self.is(Fault::Negative) { -1.0 } else { self.row(x) * 0.5 });
                prediction.aleatoric.push(0.1);
            }
        }
        if self.is(Fault::Short) {
            prediction.mean.pop();
        }
        self.running.fetch_sub(1, Ordering::SeqCst);
        Ok(prediction)
    }

    fn differentiable(&self) -> bool {
        !matches!(self.fault, Fault::NoGradients | Fault::GradientsAllTheSame)
    }

    fn gradient(&self, x: &[f64], c: &[f64]) -> Result<Vec<f64>, PluginError> {
        if self.is(Fault::NoGradients) {
            return Err(PluginError::invalid("no gradients"));
        }
        let m = self.context.outputs;
        let weight = c[m..2 * m].iter().sum::<f64>() * 0.5 - c[..m].iter().sum::<f64>();
        let factor = if self.is(Fault::WrongGradient) { 2.1 } else { 2.0 };
        let short = usize::from(self.is(Fault::ShortGradient));
        Ok(x[short..].iter().map(|x| weight * factor * (x - self.centre)).collect())
    }

    fn hvp(&self, _: &[f64], v: &[f64], c: &[f64]) -> Result<Vec<f64>, PluginError> {
        if self.is(Fault::NoGradients) {
            return Err(PluginError::invalid("no second derivatives"));
        }
        let m = self.context.outputs;
        let weight = c[m..2 * m].iter().sum::<f64>() * 0.5 - c[..m].iter().sum::<f64>();
        let factor = if self.is(Fault::WrongProduct) { 0.0 } else { 2.0 };
        Ok(v.iter().map(|v| weight * factor * v).collect())
    }
}

fn fake(fault: Fault) -> Entry {
    let make = move |_: &codebench_api::Configuration<'_>, context: &SurrogateContext| {
        Ok(Box::new(Fake {
            fault,
            context: context.clone(),
            fits: 0,
            centre: 0.0,
            mean: vec![0.0; context.outputs],
            asked: AtomicU64::new(0),
            running: AtomicU64::new(0),
            instance: INSTANCES.fetch_add(1, Ordering::Relaxed),
        }) as Box<dyn Surrogate>)
    };
    crate::entry(info(), Maker::Surrogate(Arc::new(make)))
}

#[test]
fn sound_surrogates_pass() {
    passes(fake(Fault::None));
    passes(fake(Fault::NoGradients));
}

#[test]
fn every_check_can_fail() {
    let cases: Vec<Case> = vec![
        (fake(Fault::NaN), "shapes", Failed, "mean holds NaN"),
        (fake(Fault::Negative), "shapes", Failed, "epistemic holds -1"),
        (fake(Fault::Short), "shapes", Failed, "mean has"),
        (fake(Fault::FarAway), "shapes", Failed, "mean holds inf"),
        (fake(Fault::OneRecord), "records", Failed, "with one record"),
        (fake(Fault::EqualTargets), "records", Failed, "with equal targets"),
        (fake(Fault::AnyShape), "shape-refusal", Failed, "is accepted"),
        (fake(Fault::ShortX), "shape-refusal", Failed, "predict of 8 rows"),
        (fake(Fault::Instance), "determinism", Failed, "a fresh instance"),
        (fake(Fault::Asked), "purity", Failed, "asked again"),
        (fake(Fault::Rows), "purity", Failed, "asked row by row"),
        (fake(Fault::WrongGradient), "gradients", Failed, "disagree with finite differences"),
        (fake(Fault::WrongProduct), "gradients", Failed, "disagree with finite differences"),
        (fake(Fault::ShortGradient), "gradients", Failed, "gradient gives 4 numbers"),
        (fake(Fault::GradientsAllTheSame), "gradients", Failed, "though it is not differentiable"),
        (fake(Fault::ManyRows), "scale", Failed, "among 4096 rows"),
        (fake(Fault::Panics), "scale", Crashed, "too many rows"),
        (fake(Fault::Running), "threads", Failed, "several threads"),
    ];
    all_noticed(Kind::Surrogate, cases);
}
