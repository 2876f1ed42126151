//! `codebench cnn distance` as a user runs it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn distance(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codebench"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    command.args(["cnn", "distance"]).args(arguments).current_dir(root).output().unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let output = distance(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&printed(&[arguments, &["--json"]].concat())).unwrap()
}

#[test]
fn the_edits_cost_what_the_distance_is() {
    let two = json(&["published/resnet18", "published/resnet34"]);
    let number = |value: &Value| value.as_f64().unwrap();
    let distance = number(&two["distance"]);
    let edits = two["edits"].as_array().unwrap();
    let sum: f64 = edits.iter().map(|edit| number(&edit["cost"])).sum();
    assert!(distance > 0.0 && (sum - distance).abs() < 1e-9 * distance, "{sum} {distance}");
    assert!(number(&two["lower_bound"]) <= distance);
    let text = printed(&["published/resnet18", "published/resnet34"]);
    assert!(text.starts_with(&format!("distance {distance} (")), "{text}");

    let same = json(&["lenet-5", "lenet-5"]);
    assert_eq!((number(&same["distance"]), same["edits"].as_array().unwrap().len()), (0.0, 0));
}

#[test]
fn many_are_a_matrix_the_same_on_any_number_of_threads() {
    let arguments = ["--space", "examples/quickstart.toml", "--count", "12", "--seed", "3"];
    let csv = printed(&arguments);
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!((rows.len(), rows[0].len(), rows[0][0]), (13, 13, "cnn"));
    for (i, row) in rows.iter().enumerate().skip(1) {
        assert_eq!(row[i], "0");
        assert!(rows.iter().skip(1).map(|other| other[i]).eq(row[1..].iter().copied()), "symmetric");
    }
    let mut one = Command::new(env!("CARGO_BIN_EXE_codebench"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    one.args(["cnn", "distance"]).args(arguments).current_dir(root).env("RAYON_NUM_THREADS", "1");
    assert_eq!(String::from_utf8(one.output().unwrap().stdout).unwrap(), csv);
    let bounds = &json(&arguments)["lower_bounds"];
    assert!(bounds[0][1].as_f64().unwrap() <= rows[1][2].parse().unwrap());
}

#[test]
fn what_has_no_distance_is_refused() {
    for (arguments, said) in [
        (["lenet-5"].as_slice(), "one CNN has no distance: name two or more"),
        (&[], "required arguments were not provided"),
        (&["lenet-5", "lenet-6"], "did you mean"),
        (&["--space", "examples/spaces/accelbench.toml"], "has no CNNs: give the space a [cnn] table"),
        (&["--space", "examples/quickstart.toml", "--count", "1"], "give a whole number from 2 to 5000"),
    ] {
        let output = distance(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && error.contains(said), "{arguments:?}: {error}");
    }
}
