//! Trainings that were measured before, played back by `codebench/table`.

#![allow(clippy::unwrap_used)]

use codebench_api::Catalog;
use codebench_search::RunOptions;
use codebench_search::tune::{RungRecord, Tuning, tune};

/// Accuracies that grow with the epochs, best for SGD at 0.1, whose first epoch is its worst.
fn table() -> String {
    let mut text = String::from("optimizer,learning_rate,epochs,accuracy\n");
    for (i, optimizer) in ["adamw", "sgd"].iter().enumerate() {
        for (j, rate) in ["0.001", "0.01", "0.1"].iter().enumerate() {
            for epochs in [1, 2, 4, 8] {
                let late = if i == 1 && j == 2 { epochs as f64 / 8.0 } else { 0.5 };
                let accuracy = late + 0.01 * (i + 2 * j + epochs) as f64;
                text += &format!("{optimizer},{rate},{epochs},{accuracy}\n");
            }
        }
    }
    text
}

#[test]
fn measured_trainings_can_be_played_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("curves.csv");
    std::fs::write(&file, table()).unwrap();
    let text = format!(
        "name = \"played back\"\n[evaluator]\nplugin = \"codebench/table\"\n\
         parameters = {{ file = {file:?}, key = \"optimizer, learning_rate, epochs\" }}\n\
         [tune]\nconfigurations = 100\nreduction = 2\nmax_epochs = 8\nworkers = 1\nmetric = \"accuracy\"\n\
         [tune.recipe]\noptimizer = [\"adamw\", \"sgd\"]\nlearning_rate = [0.001, 0.01, 0.1]\n"
    );
    let mut catalog = Catalog::default();
    catalog.add_all("evaluators", codebench_evaluators::PLUGINS).unwrap();
    catalog.add_all("search", codebench_search::PLUGINS).unwrap();
    let run = |text: &str, name: &str| {
        let tuning = Tuning::parse(text, "tune.toml", folder.path(), &catalog).unwrap();
        let options = RunOptions { out: folder.path().join(name), ..RunOptions::default() };
        tune(&tuning, &catalog, &options, &mut |_, _| ()).unwrap()
    };
    // The space ends after its six recipes; a table goes on from nowhere.
    let halving = run(&text, "halving");
    let reached: Vec<_> = halving.rungs.iter().map(|rung| (rung.epochs, rung.reached, rung.failed)).collect();
    assert_eq!(reached[0], (1, 6, 0));
    assert_eq!(reached.iter().map(|(epochs, ..)| *epochs).collect::<Vec<_>>(), [1, 2, 4, 8]);
    assert!(halving.records.iter().all(|record| record.trained_epochs == record.epochs));
    assert!(reached.is_sorted_by(|below, above| below.1 > above.1), "{reached:?}");
    // What starts slowly does not survive the first rung, which random search does not have.
    let late = ("sgd".into(), 0.1.into());
    let values = |best: &RungRecord| (best.values["optimizer"].clone(), best.values["learning_rate"].clone());
    assert_ne!(values(&halving.best.unwrap()), late);
    let random = run(&text.replace("[tune]", "[tune]\nmethod = \"random\""), "random");
    assert_eq!(values(&random.best.unwrap()), late);
    assert_eq!(random.epochs, 48);
}
