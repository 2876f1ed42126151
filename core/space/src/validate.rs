//! Checks that a space document is one that the functions of this crate can work on.

use crate::SpaceError;
use crate::module::{MAX_VERTICES, pair_count, pairs};
use codebench_model::{
    Choice, CnnTemplate, Condition, HeadTemplate, Join, ModuleTemplate, ParameterValue, Space,
};
use std::collections::BTreeSet;

/// Choices that a space may have at most.
pub const MAX_CHOICES: usize = 100_000;

/// Checks a whole space document.
pub(crate) fn validate(space: &Space) -> Result<(), SpaceError> {
    if space.v != Space::VERSION {
        return Err(SpaceError::Version { v: space.v, known: Space::VERSION });
    }
    if space.choices.is_empty() {
        return Err(SpaceError::Empty {
            message: "it has no choices; add a `[cnn]` or an `[accelerator]` table".into(),
        });
    }
    if space.choices.len() > MAX_CHOICES {
        return Err(SpaceError::malformed(format!(
            "{} choices exceed the {MAX_CHOICES} allowed",
            space.choices.len()
        )));
    }
    let mut names = BTreeSet::new();
    for (index, choice) in space.choices.iter().enumerate() {
        check_choice(space, index, choice)?;
        if !names.insert(choice.name.as_str()) {
            return Err(SpaceError::malformed(format!("two choices are named `{}`", choice.name)));
        }
    }
    if space.choices.windows(2).any(|pair| pair[0].block > pair[1].block) {
        return Err(SpaceError::malformed(
            "the choices of the CNN must stand before those of the accelerator",
        ));
    }
    if let Some(cnn) = &space.cnn {
        check_cnn(space, cnn)?;
    }
    for assignment in space.accelerator.iter().flat_map(|a| &a.assignments) {
        get(space, assignment.choice)?;
    }
    Ok(())
}

fn check_choice(space: &Space, index: usize, choice: &Choice) -> Result<(), SpaceError> {
    let fault = |message: String| SpaceError::malformed(format!("choice `{}`: {message}", choice.name));
    if choice.values.is_empty() || choice.values.len() > u32::MAX as usize {
        return Err(fault("it has no values; give at least one".into()));
    }
    if let Some(value) = first_duplicate(&choice.values) {
        return Err(fault(format!("{value} occurs twice")));
    }
    if choice.values.iter().any(|v| matches!(v, ParameterValue::Float(x) if !x.is_finite())) {
        return Err(fault("a value is not a finite number".into()));
    }
    for condition in &choice.when {
        let earlier = space.choices.get(condition.choice).filter(|_| condition.choice < index);
        let Some(earlier) = earlier else {
            return Err(fault(format!(
                "its condition reads choice {}, which is not earlier",
                condition.choice
            )));
        };
        let ascending = condition.is_in.windows(2).all(|pair| pair[0] < pair[1]);
        let in_range = condition.is_in.last().is_some_and(|&last| (last as usize) < earlier.values.len());
        if !ascending || !in_range {
            return Err(fault(format!(
                "its condition on `{}` lists {:?}: give ascending indices from 0 to {}",
                earlier.name,
                condition.is_in,
                earlier.values.len() - 1
            )));
        }
    }
    Ok(())
}

/// The first value that equals an earlier one; whole numbers equal floats of the same value.
pub(crate) fn first_duplicate(values: &[ParameterValue]) -> Option<&ParameterValue> {
    let mut seen = BTreeSet::new();
    values.iter().find(|value| {
        let key = match value.as_f64() {
            Some(x) => format!("{:?}", x + 0.0),
            None => value.to_string(),
        };
        !seen.insert(key)
    })
}

fn get(space: &Space, index: usize) -> Result<&Choice, SpaceError> {
    space.choices.get(index).ok_or_else(|| {
        SpaceError::malformed(format!(
            "a template reads choice {index}, but there are {}",
            space.choices.len()
        ))
    })
}

/// A choice whose values are all whole numbers from `min` to `max`.
fn get_counts(space: &Space, index: usize, min: i64, max: i64) -> Result<&Choice, SpaceError> {
    let choice = get(space, index)?;
    match choice.values.iter().find(|v| !v.as_i64().is_some_and(|n| (min..=max).contains(&n))) {
        None => Ok(choice),
        Some(value) => Err(SpaceError::malformed(format!(
            "choice `{}` has value {value}: give whole numbers from {min} to {max}",
            choice.name
        ))),
    }
}

fn get_texts(space: &Space, index: usize) -> Result<&Choice, SpaceError> {
    let choice = get(space, index)?;
    match choice.values.iter().find(|v| v.as_str().is_none()) {
        None => Ok(choice),
        Some(value) => {
            Err(SpaceError::malformed(format!("choice `{}` has value {value}: give texts", choice.name)))
        }
    }
}

fn check_cnn(space: &Space, cnn: &CnnTemplate) -> Result<(), SpaceError> {
    match cnn {
        CnnTemplate::Networks { choice, graphs } => {
            let choice = get_texts(space, *choice)?;
            if choice.values.len() != graphs.len() {
                return Err(SpaceError::malformed(format!(
                    "choice `{}` has {} values, but there are {} graphs",
                    choice.name,
                    choice.values.len(),
                    graphs.len()
                )));
            }
        }
        CnnTemplate::Cells(cells) => crate::cell::validate(space, cells)?,
        CnnTemplate::Modules { default_channels, stacks, modules_per_stack, modules, head, .. } => {
            get_counts(space, *default_channels, 1, i64::MAX)?;
            let largest = |choice: &Choice| choice.values.iter().filter_map(ParameterValue::as_i64).max();
            let repeats = largest(get_counts(space, *modules_per_stack, 1, MAX_REPEATS)?).unwrap_or(1);
            let most = largest(get_counts(space, *stacks, 1, MAX_REPEATS)?).unwrap_or(1);
            check_size(most, repeats).map_err(SpaceError::malformed)?;
            if modules.len() != 1 && (modules.len() as i64) < most {
                return Err(SpaceError::malformed(format!(
                    "{} module templates do not serve {most} stacks: give one, or one per stack",
                    modules.len()
                )));
            }
            for module in modules {
                check_module(space, module)?;
            }
            check_blocks_apart(space, modules)?;
            check_head(space, head)?;
        }
    }
    Ok(())
}

/// Stacks, and modules in a stack, that a CNN may have at most.
pub(crate) const MAX_REPEATS: i64 = 1000;

/// Modules in the stacks of a CNN at most.
const MAX_MODULES: i64 = 4096;

/// Whether a CNN of so many stacks, each of so many modules, is small enough to build.
pub(crate) fn check_size(stacks: i64, modules_per_stack: i64) -> Result<(), String> {
    if stacks * modules_per_stack <= MAX_MODULES {
        return Ok(());
    }
    Err(format!(
        "{stacks} stacks of {modules_per_stack} modules exceed the {MAX_MODULES} modules allowed: give fewer of either"
    ))
}

fn check_head(space: &Space, head: &HeadTemplate) -> Result<(), SpaceError> {
    get_texts(space, head.flatten)?;
    get_counts(space, head.layers, 0, head.dense.len() as i64)?;
    head.dense.iter().try_for_each(|&choice| get_texts(space, choice).map(|_| ()))
}

fn check_module(space: &Space, module: &ModuleTemplate) -> Result<(), SpaceError> {
    let slots = module.slots;
    if !(2..=MAX_VERTICES).contains(&slots) {
        return Err(SpaceError::malformed(format!("a module has {slots} slots: give 2 to {MAX_VERTICES}")));
    }
    let vertices = get_counts(space, module.vertices, 2, slots as i64)?;
    let first = module.edges.first().map_or(0, |e| e.choice);
    let in_order = module.edges.len() == pair_count(slots)
        && module.edges.iter().zip(pairs(slots)).enumerate().all(|(i, (edge, (from, to)))| {
            (edge.from, edge.to) == (from, to) && Some(edge.choice) == first.checked_add(i)
        });
    if !in_order || first <= module.vertices {
        return Err(SpaceError::malformed(format!(
            "the edges of a module of {slots} slots must be all pairs sorted by target, then source, with consecutive \
             choices after that of the vertices"
        )));
    }
    for edge in &module.edges {
        let choice = get(space, edge.choice)?;
        let flags = [ParameterValue::Boolean(false), ParameterValue::Boolean(true)];
        if choice.values != flags
            || choice.when != edge_conditions(vertices, module.vertices, slots, edge.from, edge.to)
        {
            return Err(SpaceError::malformed(format!(
                "choice `{}` must be `false` or `true`, active where `{}` makes room for both its ends",
                choice.name, vertices.name
            )));
        }
    }
    check_labels(space, module)
}

fn check_labels(space: &Space, module: &ModuleTemplate) -> Result<(), SpaceError> {
    let interior = module.slots - 2;
    if module.ops.len() != interior || !(module.joins.is_empty() || module.joins.len() == interior) {
        return Err(SpaceError::malformed(format!(
            "a module of {} slots needs {interior} choices of labels, and as many of joins or none",
            module.slots
        )));
    }
    for &choice in &module.ops {
        get_texts(space, choice)?;
    }
    for &choice in &module.joins {
        let choice = get_texts(space, choice)?;
        if let Some(bad) = choice.values.iter().find(|v| parse_join(v).is_none()) {
            return Err(SpaceError::malformed(format!(
                "choice `{}` has value {bad}: give sum, concat or multiply",
                choice.name
            )));
        }
    }
    Ok(())
}

/// No choice of an edge belongs to two modules or is read by a condition.
fn check_blocks_apart(space: &Space, modules: &[ModuleTemplate]) -> Result<(), SpaceError> {
    let mut edges = BTreeSet::new();
    for edge in modules.iter().flat_map(|m| &m.edges) {
        if !edges.insert(edge.choice) {
            return Err(SpaceError::malformed(format!("choice {} is an edge of two modules", edge.choice)));
        }
    }
    match space.choices.iter().find(|c| c.when.iter().any(|w| edges.contains(&w.choice))) {
        None => Ok(()),
        Some(choice) => {
            Err(SpaceError::malformed(format!("choice `{}`: its condition reads an edge", choice.name)))
        }
    }
}

/// The join of that name.
pub(crate) fn parse_join(value: &ParameterValue) -> Option<Join> {
    Join::from_name(value.as_str()?)
}

/// When interior slot `slot` of a module is filled: the module has more than `slot + 1` vertices.
pub(crate) fn slot_conditions(vertices: &Choice, vertices_index: usize, slot: usize) -> Vec<Condition> {
    let is_in: Vec<u32> = (0u32..)
        .zip(&vertices.values)
        .filter(|(_, v)| v.as_i64().is_some_and(|n| n > slot as i64 + 1))
        .map(|(i, _)| i)
        .collect();
    if vertices.when.is_empty() && is_in.len() == vertices.values.len() {
        return Vec::new();
    }
    vec![Condition { choice: vertices_index, is_in }]
}

/// When the edge between two slots of a module of `slots` exists: when the later interior end is filled.
pub(crate) fn edge_conditions(
    vertices: &Choice,
    vertices_index: usize,
    slots: usize,
    from: usize,
    to: usize,
) -> Vec<Condition> {
    let interior = if to + 1 == slots { from } else { to };
    slot_conditions(vertices, vertices_index, interior)
}
