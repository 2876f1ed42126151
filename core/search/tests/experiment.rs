//! The reader of experiments: every mistake is an error at its place that says what to write instead.
#![allow(clippy::unwrap_used)]

mod common;

use codebench_api::Catalog;
use codebench_search::{Experiment, ExperimentError};
use common::{EXPERIMENT, FAKES};
use proptest::prelude::*;
use std::path::Path;

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("fakes", FAKES).unwrap();
    catalog.add_all("search", codebench_search::PLUGINS).unwrap();
    catalog
}

fn parse(text: &str) -> Result<Experiment, ExperimentError> {
    Experiment::parse(text, "x.toml", Path::new("."), &catalog())
}

/// Mistakes, each as a replacement in the valid experiment; the answers stand in a golden file.
const MISTAKES: &[(&str, &str, &str)] = &[
    ("unknown key", "[budget]", "[bugdet]"),
    ("unknown key in a table", "batch = 4", "batches = 4"),
    ("no budget", "[budget]\ntrials = 14\nbatch = 4\n", ""),
    ("wrong type", "trials = 14", "trials = \"many\""),
    ("zero trials", "trials = 14", "trials = 0"),
    ("negative trials", "trials = 14", "trials = -3"),
    ("trials are not a number", "trials = 14", "trials = nan"),
    ("half a trial", "trials = 14", "trials = 0.5"),
    ("zero batch", "batch = 4", "batch = 0"),
    ("negative seed", "seed = 7", "seed = -7"),
    ("empty name", "name = \"fakes\"", "name = \" \""),
    ("no epochs", "[budget]", "[recipe]\nepochs = 0\n[budget]"),
    ("learning rate out of range", "[budget]", "[recipe]\nlearning_rate = 11\n[budget]"),
    ("betas out of range", "[budget]", "[recipe]\nbetas = [0.9, 1]\n[budget]"),
    ("unknown optimiser", "[budget]", "[recipe]\noptimizer = \"adma\"\n[budget]"),
    ("more trials than a number holds", "trials = 14", "trials = 99999999999999999999"),
    ("unknown strategy", "plugin = \"fake/walk\"", "plugin = \"fake/wlak\""),
    ("plugin of another kind", "plugin = \"fake/walk\"", "plugin = \"fake/measure\""),
    ("unknown parameter", "{ mode = \"walk\" }", "{ mod = \"walk\" }"),
    ("parameter out of range", "{ mode = \"walk\" }", "{ mode = \"run\" }"),
    ("parameter of a wrong type", "{ mode = \"walk\" }", "{ mode = [1] }"),
    (
        "parameter of a plugin without",
        "plugin = \"fake/derived\"",
        "plugin = \"fake/derived\"\nparameters = { a = 1 }",
    ),
    ("infinite parameter", "tag = \"TAG hw\"", "sleep_ms = inf"),
    ("two evaluators of one id", "id = \"more\"", "id = \"hw\""),
    ("malformed evaluator id", "id = \"more\"", "id = \"More!\""),
    ("unknown evaluator", "metric = \"more.half\"", "metric = \"mroe.half\""),
    ("unknown metric", "metric = \"hw.speed\"", "metric = \"hw.spede\""),
    ("malformed metric", "metric = \"hw.speed\"", "metric = \"speed\""),
    ("test metric in an objective", "metric = \"hw.speed\"", "metric = \"hw.test_speed\""),
    ("test metric in a constraint", "metric = \"hw.cost\", max", "metric = \"hw.test_speed\", max"),
    ("goal", "goal = \"maximise\"", "goal = \"maximize\""),
    ("zero weight", "weight = 0.1", "weight = 0.0"),
    ("negative normaliser", "normaliser = 10.0", "normaliser = -10.0"),
    ("normaliser is not a number", "normaliser = 10.0", "normaliser = nan"),
    ("constraint without bound", ", max = 30.0", ""),
    ("constraint that cannot hold", "max = 30.0", "max = 30.0, min = 31.0"),
    (
        "two objectives",
        "[objective]",
        "[pareto]\nobjectives = [{ metric = \"hw.cost\", goal = \"minimise\" }]\n[objective]",
    ),
    ("no terms", "[objective]\nterms = [", "[objective]\nterms = []\nunused = ["),
    ("no space", "[space.accelerator]\npib = [1, 2]\npix = [1, 2, 4, 8]\npof = [1, 2, 4, 8]\n", ""),
    ("space in two places", "[space.accelerator]", "[space]\nfile = \"a.toml\"\n[space.accelerator]"),
    ("unknown space parameter", "pix = [1, 2, 4, 8]", "pxi = [1, 2, 4, 8]"),
    ("empty value list", "pix = [1, 2, 4, 8]", "pix = []"),
    ("not TOML", "[strategy]", "[strategy"),
    ("duplicate key", "seed = 7", "seed = 7\nseed = 8"),
];

#[test]
fn mistakes_have_golden_answers() {
    let mut answers = String::new();
    for (what, old, new) in MISTAKES {
        assert!(EXPERIMENT.contains(old), "{what}");
        let error = parse(&EXPERIMENT.replacen(old, new, 1)).expect_err(what);
        assert!(matches!(&error, ExperimentError::Invalid(at) if at.line >= 1 && at.column >= 1), "{what}");
        answers.push_str(&format!("## {what}\n{error}\n\n"));
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/experiment-errors.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&golden, &answers).unwrap();
    }
    assert_eq!(answers, std::fs::read_to_string(&golden).unwrap(), "BLESS=1 accepts the answers");
}

#[test]
fn a_valid_experiment_is_complete() {
    let experiment = parse(EXPERIMENT).unwrap();
    assert_eq!(experiment.executor.plugin, "codebench/threads");
    assert_eq!(experiment.evaluators.len(), 3);
    assert!(experiment.evaluators[1].parameters.contains_key("sleep_ms"), "defaults are filled in");
    assert_eq!(experiment.space.choices.len(), 3);
    assert!(experiment.recipe.is_none() && experiment.data.is_none());
    let with_data = parse(&format!("{EXPERIMENT}\n[data]\nid = \"digits\"\n")).unwrap();
    assert_eq!(with_data.recipe, Some(Default::default()));
}

#[test]
fn the_hash_ignores_spelling_executor_and_trials_only() {
    let hash = |text: &str| parse(text).unwrap().sha256();
    let reference = hash(EXPERIMENT);
    assert_eq!(reference.len(), 64);
    for same in [
        EXPERIMENT.replace("trials = 14", "trials = 15"),
        EXPERIMENT.replace("seed = 7", "seed = 0x7 # lucky"),
        format!("{EXPERIMENT}\n[executor]\nplugin = \"codebench/threads\"\nparameters = {{ threads = 3 }}\n"),
    ] {
        assert_eq!(hash(&same), reference);
    }
    for other in [
        EXPERIMENT.replace("batch = 4", "batch = 3"),
        EXPERIMENT.replace("seed = 7", "seed = 8"),
        EXPERIMENT.replace("pib = [1, 2]", "pib = [1, 4]"),
        EXPERIMENT.replace("max = 30.0", "max = 31.0"),
    ] {
        assert_ne!(hash(&other), reference);
    }
}

#[test]
fn a_space_of_its_own_file_is_relative_to_the_experiment_and_has_places_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("spaces")).unwrap();
    let inline = "[space.accelerator]\npib = [1, 2]\npix = [1, 2, 4, 8]\npof = [1, 2, 4, 8]\n";
    let text = EXPERIMENT.replace(inline, "[space]\nfile = \"spaces/s.toml\"\n");
    let experiment = folder.path().join("e.toml");
    std::fs::write(&experiment, &text).unwrap();
    let read = || Experiment::read(&experiment, &catalog());
    let missing = read().unwrap_err().to_string();
    assert!(missing.contains("e.toml:5:8:") && missing.contains("s.toml"), "{missing}");
    let space = folder.path().join("spaces/s.toml");
    std::fs::write(&space, inline.replace("space.", "")).unwrap();
    assert_eq!(
        read().unwrap().sha256(),
        parse(EXPERIMENT).unwrap().sha256(),
        "the same space, the same hash"
    );
    std::fs::write(&space, "[accelerator]\npib = [1, 2]\npxi = [1]\n").unwrap();
    let wrong = read().unwrap_err().to_string();
    assert!(wrong.contains("s.toml:3:1:") && wrong.contains("`pix`"), "{wrong}");
}

#[test]
fn files_that_cannot_be_read_are_clear_errors() {
    let folder = tempfile::tempdir().unwrap();
    let absent = Experiment::read(&folder.path().join("no.toml"), &catalog()).unwrap_err().to_string();
    assert!(absent.contains("cannot read") && absent.contains("no.toml"), "{absent}");
    let binary = folder.path().join("binary.toml");
    std::fs::write(&binary, b"name = \"\xff\"").unwrap();
    let error = Experiment::read(&binary, &catalog()).unwrap_err().to_string();
    assert!(error.contains("byte 8 is not UTF-8"), "{error}");
}

proptest! {
    #[test]
    fn garbage_never_panics(text in "\\PC{0,400}") {
        let _ = parse(&text).map_err(|e| e.to_string());
    }

    #[test]
    fn damaged_experiments_never_panic(at in 0usize..EXPERIMENT.len(), length in 0usize..40, insert in "[\\PC\n\u{0}]{0,12}") {
        let mut text = EXPERIMENT.to_owned();
        let end = (at + length).min(text.len());
        text.replace_range(at..end, &insert);
        if let Err(error) = parse(&text) {
            let message = error.to_string();
            prop_assert!(message.contains("x.toml:"), "{}", message);
        }
    }
}
