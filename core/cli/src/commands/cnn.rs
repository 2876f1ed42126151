//! `codebench cnn`: networks and CNN files.

use super::generated;
use crate::cnn_input::{CnnInput, Image, ImageArguments};
use crate::readable::readable;
use crate::table::Table;
use crate::{Failure, OrFail, catalog};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use codebench_cnn::file::{CnnFile, Format};
use codebench_cnn::hash::{self, Algorithm};
use codebench_cnn::{Language, named};
use codebench_model::Workload;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::Path;

/// Subcommands of `codebench cnn`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the known networks with their parameters and MACs
    #[command(after_help = "\
Examples:
  codebench cnn list
  codebench cnn list published/")]
    List {
        /// Only names that begin so
        prefix: Option<String>,
    },
    /// Show a CNN: its layers, or itself as a file to edit, or its lowered workload
    #[command(after_help = "\
Examples:
  codebench cnn show published/resnet18
  codebench cnn show mobilenet-v2 --format toml > my-mobilenet.toml
  codebench cnn show my-mobilenet.toml --image 64 --classes 100
  codebench cnn show lenet-5 --format workload")]
    Show {
        /// The CNN
        #[command(flatten)]
        cnn: Of,
        /// What to print
        #[arg(long, value_enum, default_value_t = Show::Text)]
        format: Show,
    },
    /// Hash a CNN: isomorphic CNNs have the same hash
    #[command(after_help = "\
Examples:
  codebench cnn hash published/resnet18
  codebench cnn hash my-cnn.toml --algorithm sha256 --merged")]
    Hash {
        /// Name of a network, or a CNN file (.json, .toml)
        #[arg(value_name = "NAME|FILE")]
        cnn: OsString,
        /// Hash function
        #[arg(long, default_value = "md5", value_parser = algorithm_parser())]
        algorithm: Algorithm,
        /// Hash the CNN as one graph, its modules merged, instead of module by module
        #[arg(long)]
        merged: bool,
    },
    /// Count a CNN's parameters, MACs and layers, or the CNNs that a generation file describes
    #[command(after_help = "\
Examples:
  codebench cnn count resnet18
  codebench cnn count published/resnet18 --image 224 --classes 1000
  codebench cnn count my-cnn.toml --json
  codebench cnn count examples/cnns/generate.toml --merged")]
    Count {
        /// The CNN
        #[command(flatten)]
        cnn: Of,
        /// Tell generated CNNs apart by their merged hashes
        #[arg(long)]
        merged: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Say how far CNNs are from each other, and by which edits
    Distance(super::distance::Arguments),
}

/// A CNN and the images it is built for.
#[derive(Debug, Args)]
pub struct Of {
    /// Name of a network, or a CNN file (.json, .toml)
    #[arg(value_name = "NAME|FILE")]
    cnn: OsString,
    #[command(flatten)]
    image: ImageArguments,
}

/// What `codebench cnn show` prints.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Show {
    /// One line a layer: shapes, parameters, MACs
    Text,
    /// The CNN as a JSON file
    Json,
    /// The CNN as a TOML file
    Toml,
    /// The lowered workload as JSON
    Workload,
}

fn algorithm_parser() -> impl TypedValueParser<Value = Algorithm> {
    let names = Algorithm::ALL.map(|(_, name)| name);
    PossibleValuesParser::new(names).map(|name| Algorithm::from_name(&name).unwrap_or_default())
}

pub(super) fn run(command: &Command, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        Command::List { prefix } => list(prefix.as_deref().unwrap_or_default(), out),
        Command::Show { cnn, format } => show(cnn, *format, out),
        Command::Hash { cnn, algorithm, merged } => {
            let modules = CnnInput::load(cnn, &ImageArguments::default())?.graph.modules;
            let modules = if *merged { hash::merged_modules(&modules) } else { modules };
            hash::check_effort(&modules).usage()?;
            let hashes = modules.iter().map(|module| hash::module_hash(module, *algorithm));
            Ok(writeln!(out, "{}", hash::hash_of_hashes(hashes, *algorithm))?)
        }
        Command::Distance(arguments) => super::distance::run(arguments, out),
        Command::Count { cnn, merged, json } => match generated::load(Path::new(&cnn.cnn))? {
            Some(config) => generated::count(&config, *merged, *json, out),
            None if *merged => Err(Failure::of_usage(format!(
                "`--merged` is for generation files, and `{}` is none: leave it out",
                cnn.cnn.display()
            ))),
            None => count(cnn, *json, out),
        },
    }
}

impl Of {
    fn load(&self) -> Result<(CnnInput, Image), Failure> {
        let cnn = CnnInput::load(&self.cnn, &self.image)?;
        let image = cnn.image(&self.image);
        Ok((cnn, image))
    }
}

fn language() -> Result<Language, Failure> {
    Language::new(&catalog()?).failure()
}

fn list(prefix: &str, out: &mut dyn Write) -> Result<(), Failure> {
    let language = language()?;
    let mut table = Table::new(&["<name", "image", "classes", "parameters", "MACs", "<summary"]);
    for name in named::names().filter(|n| n.starts_with(prefix)) {
        let known = named::find(name).failure()?;
        let given = ImageArguments::default();
        let cnn = CnnInput::load(OsStr::new(name), &given)?;
        let image = cnn.image(&given);
        let lowered = cnn.lower(&language, image)?;
        table.row([
            name.to_owned(),
            image.shape.to_string(),
            image.classes.to_string(),
            lowered.published.params.to_string(),
            lowered.workload.macs().to_string(),
            known.summary.to_string(),
        ]);
    }
    if table.is_empty() {
        let nearest = codebench_model::parameter::nearest(prefix, named::names().chain(["published/"]));
        let hint = nearest.map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default();
        return Err(Failure::of_usage(format!(
            "no network's name begins with `{prefix}`{hint}; `codebench cnn list` shows all of them"
        )));
    }
    Ok(table.write(out)?)
}

fn show(of: &Of, format: Show, out: &mut dyn Write) -> Result<(), Failure> {
    let (cnn, image) = of.load()?;
    let notation = match format {
        Show::Json => Format::Json,
        Show::Toml => Format::Toml,
        Show::Text | Show::Workload => {
            let lowered = cnn.lower(&language()?, image)?;
            return match format {
                Show::Workload => {
                    Ok(writeln!(out, "{}", serde_json::to_string_pretty(&lowered.workload).failure()?)?)
                }
                _ => layers(&readable(&cnn.name), image, &lowered.workload, out),
            };
        }
    };
    let file = CnnFile {
        name: Some(cnn.name),
        image: Some(image.shape.height),
        channels: Some(image.shape.channels),
        classes: Some(image.classes),
        graph: cnn.graph,
    };
    Ok(writeln!(out, "{}", file.write(notation).trim_end())?)
}

fn layers(name: &str, image: Image, workload: &Workload, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out, "{name}, images of {}, {} classes\n", image.shape, image.classes)?;
    let mut table = Table::new(&["<layer", "<operation", "<input", "<output", "parameters", "MACs"]);
    let shape = |id: usize| workload.tensors.get(id).map(ToString::to_string).unwrap_or_default();
    for layer in &workload.layers {
        table.row([
            layer.name.clone(),
            layer.primitive.name().to_owned(),
            shapes(layer.inputs.iter().map(|id| shape(*id))),
            shape(layer.output),
            layer.parameters.to_string(),
            layer.macs.to_string(),
        ]);
    }
    table.write(out)?;
    let (layers, parameters, macs) = (workload.layers.len(), workload.parameters(), workload.macs());
    Ok(writeln!(out, "\n{layers} layers, {parameters} parameters, {macs} MACs")?)
}

/// Shapes with blanks between them; equal ones in a row once, with their number.
fn shapes(all: impl Iterator<Item = String>) -> String {
    let mut runs: Vec<(String, usize)> = Vec::new();
    for shape in all {
        match runs.last_mut() {
            Some((last, count)) if *last == shape => *count += 1,
            _ => runs.push((shape, 1)),
        }
    }
    let text = |(shape, count): (String, usize)| match count {
        1 => shape,
        count => format!("{shape} ({count} times)"),
    };
    runs.into_iter().map(text).collect::<Vec<_>>().join(" ")
}

fn count(of: &Of, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let (cnn, image) = of.load()?;
    let lowered = cnn.lower(&language()?, image)?;
    let (workload, parameters) = (&lowered.workload, lowered.published.params);
    let (layers, macs) = (workload.layers.len(), workload.macs());
    if json {
        let value = serde_json::json!({
            "cnn": cnn.name, "image": image.shape.height, "channels": image.shape.channels,
            "classes": image.classes, "layers": layers, "params": parameters, "macs": macs,
        });
        return Ok(writeln!(out, "{value}")?);
    }
    writeln!(out, "{}, images of {}, {} classes", readable(&cnn.name), image.shape, image.classes)?;
    writeln!(out, "parameters  {parameters}")?;
    if parameters != workload.parameters() {
        writeln!(out, "            of which {} are used by a layer", workload.parameters())?;
    }
    writeln!(out, "MACs        {macs}")?;
    Ok(writeln!(out, "layers      {layers}")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_shapes_in_a_row_are_counted() {
        let text = |all: &[&str]| shapes(all.iter().map(|s| (*s).to_owned()));
        assert_eq!(text(&["3x8x8"]), "3x8x8");
        assert_eq!(text(&["a", "a", "b", "a"]), "a (2 times) b a");
        assert_eq!(text(&[]), "");
    }
}
