//! What a tile costs on its pipeline.

use super::super::error::{CycleError, LayerRef};
use super::super::machine::Machine;
use super::super::plan::Need;
use super::super::tiles::{KernelRegion, LayerTiles, Part, Position, Sizes, WHOLE_PPM, reference};
use codebench_model::hardware::{FusedLayer, FusedOp};
use codebench_model::{
    Activation, MAX_EVENTS, Primitive, PrimitiveKind, ResizeMode, Role, TileCost, TileWork,
};

/// What all tiles of one size cost.
#[derive(Debug, Clone, Default)]
pub(super) struct TilePrice {
    /// Ticks for which the pipeline's modules are occupied.
    pub(super) busy: u64,
    pub(super) fill: u64,
    /// Events by module.
    pub(super) events: Vec<(usize, [u64; MAX_EVENTS])>,
    /// Space of the output tile, until it is stored.
    pub(super) out: Need,
    pub(super) macs: u64,
    pub(super) effective_macs: u64,
    /// Read and written bytes of activation, weight and mask buffer.
    pub(super) traffic: [u64; 6],
    /// Busy cycles of the main module alone.
    pub(super) main_busy: u64,
}

/// A stage that is fused behind the main module.
struct FusedStage {
    module: usize,
    kind: PrimitiveKind,
    activation: u64,
    operands: u64,
}

/// Prices of a layer's tiles, each size once.
pub(super) struct Pricer<'a> {
    machine: &'a Machine,
    layer: &'a FusedLayer,
    name: LayerRef,
    sizes: Sizes,
    storage_ppm: &'a [u64],
    /// Stored, for masks and compression; and as given, for multiplications.
    densities: [u64; 3],
    main: usize,
    /// Stages before the fused ones, main included.
    stages: Vec<usize>,
    fused: Vec<FusedStage>,
    /// Modules that a tile occupies, without and with the fused stages.
    pub(super) pipelines: [Vec<usize>; 2],
    index: Vec<u32>,
    pub(super) prices: Vec<TilePrice>,
    /// Tiles of each price.
    pub(super) counts: Vec<u64>,
    extents: [usize; 3],
}

impl<'a> Pricer<'a> {
    pub(super) fn new(
        machine: &'a Machine,
        layer: &'a FusedLayer,
        tiles: &LayerTiles,
        storage_ppm: &'a [u64],
        densities: [u64; 3],
    ) -> Result<Self, CycleError> {
        let name = reference(layer);
        let unsupported = |what: String| CycleError::Unsupported { layer: name.clone(), what };
        let function = function_of(&layer.primitive);
        let main = machine
            .main_module(layer.primitive.kind(), function)
            .ok_or_else(|| unsupported(described(layer.primitive.kind(), function)))?;
        let mut stages = Vec::new();
        if machine.modules[main].role == Role::Compute {
            stages.extend(machine.roles.dataflow.iter().chain(&machine.roles.pre_sparsity).copied());
            stages.push(main);
            stages.extend(machine.roles.post_sparsity.iter().copied());
        } else {
            stages.push(main);
        }
        let fused: Vec<FusedStage> = layer
            .fused
            .iter()
            .map(|op| {
                let (kind, function) = match op {
                    FusedOp::BatchNorm { .. } => (PrimitiveKind::BatchNorm, None),
                    FusedOp::Activation { function, .. } => (PrimitiveKind::Activation, Some(*function)),
                    FusedOp::Add { .. } => (PrimitiveKind::Add, None),
                };
                let module = machine
                    .vector_module(kind, function)
                    .ok_or_else(|| unsupported(format!("the fused {}", described(kind, function))))?;
                let operands = if kind == PrimitiveKind::Add { 2 } else { 1 };
                Ok(FusedStage { module, kind, activation: function.map_or(0, Activation::code), operands })
            })
            .collect::<Result<_, CycleError>>()?;
        let distinct = |modules: &mut Vec<usize>| {
            modules.sort_unstable();
            modules.dedup();
        };
        let mut early = stages.clone();
        distinct(&mut early);
        let mut late: Vec<usize> = stages.iter().copied().chain(fused.iter().map(|f| f.module)).collect();
        distinct(&mut late);
        let classes = |classes: &[u32]| classes.iter().map(|c| *c as usize + 1).max().unwrap_or(1);
        let extents =
            [classes(&tiles.y_class), classes(&tiles.x_class), tiles.channel_classes.max(1) as usize];
        let sizes = extents.iter().try_fold(4_usize, |product, e| product.checked_mul(*e));
        let sizes = sizes.filter(|s| *s <= 1 << 24).ok_or_else(|| CycleError::Layer {
            layer: name.clone(),
            message: "its tiles have too many different sizes: use larger tiles".into(),
        })?;
        Ok(Pricer {
            machine,
            layer,
            name,
            sizes: Sizes { word_bits: machine.context.word_bits },
            storage_ppm,
            densities,
            main,
            stages,
            fused,
            pipelines: [early, late],
            index: vec![u32::MAX; sizes],
            prices: Vec::new(),
            counts: Vec::new(),
            extents,
        })
    }

    pub(super) fn name(&self) -> &LayerRef {
        &self.name
    }

    /// Index of the main module.
    pub(super) fn main(&self) -> usize {
        self.main
    }

    /// The index of the tile's price; `same_weights` if its weights are those of the tile before.
    pub(super) fn price(
        &mut self,
        tiles: &LayerTiles,
        at: Position,
        same_weights: bool,
    ) -> Result<usize, CycleError> {
        let partial = usize::from(tiles.images(at.n).len() != tiles.tile_images);
        let [ys, xs, channels] = self.extents;
        let (y, x) = (tiles.y_class[at.y] as usize, tiles.x_class[at.x] as usize);
        let key = ((2 * partial + usize::from(same_weights)) * ys + y) * xs + x;
        let key = key * channels + tiles.channel(at).class as usize;
        let known = self.index.get(key).copied().filter(|index| *index != u32::MAX);
        if let (Some(known), false) = (known, self.machine.forgetful) {
            return Ok(known as usize);
        }
        let price = self.compute(tiles, at, same_weights)?;
        if let Some(known) = known {
            return Ok(known as usize);
        }
        let index = self.prices.len();
        self.prices.push(price);
        self.counts.push(0);
        self.index[key] = index as u32;
        Ok(index)
    }

    fn work(&self, tiles: &LayerTiles, at: Position, same_weights: bool) -> Result<TileWork, CycleError> {
        let too_large = || CycleError::too_large(format!("the number of multiplications of {}", self.name));
        let channel = tiles.channel(at);
        let (y, x) = (tiles.y[at.y], tiles.x[at.x]);
        let images = tiles.images(at.n).len();
        let window = Window::of(&self.layer.primitive);
        let mut macs = 0;
        if matches!(self.layer.primitive, Primitive::Conv { .. } | Primitive::Dense { .. }) {
            let factors = [
                images,
                y.out.len(),
                x.out.len(),
                channel.out.len(),
                channel.input.len() / channel.groups,
                window.kernel[0],
                window.kernel[1],
            ];
            macs =
                factors.iter().try_fold(1_u64, |product, f| product.checked_mul(*f)).ok_or_else(too_large)?;
        }
        let facts = &self.machine.modules[self.main].facts;
        let [activation, weight, overlap] = self.densities;
        let skipped = |skips: bool, density: u64| if skips { density } else { WHOLE_PPM };
        let either = facts.skips_zero_activations || facts.skips_zero_weights;
        let share = u128::from(skipped(facts.skips_zero_activations, activation))
            * u128::from(skipped(facts.skips_zero_weights, weight))
            * u128::from(skipped(either, overlap));
        let effective = (u128::from(macs) * share).div_ceil(u128::from(WHOLE_PPM).pow(3));
        let (read_bytes, mut mask_bytes) = self.bytes(&channel.inputs, tiles, at, true);
        let out_words = tiles.output(at).words();
        let ppm = if channel.last { self.storage_ppm[tiles.output] } else { WHOLE_PPM };
        if self.machine.compressed() {
            mask_bytes = mask_bytes.saturating_add(channel.weights.kernel_words.div_ceil(8));
        }
        Ok(TileWork {
            primitive: self.layer.primitive.kind().code(),
            activation: function_of(&self.layer.primitive).map_or(0, Activation::code),
            batch: images,
            out_channels: channel.out.len(),
            out_y: y.out.len(),
            out_x: x.out.len(),
            in_channels: channel.input.len(),
            in_y: y.input.len(),
            in_x: x.input.len(),
            groups: channel.groups,
            kernel_y: window.kernel[0],
            kernel_x: window.kernel[1],
            stride_y: window.stride[0],
            stride_x: window.stride[1],
            dilation_y: window.dilation[0],
            dilation_x: window.dilation[1],
            operands: match self.layer.primitive {
                Primitive::Add | Primitive::Multiply => self.layer.inputs.len() as u64,
                _ => 1,
            },
            first_input_tile: u64::from(channel.first),
            last_input_tile: u64::from(channel.last),
            macs,
            effective_macs: u64::try_from(effective).unwrap_or(macs),
            activation_density_ppm: activation,
            weight_density_ppm: weight,
            overlap_ppm: overlap,
            read_bytes,
            write_bytes: self.sizes.bytes(out_words, ppm),
            mask_bytes,
            weight_bytes: self.weight_bytes(&channel.weights),
            same_weights: u64::from(same_weights),
            variant: variant_of(&self.layer.primitive),
            role: 0,
        })
    }

    /// Bytes of a part of the weights in their buffer.
    fn weight_bytes(&self, weights: &KernelRegion) -> u64 {
        let density = if self.machine.compressed() { self.densities[1] } else { WHOLE_PPM };
        let kernel = self.sizes.bytes(weights.kernel_words, density);
        kernel.saturating_add(self.sizes.bytes(weights.channel_words, WHOLE_PPM))
    }

    /// Bytes and mask bytes of parts, at the rows that inputs have, or at those of the output.
    fn bytes(&self, parts: &[Part], tiles: &LayerTiles, at: Position, input: bool) -> (u64, u64) {
        let (y, x) = (tiles.y[at.y], tiles.x[at.x]);
        let (y, x) = if input { (y.input, x.input) } else { (y.out, x.out) };
        parts.iter().fold((0_u64, 0_u64), |(bytes, masks), part| {
            let words = part.region(tiles.images(at.n), y, x).words();
            let mask = if self.machine.compressed() { words.div_ceil(8) } else { 0 };
            let data = self.sizes.bytes(words, self.storage_ppm[part.storage()]);
            (bytes.saturating_add(data), masks.saturating_add(mask))
        })
    }

    fn compute(&self, tiles: &LayerTiles, at: Position, same_weights: bool) -> Result<TilePrice, CycleError> {
        let work = self.work(tiles, at, same_weights)?;
        let channel = tiles.channel(at);
        let mut sum =
            Sum { machine: self.machine, name: &self.name, price: TilePrice::default(), busy: Vec::new() };
        for module in &self.stages {
            let cost = sum.stage(*module, &work)?;
            if *module == self.main {
                sum.price.main_busy = cost.busy_cycles;
            }
        }
        if channel.last {
            let mut operands = channel.operands.as_slice();
            let mut counts = channel.operand_parts.iter();
            for stage in &self.fused {
                let mut read = (0, 0);
                if stage.kind == PrimitiveKind::Add {
                    let (mine, others) = operands.split_at(counts.next().copied().unwrap_or(0));
                    read = self.bytes(mine, tiles, at, false);
                    operands = others;
                }
                sum.stage(stage.module, &fused_work(&work, stage, read))?;
            }
        }
        sum.buffers()?;
        let mut price = sum.finish()?;
        let whole = if tiles.inner > 1 { WHOLE_PPM } else { self.storage_ppm[tiles.output] };
        let words = tiles.output(at).words();
        price.out = Need {
            data: self.sizes.bytes(words, whole),
            mask: if self.machine.compressed() { words.div_ceil(8) } else { 0 },
        };
        (price.macs, price.effective_macs) = (work.macs, work.effective_macs);
        Ok(price)
    }
}

/// Costs of the stages of one tile.
struct Sum<'a> {
    machine: &'a Machine,
    name: &'a LayerRef,
    price: TilePrice,
    /// Busy cycles by module, buffers included.
    busy: Vec<(usize, u64)>,
}

impl Sum<'_> {
    fn stage(&mut self, module: usize, work: &TileWork) -> Result<TileCost, CycleError> {
        let cost = module_cost(self.machine, module, work, self.name)?;
        let too_large = || CycleError::too_large(format!("the cost of a tile of {}", self.name));
        match self.busy.iter_mut().find(|(m, _)| *m == module) {
            Some((_, busy)) => *busy = busy.checked_add(cost.busy_cycles).ok_or_else(too_large)?,
            None => self.busy.push((module, cost.busy_cycles)),
        }
        self.price.fill = self.price.fill.checked_add(cost.fill_cycles).ok_or_else(too_large)?;
        let bytes = [
            cost.activation_read_bytes,
            cost.activation_write_bytes,
            cost.weight_read_bytes,
            0,
            cost.mask_read_bytes,
            cost.mask_write_bytes,
        ];
        for (sum, bytes) in self.price.traffic.iter_mut().zip(bytes) {
            *sum = sum.checked_add(bytes).ok_or_else(too_large)?;
        }
        self.price.events.push((module, cost.events));
        Ok(cost)
    }

    fn buffers(&mut self) -> Result<(), CycleError> {
        let roles = &self.machine.roles;
        let buffers = [Some(roles.activation_buffer), Some(roles.weight_buffer), roles.mask_buffer];
        let traffic = self.price.traffic;
        for (index, module) in buffers.into_iter().enumerate() {
            let (read_bytes, write_bytes) = (traffic[2 * index], traffic[2 * index + 1]);
            let Some(module) = module else {
                // What is not there carries nothing.
                self.price.traffic[2 * index..][..2].fill(0);
                continue;
            };
            if read_bytes == 0 && write_bytes == 0 {
                continue;
            }
            let role = self.machine.modules[module].role.code();
            self.stage(module, &TileWork { role, read_bytes, write_bytes, ..TileWork::default() })?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<TilePrice, CycleError> {
        self.price.busy = self.busy.iter().map(|(_, busy)| *busy).max().unwrap_or(0).max(1);
        Ok(self.price)
    }
}

/// The cost of `work` in the module's role.
pub(crate) fn module_cost(
    machine: &Machine,
    module: usize,
    work: &TileWork,
    layer: &LayerRef,
) -> Result<TileCost, CycleError> {
    let asked = &machine.modules[module];
    let work = TileWork { role: asked.role.code(), ..*work };
    let cost = asked.costs.cost(&work, asked.facts.events.len(), causes_traffic(asked.role));
    cost.map_err(|source| CycleError::Cost { layer: layer.clone(), module: asked.label(), source })
}

/// The costs of many works in the module's role, asked at once.
pub(crate) fn module_costs(
    machine: &Machine,
    module: usize,
    mut works: Vec<TileWork>,
    layer: &LayerRef,
) -> Result<Vec<TileCost>, CycleError> {
    let asked = &machine.modules[module];
    works.iter_mut().for_each(|work| work.role = asked.role.code());
    let costs = asked.costs.costs(&works, asked.facts.events.len(), causes_traffic(asked.role));
    costs.map_err(|source| CycleError::Cost { layer: layer.clone(), module: asked.label(), source })
}

/// Whether a module of the role may cause traffic of buffers.
fn causes_traffic(role: Role) -> bool {
    !matches!(role, Role::ActivationBuffer | Role::WeightBuffer | Role::MaskBuffer | Role::Dma)
}

fn fused_work(main: &TileWork, stage: &FusedStage, (read_bytes, mask_bytes): (u64, u64)) -> TileWork {
    TileWork {
        primitive: stage.kind.code(),
        activation: stage.activation,
        in_channels: main.out_channels,
        in_y: main.out_y,
        in_x: main.out_x,
        groups: 1,
        kernel_y: 1,
        kernel_x: 1,
        stride_y: 1,
        stride_x: 1,
        dilation_y: 1,
        dilation_x: 1,
        operands: stage.operands,
        first_input_tile: 1,
        last_input_tile: 1,
        macs: 0,
        effective_macs: 0,
        read_bytes,
        write_bytes: 0,
        mask_bytes,
        weight_bytes: 0,
        same_weights: 0,
        variant: 0,
        ..*main
    }
}

/// Kernel, stride and dilation; 1 where there are none.
struct Window {
    kernel: [u64; 2],
    stride: [u64; 2],
    dilation: [u64; 2],
}

impl Window {
    fn of(primitive: &Primitive) -> Window {
        let none = [1, 1];
        match primitive {
            Primitive::Conv { kernel, stride, dilation, .. } => {
                Window { kernel: *kernel, stride: *stride, dilation: *dilation }
            }
            Primitive::MaxPool { kernel, stride, .. } | Primitive::AveragePool { kernel, stride, .. } => {
                Window { kernel: *kernel, stride: *stride, dilation: none }
            }
            _ => Window { kernel: none, stride: none, dilation: none },
        }
    }
}

/// The number in a row that only this primitive has.
pub(crate) fn variant_of(primitive: &Primitive) -> u64 {
    match primitive {
        Primitive::LocalResponseNorm { size, .. } => *size,
        Primitive::Shuffle { groups } => *groups,
        Primitive::Resize { mode: ResizeMode::BilinearAlignCorners, .. } => 1,
        _ => 0,
    }
}

fn function_of(primitive: &Primitive) -> Option<Activation> {
    match primitive {
        Primitive::Activation { function } => Some(*function),
        _ => None,
    }
}

fn described(kind: PrimitiveKind, function: Option<Activation>) -> String {
    let name = function.and_then(|f| Activation::ALL.iter().find(|(known, _)| *known == f));
    match name {
        Some((_, name)) => format!("`{}` with the function `{name}`", kind.name()),
        None => format!("`{}`", kind.name()),
    }
}
