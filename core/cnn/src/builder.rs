//! A workload under construction: every layer's shape, weights and counts come from its primitive, within the limits.

use crate::error::Fault;
use codebench_model::{Layer, Primitive, TensorId, TensorShape, WeightTensor, Workload};

/// Most elements of one activation tensor: 2^32.
pub const MAX_TENSOR_ELEMENTS: u64 = 1 << 32;
/// Most parameters of a CNN: 2^36.
pub const MAX_PARAMETERS: u64 = 1 << 36;
/// Most multiply-accumulates of a CNN for one image: 2^50.
pub const MAX_MACS: u64 = 1 << 50;
/// Most vertices of a CNN, those of equal modules counted each time: 2^17.
pub const MAX_VERTICES: usize = 1 << 17;

/// Where a layer comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) module: usize,
    pub(crate) vertex: usize,
}

pub(crate) struct Builder {
    tensors: Vec<TensorShape>,
    layers: Vec<Layer>,
    parameters: u64,
    macs: u64,
}

impl Builder {
    pub(crate) fn new(image: TensorShape) -> Self {
        Builder { tensors: vec![image], layers: Vec::new(), parameters: 0, macs: 0 }
    }

    /// The image.
    pub(crate) const IMAGE: TensorId = 0;

    pub(crate) fn shape(&self, tensor: TensorId) -> TensorShape {
        self.tensors.get(tensor).copied().unwrap_or(TensorShape::new(0, 0, 0))
    }

    pub(crate) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Appends a layer named `m{module}.v{vertex}.{name}` and returns the tensor it writes.
    pub(crate) fn push(
        &mut self,
        place: Place,
        name: &str,
        primitive: Primitive,
        inputs: Vec<TensorId>,
    ) -> Result<TensorId, Fault> {
        let op = primitive.name();
        let shape = match inputs.as_slice() {
            [one] => primitive.output_shape(&[self.shape(*one)]),
            many => {
                let shapes: Vec<TensorShape> = many.iter().map(|t| self.shape(*t)).collect();
                primitive.output_shape(&shapes)
            }
        }
        .map_err(|e| Fault::infeasible(e.to_string()))?;
        let elements = shape.elements().unwrap_or(u64::MAX);
        limit(op, "elements in its output", elements, MAX_TENSOR_ELEMENTS)?;
        let parameters = primitive.parameter_count().unwrap_or(u64::MAX);
        limit(op, "parameters", parameters, MAX_PARAMETERS)?;
        let macs = primitive.mac_count(shape).unwrap_or(u64::MAX);
        limit(op, "multiply-accumulates", macs, MAX_MACS)?;
        self.parameters += parameters;
        limit("the CNN up to here", "parameters", self.parameters, MAX_PARAMETERS)?;
        self.macs += macs;
        limit("the CNN up to here", "multiply-accumulates", self.macs, MAX_MACS)?;

        let Place { module, vertex } = place;
        let name = format!("m{module}.v{vertex}.{name}");
        let weights = primitive.weight_shapes().into_iter();
        let weights = weights.map(|(suffix, role, shape)| WeightTensor {
            name: format!("{name}.{suffix}"),
            role,
            shape,
        });
        let weights = weights.collect();
        let output = self.tensors.len();
        self.tensors.push(shape);
        self.layers.push(Layer {
            name,
            module,
            vertex,
            primitive,
            inputs,
            output,
            weights,
            macs,
            parameters,
        });
        Ok(output)
    }

    pub(crate) fn finish(self, output: TensorId) -> Workload {
        Workload {
            v: Workload::VERSION,
            tensors: self.tensors,
            input: Self::IMAGE,
            output,
            layers: self.layers,
        }
    }
}

fn limit(who: &str, what: &str, value: u64, limit: u64) -> Result<(), Fault> {
    if value <= limit {
        return Ok(());
    }
    let value = if value == u64::MAX { "2^64 or more".to_owned() } else { value.to_string() };
    Err(Fault::infeasible(format!(
        "{who} needs {value} {what}; at most {limit} are allowed: use smaller sizes"
    )))
}
