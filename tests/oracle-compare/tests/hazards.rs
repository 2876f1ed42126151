//! The rules themselves lose no data: what is loaded was stored before, and nothing has overwritten it since.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use codebench_model::Role;
use codebench_oracle::{Deviation, Outcome, TaskKind};
use codebench_oracle_compare::{Case, cases};
use std::collections::BTreeMap;

/// What is known of a byte of memory.
#[derive(Clone, Copy, Default)]
struct Byte {
    /// The storage written last, and when that ends.
    written: Option<(usize, u64)>,
    /// When the last load of it ends.
    read_until: u64,
}

/// Bytes are whole words' and uncompressed, so that tiles of any shape agree about them.
fn is_plain(case: &Case) -> bool {
    let description = &case.machine.description;
    let bits = description.word.integer_bits + description.word.fraction_bits;
    bits.is_multiple_of(8) && description.module.iter().all(|module| module.role != Role::MaskBuffer)
}

fn check(outcome: &Outcome) -> Result<(), String> {
    let mut memory: BTreeMap<u64, Byte> = BTreeMap::new();
    let mut order: Vec<usize> = (0..outcome.tasks.len()).collect();
    order.sort_by_key(|&task| outcome.tasks[task].start);
    for task in order {
        let record = outcome.tasks[task];
        let writes = matches!(record.kind, TaskKind::Store | TaskKind::WriteBack);
        for address in outcome.runs[task].iter().flat_map(Clone::clone) {
            let byte = memory.entry(address).or_default();
            let wrong = |what: &str| Err(format!("byte {address} {what}: {record:?}"));
            if writes {
                if byte.read_until > record.start {
                    return wrong("is overwritten while it is loaded");
                }
                byte.written = record.storage.map(|storage| (storage, record.end));
                continue;
            }
            byte.read_until = byte.read_until.max(record.end);
            match (record.storage, byte.written) {
                // The image and the weights are there from the start.
                (None | Some(0), None) => {}
                (Some(storage), Some((written, end))) if written == storage => {
                    if end > record.start {
                        return wrong("is loaded before it is written");
                    }
                }
                _ => return wrong("is not what is there"),
            }
        }
    }
    Ok(())
}

fn plain_cases() -> Vec<Case> {
    cases(1500).map(Case::new).filter(is_plain).collect()
}

#[test]
fn what_is_loaded_was_stored_and_is_still_there() {
    let cases = plain_cases();
    for case in &cases {
        if let Ok(outcome) = case.oracle(None) {
            check(&outcome).unwrap_or_else(|text| panic!("seed {}: {text}", case.seed));
        }
    }
    println!("{} cases checked", cases.len());
}

#[test]
fn a_lost_storage_is_noticed() {
    let lost =
        |case: &Case| case.oracle(Some(Deviation::NoWriteBack)).is_ok_and(|outcome| check(&outcome).is_err());
    assert!(plain_cases().iter().any(lost));
}
