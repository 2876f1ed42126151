//! Memo keys: what an evaluator's answer is a function of, and nothing else.

use super::setup::Prepared;
use crate::canonical;
use codebench_model::{Job, Metrics};
use serde_json::{Map, Value, json};

/// SHA-256 of the canonical JSON of the declared fields, the plugin's id, version, file hash and complete parameters, the plugins
/// that it needs, the hash of what it has read, and the purpose.
pub(crate) fn key(job: &Job, prepared: &Prepared) -> String {
    let mut fields = Map::new();
    let reads = &prepared.reads;
    let mut field = |read: bool, name: &str, value: Value| {
        if read {
            fields.insert(name.to_owned(), value);
        }
    };
    field(reads.candidate, "candidate", json!({ "genotype": job.candidate, "values": job.values }));
    field(reads.cnn, "workload", canonical::to_value(&job.workload));
    field(reads.published, "published", canonical::to_value(&job.published));
    field(reads.accelerator, "accelerator", canonical::to_value(&job.accelerator));
    field(reads.data, "data", json!({ "source": job.data, "digest": prepared.data_digest }));
    field(reads.recipe, "recipe", canonical::to_value(&job.recipe));
    field(reads.donor, "donor", canonical::to_value(&job.donor));
    field(reads.seed, "seed", json!(job.seed));
    field(reads.contents.is_some(), "contents", json!(reads.contents));
    field(!reads.upstream.is_empty(), "upstream", canonical::to_value(&job.upstream));
    let whole = json!({
        "plugin": prepared.plugin,
        "version": prepared.version,
        "sha256": prepared.sha256,
        "parameters": prepared.parameters,
        "needs": prepared.needs,
        "purpose": job.purpose,
        "fields": fields,
    });
    canonical::sha256(&canonical::to_text(&whole))
}

/// Metrics without wall-clock values, which no result may depend on.
pub(super) fn timeless(mut metrics: Metrics) -> Metrics {
    metrics.wall.clear();
    metrics
}

/// Why an answer is not kept: it is too large, or a value is not a finite number.
pub(super) fn unfit(metrics: &Metrics) -> Option<String> {
    metrics.excess().or_else(|| not_finite(metrics))
}

fn not_finite(metrics: &Metrics) -> Option<String> {
    let values = metrics.values.iter().map(|(name, x)| (name.clone(), *x));
    let layers = metrics
        .per_layer
        .iter()
        .flat_map(|(name, xs)| xs.iter().enumerate().map(move |(i, x)| (format!("{name}[{i}]"), *x)));
    let bad = values.chain(layers).find(|(_, x)| !x.is_finite());
    bad.map(|(name, x)| format!("metric `{name}` = {x} is not finite"))
}
