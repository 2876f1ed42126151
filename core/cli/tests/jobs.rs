//! Job lines: equal to the released simulator bit for bit, in order, one answer a line whatever the line.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use codebench::jobs::{self, LONGEST_LINE, Summary};
use codebench::simulators::Simulators;
use codebench_cnn::Language;
use codebench_model::simulate::SimulationOk;
use codebench_model::{SimulationAnswer, SimulationJob};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::io::{self, Read, Write};
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use support::{cnns, golden, list, root};

static TOOLS: LazyLock<(Language, Simulators)> = LazyLock::new(|| {
    let catalog = codebench::catalog().unwrap();
    (Language::new(&catalog).unwrap(), Simulators::new(&catalog).unwrap())
});

fn answer(input: impl Into<Vec<u8>>, threads: usize) -> (Vec<u8>, Summary) {
    let mut output = Vec::new();
    let (language, simulator) = &*TOOLS;
    let summary =
        jobs::run(io::Cursor::new(input.into()), &mut output, language, simulator, threads).unwrap();
    (output, summary)
}

fn answers(input: impl Into<Vec<u8>>) -> Vec<Value> {
    let (output, summary) = answer(input, 2);
    let all: Vec<Value> = std::str::from_utf8(&output)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(summary.lines, all.len() as u64);
    assert_eq!(summary.refused, all.iter().filter(|a| a.get("error").is_some()).count() as u64);
    all
}

/// Compares with a file of the repository; `BLESS=1` writes it.
fn assert_file(relative: &str, actual: &str) {
    let path = root().join(relative);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, actual).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(expected, actual, "{relative} differs; BLESS=1 accepts the actual text");
}

/// Every reference run as a job line, with the numbers of the reference in the order of the file.
fn reference_jobs() -> Vec<(Value, Option<Vec<Value>>)> {
    let cnns = cnns();
    let mut jobs = Vec::new();
    for network in list(&golden("accelbench.json")) {
        let id = network["id"].as_str().unwrap();
        let cnn = cnns.get(id).or_else(|| cnns.get(id.trim_end_matches("_crash_accels"))).unwrap();
        for run in list(&network["runs"]) {
            let mut job = cnn.clone();
            job.as_object_mut().unwrap().remove("crash");
            job["id"] = json!([id, jobs.len()]);
            job["accelerator"] = run["accel"].clone();
            let numbers = run.get("crash").is_none().then(|| {
                let mut numbers = list(&run["cycles"]).clone();
                numbers.extend_from_slice(&list(&run["figures"])[..4]);
                numbers.extend([network["params"].clone(), network["macs"].clone()]);
                numbers
            });
            jobs.push((job, numbers));
        }
    }
    jobs
}

fn lines(jobs: impl Iterator<Item = Value>) -> String {
    jobs.map(|job| format!("{job}\n")).collect()
}

#[test]
fn every_reference_run_is_bit_equal_through_a_job_line() {
    let jobs = reference_jobs();
    let answers = answers(lines(jobs.iter().map(|(job, _)| job.clone())));
    assert_eq!((jobs.len(), answers.len()), (675, 675));
    let mut equal = 0;
    for ((job, numbers), answer) in jobs.iter().zip(&answers) {
        assert_eq!(job["id"], answer["id"]);
        let Some(numbers) = numbers else {
            assert!(answer["error"]["message"].as_str().unwrap().len() > 20, "{answer}");
            continue;
        };
        let ok = &answer["ok"];
        let phases = &ok["published"];
        let ours = [
            &phases["batchnorm_cycles"],
            &phases["pool_cycles"],
            &phases["globalavgpool_cycles"],
            &phases["upsampling_cycles"],
            &phases["memory_cycles"],
            &phases["conv_cycles"],
            &ok["total_cycles"],
            &ok["latency_s"],
            &ok["area_mm2"],
            &ok["dynamic_energy_j"],
            &ok["leakage_energy_j"],
            &ok["params"],
            &ok["macs"],
        ];
        // Values are compared as integers or as doubles that were read back exactly.
        let expected: Vec<&Value> = numbers.iter().collect();
        assert_eq!(ours.to_vec(), expected, "{}", job["id"]);
        equal += 1;
    }
    assert_eq!(equal, 619);
}

#[test]
fn cnns_that_cannot_be_built_are_refused() {
    let jobs: Vec<Value> = cnns()
        .into_values()
        .filter(|job| job["crash"] == true)
        .map(|mut job| {
            job.as_object_mut().unwrap().remove("crash");
            job["accelerator"] = json!({});
            job
        })
        .collect();
    assert_eq!(jobs.len(), 16);
    for answer in answers(lines(jobs.into_iter())) {
        let code = answer["error"]["code"].as_str().unwrap();
        assert!(code == "infeasible_cnn" || code == "invalid_cnn", "{answer}");
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let text = lines(reference_jobs().into_iter().map(|(job, _)| job).take(200));
    let one = answer(text.clone(), 1);
    assert_eq!(one, answer(text.clone(), 2));
    assert_eq!(one, answer(text, 5));
}

#[test]
fn names_and_named_parameters_equal_graphs_and_vectors() {
    let jobs = [
        json!({"id": 1, "v": 1, "cnn": "published/resnet18", "accelerator": {}, "fidelity": "published"}),
        json!({"id": 1, "cnn": "published/resnet18", "image": 32, "channels": 3, "classes": 10, "fidelity": "published",
               "accelerator": [2, 16, 8, 4, 8, 3, 3, 1, 12, 24, 4, 1, 1]}),
        json!({"id": 1, "cnn": "published/resnet18", "image": 32.0, "fidelity": "published",
               "accelerator": {"pib": 2, "pif": 16.5, "memory": "rram", "memory_config": 1, "mask_buffer_mb": 4.0}}),
    ];
    let answers = answers(lines(jobs.into_iter()));
    assert_eq!(answers[0]["ok"]["total_cycles"], 3_564_201);
    assert_eq!(answers[0]["ok"]["dynamic_energy_j"], 0.042_698_287_960_772_53);
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
}

#[test]
fn cycle_is_the_default_and_takes_descriptions() {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/accelerators/paper.toml"
    ));
    let described: Value = toml::from_str(&text.unwrap()).unwrap();
    let jobs = [
        json!({"id": 1, "cnn": "published/resnet18", "accelerator": {}}),
        json!({"id": 1, "cnn": "published/resnet18", "accelerator": [2, 16, 8, 4, 8, 3, 3, 1, 12, 24, 4, 1, 1], "fidelity": "cycle"}),
        json!({"id": 1, "cnn": "published/resnet18", "accelerator": described}),
    ];
    let schema = jsonschema::validator_for(&schema_of::<SimulationJob>()).unwrap();
    for job in &jobs {
        assert!(schema.is_valid(job), "{:?}", schema.iter_errors(job).next().map(|e| e.to_string()));
    }
    let answers = answers(lines(jobs.into_iter()));
    assert_eq!(answers[0]["ok"]["fidelity"], "cycle", "{}", answers[0]);
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    let schema = jsonschema::validator_for(&schema_of::<SimulationAnswer>()).unwrap();
    assert!(schema.is_valid(&answers[0]), "{}", answers[0]);
    assert!(answers[0]["ok"]["cycle"].get("layers").is_none());
}

/// Lines that are refused, each for a reason of its own.
fn bad_lines() -> Vec<String> {
    let base = json!({"id": "x", "cnn": "published/resnet18", "accelerator": {}, "fidelity": "published"});
    let with = |field: &str, value: Value| {
        let mut job = base.clone();
        job[field] = value;
        job.to_string()
    };
    let without = |field: &str| {
        let mut job = base.clone();
        job.as_object_mut().unwrap().remove(field);
        job.to_string()
    };
    let cycle = |accelerator: Value| {
        json!({"id": "x", "cnn": "published/resnet18", "accelerator": accelerator}).to_string()
    };
    let chain = |labels: &[&str]| {
        let row = |v: usize| (0..labels.len()).map(|to| u8::from(to == v + 1)).collect::<Vec<u8>>();
        json!([(0..labels.len()).map(row).collect::<Vec<_>>(), labels])
    };
    let small = |label: &str| {
        let head = chain(&["input", "global-avg-pool", "dense_classes", "output"]);
        json!({"graph": [chain(&["input", label, "output"]), head]})
    };
    vec![
        String::new(),
        "{".into(),
        "[1, 2]".into(),
        r#"{"id": 1, "id": 2}"#.into(),
        without("cnn"),
        without("accelerator"),
        with("fidelity", json!("exact")),
        with("fidelity", json!(null)),
        with("v", json!(2)),
        with("acelerator", json!([])),
        with("image", json!(0)),
        with("image", json!(-1)),
        with("image", json!("32")),
        with("channels", json!(1_000_000_000_000_u64)),
        with("cnn", json!("published/resnet19")),
        with("cnn", json!(17)),
        with("cnn", json!({"grap": []})),
        with("cnn", json!({"graph": {}})),
        with("cnn", json!({"graph": [], "default_channels": 0})),
        with("cnn", json!({"graph": [chain(&["input", "conv1x1"])]})),
        with("cnn", json!({"graph": [[[[0, 1], [0, 2]], ["input", "output"]]]})),
        with("cnn", small("convv3x3")),
        with("cnn", small("conv99x99-relu")),
        with("accelerator", json!([1, 2, 3])),
        with("accelerator", json!([0, 16, 8, 4, 8, 3, 3, 1, 12, 24, 4, 1, 1])),
        with("accelerator", json!([2, 4, 8, 4, 8, 3, 3, 1, 12, 24, 4, 1, 1])),
        with("accelerator", json!([2, 16, 8, 4, 8, 3, 3, 1, 12, 24, 4, 4, 1])),
        with("accelerator", json!([2, 16, 8, 4, 8, 3, 3, 1, 12, 24, 4, 2, 5])),
        with("accelerator", json!([2, 16, 8, 4, 8, 3, 3, 1, -1, 24, 4, 1, 1])),
        with("accelerator", json!([1e15, 16, 1e15, 4, 8, 3, 3, 1, 12, 24, 4, 1, 1])),
        with("accelerator", json!([2, 16, 8, 4, 8, 3, 3, 1e15, 12, 24, 4, 1, 1])),
        with("accelerator", json!({"pip": 2})),
        with("accelerator", json!({"memory": "sram"})),
        with("accelerator", json!({"pib": null})),
        with("accelerator", json!({"pib": "two"})),
        with("accelerator", json!("fast")),
        r#"{"id":"x","cnn":"published/resnet18","accelerator":{"pib":2,"pib":4}}"#.to_owned(),
        r#"{"id":"x","cnn":{"graph":[],"graph":[]},"accelerator":{}}"#.to_owned(),
        r#"{"id":"x","cnn":"published/resnet18","accelerator":[2,16,1e999,4,8,3,3,1,12,24,4,1,1]}"#.to_owned(),
        r#"{"id":"x","cnn":"published/resnet18","accelerator":{"clock_mhz":700,"module":[{"role":"memory","role":"dma"}]}}"#
            .to_owned(),
        with("accelerator", json!({"module": [], "clock_mhz": 700})),
        cycle(json!([1, 2, 3])),
        cycle(json!({"pibb": 2})),
        cycle(json!({"memory": "sram"})),
        cycle(json!({"pif": 0})),
        cycle(json!({"module": [], "clock_mhz": 700})),
        cycle(json!({"module": 3, "clock_mhz": 700})),
        r#"{"id":1e999,"cnn":"published/resnet18","accelerator":{}}"#.to_owned(),
    ]
}

#[test]
fn bad_lines_are_answered_and_the_rest_goes_on() {
    let bad = bad_lines();
    let good = json!({"id": "good", "cnn": "published/resnet18", "accelerator": {}, "fidelity": "published"});
    let text: String = bad.iter().map(|line| format!("{line}\n{good}\n")).collect();
    let answers = answers(text);
    assert_eq!(answers.len(), 2 * bad.len());
    let mut report = String::new();
    for (line, pair) in bad.iter().zip(answers.chunks(2)) {
        assert!(pair[0].get("error").is_some(), "{line} is not refused");
        assert_eq!(pair[1]["ok"]["total_cycles"], 3_564_201);
        report.push_str(&format!("{line}\n  {}\n", pair[0]));
    }
    assert_file("tests/golden/job_errors.txt", &report);
}

#[test]
fn a_long_line_is_refused_and_the_rest_goes_on() {
    let good = json!({"cnn": "published/resnet18", "accelerator": {}, "fidelity": "published"});
    let long = format!("{{\"id\": \"{}\"}}", "x".repeat(LONGEST_LINE));
    let answers = answers(format!("{long}\n{good}"));
    assert_eq!(answers[0]["error"]["code"], "line_too_long");
    assert_eq!(answers[0]["id"], Value::Null);
    assert!(answers[1].get("ok").is_some());
}

/// A reader and a writer at the two ends of channels.
struct Input(Receiver<Vec<u8>>);
struct Output(Sender<Vec<u8>>);

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Ok(bytes) = self.0.recv() else { return Ok(0) };
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn each_line_is_answered_before_the_next_one_comes() {
    let (to_jobs, input) = channel();
    let (output, from_jobs) = channel();
    let thread = std::thread::spawn(move || {
        let (language, simulator) = &*TOOLS;
        jobs::run(Input(input), &mut Output(output), language, simulator, 1).unwrap()
    });
    for id in 0..3 {
        to_jobs.send(format!("{{\"id\": {id}}}\n").into_bytes()).unwrap();
        let answer: Value = serde_json::from_slice(&from_jobs.recv().unwrap()).unwrap();
        assert_eq!(answer["id"], id);
    }
    drop(to_jobs);
    assert_eq!(thread.join().unwrap(), Summary { lines: 3, refused: 3 });
}

/// Lines that are not quite jobs: raw bytes, JSON of any shape, and good jobs with a piece changed.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![
        Just(json!(null)),
        any::<i64>().prop_map(|n| json!(n)),
        any::<f64>().prop_map(|x| json!(x)),
        "\\PC{0,12}".prop_map(|s| json!(s)),
        prop::collection::vec(any::<f64>(), 13).prop_map(|v| json!(v)),
        prop::collection::vec(0u32..40, 13).prop_map(|v| json!(v)),
        ("[a-z0-9-]{0,20}", 0u64..300).prop_map(|(label, channels)| json!({
            "graph": [[[[0, 1, 0], [0, 0, 1], [0, 0, 0]], ["input", label, "output"]]],
            "default_channels": channels,
        })),
    ];
    let field = prop::sample::select(vec![
        "v",
        "id",
        "cnn",
        "image",
        "channels",
        "classes",
        "accelerator",
        "fidelity",
        "other",
    ]);
    let changed = (prop::collection::vec((field, value), 0..4), any::<prop::sample::Index>(), any::<u8>())
        .prop_map(|(changes, index, byte)| {
            let mut job = json!({"cnn": "published/lenet", "accelerator": {}, "fidelity": "published"});
            for (field, value) in changes {
                job[field] = value;
            }
            let mut bytes = job.to_string().into_bytes();
            if byte % 2 == 0 {
                let at = index.index(bytes.len());
                bytes[at] = byte;
            }
            bytes
        });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..80), changed]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_line_has_exactly_one_answer(lines in prop::collection::vec(garbage(), 1..6)) {
        let mut text = Vec::new();
        for line in &lines {
            text.extend(line.iter().copied().filter(|b| *b != b'\n'));
            text.push(b'\n');
        }
        for answer in answers(text) {
            let answer: SimulationAnswer = serde_json::from_value(answer).unwrap();
            if let SimulationAnswer::Error(error) = answer {
                prop_assert!(error.error.code != "internal", "{}", error.error.message);
            }
        }
    }
}

fn schema_of<T: schemars::JsonSchema>() -> Value {
    serde_json::to_value(schemars::schema_for!(T)).unwrap()
}

#[test]
fn the_schemas_are_those_of_the_types() {
    for (name, schema) in
        [("simulate-job", schema_of::<SimulationJob>()), ("simulate-answer", schema_of::<SimulationAnswer>())]
    {
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        assert_file(&format!("docs/schema/{name}.json"), &text);
    }
}

#[test]
fn the_schemas_accept_what_is_read_and_written() {
    let job = jsonschema::validator_for(&schema_of::<SimulationJob>()).unwrap();
    let answer = jsonschema::validator_for(&schema_of::<SimulationAnswer>()).unwrap();
    let jobs: Vec<Value> =
        reference_jobs().into_iter().filter(|(_, n)| n.is_some()).map(|(job, _)| job).collect();
    for line in &jobs {
        assert!(job.is_valid(line), "{:?}", job.iter_errors(line).next().map(|e| e.to_string()));
    }
    for line in answers(lines(jobs.into_iter().take(40))) {
        assert!(answer.is_valid(&line), "{line}");
        let SimulationAnswer::Ok(SimulationOk { ok, .. }) = serde_json::from_value(line).unwrap() else {
            panic!("a simulated job");
        };
        assert_eq!(ok.fidelity, "published");
    }
    // What the schema refuses is refused, and its refusal is an answer of the schema.
    let text: String = bad_lines().iter().map(|line| format!("{line}\n")).collect();
    for (line, refusal) in bad_lines().iter().zip(answers(text)) {
        assert!(answer.is_valid(&refusal), "{refusal}");
        if let Ok(value) = serde_json::from_str::<Value>(line)
            && !job.is_valid(&value)
        {
            assert!(refusal.get("error").is_some());
        }
    }
}
