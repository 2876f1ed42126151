//! Works that an engine could ask of a module with given facts: consistent, and able to grow.

use codebench_model::{Activation, HardwareContext, ModuleFacts, PrimitiveKind, Role, TileWork};
use codebench_space::Rng;

/// What a row is made from: the row's other fields follow from these.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tile {
    pub(super) role: Role,
    pub(super) primitive: PrimitiveKind,
    activation: Option<Activation>,
    batch: u64,
    groups: u64,
    /// Output and input channels of a group.
    out: u64,
    input: u64,
    y: u64,
    x: u64,
    kernel: [u64; 2],
    stride: [u64; 2],
    dilation: [u64; 2],
    operands: u64,
    first: bool,
    last: bool,
    /// Activations, weights, overlap.
    densities: [u64; 3],
    compressed: bool,
    same_weights: bool,
    variant: u64,
    /// For transfers: bytes read and written.
    bytes: [u64; 2],
}

/// Ways in which a tile becomes more work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Growth {
    Batch,
    Groups,
    OutChannels,
    InChannels,
    Rows,
    Columns,
    Kernel,
    Density,
    ReadBytes,
    WriteBytes,
}

impl Growth {
    pub(super) const ALL: [Growth; 10] = [
        Growth::Batch,
        Growth::Groups,
        Growth::OutChannels,
        Growth::InChannels,
        Growth::Rows,
        Growth::Columns,
        Growth::Kernel,
        Growth::Density,
        Growth::ReadBytes,
        Growth::WriteBytes,
    ];
}

const PPM: u64 = 1_000_000;

fn has_kernel(primitive: PrimitiveKind) -> bool {
    matches!(primitive, PrimitiveKind::Conv | PrimitiveKind::MaxPool | PrimitiveKind::AveragePool)
}

fn is_product(primitive: PrimitiveKind) -> bool {
    matches!(primitive, PrimitiveKind::Conv | PrimitiveKind::Dense)
}

/// Primitives that move no data and need no module.
pub(super) fn is_view(primitive: PrimitiveKind) -> bool {
    use PrimitiveKind::{Concat, Dropout, Flatten, Slice};
    matches!(primitive, Concat | Dropout | Flatten | Slice)
}

/// The roles of modules with such facts, with the primitives of their rows (`None` for transfers).
pub(super) fn families(facts: &ModuleFacts) -> Vec<(Role, Vec<Option<PrimitiveKind>>)> {
    let own: Vec<_> = facts.primitives.iter().copied().filter(|p| !is_view(*p)).map(Some).collect();
    if !own.is_empty() {
        let role = if facts.primitives.iter().any(|p| is_product(*p)) { Role::Compute } else { Role::Vector };
        return vec![(role, own)];
    }
    if facts.capacity_bytes > 0 {
        return [Role::ActivationBuffer, Role::WeightBuffer, Role::MaskBuffer]
            .map(|r| (r, vec![None]))
            .into();
    }
    if facts.read_bytes_per_cycle > 0 || facts.write_bytes_per_cycle > 0 {
        return vec![(Role::Dma, vec![None])];
    }
    let products = vec![Some(PrimitiveKind::Conv), Some(PrimitiveKind::Dense)];
    [Role::Dataflow, Role::PreSparsity, Role::PostSparsity].map(|r| (r, products.clone())).into()
}

/// A random number up to about `2^bits`, every order of magnitude alike.
fn magnitude(rng: &mut Rng, bits: u64) -> u64 {
    let top = 1 << rng.below(bits);
    top + rng.below(top)
}

impl Tile {
    /// A random tile.
    pub(super) fn draw(
        role: Role,
        primitive: Option<PrimitiveKind>,
        facts: &ModuleFacts,
        rng: &mut Rng,
    ) -> Tile {
        let (dense, transfer) = (primitive == Some(PrimitiveKind::Dense), primitive.is_none());
        let conv = primitive == Some(PrimitiveKind::Conv);
        let windowed = primitive.is_some_and(has_kernel);
        let mut pick = |choices: &[u64]| choices[rng.index(choices.len())];
        let kernel = if windowed { [pick(&[1, 3, 5]), pick(&[1, 3, 7])] } else { [1, 1] };
        let stride = if windowed { [pick(&[1, 2]), pick(&[1, 2, 3])] } else { [1, 1] };
        let dilation = if conv { [pick(&[1, 1, 2]), 1] } else { [1, 1] };
        let groups = if conv { pick(&[1, 1, 1, 2, 16]) } else { 1 };
        let combines = matches!(primitive, Some(PrimitiveKind::Add | PrimitiveKind::Multiply));
        let operands = if combines { pick(&[2, 2, 3]) } else { 1 };
        let density = |rng: &mut Rng| if rng.below(2) == 0 { PPM } else { rng.below(PPM + 1) };
        let product = primitive.is_some_and(is_product);
        Tile {
            role,
            primitive: primitive.unwrap_or(PrimitiveKind::Conv),
            activation: (primitive == Some(PrimitiveKind::Activation))
                .then(|| facts.activations.get(rng.index(facts.activations.len())).copied())
                .flatten(),
            batch: magnitude(rng, 4),
            groups,
            out: magnitude(rng, 8),
            input: magnitude(rng, 8),
            y: if dense { 1 } else { magnitude(rng, 6) },
            x: if dense { 1 } else { magnitude(rng, 6) },
            kernel,
            stride,
            dilation,
            operands,
            first: !product || rng.below(2) == 0,
            last: !product || rng.below(2) == 0,
            densities: [density(rng), density(rng), density(rng)],
            compressed: rng.below(2) == 0,
            same_weights: product && rng.below(2) == 0,
            variant: match primitive {
                Some(PrimitiveKind::LocalResponseNorm | PrimitiveKind::Shuffle) => 1 + rng.below(8),
                Some(PrimitiveKind::Resize) => rng.below(2),
                _ => 0,
            },
            bytes: if transfer { [magnitude(rng, 24), magnitude(rng, 24)] } else { [0, 0] },
        }
    }

    /// A tile as large as any that a network of this decade has.
    pub(super) fn huge(self) -> Tile {
        let wide = if self.primitive == PrimitiveKind::Dense { 1 } else { 512 };
        Tile {
            batch: 512,
            out: 4096,
            input: 4096,
            y: wide,
            x: wide,
            bytes: self.bytes.map(|b| if b > 0 { 1 << 40 } else { 0 }),
            ..self
        }
    }

    /// More work, or `None` where that growth means nothing.
    pub(super) fn grown(self, growth: Growth, rng: &mut Rng) -> Option<Tile> {
        let transfer = self.is_transfer();
        let spatial = !transfer && self.primitive != PrimitiveKind::Dense;
        let more = |n: u64, rng: &mut Rng| if rng.below(2) == 0 { n + 1 } else { 2 * n };
        let mut tile = self;
        let applies = match growth {
            Growth::Batch => !transfer,
            Growth::Groups => !transfer && self.primitive == PrimitiveKind::Conv,
            Growth::OutChannels => !transfer,
            Growth::InChannels | Growth::Density => !transfer && is_product(self.primitive),
            Growth::Rows | Growth::Columns => spatial,
            Growth::Kernel => !transfer && has_kernel(self.primitive),
            Growth::ReadBytes | Growth::WriteBytes => transfer,
        };
        match growth {
            Growth::Batch => tile.batch = more(self.batch, rng),
            Growth::Groups => tile.groups = 2 * self.groups,
            Growth::OutChannels => tile.out = more(self.out, rng),
            Growth::InChannels => tile.input = more(self.input, rng),
            Growth::Rows => tile.y = more(self.y, rng),
            Growth::Columns => tile.x = more(self.x, rng),
            Growth::Kernel => tile.kernel = self.kernel.map(|k| k + 2),
            Growth::Density => tile.densities = self.densities.map(|d| d + (PPM - d) / 2),
            Growth::ReadBytes => tile.bytes[0] = more(self.bytes[0], rng),
            Growth::WriteBytes => tile.bytes[1] = more(self.bytes[1], rng),
        }
        applies.then_some(tile)
    }

    fn is_transfer(&self) -> bool {
        self.bytes != [0, 0]
    }

    /// The row that an engine would ask.
    pub(super) fn row(&self, facts: &ModuleFacts, hardware: HardwareContext) -> TileWork {
        if self.is_transfer() {
            let [read_bytes, write_bytes] = self.bytes;
            return TileWork { role: self.role.code(), read_bytes, write_bytes, ..TileWork::default() };
        }
        let product = is_product(self.primitive);
        let out_channels = self.groups * self.out;
        let in_channels = if product { self.groups * self.input } else { out_channels };
        let [in_y, in_x] = self.input_extent();
        let per_output = if product { self.input * self.kernel[0] * self.kernel[1] } else { 0 };
        let macs = self.batch * self.y * self.x * out_channels * per_output;
        let density = if self.compressed { self.densities[0] } else { PPM };
        let inputs = self.operands * self.batch * in_channels * in_y * in_x;
        let outputs = self.batch * out_channels * self.out_extent()[0] * self.out_extent()[1];
        let weights = out_channels * per_output;
        let weight_density = if self.compressed { self.densities[1] } else { PPM };
        TileWork {
            role: self.role.code(),
            primitive: self.primitive.code(),
            activation: self.activation.map_or(0, Activation::code),
            batch: self.batch,
            out_channels,
            out_y: self.out_extent()[0],
            out_x: self.out_extent()[1],
            in_channels,
            in_y,
            in_x,
            groups: self.groups,
            kernel_y: self.kernel[0],
            kernel_x: self.kernel[1],
            stride_y: self.stride[0],
            stride_x: self.stride[1],
            dilation_y: self.dilation[0],
            dilation_x: self.dilation[1],
            operands: self.operands,
            first_input_tile: u64::from(self.first),
            last_input_tile: u64::from(self.last),
            macs,
            effective_macs: self.effective(macs, facts),
            activation_density_ppm: self.densities[0],
            weight_density_ppm: self.densities[1],
            overlap_ppm: self.densities[2],
            read_bytes: bytes(inputs, density, hardware),
            write_bytes: bytes(outputs, if self.last { density } else { PPM }, hardware),
            mask_bytes: if self.compressed { inputs.div_ceil(8) + weights.div_ceil(8) } else { 0 },
            weight_bytes: bytes(weights, weight_density, hardware),
            same_weights: u64::from(self.same_weights),
            variant: self.variant,
        }
    }

    fn out_extent(&self) -> [u64; 2] {
        if self.primitive == PrimitiveKind::GlobalAveragePool { [1, 1] } else { [self.y, self.x] }
    }

    fn input_extent(&self) -> [u64; 2] {
        let along =
            |out: u64, i: usize| (out - 1) * self.stride[i] + (self.kernel[i] - 1) * self.dilation[i] + 1;
        match self.primitive {
            PrimitiveKind::Resize => [self.y.div_ceil(2), self.x.div_ceil(2)],
            _ => [along(self.y, 0), along(self.x, 1)],
        }
    }

    /// ceil(macs x densities of the skipped sides x overlap).
    fn effective(&self, macs: u64, facts: &ModuleFacts) -> u64 {
        let (skips, [da, dw, overlap]) =
            ([facts.skips_zero_activations, facts.skips_zero_weights], self.densities);
        let da = if skips[0] { da } else { PPM };
        let dw = if skips[1] { dw } else { PPM };
        let overlap = if skips[0] || skips[1] { overlap } else { PPM };
        let product = u128::from(macs) * u128::from(da) * u128::from(dw);
        // Two divisions keep the numbers within 128 bits; the outer ceiling absorbs the inner.
        let part = product.div_ceil(u128::from(PPM)) * u128::from(overlap);
        u64::try_from(part.div_ceil(u128::from(PPM) * u128::from(PPM))).unwrap_or(u64::MAX)
    }
}

fn bytes(words: u64, density_ppm: u64, hardware: HardwareContext) -> u64 {
    let bits = u128::from(words) * u128::from(hardware.word_bits) * u128::from(density_ppm);
    u64::try_from(bits.div_ceil(8 * u128::from(PPM))).unwrap_or(u64::MAX)
}
