//! Parameters of plugins described as data: one description feeds help texts, validation, docs, search spaces and the
//! ranges that conformance tests draw from.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A value of a parameter, as TOML and JSON write it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ParameterValue {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Float(f64),
    /// A name or path.
    Text(String),
}

impl ParameterValue {
    /// A word of a command line by what it looks like: a whole number, a number, `true` or `false`, else a text.
    pub fn of_word(word: &str) -> Self {
        match (word.parse::<i64>(), word.parse::<f64>(), word.parse::<bool>()) {
            (Ok(whole), ..) => ParameterValue::Integer(whole),
            (_, Ok(number), _) => ParameterValue::Float(number),
            (.., Ok(flag)) => ParameterValue::Boolean(flag),
            _ => ParameterValue::Text(word.to_owned()),
        }
    }

    /// The value as a number: integers and floats.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            ParameterValue::Integer(i) => Some(*i as f64),
            ParameterValue::Float(x) => Some(*x),
            _ => None,
        }
    }

    /// The value as a whole number: integers, and floats without a fraction.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            ParameterValue::Integer(i) => Some(*i),
            ParameterValue::Float(x) if x.fract() == 0.0 && x.abs() < 9e15 => Some(*x as i64),
            _ => None,
        }
    }

    /// The value as a text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            ParameterValue::Text(s) => Some(s),
            _ => None,
        }
    }

    /// The value as a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            ParameterValue::Boolean(b) => Some(*b),
            _ => None,
        }
    }
}

impl fmt::Display for ParameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParameterValue::Boolean(b) => write!(f, "{b}"),
            ParameterValue::Integer(i) => write!(f, "{i}"),
            ParameterValue::Float(x) => write!(f, "{x:?}"),
            ParameterValue::Text(s) => write!(f, "{s:?}"),
        }
    }
}

/// Named values, sorted by name.
pub type Parameters = BTreeMap<String, ParameterValue>;

/// The values that a parameter may take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Domain {
    /// Whole numbers from `min` to `max`, both included.
    Integer { min: i64, max: i64 },
    /// Finite numbers from `min` to `max`, both included.
    Float { min: f64, max: f64 },
    /// One of the listed names.
    Choice { values: Vec<String> },
    /// `true` or `false`.
    Boolean,
    /// Any text.
    Text,
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Domain::Integer { min, max } => write!(f, "a whole number from {min} to {max}"),
            Domain::Float { min, max } => write!(f, "a number from {min} to {max}"),
            Domain::Choice { values } => write!(f, "one of {}", values.join(", ")),
            Domain::Boolean => write!(f, "true or false"),
            Domain::Text => write!(f, "a text"),
        }
    }
}

/// One parameter of a plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ParameterDescription {
    /// Name in TOML: lower case with underscores.
    pub name: String,
    /// Unit, such as `MHz`; `None` for a count or a name.
    pub unit: Option<String>,
    /// Values it may take.
    pub domain: Domain,
    /// Value when it is not given; `None` makes it required.
    pub default: Option<ParameterValue>,
    /// One sentence.
    pub help: String,
}

impl ParameterDescription {
    /// A whole number from `min` to `max`.
    pub fn integer(name: &str, min: i64, max: i64, default: i64, help: &str) -> Self {
        Self::new(name, Domain::Integer { min, max }, ParameterValue::Integer(default), help)
    }

    /// A number from `min` to `max`.
    pub fn float(name: &str, min: f64, max: f64, default: f64, help: &str) -> Self {
        Self::new(name, Domain::Float { min, max }, ParameterValue::Float(default), help)
    }

    /// One of `values`.
    pub fn choice(name: &str, values: &[&str], default: &str, help: &str) -> Self {
        let values = values.iter().map(|v| v.to_string()).collect();
        Self::new(name, Domain::Choice { values }, ParameterValue::Text(default.into()), help)
    }

    /// `true` or `false`.
    pub fn boolean(name: &str, default: bool, help: &str) -> Self {
        Self::new(name, Domain::Boolean, ParameterValue::Boolean(default), help)
    }

    /// Any text.
    pub fn text(name: &str, default: &str, help: &str) -> Self {
        Self::new(name, Domain::Text, ParameterValue::Text(default.into()), help)
    }

    /// The same parameter with a unit.
    #[must_use]
    pub fn unit(mut self, unit: &str) -> Self {
        self.unit = Some(unit.into());
        self
    }

    /// The same parameter without a default.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.default = None;
        self
    }

    fn new(name: &str, domain: Domain, default: ParameterValue, help: &str) -> Self {
        ParameterDescription {
            name: name.into(),
            unit: None,
            domain,
            default: Some(default),
            help: help.into(),
        }
    }

    /// What a word of a command line means for this parameter: texts and choices are taken as they are, even if they look like numbers.
    ///
    /// ```
    /// use codebench_model::{ParameterDescription, ParameterValue};
    /// let height = ParameterDescription::choice("height", &["4", "8"], "4", "Layers of a stack.");
    /// assert_eq!(height.read("8"), ParameterValue::Text("8".into()));
    /// let rows = ParameterDescription::integer("rows", 1, 64, 8, "Rows.");
    /// assert_eq!(rows.read("8"), ParameterValue::Integer(8));
    /// ```
    pub fn read(&self, word: &str) -> ParameterValue {
        match self.domain {
            Domain::Text | Domain::Choice { .. } => ParameterValue::Text(word.to_owned()),
            _ => ParameterValue::of_word(word),
        }
    }

    /// `value` in this parameter's type (a whole number is a valid float), or why it is refused.
    pub fn check(&self, value: &ParameterValue) -> Result<ParameterValue, ParameterError> {
        let refuse = || ParameterError::Refused {
            name: self.name.clone(),
            value: value.clone(),
            allowed: self.domain.clone(),
        };
        match (&self.domain, value) {
            (Domain::Integer { min, max }, v) => v
                .as_i64()
                .filter(|i| (min..=max).contains(&i))
                .map(ParameterValue::Integer)
                .ok_or_else(refuse),
            (Domain::Float { min, max }, v) => v
                .as_f64()
                .filter(|x| x.is_finite() && (min..=max).contains(&x))
                .map(ParameterValue::Float)
                .ok_or_else(refuse),
            (Domain::Choice { values }, ParameterValue::Text(s)) if values.contains(s) => Ok(value.clone()),
            (Domain::Boolean, ParameterValue::Boolean(_)) | (Domain::Text, ParameterValue::Text(_)) => {
                Ok(value.clone())
            }
            _ => Err(refuse()),
        }
    }
}

/// Why a set of parameters is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParameterError {
    /// The plugin has no parameter of that name.
    #[error("unknown parameter `{name}`{}; {}", suggestion(.nearest), listed(.known))]
    Unknown {
        /// Name that was given.
        name: String,
        /// Nearest known name, if one is near.
        nearest: Option<String>,
        /// Every known name.
        known: Vec<String>,
    },
    /// The value is of another type or out of range.
    #[error("parameter `{name}` = {value} is out of range: give {allowed}")]
    Refused {
        /// Name of the parameter.
        name: String,
        /// Value that was given.
        value: ParameterValue,
        /// What is allowed.
        allowed: Domain,
    },
    /// A parameter without a default was not given.
    #[error("parameter `{name}` is required: give {allowed}")]
    Missing {
        /// Name of the parameter.
        name: String,
        /// What is allowed.
        allowed: Domain,
    },
}

fn suggestion(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default()
}

fn listed(known: &[String]) -> String {
    if known.is_empty() { "it takes none".to_owned() } else { format!("known: {}", known.join(", ")) }
}

/// Checks `given` against `descriptions` and fills in defaults: the result names every described parameter.
pub fn complete(
    descriptions: &[ParameterDescription],
    given: &Parameters,
) -> Result<Parameters, ParameterError> {
    if let Some(name) = given.keys().find(|name| !descriptions.iter().any(|d| d.name == **name)) {
        let known: Vec<String> = descriptions.iter().map(|d| d.name.clone()).collect();
        let nearest = nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
        return Err(ParameterError::Unknown { name: name.clone(), nearest, known });
    }
    let mut complete = Parameters::new();
    for description in descriptions {
        let value = match (given.get(&description.name), &description.default) {
            (Some(value), _) => description.check(value)?,
            (None, Some(default)) => default.clone(),
            (None, None) => {
                return Err(ParameterError::Missing {
                    name: description.name.clone(),
                    allowed: description.domain.clone(),
                });
            }
        };
        complete.insert(description.name.clone(), value);
    }
    Ok(complete)
}

/// The candidate nearest to `name` by Damerau-Levenshtein distance, if it is near enough to be a likely slip.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let limit = (length / 3).max(1);
    candidates
        // The distance is at least the difference of the lengths: a very long name costs no comparison.
        .filter(|c| c.chars().count().abs_diff(length) <= limit)
        .map(|c| (strsim::damerau_levenshtein(name, c), c))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptions() -> Vec<ParameterDescription> {
        vec![
            ParameterDescription::integer("rows", 1, 128, 32, "Rows of the array."),
            ParameterDescription::float("scale", 0.0, 1.0, 0.5, "A scale."),
            ParameterDescription::choice("dataflow", &["weight", "output"], "weight", "Which operand stays."),
        ]
    }

    #[test]
    fn defaults_fill_what_is_not_given_and_integers_become_floats() {
        let given = Parameters::from([("scale".to_owned(), ParameterValue::Integer(1))]);
        let complete = complete(&descriptions(), &given).unwrap();
        assert_eq!(complete["rows"], ParameterValue::Integer(32));
        assert_eq!(complete["scale"], ParameterValue::Float(1.0));
    }

    #[test]
    fn errors_quote_the_value_the_range_and_the_nearest_name() {
        let refused =
            complete(&descriptions(), &Parameters::from([("rows".into(), ParameterValue::Integer(0))]));
        assert_eq!(
            refused.unwrap_err().to_string(),
            "parameter `rows` = 0 is out of range: give a whole number from 1 to 128"
        );
        let unknown =
            complete(&descriptions(), &Parameters::from([("rosw".into(), ParameterValue::Integer(1))]));
        assert_eq!(
            unknown.unwrap_err().to_string(),
            "unknown parameter `rosw` (did you mean `rows`?); known: rows, scale, dataflow"
        );
        let nan =
            complete(&descriptions(), &Parameters::from([("scale".into(), ParameterValue::Float(f64::NAN))]));
        assert!(nan.is_err());
    }

    #[test]
    fn the_nearest_name_is_near() {
        let names = ["conv", "dense", "maxpool"];
        let find = |name: &str| nearest(name, names.into_iter());
        assert_eq!(find("cnov"), Some("conv"));
        assert_eq!(find("maxpol"), Some("maxpool"));
        assert_eq!(find("dropout"), None);
        assert_eq!(find(&"x".repeat(50_000_000)), None);
    }
}
