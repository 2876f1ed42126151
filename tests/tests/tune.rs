//! `codebench tune` and `codebench train --resume`: the same bytes on any number of threads and after kills.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_tests::{answer, command, has_python, root};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

const BINARY: &str = env!("CARGO_BIN_EXE_codebench-under-test");

/// The example, shorter.
fn file(folder: &Path) {
    let text = std::fs::read_to_string(root().join("examples/tune.toml")).unwrap();
    let cnn = root().join("examples/cnns/tiny.toml").display().to_string();
    let mut changed = text.clone();
    for (from, to) in [
        ("cnns/tiny.toml", cnn.as_str()),
        ("configurations = 27", "configurations = 6"),
        ("reduction = 3", "reduction = 2"),
        ("max_epochs = 9", "max_epochs = 4"),
    ] {
        assert!(text.contains(from), "{from}");
        changed = changed.replace(from, to);
    }
    std::fs::write(folder.join("tune.toml"), changed).unwrap();
}

fn tune(folder: &Path, out: &str, more: &[&str]) -> Command {
    let mut run = command(BINARY, &[]);
    run.args(["tune", "tune.toml", "--out", out]).args(more).current_dir(folder);
    run
}

fn results(folder: &Path, out: &str) -> [Vec<u8>; 2] {
    ["records.csv", "best-recipe.toml"].map(|name| std::fs::read(folder.join(out).join(name)).unwrap())
}

/// Starts `run` and kills it once it has written `count` lines to standard error that begin with `start`; whether it had not ended by
/// itself before.
fn killed(mut run: Command, start: &str, count: usize) -> bool {
    let mut child = run.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let last = lines.map(Result::unwrap).filter(|line| line.starts_with(start)).nth(count - 1);
    if last.is_none() {
        assert!(child.wait().unwrap().success());
        return false;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    true
}

#[test]
fn neither_threads_nor_kills_change_a_byte() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    file(folder);
    let whole = answer(&mut tune(folder, "whole", &["--threads", "2"]));
    assert_eq!(whole.status, Some(0), "{}", whole.stderr);
    for expected in
        ["6 recipes, ", "promoted", "Best recipe: ", "test_accuracy", "\n[recipe]\n", "best-recipe.toml"]
    {
        assert!(whole.stdout.contains(expected), "`{expected}` is missing in\n{}", whole.stdout);
    }
    assert_eq!(answer(&mut tune(folder, "one", &["--threads", "1"])).status, Some(0));
    assert_eq!(results(folder, "one"), results(folder, "whole"));
    // After the first record, then after two more, then after one more.
    let records = whole.stderr.lines().filter(|line| line.starts_with("recipe ")).count();
    assert!(records > 6, "{}", whole.stderr);
    for count in [1, 2, 1] {
        assert!(killed(tune(folder, "killed", &["--resume"]), "recipe ", count), "it ended before its kill");
    }
    assert_eq!(answer(&mut tune(folder, "killed", &["--resume", "--threads", "1"])).status, Some(0));
    assert_eq!(results(folder, "killed"), results(folder, "whole"));

    let again = answer(&mut tune(folder, "whole", &[]));
    assert_eq!(again.status, Some(2), "{}", again.stderr);
    assert!(again.stderr.contains("give --resume to go on with it"), "{}", again.stderr);

    // The recipe is ready to be pasted: what it trains is what was measured.
    let recipe = std::fs::read_to_string(folder.join("whole/best-recipe.toml")).unwrap();
    let fields =
        recipe.lines().skip(1).flat_map(|line| ["--recipe".to_owned(), line.replace([' ', '"'], "")]);
    let mut train = command(BINARY, &[]);
    train.args(["train", "--seed", "1", "--cnn"]).arg(root().join("examples/cnns/tiny.toml"));
    let trained = answer(train.args(fields).current_dir(folder));
    assert_eq!(trained.status, Some(0), "{}", trained.stderr);
    let measured = whole.stdout.lines().find_map(|line| line.trim().strip_prefix("test_loss ")).unwrap();
    let loss = trained.stdout.lines().find(|line| line.starts_with("test")).unwrap();
    let loss: f64 = loss.split_whitespace().last().unwrap().parse().unwrap();
    assert!((loss - measured.parse::<f64>().unwrap()).abs() < 1e-4, "{loss} against {measured}");
}

#[test]
fn a_killed_training_goes_on_to_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let train = |out: &str, more: &[&str]| {
        let mut run = command(BINARY, &[]);
        run.args(["train", "--recipe", "epochs=6", "--recipe", "crop_padding=1", "--cnn"])
            .arg(root().join("examples/cnns/tiny.toml"))
            .args(["--out", out])
            .args(more)
            .current_dir(folder.path());
        run
    };
    let state = || {
        let files = std::fs::read_dir(folder.path().join("killed")).into_iter().flatten();
        let mut paths = files.map(|entry| entry.unwrap().path());
        paths.find(|path| path.to_string_lossy().ends_with(".state.safetensors"))
    };
    assert_eq!(answer(&mut train("whole/w.safetensors", &[])).status, Some(0));
    // An epoch is told before it is saved: then the one before it is.
    for epoch in ["epoch 2/6", "epoch 4/6"] {
        assert!(killed(train("killed/w.safetensors", &["--resume"]), epoch, 1), "it ended before {epoch}");
        assert!(state().is_some(), "{epoch}");
    }
    let path = state().unwrap();
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let damaged = answer(&mut train("killed/w.safetensors", &["--resume"]));
    assert_eq!(damaged.status, Some(2), "{}", damaged.stderr);
    let remedy = "remove the file to train from the first epoch";
    assert!(damaged.stderr.contains(remedy), "{}", damaged.stderr);
    std::fs::write(&path, whole).unwrap();
    let last = answer(&mut train("killed/w.safetensors", &["--resume"]));
    assert_eq!(last.status, Some(0), "{}", last.stderr);
    assert!(last.stderr.contains("goes on after epoch "), "{}", last.stderr);
    let bytes = |out: &str| std::fs::read(folder.path().join(out).join("w.safetensors")).unwrap();
    assert!(bytes("whole") == bytes("killed"), "other weights");
    assert!(state().is_none(), "what is left in the middle is of no use");
}

/// A file that may not grow, as on a full disk: an error with the file's name, and nothing half-written that could pass for weights.
#[test]
fn a_full_disk_leaves_no_weights() {
    let folder = tempfile::tempdir().unwrap();
    let train = |blocks: u32, out: &str| {
        let mut run = command("sh", &[]);
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        run.args(["-c", &script, "sh", BINARY, "train", "--recipe", "epochs=1", "--out", out, "--cnn"])
            .arg(root().join("examples/cnns/tiny.toml"))
            .current_dir(folder.path());
        answer(&mut run)
    };
    let full = train(8, "w/full.safetensors");
    assert_eq!(full.status, Some(1), "{}", full.stderr);
    assert!(full.stderr.contains("cannot write the checkpoint `w/full.safetensors`: "), "{}", full.stderr);
    assert!(!full.stdout.contains("test"), "no accuracy without weights: {}", full.stdout);
    assert_eq!(std::fs::read_dir(folder.path().join("w")).unwrap().count(), 0);
    assert_eq!(train(8000, "w/room.safetensors").status, Some(0));
}

/// A trainer of one's own that keeps its state: the next rung goes on from what it answered.
#[test]
fn a_program_goes_on_from_its_own_state() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let program = r#"
import json, sys
job = json.load(sys.stdin)
rate, epochs, start = job["recipe"]["learning_rate"], job["recipe"]["epochs"], job.get("resume_from")
done, loss = json.load(open(start)) if start else (0, 1.0)
for _ in range(done, epochs):
    loss *= 1 - rate
state = f"state-{rate}-{epochs}.json"
json.dump([epochs, loss], open(state, "w"))
json.dump({"values": {"validation_loss": loss, "trained": epochs - done}, "artifacts": {"checkpoint": state}}, sys.stdout)
"#;
    std::fs::write(folder.join("trainer.py"), program).unwrap();
    let tuning = "name = \"own\"\nseed = 1\n[recipe]\noptimizer = \"sgd\"\n[evaluator]\nplugin = \"codebench/command\"\n\
                  parameters = { command = \"python3 trainer.py\", reads = \"recipe\" }\n\
                  [tune]\nconfigurations = 6\nreduction = 2\nmax_epochs = 4\nmetric = \"validation_loss\"\n\
                  [tune.recipe]\nlearning_rate = { min = 0.01, max = 0.5 }\n";
    std::fs::write(folder.join("tune.toml"), tuning).unwrap();
    let ran = answer(&mut tune(folder, "own", &["--threads", "2"]));
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let records = String::from_utf8(results(folder, "own")[0].clone()).unwrap();
    let mut rows = records.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let names = rows.next().unwrap();
    let column = |name: &str| names.iter().position(|n| *n == name).unwrap();
    let [epochs, trained, rate, loss] =
        ["epochs", "trained_epochs", "recipe.learning_rate", "validation_loss"].map(column);
    let mut went_on = 0;
    for row in rows {
        let [epochs, trained, rate, loss] =
            [epochs, trained, rate, loss].map(|column| row[column].parse::<f64>().unwrap());
        went_on += u32::from(trained < epochs);
        // The loss of all epochs, though only those since the last rung were trained.
        let expected = (0..epochs as u32).fold(1.0, |loss, _| loss * (1.0 - rate));
        assert!((loss - expected).abs() < 1e-9, "{row:?}");
    }
    assert!(went_on >= 3, "{records}");
}

/// The engine on libtorch trains the rungs as well, with the same bytes on any number of threads; the other engine does not go on.
#[test]
fn rungs_are_trained_by_one_engine() {
    let Some(library) = codebench_engines::torch_library() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    file(folder);
    let embedded = std::fs::read_to_string(folder.join("tune.toml")).unwrap();
    let on_torch = "\n[evaluator]\nplugin = \"codebench/train\"\nparameters = { engine = \"torch/tch\" }\n";
    std::fs::write(folder.join("tune.toml"), format!("{embedded}{on_torch}")).unwrap();
    let plugin = ["--plugin", library.to_str().unwrap(), "--allow-native"];
    let torch = |out: &str, more: &[&str]| answer(&mut tune(folder, out, &[&plugin, more].concat()));
    let ran = torch("two", &["--threads", "2"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(torch("one", &["--threads", "1"]).status, Some(0));
    assert_eq!(results(folder, "one"), results(folder, "two"));
    let records = String::from_utf8(results(folder, "one")[0].clone()).unwrap();
    assert!(records.contains(",ok,") && !records.contains(",failed,"), "{records}");

    std::fs::write(folder.join("tune.toml"), embedded).unwrap();
    let other = answer(&mut tune(folder, "one", &["--resume"]));
    assert_eq!(other.status, Some(2), "{}", other.stderr);
    for expected in [
        "the tuning is not the one that the store was made with:",
        "evaluator.parameters.engine: \"torch/tch\" -> \"codebench/burn\"",
        "put it back, or give another --out",
    ] {
        assert!(other.stderr.contains(expected), "`{expected}` is missing in\n{}", other.stderr);
    }
}
