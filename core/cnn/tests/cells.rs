//! CNNs of cells: those of NAS-Bench-201 have the parameters that its table says.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use codebench_model::{Genotype, Primitive, Space, TensorShape};
use codebench_space::{SpaceDescription, SpaceError, decode};
use common::language;
use std::path::Path;

/// The space of `examples/codesign.toml`.
fn space() -> Space {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/codesign.toml");
    let experiment: toml::Table = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    experiment["space"].clone().try_into::<SpaceDescription>().unwrap().compile().unwrap()
}

/// The point of a cell, written as in the table: one digit per edge.
fn point(space: &Space, cell: &str) -> Genotype {
    let mut genes = vec![0; space.choices.len()];
    genes.iter_mut().zip(cell.bytes()).for_each(|(gene, digit)| *gene = u32::from(digit - b'0'));
    Genotype(genes)
}

#[test]
fn cells_of_nasbench201_have_the_parameters_of_its_table() {
    let space = space();
    let names: Vec<&str> = space.choices[..6].iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["edge_1_0", "edge_2_0", "edge_2_1", "edge_3_0", "edge_3_1", "edge_3_2"]);
    for (cell, parameters) in [
        ("421211", 129_306),
        ("334131", 802_426),
        ("433444", 559_386),
        ("112112", 129_306),
        ("212304", 372_346),
        ("333132", 1_073_466),
    ] {
        let cnn = decode(&space, &point(&space, cell)).unwrap().cnn.unwrap();
        let lowered = language().lower(&cnn, TensorShape::new(3, 32, 32), 10);
        let workload = lowered.unwrap_or_else(|e| panic!("{cell}: {e}")).workload;
        assert_eq!(workload.parameters(), parameters, "{cell}");
    }
}

#[test]
fn what_no_way_reads_is_not_computed() {
    let space = space();
    let layers = |cell: &str| {
        let cnn = decode(&space, &point(&space, cell)).unwrap().cnn.unwrap();
        let workload = language().lower(&cnn, TensorShape::new(3, 32, 32), 10).unwrap().workload;
        let is = |kind: fn(&Primitive) -> bool| workload.layers.iter().filter(|l| kind(&l.primitive)).count();
        (is(|p| matches!(p, Primitive::Conv { .. })), is(|p| matches!(p, Primitive::Add)))
    };
    // Stem and twice three convolutions of the blocks between stacks, which add once each.
    assert_eq!(layers("000100"), (7, 2));
    // A convolution that leads nowhere is left out; three that add up are not.
    assert_eq!(layers("300100"), (7, 2));
    assert_eq!(layers("330333"), (7 + 15 * 5, 2 + 15));
    assert_eq!(decode(&space, &point(&space, "330000")), Err(SpaceError::Unconnected));
}
