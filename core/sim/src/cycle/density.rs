//! How much of activations and weights is not zero.

use super::error::CycleError;
use super::tiles::WHOLE_PPM;
use codebench_model::hardware::{Densities, FusedLayer, FusedOp, FusedWorkload};

/// Where densities come from.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Sparsity {
    /// The paper's: half of activations and weights, overlap 0.8.
    #[default]
    Paper,
    /// No zeros.
    Dense,
    /// The density of each layer's output, by layer of the workload, as a trainer measured it; images without zeros, weights
    /// and overlap as the paper's.
    Measured(Vec<f64>),
}

/// The paper's share of words that are not zero.
const PAPER_PPM: u64 = 500_000;
/// The paper's overlap.
const PAPER_OVERLAP_PPM: u64 = 800_000;

impl Sparsity {
    /// Densities of a workload.
    ///
    /// # Errors
    /// A measured density that is missing or not from 0 to 1.
    pub fn densities(&self, workload: &FusedWorkload) -> Result<Densities, CycleError> {
        let (storages, layers) = (workload.storages.len(), workload.layers.len());
        Ok(match self {
            Sparsity::Paper => Densities {
                activation_ppm: vec![PAPER_PPM; storages],
                weight_ppm: vec![PAPER_PPM; layers],
                overlap_ppm: PAPER_OVERLAP_PPM,
            },
            Sparsity::Dense => Densities {
                activation_ppm: vec![WHOLE_PPM; storages],
                weight_ppm: vec![WHOLE_PPM; layers],
                overlap_ppm: WHOLE_PPM,
            },
            Sparsity::Measured(measured) => {
                let mut activation_ppm = vec![WHOLE_PPM; storages];
                for layer in &workload.layers {
                    activation_ppm[layer.output] = ppm(measured, last_of(layer))?;
                }
                Densities {
                    activation_ppm,
                    weight_ppm: vec![PAPER_PPM; layers],
                    overlap_ppm: PAPER_OVERLAP_PPM,
                }
            }
        })
    }
}

/// The layer of the workload whose output is stored.
fn last_of(layer: &FusedLayer) -> usize {
    layer.fused.last().map_or(layer.layer, |op| match op {
        FusedOp::BatchNorm { layer } | FusedOp::Activation { layer, .. } | FusedOp::Add { layer, .. } => {
            *layer
        }
    })
}

fn ppm(measured: &[f64], layer: usize) -> Result<u64, CycleError> {
    let density = measured.get(layer).copied().ok_or_else(|| {
        CycleError::Description(format!(
            "activation densities are measured for {} layers, but the workload has a layer {layer}: give one per layer",
            measured.len()
        ))
    })?;
    if !(0.0..=1.0).contains(&density) {
        return Err(CycleError::Description(format!(
            "the measured activation density {density} of layer {layer} is not allowed: give 0 to 1"
        )));
    }
    Ok((density * WHOLE_PPM as f64).round() as u64)
}
