//! Mending, changing and crossing points.

use crate::SpaceError;
use crate::check::{active, check, check_length};
use crate::module;
use crate::points::{Decide, Points, Ways, edge_choices};
use crate::rng::Rng;
use codebench_model::{Genotype, ModuleTemplate};
use std::collections::HashSet;

impl Points {
    /// The point itself if it is valid, else a valid one near it: choice by choice, the value is kept if it leaves any
    /// completion; otherwise the nearest index that does is taken, the lower of two. Inactive choices become 0.
    ///
    /// Deterministic and idempotent.
    ///
    /// # Errors
    /// If the number of indices is not that of the choices.
    pub fn repair(&self, genotype: &Genotype) -> Result<Genotype, SpaceError> {
        check_length(self.space(), genotype)?;
        Ok(self.walk(&mut Follow::new(&genotype.0)))
    }

    /// Whether the point is valid, and if not, why.
    ///
    /// # Errors
    /// The first fault in order of choices.
    pub fn check(&self, genotype: &Genotype) -> Result<(), SpaceError> {
        check(self.space(), genotype)
    }

    /// All points that differ from `genotype` (repaired first) by one changed choice and what it entails: per active
    /// choice in order, per other value in order, the point mended with that value held fast. Choices that become
    /// active take their first possible value. No point occurs twice.
    ///
    /// # Errors
    /// If the number of indices is not that of the choices.
    pub fn neighbours(&self, genotype: &Genotype) -> Result<Vec<Genotype>, SpaceError> {
        let base = self.repair(genotype)?;
        let mut seen = HashSet::from([base.clone()]);
        let mut neighbours = Vec::new();
        for choice in active(self.space(), &base) {
            let is_free = self.is_free(choice);
            for value in 0..self.space().choices[choice].values.len() as u32 {
                let changed = match is_free {
                    true => {
                        let mut changed = base.clone();
                        changed.0[choice] = value;
                        Some(changed)
                    }
                    false => self.with(&base, choice, value, None),
                };
                neighbours.extend(changed.filter(|g| seen.insert(g.clone())));
            }
        }
        Ok(neighbours)
    }

    /// A point one change away from `genotype` (repaired first): a uniformly drawn active choice takes another value,
    /// uniformly drawn; choices that become active are drawn, and the rest is mended. The same point only if the
    /// space has no other.
    ///
    /// # Errors
    /// If the number of indices is not that of the choices.
    pub fn mutate(&self, genotype: &Genotype, rng: &mut Rng) -> Result<Genotype, SpaceError> {
        let base = self.repair(genotype)?;
        let mut choices = active(self.space(), &base);
        while !choices.is_empty() {
            let choice = choices.swap_remove(rng.index(choices.len()));
            let mut values: Vec<u32> = (0..self.space().choices[choice].values.len() as u32)
                .filter(|v| *v != base.0[choice])
                .collect();
            while !values.is_empty() {
                let value = values.swap_remove(rng.index(values.len()));
                if let Some(changed) = self.with(&base, choice, value, Some(rng)) {
                    return Ok(changed);
                }
            }
        }
        Ok(base)
    }

    /// A child of two points: each choice comes from either parent with equal chance, the number of vertices and the
    /// edges of a module together; then mended.
    ///
    /// # Errors
    /// If the number of indices is not that of the choices.
    pub fn crossover(&self, a: &Genotype, b: &Genotype, rng: &mut Rng) -> Result<Genotype, SpaceError> {
        check_length(self.space(), a)?;
        check_length(self.space(), b)?;
        let mut child: Vec<u32> =
            a.0.iter().zip(&b.0).map(|(x, y)| if rng.below(2) == 0 { *x } else { *y }).collect();
        for module in self.space().modules() {
            let parent = if rng.below(2) == 0 { a } else { b };
            for choice in module.edges.iter().map(|e| e.choice).chain([module.vertices]) {
                child[choice] = parent.0[choice];
            }
        }
        self.repair(&Genotype(child))
    }

    /// `base` with one choice changed and held fast; `None` if no valid point with the earlier choices has that value,
    /// or it has it already.
    fn with(&self, base: &Genotype, choice: usize, value: u32, fresh: Option<&mut Rng>) -> Option<Genotype> {
        if base.0[choice] == value {
            return None;
        }
        let known: HashSet<usize> = active(self.space(), base).into_iter().collect();
        let mut follow =
            Follow { pin: Some((choice, value)), fresh: fresh.map(|r| (r, known)), ..Follow::new(&base.0) };
        let changed = self.walk(&mut follow);
        (changed.0[choice] == value).then_some(changed)
    }
}

/// Follows a wish as far as it leads to valid points.
struct Follow<'a> {
    wish: &'a [u32],
    /// A choice and the value that it must have.
    pin: Option<(usize, u32)>,
    /// Draws choices that are not in the set of those known.
    fresh: Option<(&'a mut Rng, HashSet<usize>)>,
}

impl<'a> Follow<'a> {
    fn new(wish: &'a [u32]) -> Self {
        Follow { wish, pin: None, fresh: None }
    }

    fn wish(&mut self, choice: usize, values: usize) -> usize {
        match (&self.pin, &mut self.fresh) {
            (Some((pinned, value)), _) if *pinned == choice => *value as usize,
            (_, Some((rng, known))) if !known.contains(&choice) => rng.index(values),
            _ => self.wish[choice] as usize,
        }
    }
}

impl Decide for Follow<'_> {
    fn decide(&mut self, choice: usize, ways: &Ways<'_>) -> usize {
        let wish = self.wish(choice, ways.values());
        if ways.leaves(wish) {
            return wish;
        }
        ways.possible().min_by_key(|value| (value.abs_diff(wish), *value)).unwrap_or(0)
    }

    fn edges(&mut self, module: &ModuleTemplate, vertices: usize) -> Option<Vec<bool>> {
        let choices: Vec<usize> = edge_choices(module, vertices).collect();
        let flags: Vec<bool> = choices.iter().map(|c| self.wish(*c, 2) != 0).collect();
        let pin = self.pin.and_then(|(pinned, value)| {
            choices.iter().position(|c| *c == pinned).map(|position| (position, value == 1))
        });
        let limit = module.edge_limit.of(vertices);
        // A pin that no valid module has is given up; the caller sees that it was.
        module::repair(vertices, limit, &flags, pin).or_else(|| module::repair(vertices, limit, &flags, None))
    }
}
