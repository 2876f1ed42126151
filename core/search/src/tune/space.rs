//! The space of recipes: fields with lists of values or ranges, and configurations drawn from it.

use codebench_model::Recipe;
use codebench_space::Rng;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Streams of the seed's generator that belong to configurations: this one and the next 2^32, one a configuration.
const STREAM: u64 = 0x7475_6e65 << 32;
/// A space of which so many draws in a row are known already counts as exhausted.
const DRAWS: u32 = 1000;

/// The values that a field may take.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Values {
    /// Each as likely.
    List(Vec<Value>),
    /// Between two numbers, uniformly; whole numbers if `whole`, and uniform in the logarithm if `log`.
    Range { min: f64, max: f64, log: bool, whole: bool },
}

impl Values {
    fn draw(&self, rng: &mut Rng) -> Value {
        match self {
            Values::List(values) => values.get(rng.index(values.len())).cloned().unwrap_or(Value::Null),
            Values::Range { min, max, log, whole } => {
                // Whole numbers have cells of equal width, or of equal width in the logarithm, around them.
                let margin = if *whole { 0.5 } else { 0.0 };
                let (low, high, at) = (min - margin, max + margin, rng.unit());
                let x = match log {
                    true => low * codebench_math::exp(at * codebench_math::ln(high / low)),
                    false => low + at * (high - low),
                };
                let x = if *whole { x.round() } else { short(x) }.clamp(*min, *max);
                if *whole { Value::from(x as u64) } else { Value::from(x) }
            }
        }
    }
}

/// Four significant digits: more say nothing about a recipe.
fn short(x: f64) -> f64 {
    format!("{x:.3e}").parse().unwrap_or(x)
}

/// Fields by name.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct RecipeSpace(pub(crate) BTreeMap<String, Values>);

/// A recipe with what sets it apart from the base.
#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    /// The fields of the space that this recipe reads, with their values.
    pub values: BTreeMap<String, Value>,
    /// The whole recipe.
    pub recipe: Recipe,
}

impl RecipeSpace {
    /// `base` with `values` in place of its fields.
    ///
    /// # Errors
    /// A field that is not there, a value of another type or out of range.
    pub(crate) fn applied(base: &Recipe, values: &BTreeMap<String, Value>) -> Result<Recipe, String> {
        let Value::Object(mut fields) = crate::canonical::to_value(base) else { return Err(String::new()) };
        fields.extend(values.iter().map(|(name, value)| (name.clone(), value.clone())));
        let recipe: Recipe = serde_json::from_value(Value::Object(fields)).map_err(|e| e.to_string())?;
        recipe.check().map_err(|e| e.to_string())?;
        Ok(recipe)
    }

    /// The names of a recipe's fields, as files write them, with their defaults.
    pub(crate) fn fields() -> Map<String, Value> {
        match crate::canonical::to_value(&Recipe::default()) {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }

    fn draw(&self, base: &Recipe, rng: &mut Rng) -> Result<Configuration, String> {
        let mut values: BTreeMap<String, Value> =
            self.0.iter().map(|(name, field)| (name.clone(), field.draw(rng))).collect();
        // What the drawn optimiser and schedule do not read keeps the base's value: two names for one training are one.
        for name in Self::applied(base, &values)?.unread() {
            values.remove(name);
        }
        let recipe = Self::applied(base, &values)?;
        Ok(Configuration { values, recipe })
    }
}

/// Configurations, drawn in order: each is a function of the seed and of those before.
#[derive(Debug)]
pub(crate) struct Sampler<'a> {
    space: &'a RecipeSpace,
    base: &'a Recipe,
    seed: u64,
    drawn: Vec<Configuration>,
    known: BTreeSet<String>,
    /// The space has no more: nothing is drawn any more.
    is_exhausted: bool,
}

impl<'a> Sampler<'a> {
    pub(crate) fn new(space: &'a RecipeSpace, base: &'a Recipe, seed: u64) -> Self {
        Sampler { space, base, seed, drawn: Vec::new(), known: BTreeSet::new(), is_exhausted: false }
    }

    /// Configuration `number`, which is at most the first that is not drawn yet; `None` if the space has no more.
    pub(crate) fn get(&mut self, number: u64) -> Option<&Configuration> {
        let index = usize::try_from(number).ok()?;
        if index == self.drawn.len() && !self.is_exhausted {
            let mut rng = Rng::new(self.seed, STREAM + number);
            let fresh = (0..DRAWS).find_map(|_| {
                let configuration = self.space.draw(self.base, &mut rng).ok()?;
                let text = crate::canonical::to_text(&crate::canonical::to_value(&configuration.recipe));
                self.known.insert(text).then_some(configuration)
            });
            self.is_exhausted = fresh.is_none();
            self.drawn.extend(fresh);
        }
        self.drawn.get(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn space(fields: &[(&str, Values)]) -> RecipeSpace {
        RecipeSpace(fields.iter().map(|(name, values)| ((*name).to_owned(), values.clone())).collect())
    }

    fn range(min: f64, max: f64, log: bool, whole: bool) -> Values {
        Values::Range { min, max, log, whole }
    }

    fn draws(space: &RecipeSpace, seed: u64, count: u64) -> Vec<Configuration> {
        let base = Recipe::default();
        let mut sampler = Sampler::new(space, &base, seed);
        (0..count).map_while(|number| sampler.get(number).cloned()).collect()
    }

    #[test]
    fn ranges_are_filled_evenly() {
        let space = space(&[
            ("learning_rate", range(1e-4, 1e-1, true, false)),
            ("weight_decay", range(0.0, 0.4, false, false)),
            ("batch_size", range(1.0, 4.0, false, true)),
            ("restart_epochs", range(1.0, 8.0, true, true)),
            ("schedule", Values::List(vec![json!("warm-restarts")])),
        ]);
        let all = draws(&space, 1, 4000);
        let share = |of: &dyn Fn(&Recipe) -> bool| {
            all.iter().filter(|c| of(&c.recipe)).count() as f64 / all.len() as f64
        };
        assert!((share(&|r| r.learning_rate < 1e-3) - 1.0 / 3.0).abs() < 0.03);
        assert!((share(&|r| r.weight_decay < 0.1) - 0.25).abs() < 0.03);
        for size in 1..=4 {
            assert!((share(&|r| r.batch_size == size) - 0.25).abs() < 0.03, "{size}");
        }
        let ln = codebench_math::ln;
        let expected = ln(1.5 / 0.5) / ln(8.5 / 0.5);
        assert!((share(&|r| r.restart_epochs == 1) - expected).abs() < 0.03);
        assert!(share(&|r| (1e-4..=1e-1).contains(&r.learning_rate)) == 1.0);
    }

    #[test]
    fn configurations_are_a_function_of_the_seed_and_never_occur_twice() {
        let lists = space(&[
            ("optimizer", Values::List(vec![json!("sgd"), json!("adamw")])),
            ("momentum", Values::List(vec![json!(0.8), json!(0.9)])),
            ("betas", Values::List(vec![json!([0.9, 0.99]), json!([0.9, 0.999]), json!([0.8, 0.9])])),
        ]);
        // SGD does not read betas and AdamW no momentum: 2 + 3 trainings.
        let all = draws(&lists, 3, 100);
        assert_eq!(all.len(), 5);
        assert!(all.iter().all(|c| c.values.contains_key("betas") != c.values.contains_key("momentum")));
        assert_eq!(all, draws(&lists, 3, 100));
        assert_ne!(all, draws(&lists, 4, 100));
        // That there are no more is found out once.
        let base = Recipe::default();
        let mut sampler = Sampler::new(&lists, &base, 3);
        let asked: Vec<bool> = (0..6).map(|number| sampler.get(number).is_some()).collect();
        assert_eq!(asked, [true, true, true, true, true, false]);
        sampler.known.clear();
        assert!(sampler.get(5).is_none(), "it draws again");
    }
}
