//! Costs that modules have answered before.

use codebench_api::{AccelModule, ErrorKind, PluginError};
use codebench_model::{MAX_EVENTS, TileCost, TileWork};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, PoisonError, RwLock};

/// Most cycles that a module or a memory may answer: beyond are negative numbers that have wrapped.
pub(super) const MOST_CYCLES: u64 = 1 << 63;
/// Answers that one module keeps.
const MOST_ROWS: usize = 1 << 16;

/// Multiplies and rotates: keys are rows of numbers that nobody chooses with malice, and a collision costs time only.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct FastHasher(u64);

impl FastHasher {
    /// Of many numbers.
    pub(crate) fn of(numbers: &[u64]) -> u64 {
        let mut hasher = FastHasher::default();
        numbers.iter().for_each(|number| hasher.write_u64(*number));
        hasher.finish()
    }
}

impl Hasher for FastHasher {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }
}

pub(crate) type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<FastHasher>>;

/// A module behind a memory of its answers. Answers are pure, so that it never changes a result.
pub(crate) struct CostMemo {
    instance: Arc<dyn AccelModule>,
    known: RwLock<FastMap<TileWork, TileCost>>,
    /// Whether answers are kept.
    keeps: bool,
}

impl CostMemo {
    pub(crate) fn new(instance: Arc<dyn AccelModule>) -> Self {
        CostMemo { instance, known: RwLock::default(), keeps: true }
    }

    /// The same module, asked anew for every row.
    pub(crate) fn forgetful(&self) -> Self {
        CostMemo { instance: Arc::clone(&self.instance), known: RwLock::default(), keeps: false }
    }

    /// The cost of one work. `buffer_traffic` says whether the module may cause traffic of buffers, `events` how many it
    /// has.
    pub(crate) fn cost(
        &self,
        work: &TileWork,
        events: usize,
        buffer_traffic: bool,
    ) -> Result<TileCost, PluginError> {
        if self.keeps
            && let Some(known) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(work)
        {
            return Ok(*known);
        }
        let mut cost = [TileCost::default()];
        self.instance.cost(std::slice::from_ref(work), &mut cost)?;
        let [cost] = cost;
        check(&cost, events, buffer_traffic)?;
        if !self.keeps {
            return Ok(cost);
        }
        self.keep(&[*work], &[cost]);
        Ok(cost)
    }

    /// The costs of many works, with one call for all that are not known: a call is what a module of another form costs.
    pub(crate) fn costs(
        &self,
        works: &[TileWork],
        events: usize,
        buffer_traffic: bool,
    ) -> Result<Vec<TileCost>, PluginError> {
        let mut costs = vec![TileCost::default(); works.len()];
        let mut asked = Vec::new();
        {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            for (index, work) in works.iter().enumerate() {
                match known.get(work).filter(|_| self.keeps) {
                    Some(cost) => costs[index] = *cost,
                    None => asked.push(index),
                }
            }
        }
        if asked.is_empty() {
            return Ok(costs);
        }
        let unknown: Vec<TileWork> = asked.iter().map(|index| works[*index]).collect();
        let mut answers = vec![TileCost::default(); unknown.len()];
        self.instance.cost(&unknown, &mut answers)?;
        answers.iter().try_for_each(|cost| check(cost, events, buffer_traffic))?;
        for (index, answer) in asked.iter().zip(&answers) {
            costs[*index] = *answer;
        }
        if self.keeps {
            self.keep(&unknown, &answers);
        }
        Ok(costs)
    }

    fn keep(&self, works: &[TileWork], costs: &[TileCost]) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_ROWS {
            known.clear();
        }
        known.extend(works.iter().copied().zip(costs.iter().copied()));
    }
}

fn check(cost: &TileCost, events: usize, buffer_traffic: bool) -> Result<(), PluginError> {
    let contract = |message: String| PluginError { kind: ErrorKind::Contract, message };
    if let Some(index) = (events..MAX_EVENTS).find(|i| cost.events[*i] != 0) {
        return Err(contract(format!(
            "it counts {} of event {index}, but its facts have {events} events: describe the event or count none",
            cost.events[index]
        )));
    }
    let cycles = [("busy_cycles", cost.busy_cycles), ("fill_cycles", cost.fill_cycles)];
    if let Some((name, value)) = cycles.into_iter().find(|(_, value)| *value > MOST_CYCLES) {
        return Err(contract(format!(
            "{name} = {value} is beyond 2^63, perhaps a negative number: answer at least 0 and no more than that"
        )));
    }
    let traffic = [
        ("activation_read_bytes", cost.activation_read_bytes),
        ("activation_write_bytes", cost.activation_write_bytes),
        ("weight_read_bytes", cost.weight_read_bytes),
        ("mask_read_bytes", cost.mask_read_bytes),
        ("mask_write_bytes", cost.mask_write_bytes),
    ];
    match traffic.into_iter().find(|(_, bytes)| *bytes != 0 && !buffer_traffic) {
        Some((name, bytes)) => Err(contract(format!("{name} = {bytes}: a buffer or DMA must answer 0"))),
        None => Ok(()),
    }
}
