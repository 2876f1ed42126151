//! The evaluator `codebench/command`: any program.

use crate::process::{self, Limits, Run};
use crate::words;
use codebench_sdk::prelude::*;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// Runs a program for every job: the job as JSON on its standard input, metrics as JSON on its standard output.
pub struct Command {
    line: String,
    words: Vec<String>,
    folder: PathBuf,
    reads: Reads,
    limits: Limits,
}

/// What a program may answer.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Infeasible(Infeasible),
    Metrics(Metrics),
}

/// The candidate cannot be built or run: a result, not a failure.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Infeasible {
    infeasible: String,
}

impl Plugin for Command {
    type Kind = kinds::Evaluator;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/command",
            env!("CARGO_PKG_VERSION"),
            "Runs any program: the job as JSON on standard input, metrics as JSON on standard output.",
        )
        .parameters(vec![
            ParameterDescription::text("command", "", "Program and arguments, split at blanks; quotes keep blanks. No shell.")
                .required(),
            ParameterDescription::text("folder", "", "Where the program runs; empty is where codebench runs."),
            ParameterDescription::text(
                "reads",
                "candidate, cnn, accelerator, data, recipe, seed",
                "Parts of the job that the answer depends on, and ids of evaluators whose metrics it reads; the rest is left \
                 out. Known parts: candidate, cnn, published, accelerator, data, recipe, donor, seed.",
            ),
            ParameterDescription::text(
                "revision",
                "",
                "Change it when the program's answers change: stored evaluations of other revisions are not used.",
            ),
            ParameterDescription::float("time_limit_s", 0.01, 1e7, 3600.0, "Then the program and all it started are killed.")
                .unit("s"),
            ParameterDescription::integer("output_limit_bytes", 1, 1 << 30, 1 << 20, "Most bytes of standard output.")
                .unit("bytes"),
        ])
        .example(
            "A script as trainer",
            "[[evaluator]]\nid = \"train\"\nplugin = \"codebench/command\"\n\
             parameters = { command = \"python3 train.py --epochs 3\", reads = \"cnn, recipe, seed\", time_limit_s = 600 }\n",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let line = configuration.text("command")?;
        Ok(Command {
            line: line.to_owned(),
            words: words::split(line).map_err(PluginError::invalid)?,
            folder: PathBuf::from(configuration.text("folder")?),
            reads: reads(configuration.text("reads")?)?,
            limits: Limits {
                time: Duration::from_secs_f64(configuration.float("time_limit_s")?),
                output_bytes: usize::try_from(configuration.integer("output_limit_bytes")?)
                    .unwrap_or(usize::MAX),
            },
        })
    }
}

/// `cnn, recipe, hardware`: parts of the job, and ids of evaluators before this one.
fn reads(list: &str) -> Result<Reads, PluginError> {
    let mut reads = Reads::default();
    for part in list.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        match part {
            "candidate" => reads.candidate = true,
            "cnn" => reads.cnn = true,
            "published" => reads.published = true,
            "accelerator" => reads.accelerator = true,
            "data" => reads.data = true,
            "recipe" => reads.recipe = true,
            "donor" => reads.donor = true,
            "seed" => reads.seed = true,
            id if is_id(id) => drop(reads.upstream.insert(id.to_owned())),
            other => {
                return Err(PluginError::invalid(format!(
                    "reads = {list:?}: {other:?} is neither one of candidate, cnn, published, accelerator, data, recipe, donor, seed nor \
                     the id of an evaluator; separate them by commas"
                )));
            }
        }
    }
    Ok(reads)
}

fn is_id(id: &str) -> bool {
    id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

impl Evaluator for Command {
    fn reads(&self) -> Reads {
        self.reads.clone()
    }

    fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError> {
        let line = &self.line;
        let input =
            serde_json::to_vec(job).map_err(|e| PluginError::failed(format!("the job is no JSON: {e}")))?;
        let limits = Limits { time: self.time(job), ..self.limits };
        match process::run(&self.words, &self.folder, input, limits) {
            Err(e) => Err(PluginError::failed(format!(
                "`{line}` cannot be run: {e}; give a program of your PATH or its path, and an existing folder"
            ))),
            Ok(Run::OutOfTime { errors }) => Err(PluginError::limit(format!(
                "`{line}` did not end within {} s and was killed: raise time_limit_s, or make it faster{}",
                limits.time.as_secs_f64(),
                quoted(&errors)
            ))),
            Ok(Run::TooMuchOutput) => Err(PluginError::limit(format!(
                "`{line}` wrote more than {} bytes and was killed: write only metrics to standard output, or raise \
                 output_limit_bytes",
                limits.output_bytes
            ))),
            Ok(Run::Ended { status, errors, .. } | Run::OutputHeld { status, errors })
                if !status.success() =>
            {
                Err(PluginError::failed(format!("`{line}` ended with {status}{}", quoted(&errors))))
            }
            Ok(Run::Ended { output, errors, .. }) => self.answer(&output, &errors),
            Ok(Run::OutputHeld { errors, .. }) => Err(PluginError::failed(format!(
                "`{line}` has ended, but something that it started keeps its standard output open: end it too, or give it another \
                 output{}",
                quoted(&errors)
            ))),
        }
    }
}

impl Command {
    /// The job's own limit, if it is shorter.
    fn time(&self, job: &Job) -> Duration {
        let own = job.limits.wall_s.and_then(|s| Duration::try_from_secs_f64(s).ok());
        own.map_or(self.limits.time, |own| own.min(self.limits.time))
    }

    fn answer(&self, output: &[u8], errors: &str) -> Result<Metrics, PluginError> {
        let wrong = |why: String| {
            let text = String::from_utf8_lossy(output);
            let shown: String = text.trim().chars().take(200).collect();
            PluginError::failed(format!(
                "`{}` answered {shown:?}, which is no metrics ({why}): write {{\"values\": {{\"validation_accuracy\": 0.9}}}} \
                 or {{\"infeasible\": \"why\"}} to standard output, and everything else to standard error{}",
                self.line,
                quoted(errors)
            ))
        };
        // A first reading says where the JSON is wrong.
        let value: serde_json::Value = serde_json::from_slice(output).map_err(|e| wrong(e.to_string()))?;
        match serde_json::from_value(value) {
            Ok(Answer::Metrics(metrics)) => Ok(metrics),
            Ok(Answer::Infeasible(Infeasible { infeasible })) => Err(PluginError::infeasible(infeasible)),
            Err(_) => Err(wrong("it has neither numbers under `values` nor a text `infeasible`".into())),
        }
    }
}

fn quoted(errors: &str) -> String {
    if errors.is_empty() { String::new() } else { format!("; it said: {errors}") }
}
