//! `codebench train`, and what a simulator makes of measured densities.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use codebench_tests::experiment::{Experiment, with_line};
use codebench_tests::{answer, command, root};
use std::path::Path;

const BINARY: &str = env!("CARGO_BIN_EXE_codebench-under-test");

#[test]
fn the_same_training_is_the_same_file_and_another_goes_on_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let cnn = root().join("examples/cnns/tiny.toml");
    let train = |more: &[&str]| {
        let mut run = command(BINARY, &[]);
        answer(
            run.args(["train", "--recipe", "epochs=1", "--cnn"])
                .arg(&cnn)
                .args(more)
                .current_dir(folder.path()),
        )
    };
    let first = train(&["--out", "a.safetensors"]);
    assert_eq!(first.status, Some(0), "{}", first.stderr);
    assert!(first.stderr.contains("epoch 1/1: loss "), "{}", first.stderr);
    for expected in ["validation", "test ", "wrote a.safetensors"] {
        assert!(first.stdout.contains(expected), "`{expected}` is missing in\n{}", first.stdout);
    }
    let exporting = train(&["--out", "b.safetensors", "--export", "npz"]);
    assert_eq!(exporting.status, Some(0), "{}", exporting.stderr);
    assert!(exporting.stdout.ends_with("wrote b.safetensors\nwrote b.npz\n"), "{}", exporting.stdout);
    let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert_eq!(bytes("a.safetensors"), bytes("b.safetensors"));
    assert!(bytes("b.npz").starts_with(b"PK"), "an .npz file is a ZIP archive");
    let same_file = train(&["--out", "b.npz", "--export", "npz"]);
    assert_eq!(same_file.status, Some(2), "{}", same_file.stderr);
    assert!(same_file.stderr.contains("cannot be one file: give FILE.safetensors"), "{}", same_file.stderr);
    let on = train(&["--from", "a.safetensors", "--out", "c.safetensors"]);
    assert_eq!(on.status, Some(0), "{}", on.stderr);
    assert_ne!(bytes("a.safetensors"), bytes("c.safetensors"));

    // What it starts from is known by the file's bytes, not by what the file says of itself.
    let mut changed = bytes("a.safetensors");
    let end = changed.len();
    changed[end - 4..].copy_from_slice(&0.125f32.to_le_bytes());
    std::fs::write(folder.path().join("changed.safetensors"), changed).unwrap();
    let wrote = |from: &str| {
        let answer = train(&["--from", from]);
        assert_eq!(answer.status, Some(0), "{}", answer.stderr);
        answer.stdout.lines().find(|line| line.starts_with("wrote ")).unwrap().to_owned()
    };
    assert_eq!(wrote("a.safetensors"), wrote("b.safetensors"));
    assert_ne!(wrote("a.safetensors"), wrote("changed.safetensors"));

    // What an interrupted training has saved is not begun anew over.
    let done = train(&[]);
    let path = done.stdout.lines().find_map(|line| line.strip_prefix("wrote ")).unwrap();
    let saved = folder.path().join(path).with_extension("state.safetensors");
    std::fs::write(&saved, "saved").unwrap();
    let again = train(&[]);
    assert_eq!(again.status, Some(2), "{}", again.stderr);
    assert!(again.stderr.contains("give --resume to go on with it"), "{}", again.stderr);
    assert_eq!(std::fs::read(&saved).unwrap(), b"saved");

    // Nothing but a checkpoint is replaced by one, and that is said before anything is trained.
    std::fs::write(folder.path().join("notes.txt"), "notes").unwrap();
    for (out, reason) in [
        ("notes.txt", "notes.txt is there already and is no checkpoint: it is not replaced"),
        (".", "is no regular file: give the checkpoint's file with --out"),
        ("notes.txt/w.safetensors", "the folder notes.txt cannot be written: "),
    ] {
        let refused = train(&["--out", out]);
        assert_eq!(refused.status, Some(2), "{out}: {}", refused.stderr);
        assert!(refused.stderr.contains(reason) && !refused.stderr.contains("epoch 1"), "{}", refused.stderr);
    }
    assert_eq!(bytes("notes.txt"), b"notes");

    let other = train(&["--from", "d.safetensors"]);
    assert_eq!(other.status, Some(2), "{}", other.stderr);
    assert!(other.stderr.contains("cannot read the checkpoint `d.safetensors`"), "{}", other.stderr);
    let unknown = train(&["--recipe", "epoch=3"]);
    assert_eq!(unknown.status, Some(2), "{}", unknown.stderr);
    assert!(unknown.stderr.contains("--recipe epoch=3: unknown field `epoch`"), "{}", unknown.stderr);
}

#[test]
fn measured_densities_reach_the_simulator() {
    let experiment = Experiment::quickstart(BINARY, 4, 1);
    let paper = experiment.records(&experiment.path("paper"), &[]);
    let text = experiment.text();
    let measured = text.replace(
        "fidelity = \"cycle\"",
        "fidelity = \"cycle\", sparsity = \"measured\", measured_by = \"train\"",
    );
    assert_ne!(text, measured);
    experiment.write(&measured);
    let measured = experiment.records(&experiment.path("measured"), &[]);
    assert_ne!(paper, measured);
    assert!(measured.lines().skip(1).any(|line| line.contains(",ok,")), "{measured}");
}

#[test]
fn weights_of_earlier_trials_are_taken_over_reproducibly() {
    let experiment = Experiment::quickstart(BINARY, 8, 1);
    let text = experiment.text();
    let alone = experiment.records(&experiment.path("alone"), &[]);
    let with_transfer = |folder: &str| {
        let parameters = format!(
            "plugin = \"codebench/train\"\nparameters = {{ transfer = \"leading\", checkpoints = {folder:?} }}"
        );
        let changed = text.replace("plugin = \"codebench/train\"", &parameters);
        assert_ne!(changed, text);
        experiment.write(&changed);
    };
    let run = |name: &str, threads: &str| {
        with_transfer(experiment.path(&format!("{name}-checkpoints")).to_str().unwrap());
        experiment.records(&experiment.path(name), &["--threads", threads])
    };
    let first = run("first", "1");
    assert_ne!(first, alone);
    assert_eq!(run("second", "2"), first);
}

/// The CNNs of the examples read the images of the data set that stands beside them.
#[test]
fn examples_with_images_of_28_pixels_can_be_built() {
    let mut examples = 0;
    for file in ["README.md", "docs/src/training.md", "docs/src/engines.md", "docs/src/reference/command.md"]
    {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        for line in
            text.lines().filter(|line| line.contains("codebench train ") && line.contains("fashion-mnist"))
        {
            let cnn = line.split_whitespace().skip_while(|word| *word != "--cnn").nth(1).unwrap();
            let arguments = ["cnn", "count", cnn, "--image", "28", "--channels", "1", "--classes", "10"];
            let counted = answer(command(BINARY, &[]).args(arguments));
            assert_eq!(counted.status, Some(0), "{file}: {line}\n{}", counted.stderr);
            examples += 1;
        }
    }
    assert!(examples >= 6, "only {examples} examples");
}

/// From the checkpoint of a neighbour: the modules before the change, or also those behind it.
#[test]
fn a_neighbour_gives_its_weights_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = root().join("examples/cnns/tiny.toml");
    let text = std::fs::read_to_string(&tiny).unwrap();
    let other = text.replace("conv3x3-c32-p1-s2-bn-relu", "conv5x5-c32-p2-s2-bn-relu");
    assert_ne!(text, other);
    std::fs::write(folder.path().join("other.toml"), other).unwrap();
    let train = |arguments: &[&str]| {
        let mut run = command(BINARY, &[]);
        run.args(["train", "--recipe", "epochs=1"]).args(arguments).current_dir(folder.path());
        answer(&mut run)
    };
    let tiny = tiny.to_str().unwrap();
    assert_eq!(train(&["--cnn", tiny, "--out", "tiny.safetensors"]).status, Some(0));
    let from = ["--cnn", "other.toml", "--from", "tiny.safetensors"];
    let took = |more: &[&str]| {
        let answer = train(&[&from, more].concat());
        assert_eq!(answer.status, Some(0), "{}", answer.stderr);
        let line = answer.stderr.lines().find(|line| line.starts_with("takes ")).unwrap().to_owned();
        line.split(' ').nth(1).unwrap().parse::<u32>().unwrap()
    };
    let leading = took(&["--donor", tiny]);
    assert!(leading > 0 && took(&["--donor", tiny, "--transfer", "identical"]) > leading);
    let refused = train(&from);
    assert!(refused.status == Some(2) && refused.stderr.contains("another network"), "{}", refused.stderr);
    assert!(refused.stderr.contains("or name its CNN with --donor"), "{}", refused.stderr);
    let unlike = text.replace("conv3x3-c16-p1-bn-relu", "conv1x1-c16-bn-relu");
    std::fs::write(folder.path().join("unlike.toml"), unlike).unwrap();
    let none = train(&["--cnn", "unlike.toml", "--from", "tiny.safetensors", "--donor", tiny]);
    assert!(none.status == Some(2) && none.stderr.contains("no module of `unlike.toml`"), "{}", none.stderr);
}

/// The engine on libtorch, from the command line as a user names it.
#[test]
fn either_engine_runs_by_one_line_and_goes_on_from_the_other() {
    let Some(library) = codebench_engines::torch_library() else { return };
    let library = library.to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cnn = root().join("examples/cnns/tiny.toml");
    // A user with an empty home.
    let start = || {
        let mut run = command(BINARY, &[]);
        run.env("HOME", folder.path()).env_remove("XDG_DATA_HOME").env_remove("XDG_CACHE_HOME");
        run.env_remove("CODEBENCH_PLUGIN_PATH").current_dir(folder.path());
        run
    };
    let train =
        |more: &[&str]| answer(start().args(["train", "--recipe", "epochs=1", "--cnn"]).arg(&cnn).args(more));
    let plugin = ["--plugin", library, "--allow-native"];
    let torch = [&["--engine", "tch"], &plugin[..]].concat();
    let first = train(&[&torch[..], &["--out", "a.safetensors", "--engine-set", "threads=1"]].concat());
    assert_eq!(first.status, Some(0), "{}", first.stderr);
    assert_eq!(
        train(&[&torch[..], &["--out", "b.safetensors", "--engine-set", "threads=1"]].concat()).status,
        Some(0)
    );
    let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert_eq!(bytes("a.safetensors"), bytes("b.safetensors"));
    let on = train(&["--from", "a.safetensors", "--out", "c.safetensors"]);
    assert_eq!(on.status, Some(0), "{}", on.stderr);
    let back = train(&[&torch[..], &["--from", "c.safetensors"]].concat());
    assert_eq!(back.status, Some(0), "{}", back.stderr);

    let unknown = train(&["--engine", "tch"]);
    assert_eq!(unknown.status, Some(2), "{}", unknown.stderr);
    assert!(
        unknown.stderr.contains("no engine is called `tch`; there are codebench/burn"),
        "{}",
        unknown.stderr
    );

    let text = std::fs::read_to_string(root().join("examples/engines.toml")).unwrap();
    let short = text.replace("trials = 12", "trials = 4").replace("epochs = 6", "epochs = 1");
    let on_torch = short.replace("engine = \"codebench/burn\"", "engine = \"torch/tch\"");
    assert_ne!(short, on_torch);
    for (name, text) in [("burn", &short), ("torch", &on_torch)] {
        let file = folder.path().join(format!("{name}.toml"));
        std::fs::write(&file, text).unwrap();
        let ran = answer(start().arg("run").arg(&file).args(["--out", name]).args(plugin));
        assert_eq!(ran.status, Some(0), "{name}: {}\n{}", ran.stdout, ran.stderr);
        let records = std::fs::read_to_string(folder.path().join(name).join("records.csv")).unwrap();
        assert!(records.contains(",ok,") && !records.contains(",failed,"), "{records}");
    }
    let records = |name: &str| std::fs::read(folder.path().join(name).join("records.csv")).unwrap();
    assert_ne!(records("burn"), records("torch"));
}

/// Columns of `records.csv` by trial: how it ended and, for those that are ok, the accuracy that the search was told.
fn accuracies(folder: &Path) -> Vec<(Vec<String>, Option<f64>)> {
    let mut reader = csv::Reader::from_path(folder.join("records.csv")).unwrap();
    let header = reader.headers().unwrap().clone();
    let at = |name: &str| header.iter().position(|column| column == name).unwrap();
    let choices = ["status", "edge_1_0", "edge_2_0", "edge_2_1"].map(at);
    let accuracy = at("accuracy.validation_accuracy");
    reader
        .records()
        .map(|row| {
            let row = row.unwrap();
            (choices.map(|column| row[column].to_owned()).to_vec(), row[accuracy].parse().ok())
        })
        .collect()
}

/// `examples/accuracy.toml` as it is, and with each of the other lines that it offers for its evaluator.
#[test]
fn accuracies_come_from_either_engine_or_from_a_table_by_one_line() {
    let text = std::fs::read_to_string(root().join("examples/accuracy.toml")).unwrap();
    let text = with_line(&text, "budget", "trials", "8");
    let offered: Vec<&str> = text
        .lines()
        .map(|line| line.trim_start_matches("# "))
        .filter(|l| l.starts_with("evaluator = "))
        .collect();
    let [burn, torch, table] = offered[..] else { panic!("{offered:?}") };
    assert!(torch.contains("\"torch/tch\"") && table.contains("\"codebench/table\""), "{offered:?}");
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, line: &str, more: &[&str]| {
        let in_force = format!("\n{burn}\n");
        let swapped = text.replacen(&in_force, &format!("\n{line}\n"), 1);
        let changed = text.lines().zip(swapped.lines()).filter(|(a, b)| a != b).count();
        assert_eq!(changed, usize::from(line != burn), "lines that differ for {name}");
        let file = folder.path().join(format!("{name}.toml"));
        std::fs::write(&file, swapped).unwrap();
        let out = folder.path().join(name);
        let mut run = command(BINARY, &[]);
        let ran = answer(run.arg("run").arg(file).arg("--out").arg(&out).args(more).current_dir(root()));
        assert_eq!(ran.status, Some(0), "{name}: {}\n{}", ran.stdout, ran.stderr);
        let note = "no evaluator reads the data set `digits`; [image] says what the CNNs read";
        assert_eq!(ran.stderr.contains(note), line == table, "{}", ran.stderr);
        accuracies(&out)
    };
    let looked_up = run("table", table, &[]);
    assert!(looked_up.iter().filter(|(_, accuracy)| accuracy.is_some()).count() >= 4, "{looked_up:?}");
    // The table was made by the first line; other processors round otherwise.
    let like_the_table = |name: &str, trained: Vec<(Vec<String>, Option<f64>)>| {
        assert_eq!(trained.len(), looked_up.len());
        for ((cell, accuracy), (expected_cell, expected)) in trained.iter().zip(&looked_up) {
            let apart = accuracy.zip(*expected).map_or(0.0, |(a, b)| (a - b).abs());
            assert!(
                cell == expected_cell && apart < 0.1,
                "{name}: {cell:?} has {accuracy:?}, not {expected:?}"
            );
        }
    };
    like_the_table("burn", run("burn", burn, &[]));
    let Some(library) = codebench_engines::torch_library() else { return };
    like_the_table("torch", run("torch", torch, &["--plugin", library.to_str().unwrap(), "--allow-native"]));
}
