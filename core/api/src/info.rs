//! A plugin described as data.

use codebench_model::ParameterDescription;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The kinds of plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An operation of the CNN language.
    CnnOp,
    /// A module of an accelerator.
    AccelModule,
    /// The main memory of an accelerator.
    Memory,
    /// A model of the objectives.
    Surrogate,
    /// A search strategy.
    Strategy,
    /// Turns a job into metrics.
    Evaluator,
    /// A training engine.
    Engine,
    /// Where jobs run.
    Executor,
    /// The constants of the released simulator, read by the `published` fidelity.
    PublishedConstants,
}

impl Kind {
    /// Every kind, in order of declaration.
    pub const ALL: [Kind; 9] = [
        Kind::CnnOp,
        Kind::AccelModule,
        Kind::Memory,
        Kind::Surrogate,
        Kind::Strategy,
        Kind::Evaluator,
        Kind::Engine,
        Kind::Executor,
        Kind::PublishedConstants,
    ];

    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Kind::CnnOp => "cnn-op",
            Kind::AccelModule => "accel-module",
            Kind::Memory => "memory",
            Kind::Surrogate => "surrogate",
            Kind::Strategy => "strategy",
            Kind::Evaluator => "evaluator",
            Kind::Engine => "engine",
            Kind::Executor => "executor",
            Kind::PublishedConstants => "published-constants",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a plugin reaches the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Linked into the program.
    BuiltIn,
    /// A native library: trusted code.
    Native,
    /// A WebAssembly component in a sandbox.
    Wasm,
}

impl Form {
    /// Every form.
    pub const ALL: [Form; 3] = [Form::BuiltIn, Form::Native, Form::Wasm];
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Form::BuiltIn => "built-in",
            Form::Native => "native",
            Form::Wasm => "wasm",
        })
    }
}

/// An example in a description, shown by `plugin info`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// What it shows.
    pub title: String,
    /// The text that a user would write: a label for a cnn-op, TOML for the other kinds.
    pub text: String,
}

/// Everything that the host and the user need to know of a plugin before it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PluginInfo {
    /// `vendor/name`, lower case with hyphens.
    pub id: String,
    /// Version of the plugin (semantic versioning); part of memo keys.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// Parameters in the order in which help shows them.
    pub parameters: Vec<ParameterDescription>,
    /// Keywords that a cnn-op claims in the label language, `[a-z][a-z_]*`.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// Kinds of the plugins that this one makes for itself from [`Configuration::catalog`](crate::Configuration::catalog),
    /// such as `engine`.
    #[serde(default)]
    pub needs: Vec<Kind>,
    /// Names of the metrics that an evaluator gives, so that an experiment naming another is refused before it runs;
    /// empty if they are not known beforehand.
    #[serde(default)]
    pub metrics: Vec<String>,
    /// Examples.
    #[serde(default)]
    pub examples: Vec<Example>,
}

impl PluginInfo {
    /// A description without parameters.
    pub fn new(id: &str, version: &str, summary: &str) -> Self {
        PluginInfo {
            id: id.into(),
            version: version.into(),
            summary: summary.into(),
            parameters: Vec::new(),
            keywords: Vec::new(),
            needs: Vec::new(),
            metrics: Vec::new(),
            examples: Vec::new(),
        }
    }

    /// The same with parameters.
    #[must_use]
    pub fn parameters(mut self, parameters: Vec<ParameterDescription>) -> Self {
        self.parameters = parameters;
        self
    }

    /// The same with keywords.
    #[must_use]
    pub fn keywords(mut self, keywords: &[&str]) -> Self {
        self.keywords = keywords.iter().map(|k| k.to_string()).collect();
        self
    }

    /// The same with needs.
    #[must_use]
    pub fn needs(mut self, needs: &[Kind]) -> Self {
        self.needs = needs.to_vec();
        self
    }

    /// The same with metrics.
    #[must_use]
    pub fn metrics(mut self, metrics: &[&str]) -> Self {
        self.metrics = metrics.iter().map(|m| m.to_string()).collect();
        self
    }

    /// The same with one more example.
    #[must_use]
    pub fn example(mut self, title: &str, text: &str) -> Self {
        self.examples.push(Example { title: title.into(), text: text.into() });
        self
    }
}
