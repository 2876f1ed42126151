//! Which choices are active, and whether a point is valid.

use crate::SpaceError;
use crate::module::{Fault, fault};
use crate::points::edge_choices;
use codebench_model::{Choice, Genotype, ModuleTemplate, ParameterValue, Space};

/// Indices of the choices that are active in `genotype`, ascending. Missing indices count as 0.
pub fn active(space: &Space, genotype: &Genotype) -> Vec<usize> {
    let flags = active_flags(space, genotype);
    (0..space.choices.len()).filter(|i| flags[*i]).collect()
}

/// Per choice, whether it is active in `genotype`.
pub(crate) fn active_flags(space: &Space, genotype: &Genotype) -> Vec<bool> {
    let mut flags: Vec<bool> = Vec::with_capacity(space.choices.len());
    for choice in &space.choices {
        flags.push(is_active(choice, genotype, &flags));
    }
    flags
}

/// Whether a choice is active, given the flags of the earlier ones.
pub(crate) fn is_active(choice: &Choice, genotype: &Genotype, earlier: &[bool]) -> bool {
    choice.when.iter().all(|condition| {
        let value = genotype.0.get(condition.choice).copied().unwrap_or(0);
        earlier.get(condition.choice).copied().unwrap_or(false)
            && condition.is_in.binary_search(&value).is_ok()
    })
}

/// Whether `genotype` is a valid, repaired point of `space`.
///
/// # Errors
/// The first fault in order of choices: a wrong number of indices, an index without a value, an inactive choice that is
/// not 0, or edges that make no module.
pub fn check(space: &Space, genotype: &Genotype) -> Result<(), SpaceError> {
    check_length(space, genotype)?;
    let flags = active_flags(space, genotype);
    for ((choice, &index), &is_active) in space.choices.iter().zip(&genotype.0).zip(&flags) {
        if !is_active && index != 0 {
            return Err(SpaceError::Inactive { choice: choice.name.clone(), index });
        }
        if index as usize >= choice.values.len() {
            return Err(SpaceError::Index {
                choice: choice.name.clone(),
                index,
                last: choice.values.len().saturating_sub(1),
                values: list(&choice.values),
            });
        }
    }
    space.modules().iter().try_for_each(|module| check_module(space, genotype, &flags, module))
}

/// Whether `genotype` has one index per choice.
pub(crate) fn check_length(space: &Space, genotype: &Genotype) -> Result<(), SpaceError> {
    let (length, choices) = (genotype.0.len(), space.choices.len());
    if length == choices { Ok(()) } else { Err(SpaceError::Length { length, choices }) }
}

/// Number of vertices of a module whose choices are active.
pub(crate) fn vertex_count(
    space: &Space,
    genotype: &Genotype,
    flags: &[bool],
    module: &ModuleTemplate,
) -> Option<usize> {
    let choice =
        value(space, genotype, module.vertices).filter(|_| flags.get(module.vertices) == Some(&true))?;
    usize::try_from(choice.as_i64()?).ok().filter(|n| (2..=module.slots).contains(n))
}

fn check_module(
    space: &Space,
    genotype: &Genotype,
    flags: &[bool],
    module: &ModuleTemplate,
) -> Result<(), SpaceError> {
    let Some(vertices) = vertex_count(space, genotype, flags, module) else { return Ok(()) };
    let edges: Vec<bool> = edge_choices(module, vertices).map(|c| genotype.0[c] == 1).collect();
    let Some(fault) = fault(vertices, module.edge_limit.of(vertices), &edges) else { return Ok(()) };
    let name = |vertex: usize| match vertex {
        0 => "the input".to_owned(),
        v if v + 1 == vertices => "the output".to_owned(),
        v => format!("vertex {v}"),
    };
    let message = match fault {
        Fault::NoOutgoing(vertex) => format!("{} has no outgoing edge: add one", name(vertex)),
        Fault::NoIncoming(vertex) => format!("{} has no incoming edge: add one", name(vertex)),
        Fault::TooMany { count, limit } => format!("{count} edges exceed the limit of {limit}: remove some"),
    };
    let first = module.edges.first().map_or("", |e| &space.choices[e.choice].name);
    let prefix = first.rsplit_once('.').map_or(first, |(prefix, _)| prefix);
    Err(SpaceError::Module { choices: format!("{prefix}.*"), message })
}

/// The chosen value of a choice, if its index has one.
pub(crate) fn value<'a>(space: &'a Space, genotype: &Genotype, choice: usize) -> Option<&'a ParameterValue> {
    let index = *genotype.0.get(choice)?;
    space.choices.get(choice)?.values.get(index as usize)
}

/// Values for a message, shortened when there are many.
pub(crate) fn list(values: &[ParameterValue]) -> String {
    let shown: Vec<String> = values.iter().take(12).map(ToString::to_string).collect();
    let more = values.len().saturating_sub(shown.len());
    match more {
        0 => shown.join(", "),
        more => format!("{}, ... and {more} more", shown.join(", ")),
    }
}

/// Name and value of every active choice, in order.
pub fn describe<'a>(space: &'a Space, genotype: &Genotype) -> Vec<(&'a Choice, &'a ParameterValue)> {
    active(space, genotype)
        .into_iter()
        .filter_map(|i| Some((&space.choices[i], value(space, genotype, i)?)))
        .collect()
}
