//! CNNs as one labelled graph, for distances between them.

use super::GraphError;
use codebench_model::{CnnGraph, CnnTemplate, Join, LabelledGraph, LabelledVertex, ParameterValue, Space};
use std::collections::{BTreeMap, BTreeSet};

/// Millions of parameters are the unit of weights.
const UNIT: f64 = 1e6;

/// The list of all operations: it gives each label a position, and a weight as the released CNNBench does.
///
/// Weights, in millionths: a convolution `(default_channels * channels * kernel_x * kernel_y + index of the activation) / groups`,
/// with the groups of `-g` lowered until they divide both numbers of channels, and 19 for ReLU, 22 for SiLU, 0 for any other
/// activation; `dense-N` N; `dense_classes` the classes; global average pooling 10; `output`, average pooling, shuffling and
/// upsampling 5; everything else 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operations {
    positions: BTreeMap<String, u32>,
    /// The CNN's own where there are none.
    default_channels: Option<u64>,
    classes: u64,
}

impl Operations {
    /// `input` and `output`, then `labels` in their order, then `dense_classes`; a label that is there already is skipped. Weights are those
    /// of convolutions of `default_channels` channels.
    pub fn new<'a>(labels: impl IntoIterator<Item = &'a str>, default_channels: u64, classes: u64) -> Self {
        Operations { default_channels: Some(default_channels), ..Self::listed(labels, classes) }
    }

    /// The operations that occur in `cnns`, in alphabetical order. Each CNN has its own default channels.
    pub fn of_cnns<'a>(cnns: impl IntoIterator<Item = &'a CnnGraph>, classes: u64) -> Self {
        let labels: BTreeSet<&str> = cnns.into_iter().flat_map(labels_of).collect();
        Self::listed(labels, classes)
    }

    /// The operations that can occur in the CNNs of a space, in alphabetical order; `None` if it has no CNNs. Each CNN has its own
    /// default channels.
    pub fn of_space(space: &Space, classes: u64) -> Option<Self> {
        let labels: BTreeSet<String> = match space.cnn.as_ref()? {
            CnnTemplate::Networks { graphs, .. } => {
                graphs.iter().flat_map(labels_of).map(str::to_owned).collect()
            }
            CnnTemplate::Cells(cells) => cells.labels().into_iter().collect(),
            CnnTemplate::Modules { stem, between, modules, head, .. } => {
                let chosen = modules.iter().flat_map(|m| &m.ops).chain([&head.flatten]).chain(&head.dense);
                let chosen = chosen.filter_map(|choice| space.choices.get(*choice)).flat_map(|c| &c.values);
                let chosen = chosen.filter_map(ParameterValue::as_str).map(str::to_owned);
                chosen.chain(stem.iter().chain(between).cloned()).collect()
            }
        };
        Some(Self::listed(labels.iter().map(String::as_str), classes))
    }

    fn listed<'a>(labels: impl IntoIterator<Item = &'a str>, classes: u64) -> Self {
        let mut positions = BTreeMap::new();
        for label in ["input", "output"].into_iter().chain(labels).chain(["dense_classes"]) {
            let next = positions.len() as u32;
            positions.entry(label.to_owned()).or_insert(next);
        }
        Operations { positions, default_channels: None, classes }
    }

    /// The whole CNN: the vertices of all modules, inputs and outputs included, with an edge from the output of each module to
    /// the input of the next.
    ///
    /// # Errors
    /// [`GraphError::UnknownLabel`] for a label that is not in the list.
    pub fn graph(&self, cnn: &CnnGraph) -> Result<LabelledGraph, GraphError> {
        let default_channels = self.default_channels.unwrap_or(cnn.default_channels);
        let mut graph = LabelledGraph::default();
        for (number, module) in cnn.modules.iter().enumerate() {
            let start = graph.vertices.len() as u32;
            if start > 0 {
                graph.edges.push((start - 1, start));
            }
            graph
                .edges
                .extend(module.edges.iter().map(|[from, to]| (start + *from as u32, start + *to as u32)));
            for (v, vertex) in module.vertices.iter().enumerate() {
                let position =
                    *self.positions.get(&vertex.label).ok_or_else(|| GraphError::UnknownLabel {
                        module: number,
                        vertex: v,
                        label: vertex.label.clone(),
                        known: self.positions.len(),
                    })?;
                let join = vertex.join.map_or(0, join_number);
                let weight = self.weight(&vertex.label, default_channels) as f64 / UNIT;
                graph.vertices.push(LabelledVertex { label: 4 * position + join, weight, position });
            }
        }
        Ok(graph)
    }

    fn weight(&self, label: &str, default_channels: u64) -> u64 {
        let mut parts = label.split('-');
        let head = parts.next().unwrap_or_default();
        let parts: Vec<&str> = parts.collect();
        if let Some(area) = head.strip_prefix("conv").and_then(kernel) {
            return convolution(area, &parts, default_channels);
        }
        match label {
            "output" => 5,
            "dense_classes" => self.classes,
            "global-avg-pool" => 10,
            _ if head == "dense" => parts.first().and_then(|n| n.parse().ok()).unwrap_or(1),
            _ if ["avgpool", "channel_shuffle", "upsample"].iter().any(|w| head.starts_with(w)) => 5,
            _ => 1,
        }
    }
}

/// Weight of a convolution whose kernel has `area` elements and whose label goes on with `parts`.
fn convolution(area: u64, parts: &[&str], default_channels: u64) -> u64 {
    let valued = |key: &str| parts.iter().find_map(|p| p.strip_prefix(key)?.parse::<u64>().ok());
    let channels = valued("c").unwrap_or(default_channels);
    let activation = match parts.last().map(|p| p.to_ascii_lowercase()).as_deref() {
        Some("relu") => 19,
        Some("silu") => 22,
        _ => 0,
    };
    let mut groups = valued("g").unwrap_or(1).max(1);
    while groups > 1 && !(channels.is_multiple_of(groups) && default_channels.is_multiple_of(groups)) {
        groups -= 1;
    }
    let weight = default_channels.saturating_mul(channels).saturating_mul(area).saturating_add(activation);
    weight / groups
}

/// Labels of all vertices.
fn labels_of(cnn: &CnnGraph) -> impl Iterator<Item = &str> {
    cnn.modules.iter().flat_map(|m| &m.vertices).map(|v| v.label.as_str())
}

/// Elements of a kernel written `3x3` or `3`.
fn kernel(text: &str) -> Option<u64> {
    let mut sides = text.split('x').map(|side| side.parse::<u64>().ok());
    let first = sides.next()??;
    let second = sides.next().unwrap_or(Some(first))?;
    Some(first.saturating_mul(second))
}

fn join_number(join: Join) -> u32 {
    match join {
        Join::Sum => 1,
        Join::Concat => 2,
        Join::Multiply => 3,
    }
}
