//! Hashes and generation counts of the released CNNBench.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use codebench_cnn::file::{self, Format};
use codebench_cnn::generate::{self, GenerationConfig, GraphHash};
use codebench_cnn::hash::{Algorithm, graph_hash_merged, graph_hash_simple};
use serde_json::Value;
use sha2::Digest;
use std::path::Path;

fn golden() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/cnnbench.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn graphs_have_the_released_hashes() {
    let golden = golden();
    let rows = golden["graphs"].as_array().unwrap();
    assert_eq!(rows.len(), 63);
    for row in rows {
        let graph = file::parse(&row["graph"].to_string(), Format::Json).unwrap();
        assert_eq!(row["simple_sha256"], graph_hash_simple(&graph, Algorithm::Sha256), "{}", row["id"]);
        assert_eq!(row["merged_sha256"], graph_hash_merged(&graph, Algorithm::Sha256), "{}", row["id"]);
    }
}

#[test]
fn generated_modules_heads_and_graphs_are_counted_as_released() {
    let golden = golden();
    let rows = golden["counts"].as_array().unwrap();
    assert_eq!(rows.len(), 19);
    for row in rows {
        let mut config: GenerationConfig = serde_json::from_value(row["config"].clone()).unwrap();
        config.modules_per_stack = row["modules_per_stack"].as_u64().unwrap();
        let by = if row["hash_simple"] == true { GraphHash::Simple } else { GraphHash::Merged };
        let counts = generate::count(&config, by).unwrap();
        let sizes = |counts: &[generate::SizeCount]| {
            Value::from_iter(counts.iter().map(|c| serde_json::json!([c.vertices, c.distinct, c.labelled])))
        };
        assert_eq!(sizes(&counts.modules), row["modules"], "{row}");
        assert_eq!(sizes(&counts.heads), row["heads"], "{row}");
        let number = |text: &num_bigint::BigUint| u64::try_from(text).unwrap();
        let exactly = counts.graphs.iter().map(|c| serde_json::json!([number(&c.exactly), c.stacks]));
        let up_to = counts.graphs.iter().map(|c| serde_json::json!([c.stacks, c.modules, number(&c.up_to)]));
        match row["create_graphs"].as_bool().unwrap() {
            false => assert_eq!(Value::from_iter(exactly), row["found"], "{row}"),
            true => assert_eq!(Value::from_iter(up_to), row["graphs"], "{row}"),
        }
    }
}

#[test]
fn generated_graphs_are_the_released_ones_in_order() {
    let golden = golden();
    let rows = golden["counts"].as_array().unwrap().iter().filter(|row| row["create_graphs"] == true);
    for row in rows {
        let mut config: GenerationConfig = serde_json::from_value(row["config"].clone()).unwrap();
        config.modules_per_stack = row["modules_per_stack"].as_u64().unwrap();
        let simple = row["hash_simple"] == true;
        let by = if simple { GraphHash::Simple } else { GraphHash::Merged };
        let mut hashes: Vec<String> = (generate::graphs(&config, by).unwrap())
            .map(|graph| match by {
                GraphHash::Simple => graph_hash_simple(&graph, Algorithm::Md5),
                GraphHash::Merged => graph_hash_merged(&graph, Algorithm::Md5),
            })
            .collect();
        assert_eq!(Value::from(&hashes[..3]), row["first_hashes"]);
        assert_eq!(hashes.len() as u64, row["graph_buckets"].as_u64().unwrap());
        // The golden holds the MD5 of all hashes, sorted, one a line.
        hashes.sort();
        assert_eq!(row["digest_sorted_hashes_md5"], hex(&md5::Md5::digest(hashes.join("\n"))), "{row}");
    }
}
