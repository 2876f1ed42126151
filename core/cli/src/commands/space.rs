//! `codebench space`: how large a space is, what its choices are, and points of it.

use crate::numbers::whole;
use crate::{Failure, OrFail, built_in, plugins};
use clap::{Args, Subcommand};
use codebench_model::{Choice, Genotype, Space};
use codebench_space::{BigUint, Candidate, Encoding, Points, Rng, Weighting};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Subcommands of `codebench space`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Count the valid points, exactly and without listing them
    #[command(after_help = "\
Examples:
  codebench space count examples/spaces/accelbench.toml
  codebench space count examples/quickstart.toml --json      the space of an experiment")]
    Count {
        /// File of a space, or an experiment
        file: PathBuf,
        /// Print a JSON object with the numbers of CNNs and accelerators; numbers are texts, for they may be large
        #[arg(long)]
        json: bool,
    },
    /// Draw valid points, every one as likely
    #[command(after_help = "\
Examples:
  codebench space sample examples/spaces/cnnbench.toml
  codebench space sample examples/spaces/accelbench.toml --count 1000 --seed 7 --json > points.jsonl
  codebench space sample examples/quickstart.toml --weighting values")]
    Sample(SampleArguments),
    /// Show the choices with their values and conditions, the number of points, and the length of a point's vector
    #[command(after_help = "\
Examples:
  codebench space show examples/spaces/accelbench.toml
  codebench space show examples/quickstart.toml --json       the space as the plugins are given it")]
    Show {
        /// File of a space, or an experiment
        file: PathBuf,
        /// Print a JSON object with the whole space
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `codebench space sample`.
#[derive(Debug, Args)]
pub struct SampleArguments {
    /// File of a space, or an experiment
    pub file: PathBuf,
    /// How many points
    #[arg(long, default_value_t = 1, value_parser = whole::<u64>(0..=u64::MAX), allow_hyphen_values = true)]
    pub count: u64,
    /// Seed; the same seed draws the same points
    #[arg(long, default_value_t = 0, value_parser = whole::<u64>(0..=u64::MAX), allow_hyphen_values = true)]
    pub seed: u64,
    /// What is as likely: every point, or every value of each choice in turn
    #[arg(long, value_enum, default_value_t = Likely::Points)]
    pub weighting: Likely,
    /// Print one JSON object a line: genotype, values, CNN, accelerator
    #[arg(long)]
    pub json: bool,
}

/// The names of [`Weighting`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[allow(missing_docs)]
pub enum Likely {
    Points,
    Values,
}

pub(super) fn run(command: &Command, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        Command::Count { file, json } => count(&read(file)?, *json, out),
        Command::Sample(arguments) => sample(&read(&arguments.file)?, arguments, out),
        Command::Show { file, json } => show(&read(file)?, *json, out),
    }
}

fn read(file: &Path) -> Result<Points, Failure> {
    let space = codebench_search::read_space(file, &plugins::catalog_for(built_in()?, file)?).usage()?;
    Points::new(&space).usage()
}

/// What `count --json` prints, and part of `show --json`.
#[derive(Serialize)]
struct Counts {
    points: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnns: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accelerators: Option<String>,
}

impl Counts {
    fn new(points: &Points) -> Self {
        let space = points.space();
        let blocks = points.count_by_block();
        let of = |has: bool, number: Option<&BigUint>| number.filter(|_| has).map(ToString::to_string);
        Counts {
            points: points.count().to_string(),
            cnns: of(space.cnn.is_some(), blocks.as_ref().map(|(cnn, _)| cnn)),
            accelerators: of(
                space.accelerator.is_some(),
                blocks.as_ref().map(|(_, accelerator)| accelerator),
            ),
        }
    }
}

fn count(points: &Points, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    match json {
        true => Ok(writeln!(out, "{}", serde_json::to_string(&Counts::new(points)).failure()?)?),
        false => Ok(writeln!(out, "{}", points.count())?),
    }
}

/// A line of `sample --json`.
#[derive(Serialize)]
struct Sampled<'a> {
    genotype: &'a Genotype,
    #[serde(flatten)]
    candidate: Candidate,
}

fn sample(points: &Points, arguments: &SampleArguments, out: &mut dyn Write) -> Result<(), Failure> {
    let mut rng = Rng::new(arguments.seed, 0);
    let weighting = match arguments.weighting {
        Likely::Points => Weighting::Points,
        Likely::Values => Weighting::Values,
    };
    for number in 0..arguments.count {
        let genotype = points.sample_weighted(&mut rng, weighting);
        if arguments.json {
            let candidate = codebench_space::decode(points.space(), &genotype).failure()?;
            let line = serde_json::to_string(&Sampled { genotype: &genotype, candidate }).failure()?;
            writeln!(out, "{line}")?;
        } else {
            if number > 0 {
                writeln!(out)?;
            }
            describe(points.space(), &genotype, out)?;
        }
    }
    Ok(())
}

/// One line per choice; the edges of a module share one.
fn describe(space: &Space, genotype: &Genotype, out: &mut dyn Write) -> Result<(), Failure> {
    let mut lines: Vec<(String, String)> = Vec::new();
    for (choice, value) in codebench_space::describe(space, genotype) {
        let Some((module, edge)) = choice.name.split_once(".edge.") else {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            lines.push((choice.name.clone(), value));
            continue;
        };
        let name = format!("{module}.edges");
        if lines.last().is_none_or(|(last, _)| *last != name) {
            lines.push((name, String::new()));
        }
        if let Some((_, edges)) = lines.last_mut().filter(|_| value.as_bool() == Some(true)) {
            let gap = if edges.is_empty() { "" } else { " " };
            *edges = format!("{edges}{gap}{edge}");
        }
    }
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in &lines {
        writeln!(out, "{name:width$}  {value}")?;
    }
    Ok(())
}

/// What `show --json` prints.
#[derive(Serialize)]
struct Shown<'a> {
    counts: Counts,
    dimension: usize,
    space: &'a Space,
}

fn show(points: &Points, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let space = points.space();
    let counts = Counts::new(points);
    let encoding = Encoding::new(space);
    if json {
        let shown = Shown { counts, dimension: encoding.dimension(), space };
        return Ok(writeln!(out, "{}", serde_json::to_string_pretty(&shown).failure()?)?);
    }
    writeln!(out, "{}: {} points", space.name, grouped(&counts.points))?;
    for (what, number, columns) in
        [("CNNs", &counts.cnns, &encoding.cnn), ("accelerators", &counts.accelerators, &encoding.accelerator)]
    {
        if let Some(number) = number {
            writeln!(out, "  {} {what}, {} numbers in a point's vector", grouped(number), columns.len())?;
        }
    }
    writeln!(out)?;
    let width = space.choices.iter().map(|c| c.name.len()).max().unwrap_or(0);
    for choice in &space.choices {
        let condition = condition(space, choice);
        writeln!(out, "{:width$}  {}{condition}", choice.name, values(choice))?;
    }
    Ok(())
}

/// Values of a choice, the first and last of many.
fn values(choice: &Choice) -> String {
    let texts: Vec<String> =
        choice.values.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect();
    match texts.as_slice() {
        [first, .., last] if texts.len() > 16 => format!("{first}, ... {last} ({} values)", texts.len()),
        _ => texts.join(", "),
    }
}

fn condition(space: &Space, choice: &Choice) -> String {
    let all: Vec<String> = choice
        .when
        .iter()
        .filter_map(|condition| {
            let earlier = space.choices.get(condition.choice)?;
            let values = condition.is_in.iter().filter_map(|i| earlier.values.get(*i as usize));
            let values: Vec<String> =
                values.map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect();
            Some(format!("{} is {}", earlier.name, values.join(" or ")))
        })
        .collect();
    if all.is_empty() { String::new() } else { format!("    if {}", all.join(" and ")) }
}

/// Digits in groups of three; a number too long to read also as a power of ten.
fn grouped(digits: &str) -> String {
    let text = crate::progress::grouped(digits);
    match digits.len() {
        0..=15 => text,
        n => format!("{text} (about 10^{})", n - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(command: &Command) -> String {
        let mut out = Vec::new();
        run(command, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn example(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/spaces").join(name)
    }

    #[test]
    fn the_published_space_is_counted() {
        let file = example("accelbench.toml");
        assert_eq!(answer(&Command::Count { file: file.clone(), json: false }), "228433920\n");
        let json = answer(&Command::Count { file, json: true });
        assert_eq!(json, "{\"points\":\"228433920\",\"accelerators\":\"228433920\"}\n");
    }

    #[test]
    fn every_example_is_shown_and_sampled() {
        for name in ["accelbench.toml", "cnnbench.toml", "digits.toml"] {
            let shown = answer(&Command::Show { file: example(name), json: false });
            assert!(shown.starts_with(name.strip_suffix(".toml").unwrap()), "{shown}");
            let sampled = |json| {
                answer(&Command::Sample(SampleArguments {
                    file: example(name),
                    count: 3,
                    seed: 1,
                    weighting: Likely::Values,
                    json,
                }))
            };
            assert_eq!(sampled(false).split("\n\n").count(), 3);
            assert_eq!(sampled(true).lines().count(), 3);
            for line in sampled(true).lines() {
                let value: serde_json::Value = serde_json::from_str(line).unwrap();
                assert!(value["genotype"].is_array() && value["values"].is_object());
            }
        }
    }

    #[test]
    fn mistakes_are_the_users_and_have_a_place() {
        let file = std::env::temp_dir().join(format!("codebench-space-{}.toml", std::process::id()));
        std::fs::write(&file, "[cnn]\nops = [\"conv3x3-bn-relu\", \"cnov3x3-bn-relu\"]\n").unwrap();
        let failure = run(&Command::Count { file: file.clone(), json: false }, &mut Vec::new()).unwrap_err();
        std::fs::remove_file(&file).unwrap();
        assert_eq!(failure.status(), crate::failure::USAGE);
        let text = failure.text().unwrap();
        assert!(text.contains(":2:27: `cnn.ops[1]`"), "{text}");
        assert!(text.contains("label `cnov3x3-bn-relu`"), "{text}");
        assert!(text.contains("did you mean `conv3x3-bn-relu`?"), "{text}");
    }

    #[test]
    fn digits_are_grouped() {
        assert_eq!(grouped("7"), "7");
        assert_eq!(grouped("228433920"), "228,433,920");
        assert_eq!(grouped("1234567890123456"), "1,234,567,890,123,456 (about 10^15)");
    }
}
