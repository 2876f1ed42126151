//! `codebench plugin check`: the executable contract, out of process.

use crate::check::{Plan, Watch, own_worker, worker};
use crate::numbers::{seconds, whole};
use crate::{Failure, OrFail};
use anyhow::Context;
use clap::{Args, ValueEnum};
use codebench_conformance::{Options, Report};
use codebench_host::wasm::WasmLimits;
use codebench_model::{Job, ParameterValue, Parameters, wording};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// Check that a plugin keeps the contract of its kind
///
/// Checks run in processes of their own: a crash, a signal or a hang is an outcome, and the next check goes on.
/// Parameters and inputs are drawn from the ranges that the plugin declares; the same seed draws the same.
///
/// Exit status: 0 if no check failed or crashed, 1 if one did, 2 for wrong arguments.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  codebench plugin check codebench/sobol
  codebench plugin check codebench/mac-lanes --seed 7 --format json
  codebench plugin check target/release/libmy_array_native.so --allow-native
  codebench plugin check my-memory.wasm --limit fuel=50000000 --limit memory_bytes=16777216
  codebench plugin check codebench/command --set command=./train.sh --job job.json")]
pub struct Arguments {
    /// Id of the plugin, such as codebench/sobol, or a plugin file, all of whose plugins are checked
    #[arg(value_name = "ID|FILE")]
    pub plugin: String,
    /// Draws parameters and inputs; a report names it
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = whole::<u64>(0..=u64::MAX), allow_hyphen_values = true)]
    pub seed: u64,
    /// How the outcomes are written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// A parameter that is given instead of drawn, to each plugin that has it, or ID.NAME=VALUE to one; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = parse_pair)]
    pub parameters: Vec<(String, String)>,
    /// A limit for a plugin file, named as in the experiment; may be repeated
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = parse_pair)]
    pub limits: Vec<(String, String)>,
    /// For evaluators: a job as JSON, instead of the suite's own; may be repeated
    #[arg(long = "job", value_name = "FILE.json")]
    pub jobs: Vec<PathBuf>,
    /// Seconds that one check may take
    #[arg(long, default_value_t = 120.0, value_name = "SECONDS", value_parser = seconds(0.001..=1e6), allow_hyphen_values = true)]
    pub time_limit: f64,
    /// Runs the checks from this number on in this process and streams outcomes: what the command starts itself
    #[arg(long, hide = true)]
    pub worker: Option<usize>,
}

/// How outcomes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A line per check
    Text,
    /// An array of reports
    Json,
}

pub(super) fn parse_parameter(text: &str) -> Result<(String, ParameterValue), String> {
    let (name, value) = parse_pair(text)?;
    Ok((name, ParameterValue::of_word(&value)))
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as rows=32")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Arguments {
    fn options(&self) -> Result<Options, Failure> {
        let jobs = self.jobs.iter().map(read_job).collect::<Result<_, _>>()?;
        Ok(Options { seed: self.seed, parameters: Parameters::new(), jobs })
    }

    /// As beside a path in an experiment.
    fn limits(&self) -> Result<WasmLimits, Failure> {
        let mut lines = String::new();
        for (name, value) in &self.limits {
            if value.parse::<u64>().is_err() && value.parse::<f64>().is_err() {
                return Err(Failure::of_usage(format!(
                    "--limit {name}={value}: give a number, such as --limit fuel=50000000"
                )));
            }
            let line = format!("{name} = {value}\n");
            toml::from_str::<WasmLimits>(&line).map_err(|e| {
                let message = wording::of_reader(e.message(), None);
                Failure::of_usage(format!(
                    "--limit {name}={value}: {message}; the page of the sandbox lists the limits"
                ))
            })?;
            lines += &line;
        }
        toml::from_str(&lines)
            .map_err(|e| Failure::of_usage(format!("--limit: {}", wording::of_reader(e.message(), None))))
    }
}

fn read_job(path: &PathBuf) -> Result<Job, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}")).usage()?;
    serde_json::from_str(&text).with_context(|| format!("{shown} is no job")).usage()
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let options = arguments.options()?;
    if let Some(from) = arguments.worker {
        codebench_host::native::end_with_parent();
        let plan = Plan::new(&arguments.plugin, arguments.limits()?, &options, &arguments.parameters)?;
        return worker(&plan, from, out);
    }
    let watch = Watch { limit: Duration::from_secs_f64(arguments.time_limit), worker: own_worker };
    let reports = watch.run()?;
    match arguments.format {
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&reports).failure()?)?,
        Format::Text => reports.iter().try_for_each(|report| write!(out, "{report}"))?,
    }
    if reports.iter().all(Report::ok) { Ok(()) } else { Err(Failure::Reported) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_of_an_experiment() {
        let check = |limits: &[&str]| Arguments {
            plugin: "a.wasm".into(),
            seed: 0,
            format: Format::Text,
            parameters: Vec::new(),
            limits: limits.iter().map(|limit| parse_pair(limit).unwrap()).collect(),
            jobs: Vec::new(),
            time_limit: 1.0,
            worker: None,
        };
        let limits = check(&["fuel=5", "wall_s=2"]).limits().unwrap();
        assert_eq!((limits.fuel, limits.wall_s), (5, Some(2.0)));
        assert_eq!(check(&[]).limits().unwrap(), WasmLimits::default());
        assert_eq!(check(&["fuel=18446744073709551615"]).limits().unwrap().fuel, u64::MAX);
        assert!(
            check(&["wall_s=nan"]).limits().unwrap().wall_s.unwrap().is_nan(),
            "refused where it is used"
        );
        for (wrong, said) in [
            ("feul=5", "--limit feul=5: unknown key `feul` (did you mean `fuel`?)"),
            ("fuel=much", "--limit fuel=much: give a number"),
            ("fuel=-1", "-1"),
            ("fuel=1.5", "--limit fuel=1.5: "),
        ] {
            let refused = check(&[wrong]).limits().err().and_then(|e| e.text()).unwrap_or_default();
            assert!(refused.contains(said), "{refused}");
        }
    }

    #[test]
    fn parameters_are_read_by_type() {
        let read = |text: &str| parse_parameter(text).unwrap().1;
        assert_eq!(read("a=1"), ParameterValue::Integer(1));
        assert_eq!(read("a=1.5"), ParameterValue::Float(1.5));
        assert_eq!(read("a=true"), ParameterValue::Boolean(true));
        assert_eq!(read("a=x=y"), ParameterValue::Text("x=y".into()));
        assert!(parse_parameter("a").is_err());
    }
}
