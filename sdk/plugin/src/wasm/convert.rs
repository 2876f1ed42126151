//! Between the types of the contract and those of `model` and `api`.

use super::bindings::codebench::plugin::types;
use codebench_api::{ErrorKind, PluginError};
use codebench_model::{Cause, EventFacts, ParameterValue};

impl From<PluginError> for types::Error {
    fn from(error: PluginError) -> Self {
        let kind = match error.kind {
            ErrorKind::Invalid => types::ErrorKind::Invalid,
            ErrorKind::Infeasible => types::ErrorKind::Infeasible,
            ErrorKind::NotFound => types::ErrorKind::NotFound,
            ErrorKind::Failed => types::ErrorKind::Failed,
            ErrorKind::Limit => types::ErrorKind::Limit,
            ErrorKind::Contract => types::ErrorKind::Contract,
        };
        types::Error { kind, message: error.message }
    }
}

impl From<types::Value> for ParameterValue {
    fn from(value: types::Value) -> Self {
        match value {
            types::Value::Boolean(b) => ParameterValue::Boolean(b),
            types::Value::Integer(i) => ParameterValue::Integer(i),
            types::Value::Float(x) => ParameterValue::Float(x),
            types::Value::Text(s) => ParameterValue::Text(s),
        }
    }
}

impl From<ParameterValue> for types::Value {
    fn from(value: ParameterValue) -> Self {
        match value {
            ParameterValue::Boolean(b) => types::Value::Boolean(b),
            ParameterValue::Integer(i) => types::Value::Integer(i),
            ParameterValue::Float(x) => types::Value::Float(x),
            ParameterValue::Text(s) => types::Value::Text(s),
        }
    }
}

impl From<EventFacts> for types::Event {
    fn from(event: EventFacts) -> Self {
        let cause = match event.cause {
            Cause::Mac => types::Cause::Mac,
            Cause::BufferRead => types::Cause::BufferRead,
            Cause::BufferWrite => types::Cause::BufferWrite,
            Cause::Dma => types::Cause::Dma,
            Cause::Memory => types::Cause::Memory,
            Cause::Vector => types::Cause::Vector,
            Cause::Control => types::Cause::Control,
        };
        types::Event { name: event.name, cause, energy_pj: event.energy_pj }
    }
}
