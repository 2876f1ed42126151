//! Workloads made of another one, in which an engine's gradients and logits are what a proxy asks for.

use codebench_sdk::prelude::*;

/// The layer that [`summed`] adds.
pub(super) const SUM: &str = "sum of the logits";

fn layer(name: &str, primitive: Primitive, inputs: Vec<TensorId>, output: TensorId) -> Layer {
    let weights = Vec::new();
    Layer {
        name: name.into(),
        module: 0,
        vertex: 0,
        primitive,
        inputs,
        output,
        weights,
        macs: 0,
        parameters: 0,
    }
}

/// The same network without batch norms and dropout, with two logits: the first is made to be the sum of the classes' by the
/// weights of the layer [`SUM`], the second is 0.
pub(super) fn summed(workload: &Workload) -> Workload {
    let mut summed = workload.clone();
    for layer in &mut summed.layers {
        if matches!(layer.primitive, Primitive::BatchNorm { .. } | Primitive::Dropout { .. }) {
            layer.primitive = Primitive::Activation { function: Activation::Identity };
            layer.weights.clear();
        }
    }
    let in_features = summed.tensors[summed.output].channels;
    let dense = Primitive::Dense { in_features, out_features: 2, bias: false };
    let output = summed.tensors.len();
    summed.tensors.push(TensorShape::new(2, 1, 1));
    let mut last = layer(SUM, dense, vec![summed.output], output);
    last.weights =
        vec![WeightTensor { name: SUM.into(), role: WeightRole::Weight, shape: vec![2, in_features] }];
    summed.layers.push(last);
    summed.output = output;
    summed
}

/// Whether a unit is on or off by the sign of its output.
fn switches(primitive: &Primitive) -> bool {
    use Activation::*;
    let Primitive::Activation { function } = primitive else { return false };
    matches!(function, Relu | Relu6 | LeakyRelu | Silu | Gelu | Hswish | Tanh)
}

/// The same network, whose logits are the outputs of all units that switch; `None` if there is none.
pub(super) fn units(workload: &Workload) -> Option<Workload> {
    let mut units = workload.clone();
    let mut vectors = Vec::new();
    for (index, switching) in workload.layers.iter().enumerate().filter(|(_, l)| switches(&l.primitive)) {
        let features = workload.tensors[switching.output].elements()?;
        let output = units.tensors.len();
        units.tensors.push(TensorShape::new(features, 1, 1));
        let name = format!("units of layer {index}");
        units.layers.push(layer(&name, Primitive::Flatten, vec![switching.output], output));
        vectors.push(output);
    }
    units.output = match vectors[..] {
        [] => return None,
        [only] => only,
        _ => {
            let features = vectors.iter().map(|id| units.tensors[*id].channels).sum();
            let output = units.tensors.len();
            units.tensors.push(TensorShape::new(features, 1, 1));
            units.layers.push(layer("units", Primitive::Concat, vectors, output));
            output
        }
    };
    Some(units)
}
