//! From a description to a space.

use crate::SpaceError;
use crate::description::{ChoiceDescription, CnnDescription, SpaceDescription};
use crate::points::Points;
use crate::table::ValueList;
use codebench_model::accelerator::PUBLISHED_NAMES;
use codebench_model::{Block, Choice, CnnGraph, Condition, ParameterValue, Space};

/// What the program that reads a description knows of CNNs; `core/space` itself knows no network and no label.
pub trait Names {
    /// The network of that name.
    ///
    /// # Errors
    /// Why there is none, with the nearest name.
    fn network(&self, name: &str) -> Result<CnnGraph, String>;

    /// Whether the CNN language has that label.
    ///
    /// # Errors
    /// Why it has not, with the nearest label.
    fn label(&self, label: &str) -> Result<(), String>;
}

/// Knows no network and accepts every label.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoNames;

impl Names for NoNames {
    fn network(&self, name: &str) -> Result<CnnGraph, String> {
        Err(format!("network `{name}` cannot be looked up here: give `{{ name, graph }}`"))
    }

    fn label(&self, _: &str) -> Result<(), String> {
        Ok(())
    }
}

impl SpaceDescription {
    /// The space, without looking up names of networks and without checking labels.
    ///
    /// # Errors
    /// As [`SpaceDescription::compile_with`].
    pub fn compile(&self) -> Result<Space, SpaceError> {
        self.compile_with(&NoNames)
    }

    /// The space: plain choices first, then those of the CNN, then those of the accelerator.
    ///
    /// # Errors
    /// For a description that makes no space, such as an empty list, a value that the parameter cannot take, or limits
    /// that no module keeps; [`SpaceError::path`] says where.
    pub fn compile_with(&self, names: &dyn Names) -> Result<Space, SpaceError> {
        if self.cnn.is_none() && self.accelerator.is_none() && self.choices.is_empty() {
            return Err(SpaceError::Empty {
                message: "it has neither a `[cnn]` nor an `[accelerator]` table; add one".into(),
            });
        }
        let mut builder = Builder { choices: Vec::new(), block: Block::Cnn };
        plain_choices(&self.choices, &mut builder)?;
        let cnn = match &self.cnn {
            Some(cnn) => Some(crate::cnn::compile(cnn, names, &mut builder)?),
            None => None,
        };
        builder.block = Block::Accelerator;
        let accelerator = match &self.accelerator {
            Some(accelerator) => Some(crate::accelerator::compile(accelerator, &mut builder)?),
            None => None,
        };
        let space =
            Space { v: Space::VERSION, name: self.name.clone(), choices: builder.choices, cnn, accelerator };
        Points::new(&space)?;
        Ok(space)
    }
}

/// The choices of `[[choices]]`.
fn plain_choices(choices: &[ChoiceDescription], builder: &mut Builder) -> Result<(), SpaceError> {
    for (i, choice) in choices.iter().enumerate() {
        let path = format!("choices[{i}]");
        let values = values(&format!("{path}.values"), &choice.values)?;
        let names = texts(&format!("{path}.name"), &choice.name)?;
        let is_text = |value: &ParameterValue| value.as_str().is_some();
        let ordered = !values.iter().any(is_text);
        if !ordered && !values.iter().all(is_text) {
            let message = "texts stand beside numbers: give either, so that it is clear whether the values have an order";
            return Err(SpaceError::at(format!("{path}.values"), message));
        }
        for name in names {
            if let Some(fault) = name_fault(&name, builder) {
                return Err(SpaceError::at(format!("{path}.name"), fault));
            }
            builder.add(name, values.clone(), ordered, Vec::new());
        }
    }
    Ok(())
}

/// Why a plain choice cannot have that name.
fn name_fault(name: &str, builder: &Builder) -> Option<String> {
    let well_formed = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !well_formed {
        return Some(format!(
            "{name:?} is no name: write lower case letters, digits and underscores, a letter first"
        ));
    }
    if PUBLISHED_NAMES.contains(&name) {
        return Some(format!("`{name}` is a parameter of the accelerator: give the choice another name"));
    }
    let taken = builder.choices.iter().any(|c| c.name == name);
    taken.then(|| format!("`{name}` occurs twice: give every choice a name of its own"))
}

/// Collects choices.
pub(crate) struct Builder {
    pub(crate) choices: Vec<Choice>,
    pub(crate) block: Block,
}

impl Builder {
    /// Adds a choice; the answer is its index.
    pub(crate) fn add(
        &mut self,
        name: impl Into<String>,
        values: Vec<ParameterValue>,
        ordered: bool,
        when: Vec<Condition>,
    ) -> usize {
        self.choices.push(Choice { name: name.into(), block: self.block, values, ordered, when });
        self.choices.len() - 1
    }
}

/// The values of a list that stands at `path`, if they are different and finite.
pub(crate) fn values(path: &str, list: &ValueList) -> Result<Vec<ParameterValue>, SpaceError> {
    match list.fault() {
        None => Ok(list.0.clone()),
        Some(fault) => Err(SpaceError::at(path, fault)),
    }
}

/// The same as whole numbers from `min` to `max`, ascending.
pub(crate) fn counts(path: &str, list: &ValueList, min: i64, max: i64) -> Result<Vec<i64>, SpaceError> {
    let mut counts = Vec::new();
    for (i, value) in values(path, list)?.iter().enumerate() {
        match value.as_i64().filter(|n| (min..=max).contains(n)) {
            Some(n) => counts.push(n),
            None => {
                return Err(SpaceError::at(
                    format!("{path}[{i}]"),
                    format!("{value} is out of range: give a whole number from {min} to {max}"),
                ));
            }
        }
    }
    counts.sort_unstable();
    Ok(counts)
}

/// The same as texts.
pub(crate) fn texts(path: &str, list: &ValueList) -> Result<Vec<String>, SpaceError> {
    let texts = values(path, list)?.into_iter().enumerate().map(|(i, value)| match value {
        ParameterValue::Text(text) => Ok(text),
        other => {
            Err(SpaceError::at(format!("{path}[{i}]"), format!("{other} is no text: write it in quotes")))
        }
    });
    texts.collect()
}

/// Texts as values.
pub(crate) fn text_values(texts: &[String]) -> Vec<ParameterValue> {
    texts.iter().cloned().map(ParameterValue::Text).collect()
}

/// Whole numbers as values.
pub(crate) fn count_values(counts: &[i64]) -> Vec<ParameterValue> {
    counts.iter().copied().map(ParameterValue::Integer).collect()
}

/// Whether a description grows CNNs from modules.
pub(crate) fn grows_modules(cnn: &CnnDescription) -> bool {
    CnnDescription { networks: Vec::new(), ..cnn.clone() } != CnnDescription::default()
}
