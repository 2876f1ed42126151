//! The strategies as a study sees them: by id, through the catalogue.
#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_sdk::api::Catalog;
use codebench_sdk::prelude::*;
use codebench_sdk::space::{Points, Rng, SpaceDescription, check};
use std::collections::HashSet;

const IDS: [&str; 2] = ["codebench/random", "codebench/sobol"];

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("codebench-strategies", codebench_strategies::PLUGINS).unwrap();
    catalog
}

fn space(toml: &str) -> Space {
    toml::from_str::<SpaceDescription>(toml).unwrap().compile().unwrap()
}

fn digits() -> Space {
    space(include_str!("../../../examples/spaces/digits.toml"))
}

fn make(id: &str, space: &Space, seed: u64, weighting: &str) -> Box<dyn Strategy> {
    let parameters = Parameters::from([("weighting".to_owned(), ParameterValue::Text(weighting.into()))]);
    let context = StrategyContext { space: space.clone(), seed, objectives: 1 };
    catalog().strategy(id, &parameters, &context).unwrap()
}

fn tell(points: &[Genotype]) -> Vec<Tell> {
    let outcome = |(trial, genotype): (usize, &Genotype)| Tell {
        trial: trial as u64,
        genotype: genotype.clone(),
        status: Status::Failed,
        objectives: Vec::new(),
        violation: 0.0,
    };
    points.iter().enumerate().map(outcome).collect()
}

#[test]
fn every_point_is_valid() {
    let space = digits();
    for id in IDS {
        for weighting in ["points", "values"] {
            for point in make(id, &space, 3, weighting).ask(200).unwrap() {
                check(&space, &point).unwrap_or_else(|e| panic!("{id}, {weighting}: {point:?}: {e}"));
            }
        }
    }
}

#[test]
fn a_replay_asks_the_same_and_another_seed_asks_otherwise() {
    let space = digits();
    for id in IDS {
        let mut first = make(id, &space, 7, "points");
        let mut points = Vec::new();
        for count in [4, 1, 0, 16, 3] {
            let batch = first.ask(count).unwrap();
            assert_eq!(batch.len(), count);
            first.tell(&tell(&batch)).unwrap();
            points.extend(batch);
        }
        // The split into batches and the tells in between do not matter.
        assert_eq!(make(id, &space, 7, "points").ask(24).unwrap(), points, "{id}");
        assert_ne!(make(id, &space, 8, "points").ask(24).unwrap(), points, "{id}");
        assert_ne!(make(id, &space, 7, "values").ask(24).unwrap(), points, "{id}");
    }
}

/// A study that is resumed on another machine must ask the same.
#[test]
fn the_first_points_never_change() {
    let space = space(
        "[accelerator]\npib = [1, 2, 4]\npix = { min = 1, max = 8 }\nmemory = { rram = [1, 2], hbm = 1 }",
    );
    let first = |id| -> Vec<Vec<u32>> {
        make(id, &space, 1, "points").ask(5).unwrap().into_iter().map(|g| g.0).collect()
    };
    assert_eq!(first("codebench/random"), GOLDEN_RANDOM);
    assert_eq!(first("codebench/sobol"), GOLDEN_SOBOL);
}

const GOLDEN_RANDOM: [[u32; 5]; 5] =
    [[1, 4, 1, 0, 0], [2, 5, 0, 1, 0], [0, 6, 0, 0, 0], [2, 6, 1, 0, 0], [1, 1, 0, 0, 0]];
const GOLDEN_SOBOL: [[u32; 5]; 5] =
    [[2, 4, 0, 1, 0], [0, 2, 0, 0, 0], [1, 0, 0, 0, 0], [0, 7, 1, 0, 0], [0, 1, 1, 0, 0]];

/// Largest deviation of the share of points in a box at the origin from its volume, over a grid of boxes.
fn discrepancy(points: &[(f64, f64)]) -> f64 {
    let grid = (1..=16).map(|i| f64::from(i) / 16.0);
    grid.clone()
        .flat_map(|x| grid.clone().map(move |y| (x, y)))
        .map(|(x, y)| {
            let inside = points.iter().filter(|p| p.0 < x && p.1 < y).count();
            (inside as f64 / points.len() as f64 - x * y).abs()
        })
        .fold(0.0, f64::max)
}

#[test]
fn sobol_covers_more_evenly_than_random() {
    let space =
        space("[accelerator]\nbatch = { min = 1, max = 256 }\nweight_buffer_mb = { min = 1, max = 256 }");
    let mut worse = 0;
    for seed in 0..20 {
        let of = |id| {
            let points = make(id, &space, seed, "points").ask(128).unwrap();
            let unit = |g: &Genotype| (f64::from(g.0[0]) / 256.0, f64::from(g.0[1]) / 256.0);
            discrepancy(&points.iter().map(unit).collect::<Vec<_>>())
        };
        let (random, sobol) = (of("codebench/random"), of("codebench/sobol"));
        assert!(sobol < 0.04, "seed {seed}: {sobol}");
        worse += u32::from(sobol >= random);
    }
    assert_eq!(worse, 0);
}

#[test]
fn values_are_balanced_where_points_are_not() {
    let space = digits();
    let stacks = space.choices.iter().position(|c| c.name == "cnn.stacks").unwrap();
    for id in IDS {
        let small = |weighting| {
            make(id, &space, 5, weighting).ask(400).unwrap().iter().filter(|g| g.0[stacks] == 0).count()
        };
        assert!(small("points") < 10, "{id}");
        assert!((150..250).contains(&small("values")), "{id}");
    }
}

/// More choices than the library has dimensions, and more points than one scramble has.
#[test]
fn sobol_goes_on_past_the_limits_of_the_library() {
    let space = space("[cnn]\nops = [\"a\", \"b\"]\nvertices = 12\nstacks = 5");
    assert!(space.choices.len() > 256 + 64);
    let points = make("codebench/sobol", &space, 1, "points").ask(300).unwrap();
    assert_eq!(points.iter().collect::<HashSet<_>>().len(), 300);

    let small = self::space("[accelerator]\npib = [1, 2]\npof = [1, 2]");
    let mut sobol = make("codebench/sobol", &small, 1, "points");
    let mut counts = [0u32; 4];
    for point in sobol.ask((1 << 16) + 1024).unwrap() {
        counts[(point.0[0] * 2 + point.0[1]) as usize] += 1;
    }
    // Powers of two of points fall evenly into both periods.
    assert_eq!(counts, [((1 << 16) + 1024) / 4; 4]);
}

#[test]
fn sobol_points_are_distributed_as_the_space_is() {
    let space = space("[accelerator]\nmemory = { rram = { min = 1, max = 6 }, dram = [1], hbm = 1 }");
    let all = Points::new(&space).unwrap();
    let points = make("codebench/sobol", &space, 2, "points").ask(4096).unwrap();
    let mut rng = Rng::new(0, 0);
    for number in 0..8u32 {
        let point = all.nth(&number.into()).unwrap();
        let share = points.iter().filter(|p| **p == point).count();
        assert!((480..=544).contains(&share), "{point:?}: {share} of 4096, expected 512");
    }
    assert!(points.contains(&all.sample(&mut rng)));
}

#[test]
fn a_space_without_points_is_refused() {
    let mut space = digits();
    space.choices[0].values.clear();
    let context = StrategyContext { space, seed: 0, objectives: 1 };
    for id in IDS {
        let error = catalog().strategy(id, &Parameters::new(), &context).err().unwrap();
        assert_eq!(
            error.message,
            "malformed space: choice `cnn.default_channels`: it has no values; give at least one"
        );
    }
}
