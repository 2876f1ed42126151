//! The plugin contracts of codebench: one trait per kind, descriptions as data, one error type, and the [`Catalog`].
//!
//! Every part of codebench that gives an answer is a plugin behind one of these traits, the paper's own parts
//! included. A plugin is a pure function of its parameters and arguments; strategies are pure functions of their seed
//! and the ordered log of calls. The host fills a [`Catalog`] and everybody else looks plugins up by id.
//!
//! Life of a plugin: [`Plugin::info`] describes it as data, [`Plugin::configure`] makes an instance from complete,
//! checked parameters, and the instance answers the calls of its kind's trait until it is dropped.

mod accel_module;
mod catalog;
mod cnn_op;
mod engine;
mod error;
mod evaluator;
mod executor;
mod info;
mod memory;
mod plugin;
mod strategy;
mod surrogate;

pub use accel_module::AccelModule;
pub use catalog::{Catalog, CatalogError, Entry};
pub use cnn_op::{
    ChannelRequest, CnnOp, LowerContext, LowerRequest, LoweredNode, LoweredOp, MAX_LOWERED_INPUTS,
    MAX_LOWERED_NODES, MAX_NODE_NAME_BYTES, NodeInput, Semantics,
};
pub use engine::{
    Engine, EvaluateResult, GradientsResult, MiniBatch, NamedTensor, Network, NetworkOptions, OptimizerState,
    StepOptions, StepResult,
};
pub use error::{ErrorKind, PluginError};
pub use evaluator::{Evaluator, Reads};
pub use executor::Executor;
pub use info::{Example, Form, Kind, PluginInfo};
pub use memory::Memory;
pub use plugin::{
    Configuration, Factory, KindOf, Make, MakeFor, Maker, Plugin, Registration, Registrations, kinds,
};
pub use strategy::{Strategy, StrategyContext, Tell};
pub use surrogate::{Prediction, Surrogate, SurrogateContext};

/// Re-exported so that the SDK's macros can name it.
pub use inventory;
