//! Every mistake gives an error that says where, what and what instead; the texts are golden.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use codebench_model::{CnnModule, TensorShape};
use common::{chain, cnn, head, language, lower, module};

fn cases() -> Vec<(&'static str, Vec<CnnModule>)> {
    let one = |labels: &[&str]| vec![chain(labels), head()];
    let explicit = |labels: &[&str], edges: &[[usize; 2]]| vec![module(labels, edges), head()];
    vec![
        ("no modules", vec![]),
        ("one vertex", vec![module(&["input"], &[])]),
        ("no vertices", vec![module(&[], &[])]),
        ("input missing", vec![module(&["conv1x1", "output"], &[[0, 1]])]),
        ("output missing", vec![module(&["input", "conv1x1"], &[[0, 1]])]),
        ("input inside", one(&["input"])),
        ("dangling edge", explicit(&["input", "conv1x1", "output"], &[[0, 1], [1, 2], [1, 9]])),
        ("cycle", explicit(&["input", "conv1x1", "output"], &[[0, 1], [1, 1], [1, 2]])),
        ("backward edge", explicit(&["input", "conv1x1", "conv1x1", "output"], &[[0, 2], [2, 1], [1, 3]])),
        ("duplicate edge", explicit(&["input", "conv1x1", "output"], &[[0, 1], [0, 1], [1, 2]])),
        ("vertex without input", explicit(&["input", "conv1x1", "output"], &[[1, 2], [0, 2]])),
        ("vertex without output", explicit(&["input", "conv1x1", "output"], &[[0, 1], [0, 2]])),
        ("input without edges", explicit(&["input", "output"], &[])),
        ("unknown keyword", one(&["cnov3x3-c64-bn-relu"])),
        ("unknown keyword, nothing near", one(&["transformer-8"])),
        ("unknown vendor", one(&["acme/conv3x3"])),
        ("unknown option", one(&["conv3x3-c64-q1"])),
        ("unknown activation", one(&["conv3x3-c64-bn-rleu"])),
        ("activation not last", one(&["conv3x3-relu-c64"])),
        ("empty option", one(&["conv3x3--relu"])),
        ("activation of an op without one", one(&["maxpool3x3-relu"])),
        ("not a kernel", one(&["conv3-c64"])),
        ("repeated option", one(&["conv3x3-c64-c32"])),
        ("epsilon without batch norm", one(&["conv3x3-c64-e3"])),
        ("bias twice", one(&["conv3x3-c64-bn-nb"])),
        ("depthwise with groups", one(&["conv3x3-dw-g2"])),
        ("negative", one(&["conv3x3-c-64"])),
        ("not ASCII", one(&["conv3x3-ä64"])),
        ("zero channels", one(&["conv3x3-c0-bn-relu"])),
        ("zero stride", one(&["conv3x3-c4-s0-bn-relu"])),
        ("zero kernel", one(&["conv0x3-c4-bn-relu"])),
        ("zero dilation", one(&["conv3x3-c4-d0-bn-relu"])),
        ("zero groups", one(&["conv3x3-c4-g0-bn-relu"])),
        ("zero extent", one(&["upsample-s0"])),
        ("zero features", one(&["dense-0"])),
        ("dropout of everything", one(&["dropout-p5x"])),
        ("a million million channels", one(&["conv3x3-c1000000000000-bn-relu"])),
        ("channels beyond 64 bits", one(&["conv3x3-c99999999999999999999-bn-relu"])),
        ("channels that overflow", one(&["conv3x3-c18446744073709551615-bn-relu"])),
        ("padding that overflows", one(&["conv3x3-c4-p18446744073709551615-bn-relu"])),
        ("dilation that overflows", one(&["conv3x3-c4-d18446744073709551615-bn-relu"])),
        ("kernel that is too large", one(&["conv99999x99999-c4-p99999-bn-relu"])),
        ("kernel larger than the map", one(&["conv5x5-c4-s8-bn-relu", "conv7x7-c4-bn-relu"])),
        ("pool larger than the map", one(&["maxpool33x33"])),
        ("padding beyond the pool", one(&["maxpool3x3-p2"])),
        ("groups that do not divide", explicit(&["input", "conv3x3-c4-g2", "sum:output"], &[[0, 1], [1, 2]])),
        ("shuffle that does not divide", one(&["channel_shuffle-g2"])),
        ("slice out of range", one(&["slice-a1-b4"])),
        ("slice without an end", one(&["slice-a1"])),
        (
            "several inputs, no join",
            explicit(
                &["input", "conv1x1-c4", "conv1x1-c4", "act-relu", "sum:output"],
                &[[0, 1], [0, 2], [1, 3], [2, 3], [3, 4]],
            ),
        ),
        (
            "sum of different shapes",
            explicit(&["input", "conv1x1-c4", "conv1x1-c8", "sum:output"], &[[0, 1], [0, 2], [1, 3], [2, 3]]),
        ),
        (
            "concat of different maps",
            explicit(
                &["input", "conv1x1-c4", "conv1x1-c4-s2", "concat:output"],
                &[[0, 1], [0, 2], [1, 3], [2, 3]],
            ),
        ),
        ("dense on a map", one(&["dense-8-relu"])),
        (
            "widened for another vertex",
            vec![
                module(
                    &["input", "conv1x1-c8", "conv1x1-c4", "conv1x1-c4", "output"],
                    &[[0, 1], [0, 2], [1, 3], [2, 3], [2, 4], [3, 4]],
                ),
                head(),
            ],
        ),
        (
            "not widened",
            vec![
                module(
                    &["input", "dropout-p5", "conv1x1-c8", "conv1x1-c8", "output"],
                    &[[0, 1], [0, 2], [1, 3], [2, 3], [3, 4]],
                ),
                head(),
            ],
        ),
        ("head without pooling", vec![chain(&["conv1x1-c4"])]),
        ("empty head", vec![chain(&["conv1x1-c4"]), chain(&[])]),
        (
            "head with a skip",
            vec![module(&["input", "flatten", "dense-3", "output"], &[[0, 1], [1, 2], [1, 3], [2, 3]])],
        ),
        ("flattened map too large", vec![chain(&["conv1x1-c9999"]), chain(&["flatten", "dense_classes"])]),
        ("too many vertices", vec![chain(&[]); 65_537]),
        ("parameters beyond the limit", vec![chain(&["flatten", "dense-30000000", "dense_classes"])]),
    ]
}

#[test]
fn every_mistake_is_explained() {
    let mut text = String::new();
    for (name, modules) in cases() {
        let error = lower(modules).err().unwrap_or_else(|| panic!("{name}: accepted"));
        text.push_str(&format!("{name}: {error}\n"));
    }
    for (channels, extent, classes) in [(0, 32, 10), (3, u64::MAX, 10), (3, 1 << 40, 10), (3, 32, 0)] {
        let image = TensorShape::new(channels, extent, extent);
        let error = language().lower(&cnn(vec![head()]), image, classes).err().unwrap();
        text.push_str(&format!("image {image}, {classes} classes: {error}\n"));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/cnn_errors.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(path).unwrap_or_default();
    for (ours, golden) in text.lines().zip(golden.lines()) {
        assert_eq!(ours, golden, "BLESS=1 accepts it");
    }
    assert_eq!(text.lines().count(), golden.lines().count(), "BLESS=1 accepts it");
}

#[test]
fn deep_and_wide_graphs_do_not_exhaust_the_stack() {
    let deep: Vec<&str> = vec!["dropout-p1"; 100_000];
    let lowered = lower(vec![chain(&deep), head()]).unwrap();
    assert_eq!(lowered.workload.layers.len(), 100_002);

    let count = 20_000;
    let labels: Vec<&str> =
        ["input"].into_iter().chain(vec!["identity"; count]).chain(["sum:output"]).collect();
    let edges: Vec<[usize; 2]> = (1..=count).flat_map(|v| [[0, v], [v, count + 1]]).collect();
    let lowered = lower(vec![module(&labels, &edges), head()]).unwrap();
    assert_eq!(lowered.workload.layers[0].inputs.len(), count);

    let many = (0..20_000).map(|_| chain(&["conv1x1-c3"])).chain([head()]).collect();
    assert_eq!(lower(many).unwrap().workload.layers.len(), 20_002);
}

#[test]
fn a_keyword_claimed_twice_names_both_plugins() {
    use codebench_api::{Catalog, Entry};
    let mut catalog = Catalog::default();
    catalog.add_all("codebench-cnn-ops", codebench_cnn_ops::PLUGINS).unwrap();
    let registration = codebench_cnn_ops::PLUGINS[0];
    let entry = |keyword: &str| {
        let info =
            codebench_api::PluginInfo::new("acme/conv", "1.0.0", (registration.info)().summary.as_str());
        Entry { info: info.keywords(&[keyword]), ..Entry::built_in(&registration, "acme-ops") }
    };
    let twice = catalog.clone().add(entry("conv")).unwrap_err().to_string();
    assert!(
        twice.contains("`conv`") && twice.contains("codebench/conv") && twice.contains("acme/conv"),
        "{twice}"
    );
    for malformed in ["", "Conv", "conv3", "_conv", "global-avg-pool"] {
        assert!(catalog.clone().add(entry(malformed)).is_err(), "{malformed}");
    }
    catalog.add(entry("squeeze_excite")).unwrap();
    let language = codebench_cnn::Language::new(&catalog).unwrap();
    assert!(language.check_label("acme/squeeze_excite-relu").is_ok());
    assert!(language.check_label("codebench/squeeze_excite-relu").is_err());
}

#[test]
fn an_unknown_label_of_a_file_has_line_and_column() {
    use codebench_cnn::file::{Format, parse_located, write};
    let modules = vec![chain(&["conv3x3-c4-bn-relu", "cnov1x1"]), head()];
    let text = write(&cnn(modules), Format::Toml);
    let (file, places) = parse_located(&text, Format::Toml).unwrap();
    let error = places.locate(language().lower(&file.graph, TensorShape::new(3, 8, 8), 10).unwrap_err());
    let line = text.lines().position(|l| l.contains("cnov1x1")).unwrap();
    let column = text.lines().nth(line).unwrap().find("\"cnov1x1").unwrap();
    let expected =
        format!("line {}, column {}: module 0, vertex 2 `cnov1x1`: unknown label", line + 1, column + 1);
    assert!(error.to_string().starts_with(&expected), "{error}\n{expected}\n{text}");
}
