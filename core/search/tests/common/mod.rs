//! Small plugins with every kind of behaviour, and experiments that use them.
// Each test target uses a part of it, and misbehaviour is what the plugins are for.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used, clippy::panic)]

use codebench_api::*;
use codebench_model::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// How often the evaluators of a test, told apart by their parameter `tag`, were called.
static CALLS: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

pub fn calls(tag: &str) -> u64 {
    CALLS.lock().unwrap().get(tag).copied().unwrap_or(0)
}

fn count(tag: &str) {
    *CALLS.lock().unwrap().entry(tag.to_owned()).or_default() += 1;
}

fn mix(state: u64, word: u64) -> u64 {
    let mut x = (state ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^= x >> 29;
    x.wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (x >> 32)
}

/// Whether a strategy of mode `gone` has been asked: it starts no more then.
static GONE: AtomicBool = AtomicBool::new(false);

/// Its proposals depend on the seed and on everything that it was asked and told.
pub struct Walk {
    mode: String,
    lengths: Vec<u32>,
    state: u64,
    asks: u64,
}

impl Plugin for Walk {
    type Kind = kinds::Strategy;

    fn info() -> PluginInfo {
        let modes = [
            "walk",
            "same",
            "short",
            "fail",
            "fail-often",
            "fail-tell",
            "panic",
            "too-many",
            "wrong-length",
            "gone",
        ];
        PluginInfo::new("fake/walk", "0.1.0", "Walks through the space.")
            .parameters(vec![ParameterDescription::choice("mode", &modes, "walk", "How it behaves.")])
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let mode = configuration.text("mode")?.to_owned();
        Ok(Walk { mode, lengths: Vec::new(), state: 0, asks: 0 })
    }
}

impl Strategy for Walk {
    fn start(&mut self, context: &StrategyContext) -> Result<(), PluginError> {
        self.lengths = context.space.choices.iter().map(|c| c.values.len() as u32).collect();
        self.state = context.seed;
        match self.mode == "gone" && GONE.load(Ordering::Relaxed) {
            true => Err(PluginError::failed("is disabled")),
            false => Ok(()),
        }
    }

    fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        self.asks += 1;
        self.state = mix(self.state, count as u64);
        match self.mode.as_str() {
            "gone" => {
                GONE.store(true, Ordering::Relaxed);
                return Err(PluginError::failed("has not come back within 2 s"));
            }
            "fail" => return Err(PluginError::failed("no idea")),
            // Two failures in a row, then a success.
            "fail-often" if self.state.is_multiple_of(3) => return Err(PluginError::failed("no idea now")),
            "panic" if self.state.is_multiple_of(3) => panic!("lost the way"),
            _ => {}
        }
        let count = match self.mode.as_str() {
            "short" if self.asks > 2 => count / 2,
            "too-many" => count + 1,
            _ => count,
        };
        let mut proposals = Vec::new();
        for _ in 0..count {
            let mut genotype = Vec::new();
            for length in &self.lengths {
                self.state = mix(self.state, 1);
                genotype.push(if self.mode == "same" { 0 } else { (self.state >> 20) as u32 % length });
            }
            if self.mode == "wrong-length" {
                genotype.push(7);
            }
            proposals.push(Genotype(genotype));
        }
        Ok(proposals)
    }

    fn tell(&mut self, outcomes: &[Tell]) -> Result<(), PluginError> {
        for tell in outcomes {
            self.state = mix(self.state, tell.trial);
            for x in &tell.objectives {
                self.state = mix(self.state, x.to_bits());
            }
        }
        if self.mode == "fail-tell" && self.state.is_multiple_of(2) {
            return Err(PluginError::failed("too much to learn"));
        }
        Ok(())
    }
}

/// Walks, and needs a surrogate, which it never asks.
pub struct Guided(Walk);

impl Plugin for Guided {
    type Kind = kinds::Strategy;

    fn info() -> PluginInfo {
        PluginInfo::new("fake/guided", "0.1.0", "Walks beside a surrogate.")
            .parameters(vec![ParameterDescription::text("surrogate", "fake/model", "Id of the surrogate.")])
            .needs(&[Kind::Surrogate])
    }

    fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Guided(Walk { mode: "walk".into(), lengths: Vec::new(), state: 0, asks: 0 }))
    }
}

impl Strategy for Guided {
    fn start(&mut self, context: &StrategyContext) -> Result<(), PluginError> {
        self.0.start(context)
    }

    fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        self.0.ask(count)
    }

    fn tell(&mut self, outcomes: &[Tell]) -> Result<(), PluginError> {
        self.0.tell(outcomes)
    }
}

/// Knows nothing.
pub struct Model;

impl Plugin for Model {
    type Kind = kinds::Surrogate;

    fn info() -> PluginInfo {
        PluginInfo::new("fake/model", "0.1.0", "Knows nothing.")
    }

    fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Model)
    }
}

impl Surrogate for Model {
    fn start(&mut self, _: &SurrogateContext) -> Result<(), PluginError> {
        Ok(())
    }

    fn fit(&mut self, _: &[f64], _: &[f64]) -> Result<(), PluginError> {
        Ok(())
    }

    fn predict(&self, _: &[f64], _: usize) -> Result<Prediction, PluginError> {
        Err(PluginError::failed("knows nothing"))
    }
}

/// Measures the accelerator; misbehaves on a quarter of them.
pub struct Measure {
    mode: String,
    tag: String,
    sleep_ms: i64,
}

impl Plugin for Measure {
    type Kind = kinds::Evaluator;

    fn info() -> PluginInfo {
        PluginInfo::new("fake/measure", "0.1.0", "Measures.")
            .parameters(vec![
                ParameterDescription::choice(
                    "mode",
                    &["plain", "fail", "panic", "nan", "nan-layer", "infeasible", "always-fail"],
                    "plain",
                    "How it behaves.",
                ),
                ParameterDescription::text("tag", "", "Counts calls."),
                ParameterDescription::integer("sleep_ms", 0, 1000, 0, "Takes its time.").unit("ms"),
            ])
            .metrics(&["speed", "cost", "test_speed"])
    }

    fn configure(c: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Measure {
            mode: c.text("mode")?.into(),
            tag: c.text("tag")?.into(),
            sleep_ms: c.integer("sleep_ms")?,
        })
    }
}

impl Evaluator for Measure {
    fn reads(&self) -> Reads {
        Reads { accelerator: true, ..Reads::default() }
    }

    fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError> {
        count(&self.tag);
        std::thread::sleep(std::time::Duration::from_millis(self.sleep_ms as u64));
        let Some(AcceleratorInput::Named(values)) = &job.accelerator else {
            return Err(PluginError::invalid("no accelerator"));
        };
        assert!(
            job.recipe.is_none() && job.data.is_none() && job.seed == 0,
            "undeclared fields are left out"
        );
        let number = |name: &str| values.get(name).and_then(|v| v.as_f64()).unwrap_or(1.0);
        let (pib, pix, pof) = (number("pib"), number("pix"), number("pof"));
        let strange = ((pix + pof) as u64 + 2).is_multiple_of(4);
        let mut metrics = Metrics::default();
        match self.mode.as_str() {
            "always-fail" => return Err(PluginError::failed("never works")),
            "fail" if strange => {
                return Err(PluginError::failed("broken <script>alert(1)</script> & \"quoted\""));
            }
            "panic" if strange => panic!("unexpected accelerator"),
            "infeasible" if strange => return Err(PluginError::infeasible("does not fit")),
            "nan" if strange => drop(metrics.values.insert("speed".into(), f64::NAN)),
            "nan-layer" if strange => {
                drop(metrics.per_layer.insert("time_s".into(), vec![1.0, f64::INFINITY]))
            }
            _ => {}
        }
        metrics.values.entry("speed".into()).or_insert(pib * pix * pof / (1.0 + pof * 0.1));
        metrics.values.insert("cost".into(), pib * 3.0 + pix * pof * 0.7);
        metrics.values.insert("test_speed".into(), 1e9);
        metrics.per_layer.entry("time_s".into()).or_insert(vec![0.1 * pib, 0.2, 0.3]);
        metrics.wall.insert("luck".into(), std::process::id() as f64);
        Ok(metrics)
    }
}

/// Reads the seed only, so that one answer serves every trial.
pub struct Constant {
    tag: String,
}

impl Plugin for Constant {
    type Kind = kinds::Evaluator;

    fn info() -> PluginInfo {
        PluginInfo::new("fake/constant", "0.1.0", "The same for all.")
            .parameters(vec![ParameterDescription::text("tag", "", "Counts calls.")])
    }

    fn configure(c: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Constant { tag: c.text("tag")?.into() })
    }
}

impl Evaluator for Constant {
    fn reads(&self) -> Reads {
        Reads { seed: true, ..Reads::default() }
    }

    fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError> {
        count(&self.tag);
        let mut metrics = Metrics::default();
        metrics.values.insert("level".into(), job.seed as f64);
        if job.purpose == Purpose::Final {
            metrics.values.insert("test_level".into(), 0.5);
        }
        Ok(metrics)
    }
}

/// Builds on the metrics of `speed`.
pub struct Derived;

impl Plugin for Derived {
    type Kind = kinds::Evaluator;

    fn info() -> PluginInfo {
        PluginInfo::new("fake/derived", "0.1.0", "Half of it.")
    }

    fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Derived)
    }
}

impl Evaluator for Derived {
    fn reads(&self) -> Reads {
        Reads { upstream: BTreeSet::from(["hw".to_owned()]), ..Reads::default() }
    }

    fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError> {
        let upstream = job.upstream.get("hw").ok_or_else(|| PluginError::invalid("no upstream"))?;
        assert!(upstream.wall.is_empty() && job.accelerator.is_none());
        let mut metrics = Metrics::default();
        metrics.values.insert("half".into(), upstream.values["speed"] / 2.0);
        Ok(metrics)
    }
}

pub static FAKES: &[Registration] = &[
    Registration::of::<Walk>(),
    Registration::of::<Guided>(),
    Registration::of::<Model>(),
    Registration::of::<Measure>(),
    Registration::of::<Constant>(),
    Registration::of::<Derived>(),
];

/// A space of 32 candidates and every evaluator; `%STRATEGY%` and so on are replaced by `edit`.
pub const EXPERIMENT: &str = r#"name = "fakes"
seed = 7

[space.accelerator]
pib = [1, 2]
pix = [1, 2, 4, 8]
pof = [1, 2, 4, 8]

[strategy]
plugin = "fake/walk"
parameters = { mode = "walk" }

[budget]
trials = 14
batch = 4

[[evaluator]]
id = "base"
plugin = "fake/constant"
parameters = { tag = "TAG base" }

[[evaluator]]
id = "hw"
plugin = "fake/measure"
parameters = { mode = "plain", tag = "TAG hw" }

[[evaluator]]
id = "more"
plugin = "fake/derived"

[objective]
terms = [
    { metric = "hw.speed", weight = 0.5, normaliser = 10.0, goal = "maximise" },
    { metric = "hw.cost", weight = 0.5, normaliser = 40.0, goal = "minimise" },
    { metric = "more.half", weight = 0.1, goal = "maximise" },
]
constraints = [{ metric = "hw.cost", max = 30.0 }]
"#;
