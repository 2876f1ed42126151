//! How much of a CNN's weights an evaluated one could lend it.

use crate::history::Outcome;
use codebench_sdk::model::{CnnGraph, CnnModule};
use codebench_sdk::prelude::*;
use codebench_sdk::space::decode;

/// The CNNs that have been evaluated.
#[derive(Debug, Default)]
pub(super) struct Donors {
    graphs: Vec<CnnGraph>,
    /// Outcomes that were looked at.
    seen: usize,
}

impl Donors {
    /// Takes new outcomes in.
    pub(super) fn learn(&mut self, space: &Space, outcomes: &[Outcome]) {
        let new = outcomes.iter().skip(self.seen);
        self.graphs.extend(new.filter_map(|outcome| decode(space, &outcome.genotype).ok()?.cnn));
        self.seen = outcomes.len();
    }

    /// The largest share of a candidate's modules, counted from its input, that an evaluated CNN begins with too; 0 without a CNN.
    pub(super) fn share(&self, space: &Space, candidate: &Genotype) -> f64 {
        let Some(graph) = decode(space, candidate).ok().and_then(|candidate| candidate.cnn) else {
            return 0.0;
        };
        let shares = self.graphs.iter().map(|donor| share(&graph, donor));
        shares.fold(0.0, f64::max)
    }
}

fn share(graph: &CnnGraph, donor: &CnnGraph) -> f64 {
    if graph.default_channels != donor.default_channels {
        return 0.0;
    }
    let pairs = graph.modules.iter().zip(&donor.modules);
    let common = pairs.take_while(|(a, b): &(&CnnModule, &CnnModule)| a == b).count();
    common as f64 / graph.modules.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_sdk::space::{Points, Rng, SpaceDescription};

    #[test]
    fn the_share_is_what_two_cnns_begin_with() {
        let text = include_str!("../../../../examples/spaces/digits.toml");
        let space = toml::from_str::<SpaceDescription>(text).unwrap().compile().unwrap();
        let points = Points::new(&space).unwrap();
        let mut rng = Rng::new(2, 0);
        let mut donors = Donors::default();
        let point = points.sample(&mut rng);
        assert_eq!(donors.share(&space, &point), 0.0);
        let outcome = Outcome { genotype: point.clone(), objectives: vec![1.0], violation: 0.0 };
        donors.learn(&space, &[outcome]);
        // The same CNN on another accelerator has all of its weights.
        let pib = space.choices.iter().position(|c| c.name == "pib").unwrap();
        let mut other = point.clone();
        other.0[pib] = 1 - other.0[pib];
        assert_eq!(donors.share(&space, &other), 1.0);
        // Another head leaves the rest.
        let flatten = space.choices.iter().position(|c| c.name == "cnn.head.flatten").unwrap();
        let mut other = point.clone();
        other.0[flatten] = 1 - other.0[flatten];
        let modules = decode(&space, &point).unwrap().cnn.unwrap().modules.len() as f64;
        assert_eq!(donors.share(&space, &other), (modules - 1.0) / modules);
    }
}
