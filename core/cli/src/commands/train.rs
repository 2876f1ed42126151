//! `codebench train`: one CNN on one data set, and its weights in a file.

use super::plugin_check::parse_parameter;
use crate::cnn_input::{CnnInput, Image, ImageArguments};
use crate::numbers::{seconds, whole};
use crate::table::Table;
use crate::{Failure, OrFail, catalog, target};
use clap::{Args, ValueEnum};
use codebench_api::{Catalog, Engine, Kind, Network, PluginError};
use codebench_cnn::Language;
use codebench_model::{DataSource, ParameterValue, Parameters, Purpose, Recipe, Workload};
use codebench_training::checkpoint::{self, Origin};
use codebench_training::data::{self, Splits};
use codebench_training::state::{self, Saver};
use codebench_training::{
    CheckedRecipe, Epoch, Measure, Outcome, Standing, Training, Transfer, export, take,
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value};
use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Arguments of `codebench train`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  codebench train --cnn examples/cnns/tiny.toml
  codebench train --cnn examples/cnns/three-convolutions.toml --data fashion-mnist --set train_images=10000 --recipe epochs=5
  codebench train --cnn my-cnn.toml --data image-folder --set folder=leaves --set size=32 --recipe flip=true --seed 7
  codebench train --cnn my-cnn.toml --from runs/checkpoints/0123.safetensors --recipe learning_rate=0.0005
  codebench train --cnn my-cnn.toml --from runs/checkpoints/0123.safetensors --donor its-cnn.toml --transfer identical
  codebench train --cnn my-cnn.toml --export npz --out my-cnn.safetensors
  codebench train --cnn examples/cnns/three-convolutions.toml --data fashion-mnist --engine tch --engine-set device=cuda \
    --plugin target/release/libcodebench_trainer_tch_native.so --allow-native

The book's page on training lists the data sets, the fields of a recipe and what is measured. The weights are written as
safetensors under the key of the training, which the same CNN, data, recipe, seed and engine share. A training that was killed
goes on with --resume and ends with the same weights.")]
pub struct Arguments {
    /// Name of a network (`codebench cnn list`), or a CNN file (.json, .toml)
    #[arg(long, value_name = "NAME|FILE")]
    pub cnn: OsString,
    /// The data set
    #[arg(long, value_name = "ID", default_value = "digits")]
    pub data: String,
    /// A parameter of the data set's reader, such as folder=leaves; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = parse_parameter)]
    pub parameters: Vec<(String, ParameterValue)>,
    /// A field of the recipe, such as epochs=20; may be repeated
    #[arg(long = "recipe", value_name = "FIELD=VALUE", value_parser = parse_field)]
    pub recipe: Vec<(String, Value)>,
    /// The engine that computes: an id such as codebench/burn, or its part after the slash
    #[arg(long, value_name = "ID", default_value = "burn")]
    pub engine: String,
    /// A parameter of the engine, such as threads=4; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_parameter)]
    pub engine_set: Vec<(String, ParameterValue)>,
    /// Decides initial weights, the order of images, augmentation and dropout
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u64>(0..=u64::MAX), allow_hyphen_values = true)]
    pub seed: u64,
    /// Start from the weights of a checkpoint: of the same CNN, or of the one that --donor names
    #[arg(long, value_name = "FILE.safetensors")]
    pub from: Option<PathBuf>,
    /// The CNN of --from, if it is another: modules that are identical are taken over
    #[arg(long, value_name = "NAME|FILE", requires = "from")]
    pub donor: Option<OsString>,
    /// Which of its modules: those up to the first that differs, or every identical one
    #[arg(long, value_enum, default_value_t = Modules::Leading, requires = "donor")]
    pub transfer: Modules,
    /// Fail if the training takes longer than so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds(0.001..=1e7), allow_hyphen_values = true)]
    pub time_limit: Option<f64>,
    /// Go on with the same training where it was interrupted, if it was
    #[arg(long)]
    pub resume: bool,
    /// Write the weights in other formats too, beside the checkpoint
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub export: Option<Export>,
    /// Where the weights go [default: runs/checkpoints/KEY.safetensors]
    #[arg(long, value_name = "FILE.safetensors")]
    pub out: Option<PathBuf>,
}

/// The names of [`Transfer`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Modules {
    Leading,
    Identical,
}

/// Formats of weights besides that of checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Export {
    /// The checkpoint alone: safetensors, which PyTorch and others read
    Safetensors,
    /// NumPy's archive of arrays, for programs without safetensors
    Npz,
}

/// `epochs=20`, `flip=true`, `betas=[0.9,0.99]`, `optimizer=sgd`.
fn parse_field(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("write FIELD=VALUE, such as epochs=20")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok((name.to_owned(), value))
}

impl Arguments {
    fn recipe(&self) -> Result<CheckedRecipe, Failure> {
        let read = |fields: Map<String, Value>| serde_json::from_value::<Recipe>(Value::Object(fields));
        for (name, value) in &self.recipe {
            let alone = Map::from_iter([(name.clone(), value.clone())]);
            let given = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            read(alone).map_err(|e| Failure::of_usage(format!("--recipe {name}={given}: {e}")))?;
        }
        let recipe = read(self.recipe.iter().cloned().collect())
            .map_err(|e| Failure::of_usage(format!("--recipe: {e}")))?;
        CheckedRecipe::new(&recipe).usage()
    }

    fn splits(&self) -> Result<Splits, Failure> {
        let parameters: Parameters = self.parameters.iter().cloned().collect();
        data::load(&DataSource { id: self.data.clone(), parameters }).usage()
    }

    fn engine(&self, catalog: &Catalog) -> Result<ChosenEngine, Failure> {
        let id = engine_id(&self.engine, catalog).usage()?;
        let parameters: Parameters = self.engine_set.iter().cloned().collect();
        let engine = catalog.engine(&id, &parameters).usage()?;
        let entry = catalog.get(&id).usage()?;
        let (version, sha256) = (entry.info.version.clone(), entry.sha256.clone());
        Ok(ChosenEngine { id, version, sha256, parameters, engine })
    }

    /// The file of the checkpoint: in a folder that can be written, and in the place of no other file.
    fn checkpoint(&self, path: &Path) -> Result<PathBuf, Failure> {
        let remedy = "give the checkpoint's file with --out";
        let path = target::of_kind(path, "checkpoint", target::is_safetensors, remedy)?;
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder)).map_err(|e| {
            Failure::of_usage(format!("the folder {} cannot be written: {e}; {remedy}", folder.display()))
        })?;
        Ok(path)
    }

    /// Where the weights of the checkpoint `path` go once more, if they do.
    fn exported(&self, path: &Path) -> Result<Option<PathBuf>, Failure> {
        let exported = match self.export {
            Some(Export::Npz) => path.with_extension("npz"),
            Some(Export::Safetensors) | None => return Ok(None),
        };
        let remedy = "give FILE.safetensors, the others go beside it";
        if exported == path {
            return Err(Failure::of_usage(format!(
                "--out {}: the checkpoint and the exported weights cannot be one file: {remedy}",
                path.display()
            )));
        }
        target::of_kind(&exported, "archive of arrays", target::is_npz, "give another --out").map(Some)
    }

    /// Gives `network`, which is to be trained by `training`, the weights to start from; what they are, if there are any.
    fn start(
        &self,
        training: &Training<'_>,
        engine: &dyn Engine,
        workload: &Workload,
        network: &mut dyn Network,
        catalog: &Catalog,
    ) -> Result<Option<String>, Failure> {
        let Some(path) = &self.from else { return Ok(None) };
        let Some(donor) = &self.donor else {
            let remedy = "give the checkpoint of the same CNN, or name its CNN with --donor";
            let expected = network.weights().failure()?;
            let (weights, sha256) = checkpoint::load(path, &expected).map_err(|e| with(e, remedy)).usage()?;
            network.set_weights(&weights).usage()?;
            return Ok(Some(sha256));
        };
        let of_donor = self.workload(donor, catalog, training.splits)?;
        let expected = training.network(engine, &of_donor).failure()?.weights().failure()?;
        let remedy = "give the checkpoint of the CNN that --donor names";
        let (weights, sha256) = checkpoint::load(path, &expected).map_err(|e| with(e, remedy)).usage()?;
        let transfer = match self.transfer {
            Modules::Leading => Transfer::Leading,
            Modules::Identical => Transfer::Identical,
        };
        let taken = take(transfer, &of_donor, &weights, workload);
        if taken.is_empty() {
            return Err(Failure::of_usage(format!(
                "no module of `{}` is as the one of `{}` in its place: give --transfer identical, or leave --from out",
                self.cnn.display(),
                donor.display()
            )));
        }
        // A closed standard error stops no training.
        let _ = writeln!(
            std::io::stderr(),
            "takes {} of {} tensors over",
            taken.len(),
            network.weights().failure()?.len()
        );
        network.set_weights(&taken).failure()?;
        checkpoint::transferred(transfer, &sha256, &of_donor).map(Some).failure()
    }

    fn workload(&self, cnn: &OsStr, catalog: &Catalog, splits: &Splits) -> Result<Workload, Failure> {
        let language = Language::new(catalog).failure()?;
        let shape = splits.shape();
        let image = ImageArguments {
            image: Some(shape.input.height),
            channels: Some(shape.input.channels),
            classes: Some(shape.classes),
        };
        let cnn = CnnInput::load(cnn, &image)?;
        Ok(cnn.lower(&language, Image { shape: shape.input, classes: shape.classes })?.workload)
    }
}

/// What `--engine` and `--engine-set` say.
struct ChosenEngine {
    id: String,
    version: String,
    /// Of the file that it came from.
    sha256: Option<String>,
    parameters: Parameters,
    engine: Box<dyn Engine>,
}

/// The id of the engine called `name`: an id, or the part after the slash of exactly one engine's.
fn engine_id(name: &str, catalog: &Catalog) -> Result<String, PluginError> {
    if name.contains('/') {
        return Ok(name.to_owned());
    }
    let engines: Vec<&str> =
        catalog.entries().filter(|e| e.kind() == Kind::Engine).map(|e| e.info.id.as_str()).collect();
    let short = |id: &&&str| id.split_once('/').is_some_and(|(_, short)| short == name);
    match engines.iter().filter(short).collect::<Vec<_>>()[..] {
        [id] => Ok((*id).to_owned()),
        [] => Err(PluginError::not_found(format!(
            "no engine is called `{name}`; there are {}; --plugin FILE adds those of a plugin file",
            engines.join(", ")
        ))),
        _ => Err(PluginError::invalid(format!(
            "several engines are called `{name}`: give the whole id of one of {}",
            engines.join(", ")
        ))),
    }
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let catalog = catalog()?;
    let recipe = arguments.recipe()?;
    let chosen = arguments.engine(&catalog)?;
    let splits = arguments.splits()?;
    let workload = arguments.workload(&arguments.cnn, &catalog, &splits)?;
    let seed = arguments.seed;
    let training = Training {
        splits: &splits,
        recipe: &recipe,
        seed,
        purpose: Purpose::Final,
        wall_limit_s: arguments.time_limit,
    };
    let mut network = training.network(chosen.engine.as_ref(), &workload).failure()?;
    let start = arguments.start(&training, chosen.engine.as_ref(), &workload, network.as_mut(), &catalog)?;
    let origin = Origin {
        workload: &workload,
        data: splits.shape(),
        recipe: recipe.fields(),
        seed,
        engine: [&chosen.id, &chosen.version],
        engine_sha256: chosen.sha256.as_deref(),
        engine_parameters: &chosen.parameters,
        start: start.as_deref(),
    };
    let key = origin.key().failure()?;

    let shown_path = arguments
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("runs/checkpoints").join(format!("{key}.safetensors")));
    let exported = arguments.exported(&shown_path)?;
    let path = arguments.checkpoint(&shown_path)?;
    let middle = state::path(path.parent().unwrap_or(Path::new("")), &key);
    let standing = match arguments.resume {
        true => resumed(&middle, &key, network.as_mut()).usage()?,
        false => begun(&middle)?,
    };
    let epochs = recipe.fields().epochs;
    let (shown, mut saver) = (Shown::new(epochs), Saver::new(middle.clone(), &key, epochs));
    let run = training.run(network.as_mut(), standing, |epoch, at, network| {
        shown.epoch(epoch);
        if epoch.is_last { Ok(()) } else { saver.epoch(at, network, false) }
    });
    shown.finish();
    let outcome = run.failure()?;
    let weights = network.weights().failure()?;
    checkpoint::save(&path, &weights, &key).failure()?;
    // The training has ended; what is left in the middle of it is of no use, and failing to remove it changes nothing.
    let _ = std::fs::remove_file(&middle);
    write(&outcome, &workload, out)?;
    writeln!(out, "wrote {}", shown_path.display())?;
    if let Some(exported) = exported {
        export::npz(&exported, &weights).failure()?;
        writeln!(out, "wrote {}", exported.display())?;
    }
    Ok(())
}

/// The error with what to do about it.
fn with(error: PluginError, remedy: &str) -> PluginError {
    PluginError { message: format!("{}; {remedy}", error.message), ..error }
}

/// The start of a training, if nothing is there that it would destroy.
fn begun(middle: &Path) -> Result<Standing, Failure> {
    match middle.exists() {
        false => Ok(Standing::default()),
        true => Err(Failure::of_usage(format!(
            "{} holds this training, which was interrupted: give --resume to go on with it, or remove the file to begin anew",
            middle.display()
        ))),
    }
}

/// Puts `network` where the training `key` was interrupted, as the file `path` says; at the start if there is none.
fn resumed(path: &Path, key: &str, network: &mut dyn Network) -> Result<Standing, PluginError> {
    let remedy = "remove the file to train from the first epoch";
    let loaded = state::load(path, key, &network.weights()?).map_err(|e| with(e, remedy))?;
    let Some(saved) = loaded else { return Ok(Standing::default()) };
    saved.put(network)?;
    // A closed standard error stops no training.
    let _ = writeln!(std::io::stderr(), "goes on after epoch {}", saved.standing.epochs);
    Ok(saved.standing)
}

/// What was measured, as a table.
fn write(outcome: &Outcome, workload: &Workload, out: &mut dyn Write) -> Result<(), Failure> {
    let mut table = Table::new(&["<split", "accuracy", "loss"]);
    let mut row = |name: &str, measure: &Measure| {
        let accuracy = format!("{:.2} %", 100.0 * measure.accuracy);
        table.row([name.to_owned(), accuracy, format!("{:.4}", measure.loss)]);
    };
    row("train", &outcome.train);
    row("validation", &outcome.validation);
    if let Some(test) = &outcome.test {
        row("test", test);
    }
    table.write(out)?;
    Ok(writeln!(
        out,
        "\n{} parameters, {} multiply-accumulates per image; {} epochs in {:.1} s, {:.0} images/s",
        workload.parameters(),
        workload.macs(),
        outcome.epochs,
        outcome.seconds,
        outcome.images_per_s
    )?)
}

/// Epochs on standard error: a bar on a terminal, a line each elsewhere.
struct Shown(Option<ProgressBar>);

impl Shown {
    fn new(epochs: u64) -> Shown {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:30} epoch {pos}/{len}{msg}, {eta} left");
            ProgressBar::new(epochs).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Shown(bar)
    }

    fn epoch(&self, epoch: &Epoch) {
        let text = format!("loss {:.4}, accuracy {:.2} %", epoch.loss, 100.0 * epoch.accuracy);
        match &self.0 {
            Some(bar) => {
                bar.set_message(format!(", {text}"));
                bar.set_position(epoch.done);
            }
            // A closed standard error stops no training.
            None => drop(writeln!(std::io::stderr(), "epoch {}/{}: {text}", epoch.done, epoch.epochs)),
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_numbers_lists_booleans_and_names() {
        let value = |text: &str| parse_field(text).unwrap().1;
        assert_eq!(value("epochs=20"), Value::from(20));
        assert_eq!(value("betas=[0.9,0.99]"), serde_json::json!([0.9, 0.99]));
        assert_eq!(value("flip=true"), Value::Bool(true));
        assert_eq!(value("optimizer=sgd"), Value::from("sgd"));
        assert!(parse_field("epochs").is_err());
    }

    #[test]
    fn an_engine_is_called_by_its_id_or_the_part_after_the_slash() {
        let catalog = crate::built_in().unwrap();
        assert_eq!(engine_id("burn", &catalog).unwrap(), "codebench/burn");
        assert_eq!(engine_id("acme/any", &catalog).unwrap(), "acme/any");
        assert_eq!(
            engine_id("tch", &catalog).unwrap_err().message,
            "no engine is called `tch`; there are codebench/burn; --plugin FILE adds those of a plugin file"
        );
    }
}
