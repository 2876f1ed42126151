//! Channels of the vertices of a published module: rules 1 to 3 of the released code.

use crate::error::{CnnError, Fault};
use crate::language::Language;
use crate::module::Module;
use codebench_api::LowerContext;

/// Channels per vertex.
pub(crate) struct Channels {
    /// Channels that each vertex is built to write; those of the input and output are the module's.
    pub(crate) target: Vec<u64>,
    /// Channels that each vertex is built to read.
    pub(crate) source: Vec<u64>,
}

impl Channels {
    /// Channels that the module writes.
    pub(crate) fn output(&self) -> u64 {
        self.target.last().copied().unwrap_or_default()
    }

    pub(crate) fn target(&self, vertex: usize) -> u64 {
        self.target.get(vertex).copied().unwrap_or_default()
    }

    pub(crate) fn source(&self, vertex: usize) -> u64 {
        self.source.get(vertex).copied().unwrap_or_default()
    }
}

/// Infers the channels of `module` behind `input` channels.
pub(crate) fn infer(
    language: &Language,
    context: &LowerContext,
    module: &Module<'_>,
    input: u64,
) -> Result<Channels, CnnError> {
    let last = module.last();
    if last == 1 {
        return Ok(Channels { target: vec![input, input], source: vec![input, input] });
    }
    let mut desired = vec![input];
    for vertex in 1..last {
        let wish = desire(language, context, module, vertex, &desired);
        desired.push(wish.map_err(|fault| fault.at(module.location(vertex)))?);
    }
    let of = |channels: &[u64], vertex: &usize| channels.get(*vertex).copied().unwrap_or_default();
    let at_output = |fault: Fault| fault.at(module.location(last));
    let total = |channels: &[u64]| {
        let mut feeding = module.interior(last).iter().map(|v| of(channels, v));
        feeding.try_fold(0u64, |sum, c| sum.checked_add(c))
    };
    let output = total(&desired).ok_or_else(|| at_output(Fault::infeasible("the channels overflow")))?;
    let mut target = desired.clone();
    for vertex in (1..last).rev() {
        let widest = module.interior(vertex).iter().map(|v| of(&target, v)).max();
        for source in module.interior(vertex) {
            if let (Some(slot), Some(widest)) = (target.get_mut(*source), widest) {
                *slot = widest;
            }
        }
    }
    if total(&target) != Some(output) {
        return Err(at_output(Fault::infeasible(format!(
            "a vertex that feeds the output is widened for another vertex, so {} channels arrive where {output} are expected: make the channels of vertices that meet equal",
            total(&target).unwrap_or(u64::MAX)
        ))));
    }
    target.push(output);

    let source = (0..=last).map(|v| module.interior(v).first().map_or(input, |first| of(&target, first)));
    let source = source.collect();
    Ok(Channels { target, source })
}

/// Channels that a vertex asks for. A convolution is asked with those of the vertex before it by index, as released.
fn desire(
    language: &Language,
    context: &LowerContext,
    module: &Module<'_>,
    vertex: usize,
    desired: &[u64],
) -> Result<u64, Fault> {
    let label = module.label(vertex);
    let input = if language.keyword(label) == "conv" {
        desired.last().copied()
    } else {
        module.sources(vertex).iter().filter_map(|s| desired.get(*s).copied()).max()
    };
    match language.output_channels(label, input.unwrap_or_default(), context)? {
        0 => Err(Fault::infeasible("the vertex has 0 channels; give at least 1")),
        channels => Ok(channels),
    }
}
