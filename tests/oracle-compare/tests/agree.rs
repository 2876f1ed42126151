//! Engine and oracle agree on random cases; a broken rule would be noticed.
//!
//! `ORACLE_CASES` changes the number of cases, `ORACLE_SEED` runs one seed alone.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use codebench_oracle::Deviation;
use codebench_oracle_compare::{Case, cases, difference};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// What all threads found.
#[derive(Default)]
struct Found {
    /// Seed and first difference.
    wrong: BTreeMap<u64, String>,
    /// Cases that exercised a feature.
    coverage: BTreeMap<&'static str, u64>,
    /// Cases that exercised a corner.
    corners: BTreeMap<&'static str, u64>,
}

impl Found {
    fn run(&mut self, seed: u64) {
        let case = Case::new(seed);
        let agreed = match difference(&case, None) {
            Ok(agreed) => agreed,
            Err(text) => {
                self.wrong.insert(seed, text);
                return;
            }
        };
        *self.coverage.entry("closed form").or_default() += u64::from(agreed.closed_form);
        match agreed.outcome {
            None => *self.coverage.entry("infeasible").or_default() += 1,
            Some(outcome) => {
                for (name, hit) in outcome.coverage.often() {
                    *self.coverage.entry(name).or_default() += u64::from(hit);
                }
                for (name, hit) in outcome.coverage.corners() {
                    *self.corners.entry(name).or_default() += u64::from(hit);
                }
            }
        }
    }

    fn add(&mut self, other: Found) {
        self.wrong.extend(other.wrong);
        for (name, hits) in other.coverage {
            *self.coverage.entry(name).or_default() += hits;
        }
        for (name, hits) in other.corners {
            *self.corners.entry(name).or_default() += hits;
        }
    }
}

/// A line for the log of every run: standard error itself is not kept back when a test passes.
fn show(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A case and what the oracle makes of it.
fn print(case: &Case) {
    println!("{case:#?}");
    match case.oracle(None) {
        Err(error) => println!("oracle: {error}"),
        Ok(outcome) => outcome.tasks.iter().for_each(|task| println!("{task:?}")),
    }
}

#[test]
fn engine_and_oracle_agree() {
    let started = std::time::Instant::now();
    let seeds = cases(5000);
    if seeds.end - seeds.start == 1 {
        print(&Case::new(seeds.start));
    }
    let next = AtomicU64::new(seeds.start);
    let found = Mutex::new(Found::default());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let mut own = Found::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if !seeds.contains(&seed) {
                        break;
                    }
                    own.run(seed);
                }
                found.lock().unwrap().add(own);
            });
        }
    });
    let found = found.into_inner().unwrap();
    let count = seeds.end - seeds.start;
    show(&format!(
        "oracle: {count} cases, seeds {seeds:?}, in {:.1} s: {:?}",
        started.elapsed().as_secs_f64(),
        found.coverage
    ));
    show(&format!("oracle: corners {:?}", found.corners));
    for (seed, text) in found.wrong.iter().take(10) {
        println!("seed {seed}: {text}");
    }
    assert!(found.wrong.is_empty(), "{} of {count} seeds differ", found.wrong.len());
    if count >= 1000 {
        let rare = |(name, hits): &(&&str, &u64)| **name != "infeasible" && **hits * 20 < count;
        let rare: Vec<_> = found.coverage.iter().filter(rare).collect();
        assert!(rare.is_empty(), "exercised by less than 5 % of the cases: {rare:?}");
        let never: Vec<_> = found.corners.iter().filter(|(_, hits)| **hits == 0).collect();
        assert!(never.is_empty(), "never exercised: {never:?}");
    }
}

#[test]
fn every_broken_rule_is_noticed() {
    for deviation in Deviation::ALL {
        let noticed =
            (0..500).find_map(|seed| Some((seed, difference(&Case::new(seed), Some(deviation)).err()?)));
        let (seed, text) = noticed.unwrap_or_else(|| panic!("{deviation:?} is not noticed"));
        let text: String = text.chars().take(160).collect();
        show(&format!("oracle: {deviation:?} is noticed at seed {seed}: {}", text.replace('\n', " ")));
    }
}

#[test]
fn the_book_lists_every_broken_rule() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/oracle.md");
    let page = std::fs::read_to_string(page).unwrap();
    for deviation in Deviation::ALL {
        assert!(page.contains(&format!("| `{deviation:?}` |")), "docs/src/oracle.md lacks {deviation:?}");
    }
}
