//! `codebench run` from end to end, on small variants of the quickstart.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use codebench_tests::experiment::{Experiment, with_line};
use codebench_tests::{answer, command};

const BINARY: &str = env!("CARGO_BIN_EXE_codebench-under-test");

#[test]
fn the_quickstart_trains_simulates_and_reports() {
    let experiment = Experiment::quickstart(BINARY, 6, 2);
    let out = experiment.path("out");
    let ran = experiment.run(&out, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(!ran.stderr.contains('\x1b'), "plain lines when standard error is no terminal: {}", ran.stderr);
    assert!(ran.stderr.contains("6/6 trials, best "), "{}", ran.stderr);
    for expected in ["report.html", "records.csv", "test_accuracy", "latency"] {
        assert!(ran.stdout.contains(expected), "`{expected}` is missing in\n{}", ran.stdout);
    }

    let records = std::fs::read_to_string(out.join("records.csv")).unwrap();
    assert_eq!(records.lines().count(), 7, "{records}");
    assert!(!records.contains("seconds"), "wall-clock values belong to wall.csv: {records}");

    let report = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(report.contains("<svg"), "the report has figures");
    for loaded in ["src=\"http", "href=\"http", "src='http", "url(http", "@import"] {
        assert!(!report.contains(loaded), "the report loads something: {loaded}");
    }

    // The winner goes on by itself.
    let with_winner = |arguments: &[&str]| {
        let answer = answer(command(BINARY, &[]).args(arguments).current_dir(&out));
        assert_eq!(answer.status, Some(0), "{arguments:?}: {}", answer.stderr);
        answer.stdout
    };
    let train = ["train", "--cnn", "best-cnn.json", "--recipe", "epochs=1", "--out", "best.safetensors"];
    let trained = with_winner(&train);
    let simulated =
        with_winner(&["simulate", "--cnn", "best-cnn.json", "--accelerator", "best-accelerator.json"]);
    let header: Vec<&str> = records.lines().next().unwrap().split(',').collect();
    let column = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let (area, parameters) = (column("hardware.area_mm2"), column("hardware.params"));
    let found = records.lines().skip(1).map(|row| row.split(',').collect::<Vec<_>>()).any(|row| {
        let parameters = row[parameters].trim_end_matches(".0");
        trained.contains(&format!("\n{parameters} parameters, "))
            && simulated.contains(&format!("\narea            {} mm2\n", row[area]))
    });
    assert!(found, "{trained}\n{simulated}\n{records}");
}

#[test]
fn another_strategy_is_one_line() {
    let experiment = Experiment::quickstart(BINARY, 4, 1);
    let text = experiment.text();
    let mut records = Vec::new();
    for strategy in ["codebench/random", "codebench/sobol"] {
        let swapped = with_line(&text, "strategy", "plugin", &format!("\"{strategy}\""));
        let changed = text.lines().zip(swapped.lines()).filter(|(a, b)| a != b).count();
        let is_there = text.contains(&format!("plugin = \"{strategy}\""));
        assert_eq!(changed, usize::from(!is_there), "lines that differ for {strategy}");
        experiment.write(&swapped);
        records.push(experiment.records(&experiment.path(strategy), &[]));
    }
    assert_ne!(records[0], records[1]);
    assert!(records.iter().all(|r| r.lines().count() == 5), "{records:?}");
}

#[test]
fn threads_do_not_change_a_byte() {
    let experiment = Experiment::quickstart(BINARY, 6, 1);
    let one = experiment.records(&experiment.path("one"), &["--threads", "1"]);
    let two = experiment.records(&experiment.path("two"), &["--threads", "2"]);
    let three = experiment.records(&experiment.path("three"), &["--threads", "3"]);
    assert_eq!(one, two);
    assert_eq!(one, three);
}

#[test]
fn a_run_of_failures_only_is_a_failure() {
    let experiment = Experiment::quickstart(BINARY, 4, 1);
    let fails = experiment.text().replace("codebench/simulate", "codebench/command");
    experiment.write(&fails.replace("fidelity = \"cycle\"", "command = \"false\""));
    let answer = experiment.run(&experiment.path("out"), &[]);
    assert_eq!(answer.status, Some(1), "{}", answer.stderr);
    assert!(answer.stderr.contains("no trial has a result: 4 of 4 failed"), "{}", answer.stderr);
    assert!(answer.stdout.contains("`false` ended with exit status: 1"), "{}", answer.stdout);
}
