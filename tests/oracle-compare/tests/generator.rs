//! The rules never lock up, and the generated cases exercise what they are meant to.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use codebench_oracle::{Deviation, Failure};
use codebench_oracle_compare::{Case, cases};
use std::collections::BTreeMap;

#[test]
fn cases_make_progress_and_cover_the_rules() {
    let mut coverage = BTreeMap::<&str, usize>::new();
    let seeds = cases(1000);
    for seed in seeds.clone() {
        match Case::new(seed).oracle(None) {
            Ok(outcome) => {
                for (name, hit) in outcome.coverage.named() {
                    *coverage.entry(name).or_default() += usize::from(hit);
                }
            }
            Err(error @ (Failure::Deadlock { .. } | Failure::Refused(_))) => panic!("seed {seed}: {error}"),
            Err(_) => *coverage.entry("infeasible").or_default() += 1,
        }
    }
    println!("seeds {seeds:?}: {coverage:?}");
    if seeds.clone().count() >= 200 {
        let rare =
            |(name, hits): &(&&str, &usize)| **name != "infeasible" && **hits * 20 < seeds.clone().count();
        assert_eq!(coverage.iter().filter(rare).collect::<Vec<_>>(), []);
    }
}

#[test]
fn every_deviation_changes_an_outcome() {
    let known: Vec<_> = (0..400).map(Case::new).map(|case| (case.oracle(None), case)).collect();
    for deviation in Deviation::ALL {
        let changes = |(outcome, case): &(_, Case)| case.oracle(Some(deviation)) != *outcome;
        let changed = known.iter().find(|known| changes(known)).map(|(_, case)| case.seed);
        println!("{deviation:?}: seed {changed:?}");
        assert!(changed.is_some(), "{deviation:?} changes nothing");
    }
}

#[test]
fn the_documentation_lists_every_deviation() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/oracle.md");
    let page = std::fs::read_to_string(page).unwrap();
    for deviation in Deviation::ALL {
        assert!(page.contains(&format!("| `{deviation:?}` |")), "docs/src/oracle.md lacks {deviation:?}");
    }
}
