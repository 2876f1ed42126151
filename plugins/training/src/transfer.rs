//! Weights of modules that a network shares with one that has been trained.

use codebench_sdk::api::NamedTensor;
use codebench_sdk::model::{Primitive, TensorShape, WeightRole, Workload};
use std::collections::BTreeMap;

/// Which identical modules give their weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// Those from the first on, up to the first that differs: what they compute stays the same.
    Leading,
    /// Every one, wherever it stands in the donor: at the same place if it is identical there, else at the first place.
    Identical,
}

impl Transfer {
    /// As parameters name it.
    pub fn name(self) -> &'static str {
        match self {
            Transfer::Leading => "leading",
            Transfer::Identical => "identical",
        }
    }
}

/// Where a layer's input comes from.
#[derive(Debug, PartialEq)]
enum Source {
    /// From the how manieth layer of the module.
    Inside(usize),
    /// From outside of the module: the how manieth such tensor, and its shape.
    Outside(usize, TensorShape),
}

/// A layer without its names and numbers.
#[derive(Debug, PartialEq)]
struct Shape<'a> {
    primitive: &'a Primitive,
    sources: Vec<Source>,
    weights: Vec<(WeightRole, &'a [u64])>,
}

/// A module: its layers' shapes, and the names of its weight tensors in their order.
#[derive(Default)]
struct Module<'a> {
    layers: Vec<Shape<'a>>,
    weights: Vec<&'a str>,
    /// Tensors written inside, by the layer that writes them.
    written: BTreeMap<usize, usize>,
    /// Tensors read from outside, in order of their first reading.
    read: Vec<usize>,
}

/// The modules of a workload by index.
fn modules(workload: &Workload) -> BTreeMap<usize, Module<'_>> {
    let mut modules: BTreeMap<usize, Module<'_>> = BTreeMap::new();
    for layer in &workload.layers {
        let module = modules.entry(layer.module).or_default();
        let mut sources = Vec::with_capacity(layer.inputs.len());
        for id in &layer.inputs {
            sources.push(match module.written.get(id) {
                Some(inside) => Source::Inside(*inside),
                None => {
                    let known = module.read.iter().position(|read| read == id);
                    let number = known.unwrap_or_else(|| {
                        module.read.push(*id);
                        module.read.len() - 1
                    });
                    Source::Outside(number, workload.tensors[*id])
                }
            });
        }
        module.written.insert(layer.output, module.layers.len());
        module.weights.extend(layer.weights.iter().map(|weight| weight.name.as_str()));
        let weights = layer.weights.iter().map(|weight| (weight.role, weight.shape.as_slice())).collect();
        module.layers.push(Shape { primitive: &layer.primitive, sources, weights });
    }
    modules
}

/// Tensors for `target`, under its names, from the trained `weights` of `donor`: those of the modules that are identical.
pub fn take(
    transfer: Transfer,
    donor: &Workload,
    weights: &[NamedTensor],
    target: &Workload,
) -> Vec<NamedTensor> {
    let (from, to) = (modules(donor), modules(target));
    let values: BTreeMap<&str, &NamedTensor> = weights.iter().map(|t| (t.name.as_str(), t)).collect();
    let mut taken = Vec::new();
    for (index, module) in &to {
        let same_place = from.get(index).filter(|other| other.layers == module.layers);
        let found = match transfer {
            Transfer::Leading if same_place.is_none() => break,
            Transfer::Leading => same_place,
            Transfer::Identical => {
                same_place.or_else(|| from.values().find(|other| other.layers == module.layers))
            }
        };
        let names = found.into_iter().flat_map(|other| other.weights.iter().zip(&module.weights));
        let tensors = names.filter_map(|(from, to)| {
            values.get(from).map(|tensor| NamedTensor { name: (*to).to_owned(), ..(*tensor).clone() })
        });
        taken.extend(tensors);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_sdk::model::{Layer, WeightTensor};

    /// Modules of one dense layer each, of these widths; each reads the one before.
    fn workload(widths: &[u64]) -> Workload {
        let mut workload = Workload {
            v: Workload::VERSION,
            tensors: vec![TensorShape::new(4, 1, 1)],
            input: 0,
            output: 0,
            layers: vec![],
        };
        for (module, out_features) in widths.iter().enumerate() {
            let in_features = workload.tensors[workload.output].channels;
            let primitive = Primitive::Dense { in_features, out_features: *out_features, bias: false };
            let weight = WeightTensor {
                name: format!("m{module}.weight"),
                role: WeightRole::Weight,
                shape: vec![*out_features, in_features],
            };
            workload.tensors.push(TensorShape::new(*out_features, 1, 1));
            workload.layers.push(Layer {
                name: format!("m{module}"),
                module,
                vertex: 1,
                primitive,
                inputs: vec![workload.output],
                output: workload.tensors.len() - 1,
                weights: vec![weight],
                macs: 0,
                parameters: 0,
            });
            workload.output = workload.tensors.len() - 1;
        }
        workload
    }

    /// Names of the taken tensors with the module that each comes from.
    fn taken(transfer: Transfer, donor: &[u64], target: &[u64]) -> Vec<(String, usize)> {
        let (donor, target) = (workload(donor), workload(target));
        let described = donor.layers.iter().flat_map(|l| &l.weights).enumerate();
        let weights: Vec<NamedTensor> = described
            .map(|(module, w)| NamedTensor {
                name: w.name.clone(),
                role: w.role,
                shape: w.shape.clone(),
                values: vec![module as f32; w.shape.iter().product::<u64>() as usize],
            })
            .collect();
        let taken = take(transfer, &donor, &weights, &target);
        let expected = |name: &str| {
            let mut all = target.layers.iter().flat_map(|l| &l.weights);
            all.find(|w| w.name == name).unwrap().shape.clone()
        };
        assert!(taken.iter().all(|t| t.shape == expected(&t.name)));
        taken.into_iter().map(|t| (t.name, t.values[0] as usize)).collect()
    }

    fn named(all: &[(usize, usize)]) -> Vec<(String, usize)> {
        all.iter().map(|(to, from)| (format!("m{to}.weight"), *from)).collect()
    }

    #[test]
    fn leading_modules_end_at_the_first_that_differs() {
        let leading = |donor: &[u64], target: &[u64]| taken(Transfer::Leading, donor, target);
        assert_eq!(leading(&[4, 4, 3], &[4, 4, 3]), named(&[(0, 0), (1, 1), (2, 2)]));
        assert_eq!(leading(&[4, 5, 4, 3], &[4, 6, 4, 3]), named(&[(0, 0)]));
        assert_eq!(leading(&[5, 3], &[6, 3]), named(&[]));
        assert_eq!(leading(&[4, 4], &[4, 4, 4]), named(&[(0, 0), (1, 1)]));
    }

    #[test]
    fn identical_modules_may_stand_elsewhere() {
        let identical = |donor: &[u64], target: &[u64]| taken(Transfer::Identical, donor, target);
        assert_eq!(identical(&[4, 5, 4, 3], &[4, 6, 4, 3]), named(&[(0, 0), (3, 3)]));
        // Module 1 turns 4 into 4 as module 0 of the donor does; where the donor has it at the same place, that one gives.
        assert_eq!(identical(&[4, 3], &[4, 4, 3]), named(&[(0, 0), (1, 0), (2, 1)]));
        assert_eq!(identical(&[4, 4, 3], &[4, 4, 3]), named(&[(0, 0), (1, 1), (2, 2)]));
    }
}
