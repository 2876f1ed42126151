//! Reading one line. The documented form is `codebench_model::SimulationJob`; it is read field by field, so that errors
//! name the field and a CNN seen before is recognised without reading it again.

use super::fault;
use crate::distinct;
use codebench_model::{
    AcceleratorInput, CnnGraph, Fidelity, ParameterValue, Parameters, SimulationFault, SimulationJob,
    parameter,
};
use serde::Deserialize;
use serde::de::{Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

const FIELDS: [&str; 8] = ["v", "id", "cnn", "image", "channels", "classes", "accelerator", "fidelity"];
const GRAPH_FIELDS: [&str; 2] = ["graph", "default_channels"];
/// Longest quotation of a user's value in a message.
const QUOTED: usize = 60;

/// The fields of an object as they are written, in order.
pub(super) struct Fields<'a>(Vec<(String, &'a RawValue)>);

/// A checked job.
pub(super) struct Job<'a> {
    pub(super) cnn: Cnn<'a>,
    pub(super) image: u64,
    pub(super) channels: u64,
    pub(super) classes: u64,
    pub(super) accelerator: AcceleratorInput,
    pub(super) fidelity: Fidelity,
}

/// Which CNN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cnn<'a> {
    /// A network by name.
    Name(String),
    /// A graph in the published form.
    Graph { text: &'a str, default_channels: u64 },
}

/// Splits a line into its fields.
pub(super) fn fields(line: &[u8]) -> Result<Fields<'_>, SimulationFault> {
    let text = std::str::from_utf8(line).map_err(|error| {
        fault(
            "invalid_json",
            format!("the line is not UTF-8: the byte at offset {} is invalid", error.valid_up_to()),
        )
    })?;
    if text.trim().is_empty() {
        return Err(fault("invalid_json", "the line is empty: give one JSON object per line"));
    }
    let fields = object(text).map_err(|error| {
        let error = by_column(&error);
        fault("invalid_json", format!("not a job: {error}; give one JSON object per line, such as {EXAMPLE}"))
    })?;
    // The id is answered as it is written; a number beyond double precision could not be read back by all.
    match serde_json::from_str::<serde_json::Value>(fields.id()) {
        Ok(_) => Ok(fields),
        Err(_) => Err(refused("id", fields.id(), "any JSON value whose numbers fit double precision")),
    }
}

const EXAMPLE: &str = r#"{"cnn":"published/resnet18","accelerator":{"pib":2},"fidelity":"cycle"}"#;

/// A job is one line, and which line of the input it is this reader does not know.
fn by_column(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", " at column ")
}

/// What is no list of numbers: the entry that is none, or the whole.
fn not_a_vector(text: &str, allowed: &str) -> SimulationFault {
    let entries: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
    let is_number = |entry: &RawValue| serde_json::from_str::<f64>(entry.get()).is_ok();
    match entries.iter().position(|entry| !is_number(entry)) {
        Some(index) => {
            let name = format!("accelerator[{index}]");
            refused(&name, entries[index].get(), "a number of double precision, within -1.8e308 to 1.8e308")
        }
        None => refused("accelerator", text, allowed),
    }
}

/// What is not an object as it should be: one with a field twice, or something else.
fn not_an_object(name: &str, text: &str, allowed: &str, error: &serde_json::Error) -> SimulationFault {
    if text.starts_with('{') {
        return fault("invalid_field", format!("in `{name}`: {}", by_column(error)));
    }
    refused(name, text, allowed)
}

fn object(text: &str) -> Result<Fields<'_>, serde_json::Error> {
    serde_json::from_str(text)
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields: Vec<(String, &RawValue)> = Vec::with_capacity(FIELDS.len());
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if fields.iter().any(|(known, _)| *known == name) {
                        return Err(A::Error::custom(format_args!("field `{}` occurs twice", quote(&name))));
                    }
                    fields.push((name, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

impl<'a> Fields<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.get())
    }

    fn required(&self, name: &str, allowed: &str) -> Result<&'a str, SimulationFault> {
        self.get(name)
            .ok_or_else(|| fault("missing_field", format!("field `{name}` is required: give {allowed}")))
    }

    fn only(&self, known: &[&str]) -> Result<(), SimulationFault> {
        let Some((name, _)) = self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) else {
            return Ok(());
        };
        let hint = parameter::nearest(name, known.iter().copied())
            .map(|n| format!(" (did you mean `{n}`?)"))
            .unwrap_or_default();
        let message = format!("unknown field `{}`{hint}; known: {}", quote(name), known.join(", "));
        Err(fault("unknown_field", message))
    }

    /// A whole number of at least 1.
    fn count(&self, name: &str, standard: u64) -> Result<u64, SimulationFault> {
        let Some(text) = self.get(name) else { return Ok(standard) };
        let whole = text.parse::<u64>().ok().or_else(|| {
            let number: f64 = serde_json::from_str(text).ok()?;
            (number.fract() == 0.0 && (0.0..9e15).contains(&number)).then_some(number as u64)
        });
        whole.filter(|n| *n >= 1).ok_or_else(|| refused(name, text, "a whole number from 1 to 2^64 - 1"))
    }

    /// The id as it is written.
    pub(super) fn id(&self) -> &'a str {
        self.get("id").unwrap_or("null")
    }

    /// The job, checked.
    pub(super) fn job(&self) -> Result<Job<'a>, SimulationFault> {
        self.only(&FIELDS)?;
        let version = self.count("v", SimulationJob::standard_version())?;
        if version != SimulationJob::standard_version() {
            return Err(fault(
                "unsupported_version",
                format!("`v` = {version}: this program reads version 1"),
            ));
        }
        let fidelity = self.fidelity()?;
        let job = Job {
            fidelity,
            cnn: self.cnn()?,
            image: self.count("image", SimulationJob::standard_image())?,
            channels: self.count("channels", SimulationJob::standard_channels())?,
            classes: self.count("classes", SimulationJob::standard_classes())?,
            accelerator: self.accelerator()?,
        };
        Ok(job)
    }

    fn fidelity(&self) -> Result<Fidelity, SimulationFault> {
        let allowed = r#""cycle" or "published""#;
        let Some(text) = self.get("fidelity") else { return Ok(Fidelity::default()) };
        let name: Option<String> = serde_json::from_str(text).ok();
        Fidelity::ALL
            .into_iter()
            .find(|(_, known)| name.as_deref() == Some(*known))
            .map(|(fidelity, _)| fidelity)
            .ok_or_else(|| refused("fidelity", text, allowed))
    }

    fn cnn(&self) -> Result<Cnn<'a>, SimulationFault> {
        let allowed =
            r#"a network's name such as "published/resnet18", or {"graph": [[adjacency, labels], ...]}"#;
        let text = self.required("cnn", allowed)?;
        if let Ok(name) = serde_json::from_str::<String>(text) {
            return Ok(Cnn::Name(name));
        }
        let fields: Fields<'a> = object(text).map_err(|e| not_an_object("cnn", text, allowed, &e))?;
        fields.only(&GRAPH_FIELDS)?;
        let graph = fields.required("graph", "the modules [[adjacency, labels], ...]")?;
        if !graph.starts_with('[') {
            return Err(refused("graph", graph, "the modules [[adjacency, labels], ...]"));
        }
        let default_channels = fields.count("default_channels", CnnGraph::standard_default_channels())?;
        Ok(Cnn::Graph { text: graph, default_channels })
    }

    fn accelerator(&self) -> Result<AcceleratorInput, SimulationFault> {
        let allowed = r#"the vector of 13 numbers, named parameters such as {"pib": 2, "memory": "rram"}, or a description with `module`"#;
        let text = self.required("accelerator", allowed)?;
        if text.starts_with('[') {
            let vector = serde_json::from_str(text).map_err(|_| not_a_vector(text, allowed))?;
            return Ok(AcceleratorInput::Vector(vector));
        }
        let fields: Fields<'a> = object(text).map_err(|e| not_an_object("accelerator", text, allowed, &e))?;
        if fields.get("module").is_none() {
            return Ok(AcceleratorInput::Named(fields.parameters()?));
        }
        let described = distinct::check(text).and_then(|()| serde_json::from_str(text)).map_err(|error| {
            let error = by_column(&error);
            fault("accelerator_description", format!("the accelerator's description: {error}"))
        })?;
        Ok(AcceleratorInput::Described(described))
    }

    fn parameters(self) -> Result<Parameters, SimulationFault> {
        self.0
            .into_iter()
            .map(|(name, value)| match serde_json::from_str::<ParameterValue>(value.get()) {
                Ok(value) => Ok((name, value)),
                Err(_) => {
                    let name = format!("accelerator.{}", quote(&name));
                    Err(refused(&name, value.get(), "a number or the name of a memory"))
                }
            })
            .collect()
    }
}

fn refused(name: &str, text: &str, allowed: &str) -> SimulationFault {
    fault("invalid_field", format!("field `{name}` = {} is not allowed: give {allowed}", quote(text)))
}

/// The beginning of a text.
fn quote(text: &str) -> String {
    if text.chars().nth(QUOTED).is_none() {
        return text.to_owned();
    }
    text.chars().take(QUOTED).chain("...".chars()).collect()
}
