//! The choices of the table `[cnn]`.

use crate::SpaceError;
use crate::compile::{Builder, Names, count_values, counts, grows_modules, text_values, texts};
use crate::description::{CnnDescription, HeadDescription, MaxEdges, Network};
use crate::module::{MAX_VERTICES, pair_count, pairs};
use crate::table::ValueList;
use crate::validate::{MAX_CHOICES, MAX_REPEATS, check_size, edge_conditions, parse_join, slot_conditions};
use codebench_model::{
    CnnTemplate, Condition, EdgeChoice, EdgeLimit, HeadTemplate, ModuleTemplate, ParameterValue,
};

pub(crate) fn compile(
    cnn: &CnnDescription,
    names: &dyn Names,
    builder: &mut Builder,
) -> Result<CnnTemplate, SpaceError> {
    if let Some(cell) = &cnn.cell {
        if *cnn != (CnnDescription { cell: Some(cell.clone()), ..CnnDescription::default() }) {
            return Err(SpaceError::at(
                "cnn.cell",
                "`cell` stands beside other keys of `[cnn]`: keep it alone",
            ));
        }
        return crate::cell::compile(cell, names, builder).map(CnnTemplate::Cells);
    }
    match (cnn.networks.is_empty(), grows_modules(cnn)) {
        (false, false) => networks(&cnn.networks, names, builder),
        (false, true) => Err(SpaceError::at(
            "cnn.networks",
            "given CNNs stand beside keys that grow CNNs from modules: keep one of the two",
        )),
        (true, _) => modules(cnn, names, builder),
    }
}

fn networks(
    networks: &[Network],
    names: &dyn Names,
    builder: &mut Builder,
) -> Result<CnnTemplate, SpaceError> {
    let mut graphs = Vec::new();
    for (i, network) in networks.iter().enumerate() {
        let path = format!("cnn.networks[{i}]");
        if networks[..i].iter().any(|n| n.name() == network.name()) {
            return Err(SpaceError::at(
                path,
                format!("`{}` occurs twice: give every network once", network.name()),
            ));
        }
        graphs.push(match network {
            Network::Named(name) => names.network(name).map_err(|e| SpaceError::at(&path, e))?,
            Network::Graph { graph, .. } => graph.clone(),
        });
    }
    let values = networks.iter().map(|n| ParameterValue::Text(n.name().to_owned())).collect();
    Ok(CnnTemplate::Networks { choice: builder.add("cnn.network", values, false, Vec::new()), graphs })
}

/// Texts of a list, every one a label.
fn labels(path: &str, list: &ValueList, names: &dyn Names) -> Result<Vec<String>, SpaceError> {
    let labels = texts(path, list)?;
    check_labels(path, &labels, names)?;
    Ok(labels)
}

fn check_labels(path: &str, labels: &[String], names: &dyn Names) -> Result<(), SpaceError> {
    for (i, label) in labels.iter().enumerate() {
        let quoted = |e: String| if e.contains(label) { e } else { format!("label `{label}`: {e}") };
        names.label(label).map_err(|e| SpaceError::at(format!("{path}[{i}]"), quoted(e)))?;
    }
    Ok(())
}

fn modules(
    cnn: &CnnDescription,
    names: &dyn Names,
    builder: &mut Builder,
) -> Result<CnnTemplate, SpaceError> {
    let Some(ops) = &cnn.ops else {
        return Err(SpaceError::at(
            "cnn",
            "it has neither `ops` nor `networks` nor `cell`: give one of them",
        ));
    };
    let shape = ModuleShape::new(cnn, labels("cnn.ops", ops, names)?)?;
    check_labels("cnn.stem", &cnn.stem, names)?;
    check_labels("cnn.between", &cnn.between, names)?;
    let channels = counts("cnn.default_channels", &cnn.default_channels, 1, 1 << 20)?;
    let stack_counts = counts("cnn.stacks", &cnn.stacks, 1, MAX_REPEATS)?;
    let repeats = counts("cnn.modules_per_stack", &cnn.modules_per_stack, 1, MAX_REPEATS)?;

    let most = stack_counts.iter().copied().max().unwrap_or(1);
    let most_repeats = repeats.iter().copied().max().unwrap_or(1);
    check_size(most, most_repeats).map_err(|e| SpaceError::at("cnn.modules_per_stack", e))?;
    let most = most as usize;
    let distinct = if cnn.same_stacks { 1 } else { most };
    if distinct * shape.choices() > MAX_CHOICES {
        return Err(SpaceError::at(
            "cnn.stacks",
            format!(
                "{distinct} stacks of {} choices exceed the {MAX_CHOICES} choices allowed",
                shape.choices()
            ),
        ));
    }
    let default_channels = builder.add("cnn.default_channels", count_values(&channels), true, Vec::new());
    let stacks = builder.add("cnn.stacks", count_values(&stack_counts), true, Vec::new());
    let modules_per_stack = builder.add("cnn.modules_per_stack", count_values(&repeats), true, Vec::new());
    let mut modules = Vec::new();
    for stack in 0..distinct {
        let is_in: Vec<u32> =
            (0u32..).zip(&stack_counts).filter(|(_, n)| **n > stack as i64).map(|(i, _)| i).collect();
        let always = cnn.same_stacks || is_in.len() == stack_counts.len();
        let when = if always { Vec::new() } else { vec![Condition { choice: stacks, is_in }] };
        let prefix = if cnn.same_stacks { "cnn.module".to_owned() } else { format!("cnn.stack{stack}") };
        modules.push(shape.add(&prefix, when, builder));
    }
    let head = head(&cnn.head, names, builder)?;
    let (stem, between) = (cnn.stem.clone(), cnn.between.clone());
    Ok(CnnTemplate::Modules { default_channels, stem, stacks, modules_per_stack, between, modules, head })
}

/// What every module of a space has in common.
struct ModuleShape {
    ops: Vec<String>,
    joins: Vec<String>,
    vertices: Vec<i64>,
    edge_limit: EdgeLimit,
}

impl ModuleShape {
    fn new(cnn: &CnnDescription, ops: Vec<String>) -> Result<Self, SpaceError> {
        let vertices = counts("cnn.vertices", &cnn.vertices, 3, MAX_VERTICES as i64)?;
        let edge_limit = edge_limit(cnn.max_edges.as_ref())?;
        for &count in &vertices {
            let (limit, least) = (edge_limit.of(count as usize), count as usize - 1);
            if limit < least {
                return Err(SpaceError::at(
                    "cnn.max_edges",
                    format!(
                        "at most {limit} edges leave no valid module of {count} vertices, which has at least {least}: \
                         raise `max_edges` or take {count} out of `vertices`"
                    ),
                ));
            }
        }
        let joins = match &cnn.joins {
            Some(joins) => texts("cnn.joins", joins)?,
            None => Vec::new(),
        };
        for (i, join) in joins.iter().enumerate() {
            if parse_join(&ParameterValue::Text(join.clone())).is_none() {
                return Err(SpaceError::at(
                    format!("cnn.joins[{i}]"),
                    format!("unknown join `{join}`: give sum, concat or multiply"),
                ));
            }
        }
        Ok(ModuleShape { ops, joins, vertices, edge_limit })
    }

    fn slots(&self) -> usize {
        self.vertices.iter().copied().max().unwrap_or(3) as usize
    }

    /// Number of choices of one module, at most.
    fn choices(&self) -> usize {
        1 + pair_count(self.slots()) + 2 * self.slots()
    }

    fn add(&self, prefix: &str, when: Vec<Condition>, builder: &mut Builder) -> ModuleTemplate {
        let slots = self.slots();
        let vertices =
            builder.add(format!("{prefix}.vertices"), count_values(&self.vertices), true, when.clone());
        let count = builder.choices[vertices].clone();
        let slot_name = |slot: usize| match slot {
            0 => "input".to_owned(),
            s if s + 1 == slots => "output".to_owned(),
            s => format!("v{s}"),
        };
        let flags = vec![ParameterValue::Boolean(false), ParameterValue::Boolean(true)];
        let mut edges = Vec::new();
        for (from, to) in pairs(slots) {
            let name = format!("{prefix}.edge.{}-{}", slot_name(from), slot_name(to));
            let conditions = edge_conditions(&count, vertices, slots, from, to);
            edges.push(EdgeChoice { from, to, choice: builder.add(name, flags.clone(), true, conditions) });
        }
        let ops = (1..slots - 1)
            .map(|slot| {
                let conditions = slot_conditions(&count, vertices, slot);
                builder.add(
                    format!("{prefix}.{}.op", slot_name(slot)),
                    text_values(&self.ops),
                    false,
                    conditions,
                )
            })
            .collect();
        let joined = (2..slots).filter(|_| !self.joins.is_empty());
        let joins = joined
            .map(|slot| {
                let is_output = slot + 1 == slots;
                let conditions =
                    if is_output { when.clone() } else { slot_conditions(&count, vertices, slot) };
                builder.add(
                    format!("{prefix}.{}.join", slot_name(slot)),
                    text_values(&self.joins),
                    false,
                    conditions,
                )
            })
            .collect();
        ModuleTemplate { slots, vertices, edges, edge_limit: self.edge_limit, ops, joins }
    }
}

fn edge_limit(written: Option<&MaxEdges>) -> Result<EdgeLimit, SpaceError> {
    let refuse = |message: String| SpaceError::at("cnn.max_edges", message);
    match written {
        None => Ok(EdgeLimit::Edges(pair_count(MAX_VERTICES))),
        Some(MaxEdges::Number(n)) => {
            usize::try_from(*n).ok().filter(|n| *n > 0).map(EdgeLimit::Edges).ok_or_else(|| {
                refuse(format!(
                    "{n} is no limit: give a whole number from 1, or a text such as \"module_vertices+3\""
                ))
            })
        }
        Some(MaxEdges::Text(text)) => {
            text.parse().map_err(|e: codebench_model::space::NotAnEdgeLimit| refuse(e.to_string()))
        }
    }
}

fn head(
    head: &HeadDescription,
    names: &dyn Names,
    builder: &mut Builder,
) -> Result<HeadTemplate, SpaceError> {
    let flatten = labels("cnn.head.flatten", &head.flatten, names)?;
    let dense = match &head.dense {
        Some(dense) => labels("cnn.head.dense", dense, names)?,
        None => Vec::new(),
    };
    let layers = match &head.layers {
        Some(layers) => counts("cnn.head.layers", layers, 0, 64)?,
        None if dense.is_empty() => vec![0],
        None => vec![0, 1],
    };
    let most = layers.iter().copied().max().unwrap_or(0);
    if most > 0 && dense.is_empty() {
        return Err(SpaceError::at(
            "cnn.head.layers",
            format!("{most} layers have no labels to choose from: give `dense` or `layers = 0`"),
        ));
    }
    let flatten = builder.add("cnn.head.flatten", text_values(&flatten), false, Vec::new());
    let count = builder.add("cnn.head.layers", count_values(&layers), true, Vec::new());
    let dense = (1..=most)
        .map(|layer| {
            let is_in: Vec<u32> =
                (0u32..).zip(&layers).filter(|(_, n)| **n >= layer).map(|(i, _)| i).collect();
            let always = is_in.len() == layers.len();
            let when = if always { Vec::new() } else { vec![Condition { choice: count, is_in }] };
            builder.add(format!("cnn.head.dense{layer}"), text_values(&dense), false, when)
        })
        .collect();
    Ok(HeadTemplate { flatten, layers: count, dense })
}
