//! Asks every plugin of this crate everything, so that a test can compare the answers of two catalogues.

use codebench_sdk::api::{Catalog, LowerContext, Semantics};
use codebench_sdk::prelude::*;
use std::fmt::Debug;

/// Every method that can be asked to panic, in every form but the sandbox, which has no engines.
pub const METHODS: [&str; 23] = [
    "configure",
    "start",
    "output_channels",
    "lower",
    "facts",
    "cost",
    "fit",
    "predict",
    "gradient",
    "hvp",
    "ask",
    "tell",
    "reads",
    "evaluate",
    "data_shape",
    "build",
    "train_step",
    "gradients",
    "weights",
    "densities",
    "set_weights",
    "optimizer_state",
    "set_optimizer_state",
];

/// Answers by question, in Rust's debug format; `panics` is the parameter of that name.
pub struct Answers<'a> {
    catalog: &'a Catalog,
    panics: &'a str,
    said: Vec<(&'static str, String)>,
}

impl<'a> Answers<'a> {
    /// All answers of the plugins in `catalog`.
    pub fn of(catalog: &'a Catalog) -> Vec<(&'static str, String)> {
        Answers::with(catalog, "")
    }

    /// All answers of plugins of which the method `panics` panics.
    pub fn with(catalog: &'a Catalog, panics: &'a str) -> Vec<(&'static str, String)> {
        let mut answers = Answers { catalog, panics, said: Vec::new() };
        answers.language();
        answers.hardware();
        answers.surrogate();
        answers.strategies();
        answers.evaluators();
        answers.engine();
        answers.said
    }

    fn say(&mut self, what: &'static str, answer: impl Debug) {
        self.said.push((what, format!("{answer:?}")));
    }

    /// The instance that was made, unless making it failed, which is an answer.
    fn made<T>(&mut self, what: &'static str, made: Result<T, PluginError>) -> Option<T> {
        made.map_err(|error| self.say(what, error)).ok()
    }

    fn parameters(&self) -> Parameters {
        Parameters::from([("panics".to_owned(), ParameterValue::Text(self.panics.to_owned()))])
    }

    fn language(&mut self) {
        let made = self.catalog.cnn_op("test/fold", &self.parameters());
        let Some(op) = self.made("cnn_op", made) else { return };
        let image = TensorShape { channels: 3, height: 8, width: 8 };
        let context =
            LowerContext { default_channels: 16, classes: 10, image, semantics: Semantics::Explicit };
        let (keyword, none) = ("fold".to_owned(), String::new());
        let request = ChannelRequest {
            keyword: keyword.clone(),
            arguments: none,
            input_channels: 3,
            context: context.clone(),
        };
        self.say("output_channels", op.output_channels(&request));
        for arguments in ["", "3x3"] {
            let (keyword, context) = (keyword.clone(), context.clone());
            let request = LowerRequest { keyword, arguments: arguments.into(), input: image, context };
            self.say("lower", op.lower(&request));
        }
    }

    fn hardware(&mut self) {
        let hardware = HardwareContext { clock_khz: 500_000, word_bits: 16 };
        let made = self.catalog.accel_module("test/lanes", &self.parameters(), hardware);
        if let Some(module) = self.made("accel_module", made) {
            self.say("facts", module.facts());
            for groups in [1, 0] {
                let work = TileWork { groups, effective_macs: 1000, read_bytes: 7, ..TileWork::default() };
                let mut costs = [TileCost::default(); 2];
                let answer = module.cost(&[work, TileWork { effective_macs: 5, ..work }], &mut costs);
                self.say("cost", (answer, costs));
            }
        }
        let made = self.catalog.memory("test/flat", &self.parameters(), hardware);
        if let Some(memory) = self.made("memory", made) {
            self.say("facts", memory.facts());
            let profile =
                TransferProfile { bytes: 100, runs: 2, run_bytes: 50, ..TransferProfile::default() };
            let mut costs = [TransferCost::default()];
            let answer = memory.cost(&[profile], &mut costs);
            self.say("cost", (answer, costs));
        }
    }

    fn surrogate(&mut self) {
        let context = SurrogateContext { seed: 5, inputs: 2, outputs: 2, blocks: vec![(Block::Cnn, 0..2)] };
        let made = self.catalog.surrogate("test/average", &self.parameters(), &context);
        let Some(mut surrogate) = self.made("surrogate", made) else { return };
        self.say("fit", surrogate.fit(&[], &[]));
        self.say("fit", surrogate.fit(&[0.1, 0.2, 0.3, 0.4], &[1.0, 2.0, 3.0, 0.1]));
        self.say("predict", surrogate.predict(&[0.7, 0.1, 1.0, 1.0], 2));
        self.say("differentiable", surrogate.differentiable());
        let coefficients = [0.5, 0.25, 1.0, 0.0, 0.0, 0.0];
        self.say("gradient", surrogate.gradient(&[0.7, 0.1], &coefficients));
        self.say("hvp", surrogate.hvp(&[0.7, 0.1], &[1.0, 0.0], &coefficients));
    }

    fn strategies(&mut self) {
        let context = StrategyContext { space: space(), seed: 7, objectives: 1 };
        for (id, parameters) in [("test/upwards", self.parameters()), ("test/guided", Parameters::new())] {
            let made = self.catalog.strategy(id, &parameters, &context);
            let Some(mut strategy) = self.made("strategy", made) else { continue };
            for _ in 0..3 {
                let candidates = strategy.ask(4);
                self.say("ask", &candidates);
                let outcome = |(trial, genotype)| Tell {
                    trial,
                    genotype,
                    status: Status::Ok,
                    objectives: vec![0.1 + trial as f64],
                    violation: 0.25,
                };
                let outcomes: Vec<Tell> = (0..).zip(candidates.unwrap_or_default()).map(outcome).collect();
                self.say("tell", strategy.tell(&outcomes));
            }
        }
    }

    fn evaluators(&mut self) {
        for (id, parameters) in [("test/depth", self.parameters()), ("test/trained", Parameters::new())] {
            let made = self.catalog.evaluator(id, &parameters);
            let Some(evaluator) = self.made("evaluator", made) else { continue };
            self.say("reads", evaluator.reads());
            for workload in [None, Some(workload())] {
                self.say("evaluate", evaluator.evaluate(&Job { workload, ..job() }));
            }
            for id in ["none", "broken", "digits"] {
                let data = DataSource { id: id.into(), parameters: Parameters::new() };
                self.say("data_shape", evaluator.data_shape(&data));
            }
        }
    }

    fn engine(&mut self) {
        let made = self.catalog.engine("test/linear", &self.parameters());
        let Some(engine) = self.made("engine", made) else { return };
        let options = |optimizer: &str| NetworkOptions {
            seed: 3,
            optimizer: optimizer.into(),
            momentum: 0.9,
            betas: [0.9, 0.999],
            weight_decay: 1e-4,
            label_smoothing: 0.1,
            clip_norm: 0.0,
        };
        self.say("build", engine.build(&workload(), &options("none")).err());
        let built = engine.build(&workload(), &options("sgd"));
        let Some(mut network) = self.made("build", built) else { return };
        let shape = TensorShape { channels: 1, height: 1, width: 2 };
        let batch = MiniBatch { images: &[0.1, 0.7], labels: &[1], shape };
        self.say("train_step", network.train_step(&batch, &StepOptions { learning_rate: 0.1, step: 3 }));
        self.say("evaluate", network.evaluate(&batch));
        self.say("densities", network.densities(&batch));
        self.say("gradients", network.gradients(&batch, 9));
        self.say("set_weights", network.set_weights(&[]));
        let weights = network.weights();
        self.say("weights", &weights);
        self.say("set_weights", network.set_weights(&weights.unwrap_or_default()));
        self.say("optimizer_state", network.optimizer_state());
        let state = OptimizerState { steps: 5, first: Vec::new(), second: Vec::new() };
        self.say("set_optimizer_state", network.set_optimizer_state(&state));
        self.say("optimizer_state", network.optimizer_state());
    }
}

fn workload() -> Workload {
    let image = TensorShape { channels: 1, height: 1, width: 2 };
    Workload { v: Workload::VERSION, tensors: vec![image], input: 0, output: 0, layers: vec![] }
}

/// Two choices of two values.
pub fn space() -> Space {
    let choice = |name: &str| Choice {
        name: name.into(),
        block: Block::Accelerator,
        values: vec![ParameterValue::Integer(1), ParameterValue::Float(0.1)],
        ordered: true,
        when: Vec::new(),
    };
    let choices = vec![choice("a"), choice("b")];
    Space { v: Space::VERSION, name: "two".into(), choices, cnn: None, accelerator: None }
}

/// A job without a candidate.
pub fn job() -> Job {
    Job {
        v: Job::VERSION,
        trial: 1,
        purpose: Purpose::Search,
        candidate: Genotype(vec![0, 1]),
        values: Default::default(),
        cnn: None,
        workload: None,
        published: None,
        accelerator: None,
        data: None,
        recipe: None,
        resume_from: None,
        donor: None,
        seed: 11,
        limits: Limits::default(),
        upstream: Default::default(),
    }
}
