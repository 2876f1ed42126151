//! Refining stacks: large stacks of equal modules are searched first, then split into smaller ones.

use crate::features::squared_distance;
use crate::history::History;
use crate::model::Model;
use crate::start;
use codebench_sdk::prelude::*;
use std::collections::VecDeque;

/// Best trials that are split when a level begins.
const PARENTS: usize = 5;
/// Name of the choice of the modules in a stack, and of that of the stacks; the choices of stack `N` begin with `cnn.stackN.`.
const MODULES: &str = "cnn.modules_per_stack";
const STACKS: &str = "cnn.stacks";

/// Where the search stands among the numbers of modules in a stack, the largest first.
#[derive(Debug)]
pub(super) struct Refinement {
    /// The choice of the modules in a stack.
    choice: usize,
    /// Numbers of modules with their values' indices, falling.
    levels: Vec<(i64, u32)>,
    level: usize,
    /// Split CNNs that are to be proposed next.
    split: VecDeque<Genotype>,
}

impl Refinement {
    /// Starts with the largest stacks; `None` where the space has one size of stacks only.
    pub(super) fn new(history: &mut History) -> Option<Refinement> {
        let space = history.points.space();
        let choice = space.choices.iter().position(|c| c.name == MODULES)?;
        let numbers = space.choices[choice].values.iter().zip(0u32..);
        let mut levels: Vec<(i64, u32)> = numbers.filter_map(|(v, i)| Some((v.as_i64()?, i))).collect();
        levels.sort_unstable_by(|a, b| b.cmp(a));
        if levels.len() < 2 {
            return None;
        }
        history.hold(Some((choice, levels[0].1)));
        Some(Refinement { choice, levels, level: 0, split: VecDeque::new() })
    }

    /// The next CNN that came out of a split.
    pub(super) fn next(&mut self, history: &History) -> Option<Genotype> {
        while let Some(point) = self.split.pop_front() {
            if !history.is_known(&point) {
                return Some(point);
            }
        }
        None
    }

    /// Whether there are smaller stacks.
    pub(super) fn has_next(&self) -> bool {
        self.level + 1 < self.levels.len()
    }

    /// Goes on to the next smaller stacks, if there are any: the best trials are split. Nothing but a side that never moves may be held
    /// fast.
    pub(super) fn advance(&mut self, history: &mut History, model: &Model) -> Result<(), PluginError> {
        let (Some((from, value)), Some((to, next))) =
            (self.levels.get(self.level).copied(), self.levels.get(self.level + 1).copied())
        else {
            return Ok(());
        };
        let outcomes = &history.outcomes;
        let is_here = |i: &usize| outcomes[*i].genotype.0.get(self.choice) == Some(&value);
        let best: Vec<Genotype> = history
            .ranking()
            .into_iter()
            .filter(is_here)
            .take(PARENTS)
            .map(|i| outcomes[i].genotype.clone())
            .collect();
        history.hold(Some((self.choice, next)));
        self.level += 1;
        let ratio = usize::try_from(from / to.max(1)).unwrap_or(1).max(1);
        for one in &best {
            let row = model.features.encode(one);
            let distance = |g: &Genotype| squared_distance(&model.features.encode(g), &row);
            let others = best.iter().filter(|other| *other != one);
            let other = others.min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(one);
            // Half of the stacks of each, and the same network in smaller stacks.
            for partner in [other, one] {
                let split = split(history.points.space(), one, partner, ratio);
                let split = history.points.repair(&split).map_err(start::invalid)?;
                self.split.push_back(history.pinned(split)?);
            }
        }
        Ok(())
    }
}

/// `one` with each stack in `ratio` stacks of as many modules less; every second of them is the stack that `other` has there.
fn split(space: &Space, one: &Genotype, other: &Genotype, ratio: usize) -> Genotype {
    let mut child = one.clone();
    let position = |name: &str| space.choices.iter().position(|c| c.name == name);
    let Some(stacks) = position(STACKS) else { return child };
    let count = |point: &Genotype| {
        let value =
            space.choices[stacks].values.get(point.0[stacks] as usize).and_then(ParameterValue::as_i64);
        usize::try_from(value.unwrap_or(1)).unwrap_or(1).max(1)
    };
    let numbers = space.choices[stacks].values.iter().zip(0u32..);
    let numbers = numbers.filter_map(|(v, i)| Some((usize::try_from(v.as_i64()?).ok()?, i)));
    // As many stacks as the space has, up to those of the split.
    let Some((wanted, index)) = numbers.filter(|(n, _)| *n <= count(one) * ratio).max() else { return child };
    child.0[stacks] = index;
    for stack in 0..wanted {
        let source = (stack * count(one) / wanted).min(count(one) - 1);
        let parent = if stack % 2 == 1 && source < count(other) { other } else { one };
        let prefix = format!("cnn.stack{stack}.");
        for (i, choice) in space.choices.iter().enumerate() {
            let Some(rest) = choice.name.strip_prefix(&prefix) else { continue };
            if let Some(from) = position(&format!("cnn.stack{source}.{rest}")) {
                child.0[i] = parent.0[from];
            }
        }
    }
    child
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_sdk::space::{Points, Rng, SpaceDescription, decode};

    const SPACE: &str = "
        [cnn]
        ops = [\"a\", \"b\", \"c\"]
        vertices = 4
        stacks = { min = 1, max = 4 }
        modules_per_stack = [1, 2, 4]";

    #[test]
    fn a_split_is_the_same_network_or_one_between_two() {
        let space = toml::from_str::<SpaceDescription>(SPACE).unwrap().compile().unwrap();
        let points = Points::new(&space).unwrap();
        let find = |name: &str| space.choices.iter().position(|c| c.name == name).unwrap();
        let (stacks, modules) = (find("cnn.stacks"), find("cnn.modules_per_stack"));
        let mut rng = Rng::new(4, 0);
        let mut drawn = || {
            let mut point = points.sample(&mut rng);
            (point.0[stacks], point.0[modules]) = (1, 2);
            points.repair(&point).unwrap()
        };
        for _ in 0..20 {
            let (one, other) = (drawn(), drawn());
            let smaller = |partner: &Genotype| {
                let mut split = split(&space, &one, partner, 2);
                split.0[modules] = 1;
                let split = points.repair(&split).unwrap();
                decode(&space, &split).unwrap().cnn.unwrap().modules
            };
            let whole = |g: &Genotype| decode(&space, g).unwrap().cnn.unwrap().modules;
            let (a, b) = (whole(&one), whole(&other));
            assert_eq!(smaller(&one), a);
            let between = smaller(&other);
            // Two stacks of four became four of two: one, other, one, other.
            for (i, module) in between.iter().take(8).enumerate() {
                let of = if i / 2 % 2 == 0 { &a } else { &b };
                assert_eq!(*module, of[i / 4 * 4], "module {i}");
            }
        }
    }
}
