//! Which rules a case exercised.

use crate::Model;
use crate::geometry::{Part, Tile};
use crate::modules::{Assigned, stages};
use crate::residency::{LayerResidency, reads};
use codebench_model::{Primitive, ResizeMode};

/// What happened at least once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Coverage {
    /// A storage left the buffer before its last reader.
    pub eviction: bool,
    /// It was written back.
    pub write_back: bool,
    /// A resident storage was read by two layers.
    pub shared_read: bool,
    /// A storage was loaded whole.
    pub promotion: bool,
    /// A convolution has groups.
    pub groups: bool,
    /// A convolution is dilated.
    pub dilation: bool,
    /// A tile is smaller than another of its layer.
    pub edge_tile: bool,
    /// Refreshes were charged.
    pub refresh: bool,
    /// A transfer paid for turning the bus around.
    pub turnaround: bool,
    /// A task waited only for buffer space.
    pub full_buffer: bool,
    /// Weights were streamed.
    pub streamed_weights: bool,
    /// Data were compressed.
    pub compressed: bool,
    /// A fused addition.
    pub fused_add: bool,
    /// A storage that is in memory left the buffer.
    pub clean_eviction: bool,
    /// A layer evicted a storage that it reads itself.
    pub own_eviction: bool,
    /// An output made room for itself.
    pub output_eviction: bool,
    /// A storage was loaded whole after it had been evicted.
    pub repromotion: bool,
    /// A layer has several input blocks.
    pub partial_sums: bool,
    /// A layer with several input blocks has a fused addition whose operand is loaded.
    pub late_operand: bool,
    /// A tile has several groups.
    pub group_block: bool,
    /// A dense layer reads a run of words of a flattened storage.
    pub flattened: bool,
    /// A flattened view of some channels was widened to whole rows.
    pub widened: bool,
    /// A view of several segments was read.
    pub segments: bool,
    /// A map was resampled bilinearly.
    pub bilinear: bool,
    /// Two stages of a pipeline run on one module.
    pub module_twice: bool,
    /// A transfer has no bytes.
    pub empty_transfer: bool,
}

impl Coverage {
    /// What the plan alone tells.
    pub(crate) fn of(
        model: &Model<'_>,
        assigned: &[Assigned],
        tiles: &[Tile],
        plan: &[LayerResidency],
    ) -> Coverage {
        let layers = &model.problem.fused.layers;
        let any = |test: fn(&LayerResidency) -> bool| plan.iter().any(test);
        let op = |test: fn(&Primitive) -> bool| layers.iter().any(|layer| test(&layer.primitive));
        let tile = |test: fn(&Tile) -> bool| tiles.iter().any(test);
        let pair = |test: fn(&Tile, &Tile) -> bool| {
            tiles.windows(2).any(|pair| pair[0].layer == pair[1].layer && test(&pair[0], &pair[1]))
        };
        let evicts = |written| any_eviction(plan, |_, w| w == written);
        Coverage {
            eviction: any(|p| !p.evicted.is_empty()),
            write_back: evicts(true),
            shared_read: shared_read(model, plan),
            promotion: any(|p| !p.promoted.is_empty()),
            groups: op(|p| matches!(p, Primitive::Conv { groups, .. } if *groups > 1)),
            dilation: op(|p| matches!(p, Primitive::Conv { dilation, .. } if *dilation != [1, 1])),
            edge_tile: pair(|a, b| a.output_words() != b.output_words()),
            streamed_weights: any(|p| !p.weights_kept),
            compressed: model.compressed(),
            fused_add: tile(|t| !t.operands.is_empty()),
            clean_eviction: evicts(false),
            own_eviction: plan
                .iter()
                .zip(layers)
                .any(|(p, layer)| p.evicted.iter().any(|(s, _)| reads(layer).contains(s))),
            output_eviction: any(|p| p.evicted_for_output > 0),
            repromotion: repromotion(plan),
            partial_sums: tile(|t| t.several_inputs),
            late_operand: tiles.iter().any(|t| {
                let loaded = |s: usize| !plan[t.layer].resident.contains(&s);
                t.several_inputs && t.operands.iter().flatten().any(|r| loaded(r.storage))
            }),
            group_block: tile(|t| t.groups > 1),
            flattened: tile(|t| t.regions.iter().any(|r| matches!(r.part, Part::Words(_)))),
            widened: tiles.iter().any(|t| widened(model, t)),
            segments: layers.iter().any(|l| l.inputs.iter().any(|v| v.segments.len() > 1)),
            bilinear: op(|p| matches!(p, Primitive::Resize { mode: ResizeMode::BilinearAlignCorners, .. })),
            module_twice: tiles.iter().any(|t| module_twice(model, &assigned[t.layer], t)),
            ..Coverage::default()
        }
    }

    /// The features that the comparison promises to exercise often, with their names.
    pub fn often(&self) -> [(&'static str, bool); 13] {
        [
            ("eviction", self.eviction),
            ("write-back", self.write_back),
            ("shared branch read", self.shared_read),
            ("promotion", self.promotion),
            ("groups", self.groups),
            ("dilation", self.dilation),
            ("edge tile", self.edge_tile),
            ("refresh", self.refresh),
            ("turnaround", self.turnaround),
            ("stall on a full buffer", self.full_buffer),
            ("streamed weights", self.streamed_weights),
            ("compression", self.compressed),
            ("fused addition", self.fused_add),
        ]
    }

    /// Corners, with their names.
    pub fn corners(&self) -> [(&'static str, bool); 13] {
        [
            ("eviction of what is in memory", self.clean_eviction),
            ("eviction of what the layer reads", self.own_eviction),
            ("eviction for an output", self.output_eviction),
            ("promotion after an eviction", self.repromotion),
            ("partial sums", self.partial_sums),
            ("operand after partial sums", self.late_operand),
            ("block of groups", self.group_block),
            ("run of a flattened storage", self.flattened),
            ("widened flattened region", self.widened),
            ("view of several segments", self.segments),
            ("bilinear resize", self.bilinear),
            ("module in two stages", self.module_twice),
            ("transfer without bytes", self.empty_transfer),
        ]
    }
}

fn any_eviction(plan: &[LayerResidency], test: impl Fn(usize, bool) -> bool) -> bool {
    plan.iter().any(|p| p.evicted.iter().any(|&(storage, written)| test(storage, written)))
}

fn shared_read(model: &Model<'_>, plan: &[LayerResidency]) -> bool {
    let mut resident_reads = vec![0; model.problem.fused.storages.len()];
    for (layer, plan) in model.problem.fused.layers.iter().zip(plan) {
        for storage in reads(layer) {
            if plan.resident.contains(&storage) {
                resident_reads[storage] += 1;
            }
        }
    }
    resident_reads.iter().any(|&reads| reads > 1)
}

fn repromotion(plan: &[LayerResidency]) -> bool {
    plan.iter().enumerate().any(|(layer, p)| {
        let before = |storage: &usize| any_eviction(&plan[..=layer], |evicted, _| evicted == *storage);
        p.promoted.iter().any(before)
    })
}

/// Whether a flattened view of some channels of a storage is read.
fn widened(model: &Model<'_>, tile: &Tile) -> bool {
    let layer = &model.problem.fused.layers[tile.layer];
    layer.inputs.iter().any(|view| {
        let vector = view.shape.height == 1 && view.shape.width == 1;
        view.segments.iter().any(|segment| {
            let shape = model.problem.fused.storages[segment.storage].shape;
            vector && shape.height * shape.width > 1 && segment.channels < shape.channels
        })
    })
}

fn module_twice(model: &Model<'_>, assigned: &Assigned, tile: &Tile) -> bool {
    let modules: Vec<usize> = stages(model, assigned, tile).into_iter().map(|(module, _)| module).collect();
    modules.iter().enumerate().any(|(n, module)| modules[..n].contains(module))
}
