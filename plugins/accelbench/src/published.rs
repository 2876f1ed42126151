//! Every constant of the released simulator, in its order: what the `published` fidelity reads.
//!
//! Areas in um2, powers in mW at 700 MHz; buffers at the size at which the authors give them.

use codebench_sdk::model::published::{
    BufferConstants, MacLaneConstants, MemoryConfigConstants, ModuleConstants, Multiplier, PublishedConstants,
};
use codebench_sdk::prelude::*;

/// The constants of the paper's accelerator.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccelBench;

impl Plugin for AccelBench {
    type Kind = kinds::PublishedConstants;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/accelbench",
            "0.1.0",
            "Areas, powers and memory energies of the paper's accelerator, read by the `published` fidelity.",
        )
    }

    fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(AccelBench)
    }
}

impl From<AccelBench> for PublishedConstants {
    fn from(_: AccelBench) -> PublishedConstants {
        PublishedConstants {
            mac_lanes: mac_lanes(),
            data_flow: module(75946.982008, 11.3711, 2.7312, Multiplier::Pe),
            dma: module(144.636242, 0.0335287, 0.0063819, Multiplier::Pe),
            fifo: module(484.379110, 0.0563909, 0.0140774, Multiplier::PeLanePif2),
            batch_norm: module(14654.491357, 8.3914, 0.5323004, Multiplier::Pe),
            im2col: module(14307.182942, 423.0658, 0.3963450, Multiplier::PeLane),
            pooling: module(3395.049675, 1.1430, 0.1281938, Multiplier::Pe),
            // Its area is part of the pooling module's.
            global_average_pool: module(0.0, 1.2148, 0.0848479, Multiplier::Pe),
            upsample: module(749.704715, 0.1503713, 0.0293699, Multiplier::Pe),
            pre_sparsity: module(6216.896914, 0.2852968, 0.1507329, Multiplier::PeLane),
            post_sparsity: module(1181.201447, 0.2613971, 0.0324301, Multiplier::PeLane),
            activation_buffer: BufferConstants {
                reference_mb: 12.0,
                read_nj: 0.275546,
                write_nj: 0.273688,
                leakage_mw: 185.939,
                banks: 16.0,
                area_mm2: 3.63967,
            },
            weight_buffer: BufferConstants {
                reference_mb: 24.0,
                read_nj: 0.42123,
                write_nj: 0.418051,
                leakage_mw: 315.607,
                banks: 16.0,
                area_mm2: 7.05842,
            },
            mask_buffer: BufferConstants {
                reference_mb: 4.0,
                read_nj: 0.164271,
                write_nj: 0.163756,
                leakage_mw: 119.098,
                banks: 8.0,
                area_mm2: 1.21026,
            },
            memories: memories(),
        }
    }
}

const fn module(area_um2: f64, dynamic_mw: f64, leakage_mw: f64, multiplier: Multiplier) -> ModuleConstants {
    ModuleConstants { area_um2, dynamic_mw, leakage_mw, multiplier }
}

fn mac_lanes() -> Vec<MacLaneConstants> {
    let lane = |area, dynamic, leakage| module(area, dynamic, leakage, Multiplier::PeLane);
    vec![
        MacLaneConstants {
            pif: 16,
            relu: lane(8819.484999, 4.8926, 0.3003308),
            silu: lane(9418.667591, 5.1955, 0.3189685),
            both: lane(9435.567886, 5.3176, 0.3241016),
        },
        MacLaneConstants {
            pif: 1,
            relu: lane(597.964253, 0.2756146, 0.0223711),
            silu: lane(1209.955838, 0.6705926, 0.0419121),
            both: lane(1199.509430, 0.6896749, 0.0415079),
        },
    ]
}

fn memories() -> [Vec<MemoryConfigConstants>; 3] {
    let list = |configurations: &[([u64; 3], f64)]| {
        configurations
            .iter()
            .map(|(organisation, access)| MemoryConfigConstants {
                organisation: *organisation,
                access: *access,
            })
            .collect()
    };
    [
        list(&[
            ([16, 2, 2], 17.321165),
            ([8, 2, 4], 32.655499),
            ([4, 2, 8], 69.3328008),
            ([2, 2, 16], 149.0564671),
            ([32, 2, 1], 8.63281599),
            ([1, 2, 32], 340.9690911),
        ]),
        list(&[
            ([16, 2, 2], 69.00706337),
            ([8, 2, 4], 200.2819855),
            ([32, 2, 1], 53.43777522),
            ([16, 4, 1], 38.28777884),
        ]),
        list(&[([32, 1, 4], 26.5569841)]),
    ]
}
