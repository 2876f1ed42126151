//! A surrogate that errs is no reason to stop: the search goes on at random, and says so once.
#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_sdk::api::Catalog;
use codebench_sdk::prelude::*;
use codebench_sdk::space::{SpaceDescription, check};
use std::collections::HashSet;
use std::process::Command;

const STRATEGIES: [&str; 4] =
    ["codebench/bayesian-optimisation", "codebench/bananas", "codebench/boshnas", "codebench/boshcode"];

/// Fails in one of its calls, always.
struct Errs(String);

impl Plugin for Errs {
    type Kind = kinds::Surrogate;

    fn info() -> PluginInfo {
        let calls =
            ParameterDescription::choice("call", &["fit", "predict", "numbers"], "fit", "What fails.");
        PluginInfo::new("fake/errs", "0.1.0", "Fails in one of its calls.").parameters(vec![calls])
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Errs(configuration.text("call")?.to_owned()))
    }
}

impl Surrogate for Errs {
    fn start(&mut self, _: &SurrogateContext) -> Result<(), PluginError> {
        Ok(())
    }

    fn fit(&mut self, _: &[f64], _: &[f64]) -> Result<(), PluginError> {
        if self.0 == "fit" { Err(PluginError::invalid("too much to learn")) } else { Ok(()) }
    }

    fn predict(&self, _: &[f64], rows: usize) -> Result<Prediction, PluginError> {
        let values = vec![if self.0 == "numbers" { f64::NAN } else { 0.0 }; rows];
        match self.0.as_str() {
            "predict" => Err(PluginError::invalid("no idea")),
            _ => Ok(Prediction { mean: values.clone(), epistemic: values.clone(), aleatoric: values }),
        }
    }
}

/// What a strategy proposes in 24 trials, with the surrogate failing in `call`.
fn proposed(id: &str, call: &str) -> Vec<Genotype> {
    let text = "choices = [{ name = [\"x\", \"y\"], values = { min = 1, max = 12 } }]";
    let space = toml::from_str::<SpaceDescription>(text).unwrap().compile().unwrap();
    let mut catalog = Catalog::default();
    catalog.add_all("codebench-strategies", codebench_strategies::PLUGINS).unwrap();
    catalog.add_all("test", &[codebench_sdk::api::Registration::of::<Errs>()]).unwrap();
    let parameters = [("surrogate", "fake/errs"), ("surrogate_parameters", &format!("call = {call}"))];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), ParameterValue::Text(value.into())));
    let context = StrategyContext { space: space.clone(), seed: 4, objectives: 1 };
    let mut strategy = catalog.strategy(id, &parameters.into(), &context).unwrap();
    let mut all = Vec::new();
    for trial in 0..12 {
        let asked = strategy.ask(2).unwrap();
        assert_eq!(asked.len(), 2, "{id}, {call}");
        let told = asked.into_iter().map(|genotype| {
            check(&space, &genotype).unwrap();
            all.push(genotype.clone());
            let objectives = vec![f64::from(genotype.0[0])];
            Tell { trial, genotype, status: Status::Ok, objectives, violation: 0.0 }
        });
        let told: Vec<Tell> = told.collect();
        strategy.tell(&told).unwrap();
    }
    all
}

#[test]
fn random_points_stand_in_for_a_surrogate_that_errs() {
    for id in STRATEGIES {
        for call in ["fit", "predict", "numbers"] {
            let points = proposed(id, call);
            assert_eq!(points.iter().collect::<HashSet<_>>().len(), 24, "{id}, {call}");
            // After the random start too they lie all over the range.
            let values: HashSet<u32> = points[10..].iter().map(|point| point.0[0]).collect();
            assert!(values.len() >= 6, "{id}, {call}: {points:?}");
        }
    }
}

/// The lines go to the standard error of a process, so this test is run again in one of its own.
#[test]
fn it_is_said_once() {
    if let Ok(both) = std::env::var("CODEBENCH_TEST_ERRS") {
        let (id, call) = both.split_once(' ').unwrap();
        proposed(id, call);
        return;
    }
    for (id, call, reason) in [
        ("codebench/boshcode", "fit", "cannot learn 10 trials (too much to learn)"),
        ("codebench/boshnas", "predict", "(no idea)"),
        ("codebench/bayesian-optimisation", "numbers", "finite numbers of each are due"),
        ("codebench/bananas", "fit", "cannot learn 10 trials (too much to learn)"),
    ] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "it_is_said_once", "--nocapture", "--test-threads=1"]);
        let output = command.env("CODEBENCH_TEST_ERRS", format!("{id} {call}")).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{text}");
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("[warning]")).collect();
        assert_eq!(lines.len(), 1, "{id}: {text}");
        assert!(lines[0].contains("surrogate `fake/errs`") && lines[0].contains(reason), "{id}: {text}");
    }
}
