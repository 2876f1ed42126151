//! From a point to the CNN and the accelerator that it stands for, and back from values.

use crate::SpaceError;
use crate::check::{active_flags, check, is_active, list, value, vertex_count};
use crate::module::pairs;
use crate::points::edge_choices;
use crate::validate::parse_join;
use codebench_model::{
    AcceleratorInput, AcceleratorTemplate, CnnGraph, CnnModule, CnnTemplate, Genotype, HeadTemplate,
    ModuleTemplate, ParameterValue, Parameters, Space, Vertex, parameter,
};
use serde::{Deserialize, Serialize};

/// What a point stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The CNN, if the space has one.
    pub cnn: Option<CnnGraph>,
    /// The accelerator, if the space has one: named parameters of the paper's template, or the space's own description with
    /// this point's values as its `parameters`.
    pub accelerator: Option<AcceleratorInput>,
    /// Values of all active choices by name.
    pub values: Parameters,
}

/// The candidate of a valid point.
///
/// # Errors
/// As [`check`]; [`SpaceError::Unconnected`] for a cell that computes nothing.
pub fn decode(space: &Space, genotype: &Genotype) -> Result<Candidate, SpaceError> {
    check(space, genotype)?;
    let point = Point { space, genotype, flags: active_flags(space, genotype) };
    let values =
        crate::describe(space, genotype).into_iter().map(|(c, v)| (c.name.clone(), v.clone())).collect();
    let cnn = space.cnn.as_ref().map(|template| point.cnn(template)).transpose()?;
    let accelerator = space.accelerator.as_ref().map(|template| point.accelerator(template));
    Ok(Candidate { cnn, accelerator, values })
}

/// The point with the given values of its active choices, by name. Whole numbers and floats of the same value are equal.
///
/// # Errors
/// For an unknown name, a value outside its list, a missing value of an active choice with several, a value of an
/// inactive choice, or a combination that is not valid.
pub fn find(space: &Space, values: &Parameters) -> Result<Genotype, SpaceError> {
    if let Some(name) = values.keys().find(|name| !space.choices.iter().any(|c| c.name == **name)) {
        return Err(unknown_name(space, name));
    }
    let mut genotype = Genotype(vec![0; space.choices.len()]);
    let mut flags = Vec::with_capacity(space.choices.len());
    for (index, choice) in space.choices.iter().enumerate() {
        let is_active = is_active(choice, &genotype, &flags);
        flags.push(is_active);
        let position = match values.get(&choice.name) {
            Some(given) if !is_active => {
                return Err(SpaceError::NotActive { name: choice.name.clone(), value: given.to_string() });
            }
            Some(given) => {
                choice.values.iter().position(|v| same(v, given)).ok_or_else(|| SpaceError::NotInList {
                    name: choice.name.clone(),
                    value: given.to_string(),
                    values: list(&choice.values),
                })?
            }
            None if is_active && choice.values.len() > 1 => {
                return Err(SpaceError::Missing { name: choice.name.clone(), values: list(&choice.values) });
            }
            None => 0,
        };
        genotype.0[index] = position as u32;
    }
    check(space, &genotype).map(|()| genotype)
}

fn unknown_name(space: &Space, name: &str) -> SpaceError {
    let names = || space.choices.iter().map(|c| c.name.as_str());
    let hint =
        parameter::nearest(name, names()).map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default();
    SpaceError::UnknownName { name: name.to_owned(), hint, known: names().collect::<Vec<_>>().join(", ") }
}

fn same(a: &ParameterValue, b: &ParameterValue) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(x), Some(y)) => x == y,
        _ => a == b,
    }
}

struct Point<'a> {
    space: &'a Space,
    genotype: &'a Genotype,
    flags: Vec<bool>,
}

impl Point<'_> {
    fn value(&self, choice: usize) -> Result<&ParameterValue, SpaceError> {
        value(self.space, self.genotype, choice).ok_or_else(|| {
            SpaceError::malformed(format!("a template reads choice {choice}, which has no value"))
        })
    }

    fn count(&self, choice: usize) -> Result<usize, SpaceError> {
        let value = self.value(choice)?;
        value.as_i64().and_then(|n| usize::try_from(n).ok()).ok_or_else(|| {
            SpaceError::malformed(format!("{value} stands where a template reads a whole number"))
        })
    }

    fn text(&self, choice: usize) -> Result<&str, SpaceError> {
        let value = self.value(choice)?;
        value
            .as_str()
            .ok_or_else(|| SpaceError::malformed(format!("{value} stands where a template reads a text")))
    }

    fn accelerator(&self, template: &AcceleratorTemplate) -> AcceleratorInput {
        let mut parameters = Parameters::new();
        for assignment in &template.assignments {
            let value = value(self.space, self.genotype, assignment.choice);
            let is_active = self.flags.get(assignment.choice) == Some(&true);
            for (name, value) in
                assignment.parameters.iter().zip(value.into_iter().cycle()).filter(|_| is_active)
            {
                parameters.insert(name.clone(), value.clone());
            }
        }
        match &template.base {
            None => AcceleratorInput::Named(parameters),
            Some(base) => {
                let mut described = base.clone();
                described.parameters.extend(parameters);
                AcceleratorInput::Described(described)
            }
        }
    }

    fn cnn(&self, template: &CnnTemplate) -> Result<CnnGraph, SpaceError> {
        match template {
            CnnTemplate::Networks { choice, graphs } => {
                let index = self.genotype.0.get(*choice).map_or(0, |i| *i as usize);
                graphs.get(index).cloned().ok_or_else(|| SpaceError::malformed("a network has no graph"))
            }
            CnnTemplate::Cells(cells) => crate::cell::decode(cells, self.genotype),
            CnnTemplate::Modules {
                default_channels,
                stem,
                stacks,
                modules_per_stack,
                between,
                modules,
                head,
            } => {
                let mut built = Vec::new();
                built.extend(chain(stem));
                let repeats = self.count(*modules_per_stack)?;
                for stack in 0..self.count(*stacks)? {
                    if stack > 0 {
                        built.extend(chain(between));
                    }
                    let template = modules
                        .get(stack)
                        .or(modules.last())
                        .filter(|_| stack < modules.len() || modules.len() == 1);
                    let template = template.ok_or_else(|| SpaceError::malformed("a stack has no module"))?;
                    built.extend(std::iter::repeat_n(self.module(template)?, repeats));
                }
                built.extend(chain(&self.head(head)?));
                Ok(CnnGraph { default_channels: self.count(*default_channels)? as u64, modules: built })
            }
        }
    }

    fn module(&self, template: &ModuleTemplate) -> Result<CnnModule, SpaceError> {
        let vertices = vertex_count(self.space, self.genotype, &self.flags, template)
            .ok_or_else(|| SpaceError::malformed("a stack's module is inactive"))?;
        let join = |slot: usize| match slot.checked_sub(2).and_then(|i| template.joins.get(i)) {
            Some(&choice) => self.value(choice).map(parse_join),
            None => Ok(None),
        };
        let mut list = vec![Vertex::new("input")];
        for slot in 1..vertices - 1 {
            let op = template.ops.get(slot - 1).copied().unwrap_or(usize::MAX);
            list.push(Vertex { label: self.text(op)?.to_owned(), join: join(slot)? });
        }
        list.push(Vertex { label: "output".into(), join: join(template.slots - 1)? });
        let present = edge_choices(template, vertices).map(|c| self.genotype.0.get(c) == Some(&1));
        let edges =
            pairs(vertices).zip(present).filter(|(_, p)| *p).map(|((from, to), _)| [from, to]).collect();
        Ok(CnnModule { vertices: list, edges })
    }

    fn head(&self, head: &HeadTemplate) -> Result<Vec<String>, SpaceError> {
        let mut labels = vec![self.text(head.flatten)?.to_owned()];
        for &choice in head.dense.iter().take(self.count(head.layers)?) {
            labels.push(self.text(choice)?.to_owned());
        }
        labels.push("dense_classes".into());
        Ok(labels)
    }
}

/// A module that applies the labels one after another; none for no labels.
pub(crate) fn chain(labels: &[String]) -> Option<CnnModule> {
    let ends = |label: &str| Vertex::new(label);
    let mut vertices = vec![ends("input")];
    vertices.extend(labels.iter().map(|label| ends(label)));
    vertices.push(ends("output"));
    let edges = (1..vertices.len()).map(|to| [to - 1, to]).collect();
    (!labels.is_empty()).then_some(CnnModule { vertices, edges })
}
