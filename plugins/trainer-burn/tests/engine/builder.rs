//! Workloads written by hand, shapes by the reference.

use crate::reference::{self, Map, Mode};
use codebench_sdk::api::{Engine, Network, NetworkOptions};
use codebench_sdk::model::*;
use codebench_sdk::prelude::{Configuration, Plugin, PluginError};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Builds a workload layer by layer.
pub(crate) struct Builder {
    pub(crate) workload: Workload,
}

impl Builder {
    pub(crate) fn new(channels: u64, height: u64, width: u64) -> Builder {
        let input = TensorShape::new(channels, height, width);
        Builder {
            workload: Workload {
                v: Workload::VERSION,
                tensors: vec![input],
                input: 0,
                output: 0,
                layers: vec![],
            },
        }
    }

    /// Adds a layer and answers its output tensor, which becomes the network's.
    pub(crate) fn add(&mut self, primitive: Primitive, inputs: &[TensorId]) -> TensorId {
        let index = self.workload.layers.len();
        let name = format!("l{index}.{}", primitive.name());
        let weights: Vec<WeightTensor> = weights_of(&primitive)
            .into_iter()
            .map(|(tail, role, shape)| WeightTensor { name: format!("{name}.{tail}"), role, shape })
            .collect();
        let maps: Vec<Map> = inputs
            .iter()
            .map(|id| {
                let s = self.workload.tensors[*id];
                Map::zeros(1, s.channels as usize, s.height as usize, s.width as usize)
            })
            .collect();
        let zeros: Vec<Vec<f64>> =
            weights.iter().map(|w| vec![0.0; w.shape.iter().product::<u64>() as usize]).collect();
        let maps: Vec<&Map> = maps.iter().collect();
        let output = self.workload.tensors.len();
        self.workload
            .tensors
            .push(reference::apply(&primitive, &maps, &zeros, Mode::Inference, index).shape());
        let parameters =
            weights.iter().filter(|w| w.role.is_parameter()).map(|w| w.shape.iter().product::<u64>()).sum();
        self.workload.layers.push(Layer {
            name,
            module: 0,
            vertex: index,
            primitive,
            inputs: inputs.to_vec(),
            output,
            weights,
            macs: 0,
            parameters,
        });
        self.workload.output = output;
        output
    }

    pub(crate) fn shape(&self, tensor: TensorId) -> TensorShape {
        self.workload.tensors[tensor]
    }

    /// Flattens `tensor` and ends in a dense layer.
    pub(crate) fn classify(&mut self, tensor: TensorId, classes: u64) {
        let flat = self.add(Primitive::Flatten, &[tensor]);
        let in_features = self.shape(flat).channels;
        self.add(Primitive::Dense { in_features, out_features: classes, bias: true }, &[flat]);
    }
}

fn weights_of(primitive: &Primitive) -> Vec<(&'static str, WeightRole, Vec<u64>)> {
    let linear = |shape: Vec<u64>, bias: bool| {
        let bias = bias.then(|| ("bias", WeightRole::Bias, vec![shape[0]]));
        [Some(("weight", WeightRole::Weight, shape)), bias].into_iter().flatten().collect()
    };
    match primitive {
        Primitive::Conv { in_channels, out_channels, kernel, groups, bias, .. } => {
            linear(vec![*out_channels, in_channels / groups, kernel[0], kernel[1]], *bias)
        }
        Primitive::Dense { in_features, out_features, bias } => {
            linear(vec![*out_features, *in_features], *bias)
        }
        Primitive::BatchNorm { channels, .. } => vec![
            ("weight", WeightRole::Gamma, vec![*channels]),
            ("bias", WeightRole::Beta, vec![*channels]),
            ("running_mean", WeightRole::RunningMean, vec![*channels]),
            ("running_var", WeightRole::RunningVariance, vec![*channels]),
        ],
        _ => vec![],
    }
}

/// A 3x3 convolution with padding 1 and bias.
pub(crate) fn conv(in_channels: u64, out_channels: u64) -> Primitive {
    Primitive::Conv {
        in_channels,
        out_channels,
        kernel: [3, 3],
        stride: [1, 1],
        padding: Padding::symmetric(1, 1),
        dilation: [1, 1],
        groups: 1,
        bias: true,
    }
}

/// Uniform numbers for tests.
pub(crate) struct Numbers(ChaCha8Rng);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Numbers {
        Numbers(ChaCha8Rng::seed_from_u64(seed))
    }

    /// In [-1, 1), exact in f32.
    pub(crate) fn signed(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / 8_388_608.0 - 1.0
    }

    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        self.0.next_u32() % bound
    }
}

pub(crate) fn options() -> NetworkOptions {
    NetworkOptions {
        seed: 5,
        optimizer: "sgd".into(),
        momentum: 0.9,
        betas: [0.9, 0.999],
        weight_decay: 0.0,
        label_smoothing: 0.1,
        clip_norm: 0.0,
    }
}

/// Names the device on which these tests compute; the default device unless given.
const DEVICE: &str = "CODEBENCH_BURN_DEVICE";

/// The engine with default parameters, on the device that [`DEVICE`] names.
pub(crate) fn engine() -> impl Engine {
    let catalog = codebench_sdk::api::Catalog::default();
    let device = std::env::var(DEVICE).ok().map(|name| ("device".to_owned(), ParameterValue::Text(name)));
    let given = Parameters::from_iter(device);
    let parameters = parameter::complete(&codebench_trainer_burn::Burn::info().parameters, &given).unwrap();
    codebench_trainer_burn::Burn::configure(&Configuration {
        parameters: &parameters,
        catalog: &catalog,
        hardware: Default::default(),
    })
    .unwrap()
}

pub(crate) fn build(workload: &Workload, options: &NetworkOptions) -> Result<Box<dyn Network>, PluginError> {
    engine().build(workload, options)
}
