//! How proposals come about, with a surrogate whose wishes are known.

use super::*;
use crate::acquisition::score;
use crate::features::{Features, View};
use codebench_sdk::api::Catalog;
use codebench_sdk::space::{SpaceDescription, decode};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Expects most where the last choice has the second of its three values, and is most uncertain, in one of two ways, where it has the first.
struct Wish {
    is_aleatoric: bool,
    /// Calls of `predict`.
    asked: Arc<AtomicUsize>,
}

impl Surrogate for Wish {
    fn start(&mut self, _: &SurrogateContext) -> Result<(), PluginError> {
        Ok(())
    }

    fn fit(&mut self, _: &[f64], _: &[f64]) -> Result<(), PluginError> {
        Ok(())
    }

    fn predict(&self, x: &[f64], rows: usize) -> Result<Prediction, PluginError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let of_last = |value: f64, worth: f64| -> Vec<f64> {
            x.chunks(x.len() / rows)
                .map(|row| if row[row.len() - 1] == value { worth } else { 0.0 })
                .collect()
        };
        let (uncertain, certain) = (of_last(0.0, 5.0), vec![0.0; rows]);
        let (epistemic, aleatoric) = match self.is_aleatoric {
            true => (certain, uncertain),
            false => (uncertain, certain),
        };
        Ok(Prediction { mean: of_last(0.5, 1.0), epistemic, aleatoric })
    }
}

fn space(text: &str) -> Space {
    toml::from_str::<SpaceDescription>(text).unwrap().compile().unwrap()
}

fn state(space: &Space, parameters: &[(&str, ParameterValue)], surrogate: Wish) -> State {
    let mut catalog = Catalog::default();
    catalog.add_all("codebench-strategies", crate::PLUGINS).unwrap();
    let given = parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let parameters = catalog.complete("codebench/boshcode", &given).unwrap();
    let hardware = HardwareContext::default();
    let configuration = Configuration { parameters: &parameters, catalog: &catalog, hardware };
    let settings = Settings::with_sides(&configuration).unwrap();
    let context = StrategyContext { space: space.clone(), seed: 1, objectives: 1 };
    let mut state = State::new(&settings, &context).unwrap();
    state.model = Model::new("fake/wish", Box::new(surrogate), Features::new(space, View::Choices), 1, false);
    state
}

/// Three choices, and the one that the surrogate looks at.
const WISHES: &str = "
    [[choices]]
    name = [\"x\", \"y\", \"z\"]
    values = { min = 1, max = 12 }
    [[choices]]
    name = \"wish\"
    values = { min = 0, max = 2 }";

/// Which wish the next proposal has, and how often the surrogate was asked for it; all objectives are equal.
fn proposed(state: &mut State, trial: u64, asked: &AtomicUsize) -> (u32, usize) {
    let before = asked.load(Ordering::Relaxed);
    let genotype = state.ask(1).unwrap().remove(0);
    let wish = *genotype.0.last().unwrap();
    state.tell(&[Tell { trial, genotype, status: Status::Ok, objectives: vec![0.0], violation: 0.0 }]);
    (wish, asked.load(Ordering::Relaxed) - before)
}

#[test]
fn a_tenth_of_the_proposals_is_diverse_and_a_tenth_uncertain() {
    let asked = Arc::new(AtomicUsize::new(0));
    let parameters = [
        ("startup", ParameterValue::Integer(1)),
        ("acquisition", ParameterValue::Text("ucb".into())),
        ("beta", ParameterValue::Float(0.0)),
    ];
    let surrogate = Wish { is_aleatoric: false, asked: asked.clone() };
    let mut state = state(&space(WISHES), &parameters, surrogate);
    proposed(&mut state, 0, &asked);
    let (mut diverse, mut uncertain) = (0, 0);
    for trial in 1..=300 {
        match proposed(&mut state, trial, &asked) {
            // Nobody is asked for what is far from all that is known.
            (_, 0) => diverse += 1,
            (0, _) => uncertain += 1,
            (wish, _) => assert_eq!(wish, 1, "the largest mean"),
        }
    }
    println!("{diverse} diverse and {uncertain} uncertain of 300");
    // Binomial with 300 and 0.1: a deviation of 5.2 about 30; four of them either way.
    assert!((10..=50).contains(&diverse) && (10..=50).contains(&uncertain), "{diverse} {uncertain}");
}

#[test]
fn aleatoric_deviation_counts_once_the_search_has_settled() {
    let asked = Arc::new(AtomicUsize::new(0));
    let parameters = [
        ("startup", ParameterValue::Integer(1)),
        ("acquisition", ParameterValue::Text("ucb".into())),
        ("beta", ParameterValue::Float(1.0)),
        ("aleatoric", ParameterValue::Float(1.0)),
        ("settled_after", ParameterValue::Integer(6)),
        ("diversity_probability", ParameterValue::Float(0.0)),
        ("uncertainty_probability", ParameterValue::Float(0.0)),
    ];
    let surrogate = Wish { is_aleatoric: true, asked: asked.clone() };
    let mut state = state(&space(WISHES), &parameters, surrogate);
    let wishes: Vec<u32> = (0..20).map(|trial| proposed(&mut state, trial, &asked).0).collect();
    // The first is random, and the only improvement; the six after it bring none.
    assert_eq!(wishes[1..7], [1; 6]);
    assert_eq!(wishes[7..], [0; 13]);
}

#[test]
fn familiar_designs_are_preferred_among_those_of_nearly_the_best_worth() {
    let space = space(
        "
        [cnn]
        ops = [\"a\", \"b\"]
        vertices = 3
        stacks = 2
        [accelerator]
        pib = [1, 2, 4]",
    );
    let surrogate = Wish { is_aleatoric: false, asked: Arc::default() };
    let mut state = state(&space, &[("transfer", ParameterValue::Float(1.0))], surrogate);
    let modules = |point: &Genotype| decode(&space, point).unwrap().cnn.unwrap().modules;
    let known = state.history.sample();
    // Another first module, so that nothing could be taken over; the same accelerator, so that the bounds are equal.
    let other = loop {
        let mut other = state.history.sample();
        *other.0.last_mut().unwrap() = *known.0.last().unwrap();
        if modules(&other)[0] != modules(&known)[0] {
            break other;
        }
    };
    let told =
        Tell { trial: 0, genotype: known.clone(), status: Status::Ok, objectives: vec![0.0], violation: 0.0 };
    state.tell(&[told]);
    let weights = Weights { objectives: vec![1.0], aleatoric: 0.0 };
    let scored = score(&state.model, vec![other, known], &weights).unwrap();
    assert_eq!(state.familiar(&scored, &[3.0, 2.5], 0), 1);
    // As likely infeasible, or nearly that of a candidate which is being evaluated.
    assert_eq!(state.familiar(&scored, &[3.0, 0.5], 0), 0);
}

#[test]
fn patience_ends_the_search() {
    for patience in [0, 5] {
        let asked = Arc::new(AtomicUsize::new(0));
        let surrogate = Wish { is_aleatoric: false, asked: asked.clone() };
        let parameters = [("patience", ParameterValue::Integer(patience))];
        let mut state = state(&space(WISHES), &parameters, surrogate);
        for trial in 0..6 {
            proposed(&mut state, trial, &asked);
        }
        assert_eq!(state.ask(3).unwrap().len(), if patience == 0 { 3 } else { 0 });
    }
}

#[test]
fn alternating_turns_are_searches_of_their_own_and_other_turns_are_one_search() {
    let space = space(
        "
        [cnn]
        ops = [\"a\", \"b\", \"c\"]
        vertices = 4
        stacks = 2
        [accelerator]
        pib = [1, 2, 4]
        pix = { min = 1, max = 8 }
        piy = { min = 1, max = 8 }",
    );
    let first = space.choices.iter().position(|choice| choice.block == Block::Accelerator).unwrap();
    let side = |block: Block, genotype: &Genotype| match block {
        Block::Cnn => genotype.0[..first].to_vec(),
        _ => genotype.0[first..].to_vec(),
    };
    for fix in ["alternate", "in-turn"] {
        let parameters = [
            ("fix", ParameterValue::Text(fix.into())),
            ("startup", ParameterValue::Integer(5)),
            ("turn", ParameterValue::Integer(5)),
            ("surrogate_parameters", ParameterValue::Text("evaluations = 4".into())),
        ];
        let mut catalog = Catalog::default();
        catalog.add_all("codebench-strategies", crate::PLUGINS).unwrap();
        let given = parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let parameters = catalog.complete("codebench/boshcode", &given).unwrap();
        let configuration = Configuration {
            parameters: &parameters,
            catalog: &catalog,
            hardware: HardwareContext::default(),
        };
        let context = StrategyContext { space: space.clone(), seed: 2, objectives: 1 };
        let mut state = State::new(&Settings::with_sides(&configuration).unwrap(), &context).unwrap();
        let mut best: Option<(f64, Genotype)> = None;
        let mut held = None;
        for trial in 0..25u64 {
            if trial % 5 == 0 {
                held = best.clone().map(|(_, genotype)| genotype);
            }
            let block = if (trial / 5) % 2 == 0 { Block::Cnn } else { Block::Accelerator };
            let genotype = state.ask(1).unwrap().remove(0);
            if let Some(held) = &held {
                assert_eq!(side(block, &genotype), side(block, held), "{fix}, trial {trial}");
                let knows = &state.history.outcomes;
                let has_side = |outcome: &&Outcome| side(block, &outcome.genotype) == side(block, held);
                let expected =
                    if fix == "alternate" { knows.iter().filter(has_side).count() } else { trial as usize };
                assert_eq!(knows.len(), expected, "{fix}, trial {trial}");
                assert!(
                    knows.len() > trial as usize % 5,
                    "{fix}, trial {trial}: at least the best and this turn's"
                );
            }
            let value = genotype.0.iter().map(|gene| f64::from(*gene)).sum();
            if best.as_ref().is_none_or(|(known, _)| value > *known) {
                best = Some((value, genotype.clone()));
            }
            let objectives = vec![value];
            state.tell(&[Tell { trial, genotype, status: Status::Ok, objectives, violation: 0.0 }]);
        }
    }
}
