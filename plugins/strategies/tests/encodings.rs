//! What a surrogate sees of a candidate (`encoding`): with each of them a search is sound, and better than chance.
#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_sdk::api::Catalog;
use codebench_sdk::model::Domain;
use codebench_sdk::prelude::*;
use codebench_sdk::space::distance::{EditCosts, Operations, PreparedGraph, fast};
use codebench_sdk::space::{Points, Rng, SpaceDescription, check, decode};
use std::collections::HashSet;

const STRATEGIES: [&str; 3] = ["codebench/boshnas", "codebench/boshcode", "codebench/bananas"];

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("codebench-strategies", codebench_strategies::PLUGINS).unwrap();
    catalog
}

/// CNNs of one module, one module after another, and an accelerator of two parameters.
fn space() -> Space {
    let text = "[cnn]\nstem = [\"conv3x3-c16-p1-bn-relu\"]\nops = [\"conv3x3-p1-bn-relu\", \"conv1x1-bn-relu\", \"conv5x5-p2-bn-relu\"]\n\
                vertices = { min = 3, max = 5 }\nmax_edges = \"module_vertices+1\"\nstacks = { min = 1, max = 2 }\n\
                default_channels = [16, 32]\n[cnn.head]\nflatten = [\"flatten\"]\n[accelerator]\npib = [1, 2, 4]\npix = [1, 2, 4]\n";
    toml::from_str::<SpaceDescription>(text).unwrap().compile().unwrap()
}

/// The encodings that a strategy lists.
fn encodings(id: &str) -> Vec<String> {
    let info = catalog().get(id).unwrap().info.clone();
    let encoding = info.parameters.iter().find(|p| p.name == "encoding").unwrap();
    match &encoding.domain {
        Domain::Choice { values } => values.clone(),
        other => panic!("{id}: encoding is {other:?}"),
    }
}

/// Minus the edit distance from one CNN, in millions of parameters, less a little for each PE.
struct Target {
    space: Space,
    operations: Operations,
    graph: PreparedGraph,
}

impl Target {
    fn new(space: &Space) -> Target {
        let operations = Operations::of_space(space, 10).unwrap();
        let point = Points::new(space).unwrap().sample(&mut Rng::new(99, 0));
        let graph = graph(space, &operations, &point);
        Target { space: space.clone(), operations, graph }
    }

    fn value(&self, point: &Genotype) -> f64 {
        let graph = graph(&self.space, &self.operations, point);
        let pes: u32 = point.0.iter().rev().take(2).sum();
        -fast(&graph, &self.graph, &EditCosts::default()).cost - 0.001 * f64::from(pes)
    }
}

fn graph(space: &Space, operations: &Operations, point: &Genotype) -> PreparedGraph {
    let cnn = decode(space, point).unwrap().cnn.unwrap();
    PreparedGraph::new(&operations.graph(&cnn).unwrap()).unwrap()
}

/// The mean of the last 16 of 32 candidates, all of them valid and different.
fn learned(id: &str, encoding: Option<&str>, seed: u64, target: &Target) -> f64 {
    let text = |text: &str| ParameterValue::Text(text.to_owned());
    let parameters = encoding.map(|encoding| {
        Parameters::from([
            ("encoding".to_owned(), text(encoding)),
            ("surrogate".to_owned(), text("codebench/gp")),
            ("surrogate_parameters".to_owned(), text("evaluations = 4, hyperparameter_records = 20")),
        ])
    });
    let context = StrategyContext { space: target.space.clone(), seed, objectives: 1 };
    let mut strategy = catalog().strategy(id, &parameters.unwrap_or_default(), &context).unwrap();
    let mut seen = HashSet::new();
    let mut late = 0.0;
    for round in 0..8 {
        let asked = strategy.ask(4).unwrap();
        assert_eq!(asked.len(), 4, "{id}, {encoding:?}");
        let tell = |genotype: Genotype| {
            check(&target.space, &genotype).unwrap();
            let objectives = vec![target.value(&genotype)];
            Tell { trial: round, genotype, status: Status::Ok, objectives, violation: 0.0 }
        };
        let told: Vec<Tell> = asked.into_iter().map(tell).collect();
        assert!(told.iter().all(|t| seen.insert(t.genotype.clone())), "{id}, {encoding:?} repeats itself");
        late += if round < 4 { 0.0 } else { told.iter().map(|t| t.objectives[0]).sum() };
        strategy.tell(&told).unwrap();
    }
    late / 16.0
}

#[test]
fn with_every_encoding_learning_beats_chance() {
    let target = Target::new(&space());
    let mean = |id: &str, encoding: Option<&str>| {
        (0..2).map(|seed| learned(id, encoding, seed, &target)).sum::<f64>() / 2.0
    };
    let chance = mean("codebench/random", None);
    for id in STRATEGIES {
        let encodings = encodings(id);
        assert!(encodings.len() >= 5, "{encodings:?}");
        for encoding in &encodings {
            let own = mean(id, Some(encoding));
            assert!(own > chance, "{id}, {encoding}: {own} is not above {chance}");
        }
    }
}
