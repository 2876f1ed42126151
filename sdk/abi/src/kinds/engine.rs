//! Kind `engine`: what is built as JSON documents, mini-batches as slices of f32 and labels of u32, tensors as one flat
//! list of f32 beside a document of their names and shapes.

use super::{call, plain_maker, table};
use crate::answer::{Answer, check_layout, guard};
use crate::crossing::Crossing;
use crate::document::{self, Document};
use crate::needs::NoNeeds;
use crate::object::{Object, This, state, state_mut};
use crate::version::BATCH_LAYOUT;
use abi_stable::StableAbi;
use abi_stable::std_types::{RSlice, RStr, RVec};
use codebench_api::{
    Engine, EvaluateResult, GradientsResult, Kind, MiniBatch, NamedTensor, Network, NetworkOptions,
    PluginError, StepOptions, StepResult, kinds,
};
use codebench_model::{TensorShape, WeightRole, Workload};
use serde::{Deserialize, Serialize};
#[cfg(not(feature = "first-contract"))]
use {crate::answer::received, abi_stable::std_types::ROption, codebench_api::OptimizerState};

/// Functions of an engine.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = EngineTableRef)))]
pub(crate) struct EngineTable {
    /// A [`Workload`] and [`NetworkOptions`].
    #[sabi(last_prefix_field)]
    build: unsafe extern "C" fn(This, RStr<'_>, RStr<'_>) -> Answer<Object<NetworkTableRef>>,
}

/// Functions of a network; all but `weights` change its state. The number before a batch is the version of its layout.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = NetworkTableRef)))]
pub(crate) struct NetworkTable {
    train_step: unsafe extern "C" fn(This, u32, Batch<'_>, f64, u64) -> Answer<Step>,
    evaluate: unsafe extern "C" fn(This, u32, Batch<'_>) -> Answer<RVec<f32>>,
    densities: unsafe extern "C" fn(This, u32, Batch<'_>) -> Answer<RVec<f64>>,
    gradients: unsafe extern "C" fn(This, u32, Batch<'_>, u64) -> Answer<Gradients>,
    weights: unsafe extern "C" fn(This, u32) -> Answer<Tensors>,
    /// Names and shapes, values.
    #[sabi(last_prefix_field)]
    set_weights: unsafe extern "C" fn(This, u32, RStr<'_>, RSlice<'_, f32>) -> Answer<()>,
    #[cfg(not(feature = "first-contract"))]
    optimizer_state: unsafe extern "C" fn(This, u32) -> Answer<ROption<Optimizer>>,
    /// Steps; names and shapes, values of the first moments; likewise of the second ones.
    #[cfg(not(feature = "first-contract"))]
    set_optimizer_state: unsafe extern "C" fn(
        This,
        u32,
        u64,
        RStr<'_>,
        RSlice<'_, f32>,
        RStr<'_>,
        RSlice<'_, f32>,
    ) -> Answer<()>,
}

/// [`MiniBatch`].
#[repr(C)]
#[derive(StableAbi)]
struct Batch<'a> {
    images: RSlice<'a, f32>,
    labels: RSlice<'a, u32>,
    channels: u64,
    height: u64,
    width: u64,
}

/// [`StepResult`].
#[repr(C)]
#[derive(StableAbi)]
struct Step {
    loss: f64,
    correct: u64,
}

/// [`GradientsResult`].
#[repr(C)]
#[derive(StableAbi)]
struct Gradients {
    loss: f64,
    gradients: Tensors,
}

/// [`NamedTensor`]s: a list of [`Head`]s, and all values one after another.
#[repr(C)]
#[derive(StableAbi)]
struct Tensors {
    heads: Document,
    values: RVec<f32>,
}

/// [`OptimizerState`].
#[cfg(not(feature = "first-contract"))]
#[repr(C)]
#[derive(StableAbi)]
struct Optimizer {
    steps: u64,
    first: Tensors,
    second: Tensors,
}

/// A [`NamedTensor`] without its values.
#[derive(Serialize, Deserialize)]
struct Head {
    name: String,
    role: WeightRole,
    shape: Vec<u64>,
}

impl<'a> From<&MiniBatch<'a>> for Batch<'a> {
    fn from(batch: &MiniBatch<'a>) -> Self {
        let TensorShape { channels, height, width } = batch.shape;
        Batch { images: batch.images.into(), labels: batch.labels.into(), channels, height, width }
    }
}

impl<'a> Batch<'a> {
    fn checked(self, layout: u32) -> Result<MiniBatch<'a>, PluginError> {
        check_layout(layout, BATCH_LAYOUT)?;
        let shape = TensorShape { channels: self.channels, height: self.height, width: self.width };
        Ok(MiniBatch { images: self.images.as_slice(), labels: self.labels.as_slice(), shape })
    }
}

impl Tensors {
    fn new(tensors: &[NamedTensor]) -> Result<Self, PluginError> {
        let head = |t: &NamedTensor| Head { name: t.name.clone(), role: t.role, shape: t.shape.clone() };
        let heads: Vec<Head> = tensors.iter().map(head).collect();
        let values = tensors.iter().flat_map(|t| t.values.iter().copied()).collect();
        Ok(Tensors { heads: document::write("the heads of the tensors", &heads)?, values })
    }
}

/// Values of a tensor.
fn count(shape: &[u64]) -> Option<usize> {
    let product = shape.iter().try_fold(1u64, |product, extent| product.checked_mul(*extent));
    product.and_then(|product| usize::try_from(product).ok())
}

fn tensors(heads: &str, mut values: &[f32]) -> Result<Vec<NamedTensor>, PluginError> {
    let heads: Vec<Head> = document::read("the heads of the tensors", heads)?;
    let mut tensors = Vec::with_capacity(heads.len());
    for Head { name, role, shape } in heads {
        let Some((own, rest)) = count(&shape).and_then(|count| values.split_at_checked(count)) else {
            let message = format!("tensor `{name}` of shape {shape:?} has {} values left", values.len());
            return Err(PluginError::contract(message));
        };
        values = rest;
        tensors.push(NamedTensor { name, role, shape, values: own.to_vec() });
    }
    Ok(tensors)
}

type EngineState = Box<dyn Engine>;
type State = Box<dyn Network>;

unsafe extern "C" fn build(
    this: This,
    workload: RStr<'_>,
    options: RStr<'_>,
) -> Answer<Object<NetworkTableRef>> {
    guard(|| {
        let workload: Workload = document::read("the workload", workload.as_str())?;
        let options: NetworkOptions = document::read("the options", options.as_str())?;
        // SAFETY: the contract of this module's functions.
        let network = unsafe { state::<EngineState>(this) }.build(&workload, &options)?;
        Ok(Object::new(network, ImportedNetwork::table()))
    })
}

unsafe extern "C" fn train_step(
    this: This,
    layout: u32,
    batch: Batch<'_>,
    learning_rate: f64,
    step: u64,
) -> Answer<Step> {
    guard(|| {
        let batch = batch.checked(layout)?;
        // SAFETY: the contract of this module's functions.
        let network = unsafe { state_mut::<State>(this) };
        let StepResult { loss, correct } =
            network.train_step(&batch, &StepOptions { learning_rate, step })?;
        Ok(Step { loss, correct })
    })
}

unsafe extern "C" fn evaluate(this: This, layout: u32, batch: Batch<'_>) -> Answer<RVec<f32>> {
    guard(|| {
        let batch = batch.checked(layout)?;
        // SAFETY: the contract of this module's functions.
        Ok(unsafe { state_mut::<State>(this) }.evaluate(&batch)?.logits.into())
    })
}

unsafe extern "C" fn densities(this: This, layout: u32, batch: Batch<'_>) -> Answer<RVec<f64>> {
    guard(|| {
        let batch = batch.checked(layout)?;
        // SAFETY: the contract of this module's functions.
        Ok(unsafe { state_mut::<State>(this) }.densities(&batch)?.into())
    })
}

unsafe extern "C" fn gradients(this: This, layout: u32, batch: Batch<'_>, step: u64) -> Answer<Gradients> {
    guard(|| {
        let batch = batch.checked(layout)?;
        // SAFETY: the contract of this module's functions.
        let GradientsResult { loss, gradients } =
            unsafe { state_mut::<State>(this) }.gradients(&batch, step)?;
        Ok(Gradients { loss, gradients: Tensors::new(&gradients)? })
    })
}

unsafe extern "C" fn weights(this: This, layout: u32) -> Answer<Tensors> {
    guard(|| {
        check_layout(layout, BATCH_LAYOUT)?;
        // SAFETY: the contract of this module's functions.
        Tensors::new(&unsafe { state::<State>(this) }.weights()?)
    })
}

unsafe extern "C" fn set_weights(
    this: This,
    layout: u32,
    heads: RStr<'_>,
    values: RSlice<'_, f32>,
) -> Answer<()> {
    guard(|| {
        check_layout(layout, BATCH_LAYOUT)?;
        let weights = tensors(heads.as_str(), values.as_slice())?;
        // SAFETY: the contract of this module's functions.
        unsafe { state_mut::<State>(this) }.set_weights(&weights)
    })
}

#[cfg(not(feature = "first-contract"))]
unsafe extern "C" fn optimizer_state(this: This, layout: u32) -> Answer<ROption<Optimizer>> {
    guard(|| {
        check_layout(layout, BATCH_LAYOUT)?;
        // SAFETY: the contract of this module's functions.
        let state = unsafe { state::<State>(this) }.optimizer_state()?;
        let Some(OptimizerState { steps, first, second }) = state else { return Ok(ROption::RNone) };
        Ok(ROption::RSome(Optimizer { steps, first: Tensors::new(&first)?, second: Tensors::new(&second)? }))
    })
}

#[cfg(not(feature = "first-contract"))]
unsafe extern "C" fn set_optimizer_state(
    this: This,
    layout: u32,
    steps: u64,
    first_heads: RStr<'_>,
    first: RSlice<'_, f32>,
    second_heads: RStr<'_>,
    second: RSlice<'_, f32>,
) -> Answer<()> {
    guard(|| {
        check_layout(layout, BATCH_LAYOUT)?;
        let state = OptimizerState {
            steps,
            first: tensors(first_heads.as_str(), first.as_slice())?,
            second: tensors(second_heads.as_str(), second.as_slice())?,
        };
        // SAFETY: the contract of this module's functions.
        unsafe { state_mut::<State>(this) }.set_optimizer_state(&state)
    })
}

/// An engine of the other side.
struct Imported(Object<EngineTableRef>);

impl Engine for Imported {
    fn build(&self, workload: &Workload, options: &NetworkOptions) -> Result<Box<dyn Network>, PluginError> {
        let workload = document::write("the workload", workload)?;
        let options = document::write("the options", options)?;
        Ok(Box::new(ImportedNetwork(call!(self.0, build, workload.as_rstr(), options.as_rstr())?)))
    }
}

/// A network of the other side.
struct ImportedNetwork(Object<NetworkTableRef>);

impl ImportedNetwork {
    fn table() -> NetworkTableRef {
        static TABLE: std::sync::OnceLock<NetworkTableRef> = std::sync::OnceLock::new();
        *TABLE.get_or_init(|| {
            let table = NetworkTable {
                train_step,
                evaluate,
                densities,
                gradients,
                weights,
                set_weights,
                #[cfg(not(feature = "first-contract"))]
                optimizer_state,
                #[cfg(not(feature = "first-contract"))]
                set_optimizer_state,
            };
            abi_stable::prefix_type::PrefixTypeTrait::leak_into_prefix(table)
        })
    }
}

impl Network for ImportedNetwork {
    fn train_step(&mut self, batch: &MiniBatch<'_>, step: &StepOptions) -> Result<StepResult, PluginError> {
        let StepOptions { learning_rate, step } = *step;
        let Step { loss, correct } =
            call!(self.0, train_step, BATCH_LAYOUT, batch.into(), learning_rate, step)?;
        Ok(StepResult { loss, correct })
    }

    fn evaluate(&mut self, batch: &MiniBatch<'_>) -> Result<EvaluateResult, PluginError> {
        let logits = call!(self.0, evaluate, BATCH_LAYOUT, batch.into())?;
        Ok(EvaluateResult { logits: logits.into_vec() })
    }

    fn densities(&mut self, batch: &MiniBatch<'_>) -> Result<Vec<f64>, PluginError> {
        Ok(call!(self.0, densities, BATCH_LAYOUT, batch.into())?.into_vec())
    }

    fn gradients(&mut self, batch: &MiniBatch<'_>, step: u64) -> Result<GradientsResult, PluginError> {
        let Gradients { loss, gradients } = call!(self.0, gradients, BATCH_LAYOUT, batch.into(), step)?;
        Ok(GradientsResult { loss, gradients: tensors(&gradients.heads, &gradients.values)? })
    }

    fn weights(&self) -> Result<Vec<NamedTensor>, PluginError> {
        let all = call!(self.0, weights, BATCH_LAYOUT)?;
        tensors(&all.heads, &all.values)
    }

    fn set_weights(&mut self, weights: &[NamedTensor]) -> Result<(), PluginError> {
        let all = whole(weights)?;
        call!(self.0, set_weights, BATCH_LAYOUT, all.heads.as_rstr(), all.values.as_rslice())
    }

    #[cfg(not(feature = "first-contract"))]
    fn optimizer_state(&self) -> Result<Option<OptimizerState>, PluginError> {
        let Some(function) = self.0.table().optimizer_state() else { return Ok(None) };
        // SAFETY: the function belongs to the object.
        let state = received(unsafe { function(self.0.this(), BATCH_LAYOUT) })?;
        let ROption::RSome(Optimizer { steps, first, second }) = state else { return Ok(None) };
        let [first, second] = [first, second].map(|all| tensors(&all.heads, &all.values));
        Ok(Some(OptimizerState { steps, first: first?, second: second? }))
    }

    #[cfg(not(feature = "first-contract"))]
    fn set_optimizer_state(&mut self, state: &OptimizerState) -> Result<(), PluginError> {
        let Some(function) = self.0.table().set_optimizer_state() else {
            return Err(PluginError::invalid(
                "the engine was built for a contract without optimiser states: build it again, or train from the first epoch",
            ));
        };
        let (first, second) = (whole(&state.first)?, whole(&state.second)?);
        let (first_heads, second_heads) = (first.heads.as_rstr(), second.heads.as_rstr());
        let (first, second) = (first.values.as_rslice(), second.values.as_rslice());
        // SAFETY: the function belongs to the object, and the borrow of the adapter keeps others away.
        received(unsafe {
            function(self.0.this(), BATCH_LAYOUT, state.steps, first_heads, first, second_heads, second)
        })
    }
}

/// `tensors`, each with as many values as its shape has: the other side tells them apart by their shapes.
fn whole(tensors: &[NamedTensor]) -> Result<Tensors, PluginError> {
    if let Some(tensor) = tensors.iter().find(|tensor| count(&tensor.shape) != Some(tensor.values.len())) {
        let NamedTensor { name, shape, values, .. } = tensor;
        return Err(PluginError::invalid(format!(
            "weight tensor `{name}` of shape {shape:?} with {} values is refused: give as many as its shape has",
            values.len()
        )));
    }
    Tensors::new(tensors)
}

impl Crossing for kinds::Engine {
    type Instance = dyn Engine;
    type Context = ();
    type Table = EngineTableRef;
    type Needs = NoNeeds;

    const KIND: Kind = Kind::Engine;

    plain_maker!(Engine);
    table!(EngineTable as EngineTableRef { build });

    fn import(object: Object<EngineTableRef>, _: &()) -> Result<Box<dyn Engine>, PluginError> {
        Ok(Box::new(Imported(object)))
    }
}
