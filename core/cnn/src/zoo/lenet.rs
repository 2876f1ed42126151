//! LeNet-5: Y. LeCun et al., "Gradient-based learning applied to document recognition", 1998, section II.B and table I.
//! Its fixed radial basis functions over F6 are a trained dense layer here.

use super::build::{INPUT, Module, chain};
use super::cnn;
use codebench_model::{CnnGraph, CnnModule, Join};

/// Table I: the maps of S2 that each map of C3 reads.
const CONNECTIONS: [&[usize]; 16] = [
    &[0, 1, 2],
    &[1, 2, 3],
    &[2, 3, 4],
    &[3, 4, 5],
    &[0, 4, 5],
    &[0, 1, 5],
    &[0, 1, 2, 3],
    &[1, 2, 3, 4],
    &[2, 3, 4, 5],
    &[0, 3, 4, 5],
    &[0, 1, 4, 5],
    &[0, 1, 2, 5],
    &[0, 1, 3, 4],
    &[1, 2, 4, 5],
    &[0, 2, 3, 5],
    &[0, 1, 2, 3, 4, 5],
];

pub(super) fn graph() -> CnnGraph {
    let subsample = ["avgpool2x2-s2", "conv1x1-dw-tanh"];
    cnn(vec![
        chain(["conv5x5-c6-tanh"]),
        chain(subsample),
        c3(),
        chain(subsample),
        chain(["conv5x5-c120-tanh"]),
        chain(["flatten", "dense-84-tanh", "dense_classes"]),
    ])
}

/// The third layer: sixteen convolutions, each of some maps.
fn c3() -> CnnModule {
    let mut module = Module::new();
    let maps: Vec<usize> = (0..6).map(|map| module.op(INPUT, format!("slice-a{map}-b{}", map + 1))).collect();
    let mut outputs = Vec::new();
    for read in CONNECTIONS {
        let read: Vec<usize> = read.iter().filter_map(|map| maps.get(*map).copied()).collect();
        outputs.push(module.join(Join::Concat, &read, "conv5x5-c1-tanh"));
    }
    module.end(Join::Concat, &outputs)
}
