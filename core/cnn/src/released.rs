//! Modules and heads as the released code builds them, lowered true to its forward pass, with the stream of operations
//! that its simulator reads.

use crate::builder::Place;
use crate::channels::{Channels, infer};
use crate::error::{CnnError, Fault};
use crate::language::Lowering;
use crate::module::Module;
use crate::ops::stamp;
use codebench_api::Semantics;
use codebench_model::{Padding, Primitive, PublishedOp, ResizeMode, TensorId, TensorShape};

/// The released code refuses to flatten more elements than this.
const MAX_FLATTENED: u64 = 6_400_000;

/// Lowers a module that reads `input`, built for `expected` channels, which become those of the next module.
pub(crate) fn lower_module(
    lowering: &mut Lowering<'_>,
    module: &Module<'_>,
    input: TensorId,
    expected: &mut u64,
) -> Result<TensorId, CnnError> {
    let context = lowering.context(Semantics::Published);
    let channels = infer(lowering.language, &context, module, *expected)?;
    let mut vertices =
        Vertices { module, channels: &channels, input, built_for: *expected, outputs: vec![input] };
    for vertex in 1..module.last() {
        let output = vertices.lower(lowering, vertex).map_err(|fault| fault.at(module.location(vertex)))?;
        vertices.outputs.push(output);
    }
    let output = vertices.output(lowering).map_err(|fault| fault.at(module.location(module.last())))?;
    *expected = channels.output();
    Ok(output)
}

struct Vertices<'a> {
    module: &'a Module<'a>,
    channels: &'a Channels,
    input: TensorId,
    /// Channels that the module is built to read.
    built_for: u64,
    /// Output of each vertex so far, the module's input first.
    outputs: Vec<TensorId>,
}

impl Vertices<'_> {
    fn place(&self, vertex: usize) -> Place {
        Place { module: self.module.index, vertex }
    }

    fn tensors(&self, vertices: &[usize]) -> Vec<TensorId> {
        vertices.iter().filter_map(|v| self.outputs.get(*v).copied()).collect()
    }

    fn lower(&self, lowering: &mut Lowering<'_>, vertex: usize) -> Result<TensorId, Fault> {
        let joined = self.joined(lowering, vertex)?;
        let label = self.module.label(vertex);
        let built_for = self.channels.source(vertex);
        let arriving = lowering.builder.shape(joined).channels;
        let keyword = lowering.language.keyword(label);
        let target = self.channels.target(vertex);
        let widens = match keyword {
            "conv" => true,
            "maxpool" | "avgpool" => target > built_for,
            _ => false,
        };
        if widens && arriving != built_for {
            return Err(Fault::infeasible(format!(
                "the vertex is built for {built_for} channels, but {arriving} arrive: only convolutions and pools can be widened to those that they meet"
            )));
        }
        let first = lowering.builder.layers().len();
        let mut output = lowering.op(self.place(vertex), label, joined, Semantics::Published)?;
        let written = lowering.builder.shape(output).channels;
        if widens && written > target {
            return Err(Fault::infeasible(format!(
                "the vertex writes {written} channels where {target} are expected"
            )));
        }
        if widens && written != target {
            output = project(lowering, self.place(vertex), "out.project", output, target)?;
        }
        let before = self.outputs.get(vertex.saturating_sub(1)).copied().unwrap_or(self.input);
        let before = lowering.builder.shape(before);
        let own = lowering.builder.shape(output);
        for index in first..lowering.builder.layers().len() {
            lowering.stamp(index, before, own);
        }
        Ok(output)
    }

    /// What the operation of `vertex` reads.
    fn joined(&self, lowering: &mut Lowering<'_>, vertex: usize) -> Result<TensorId, Fault> {
        let mut summands = self.tensors(self.module.interior(vertex));
        let projects = self.module.reads_input(vertex) && !summands.is_empty();
        let width = self.channels.source(vertex);
        if projects {
            summands.push(self.project_input(lowering, vertex, width)?);
        } else {
            lowering.count_unused_projection(self.built_for, width)?;
        }
        // A single interior map is resized too, which squares one whose rows and columns differ.
        let place = self.place(vertex);
        let summands = resize_all(lowering, place, summands)?;
        match summands.as_slice() {
            [] => Ok(self.input),
            [only] => Ok(*only),
            _ => {
                let summands = spread_all(lowering, place, summands)?;
                lowering.builder.push(place, "in.sum", Primitive::Add, summands)
            }
        }
    }

    fn project_input(
        &self,
        lowering: &mut Lowering<'_>,
        vertex: usize,
        width: u64,
    ) -> Result<TensorId, Fault> {
        let arriving = lowering.builder.shape(self.input);
        if arriving.channels != self.built_for {
            return Err(Fault::infeasible(format!(
                "the projection of the module's input is built for {} channels, but {} arrive",
                self.built_for, arriving.channels
            )));
        }
        let projected = project(lowering, self.place(vertex), "in.project", self.input, width)?;
        lowering.stamp(lowering.builder.layers().len() - 1, arriving, arriving);
        Ok(projected)
    }

    /// Lowers the output vertex.
    fn output(&self, lowering: &mut Lowering<'_>) -> Result<TensorId, Fault> {
        let last = self.module.last();
        let place = self.place(last);
        let width = self.channels.output();
        let feeding = self.tensors(self.module.interior(last));
        let concatenated = match feeding.as_slice() {
            [] => None,
            [only] => Some(*only),
            _ => {
                let feeding = resize_all(lowering, place, feeding)?;
                Some(lowering.builder.push(place, "in.concat", Primitive::Concat, feeding)?)
            }
        };
        if !self.module.reads_input(last) {
            lowering.count_unused_projection(self.built_for, width)?;
            return Ok(concatenated.unwrap_or(self.input));
        }
        let projected = self.project_input(lowering, last, width)?;
        let Some(concatenated) = concatenated else { return Ok(projected) };
        let shape = lowering.builder.shape(concatenated);
        let resized = resize(lowering, place, "in.resize", projected, shape.height, shape.width)?;
        lowering.builder.push(place, "in.sum", Primitive::Add, vec![concatenated, resized])
    }
}

/// A 1x1 convolution with bias to `out_channels`.
fn project(
    lowering: &mut Lowering<'_>,
    place: Place,
    name: &str,
    input: TensorId,
    out_channels: u64,
) -> Result<TensorId, Fault> {
    let conv = Primitive::Conv {
        in_channels: lowering.builder.shape(input).channels,
        out_channels,
        kernel: [1, 1],
        stride: [1, 1],
        padding: Padding::default(),
        dilation: [1, 1],
        groups: 1,
        bias: true,
    };
    lowering.builder.push(place, name, conv, vec![input])
}

/// All tensors resized to a square of the largest height among them.
fn resize_all(
    lowering: &mut Lowering<'_>,
    place: Place,
    tensors: Vec<TensorId>,
) -> Result<Vec<TensorId>, Fault> {
    let height = tensors.iter().map(|t| lowering.builder.shape(*t).height).max().unwrap_or(1);
    let named = tensors.into_iter().enumerate();
    named.map(|(i, t)| resize(lowering, place, &format!("in.resize{i}"), t, height, height)).collect()
}

/// Summands of one channel repeated to the channels of the widest, as the released library's sum does.
fn spread_all(
    lowering: &mut Lowering<'_>,
    place: Place,
    tensors: Vec<TensorId>,
) -> Result<Vec<TensorId>, Fault> {
    let widest = tensors.iter().map(|t| lowering.builder.shape(*t).channels).max().unwrap_or(1);
    let named = tensors.into_iter().enumerate();
    named
        .map(|(i, tensor)| match lowering.builder.shape(tensor).channels {
            1 if widest > 1 => repeat(lowering, place, &format!("in.repeat{i}"), tensor, widest),
            _ => Ok(tensor),
        })
        .collect()
}

/// `count` copies of `tensor` along channels, by doubling.
fn repeat(
    lowering: &mut Lowering<'_>,
    place: Place,
    name: &str,
    tensor: TensorId,
    count: u64,
) -> Result<TensorId, Fault> {
    let (mut copies, mut doubled, mut parts) = (1u64, tensor, Vec::new());
    loop {
        if count & copies != 0 {
            parts.push(doubled);
        }
        if copies > count / 2 {
            break;
        }
        copies *= 2;
        doubled = lowering.builder.push(
            place,
            &format!("{name}.x{copies}"),
            Primitive::Concat,
            vec![doubled, doubled],
        )?;
    }
    match parts.as_slice() {
        [only] => Ok(*only),
        _ => lowering.builder.push(place, name, Primitive::Concat, parts),
    }
}

fn resize(
    lowering: &mut Lowering<'_>,
    place: Place,
    name: &str,
    tensor: TensorId,
    height: u64,
    width: u64,
) -> Result<TensorId, Fault> {
    let shape = lowering.builder.shape(tensor);
    if (shape.height, shape.width) == (height, width) {
        return Ok(tensor);
    }
    let nearest = Primitive::Resize { mode: ResizeMode::Nearest, height, width };
    lowering.builder.push(place, name, nearest, vec![tensor])
}

/// Lowers the head of a published CNN, which reads `input` and is built for `expected` channels.
pub(crate) fn lower_head(
    lowering: &mut Lowering<'_>,
    head: &Module<'_>,
    input: TensorId,
    expected: u64,
) -> Result<TensorId, CnnError> {
    let mut tensor = input;
    for vertex in 1..head.last() {
        let lowered = lower_head_vertex(lowering, head, vertex, tensor, expected);
        tensor = lowered.map_err(|fault| fault.at(head.location(vertex)))?;
    }
    if head.last() == 1 {
        return Err(Fault::malformed(HEAD_FORM).at(head.location(1)));
    }
    chained(head, head.last()).map_err(|fault| fault.at(head.location(head.last())))?;
    Ok(tensor)
}

const HEAD_FORM: &str = "the last module is the head, a chain that begins with `flatten` or `global-avg-pool` and ends with `dense_classes`; to build it freely, give a vertex a `join`";

fn chained(head: &Module<'_>, vertex: usize) -> Result<(), Fault> {
    if head.sources(vertex) == [vertex - 1] { Ok(()) } else { Err(Fault::malformed(HEAD_FORM)) }
}

fn lower_head_vertex(
    lowering: &mut Lowering<'_>,
    head: &Module<'_>,
    vertex: usize,
    input: TensorId,
    expected: u64,
) -> Result<TensorId, Fault> {
    chained(head, vertex)?;
    let label = head.label(vertex);
    let before = lowering.builder.shape(input);
    let first = lowering.builder.layers().len();
    let keyword = lowering.language.keyword(label);
    if vertex == 1 {
        check_head(keyword, before, expected)?;
    }
    let place = Place { module: head.index, vertex };
    let output = lowering.op(place, label, input, Semantics::Published)?;
    let own = lowering.builder.shape(output);
    for index in first..lowering.builder.layers().len() {
        if vertex == 1 && keyword == "global_avg_pool" {
            let TensorShape { channels, height, width } = before;
            lowering.stream.push(PublishedOp::GlobalAveragePool { channels, height, width }, index);
        } else {
            lowering.stamp(index, before, own);
        }
    }
    Ok(output)
}

fn check_head(keyword: &str, input: TensorShape, expected: u64) -> Result<(), Fault> {
    match keyword {
        "flatten" if input.elements().is_none_or(|n| n > MAX_FLATTENED) => Err(Fault::infeasible(format!(
            "too large tensor: {input} is more than the {MAX_FLATTENED} elements that the released code flattens; shrink the map first"
        ))),
        "flatten" => Ok(()),
        "global_avg_pool" if input.channels != expected => Err(Fault::infeasible(format!(
            "the head is built for {expected} channels, but {} arrive",
            input.channels
        ))),
        "global_avg_pool" => Ok(()),
        _ => Err(Fault::malformed(HEAD_FORM)),
    }
}

impl Lowering<'_> {
    /// Puts layer `index` into the stream, stamped with the shapes `before` and `own` of its vertex.
    fn stamp(&mut self, index: usize, before: TensorShape, own: TensorShape) {
        if let Some(layer) = self.builder.layers().get(index)
            && let Some(op) = stamp(&layer.primitive, before, own)
        {
            self.stream.push(op, index);
        }
    }

    /// Counts a 1x1 projection with bias that the released code makes and never runs.
    fn count_unused_projection(&mut self, from: u64, to: u64) -> Result<(), Fault> {
        let total = from
            .checked_mul(to)
            .and_then(|w| w.checked_add(to))
            .and_then(|p| p.checked_add(self.unused_parameters));
        self.unused_parameters =
            total.ok_or_else(|| Fault::infeasible("the parameters overflow 64 bits; use fewer channels"))?;
        Ok(())
    }
}
