//! The array against SCALE-Sim, by hand, and against its contract.
#![allow(clippy::unwrap_used)]

use codebench_conformance::{Options, check};
use codebench_sdk::api::Catalog;
use codebench_sdk::prelude::*;
use example_systolic_array::{Dataflow, Fold, PLUGINS};

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("example", PLUGINS).unwrap();
    catalog
}

fn array(rows: u64, columns: u64, dataflow: &str) -> Box<dyn AccelModule> {
    let parameters = Parameters::from([
        ("rows".to_owned(), ParameterValue::Integer(rows as i64)),
        ("columns".to_owned(), ParameterValue::Integer(columns as i64)),
        ("dataflow".to_owned(), ParameterValue::Text(dataflow.to_owned())),
    ]);
    catalog().accel_module("example/systolic-array", &parameters, HardwareContext::default()).unwrap()
}

/// Words of 20 bits.
fn bytes(words: u64) -> u64 {
    (words * 20).div_ceil(8)
}

/// A convolution as one tile. SCALE-Sim counts a last window that starts inside the map though it reaches beyond it.
fn convolution(map: [u64; 2], kernel: [u64; 2], channels: u64, filters: u64, stride: u64) -> TileWork {
    let [out_y, out_x] = [0, 1].map(|i| (map[i] - kernel[i] + stride).div_ceil(stride));
    TileWork {
        role: Role::Compute.code(),
        primitive: PrimitiveKind::Conv.code(),
        batch: 1,
        out_channels: filters,
        out_y,
        out_x,
        in_channels: channels,
        in_y: map[0],
        in_x: map[1],
        groups: 1,
        kernel_y: kernel[0],
        kernel_x: kernel[1],
        stride_y: stride,
        stride_x: stride,
        dilation_y: 1,
        dilation_x: 1,
        operands: 1,
        first_input_tile: 1,
        last_input_tile: 1,
        macs: out_y * out_x * filters * channels * kernel[0] * kernel[1],
        write_bytes: bytes(out_y * out_x * filters),
        ..TileWork::default()
    }
}

fn cost(array: &dyn AccelModule, work: TileWork) -> TileCost {
    let mut costs = [TileCost::default()];
    array.cost(&[work], &mut costs).unwrap();
    costs[0]
}

#[test]
fn cycles_are_those_of_scale_sim() {
    let mut rows = 0;
    for line in include_str!("scalesim.csv").lines().skip(2) {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |i: usize| fields[i].parse::<u64>().unwrap();
        let map = [number(3), number(4)];
        let work = convolution(map, [number(5), number(6)], number(7), number(8), number(9));
        let array = array(number(1), number(2), fields[0]);
        let cost = cost(array.as_ref(), work);
        assert_eq!(cost.busy_cycles + cost.fill_cycles, number(10), "{line}");
        rows += 1;
    }
    assert_eq!(rows, 61);
}

#[test]
fn traffic_follows_the_dataflow() {
    // 4 x 4 pixels, windows of 2 channels x 3 x 3 = 18, 10 filters, on 8 rows x 4 columns.
    let work = convolution([6, 6], [3, 3], 2, 10, 1);
    let of = |dataflow: &str| cost(array(8, 4, dataflow).as_ref(), work);
    let (pixels, window, filters) = (16, 18, 10);
    let weight = of("weight-stationary");
    assert_eq!(weight.weight_read_bytes, bytes(window * filters));
    // Three folds of filters read the pixels; three folds of the window spill twice.
    assert_eq!(weight.activation_read_bytes, bytes(pixels * window * 3 + pixels * filters * 2));
    assert_eq!(weight.activation_write_bytes, bytes(pixels * filters * 3));
    let output = of("output-stationary");
    assert_eq!(output.weight_read_bytes, bytes(window * filters * 2));
    assert_eq!(output.activation_read_bytes, bytes(pixels * window * 3));
    assert_eq!(output.activation_write_bytes, bytes(pixels * filters));
    let input = of("input-stationary");
    assert_eq!(input.weight_read_bytes, bytes(window * filters * 4));
    assert_eq!(input.activation_read_bytes, bytes(pixels * window + pixels * filters * 2));
    // Every dataflow counts the same MACs, and its own cycles.
    for cost in [weight, output, input] {
        assert_eq!(cost.events[..2], [pixels * window * filters, cost.busy_cycles]);
    }
}

#[test]
fn groups_run_one_after_another_and_partial_sums_resume() {
    let array = array(8, 4, "output-stationary");
    let one = convolution([6, 6], [3, 3], 2, 10, 1);
    let four = TileWork { groups: 4, in_channels: 8, out_channels: 40, macs: 4 * one.macs, ..one };
    assert_eq!(cost(array.as_ref(), four).busy_cycles, 4 * cost(array.as_ref(), one).busy_cycles);
    let later = TileWork { first_input_tile: 0, ..one };
    let resumed =
        cost(array.as_ref(), later).activation_read_bytes - cost(array.as_ref(), one).activation_read_bytes;
    assert_eq!(resumed, bytes(160));
}

#[test]
fn a_product_that_fills_the_array_once() {
    let fold = Fold { rows: 4, columns: 4, pixels: 4, window: 4, filters: 4 };
    assert_eq!(fold.cycles(Dataflow::OutputStationary), 4 + 4 + 4 - 2 - 1);
    assert_eq!(fold.cycles(Dataflow::WeightStationary), 4 + 4 + 4 + 4 - 2 - 1);
}

#[test]
fn the_contract_of_accel_modules_is_kept() {
    for seed in 0..4 {
        let report =
            check(&catalog(), "example/systolic-array", &Options { seed, ..Options::default() }).unwrap();
        assert!(report.ok(), "{report}");
    }
}
