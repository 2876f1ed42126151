//! `codebench simulate`: one CNN on one accelerator, or a stream of jobs.

use crate::cnn_input::{CnnInput, Image, ImageArguments};
use crate::{Failure, OrFail, accelerator_input, catalog, jobs};
use anyhow::Context;
use clap::{Args, ValueEnum};
use codebench_cnn::Language;
use codebench_model::{CostReport, PublishedAccelerator};
use codebench_sim::published::Simulator;
use std::fs::File;
use std::io::{Read, Write};

/// Arguments of `codebench simulate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  codebench simulate --cnn published/resnet18 --accelerator 2,16,8,4,8,3,3,1,12,24,4,1,1 --image 224
  codebench simulate --cnn my-cnn.toml --accelerator examples/accelerators/edge.toml --format json
  codebench simulate --jobs examples/jobs.jsonl > results.jsonl
  generate-jobs | codebench simulate --jobs -

An accelerator is 13 numbers: pib,pif,pix,piy,pof,pkx,pky,batch,activation_buffer_mb,weight_buffer_mb,mask_buffer_mb,
memory (1 rram, 2 dram, 3 hbm),memory_config; or a TOML file that names those that differ from the paper's default.
Latency and energies are those of a whole batch. The book's page on jobs describes the lines of --jobs.")]
pub struct Arguments {
    /// Name of a network (`codebench cnn list`), or a CNN file (.json, .toml)
    #[arg(long, value_name = "NAME|FILE", required_unless_present = "jobs", conflicts_with = "jobs")]
    pub cnn: Option<String>,
    /// 13 numbers separated by commas, or an accelerator file (.toml, .json)
    #[arg(
        long,
        value_name = "VECTOR|FILE",
        required_unless_present = "jobs",
        conflicts_with = "jobs",
        allow_hyphen_values = true
    )]
    pub accelerator: Option<String>,
    /// Simulate every line of a JSON Lines file; `-` is standard input
    #[arg(long, value_name = "FILE.jsonl")]
    pub jobs: Option<String>,
    /// The images that the CNN reads
    #[command(flatten)]
    pub image: ImageArguments,
    /// Which simulation answers
    #[arg(long, value_enum, default_value_t = Fidelity::Published, conflicts_with = "jobs")]
    pub fidelity: Fidelity,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t = Format::Text, conflicts_with = "jobs")]
    pub format: Format,
}

/// Which simulation answers.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Fidelity {
    /// Bit-equal to the simulator that the authors of CODEBench released
    Published,
}

/// How `codebench simulate` prints.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Format {
    /// A table for people
    Text,
    /// One JSON object, as the results of jobs
    Json,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    if let Some(path) = &arguments.jobs {
        return run_jobs(path, out);
    }
    let (Some(cnn), Some(accelerator)) = (&arguments.cnn, &arguments.accelerator) else {
        return Err(Failure::of_usage("give --cnn and --accelerator, or --jobs"));
    };
    let catalog = catalog()?;
    let cnn = CnnInput::load(cnn, &arguments.image)?;
    let image = cnn.image(&arguments.image);
    let accelerator = accelerator_input::load(accelerator)?;
    let language = Language::new(&catalog).failure()?;
    let lowered = cnn.lower(&language, image)?;
    let Fidelity::Published = arguments.fidelity;
    let simulator = Simulator::new(catalog.published_constants().failure()?);
    let report = simulator.simulate(&lowered.published, &accelerator).usage()?.report;
    match arguments.format {
        Format::Json => Ok(writeln!(out, "{}", serde_json::to_string(&report).failure()?)?),
        Format::Text => write_text(&cnn.name, image, &accelerator, &report, out),
    }
}

fn run_jobs(path: &str, out: &mut dyn Write) -> Result<(), Failure> {
    let reader: Box<dyn Read + Send> = match path {
        "-" => Box::new(std::io::stdin()),
        path => Box::new(File::open(path).with_context(|| format!("cannot read `{path}`")).usage()?),
    };
    let catalog = catalog()?;
    let language = Language::new(&catalog).failure()?;
    let simulator = Simulator::new(catalog.published_constants().failure()?);
    jobs::run(reader, out, &language, &simulator, 0)?;
    Ok(())
}

fn write_text(
    name: &str,
    image: Image,
    accelerator: &PublishedAccelerator,
    report: &CostReport,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let a = accelerator;
    let memory = a.memory.name();
    writeln!(out, "cnn             {name}, images of {}, {} classes", image.shape, image.classes)?;
    writeln!(
        out,
        "accelerator     PEs {}x{}x{}, {} lanes of {} multipliers, kernel {}x{}",
        a.pib, a.pix, a.piy, a.pof, a.pif, a.pkx, a.pky
    )?;
    writeln!(
        out,
        "                buffers {} + {} + {} MB, {memory} configuration {}, batch {}",
        a.activation_buffer_mb, a.weight_buffer_mb, a.mask_buffer_mb, a.memory_config, a.batch
    )?;
    writeln!(out, "fidelity        {}\n", report.fidelity)?;
    let per_image = |value: f64, unit: &str| match a.batch {
        1 => String::new(),
        batch => format!("  ({} {unit} per image)", exact(value / batch as f64)),
    };
    writeln!(out, "cycles          {}", report.total_cycles)?;
    writeln!(out, "latency         {} s{}", exact(report.latency_s), per_image(report.latency_s, "s"))?;
    writeln!(out, "area            {} mm2", report.area_mm2)?;
    let (dynamic, leakage) = (report.dynamic_energy_j, report.leakage_energy_j);
    writeln!(out, "dynamic energy  {} J{}", exact(dynamic), per_image(dynamic, "J"))?;
    writeln!(out, "leakage energy  {} J{}", exact(leakage), per_image(leakage, "J"))?;
    writeln!(out, "parameters      {}", report.params)?;
    writeln!(out, "MACs            {} per image", report.macs)?;
    if let Some(phases) = &report.published {
        writeln!(
            out,
            "phases, cycles  conv {}, batchnorm {}, pool {}, globalavgpool {}, upsampling {}, memory {}",
            phases.conv_cycles,
            phases.batchnorm_cycles,
            phases.pool_cycles,
            phases.globalavgpool_cycles,
            phases.upsampling_cycles,
            phases.memory_cycles
        )?;
    }
    Ok(())
}

/// Every digit; small values with an exponent.
fn exact(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 { format!("{value:e}") } else { format!("{value}") }
}
