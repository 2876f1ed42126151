//! Section 2 of the cycle model: views, and operations fused into the layer before them.

use crate::outcome::Failure;
use codebench_model::hardware::{FusedLayer, FusedOp, FusedWorkload, Segment, Storage, View};
use codebench_model::{Activation, Primitive, TensorShape, Workload};
use std::collections::BTreeSet;

/// What is known of a tensor.
#[derive(Clone)]
struct Known {
    view: View,
    /// Tensors that are no views themselves and that this one shows.
    roots: BTreeSet<usize>,
}

struct Fuser<'a> {
    workload: &'a Workload,
    known: Vec<Option<Known>>,
    /// Layers that are no views and read a tensor, directly or through views.
    readers: Vec<BTreeSet<usize>>,
    output_roots: BTreeSet<usize>,
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

/// Tensors that are no views and that each tensor shows.
fn roots(workload: &Workload) -> Vec<BTreeSet<usize>> {
    let mut roots: Vec<BTreeSet<usize>> = (0..workload.tensors.len()).map(|t| BTreeSet::from([t])).collect();
    for layer in &workload.layers {
        if is_view(&layer.primitive) {
            roots[layer.output] = layer.inputs.iter().flat_map(|&input| roots[input].clone()).collect();
        }
    }
    roots
}

/// The fused workload.
pub fn fuse(workload: &Workload) -> Result<FusedWorkload, Failure> {
    let roots = roots(workload);
    let mut readers = vec![BTreeSet::new(); workload.tensors.len()];
    for (index, layer) in workload.layers.iter().enumerate() {
        if !is_view(&layer.primitive) {
            for root in layer.inputs.iter().flat_map(|&input| &roots[input]) {
                readers[*root].insert(index);
            }
        }
    }
    let image = workload.tensors[workload.input];
    let mut known: Vec<Option<Known>> = vec![None; workload.tensors.len()];
    known[workload.input] = Some(Known { view: whole(0, image), roots: BTreeSet::from([workload.input]) });
    let storages = vec![Storage { shape: image, producer: None }];
    let fused = FusedWorkload { storages, layers: Vec::new(), outputs: Vec::new() };
    let output_roots = roots[workload.output].clone();
    let mut fuser = Fuser { workload, known, readers, output_roots, fused };
    for index in 0..workload.layers.len() {
        fuser.visit(index)?;
    }
    let mut outputs: Vec<usize> = Vec::new();
    for segment in fuser.view(workload.output).segments {
        if !outputs.contains(&segment.storage) {
            outputs.push(segment.storage);
        }
    }
    fuser.fused.outputs = outputs;
    Ok(fuser.fused)
}

impl Fuser<'_> {
    fn known(&self, tensor: usize) -> Known {
        let unwritten = || Known { view: whole(0, self.workload.tensors[tensor]), roots: BTreeSet::new() };
        self.known[tensor].clone().unwrap_or_else(unwritten)
    }

    fn view(&self, tensor: usize) -> View {
        self.known(tensor).view
    }

    fn visit(&mut self, index: usize) -> Result<(), Failure> {
        let layer = &self.workload.layers[index];
        let shape = self.workload.tensors[layer.output];
        if is_view(&layer.primitive) {
            let mut segments = Vec::new();
            let mut roots = BTreeSet::new();
            for &input in &layer.inputs {
                let known = self.known(input);
                segments.extend(known.view.segments);
                roots.extend(known.roots);
            }
            if let Primitive::Slice { start, end } = layer.primitive {
                let view = self.view(layer.inputs[0]);
                segments = self.slice(&view, start, end).ok_or(Failure::Slice { layer: index })?;
            }
            self.known[layer.output] = Some(Known { view: View { shape, segments }, roots });
            return Ok(());
        }
        let storage = match self.fusable(index) {
            Some((producer, op)) => {
                self.fused.layers[producer].fused.push(op);
                self.fused.layers[producer].output
            }
            None => self.new_layer(index, shape),
        };
        self.known[layer.output] =
            Some(Known { view: whole(storage, shape), roots: BTreeSet::from([layer.output]) });
        Ok(())
    }

    fn new_layer(&mut self, index: usize, shape: TensorShape) -> usize {
        let layer = &self.workload.layers[index];
        let output = self.fused.storages.len();
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

    /// Segments of the channels or features `start..end` of a view.
    fn slice(&self, view: &View, start: u64, end: u64) -> Option<Vec<Segment>> {
        let vector = view.shape.height == 1 && view.shape.width == 1;
        let mut segments = Vec::new();
        let mut at = 0;
        for segment in &view.segments {
            let shape = self.fused.storages[segment.storage].shape;
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
        let known = self.known(input);
        let [segment] = known.view.segments[..] else { return None };
        let storage = self.fused.storages[segment.storage];
        let output = self.workload.tensors[self.workload.layers[index].output];
        let exact = segment.channels == storage.shape.channels
            && known.view.shape == storage.shape
            && storage.shape == output;
        let sole = known.roots.iter().all(|root| self.readers[*root] == BTreeSet::from([index]));
        let kept = known.roots.iter().all(|root| !self.output_roots.contains(root));
        storage.producer.filter(|_| exact && sole && kept)
    }
}
