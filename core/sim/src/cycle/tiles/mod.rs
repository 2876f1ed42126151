//! How a layer is cut: blocks along each axis, the regions that a tile reads, the order in which tiles run.

mod axis;
mod channels;
mod layer;
mod region;

pub(crate) use axis::{Block, Span};
pub(crate) use channels::{ChannelBlock, KernelRegion, Part};
pub(crate) use layer::{LayerTiles, Position, reference};
pub(crate) use region::{Region, RegionPart, Sizes, WHOLE_PPM};
