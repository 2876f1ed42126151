//! Rows of an `accel-module`'s hot call.

use super::MAX_EVENTS;
use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Serialize};

/// What one module has to do for one tile, or for one transfer (DMA and buffers).
///
/// Extents are those of this tile: clipped at the edges, halo included, padding excluded; channels are summed over
/// groups. Densities are in ppm (10^-6).
#[repr(C)]
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Pod, Zeroable, Serialize, Deserialize,
)]
#[serde(default)]
pub struct TileWork {
    /// [`Role::code`](super::Role::code) of the module.
    pub role: u64,
    /// [`PrimitiveKind::code`](crate::PrimitiveKind::code); 0 for a transfer.
    pub primitive: u64,
    /// [`Activation::code`](crate::Activation::code) of an activation; 0 otherwise.
    pub activation: u64,
    /// Images.
    pub batch: u64,
    /// Output channels.
    pub out_channels: u64,
    /// Output rows.
    pub out_y: u64,
    /// Output columns.
    pub out_x: u64,
    /// Input channels.
    pub in_channels: u64,
    /// Input rows.
    pub in_y: u64,
    /// Input columns.
    pub in_x: u64,
    /// Groups within this tile.
    pub groups: u64,
    /// Kernel rows; 1 where there is no kernel.
    pub kernel_y: u64,
    /// Kernel columns.
    pub kernel_x: u64,
    /// Stride along y.
    pub stride_y: u64,
    /// Stride along x.
    pub stride_x: u64,
    /// Dilation along y.
    pub dilation_y: u64,
    /// Dilation along x.
    pub dilation_x: u64,
    /// Number of input tensors (add, multiply); 1 otherwise.
    pub operands: u64,
    /// 1 if partial sums start in this tile.
    pub first_input_tile: u64,
    /// 1 if partial sums are complete after this tile.
    pub last_input_tile: u64,
    /// Multiply-accumulates as the graph counts them.
    pub macs: u64,
    /// Multiply-accumulates left after the zeros that the compute module skips.
    pub effective_macs: u64,
    /// Share of activations that are not zero.
    pub activation_density_ppm: u64,
    /// Share of weights that are not zero.
    pub weight_density_ppm: u64,
    /// Share of the expected non-zero pairs that meet.
    pub overlap_ppm: u64,
    /// Bytes read: carried (buffers, DMA) or consumed (others).
    pub read_bytes: u64,
    /// Bytes written: carried (buffers, DMA) or produced (others).
    pub write_bytes: u64,
    /// Bytes of masks that belong to them; 0 if tensors are not stored compressed.
    pub mask_bytes: u64,
    /// Bytes of the tile's part of the kernel, and of its words per output channel, as they lie in the weight buffer; 0
    /// where there are none, and of a transfer or a fused operation.
    pub weight_bytes: u64,
    /// 1 if that part is the one of the layer's tile before: an array that still holds it need not fetch it again.
    pub same_weights: u64,
    /// A number that only this primitive has: channels in the window of a local response norm, groups of a shuffle, 1 of a
    /// bilinear resize; 0 otherwise.
    pub variant: u64,
}

/// What it costs.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Pod, Zeroable, Serialize, Deserialize)]
#[serde(default)]
pub struct TileCost {
    /// Cycles until the next tile may enter.
    pub busy_cycles: u64,
    /// Further cycles to the last output, during which the next tile may already run.
    pub fill_cycles: u64,
    /// Bytes read from the activation buffer; partial sums are activations. 0 from buffers and DMA, as the next four.
    pub activation_read_bytes: u64,
    /// Bytes written to the activation buffer.
    pub activation_write_bytes: u64,
    /// Bytes read from the weight buffer.
    pub weight_read_bytes: u64,
    /// Bytes read from the mask buffer.
    pub mask_read_bytes: u64,
    /// Bytes written to the mask buffer.
    pub mask_write_bytes: u64,
    /// Counts of the events in [`ModuleFacts::events`](super::ModuleFacts::events), in their order; 0 beyond.
    pub events: [u64; MAX_EVENTS],
}
