//! Area, power and energies of one accelerator from the constants, in the released code's order of operations.

use crate::SimError;
use codebench_model::published::{
    BufferConstants, MacLaneConstants, ModuleConstants, Multiplier, PublishedConstants,
};
use codebench_model::{PublishedAccelerator, PublishedOps};

/// Clock in MHz.
const CLOCK: f64 = 700.0;
/// Seconds of one cycle.
pub(crate) const CYCLE_S: f64 = 1e-6 / CLOCK;

/// What the released code derives from an accelerator before it simulates. Powers in mW.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Figures {
    pub(crate) area_mm2: f64,
    pub(crate) leakage_mw: f64,
    pub(crate) mac: f64,
    /// Everything else that runs with the MAC lanes in a convolution.
    pub(crate) conv_modules: f64,
    /// The same in a matrix multiplication: no Im2Col.
    pub(crate) matmul_modules: f64,
    /// DMA plus the main memory's nJ per access, which the released code adds to it as if it were mW.
    pub(crate) load: f64,
    pub(crate) batch_norm: f64,
    pub(crate) pooling: f64,
    pub(crate) global_average_pool: f64,
    pub(crate) upsample: f64,
    /// nJ of one access.
    pub(crate) activation_access: f64,
    pub(crate) weight_access: f64,
    pub(crate) mask_access: f64,
    /// Number of PEs.
    pub(crate) pes: u64,
}

impl Figures {
    pub(crate) fn new(
        constants: &PublishedConstants,
        accelerator: &PublishedAccelerator,
        ops: &PublishedOps,
    ) -> Result<Figures, SimError> {
        let mac = mac_lane(constants, accelerator.pif, ops)?;
        let counts = Counts::new(accelerator)?;
        let c = constants;
        let (activation, weight, mask) = (&c.activation_buffer, &c.weight_buffer, &c.mask_buffer);
        let a_mb = accelerator.activation_buffer_mb as f64;
        let w_mb = accelerator.weight_buffer_mb as f64;
        let m_mb = accelerator.mask_buffer_mb;
        let modules = [
            mac,
            &c.data_flow,
            &c.dma,
            &c.fifo,
            &c.batch_norm,
            &c.im2col,
            &c.pooling,
            &c.global_average_pool,
            &c.upsample,
            &c.pre_sparsity,
            &c.post_sparsity,
        ];
        let area_um2 = modules.iter().fold(0.0, |sum, m| sum + counts.scale(m.area_um2, m.multiplier));
        let buffer_area = area(activation, a_mb) + area(weight, w_mb) + area(mask, m_mb);
        let leakage = modules.iter().fold(0.0, |sum, m| sum + counts.scale(m.leakage_mw, m.multiplier));
        let leakage_mw = leakage + leak(activation, a_mb) + leak(weight, w_mb) + leak(mask, m_mb);
        let dynamic = |m: &ModuleConstants| counts.scale(m.dynamic_mw / CLOCK * CLOCK, m.multiplier);
        let shared = dynamic(&c.data_flow) + dynamic(&c.fifo);
        let im2col = counts.scale(c.im2col.dynamic_mw, c.im2col.multiplier) * 2.0;
        let (pre, post) = (dynamic(&c.pre_sparsity), dynamic(&c.post_sparsity));
        Ok(Figures {
            area_mm2: area_um2 * 1e-6 + buffer_area,
            leakage_mw,
            mac: dynamic(mac),
            conv_modules: shared + im2col + pre + post,
            matmul_modules: shared + pre + post,
            load: dynamic(&c.dma) + main_memory(constants, accelerator)?,
            batch_norm: dynamic(&c.batch_norm),
            pooling: dynamic(&c.pooling),
            global_average_pool: dynamic(&c.global_average_pool),
            upsample: dynamic(&c.upsample),
            activation_access: access(activation, a_mb),
            weight_access: access(weight, w_mb),
            mask_access: access(mask, m_mb),
            pes: counts.pes,
        })
    }
}

/// How many instances there are.
struct Counts {
    pes: u64,
    lanes: u64,
    pif: u64,
}

impl Counts {
    fn new(a: &PublishedAccelerator) -> Result<Counts, SimError> {
        let pes = super::tiling::product(&[a.pib, a.pix, a.piy], "the number of PEs (pib x pix x piy)")?;
        let lanes =
            super::tiling::product(&[a.pof, a.pkx, a.pky], "the number of MAC lanes (pof x pkx x pky)")?;
        super::tiling::product(&[pes, lanes, a.pif], "the number of multipliers")?;
        Ok(Counts { pes, lanes, pif: a.pif })
    }

    fn scale(&self, value: f64, multiplier: Multiplier) -> f64 {
        let (pes, lanes, pif) = (self.pes as f64, self.lanes as f64, self.pif as f64);
        match multiplier {
            Multiplier::Pe => value * pes,
            Multiplier::PeLane => value * pes * lanes,
            Multiplier::PeLanePif2 => value * pes * lanes * pif * 2.0,
        }
    }
}

/// Whether there is hardware of such counts, whatever the CNN.
pub(crate) fn check(constants: &PublishedConstants, a: &PublishedAccelerator) -> Result<(), SimError> {
    lane_of(constants, a.pif)?;
    Counts::new(a).map(drop)
}

fn lane_of(constants: &PublishedConstants, pif: u64) -> Result<&MacLaneConstants, SimError> {
    constants.mac_lanes.iter().find(|lane| lane.pif == pif).ok_or_else(|| {
        let known: Vec<String> = constants.mac_lanes.iter().map(|lane| lane.pif.to_string()).collect();
        SimError::NoMacLane { pif, known: known.join(" and ") }
    })
}

fn mac_lane<'a>(
    constants: &'a PublishedConstants,
    pif: u64,
    ops: &PublishedOps,
) -> Result<&'a ModuleConstants, SimError> {
    let lane = lane_of(constants, pif)?;
    match (ops.has_relu, ops.has_silu) {
        (true, true) => Ok(&lane.both),
        (true, false) => Ok(&lane.relu),
        (false, true) => Ok(&lane.silu),
        (false, false) => Err(SimError::NoActivation),
    }
}

fn main_memory(constants: &PublishedConstants, a: &PublishedAccelerator) -> Result<f64, SimError> {
    let configurations = constants.memories.get(a.memory as usize).map_or(&[][..], |m| m.as_slice());
    let index = a.memory_config.checked_sub(1).and_then(|i| usize::try_from(i).ok());
    index.and_then(|i| configurations.get(i)).map(|c| c.access).ok_or_else(|| SimError::OutOfRange {
        name: "memory_config".into(),
        value: a.memory_config.to_string(),
        allowed: format!("1 to {}", configurations.len()),
    })
}

fn area(buffer: &BufferConstants, mb: f64) -> f64 {
    buffer.area_mm2 / buffer.reference_mb * mb
}

fn leak(buffer: &BufferConstants, mb: f64) -> f64 {
    buffer.leakage_mw * buffer.banks / buffer.reference_mb * mb
}

fn access(buffer: &BufferConstants, mb: f64) -> f64 {
    (buffer.read_nj + buffer.write_nj) / 2.0 * codebench_math::sqrt(mb / buffer.reference_mb)
}
