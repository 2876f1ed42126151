//! The plugin under test, and the parameters that are drawn for it.

use crate::check::{Finding, failed, skipped};
use crate::common::examples;
use codebench_api::{Catalog, Entry, ErrorKind, Kind, PluginError, StrategyContext, SurrogateContext};
use codebench_model::{
    Choice, Domain, HardwareContext, Job, ParameterDescription, ParameterValue, Parameters, Space,
};
use codebench_space::Rng;
use std::collections::BTreeMap;
use std::fmt;

/// How a plugin is checked.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Draws parameters and inputs.
    pub seed: u64,
    /// Parameters that are not drawn but given; a required text parameter that no example shows must be.
    pub parameters: Parameters,
    /// Jobs for evaluators; if there are none, small ones of the suite's own.
    pub jobs: Vec<Job>,
}

pub(crate) struct Subject<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) entry: &'a Entry,
    pub(crate) options: &'a Options,
}

impl<'a> Subject<'a> {
    pub(crate) fn new(catalog: &'a Catalog, entry: &'a Entry, options: &'a Options) -> Self {
        Subject { catalog, entry, options }
    }

    pub(crate) fn id(&self) -> &'a str {
        &self.entry.info.id
    }

    pub(crate) fn descriptions(&self) -> &'a [ParameterDescription] {
        &self.entry.info.parameters
    }

    /// Given values, else defaults, else those of the first example that has them, else drawn.
    pub(crate) fn base(&self, rng: &mut Rng) -> Result<Parameters, Finding> {
        let shown = examples::parameters(&self.entry.info);
        let mut base = Parameters::new();
        for description in self.descriptions() {
            let name = &description.name;
            let known =
                self.options.parameters.get(name).or(description.default.as_ref()).or(shown.get(name));
            let value = match known.cloned().or_else(|| draw(description, rng)) {
                Some(value) => value,
                None => {
                    return skipped(format!(
                        "parameter `{name}` is required and a free text: show one in an example of the \
                         description, or give it with --set {name}=VALUE"
                    ));
                }
            };
            base.insert(name.clone(), value);
        }
        // A name that the description lacks is for the host to refuse.
        base.extend(self.options.parameters.iter().map(|(name, value)| (name.clone(), value.clone())));
        Ok(base)
    }

    /// The base, the smallest and the largest of every value, and `count` random ones.
    pub(crate) fn drawn(&self, rng: &mut Rng, count: usize) -> Result<Vec<Parameters>, Finding> {
        let base = self.base(rng)?;
        let mut drawn = vec![base.clone()];
        drawn.push(self.vary(&base, |d| Some(extreme(d, false))));
        drawn.push(self.vary(&base, |d| Some(extreme(d, true))));
        for _ in 0..count {
            drawn.push(self.vary(&base, |d| Some(draw(d, rng))));
        }
        drawn.dedup();
        Ok(drawn)
    }

    /// The base and `count` more in which only choices and booleans differ: for kinds whose numbers set how long they run.
    pub(crate) fn variants(&self, rng: &mut Rng, count: usize) -> Result<Vec<Parameters>, Finding> {
        let base = self.base(rng)?;
        let named = |d: &ParameterDescription| matches!(d.domain, Domain::Choice { .. } | Domain::Boolean);
        let mut variants = vec![base.clone()];
        for _ in 0..count {
            let variant = self.vary(&base, |d| named(d).then(|| draw(d, rng)));
            if !variants.contains(&variant) {
                variants.push(variant);
            }
        }
        Ok(variants)
    }

    fn vary(
        &self,
        base: &Parameters,
        mut value: impl FnMut(&ParameterDescription) -> Option<Option<ParameterValue>>,
    ) -> Parameters {
        let mut varied = base.clone();
        for description in self.descriptions() {
            if self.options.parameters.contains_key(&description.name) {
                continue;
            }
            if let Some(Some(new)) = value(description) {
                varied.insert(description.name.clone(), new);
            }
        }
        varied
    }

    /// An instance for each of `parameters`; combinations after the first may be refused as contradictions.
    pub(crate) fn instances<T: ?Sized>(
        &self,
        parameters: Vec<Parameters>,
        make: impl Fn(&Parameters) -> Result<Box<T>, PluginError>,
    ) -> Result<Vec<(Parameters, Box<T>)>, Finding> {
        let mut instances = Vec::new();
        for (i, parameters) in parameters.into_iter().enumerate() {
            match make(&parameters) {
                Ok(instance) => instances.push((parameters, instance)),
                Err(e) if i > 0 && e.kind == ErrorKind::Invalid => {}
                Err(e) => return failed(format!("with {} it cannot be made: {e}", Shown(&parameters))),
            }
        }
        Ok(instances)
    }

    /// Makes an instance and drops it.
    pub(crate) fn try_make(&self, parameters: &Parameters) -> Result<(), PluginError> {
        let (catalog, id) = (self.catalog, self.id());
        match self.entry.kind() {
            Kind::CnnOp => catalog.cnn_op(id, parameters).map(drop),
            Kind::AccelModule => catalog.accel_module(id, parameters, HardwareContext::default()).map(drop),
            Kind::Memory => catalog.memory(id, parameters, HardwareContext::default()).map(drop),
            Kind::Surrogate => catalog.surrogate(id, parameters, &surrogate_context()).map(drop),
            Kind::Strategy => catalog.strategy(id, parameters, &strategy_context()).map(drop),
            Kind::Evaluator => catalog.evaluator(id, parameters).map(drop),
            Kind::Engine => catalog.engine(id, parameters).map(drop),
            Kind::Executor => catalog.executor(id, parameters).map(drop),
            Kind::PublishedConstants => catalog.published_constants().map(drop),
        }
    }
}

fn surrogate_context() -> SurrogateContext {
    SurrogateContext { seed: 0, inputs: 2, outputs: 1, blocks: Vec::new() }
}

fn strategy_context() -> StrategyContext {
    let values = vec![ParameterValue::Integer(1), ParameterValue::Integer(2)];
    let choice = Choice {
        name: "choice".into(),
        block: codebench_model::Block::Accelerator,
        values,
        ordered: true,
        when: Vec::new(),
    };
    let space =
        Space { v: Space::VERSION, name: "two".into(), choices: vec![choice], cnn: None, accelerator: None };
    StrategyContext { space, seed: 0, objectives: 1 }
}

/// A value from the domain; `None` for texts.
pub(crate) fn draw(description: &ParameterDescription, rng: &mut Rng) -> Option<ParameterValue> {
    match &description.domain {
        Domain::Integer { min, max } => {
            let span = max.abs_diff(*min);
            let offset = if span == u64::MAX { rng.word() } else { rng.below(span + 1) };
            Some(ParameterValue::Integer(min.wrapping_add_unsigned(offset)))
        }
        Domain::Float { min, max } => {
            Some(ParameterValue::Float((min + (max - min) * rng.unit()).clamp(*min, *max)))
        }
        Domain::Choice { values } => values.get(rng.index(values.len())).cloned().map(ParameterValue::Text),
        Domain::Boolean => Some(ParameterValue::Boolean(rng.below(2) == 1)),
        Domain::Text => None,
    }
}

/// The first or the last value of the domain; `None` for texts.
fn extreme(description: &ParameterDescription, last: bool) -> Option<ParameterValue> {
    match &description.domain {
        Domain::Integer { min, max } => Some(ParameterValue::Integer(if last { *max } else { *min })),
        Domain::Float { min, max } => Some(ParameterValue::Float(if last { *max } else { *min })),
        Domain::Choice { values } => {
            if last { values.last() } else { values.first() }.cloned().map(ParameterValue::Text)
        }
        Domain::Boolean => Some(ParameterValue::Boolean(last)),
        Domain::Text => None,
    }
}

/// Parameters as a user would write them.
pub(crate) struct Shown<'a>(pub(crate) &'a BTreeMap<String, ParameterValue>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no parameters");
        }
        let pairs: Vec<String> = self.0.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        write!(f, "parameters = {{ {} }}", pairs.join(", "))
    }
}
