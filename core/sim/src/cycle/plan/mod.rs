//! From tile sizes to a schedule: what is resident, what is evicted, where everything lies in memory.

mod addresses;
mod auto;
mod residency;

use super::error::CycleError;
use super::machine::Machine;
use super::tiles::{LayerTiles, Sizes, WHOLE_PPM, reference};
use codebench_model::TileSize;
use codebench_model::hardware::{Densities, FusedWorkload, LayerPlan};

pub(crate) use addresses::{Addresses, Placed};
pub(crate) use auto::peak_bytes_per_tick;

/// Data and mask bytes: of the activation and the mask buffer, or of the weight and the mask buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Need {
    pub(crate) data: u64,
    pub(crate) mask: u64,
}

impl Need {
    pub(crate) fn plus(self, other: Need) -> Need {
        Need { data: self.data.saturating_add(other.data), mask: self.mask.saturating_add(other.mask) }
    }

    pub(crate) fn largest(self, other: Need) -> Need {
        Need { data: self.data.max(other.data), mask: self.mask.max(other.mask) }
    }

    pub(crate) fn minus(self, other: Need) -> Need {
        Need { data: self.data - other.data, mask: self.mask - other.mask }
    }
}

/// What happens to a storage that is evicted before a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Eviction {
    pub(crate) storage: usize,
    /// Whether it must be written to memory first.
    pub(crate) write_back: bool,
}

/// One layer of the schedule.
#[derive(Debug, Clone)]
pub(crate) struct LayerSchedule {
    pub(crate) plan: LayerPlan,
    pub(crate) tiles: LayerTiles,
    pub(crate) evictions: Vec<Eviction>,
    pub(crate) promotions: Vec<usize>,
    pub(crate) output_resident: bool,
    /// Resident storages that the layer reads.
    pub(crate) resident_inputs: Vec<usize>,
    /// Resident storages that nobody reads after this layer.
    pub(crate) dead: Vec<usize>,
    pub(crate) weights_kept: bool,
}

/// What the engine follows.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    pub(crate) layers: Vec<LayerSchedule>,
    pub(crate) addresses: Addresses,
    /// Per storage: its size in the buffers, whole.
    pub(crate) sizes: Vec<Need>,
    pub(crate) storage_ppm: Vec<u64>,
    pub(crate) weight_ppm: Vec<u64>,
}

/// Where the plans of layers come from.
pub(crate) enum Plans<'a> {
    /// One per layer.
    Given(&'a [LayerPlan]),
    /// The tiler's.
    Auto,
    /// These tiles, in the order that the tiler finds.
    Fixed(TileSize),
}

/// Most blocks of channels of all layers together: each is kept.
const MOST_BLOCKS: usize = 1 << 21;

/// What to do about tiles that are too small.
fn remedy(plans: &Plans<'_>) -> &'static str {
    match plans {
        Plans::Auto => "give larger buffers, weights above all, so that automatic tiles are larger",
        Plans::Given(_) | Plans::Fixed(_) => "give larger tiles, of input and output channels above all",
    }
}

/// Plans a workload on a machine.
pub(crate) fn plan(
    machine: &Machine,
    workload: &FusedWorkload,
    plans: &Plans<'_>,
    densities: &Densities,
) -> Result<Schedule, CycleError> {
    check_lengths(workload, plans, densities)?;
    let stored = |ppm: &[u64]| -> Vec<u64> {
        ppm.iter().map(|d| if machine.compressed() { *d } else { WHOLE_PPM }).collect()
    };
    let (storage_ppm, weight_ppm) = (stored(&densities.activation_ppm), stored(&densities.weight_ppm));
    let sizes = Sizes { word_bits: machine.context.word_bits };
    let whole: Vec<Need> = workload
        .storages
        .iter()
        .zip(&storage_ppm)
        .map(|(storage, ppm)| {
            let words = storage.shape.elements().unwrap_or(u64::MAX);
            Need {
                data: sizes.bytes(words, *ppm).saturating_mul(machine.batch),
                mask: if machine.compressed() { words.div_ceil(8).saturating_mul(machine.batch) } else { 0 },
            }
        })
        .collect();
    let mut planner = residency::Planner::new(machine, workload, &storage_ppm, &weight_ppm, &whole);
    let mut tiler = match plans {
        Plans::Given(_) => None,
        Plans::Auto | Plans::Fixed(_) => {
            Some(auto::AutoTiler::new(machine, workload, densities, &storage_ppm, &weight_ppm)?)
        }
    };
    let mut layers: Vec<LayerSchedule> = Vec::with_capacity(workload.layers.len());
    let mut blocks = 0;
    for index in 0..workload.layers.len() {
        planner.release_dead(index);
        let mut plan = match (plans, &mut tiler) {
            (Plans::Given(plans), _) => plans[index],
            (Plans::Auto, Some(tiler)) => tiler.choose(index, planner.resident(), planner.free())?,
            (Plans::Fixed(tile), Some(tiler)) => {
                tiler.nest(index, *tile, planner.resident(), planner.free())?
            }
            (Plans::Auto | Plans::Fixed(_), None) => continue,
        };
        let layer = loop {
            let tiles = LayerTiles::new(workload, index, plan, machine.batch, remedy(plans))?;
            let before = planner.state();
            match (planner.layer(index, plan, tiles), &tiler) {
                (Err(CycleError::Infeasible(why)), Some(tiler)) if matches!(plans, Plans::Auto) => {
                    planner.restore(before);
                    plan.tile =
                        tiler.smaller(index, plan.tile)?.ok_or(CycleError::Infeasible(why.at_smallest()))?;
                }
                (layer, _) => break layer?,
            }
        };
        blocks += layer.tiles.channels.len();
        if blocks > MOST_BLOCKS {
            return Err(CycleError::Layer {
                layer: reference(&workload.layers[index]),
                message: format!(
                    "with its tiles the network so far has {blocks} blocks of channels: at most {MOST_BLOCKS} are simulated; {}",
                    remedy(plans)
                ),
            });
        }
        layers.push(layer);
    }
    let addresses = addresses::place(machine, workload, &layers)?;
    Ok(Schedule { layers, addresses, sizes: whole, storage_ppm, weight_ppm })
}

fn check_lengths(
    workload: &FusedWorkload,
    plans: &Plans<'_>,
    densities: &Densities,
) -> Result<(), CycleError> {
    let wrong = |what: &str, given: usize, needed: usize| {
        Err(CycleError::Description(format!("{given} {what} are given: give {needed}, one for each")))
    };
    let (layers, storages) = (workload.layers.len(), workload.storages.len());
    if let Plans::Given(plans) = plans
        && plans.len() != layers
    {
        return wrong("plans of layers", plans.len(), layers);
    }
    if densities.weight_ppm.len() != layers {
        return wrong("densities of weights", densities.weight_ppm.len(), layers);
    }
    if densities.activation_ppm.len() != storages {
        return wrong("densities of activations", densities.activation_ppm.len(), storages);
    }
    let all = densities.activation_ppm.iter().chain(&densities.weight_ppm).chain([&densities.overlap_ppm]);
    match all.copied().find(|d| *d > WHOLE_PPM) {
        Some(density) => Err(CycleError::Description(format!(
            "a density of {density} ppm is not allowed: give 0 to 1000000"
        ))),
        None => Ok(()),
    }
}
