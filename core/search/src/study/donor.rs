//! Which trained CNN gives a candidate its first weights: chosen from the batches before the candidate's own, so that it is a
//! function of the records and the same after every resume.

use super::setup::Setup;
use codebench_model::{CnnGraph, Record, Status};
use std::collections::BTreeMap;

/// The artifact of an evaluator that names the weights which a training has left.
const WEIGHTS: &str = "weights";
/// The metric by which the better of two donors is told.
const ACCURACY: &str = "validation_accuracy";

/// Every CNN that has left weights.
pub(super) struct Donors(Vec<Donor>);

struct Donor {
    cnn: CnnGraph,
    /// The key of its weights.
    key: String,
    accuracy: f64,
}

impl Donors {
    /// Those of the batches before `batch`; `None` if no evaluator reads a donor.
    pub(super) fn of(setup: &Setup, records: &BTreeMap<u64, Record>, batch: u64) -> Option<Donors> {
        let reader = setup.evaluators.iter().find(|evaluator| evaluator.reads.donor)?;
        let trained = records.values().filter(|r| r.batch < batch && r.status == Status::Ok);
        let donors = trained.filter_map(|record| {
            let metrics = record.metrics.get(&reader.id)?;
            let key = metrics.artifacts.get(WEIGHTS)?.clone();
            let cnn = codebench_space::decode(&setup.experiment.space, &record.genotype).ok()?.cnn?;
            let accuracy = metrics.values.get(ACCURACY).copied().unwrap_or(f64::NEG_INFINITY);
            Some(Donor { cnn, key, accuracy })
        });
        Some(Donors(donors.collect()))
    }

    /// The weights of the CNN that has most of its first modules in common with `cnn`, then most modules at the same place, then the
    /// best accuracy, the earliest of equals; `None` if all differ everywhere.
    pub(super) fn nearest(&self, cnn: &CnnGraph) -> Option<String> {
        let mut best: Option<((usize, usize), &Donor)> = None;
        for donor in &self.0 {
            let common = common(&donor.cnn, cnn);
            let better = best.is_none_or(|(other, known)| {
                common > other || (common == other && donor.accuracy > known.accuracy)
            });
            if common.1 > 0 && better {
                best = Some((common, donor));
            }
        }
        best.map(|(_, donor)| donor.key.clone())
    }
}

/// Equal modules from the first on, and at the same place anywhere.
fn common(a: &CnnGraph, b: &CnnGraph) -> (usize, usize) {
    // Operations without channels of their own take these.
    if a.default_channels != b.default_channels {
        return (0, 0);
    }
    let equal: Vec<bool> = a.modules.iter().zip(&b.modules).map(|(a, b)| a == b).collect();
    let leading = equal.iter().take_while(|equal| **equal).count();
    (leading, equal.into_iter().filter(|equal| *equal).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_model::{CnnModule, Vertex};

    fn cnn(channels: u64, labels: &[&str]) -> CnnGraph {
        let module = |label: &&str| CnnModule {
            vertices: ["input", label, "output"].map(Vertex::new).to_vec(),
            edges: vec![[0, 1], [1, 2]],
        };
        CnnGraph { default_channels: channels, modules: labels.iter().map(module).collect() }
    }

    #[test]
    fn the_nearest_shares_the_most_leading_modules_and_is_the_best_of_equals() {
        let donor =
            |key: &str, labels: &[&str], accuracy| Donor { cnn: cnn(8, labels), key: key.into(), accuracy };
        let donors = Donors(vec![
            donor("one", &["a", "x", "h"], 0.9),
            donor("two", &["a", "b", "y"], 0.5),
            donor("better", &["a", "b", "z"], 0.6),
            donor("equal", &["a", "b", "z"], 0.6),
            donor("late", &["x", "b", "h"], 0.99),
        ]);
        let nearest = |channels, labels: &[&str]| donors.nearest(&cnn(channels, labels));
        assert_eq!(nearest(8, &["a", "b", "h"]).as_deref(), Some("better"));
        assert_eq!(nearest(8, &["a", "c", "h"]).as_deref(), Some("one"));
        assert_eq!(nearest(8, &["c", "b", "h"]).as_deref(), Some("late"));
        assert_eq!(nearest(8, &["c", "d", "e"]), None);
        assert_eq!(nearest(16, &["a", "b", "h"]), None);
    }
}
