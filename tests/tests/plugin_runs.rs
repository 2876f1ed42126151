//! Runs whose accelerators and CNNs are made of plugins: the architect, and the lab that does not trust the author.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_fixtures::{Build, library};
use codebench_guests::{c_module, c_module_with, module};
use codebench_tests::{answer, command, root};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A folder with an experiment and its plugins.
struct Lab(tempfile::TempDir);

/// A line of `records.csv` by column.
type Row = BTreeMap<String, String>;

impl Lab {
    fn new() -> Lab {
        Lab(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Makes the component `name` of a core module; its SHA-256.
    fn component(&self, name: &str, module: &[u8]) -> String {
        let (core, component) = (self.path("core.wasm"), self.path(name));
        std::fs::write(&core, module).unwrap();
        let packed = answer(&mut command!("plugin", "pack", &core, "-o", &component));
        assert_eq!(packed.status, Some(0), "{}", packed.stderr);
        sha256(&component, &[])
    }

    /// Runs the experiment `name` to its end; records by line, the report, and what was said.
    fn run(&self, name: &str, out: &str) -> Run {
        let out = self.path(out);
        let mut command = command!("run", &self.path(name), "--out", &out);
        let answer = answer(command.env("XDG_CACHE_HOME", self.path("cache")));
        assert_eq!(answer.status, Some(0), "{}\n{}", answer.stdout, answer.stderr);
        let records = std::fs::read_to_string(out.join("records.csv")).unwrap();
        let report = std::fs::read_to_string(out.join("report.html")).unwrap();
        // As a browser shows it.
        let report = [("&#x2f;", "/"), ("&quot;", "\""), ("&#x27;", "'"), ("&lt;", "<"), ("&amp;", "&")]
            .iter()
            .fold(report, |text, (escape, character)| text.replace(escape, character));
        Run { records, report }
    }
}

struct Run {
    records: String,
    report: String,
}

impl Run {
    fn rows(&self) -> Vec<Row> {
        csv::Reader::from_reader(self.records.as_bytes()).deserialize().map(Result::unwrap).collect()
    }
}

fn number(row: &Row, name: &str) -> f64 {
    row.get(name)
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("no number `{name}` in {row:?}"))
}

/// The hash of a plugin file, as `plugin list` says it.
fn sha256(file: &Path, options: &[&str]) -> String {
    let listed = answer(command!("plugin", "list", "--json", "--plugin", file).args(options));
    assert_eq!(listed.status, Some(0), "{}", listed.stderr);
    let plugins: Vec<serde_json::Value> = serde_json::from_str(&listed.stdout).unwrap();
    let of_file = plugins.iter().find(|p| p["source"] == file.to_str().unwrap()).unwrap();
    of_file["sha256"].as_str().unwrap().to_owned()
}

/// A CNN of a few layers, so that a run is short.
const SMALL_CNN: &str = r#"
[image]
channels = 3
height = 32
width = 32
classes = 10

[[space.cnn.networks]]
name = "small"

[[space.cnn.networks.graph.modules]]
vertices = ["input", "conv3x3-c16-p1-bn-relu", "maxpool2x2-s2", "conv3x3-c32-p1-bn-relu", "output"]
edges = [[0, 1], [1, 2], [2, 3], [3, 4]]

[[space.cnn.networks.graph.modules]]
vertices = ["input", "global-avg-pool", "dense_classes", "output"]
edges = [[0, 1], [1, 2], [2, 3]]
"#;

/// The architect: the example varies the parameters of a memory in the sandbox, and the report shows what they do.
#[test]
fn the_parameters_of_a_sandboxed_memory_are_searched_and_their_effect_is_reported() {
    let Some(memory) = module("example-hbm3") else { return };
    let lab = Lab::new();
    let example = root().join("examples/plugins/hbm3");
    for name in ["accelerator.toml", "experiment.toml"] {
        std::fs::copy(example.join(name), lab.path(name)).unwrap();
    }
    let sha256 = lab.component("hbm3.wasm", &memory);
    let run = lab.run("experiment.toml", "out");
    let rows = run.rows();
    assert_eq!(rows.len(), 24, "{}", run.records);
    assert!(rows.iter().all(|row| row["status"] == "ok"), "{}", run.records);

    // Pairs of trials that differ in one parameter of the memory.
    let pairs = |name: &str| {
        let others = ["cnn.network", "stacks", "data_rate", "interleave"];
        let same = |a: &Row, b: &Row| others.iter().filter(|o| **o != name).all(|o| a[*o] == b[*o]);
        let pairs = rows.iter().flat_map(|a| rows.iter().map(move |b| (a, b)));
        pairs
            .filter(|(a, b)| same(a, b) && number(a, name) < number(b, name))
            .map(|(a, b)| (a.clone(), b.clone()))
            .collect::<Vec<_>>()
    };
    let (stacks, rates) = (pairs("stacks"), pairs("data_rate"));
    assert!(!stacks.is_empty() && !rates.is_empty());
    for (few, many) in &stacks {
        let leakage = |row: &Row| number(row, "hardware.leakage_energy_per_image_j");
        assert!(leakage(few) < leakage(many), "a stack that waits needs power:\n{few:?}\n{many:?}");
    }
    let latency = |row: &Row| number(row, "hardware.latency_per_image_s");
    // Automatic tiles differ with the rate, so that single pairs may go either way.
    let total = |of: fn(&(Row, Row)) -> &Row| rates.iter().map(|pair| latency(of(pair))).sum::<f64>();
    assert!(total(|pair| &pair.0) > total(|pair| &pair.1), "{}", run.records);

    // The best pair, with its parameters and figures.
    assert!(run.report.contains(&format!("wasm, SHA-256 {sha256}")), "the report names the file");
    assert!(run.report.contains("module 01 memory"), "the report names the role");
    let best = rows
        .iter()
        .find(|row| {
            run.report.contains(&format!(
                "example/hbm3 (data_rate = {}, height = 8, interleave = {}, stacks = {})",
                row["data_rate"], row["interleave"], row["stacks"]
            ))
        })
        .unwrap_or_else(|| panic!("the report does not say what the memory of the best pair is"));
    // What each value did: a row of each, over as many trials as had it.
    for (name, values) in [("stacks", vec!["1", "2", "4"]), ("data_rate", vec!["3200", "6400"])] {
        let table =
            run.report.split_once(&format!("<h3>{name}</h3>")).unwrap().1.split_once("</table>").unwrap().0;
        assert!(table.contains(">hardware.latency_per_image_s</th>"), "{table}");
        for value in values {
            let trials = rows.iter().filter(|row| row[name] == value).count();
            let cells = format!("<tr><td class=\"number\">{value}</td><td class=\"number\">{trials}</td>");
            assert!(table.contains(&cells), "{cells}\n{table}");
        }
    }
    for name in ["stacks", "data_rate", "interleave"] {
        assert!(run.report.contains(name), "{name}");
    }
    assert!(number(best, "hardware.latency_s") > 0.0);
}

/// An accelerator whose memory is a choice between plugins.
const CHOICE: &str = include_str!("accelerators/choice.toml");

/// The untrusting lab: a plugin that misbehaves costs the evaluations that use it, with the reason; the others are those of a run in
/// which it behaves, byte for byte.
#[test]
fn a_hostile_plugin_costs_its_own_evaluations_only() {
    let Some(good) = module("example-hbm3") else { return };
    let lab = Lab::new();
    lab.component("hbm3.wasm", &good);
    lab.write("accelerator.toml", CHOICE);
    lab.write(
        "experiment.toml",
        &format!(
            r#"
name = "lab"
seed = 3
{SMALL_CNN}
[[plugins.file]]
path = "hbm3.wasm"

[[plugins.file]]
path = "evil.wasm"
limits = {{ fuel = 5000000, memory_bytes = 4194304 }}

[space.accelerator]
file = "accelerator.toml"
memory = ["example/hbm3", "evil/memory"]
pof = [1, 2, 4, 8]

[strategy]
plugin = "codebench/random"

[budget]
trials = 8
batch = 4

[[evaluator]]
id = "hardware"
plugin = "codebench/simulate"

[objective]
terms = [{{ metric = "hardware.latency_s", goal = "minimise" }}]
"#
        ),
    );
    let run = |misdeed: &str| {
        let module = c_module_with("tests/hostile/c/memory.c", &[&format!("MISDEED={misdeed}")])?;
        lab.component("evil.wasm", &module);
        Some(lab.run("experiment.toml", misdeed))
    };
    let Some(peace) = run("BEHAVES") else { return };
    assert!(peace.rows().iter().all(|row| row["status"] == "ok"), "{}", peace.records);
    let untouched = |run: &Run| {
        let lines = run.records.lines().filter(|line| line.contains("example/hbm3"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let expected = untouched(&peace);
    assert_eq!(expected.len(), 4);
    for (misdeed, reason) in [
        ("ENDLESS_LOOP", "cost: it used up its fuel of 5000000 instructions"),
        ("MEMORY_BOMB", " bytes of memory, the limit is 4194304: raise `memory_bytes`"),
        ("RECURSION", "cost: its stack grew beyond 524288 bytes"),
        ("TRAP", "cost: it trapped (wasm trap: wasm `unreachable` instruction executed)"),
        ("NOT_A_NUMBER", "facts: its fact `area_mm2` is NaN"),
        ("TOO_FEW_COSTS", "cost: its list of costs holds "),
        ("TWO_GIGABYTES", "cost: its answer cannot be read: list pointer/length out of bounds of memory"),
        ("WRITES_EVERYWHERE", "cost: it trapped (wasm trap: out of bounds memory access)"),
    ] {
        let Some(run) = run(misdeed) else { return };
        assert_eq!(untouched(&run), expected, "{misdeed}");
        let failed: Vec<Row> = run.rows().into_iter().filter(|row| row["status"] == "failed").collect();
        assert_eq!(failed.len(), 4, "{misdeed}: {}", run.records);
        for row in failed {
            assert!(row["reason"].contains(reason), "{misdeed}: {}", row["reason"]);
        }
        assert!(run.report.contains("evil/memory"), "{misdeed}");
    }
}

/// An operation from the sandbox is trained and simulated like any other.
#[test]
fn an_operation_from_the_sandbox_is_trained_and_simulated() {
    let Some(operation) = module("example-squeeze-excite") else { return };
    let lab = Lab::new();
    let sha256 = lab.component("squeeze-excite.wasm", &operation);
    lab.write(
        "experiment.toml",
        r#"
name = "squeeze and excite"

[[plugins.file]]
path = "squeeze-excite.wasm"

[[space.cnn.networks]]
name = "gated"

[[space.cnn.networks.graph.modules]]
vertices = ["input", "conv3x3-c16-p1-bn-relu", "squeeze_excite", "conv3x3-c16-p1-bn-relu", "output"]
edges = [[0, 1], [1, 2], [2, 3], [3, 4]]

[[space.cnn.networks.graph.modules]]
vertices = ["input", "global-avg-pool", "dense_classes", "output"]
edges = [[0, 1], [1, 2], [2, 3]]

[space.accelerator]
pib = [1, 2]

[data]
id = "digits"

[recipe]
epochs = 2
learning_rate = 0.004

[strategy]
plugin = "codebench/random"

[budget]
trials = 2

[[evaluator]]
id = "train"
plugin = "codebench/train"

[[evaluator]]
id = "hardware"
plugin = "codebench/simulate"

[objective]
terms = [{ metric = "train.validation_accuracy", goal = "maximise" }]
"#,
    );
    let run = lab.run("experiment.toml", "out");
    for row in run.rows() {
        assert_eq!(row["status"], "ok", "{}", run.records);
        assert!(number(&row, "train.validation_accuracy") > 0.15, "{}", run.records);
        assert!(number(&row, "hardware.latency_s") > 0.0, "{}", run.records);
    }
    assert!(run.report.contains("operation example/squeeze-excite"), "the report names the operation");
    assert!(run.report.contains(&format!("wasm, SHA-256 {sha256}")), "the report names the file");
}

/// A native PE array and a DMA engine in C, in one accelerator of a run.
#[test]
fn a_native_array_and_a_sandboxed_engine_make_one_accelerator() {
    let Some(dma) = c_module("examples/plugins/tiny-dma/tiny_dma.c") else { return };
    let lab = Lab::new();
    let dma_sha256 = lab.component("tiny-dma.wasm", &dma);
    let array = library("example-systolic-array-native", &Build::default());
    let array_sha256 = sha256(&array, &["--allow-native"]);
    let accelerator =
        std::fs::read_to_string(root().join("examples/plugins/systolic-array/accelerator.toml")).unwrap();
    let accelerator = accelerator
        .replace(
            "plugin = \"codebench/dma\"",
            "plugin = \"example/tiny-dma\"\nparameters = { bytes_per_cycle = \"$width\" }",
        )
        .replace("[parameters]", "[parameters]\nwidth = 16");
    lab.write("accelerator.toml", &accelerator);
    lab.write(
        "experiment.toml",
        &format!(
            r#"
name = "two plugins"
{SMALL_CNN}
[plugins]
allow-native = true

[[plugins.file]]
path = "tiny-dma.wasm"

[[plugins.file]]
path = "{}"
sha256 = "{array_sha256}"

[space.accelerator]
file = "accelerator.toml"
rows = [8, 32]
dataflow = ["weight-stationary", "output-stationary"]
width = [1, 64]

[strategy]
plugin = "codebench/random"

[budget]
trials = 8

[[evaluator]]
id = "hardware"
plugin = "codebench/simulate"

[objective]
terms = [{{ metric = "hardware.latency_s", goal = "minimise" }}]
"#,
            array.display()
        ),
    );
    let run = lab.run("experiment.toml", "out");
    let rows = run.rows();
    assert_eq!(rows.len(), 8, "{}", run.records);
    let latency = |width: &str, rows_of: &str, dataflow: &str| {
        let row =
            rows.iter().find(|r| r["width"] == width && r["rows"] == rows_of && r["dataflow"] == dataflow);
        number(row.unwrap_or_else(|| panic!("{}", run.records)), "hardware.latency_s")
    };
    for dataflow in ["weight-stationary", "output-stationary"] {
        assert!(latency("1", "32", dataflow) > latency("64", "32", dataflow), "{}", run.records);
        assert_ne!(latency("64", "8", dataflow), latency("64", "32", dataflow), "{}", run.records);
    }
    for said in [format!("wasm, SHA-256 {dma_sha256}"), format!("native, SHA-256 {array_sha256}")] {
        assert!(run.report.contains(&said), "the report names the file: {said}");
    }
}

/// A native plugin that hangs after the first look: its thread is left behind, its later evaluations fail at once, and the run ends.
#[test]
fn a_native_plugin_that_hangs_ends_its_own_evaluations_only() {
    let lab = Lab::new();
    let library = library("codebench-every-kind-native", &Build::default());
    let accelerator = CHOICE
        .replace("plugin = \"$memory\"", "plugin = \"test/flat\"\nparameters = { panics = \"$mood\" }")
        .replace("memory = \"example/hbm3\"", "mood = \"\"");
    lab.write("accelerator.toml", &accelerator);
    lab.write(
        "experiment.toml",
        &format!(
            r#"
name = "hang"
{SMALL_CNN}
[plugins]
allow-native = true

[[plugins.file]]
path = "{}"
limits = {{ wall_s = 1.0 }}

[space.accelerator]
file = "accelerator.toml"
mood = ["", "hang in cost"]
pof = [1, 2, 4]

[strategy]
plugin = "codebench/random"

[budget]
trials = 6
batch = 1

[[evaluator]]
id = "hardware"
plugin = "codebench/simulate"

[objective]
terms = [{{ metric = "hardware.latency_s", goal = "minimise" }}]
"#,
            library.display()
        ),
    );
    let started = std::time::Instant::now();
    let run = lab.run("experiment.toml", "out");
    assert!(started.elapsed().as_secs() < 100, "only the first hang is waited for");
    let rows = run.rows();
    let first = rows.iter().position(|row| row["mood"] == "hang in cost").unwrap();
    for (i, row) in rows.iter().enumerate() {
        let said = match i.cmp(&first) {
            std::cmp::Ordering::Less => "",
            std::cmp::Ordering::Equal => "plugin `test/flat` has not come back from a call within 1 s",
            std::cmp::Ordering::Greater => "plugin `test/flat` is disabled",
        };
        assert_eq!(row["status"], if i < first { "ok" } else { "failed" }, "{}", run.records);
        assert!(row["reason"].contains(said), "{}", run.records);
    }
}
