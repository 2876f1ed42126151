//! For the tests: makes plugins of this crate.

use codebench_sdk::api::Catalog;
use codebench_sdk::prelude::*;

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("here", crate::PLUGINS).unwrap();
    catalog
}

fn read(text: &str) -> Parameters {
    toml::from_str(text).unwrap()
}

/// A module by id, with parameters as TOML lines, in the paper's hardware.
pub(crate) fn module(id: &str, parameters: &str) -> Box<dyn AccelModule> {
    catalog().accel_module(id, &read(parameters), HardwareContext::default()).unwrap()
}

/// A memory by id.
pub(crate) fn memory(id: &str, parameters: &str) -> Result<Box<dyn Memory>, PluginError> {
    catalog().memory(id, &read(parameters), HardwareContext::default())
}

/// The answer of a module to one row.
pub(crate) fn one(id: &str, parameters: &str, work: TileWork) -> TileCost {
    let mut costs = [TileCost::default()];
    module(id, parameters).cost(&[work], &mut costs).unwrap();
    costs[0]
}

/// A tile of a 3 x 3 convolution, with the paper's densities and masks.
pub(crate) fn convolution() -> TileWork {
    TileWork {
        role: Role::Compute.code(),
        primitive: PrimitiveKind::Conv.code(),
        batch: 1,
        out_channels: 64,
        out_y: 16,
        out_x: 16,
        in_channels: 32,
        in_y: 18,
        in_x: 18,
        groups: 1,
        kernel_y: 3,
        kernel_x: 3,
        stride_y: 1,
        stride_x: 1,
        dilation_y: 1,
        dilation_x: 1,
        operands: 1,
        first_input_tile: 1,
        last_input_tile: 1,
        macs: 4_718_592,
        effective_macs: 943_719,
        activation_density_ppm: 500_000,
        weight_density_ppm: 500_000,
        overlap_ppm: 800_000,
        read_bytes: 12_960,
        write_bytes: 20_480,
        mask_bytes: 3600,
        ..TileWork::default()
    }
}

/// A tile of a dense layer, without zeros to skip.
pub(crate) fn dense() -> TileWork {
    TileWork {
        primitive: PrimitiveKind::Dense.code(),
        batch: 65,
        out_channels: 10,
        out_y: 1,
        out_x: 1,
        in_channels: 300,
        in_y: 1,
        in_x: 1,
        kernel_y: 1,
        kernel_x: 1,
        macs: 195_000,
        effective_macs: 195_000,
        ..convolution()
    }
}

/// The answer of a memory by default to one run of bytes in a row that is not yet open.
pub(crate) fn transfer(id: &str, direction: u64, bytes: u64) -> TransferCost {
    let profile = TransferProfile {
        direction,
        bytes,
        runs: 1,
        run_bytes: bytes,
        row_activates: 1,
        banks: 1,
        ..TransferProfile::default()
    };
    let mut costs = [TransferCost::default()];
    memory(id, "").unwrap().cost(&[profile], &mut costs).unwrap();
    costs[0]
}
