//! Section 2 of the cycle model: views, and operations fused into the layer before them.

use crate::outcome::Failure;
use codebench_model::hardware::{FusedLayer, FusedOp, FusedWorkload, Segment, Storage, View};
use codebench_model::{Activation, Primitive, TensorShape, Workload};
use std::collections::BTreeSet;

struct Fuser<'a> {
    workload: &'a Workload,
    /// How each tensor lies in storages, once it is written.
    views: Vec<View>,
    /// The tensor that each storage holds so far.
    held: Vec<usize>,
    /// Layers that are no views and read a tensor, directly or through views.
    readers: Vec<BTreeSet<usize>>,
    /// Tensors that the network answers with.
    answers: BTreeSet<usize>,
    fused: FusedWorkload,
}

fn is_view(primitive: &Primitive) -> bool {
    matches!(
        primitive,
        Primitive::Flatten
            | Primitive::Dropout { .. }
            | Primitive::Slice { .. }
            | Primitive::Concat
            | Primitive::Activation { function: Activation::Identity }
    )
}

fn whole(storage: usize, shape: TensorShape) -> View {
    View { shape, segments: vec![Segment { storage, first_channel: 0, channels: shape.channels }] }
}

/// The view that a layer without cost makes, or nothing if it cuts a channel.
fn view_of(workload: &Workload, index: usize, views: &[View], storages: &[Storage]) -> Option<View> {
    let layer = &workload.layers[index];
    let shape = workload.tensors[layer.output];
    let inputs = layer.inputs.iter().map(|&input| &views[input]);
    let segments = match layer.primitive {
        Primitive::Slice { start, end } => slice(&views[layer.inputs[0]], storages, start, end)?,
        _ => inputs.flat_map(|view| view.segments.clone()).collect(),
    };
    Some(View { shape, segments })
}

/// Segments of the channels or features `start..end` of a view.
fn slice(view: &View, storages: &[Storage], start: u64, end: u64) -> Option<Vec<Segment>> {
    let vector = view.shape.height == 1 && view.shape.width == 1;
    let mut segments = Vec::new();
    let mut at = 0;
    for segment in &view.segments {
        let shape = storages[segment.storage].shape;
        let plane = if vector { shape.height * shape.width } else { 1 };
        let (low, high) = (start.max(at), end.min(at + segment.channels * plane));
        if low < high {
            let (low, high) = (low - at, high - at);
            if low % plane != 0 || high % plane != 0 {
                return None;
            }
            let first_channel = segment.first_channel + low / plane;
            segments.push(Segment { first_channel, channels: (high - low) / plane, ..*segment });
        }
        at += segment.channels * plane;
    }
    Some(segments)
}

/// Every tensor as if it were a storage of its own, and views of them.
fn tensor_views(workload: &Workload) -> Result<Vec<View>, Failure> {
    let tensors = &workload.tensors;
    let storages: Vec<Storage> = tensors.iter().map(|&shape| Storage { shape, producer: None }).collect();
    let mut views: Vec<View> = tensors.iter().enumerate().map(|(t, &shape)| whole(t, shape)).collect();
    for (index, layer) in workload.layers.iter().enumerate() {
        if is_view(&layer.primitive) {
            let view = view_of(workload, index, &views, &storages);
            views[layer.output] = view.ok_or(Failure::Slice { layer: index })?;
        }
    }
    Ok(views)
}

/// The fused workload.
pub fn fuse(workload: &Workload) -> Result<FusedWorkload, Failure> {
    let views = tensor_views(workload)?;
    let shown = |tensor: usize| views[tensor].segments.iter().map(|segment| segment.storage);
    let mut readers = vec![BTreeSet::new(); workload.tensors.len()];
    for (index, layer) in workload.layers.iter().enumerate() {
        if !is_view(&layer.primitive) {
            for tensor in layer.inputs.iter().flat_map(|&input| shown(input)) {
                readers[tensor].insert(index);
            }
        }
    }
    let image = workload.tensors[workload.input];
    let storages = vec![Storage { shape: image, producer: None }];
    let mut fuser = Fuser {
        workload,
        views: workload.tensors.iter().map(|&shape| whole(0, shape)).collect(),
        held: vec![workload.input],
        readers,
        answers: shown(workload.output).collect(),
        fused: FusedWorkload { storages, layers: Vec::new(), outputs: Vec::new() },
    };
    for index in 0..workload.layers.len() {
        fuser.visit(index)?;
    }
    let mut outputs: Vec<usize> = Vec::new();
    for segment in &fuser.views[workload.output].segments {
        if !outputs.contains(&segment.storage) {
            outputs.push(segment.storage);
        }
    }
    fuser.fused.outputs = outputs;
    Ok(fuser.fused)
}

impl Fuser<'_> {
    fn view(&self, tensor: usize) -> View {
        self.views[tensor].clone()
    }

    fn visit(&mut self, index: usize) -> Result<(), Failure> {
        let layer = &self.workload.layers[index];
        let shape = self.workload.tensors[layer.output];
        self.views[layer.output] = if is_view(&layer.primitive) {
            let view = view_of(self.workload, index, &self.views, &self.fused.storages);
            view.ok_or(Failure::Slice { layer: index })?
        } else if let Some((producer, op)) = self.fusable(index) {
            self.fused.layers[producer].fused.push(op);
            let storage = self.fused.layers[producer].output;
            self.held[storage] = layer.output;
            whole(storage, shape)
        } else {
            whole(self.new_layer(index, shape), shape)
        };
        Ok(())
    }

    fn new_layer(&mut self, index: usize, shape: TensorShape) -> usize {
        let layer = &self.workload.layers[index];
        let output = self.fused.storages.len();
        self.held.push(layer.output);
        self.fused.storages.push(Storage { shape, producer: Some(self.fused.layers.len()) });
        self.fused.layers.push(FusedLayer {
            layer: index,
            primitive: layer.primitive.clone(),
            inputs: layer.inputs.iter().map(|&input| self.view(input)).collect(),
            fused: Vec::new(),
            output,
        });
        output
    }

    /// The layer that a layer of the workload is fused into, and as what.
    fn fusable(&self, index: usize) -> Option<(usize, FusedOp)> {
        let layer = &self.workload.layers[index];
        match (&layer.primitive, &layer.inputs[..]) {
            (Primitive::BatchNorm { .. }, [input]) => {
                Some((self.producer(index, *input)?, FusedOp::BatchNorm { layer: index }))
            }
            (Primitive::Activation { function }, [input]) => {
                let op = FusedOp::Activation { layer: index, function: *function };
                Some((self.producer(index, *input)?, op))
            }
            (Primitive::Add, [first, second]) => {
                let sides = [(*first, *second), (*second, *first)];
                let fits = |(input, other): (usize, usize)| {
                    let producer = self.producer(index, input)?;
                    let operand = self.view(other);
                    let before = |s: &Segment| self.fused.storages[s.storage].producer < Some(producer);
                    operand.segments.iter().all(before).then_some((producer, operand))
                };
                let later = sides.into_iter().filter_map(fits).max_by_key(|(producer, _)| *producer);
                later.map(|(producer, operand)| (producer, FusedOp::Add { layer: index, operand }))
            }
            _ => None,
        }
    }

    /// The fused layer that produced exactly this input for this sole reader.
    fn producer(&self, index: usize, input: usize) -> Option<usize> {
        let view = &self.views[input];
        let [segment] = view.segments[..] else { return None };
        let storage = self.fused.storages[segment.storage];
        let output = self.workload.tensors[self.workload.layers[index].output];
        let exact = segment.channels == storage.shape.channels
            && view.shape == storage.shape
            && storage.shape == output;
        let held = self.held[segment.storage];
        let sole = self.readers[held] == BTreeSet::from([index]);
        storage.producer.filter(|_| exact && sole && !self.answers.contains(&held))
    }
}
