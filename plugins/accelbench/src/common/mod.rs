//! What the modules share.

mod array;
mod buffer;
mod count;
mod dataflow;
mod facts;
mod vector;

pub(crate) use array::{Array, ArrayWork};
pub(crate) use buffer::{Buffer, PORT_HEADROOM};
pub(crate) use count::{bytes, product, sum};
pub(crate) use dataflow::in_step;
pub(crate) use facts::{Growth, each, per_cycle_pj, published};
pub(crate) use vector::{NormUnits, accepted, outputs, vector_cost};
