//! `codebench cnn count` of networks, CNN files and generation files.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use codebench_tests::{answer, command};
use serde_json::Value;

fn json(arguments: &[&str]) -> Value {
    let output = answer(command!("cnn", "count", "--json").args(arguments));
    assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    serde_json::from_str(&output.stdout).unwrap()
}

#[test]
fn a_network_is_counted_for_its_own_images_or_others() {
    let own = json(&["resnet18"]);
    assert_eq!((own["params"].as_u64(), own["macs"].as_u64()), (Some(11_689_512), Some(1_814_073_344)));
    let other = json(&["resnet18", "--image", "64", "--channels", "1", "--classes", "10"]);
    assert_eq!((&other["image"], &other["channels"], &other["classes"]), (&64.into(), &1.into(), &10.into()));
    // One input channel and ten classes instead of three and a thousand.
    assert_eq!(other["params"], 11_689_512 - 2 * 64 * 49 - 990 * 513);
}

#[test]
fn a_file_is_counted_as_text_and_as_json() {
    let counted = json(&["examples/cnns/tiny.toml"]);
    let text = answer(&mut command!("cnn", "count", "examples/cnns/tiny.toml"));
    assert_eq!(text.status, Some(0), "{}", text.stderr);
    for (name, key) in [("parameters", "params"), ("MACs", "macs"), ("layers", "layers")] {
        let line = text.stdout.lines().find(|line| line.starts_with(name)).unwrap();
        assert_eq!(line.split_whitespace().nth(1).unwrap(), counted[key].to_string());
    }
}

/// The file is the golden configuration of the released code with 126 modules and 10,584 CNNs of two stacks.
#[test]
fn a_generation_file_is_counted() {
    let counts = json(&["examples/cnns/generate.toml"]);
    assert_eq!(counts["graphs"][1]["exactly"].to_string().trim_matches('"'), "10584");
    let text = answer(&mut command!("cnn", "count", "examples/cnns/generate.toml"));
    assert!(text.stdout.contains("CNNs up to here") && text.stdout.contains(" 10584 "), "{}", text.stdout);
}

#[test]
fn fewer_cnns_have_a_merged_hash_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("small.toml");
    let text = "module_vertices = [3, 4]\nmax_edges = 4\nbase_ops = [\"conv1x1-c16-bn-relu\"]\nmax_modules = 2\nhead_vertices = 4\n\
                flatten_ops = [\"flatten\"]\ndense_ops = [\"dense-84-relu\"]\n";
    std::fs::write(&file, text).unwrap();
    let count =
        |options: &[&str]| json(&[&[file.to_str().unwrap()], options].concat())["graphs"][1]["up_to"].clone();
    let number = |value: Value| value.to_string().trim_matches('"').parse::<u64>().unwrap();
    let (simple, merged) = (number(count(&[])), number(count(&["--merged"])));
    assert!(0 < merged && merged < simple, "{merged} of {simple}");
}

#[test]
fn merged_hashes_are_for_generation_files() {
    let output = answer(&mut command!("cnn", "count", "resnet18", "--merged"));
    assert_eq!(output.status, Some(2));
    assert!(output.stderr.contains("`--merged` is for generation files"), "{}", output.stderr);
}

#[test]
fn a_cnn_that_takes_too_long_to_hash_is_refused() {
    let count = 450;
    let labels: Vec<&str> = (0..count)
        .map(|i| ["input", "conv1x1", "output"][usize::from(i > 0) + usize::from(i == count - 1)])
        .collect();
    let edges: Vec<[usize; 2]> = (1..count).flat_map(|to| (0..to).map(move |from| [from, to])).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dense.json");
    let cnn = serde_json::json!({"v": 1, "modules": [{"vertices": labels, "edges": edges}]});
    std::fs::write(&file, cnn.to_string()).unwrap();
    let output = answer(&mut command!("cnn", "hash", &file));
    assert_eq!(output.status, Some(2), "{}", output.stdout);
    assert!(output.stderr.contains("at most 67108864"), "{}", output.stderr);
}
