//! Views and fusion: a workload becomes the list of layers that the accelerator runs.

mod view;

pub(crate) use view::features_per_channel;

use super::error::{CycleError, LayerRef};
use codebench_model::hardware::{FusedLayer, FusedOp, FusedWorkload, Storage, View};
use codebench_model::{Activation, Layer, Primitive, Workload};
use std::collections::BTreeSet;

/// Resolves views and fuses batch norms, activations and additions into the layers that produce their input.
///
/// # Errors
/// A slice that falls within a channel of a flattened tensor; a workload that reads what nothing has written.
pub fn fuse(workload: &Workload) -> Result<FusedWorkload, CycleError> {
    let mut fusion = Fusion::new(workload)?;
    for (index, layer) in workload.layers.iter().enumerate() {
        fusion.visit(index, layer)?;
    }
    fusion.finish()
}

struct Fusion<'a> {
    workload: &'a Workload,
    /// How each tensor lies in storages, once it is written.
    views: Vec<Option<View>>,
    /// The tensor that each storage holds in the end.
    held: Vec<usize>,
    /// Per tensor: the layers that read it, directly or through views.
    readers: Vec<BTreeSet<usize>>,
    /// Tensors that the network's output is made of.
    answers: BTreeSet<usize>,
    result: FusedWorkload,
}

impl<'a> Fusion<'a> {
    fn new(workload: &'a Workload) -> Result<Self, CycleError> {
        let tensors = workload.tensors.len();
        let dangling = || CycleError::Description("the workload reads a tensor that it does not have".into());
        let named = workload.layers.iter().flat_map(|l| l.inputs.iter().chain([&l.output]));
        if named.chain([&workload.input, &workload.output]).any(|t| *t >= tensors) {
            return Err(dangling());
        }
        let (readers, answers) = readers(workload)?;
        let image = workload.tensors[workload.input];
        let mut views = vec![None; tensors];
        views[workload.input] = Some(view::whole(0, image));
        Ok(Fusion {
            workload,
            views,
            held: vec![workload.input],
            readers,
            answers,
            result: FusedWorkload {
                storages: vec![Storage { shape: image, producer: None }],
                layers: Vec::new(),
                outputs: Vec::new(),
            },
        })
    }

    fn visit(&mut self, index: usize, layer: &Layer) -> Result<(), CycleError> {
        let inputs = self.inputs(index, layer)?;
        if is_view(&layer.primitive) {
            let view = view::of(&layer.primitive, &inputs, &self.result.storages)
                .map_err(|message| CycleError::Layer { layer: reference(index, layer), message })?;
            self.views[layer.output] = Some(view);
            return Ok(());
        }
        if let Some((producer, op)) = self.fusible(index, layer, &inputs) {
            let output = self.result.layers[producer].output;
            self.result.layers[producer].fused.push(op);
            self.held[output] = layer.output;
            self.views[layer.output] = Some(view::whole(output, self.workload.tensors[layer.output]));
            return Ok(());
        }
        let shape = self.workload.tensors[layer.output];
        let output = self.result.storages.len();
        self.result.storages.push(Storage { shape, producer: Some(self.result.layers.len()) });
        self.held.push(layer.output);
        self.views[layer.output] = Some(view::whole(output, shape));
        let primitive = layer.primitive.clone();
        self.result.layers.push(FusedLayer { layer: index, primitive, inputs, fused: Vec::new(), output });
        Ok(())
    }

    fn inputs(&self, index: usize, layer: &Layer) -> Result<Vec<View>, CycleError> {
        let unwritten = |tensor: usize| CycleError::Layer {
            layer: reference(index, layer),
            message: format!("it reads tensor {tensor} before it is written: order the layers topologically"),
        };
        layer.inputs.iter().map(|t| self.views[*t].clone().ok_or_else(|| unwritten(*t))).collect()
    }

    /// The layer that the operation is fused into.
    fn fusible(&self, index: usize, layer: &Layer, inputs: &[View]) -> Option<(usize, FusedOp)> {
        let producer = |slot: usize| {
            let (tensor, view) = (*layer.inputs.get(slot)?, inputs.get(slot)?);
            let storage = view::whole_storage(view, &self.result.storages)?;
            let root = self.held[storage];
            let alone = self.readers[root].len() == 1 && self.readers[root].contains(&index);
            let same = self.workload.tensors[tensor] == self.workload.tensors[layer.output];
            let free = alone && same && !self.answers.contains(&root);
            self.result.storages[storage].producer.filter(|_| free)
        };
        match layer.primitive {
            Primitive::BatchNorm { .. } => Some((producer(0)?, FusedOp::BatchNorm { layer: index })),
            Primitive::Activation { function } => {
                Some((producer(0)?, FusedOp::Activation { layer: index, function }))
            }
            Primitive::Add if inputs.len() == 2 => {
                let before = |producer: usize, other: &View| {
                    let made = |storage: usize| self.result.storages[storage].producer;
                    other.segments.iter().all(|s| made(s.storage).is_none_or(|p| p < producer))
                };
                let qualifies = |slot: usize| producer(slot).filter(|p| before(*p, &inputs[1 - slot]));
                let (producer, slot) =
                    [0, 1].into_iter().filter_map(|slot| Some((qualifies(slot)?, slot))).max()?;
                Some((producer, FusedOp::Add { layer: index, operand: inputs[1 - slot].clone() }))
            }
            _ => None,
        }
    }

    fn finish(mut self) -> Result<FusedWorkload, CycleError> {
        let view = self.views[self.workload.output].take().ok_or_else(|| {
            CycleError::Description(
                "the workload's output is never written: order the layers topologically".into(),
            )
        })?;
        for segment in view.segments {
            if !self.result.outputs.contains(&segment.storage) {
                self.result.outputs.push(segment.storage);
            }
        }
        Ok(self.result)
    }
}

/// Who reads each tensor that is not a view, and which of them the output is made of. A view shows the tensors that its
/// segments are made of, not those whose channels it drops.
fn readers(workload: &Workload) -> Result<(Vec<BTreeSet<usize>>, BTreeSet<usize>), CycleError> {
    let tensors: Vec<Storage> =
        workload.tensors.iter().map(|shape| Storage { shape: *shape, producer: None }).collect();
    let mut views: Vec<View> = tensors.iter().enumerate().map(|(t, s)| view::whole(t, s.shape)).collect();
    let mut readers = vec![BTreeSet::new(); tensors.len()];
    for (index, layer) in workload.layers.iter().enumerate() {
        let inputs: Vec<View> = layer.inputs.iter().map(|t| views[*t].clone()).collect();
        if is_view(&layer.primitive) {
            views[layer.output] = view::of(&layer.primitive, &inputs, &tensors)
                .map_err(|message| CycleError::Layer { layer: reference(index, layer), message })?;
        } else {
            for segment in inputs.iter().flat_map(|view| &view.segments) {
                readers[segment.storage].insert(index);
            }
        }
    }
    let answers = views[workload.output].segments.iter().map(|s| s.storage).collect();
    Ok((readers, answers))
}

fn is_view(primitive: &Primitive) -> bool {
    match primitive {
        Primitive::Flatten | Primitive::Dropout { .. } | Primitive::Slice { .. } | Primitive::Concat => true,
        Primitive::Activation { function } => *function == Activation::Identity,
        _ => false,
    }
}

fn reference(index: usize, layer: &Layer) -> LayerRef {
    LayerRef { index, primitive: layer.primitive.name(), name: Some(layer.name.clone()) }
}
