//! Lowered CNNs by what they were lowered from, within a bound of memory.

use super::fault;
use super::job::{Cnn, Job};
use codebench_cnn::{Language, Lowered as Both, file, named};
use codebench_model::{CnnGraph, PublishedOps, SimulationFault, TensorShape};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of one generation; two are kept.
const GENERATION_BYTES: usize = 16 << 20;

/// A CNN's text and the shape of its input and output.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    /// A name, or a graph, which begins with `[` as no name does.
    text: Box<str>,
    default_channels: u64,
    image: u64,
    channels: u64,
    classes: u64,
}

type Lowered = Result<Arc<Both>, SimulationFault>;

/// Two generations of answers: when the young one is full it becomes the old one, and the old one is forgotten.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Key, Lowered>,
    old: HashMap<Key, Lowered>,
    young_bytes: usize,
}

/// Lowers CNNs, each once as long as memory lasts. What is remembered never changes an answer.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Generations>);

impl Cache {
    /// The job's CNN, lowered.
    pub(super) fn lower(&self, job: &Job<'_>, language: &Language) -> Lowered {
        let (text, default_channels) = match &job.cnn {
            Cnn::Name(name) => (name.as_str(), 0),
            Cnn::Graph { text, default_channels } => (*text, *default_channels),
        };
        let key = Key {
            text: text.into(),
            default_channels,
            image: job.image,
            channels: job.channels,
            classes: job.classes,
        };
        if let Some(known) = self.find(&key) {
            return known;
        }
        let lowered = lower(job, language);
        self.remember(key, &lowered);
        lowered
    }

    fn find(&self, key: &Key) -> Option<Lowered> {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = generations.young.get(key) {
            return Some(known.clone());
        }
        let (key, lowered) = generations.old.remove_entry(key)?;
        generations.insert(key, lowered.clone());
        Some(lowered)
    }

    fn remember(&self, key: Key, lowered: &Lowered) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, lowered.clone());
    }
}

impl Generations {
    fn insert(&mut self, key: Key, lowered: Lowered) {
        let size = key.text.len() + size_of::<(Key, Lowered)>() + size_of_lowered(&lowered);
        if self.young_bytes + size > GENERATION_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if size <= GENERATION_BYTES && self.young.insert(key, lowered).is_none() {
            self.young_bytes += size;
        }
    }
}

fn size_of_lowered(lowered: &Lowered) -> usize {
    match lowered {
        Ok(both) => {
            let each = size_of::<codebench_model::PublishedOp>() + size_of::<Option<usize>>() + 16;
            let published = size_of::<PublishedOps>() + both.published.ops.len() * each;
            let layers: usize = both.workload.layers.iter().map(size_of_layer).sum();
            published + layers + both.workload.tensors.len() * size_of::<TensorShape>()
        }
        Err(fault) => fault.code.len() + fault.message.len(),
    }
}

fn size_of_layer(layer: &codebench_model::Layer) -> usize {
    let weights: usize =
        layer.weights.iter().map(|w| size_of_val(w) + w.name.len() + w.shape.len() * 8).sum();
    size_of_val(layer) + layer.name.len() + layer.inputs.len() * 8 + weights
}

fn lower(job: &Job<'_>, language: &Language) -> Lowered {
    let graph = graph_of(job)?;
    let shape = TensorShape::new(job.channels, job.image, job.image);
    let lowered = language.lower(&graph, shape, job.classes).map_err(|error| {
        let code = if error.is_infeasible() { "infeasible_cnn" } else { "invalid_cnn" };
        fault(code, error.to_string())
    })?;
    Ok(Arc::new(lowered))
}

fn graph_of(job: &Job<'_>) -> Result<CnnGraph, SimulationFault> {
    match &job.cnn {
        Cnn::Name(name) => named::find_for_image(name, job.image)
            .map(|network| network.graph)
            .map_err(|error| fault("unknown_network", error.to_string())),
        Cnn::Graph { text, default_channels } => {
            // The graph stands on one line, and where in that line must not matter to what is remembered.
            let mut graph = file::parse(text, file::Format::Json).map_err(|error| {
                let message = format!("field `graph`, character {}: {}", error.column, error.message);
                fault("invalid_cnn", message)
            })?;
            graph.default_channels = *default_channels;
            Ok(graph)
        }
    }
}
