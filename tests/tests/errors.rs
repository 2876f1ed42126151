//! What the command says to mistakes, word for word: `tests/golden/errors/NAME.txt` holds the command line, the files
//! that it reads, the exit status and standard error. `BLESS=1` writes them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use codebench_tests::experiment::with_line;
use codebench_tests::{answer, assert_golden, command, root};
use std::process::Command;

/// Runs `arguments` in a folder with `files` and compares what comes of it.
fn check(name: &str, arguments: &[&str], files: &[(&str, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in files {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let mut run: Command = command!();
    let answer = answer(run.args(arguments).current_dir(folder.path()));
    let status = answer.status.unwrap();
    assert!(status == 1 || status == 2, "{name}: status {status}");
    assert!(!answer.stderr.contains("internal error"), "{name}: {}", answer.stderr);
    let mut text = format!("$ codebench {}\n", arguments.join(" "));
    for (file, content) in files.iter().filter(|(_, content)| content.len() < 400) {
        text += &format!("--- {file}\n{}\n", content.trim_end());
    }
    text += &format!("--- status {status}\n{}", answer.stderr);
    if !answer.stdout.is_empty() {
        text += &format!("--- output\n{}", answer.stdout);
    }
    assert_golden(&format!("errors/{name}.txt"), &text);
}

const VECTOR: &str = "2,16,8,4,8,3,3,1,12,24,4,1,1";

#[test]
fn command_lines() {
    check("no-command", &[], &[]);
    check("unknown-command", &["simulat"], &[]);
    check("unknown-option", &["run", "x.toml", "--thread", "2"], &[]);
    check("threads-of-a-word", &["run", "x.toml", "--threads", "x"], &[]);
    check(
        "fidelity-twice",
        &["simulate", "--cnn", "lenet-5", "--accelerator", VECTOR, "--fidelity", "published,published"],
        &[],
    );
    check("threads-zero", &["run", "x.toml", "--threads", "0"], &[]);
    check("unknown-plugin", &["plugin", "info", "codebench/sobl"], &[]);
    check("unknown-kind", &["plugin", "list", "--kind", "stratgy"], &[]);
    check("missing-file", &["run", "no-such.toml"], &[]);
    check("unknown-prefix", &["cnn", "list", "publshed/"], &[]);
    check("unknown-algorithm", &["cnn", "hash", "lenet-5", "--algorithm", "sha265"], &[]);
    check("zero-image", &["cnn", "count", "lenet-5", "--image", "0"], &[]);
    check("negative-image", &["cnn", "count", "lenet-5", "--image", "-1"], &[]);
    check("negative-count", &["space", "sample", "s.toml", "--count", "-1"], &[]);
    check("jobs-with-image", &["simulate", "--jobs", "-", "--image", "64"], &[]);
    check("jobs-of-a-folder", &["simulate", "--jobs", "."], &[]);
    check("simulate-without-cnn", &["simulate", "--accelerator", VECTOR], &[]);
}

#[test]
fn cnns() {
    check("unknown-network", &["cnn", "show", "published/resnet81"], &[]);
    check("cnn-without-extension", &["cnn", "show", "net"], &[("net", "v = 1")]);
    let cnn = |name: &str, label: &str| {
        let text = format!(
            "v = 1\n[[modules]]\nvertices = [\"input\", \"{label}\", \"output\"]\n[[modules]]\nvertices = [\"input\", \
             \"global-avg-pool\", \"dense_classes\", \"output\"]\n"
        );
        check(name, &["cnn", "count", "net.toml", "--image", "8"], &[("net.toml", &text)]);
    };
    cnn("unknown-label", "cnov3x3-c16-bn-relu");
    cnn("unknown-option-of-label", "conv3x3-c16-bn-rleu");
    cnn("too-many-channels", "conv3x3-c1000000000000-p1-bn-relu");
    cnn("kernel-larger-than-input", "conv11x11-c16-bn-relu");
    cnn("zero-stride", "conv3x3-c16-s0-bn-relu");
    let cyclic = "{\"v\": 1, \"modules\": [{\"vertices\": [\"input\", \"conv1x1\", \"output\"],\n  \"edges\": [[0, 1], \
                  [1, 1], [1, 2]]}]}";
    check("cyclic-graph", &["cnn", "count", "net.json"], &[("net.json", cyclic)]);
    let dangling = "v = 1\n[[modules]]\nvertices = [\"input\", \"conv1x1\", \"output\"]\nedges = [[0, 2]]\n";
    let generate = std::fs::read_to_string(root().join("examples/cnns/generate.toml")).unwrap();
    let generation = |name: &str, from: &str, to: &str| {
        assert!(generate.contains(from), "{from}");
        let text = generate.replacen(from, to, 1);
        check(name, &["cnn", "count", "generate.toml"], &[("generate.toml", &text)]);
    };
    generation("generation-negative", "max_modules = 2", "max_modules = -2");
    generation("generation-unknown-name", "hash_algo = \"md5\"", "hash_algo = \"md6\"");
    generation("generation-key-twice", "max_modules = 2", "max_modules = 2\nmax_modules = 3");
    check("dangling-vertex", &["cnn", "count", "net.toml"], &[("net.toml", dangling)]);
    check("unknown-key-of-cnn", &["cnn", "count", "net.toml"], &[("net.toml", "v = 1\nmodule = 3\n")]);
}

#[test]
fn accelerators() {
    let simulate = |name: &str, accelerator: &str, files: &[(&str, &str)]| {
        let cnn = ["simulate", "--cnn", "published/resnet18", "--accelerator", accelerator];
        check(name, &[&cnn[..], &["--fidelity", "published"]].concat(), files);
    };
    simulate("short-vector", "2,16,8", &[]);
    simulate("vector-with-huge-number", "1e300,16,8,4,8,3,3,1,12,24,4,1,1", &[]);
    simulate("vector-with-text", "2,16,8,4,8,3,3,1,12,24,4,rram,1", &[]);
    simulate("vector-with-nan", "2,nan,8,4,8,3,3,1,12,24,4,1,1", &[]);
    simulate("refused-memory", "2,16,8,4,8,3,3,1,12,24,4,7,1", &[]);
    simulate("refused-pif", "2,3,8,4,8,3,3,1,12,24,4,1,1", &[]);
    simulate("unknown-parameter", "a.toml", &[("a.toml", "pib = 2\npixx = 8\n")]);
    simulate("parameter-out-of-range", "a.toml", &[("a.toml", "pib = 2\nmemory = \"hmb\"\n")]);
}

/// Files of modules, and of named parameters on the default fidelity.
#[test]
fn accelerators_of_modules() {
    let paper = std::fs::read_to_string(root().join("examples/accelerators/paper.toml")).unwrap();
    let simulate = |name: &str, from: &str, to: &str| {
        assert!(paper.contains(from), "{from}");
        let text = paper.replacen(from, to, 1);
        let arguments = ["simulate", "--cnn", "lenet-5", "--accelerator", "a.toml"];
        check(name, &arguments, &[("a.toml", &text)]);
    };
    simulate("unknown-module", "codebench/mac-lanes", "codebench/mac-lane");
    simulate("unknown-parameter-of-module", "power = \"$im2col_power\"", "powre = \"$im2col_power\"");
    simulate("unknown-key-of-accelerator", "clock_mhz", "clok_mhz");
    simulate("fractional-batch", "batch = \"$batch\"", "batch = 1.5");
    simulate("unknown-tile-extent", "tile = \"auto\"", "tile = { z = 3 }");
    let named = ["simulate", "--cnn", "lenet-5", "--accelerator", "a.toml"];
    check("named-parameter-out-of-range-of-cycle", &named, &[("a.toml", "pib = 2\npif = 0\n")]);
    let dense = ["simulate", "--cnn", "lenet-5", "--accelerator", "2,16,8,4,8,3,3,1,12,24,4,1,1"];
    check(
        "sparsity-of-published",
        &[&dense[..], &["--fidelity", "published", "--sparsity", "dense"]].concat(),
        &[],
    );
}

#[test]
fn jobs() {
    let lines = "{\"id\": 1, \"cnn\": \"published/resnet18\"\n{\"id\": 2, \"cnn\": \"published/resnet81\", \"accelerator\": \
                 [2,16,8,4,8,3,3,1,12,24,4,1,1], \"fidelity\": \"published\"}\n{\"id\": 3, \"cnn\": \"published/resnet18\", \
                 \"accelerator\": {\"pibb\": 1}, \"fidelity\": \"published\", \"fast\": true}\n";
    let mut run: Command = command!("simulate", "--jobs", "jobs.jsonl");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("jobs.jsonl"), lines).unwrap();
    let answer = answer(run.current_dir(folder.path()));
    assert_golden(
        "errors/jobs.txt",
        &format!("{lines}--- status {:?}\n{}{}", answer.status, answer.stdout, answer.stderr),
    );
}

#[test]
fn experiments() {
    let quickstart = std::fs::read_to_string(root().join("examples/quickstart.toml")).unwrap();
    let run = |name: &str, text: &str| check(name, &["run", "x.toml"], &[("x.toml", text)]);
    run("experiment-syntax", "name = \n");
    run("experiment-unknown-key", &quickstart.replacen("[budget]\n", "[budget]\ntrails = 3\n", 1));
    run("experiment-unknown-table", &format!("{quickstart}\n[stratgy]\n"));
    run("experiment-unknown-strategy", &with_line(&quickstart, "strategy", "plugin", "\"codebench/randon\""));
    run("experiment-wrong-kind", &with_line(&quickstart, "strategy", "plugin", "\"codebench/train\""));
    run("experiment-no-trials", &with_line(&quickstart, "budget", "trials", "0"));
    run("experiment-nan", &with_line(&quickstart, "recipe", "learning_rate", "nan"));
    run("experiment-test-metric", &quickstart.replace("train.validation_accuracy", "train.test_accuracy"));
    run(
        "experiment-unknown-metric",
        &quickstart.replace("train.validation_accuracy", "train.validation_acuracy"),
    );
    run("experiment-no-epochs", &with_line(&quickstart, "recipe", "epochs", "0"));
    run("experiment-unknown-data", &with_line(&quickstart, "data", "id", "\"digts\""));
    let train = "plugin = \"codebench/train\"\n";
    let engine =
        |id: &str| quickstart.replacen(train, &format!("{train}parameters = {{ engine = \"{id}\" }}\n"), 1);
    run("experiment-unknown-engine", &engine("codebench/brun"));
    run("experiment-engine-of-wrong-kind", &engine("codebench/sobol"));
    let device = format!("{train}parameters = {{ engine_parameters = \"device = wgpu\" }}\n");
    run("experiment-device-of-another-build", &quickstart.replacen(train, &device, 1));
    let image = "[image]\nchannels = 3\nheight = 8\nwidth = 8\nclasses = 10\n";
    run("experiment-other-images", &quickstart.replacen("[data]", &format!("{image}\n[data]"), 1));
    run("experiment-no-images", &quickstart.replacen("[data]\nid = \"digits\"\n", "", 1));
    let accelerators = |list: &str| {
        let (before, _) = quickstart.split_once("[space.accelerator]").unwrap();
        let (_, after) = quickstart.split_once("\n[data]").unwrap();
        format!("{before}[space.accelerator]\n{list}\n\n[data]{after}")
    };
    run("experiment-value-beyond-cycle", &accelerators("pix = [2, 4]\npib = [1, 2, 1000]"));
    let published = |list| accelerators(list).replacen("fidelity = \"cycle\"", "fidelity = \"published\"", 1);
    run("experiment-value-beyond-published", &published("pif = [1, 8, 16]"));
    run("experiment-fraction-of-published", &published("pix = 4\nweight_buffer_mb = [12, 12.5]"));
    run("experiment-negative-epochs", &with_line(&quickstart, "recipe", "epochs", "-1"));
}

#[test]
fn plugin_files_of_an_experiment() {
    let run = |name: &str, table: &str| {
        let name = format!("experiment-plugins-{name}");
        check(&name, &["run", "x.toml"], &[("x.toml", table), ("a.wasm", "(module)")]);
    };
    let file = |rest: &str| format!("[[plugins.file]]\npath = \"a.wasm\"\n{rest}\n");
    run("unknown-key", "[plugins]\nallow_native = true\n");
    run("unknown-key-of-a-file", &file("sha265 = \"00\""));
    run("no-path", "[[plugins.file]]\nsha256 = \"00\"\n");
    run("no-such-file", "[[plugins.file]]\npath = \"b.wasm\"\n");
    run("malformed-pin", &file("sha256 = \"00\""));
    run("other-pin", &file(&format!("sha256 = \"{}\"", "0".repeat(64))));
    run("unknown-limit", &file("limits = { fule = 1 }"));
    run("negative-limit", &file("limits = { fuel = -1 }"));
    run("limit-out-of-range", &file("limits = { wall_s = 0.0 }"));
    run("refused-file", &file(""));
    run("refused-file-of-a-folder", "[[plugins.file]]\npath = \".\"\n");
}

#[test]
fn spaces() {
    let show = |name: &str, text: &str| check(name, &["space", "count", "s.toml"], &[("s.toml", text)]);
    show("space-empty", "");
    show("space-shared-list", "[accelerator]\npix = [2, 0]\npiy = { same_as = \"pix\" }\n");
    show("space-empty-list", "[accelerator]\npib = []\n");
    show("space-unknown-parameter", "[accelerator]\npibb = [1, 2]\n");
    show("space-of-other-spelling", "[cnn]\nops = [\"conv1x1\"]\nmax_edges = \"vertices+1\"\n");
    if cfg!(unix) {
        check("space-endless", &["space", "count", "/dev/zero"], &[]);
    }
    show("space-nan", "[accelerator]\npib = [1, nan]\n");
}

#[test]
fn tunings() {
    let tuning = |tune: &str, recipe: &str| {
        format!(
            "name = \"t\"\ncnn = \"lenet-5\"\n[data]\nid = \"digits\"\n[tune]\n{tune}\n[tune.recipe]\n{recipe}\n"
        )
    };
    let budget = "configurations = 4\nmax_epochs = 4";
    let rates = "learning_rate = [0.1, 0.2]";
    for (name, text) in [
        ("tune-unknown-key", tuning("configuration = 4\nmax_epochs = 4", rates)),
        ("tune-unknown-field", tuning(budget, "lerning_rate = [0.1, 0.2]")),
        ("tune-value-out-of-range", tuning(budget, "learning_rate = { min = 0.1, max = 100.0 }")),
        ("tune-range-upside-down", tuning(budget, "learning_rate = { min = 0.2, max = 0.1 }")),
        ("tune-without-budget", tuning("max_epochs = 4", rates)),
        ("tune-no-epochs-to-halve", tuning("configurations = 4\nmax_epochs = 2\ngrace_epochs = 3", rates)),
        ("tune-metric-of-the-test-split", tuning(&format!("{budget}\nmetric = \"test_accuracy\""), rates)),
        ("tune-no-fields", tuning(budget, "")),
        ("tune-cnn-too-large", tuning(budget, rates).replace("lenet-5", "vgg11")),
    ] {
        check(name, &["tune", "t.toml"], &[("t.toml", &text)]);
    }
    check("tune-missing-file", &["tune", "no-such.toml"], &[]);
    let unknown = tuning(budget, rates).replace("id = \"digits\"", "id = \"digit\"");
    check("tune-unknown-data", &["tune", "t.toml"], &[("t.toml", &unknown)]);
}
