//! Built-in plugins answer through the boundary what they answer as they are.

use super::{both, same};
use codebench_api::Registration;
use codebench_every_kind::ask_any::answers;

/// How many answers were compared.
fn alike(registrations: &[Registration]) -> usize {
    let catalogs = both(registrations);
    let ids = catalogs[0].entries().map(|entry| entry.info.id.clone());
    ids.map(|id| same(&catalogs, |catalog| answers(catalog, &id).unwrap()).len()).sum()
}

#[test]
fn cnn_ops_lower_alike() {
    assert!(alike(codebench_cnn_ops::PLUGINS) >= 50);
}

#[test]
fn strategies_propose_and_surrogates_predict_alike() {
    assert!(alike(codebench_strategies::PLUGINS) >= 20);
}

#[test]
fn modules_and_memories_cost_alike() {
    assert!(alike(codebench_accelbench::PLUGINS) >= 100);
}
