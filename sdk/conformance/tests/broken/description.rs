use crate::{ID, entry, info, outcome, report};
use codebench_api::{Configuration, Entry, Executor, Kind, Maker, PluginError, PluginInfo};
use codebench_conformance::Status::{Failed, Passed, Warning};
use codebench_model::{Domain, ParameterDescription, ParameterValue};
use std::sync::Arc;

struct Serial;

impl Executor for Serial {
    fn run(&self, count: usize, task: &(dyn Fn(usize) + Sync)) -> Result<(), PluginError> {
        (0..count).for_each(task);
        Ok(())
    }
}

type Configure = fn(&Configuration<'_>) -> Result<(), PluginError>;

fn configured(info: PluginInfo, configure: Configure) -> Entry {
    entry(
        info,
        Maker::Executor(Arc::new(move |c| configure(c).map(|()| Box::new(Serial) as Box<dyn Executor>))),
    )
}

fn described(change: impl FnOnce(&mut PluginInfo)) -> Entry {
    let mut info = info();
    change(&mut info);
    configured(info, |_| Ok(()))
}

fn with(parameter: ParameterDescription) -> Entry {
    described(|info| info.parameters.push(parameter))
}

fn rows() -> ParameterDescription {
    ParameterDescription::integer("rows", 1, 8, 4, "Rows of the array.")
}

#[test]
fn sound_descriptions_pass() {
    let text = ParameterDescription::text("name", "", "A name.");
    let entry = described(|info| info.parameters.extend([rows(), text]));
    assert!(report(entry).ok());
}

#[test]
fn flaws_of_the_description_are_found() {
    let cases: Vec<(Entry, &str)> = vec![
        (described(|i| i.version = "1.0".into()), "version `1.0`"),
        (described(|i| i.summary = String::new()), "the summary is empty"),
        (described(|i| i.summary = "no full stop".into()), "full stop"),
        (described(|i| i.parameters = vec![rows(), rows()]), "`rows` is described twice"),
        (described(|i| i.metrics = vec!["latency_s".into()]), "only an evaluator has metrics"),
        (described(|i| i.keywords = vec!["fold".into()]), "only a cnn-op has keywords"),
        (described(|i| i.needs = vec![Kind::Memory]), "needs memory"),
        (described(|i| i.needs = vec![Kind::Engine]), "only strategies and evaluators"),
        (with(ParameterDescription { name: "Rows".into(), ..rows() }), "parameter `Rows` is malformed"),
        (
            with(ParameterDescription { help: String::new(), ..rows() }),
            "the help of parameter `rows` is empty",
        ),
        (with(rows().unit(" ")), "empty unit"),
        (with(ParameterDescription::integer("rows", 8, 1, 4, "Rows.")), "a whole number from 8 to 1"),
        (
            with(ParameterDescription::integer("rows", 1, 8, 9, "Rows.")),
            "default 9, which is out of its range",
        ),
        (with(ParameterDescription::float("scale", 0.0, f64::INFINITY, 1.0, "A scale.")), "finite bounds"),
        (with(ParameterDescription::choice("flow", &["a", "a"], "a", "Which.")), "different names"),
        (with(ParameterDescription::choice("flow", &["a", "b"], "c", "Which.")), "out of its range"),
        (
            with(ParameterDescription {
                domain: Domain::Float { min: 0.0, max: 8.0 },
                default: Some(ParameterValue::Integer(1)),
                ..rows()
            }),
            "of another type: write 1.0",
        ),
    ];
    for (entry, says) in cases {
        let outcome = outcome(entry, "description");
        let message = outcome.message.unwrap_or_default();
        assert_eq!(outcome.status, Failed, "{says}: {message}");
        assert!(message.contains(says), "{message:?} instead of {says:?}");
    }
    assert_eq!(outcome(described(|i| i.examples.clear()), "description").status, Warning);
}

#[test]
fn flaws_of_the_examples_are_found() {
    let example = |title: &str, text: &str| {
        let (title, text) = (title.to_owned(), text.to_owned());
        described(move |i| {
            i.parameters.push(rows());
            i.examples.clear();
            i.examples.push(codebench_api::Example { title, text });
        })
    };
    let using =
        |parameters: &str| example("one", &format!("plugin = \"{ID}\"\nparameters = {{ {parameters} }}"));
    let says = |entry: Entry| {
        let outcome = outcome(entry, "examples");
        assert_ne!(outcome.status, Passed);
        outcome.message.unwrap()
    };
    assert!(says(example("", "a = 1")).contains("no title"));
    assert!(says(example("one", "a = [")).contains("is no TOML"));
    assert!(says(example("one", "plugin = \"other/plugin\"")).contains("names `test/subject` nowhere"));
    assert!(says(using("rows = 9")).contains("`rows` = 9 is out of range"));
    assert!(says(using("rowz = 1")).contains("did you mean `rows`"));
    assert!(says(using("rows = [1]")).contains("out of range"));
    assert_eq!(outcome(using("rows = 8"), "examples").status, Passed);
    assert_eq!(outcome(using("rows = \"$rows\""), "examples").status, Passed);
}

#[test]
fn parameters_that_cannot_be_used_are_found() {
    let rows_of = |configure: Configure| configured(info().parameters(vec![rows()]), configure);
    let cases: Vec<(Entry, &str)> = vec![
        (
            rows_of(|_| Err(PluginError::invalid("rows must be odd"))),
            "its own defaults and examples are refused",
        ),
        (rows_of(|c| c.integer("columns").map(drop)), "which its description does not declare"),
        (
            rows_of(|c| match c.integer("rows")? {
                8 => Err(PluginError::failed("too many")),
                _ => Ok(()),
            }),
            "all of them in range, it cannot be made (Failed)",
        ),
        (
            rows_of(|c| match c.integer("rows")? {
                1 => Err(PluginError::invalid("does not fit")),
                _ => Ok(()),
            }),
            "which names no parameter",
        ),
    ];
    for (entry, says) in cases {
        let outcome = outcome(entry, "parameters");
        let message = outcome.message.unwrap_or_default();
        assert_eq!(outcome.status, Failed, "{says}");
        assert!(message.contains(says), "{message:?} instead of {says:?}");
    }
}

#[test]
fn bad_parameters_must_be_refused_with_a_good_message() {
    let text = || info().parameters(vec![ParameterDescription::text("name", "good", "A name.")]);
    let cases: Vec<(Entry, &str)> = vec![
        (
            configured(text(), |c| match c.text("name")? {
                "good" => Ok(()),
                _ => Err(PluginError::invalid("bad")),
            }),
            "refuse it as Invalid or NotFound, and quote it",
        ),
        (
            configured(text(), |c| match c.text("name")? {
                "good" => Ok(()),
                other => Err(PluginError::failed(format!("name = {other:?}"))),
            }),
            "is refused as Failed",
        ),
    ];
    for (entry, says) in cases {
        let outcome = outcome(entry, "refusal");
        let message = outcome.message.unwrap_or_default();
        assert_eq!(outcome.status, Failed, "{message}");
        assert!(message.contains(says), "{message:?} instead of {says:?}");
    }
    let quoting: Configure = |c| match c.text("name")? {
        "good" => Ok(()),
        other => Err(PluginError::invalid(format!("name = {other:?}: give good"))),
    };
    assert_eq!(outcome(configured(text(), quoting), "refusal").status, Passed);
}
