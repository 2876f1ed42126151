//! The tuning file: text to [`Tuning`], every check that needs no plugin to run.

use super::halving::Plan;
use super::space::{RecipeSpace, Values};
use crate::canonical;
use crate::executor;
use crate::experiment::document::{Data, Executor, Image, RawParameters};
use crate::experiment::plugin_limits;
use crate::experiment::{ExperimentError, ImageShape, Places, PluginUse, Source, hint, parameters, read};
use crate::objective::Goal;
use codebench_api::{Catalog, Kind};
use codebench_cnn::file::{self as cnn_file, Format};
use codebench_cnn::named;
use codebench_model::{CnnGraph, DataSource, Parameters, Recipe, TensorShape};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use toml::Spanned;

/// What evaluates recipes unless the file says otherwise.
const EVALUATOR: &str = "codebench/train";
/// What is maximised unless the file says otherwise.
const METRIC: &str = "validation_accuracy";
/// Most configurations, epochs and workers: far beyond what any run can train.
const MAX: u64 = 1_000_000_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    name: Spanned<String>,
    #[serde(default)]
    seed: u64,
    cnn: Option<Spanned<String>>,
    image: Option<Image>,
    data: Option<Data>,
    recipe: Option<Recipe>,
    evaluator: Option<Evaluator>,
    tune: Spanned<Tune>,
    executor: Option<Executor>,
    /// Read by whoever fills the catalogue.
    #[serde(rename = "plugins")]
    _plugins: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Evaluator {
    plugin: Spanned<String>,
    #[serde(default)]
    parameters: RawParameters,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tune {
    method: Option<Method>,
    max_epochs: Spanned<u64>,
    grace_epochs: Option<Spanned<u64>>,
    reduction: Option<Spanned<u64>>,
    workers: Option<Spanned<u64>>,
    configurations: Option<Spanned<u64>>,
    epochs: Option<Spanned<u64>>,
    metric: Option<Spanned<String>>,
    goal: Option<Goal>,
    recipe: Spanned<RawParameters>,
}

/// A range of numbers as the file writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    min: f64,
    max: f64,
    #[serde(default)]
    scale: Scale,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Scale {
    #[default]
    Linear,
    Log,
}

/// How configurations are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Asynchronous successive halving.
    Halving,
    /// Every configuration is trained for the most epochs.
    Random,
}

/// The CNN that is trained.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cnn {
    /// A named network, made for the size of the images.
    Named(String),
    /// One of a file.
    Graph(CnnGraph),
}

/// A tuning file, read, checked and complete.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tuning {
    /// Name for reports.
    pub name: String,
    /// The only source of randomness: of the configurations, and of every training.
    pub seed: u64,
    pub(crate) cnn: Option<Cnn>,
    pub(crate) image: Option<ImageShape>,
    pub(crate) data: Option<DataSource>,
    /// What the space changes.
    pub(crate) recipe: Recipe,
    pub(crate) evaluator: PluginUse,
    /// How configurations are chosen.
    pub method: Method,
    pub(crate) grace_epochs: u64,
    pub(crate) max_epochs: u64,
    pub(crate) reduction: u64,
    pub(crate) workers: u64,
    /// Most configurations; none beyond what `epochs` allows if it is not given.
    pub(crate) configurations: Option<u64>,
    /// Most epochs.
    pub(crate) epochs: Option<u64>,
    /// The evaluator's metric by which recipes are told.
    pub metric: String,
    /// Which way it should go.
    pub goal: Goal,
    pub(crate) space: RecipeSpace,
    /// Where evaluations run; never changes a result.
    pub(crate) executor: PluginUse,
    #[serde(skip)]
    pub(crate) text: String,
    #[serde(skip)]
    pub(crate) places: Places,
}

impl Tuning {
    /// Reads the file `path`.
    ///
    /// # Errors
    /// A file that cannot be read, or the first mistake in it with its line and column.
    pub fn read(path: &Path, catalog: &Catalog) -> Result<Tuning, ExperimentError> {
        let text = read::text_of(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Tuning::parse(&text, &path.display().to_string(), folder, catalog)
    }

    /// Reads a text; `file` is its name in errors, and files that it names are relative to `folder`.
    ///
    /// # Errors
    /// The first mistake with its line and column.
    pub fn parse(
        text: &str,
        file: &str,
        folder: &Path,
        catalog: &Catalog,
    ) -> Result<Tuning, ExperimentError> {
        let source = Source { file, text };
        let table = read::parse(source)?;
        let places = Places::of(file, table.get_ref());
        let document = Document::deserialize(toml::Deserializer::from(table)).map_err(|e| source.toml(&e))?;
        Reader { source, catalog, folder, places: &places }.complete(document)
    }

    /// A complaint about the part of the file at `path`.
    pub(crate) fn complain(&self, path: &str, message: impl Into<String>) -> ExperimentError {
        self.places.complain(&self.text, path, message)
    }

    /// What the results are a function of, as canonical JSON: everything but the executor, which never changes a result, and the
    /// budget, which may change because every result is a function of its configuration and epochs alone.
    pub(crate) fn identity(&self) -> String {
        let mut value = canonical::to_value(self);
        if let Some(map) = value.as_object_mut() {
            for key in ["executor", "configurations", "epochs"] {
                map.remove(key);
            }
            plugin_limits::add(map, &self.text);
        }
        canonical::to_text(&value)
    }

    pub(crate) fn plan(&self) -> Plan {
        let rungs = match self.method {
            Method::Halving => Plan::rungs(self.grace_epochs, self.reduction, self.max_epochs),
            Method::Random => vec![self.max_epochs],
        };
        Plan {
            rungs,
            reduction: self.reduction,
            workers: self.workers,
            configurations: self.configurations.unwrap_or(MAX),
            epochs: self.epochs.unwrap_or(u64::MAX),
        }
    }
}

struct Reader<'a> {
    source: Source<'a>,
    catalog: &'a Catalog,
    folder: &'a Path,
    places: &'a Places,
}

impl Reader<'_> {
    fn complete(&self, document: Document) -> Result<Tuning, ExperimentError> {
        let source = self.source;
        if document.name.get_ref().trim().is_empty() {
            return Err(source.error(document.name.span(), "`name` is empty: give the tuning a name"));
        }
        let evaluator = self.evaluator(&document)?;
        let executor = self.executor(&document)?;
        let data = match &document.data {
            Some(data) => Some(DataSource {
                id: data.id.get_ref().clone(),
                parameters: parameters::free(source, &data.parameters)?,
            }),
            None => None,
        };
        let tune_span = document.tune.span();
        let tune = document.tune.into_inner();
        if tune.configurations.is_none() && tune.epochs.is_none() {
            let message =
                "[tune] has no end: give `configurations` or `epochs`, the most that are trained in all";
            return Err(source.error(tune_span, message));
        }
        let max_epochs = self.count("tune.max_epochs", &tune.max_epochs, 1, 100_000)?;
        let recipe = self.base(document.recipe, max_epochs)?;
        let (metric, goal) = self.metric(&tune, &evaluator)?;
        Ok(Tuning {
            name: document.name.into_inner(),
            seed: document.seed,
            cnn: document.cnn.as_ref().map(|cnn| self.cnn(cnn)).transpose()?,
            image: document.image.as_ref().map(|image| self.image(image)).transpose()?,
            data,
            evaluator,
            method: tune.method.unwrap_or(Method::Halving),
            grace_epochs: self.optional(
                "tune.grace_epochs",
                tune.grace_epochs.as_ref(),
                1,
                [1, max_epochs],
            )?,
            max_epochs,
            reduction: self.optional("tune.reduction", tune.reduction.as_ref(), 3, [2, 10])?,
            workers: self.optional("tune.workers", tune.workers.as_ref(), 4, [1, 10_000])?,
            configurations: self.limit("tune.configurations", tune.configurations.as_ref(), 1)?,
            epochs: self.limit("tune.epochs", tune.epochs.as_ref(), 1)?,
            metric,
            goal,
            space: self.space(&tune.recipe, &recipe)?,
            recipe,
            executor,
            text: source.text.to_owned(),
            places: self.places.clone(),
        })
    }

    fn evaluator(&self, document: &Document) -> Result<PluginUse, ExperimentError> {
        let Some(used) = &document.evaluator else {
            let plugin = EVALUATOR.to_owned();
            let parameters = self.catalog.complete(&plugin, &Parameters::new());
            let parameters = parameters.map_err(|e| self.source.error(0..0, e.to_string()))?;
            return Ok(PluginUse { plugin, parameters });
        };
        let (_, parameters) =
            parameters::plugin(self.source, self.catalog, Kind::Evaluator, &used.plugin, &used.parameters)?;
        Ok(PluginUse { plugin: used.plugin.get_ref().clone(), parameters })
    }

    fn executor(&self, document: &Document) -> Result<PluginUse, ExperimentError> {
        let Some(used) = &document.executor else {
            let plugin = executor::ID.to_owned();
            let parameters = self.catalog.complete(&plugin, &Parameters::new()).unwrap_or_default();
            return Ok(PluginUse { plugin, parameters });
        };
        let (_, parameters) =
            parameters::plugin(self.source, self.catalog, Kind::Executor, &used.plugin, &used.parameters)?;
        Ok(PluginUse { plugin: used.plugin.get_ref().clone(), parameters })
    }

    fn cnn(&self, cnn: &Spanned<String>) -> Result<Cnn, ExperimentError> {
        let name = cnn.get_ref();
        let refuse = |message: String| self.source.error(cnn.span(), message);
        let extension = Path::new(name).extension().and_then(|e| e.to_str()).unwrap_or_default();
        let Some(format) = Format::of_extension(extension) else {
            named::find(name).map_err(|e| refuse(format!("{e}; a CNN file ends in `.json` or `.toml`")))?;
            return Ok(Cnn::Named(name.clone()));
        };
        let path = self.folder.join(name);
        let text = read::text_of(&path).map_err(|e| refuse(e.to_string()))?;
        let shown = path.display().to_string();
        let parsed =
            cnn_file::parse_located(&text, format).map_err(|e| refuse(e.in_file(&shown).to_string()))?;
        Ok(Cnn::Graph(parsed.0.graph))
    }

    fn base(&self, recipe: Option<Recipe>, max_epochs: u64) -> Result<Recipe, ExperimentError> {
        for field in ["epochs", "schedule_epochs"] {
            if self.places.has(&format!("recipe.{field}")) {
                let message = format!("recipe `{field}` comes from [tune] here: leave it out");
                return Err(self.places.complain(self.source.text, &format!("recipe.{field}"), message));
            }
        }
        let recipe = Recipe { epochs: max_epochs, ..recipe.unwrap_or_default() };
        recipe.check().map(|()| recipe).map_err(|e| {
            self.places.complain(self.source.text, &format!("recipe.{}", e.field), e.to_string())
        })
    }

    fn count(&self, name: &str, value: &Spanned<u64>, min: u64, max: u64) -> Result<u64, ExperimentError> {
        let count = *value.get_ref();
        if (min..=max).contains(&count) {
            return Ok(count);
        }
        let message = format!("`{name}` = {count} is out of range: give {min} to {max}");
        Err(self.source.error(value.span(), message))
    }

    fn optional(
        &self,
        name: &str,
        value: Option<&Spanned<u64>>,
        default: u64,
        [min, max]: [u64; 2],
    ) -> Result<u64, ExperimentError> {
        value.map_or(Ok(default), |value| self.count(name, value, min, max))
    }

    fn limit(
        &self,
        name: &str,
        value: Option<&Spanned<u64>>,
        min: u64,
    ) -> Result<Option<u64>, ExperimentError> {
        value.map(|value| self.count(name, value, min, MAX)).transpose()
    }

    fn image(&self, image: &Image) -> Result<ImageShape, ExperimentError> {
        let limit = u64::from(u32::MAX);
        Ok(ImageShape {
            input: TensorShape {
                channels: self.count("image.channels", &image.channels, 1, limit)?,
                height: self.count("image.height", &image.height, 1, limit)?,
                width: self.count("image.width", &image.width, 1, limit)?,
            },
            classes: self.count("image.classes", &image.classes, 1, limit)?,
        })
    }

    fn metric(&self, tune: &Tune, evaluator: &PluginUse) -> Result<(String, Goal), ExperimentError> {
        let span = tune.metric.as_ref().map_or(0..0, Spanned::span);
        let name = tune.metric.as_ref().map_or(METRIC, |metric| metric.get_ref().as_str());
        let refuse = |message: String| Err(self.source.error(span, message));
        if name.starts_with("test_") {
            return refuse(format!(
                "metric `{name}` is taken on the test split, which the search must not see: use the validation split's"
            ));
        }
        let metrics = self.catalog.get(&evaluator.plugin).map(|entry| entry.info.metrics.clone());
        let metrics = metrics.unwrap_or_default();
        let known: Vec<&str> =
            metrics.iter().map(String::as_str).filter(|metric| !metric.starts_with("test_")).collect();
        if !known.is_empty() && !known.contains(&name) {
            let id = &evaluator.plugin;
            return refuse(format!("plugin `{id}` gives no metric `{name}`{}", hint(name, &known)));
        }
        let falls = name.ends_with("loss") || name.ends_with("error");
        let goal = tune.goal.unwrap_or(if falls { Goal::Minimise } else { Goal::Maximise });
        Ok((name.to_owned(), goal))
    }

    fn space(&self, raw: &Spanned<RawParameters>, base: &Recipe) -> Result<RecipeSpace, ExperimentError> {
        let mut space = BTreeMap::new();
        let fields = RecipeSpace::fields();
        for (key, value) in raw.get_ref() {
            let name = key.get_ref();
            if ["epochs", "schedule_epochs"].contains(&name.as_str()) {
                let message = format!("recipe `{name}` comes from [tune] itself: leave it out");
                return Err(self.source.error(key.span(), message));
            }
            let Some(default) = fields.get(name) else {
                let known: Vec<&str> = fields.keys().map(String::as_str).filter(|k| *k != "epochs").collect();
                let message = format!("a recipe has no field `{name}`{}", hint(name, &known));
                return Err(self.source.error(key.span(), message));
            };
            let values = self.values(name, value, default)?;
            let tried = match &values {
                Values::List(list) => list.clone(),
                Values::Range { min, max, whole: true, .. } => {
                    [min, max].map(|x| serde_json::Value::from(*x as u64)).to_vec()
                }
                Values::Range { min, max, .. } => [min, max].map(|x| serde_json::Value::from(*x)).to_vec(),
            };
            for tried in tried {
                let one = BTreeMap::from([(name.clone(), tried)]);
                if let Err(message) = RecipeSpace::applied(base, &one) {
                    let message = if message.starts_with("recipe `") {
                        message
                    } else {
                        format!("`{name}`: {message}")
                    };
                    return Err(self.source.error(value.span(), message));
                }
            }
            space.insert(name.clone(), values);
        }
        if space.is_empty() {
            let message =
                "[tune.recipe] is empty: give at least one field of the recipe a list of values or a range";
            return Err(self.source.error(raw.span(), message));
        }
        Ok(RecipeSpace(space))
    }

    fn values(
        &self,
        name: &str,
        value: &Spanned<toml::Value>,
        default: &serde_json::Value,
    ) -> Result<Values, ExperimentError> {
        let refuse = |message: String| Err(self.source.error(value.span(), message));
        match value.get_ref() {
            toml::Value::Array(list) if list.is_empty() => {
                refuse(format!("`{name}` has no value: give at least one"))
            }
            toml::Value::Array(list) => {
                let json: Vec<serde_json::Value> = list.iter().map(canonical::to_value).collect();
                for (i, one) in json.iter().enumerate() {
                    if json.iter().take(i).any(|other| other == one) {
                        return refuse(format!("`{name}` lists {one} twice: leave one of the two out"));
                    }
                }
                Ok(Values::List(json))
            }
            toml::Value::Table(table) if default.is_number() => {
                let range = Range::deserialize(table.clone()).map_err(|e| {
                    self.source.error(value.span(), format!("`{name}`: {}", e.message().trim_end()))
                })?;
                self.range(name, value, &range, default.is_u64())
            }
            _ if default.is_number() => refuse(format!(
                "`{name}` is a list of values or a range here: write [1, 2] or {{ min = 1, max = 2, scale = \"log\" }}"
            )),
            _ => refuse(format!("`{name}` is a list of values here: write them between brackets")),
        }
    }

    fn range(
        &self,
        name: &str,
        value: &Spanned<toml::Value>,
        range: &Range,
        whole: bool,
    ) -> Result<Values, ExperimentError> {
        let Range { min, max, scale } = *range;
        let refuse = |message: String| Err(self.source.error(value.span(), message));
        if min >= max {
            return refuse(format!(
                "the range of `{name}` is empty: `min` = {min} is not below `max` = {max}"
            ));
        }
        if whole && (min.fract() != 0.0 || max.fract() != 0.0 || min < 0.0) {
            return refuse(format!("`{name}` is a whole number: give whole numbers as `min` and `max`"));
        }
        if scale == Scale::Log && min <= 0.0 {
            return refuse(format!(
                "`{name}` from {min} has no logarithm: give a `min` above 0, or `scale = \"linear\"`"
            ));
        }
        Ok(Values::Range { min, max, log: scale == Scale::Log, whole })
    }
}
