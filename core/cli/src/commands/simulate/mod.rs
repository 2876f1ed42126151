//! `codebench simulate`: one CNN on one accelerator, or a stream of jobs.

mod compare;
mod text;

use crate::accelerator_input::{self, AcceleratorFile};
use crate::cnn_input::{CnnInput, ImageArguments};
use crate::readable::readable;
use crate::simulators::Simulators;
use crate::{Failure, OrFail, catalog, jobs};
use anyhow::Context;
use clap::{Args, ValueEnum};
use codebench_api::Catalog;
use codebench_cnn::{Language, Lowered};
use codebench_model::CostReport;
use codebench_sim::cycle::{self, Machine, Options, Sparsity, write_trace};
use codebench_sim::published::Simulator;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// Arguments of `codebench simulate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  codebench simulate --cnn resnet50 --accelerator examples/accelerators/paper.toml
  codebench simulate --cnn my-cnn.toml --accelerator examples/accelerators/edge.toml --format json
  codebench simulate --cnn published/resnet18 --accelerator 2,16,8,4,8,3,3,1,12,24,4,1,1 --fidelity published,cycle
  codebench simulate --cnn mobilenet-v2 --accelerator examples/accelerators/edge-dram.toml --trace trace.json
  codebench simulate --jobs examples/jobs.jsonl > results.jsonl
  generate-jobs | codebench simulate --jobs -

An accelerator is a TOML file of modules ([[module]]); or a point of the paper's template: 13 numbers (pib,pif,pix,piy,pof,pkx,
pky,batch,activation_buffer_mb,weight_buffer_mb,mask_buffer_mb,memory (1 rram, 2 dram, 3 hbm),memory_config), or a TOML file that
names those that differ from the paper's default. Latency and energies are those of a whole batch. A trace opens in Perfetto
and in Chrome. The book's page on jobs describes the lines of --jobs.")]
pub struct Arguments {
    /// Name of a network (`codebench cnn list`), or a CNN file (.json, .toml)
    #[arg(long, value_name = "NAME|FILE", required_unless_present = "jobs", conflicts_with = "jobs")]
    pub cnn: Option<OsString>,
    /// An accelerator file (.toml, .json), or 13 numbers separated by commas
    #[arg(
        long,
        value_name = "VECTOR|FILE",
        required_unless_present = "jobs",
        conflicts_with = "jobs",
        allow_hyphen_values = true
    )]
    pub accelerator: Option<OsString>,
    /// Simulate every line of a JSON Lines file; `-` is standard input
    #[arg(long, value_name = "FILE.jsonl")]
    pub jobs: Option<PathBuf>,
    /// The images that the CNN reads
    #[command(flatten)]
    pub image: ImageArguments,
    /// Which simulation answers; both, separated by a comma, are shown side by side
    #[arg(long, value_enum, value_delimiter = ',', default_value = "cycle", conflicts_with = "jobs")]
    pub fidelity: Vec<Fidelity>,
    /// Zeros in activations and weights, for the fidelity `cycle`
    #[arg(long, value_enum, default_value_t = Zeros::Paper, conflicts_with = "jobs")]
    pub sparsity: Zeros,
    /// Write the timeline of every module to this file, for the fidelity `cycle`
    #[arg(long, value_name = "FILE.json", conflicts_with = "jobs")]
    pub trace: Option<PathBuf>,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t = Format::Text, conflicts_with = "jobs")]
    pub format: Format,
}

/// Which simulation answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Fidelity {
    /// Event-driven and cycle-accurate, any accelerator
    Cycle,
    /// Bit-equal to the simulator that the authors of CODEBench released
    Published,
}

/// Zeros in activations and weights.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Zeros {
    /// The paper's: half of both
    Paper,
    /// None
    Dense,
}

/// How `codebench simulate` prints.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Format {
    /// A table for people
    Text,
    /// JSON, with everything that is known
    Json,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    if let Some(path) = &arguments.jobs {
        if arguments.image.is_given() {
            return Err(Failure::of_usage(
                "--image, --channels and --classes have no effect with --jobs: give each line its own `image`, `channels` \
                 and `classes`",
            ));
        }
        return run_jobs(path, out);
    }
    let (Some(cnn), Some(accelerator)) = (&arguments.cnn, &arguments.accelerator) else {
        return Err(Failure::of_usage("give --cnn and --accelerator, or --jobs"));
    };
    let asked = |fidelity: Fidelity| arguments.fidelity.contains(&fidelity);
    if let [first, .., last] = arguments.fidelity.as_slice()
        && (first == last || arguments.fidelity.len() > 2)
    {
        return Err(Failure::of_usage(
            "--fidelity names one fidelity twice: give cycle, published, or cycle,published",
        ));
    }
    if arguments.trace.is_some() && !asked(Fidelity::Cycle) {
        return Err(Failure::of_usage(
            "--trace needs the fidelity `cycle`: the published one has no timeline",
        ));
    }
    if matches!(arguments.sparsity, Zeros::Dense) && !asked(Fidelity::Cycle) {
        return Err(Failure::of_usage(
            "--sparsity needs the fidelity `cycle`: the published one always counts with the paper's densities",
        ));
    }
    let catalog = catalog()?;
    let cnn = CnnInput::load(cnn, &arguments.image)?;
    let image = cnn.image(&arguments.image);
    let accelerator = accelerator_input::load(accelerator, &catalog)?;
    let language = Language::new(&catalog).failure()?;
    let lowered = cnn.lower(&language, image)?;
    let published = match asked(Fidelity::Published) {
        true => Some(published(&catalog, &accelerator, &lowered)?),
        false => None,
    };
    let cycle = match asked(Fidelity::Cycle) {
        true => Some(cycle(&catalog, &accelerator, &lowered, arguments)?),
        false => None,
    };
    match (arguments.format, published, cycle) {
        (Format::Json, Some(published), Some(cycle)) => compare::json(&published, &cycle, out),
        (Format::Json, one, other) => {
            Ok(writeln!(out, "{}", serde_json::to_string(&one.or(other)).failure()?)?)
        }
        (Format::Text, published, cycle) => {
            text::write_cnn(&readable(&cnn.name), image, out)?;
            match (published, cycle) {
                (Some(published), Some(cycle)) => compare::text(&published, &cycle, out),
                (Some(published), None) => text::write_published(&accelerator.published()?, &published, out),
                (None, Some(cycle)) => text::write_cycle(&cycle, out),
                (None, None) => Ok(()),
            }
        }
    }
}

fn published(catalog: &Catalog, file: &AcceleratorFile, cnn: &Lowered) -> Result<CostReport, Failure> {
    let simulator = Simulator::new(catalog.published_constants().failure()?);
    Ok(simulator.simulate(&cnn.published, &file.published()?).usage()?.report)
}

fn cycle(
    catalog: &Catalog,
    file: &AcceleratorFile,
    cnn: &Lowered,
    arguments: &Arguments,
) -> Result<CostReport, Failure> {
    let description = file.description()?;
    let machine = Machine::resolve(&description, catalog).map_err(|e| file.refuse(&e.to_string()))?;
    let sparsity = match arguments.sparsity {
        Zeros::Paper => Sparsity::Paper,
        Zeros::Dense => Sparsity::Dense,
    };
    let options = Options { record: arguments.trace.is_some(), ..Options::default() };
    let (report, timeline) =
        cycle::evaluate(&machine, &cnn.workload, &sparsity, options).map_err(|e| file.simulation(&e))?;
    if let (Some(path), Some(record)) = (&arguments.trace, &timeline.record) {
        let fill = |file: &mut File| -> std::io::Result<()> {
            let mut out = BufWriter::new(file);
            write_trace(&machine, &cnn.workload, &timeline.main_layers, record, &mut out)?;
            out.flush()
        };
        replace(path, fill)
            .with_context(|| format!("cannot write the trace `{}`", path.display()))
            .failure()?;
    }
    Ok(report)
}

/// Writes a file that takes the place of the one at `path` when it is whole; a device or pipe is written to as it is.
fn replace(path: &Path, fill: impl Fn(&mut File) -> std::io::Result<()>) -> std::io::Result<()> {
    if path.exists() && !path.is_file() {
        return fill(&mut File::create(path)?);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".trace").tempfile_in(folder)?;
    fill(file.as_file_mut())?;
    #[cfg(unix)]
    {
        // As a file that is created plainly, not one of the user's alone.
        use std::os::unix::fs::PermissionsExt;
        let mode = path.metadata().map_or(0o644, |old| old.permissions().mode());
        file.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
    }
    file.persist(path).map(drop).map_err(|error| error.error)
}

fn run_jobs(path: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let shown = path.display();
    let reader: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else if path.is_dir() {
        return Err(Failure::of_usage(format!("`{shown}` is a folder: give a file of JSON Lines, or `-`")));
    } else {
        Box::new(File::open(path).with_context(|| format!("cannot read `{shown}`")).usage()?)
    };
    let catalog = catalog()?;
    let language = Language::new(&catalog).failure()?;
    jobs::run(reader, out, &language, &Simulators::new(&catalog)?, 0)?;
    Ok(())
}
