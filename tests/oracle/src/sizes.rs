//! Section 3 of the cycle model: words to bytes.

use crate::geometry::{KernelRegion, Part, Region, Tile, len};
use crate::{Deviation, Model};
use codebench_model::hardware::{FusedLayer, FusedOp};
use codebench_model::{Primitive, TensorShape};

const PPM: u64 = 1_000_000;

/// Bytes in the data buffer and in the mask buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Bytes {
    pub(crate) data: u64,
    pub(crate) mask: u64,
}

impl std::ops::Add for Bytes {
    type Output = Bytes;

    fn add(self, other: Bytes) -> Bytes {
        Bytes { data: self.data + other.data, mask: self.mask + other.mask }
    }
}

impl Bytes {
    /// The larger of each.
    pub(crate) fn max(self, other: Bytes) -> Bytes {
        Bytes { data: self.data.max(other.data), mask: self.mask.max(other.mask) }
    }
}

/// First word and number of words of a run.
pub(crate) type WordRun = (u64, u64);

/// The weights of a layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weights {
    /// Output channels.
    pub(crate) outputs: u64,
    /// Inputs of a group.
    pub(crate) inputs: u64,
    /// Words of a kernel for one output and one input; 0 without a kernel.
    pub(crate) window: u64,
    /// Words per output channel behind the kernel.
    pub(crate) per_channel: u64,
}

impl Weights {
    pub(crate) fn of(layer: &FusedLayer, outputs: u64) -> Weights {
        let norm = |op: &FusedOp| matches!(op, FusedOp::BatchNorm { .. });
        let fused = 2 * layer.fused.iter().filter(|op| norm(op)).count() as u64;
        let none = Weights { outputs, inputs: 0, window: 0, per_channel: fused };
        match &layer.primitive {
            Primitive::Conv { in_channels, kernel, groups, bias, .. } => Weights {
                outputs,
                inputs: in_channels / groups,
                window: kernel[0] * kernel[1],
                per_channel: fused + u64::from(*bias),
            },
            Primitive::Dense { in_features, bias, .. } => {
                Weights { outputs, inputs: *in_features, window: 1, per_channel: fused + u64::from(*bias) }
            }
            Primitive::BatchNorm { .. } => Weights { per_channel: fused + 2, ..none },
            _ => none,
        }
    }

    pub(crate) fn any(&self) -> bool {
        self.kernel_words() + self.per_channel > 0
    }

    pub(crate) fn kernel_words(&self) -> u64 {
        self.outputs * self.inputs * self.window
    }

    pub(crate) fn words(&self) -> u64 {
        self.kernel_words() + self.per_channel * self.outputs
    }

    /// Words of a region: of the kernel, and per-channel ones.
    pub(crate) fn of_region(&self, region: &KernelRegion) -> (u64, u64) {
        let outputs = len(&region.outputs);
        let kernel = if self.window == 0 { 0 } else { outputs * len(&region.inputs) * self.window };
        (kernel, if self.has_per_channel(region) { self.per_channel * outputs } else { 0 })
    }

    fn has_per_channel(&self, region: &KernelRegion) -> bool {
        self.window == 0 || region.inputs.start == 0
    }

    /// The runs of the kernel, then that of the per-channel words.
    pub(crate) fn runs(&self, region: &KernelRegion) -> (Vec<WordRun>, Option<WordRun>) {
        let of_output = self.inputs * self.window;
        let mut runs = Vec::new();
        if self.window > 0 {
            if len(&region.inputs) == self.inputs {
                runs.push((region.outputs.start * of_output, len(&region.outputs) * of_output));
            } else {
                for o in region.outputs.clone() {
                    let first = o * of_output + region.inputs.start * self.window;
                    runs.push((first, len(&region.inputs) * self.window));
                }
            }
        }
        let first = self.kernel_words() + region.outputs.start * self.per_channel;
        let words = len(&region.outputs) * self.per_channel;
        (runs, (words > 0 && self.has_per_channel(region)).then_some((first, words)))
    }
}

impl Region {
    pub(crate) fn words(&self) -> u64 {
        let of_image = match &self.part {
            Part::Block { rows, channels, columns } => len(rows) * len(channels) * len(columns),
            Part::Words(words) => len(words),
        };
        len(&self.images) * of_image
    }

    /// Image, first word in it and number of words of each run.
    pub(crate) fn runs(&self, shape: TensorShape) -> Vec<(u64, u64, u64)> {
        let word = |y: u64, c: u64, x: u64| (y * shape.channels + c) * shape.width + x;
        let mut runs = Vec::new();
        for image in self.images.clone() {
            let (rows, channels, columns) = match &self.part {
                Part::Words(words) => {
                    runs.push((image, words.start, len(words)));
                    continue;
                }
                Part::Block { rows, channels, columns } => (rows, channels, columns),
            };
            let whole_row = len(columns) == shape.width;
            if whole_row && len(channels) == shape.channels {
                let words = len(rows) * shape.channels * shape.width;
                runs.push((image, word(rows.start, 0, 0), words));
                continue;
            }
            for y in rows.clone() {
                if whole_row {
                    runs.push((image, word(y, channels.start, 0), len(channels) * shape.width));
                    continue;
                }
                for c in channels.clone() {
                    runs.push((image, word(y, c, columns.start), len(columns)));
                }
            }
        }
        runs
    }
}

impl Model<'_> {
    /// Bytes of a run of `words` at a density.
    pub(crate) fn bytes(&self, words: u64, ppm: u64) -> u64 {
        let bits = u128::from(words) * u128::from(self.problem.accelerator.word_bits) * u128::from(ppm);
        let unit = u128::from(8 * PPM);
        let bytes = if self.deviates(Deviation::BytesRoundDown) { bits / unit } else { bits.div_ceil(unit) };
        bytes as u64
    }

    /// Density of a storage in sizes.
    pub(crate) fn activation_ppm(&self, storage: usize) -> u64 {
        if self.compressed() { self.problem.densities.activation_ppm[storage] } else { PPM }
    }

    /// Density of a layer's kernel in sizes.
    pub(crate) fn weight_ppm(&self, layer: usize) -> u64 {
        if self.compressed() { self.problem.densities.weight_ppm[layer] } else { PPM }
    }

    /// Bytes of the mask of `words`.
    pub(crate) fn mask_bytes(&self, words: u64) -> u64 {
        if self.compressed() { words.div_ceil(8) } else { 0 }
    }

    /// Space of a region.
    pub(crate) fn region_bytes(&self, region: &Region) -> Bytes {
        let words = region.words();
        let data = self.bytes(words, self.activation_ppm(region.storage));
        Bytes { data, mask: self.mask_bytes(words) }
    }

    /// Space of a storage kept whole.
    pub(crate) fn storage_bytes(&self, storage: usize) -> Bytes {
        let shape = self.problem.fused.storages[storage].shape;
        let words = shape.channels * shape.height * shape.width;
        let data = self.bytes(words, self.activation_ppm(storage));
        let batch = self.problem.batch;
        Bytes { data: batch * data, mask: batch * self.mask_bytes(words) }
    }

    /// The weights of a layer.
    pub(crate) fn weights(&self, layer: usize) -> Weights {
        let fused = self.problem.fused;
        let layer = &fused.layers[layer];
        Weights::of(layer, fused.storages[layer.output].shape.channels)
    }

    /// Space of a region of a layer's weights; its mask is that of the kernel words.
    pub(crate) fn kernel_bytes(&self, layer: usize, region: &KernelRegion) -> Bytes {
        let (kernel, per_channel) = self.weights(layer).of_region(region);
        let data = self.bytes(kernel, self.weight_ppm(layer)) + self.bytes(per_channel, PPM);
        Bytes { data, mask: self.mask_bytes(kernel) }
    }

    /// Space of a tile of an output that is not resident.
    pub(crate) fn output_bytes(&self, tile: &Tile) -> Bytes {
        let storage = self.problem.fused.layers[tile.layer].output;
        let full = tile.several_inputs && !self.deviates(Deviation::PartialSumsCompressed);
        let ppm = if full { PPM } else { self.activation_ppm(storage) };
        let words = tile.output_words();
        Bytes { data: self.bytes(words, ppm), mask: self.mask_bytes(words) }
    }
}
