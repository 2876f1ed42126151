//! Explicit modules: tensors meet only as their vertices say, and nothing is projected, resized or raised.

use crate::builder::Place;
use crate::error::{CnnError, Fault};
use crate::language::Lowering;
use crate::module::Module;
use codebench_api::Semantics;
use codebench_model::{Join, Primitive, TensorId};

/// Lowers a module that reads `input` and returns its output.
pub(crate) fn lower_module(
    lowering: &mut Lowering<'_>,
    module: &Module<'_>,
    input: TensorId,
) -> Result<TensorId, CnnError> {
    let mut outputs = vec![input];
    for vertex in 1..=module.last() {
        let output = lower_vertex(lowering, module, vertex, &outputs)
            .map_err(|fault| fault.at(module.location(vertex)))?;
        outputs.push(output);
    }
    Ok(outputs.last().copied().unwrap_or(input))
}

fn lower_vertex(
    lowering: &mut Lowering<'_>,
    module: &Module<'_>,
    vertex: usize,
    outputs: &[TensorId],
) -> Result<TensorId, Fault> {
    let place = Place { module: module.index, vertex };
    let sources = module.sources(vertex).iter().filter_map(|s| outputs.get(*s).copied()).collect();
    let join = module.vertices.get(vertex).and_then(|v| v.join);
    let joined = join_inputs(lowering, place, join, sources)?;
    if vertex == module.last() {
        Ok(joined)
    } else {
        lowering.op(place, module.label(vertex), joined, Semantics::Explicit)
    }
}

fn join_inputs(
    lowering: &mut Lowering<'_>,
    place: Place,
    join: Option<Join>,
    sources: Vec<TensorId>,
) -> Result<TensorId, Fault> {
    if let [only] = sources.as_slice() {
        return Ok(*only);
    }
    let (name, primitive) = match join {
        Some(Join::Sum) => ("in.sum", Primitive::Add),
        Some(Join::Concat) => ("in.concat", Primitive::Concat),
        Some(Join::Multiply) => ("in.product", Primitive::Multiply),
        None => {
            return Err(Fault::malformed(format!(
                "{} tensors arrive and the vertex does not say how they join; give it `join` sum, concat or multiply",
                sources.len()
            )));
        }
    };
    lowering.builder.push(place, name, primitive, sources)
}
