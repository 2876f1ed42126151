//! Text to [`Experiment`]: every check that needs no plugin to run.

use super::document::{self, Document};
use super::error::{ExperimentError, Source, hint};
use super::places::Places;
use super::{Budget, EvaluatorUse, Experiment, ImageShape, PluginUse, parameters, space_table};
use crate::executor;
use crate::objective::{Aim, Axis, Constraint, MetricName, Objective, Term};
use codebench_api::{Catalog, Entry, Kind};
use codebench_model::{DataSource, Parameters, Recipe, TensorShape};
use serde::Deserialize;
use std::io::Read;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Candidates asked together when the experiment does not say.
const DEFAULT_BATCH: u64 = 4;
/// Largest number of trials; far beyond what any run can evaluate.
const MAX_TRIALS: u64 = 1_000_000_000;
/// Largest batch: all of it is held in memory.
const MAX_BATCH: u64 = 100_000;
/// Largest file that is read.
const MAX_BYTES: u64 = 16 << 20;

pub(crate) fn text_of(path: &Path) -> Result<String, ExperimentError> {
    let refuse = |reason: String| ExperimentError::Read { file: path.display().to_string(), reason };
    let mut bytes = Vec::new();
    // A device or a pipe does not say how long it is.
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|e| refuse(e.to_string()))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(refuse(format!("it is longer than the limit of {MAX_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|e| {
        refuse(format!("byte {} is not UTF-8; save the file as UTF-8", e.utf8_error().valid_up_to()))
    })
}

pub(super) fn experiment(
    text: &str,
    file: &str,
    folder: &Path,
    catalog: &Catalog,
) -> Result<Experiment, ExperimentError> {
    let source = Source { file, text };
    let mut table = parse(source)?;
    let span = table.span();
    let places = Places::of(file, table.get_ref());
    let space = table.get_mut().remove("space");
    for key in table.get_ref().keys() {
        let name: &str = key.get_ref();
        if !document::KEYS.contains(&name) {
            return Err(
                source.error(key.span(), format!("unknown key `{name}`{}", hint(name, &document::KEYS)))
            );
        }
    }
    let document = Document::deserialize(toml::Deserializer::from(table)).map_err(|e| source.toml(&e))?;
    let Some(space) = space else {
        let message = "missing `[space]`: write it here or name its file, `[space] file = \"spaces/x.toml\"`";
        return Err(source.error(span.start..span.start, message));
    };
    let names = space_table::Known::new(catalog).map_err(|e| source.error(0..0, e))?;
    let space = space_table::read(source, space, folder, &names)?;
    if let Some(Err(e)) = document.recipe.as_ref().map(Recipe::check) {
        return Err(places.complain(text, &format!("recipe.{}", e.field), e.to_string()));
    }
    Reader { source, catalog }.complete(document, space, places)
}

/// TOML without numbers that are not finite.
pub(crate) fn parse<'a>(source: Source<'a>) -> Result<Spanned<DeTable<'a>>, ExperimentError> {
    let table = DeTable::parse(source.text).map_err(|e| source.toml(&e))?;
    let mut values: Vec<&Spanned<DeValue<'_>>> = table.get_ref().values().collect();
    while let Some(value) = values.pop() {
        match value.get_ref() {
            DeValue::Float(x) if !x.as_str().parse::<f64>().is_ok_and(f64::is_finite) => {
                let message = format!("`{}` is not a finite number", x.as_str());
                return Err(source.error(value.span(), message));
            }
            DeValue::Array(items) => values.extend(items.iter()),
            DeValue::Table(table) => values.extend(table.values()),
            _ => {}
        }
    }
    Ok(table)
}

struct Reader<'a> {
    source: Source<'a>,
    catalog: &'a Catalog,
}

impl Reader<'_> {
    fn complete(
        &self,
        document: Document,
        space: codebench_model::Space,
        places: Places,
    ) -> Result<Experiment, ExperimentError> {
        if document.name.get_ref().trim().is_empty() {
            return Err(self
                .source
                .error(document.name.span(), "`name` is empty: give the experiment a name"));
        }
        let (strategy, _) =
            self.plugin(Kind::Strategy, &document.strategy.plugin, &document.strategy.parameters)?;
        let evaluators = self.evaluators(&document.evaluator)?;
        let objective = self.objective(&document, &evaluators)?;
        let executor = match &document.executor {
            Some(executor) => self.plugin(Kind::Executor, &executor.plugin, &executor.parameters)?.0,
            None => self.default_executor(),
        };
        let data = match &document.data {
            Some(data) => Some(DataSource {
                id: data.id.get_ref().clone(),
                parameters: parameters::free(self.source, &data.parameters)?,
            }),
            None => None,
        };
        let image = document.image.as_ref().map(|image| self.image(image)).transpose()?;
        Ok(Experiment {
            name: document.name.into_inner(),
            seed: document.seed,
            space,
            image,
            recipe: document.recipe.or_else(|| data.as_ref().map(|_| Default::default())),
            data,
            strategy,
            budget: self.budget(&document.budget)?,
            evaluators: evaluators.into_iter().map(|(evaluator, _)| evaluator).collect(),
            objective,
            executor,
            text: self.source.text.to_owned(),
            places,
        })
    }

    fn plugin(
        &self,
        kind: Kind,
        id: &Spanned<String>,
        raw: &document::RawParameters,
    ) -> Result<(PluginUse, &Entry), ExperimentError> {
        let (entry, parameters) = parameters::plugin(self.source, self.catalog, kind, id, raw)?;
        Ok((PluginUse { plugin: id.get_ref().clone(), parameters }, entry))
    }

    fn default_executor(&self) -> PluginUse {
        let plugin = executor::ID.to_owned();
        let parameters = self.catalog.complete(&plugin, &Parameters::new()).unwrap_or_default();
        PluginUse { plugin, parameters }
    }

    fn budget(&self, budget: &document::Budget) -> Result<Budget, ExperimentError> {
        let trials = self.count("budget.trials", &budget.trials, MAX_TRIALS)?;
        let batch = match &budget.batch {
            Some(batch) => self.count("budget.batch", batch, MAX_BATCH)?,
            None => DEFAULT_BATCH,
        };
        Ok(Budget { trials, batch })
    }

    fn image(&self, image: &document::Image) -> Result<ImageShape, ExperimentError> {
        let limit = u64::from(u32::MAX);
        Ok(ImageShape {
            input: TensorShape {
                channels: self.count("image.channels", &image.channels, limit)?,
                height: self.count("image.height", &image.height, limit)?,
                width: self.count("image.width", &image.width, limit)?,
            },
            classes: self.count("image.classes", &image.classes, limit)?,
        })
    }

    fn count(&self, name: &str, value: &Spanned<u64>, max: u64) -> Result<u64, ExperimentError> {
        let count = *value.get_ref();
        if (1..=max).contains(&count) {
            return Ok(count);
        }
        Err(self.source.error(value.span(), format!("`{name}` = {count} is out of range: give 1 to {max}")))
    }

    fn evaluators(
        &self,
        raw: &[Spanned<document::Evaluator>],
    ) -> Result<Vec<(EvaluatorUse, &Entry)>, ExperimentError> {
        let mut evaluators: Vec<(EvaluatorUse, &Entry)> = Vec::new();
        for evaluator in raw.iter().map(Spanned::get_ref) {
            let id = evaluator.id.get_ref();
            if !is_identifier(id) {
                let message = format!(
                    "evaluator id `{id}` is malformed: write lower case letters, digits and underscores, a letter first"
                );
                return Err(self.source.error(evaluator.id.span(), message));
            }
            if evaluators.iter().any(|(e, _)| e.id == *id) {
                let message = format!("evaluator id `{id}` is used twice: rename one of them");
                return Err(self.source.error(evaluator.id.span(), message));
            }
            let (plugin, entry) = self.plugin(Kind::Evaluator, &evaluator.plugin, &evaluator.parameters)?;
            let (plugin, parameters) = (plugin.plugin, plugin.parameters);
            evaluators.push((EvaluatorUse { id: id.clone(), plugin, parameters }, entry));
        }
        if evaluators.is_empty() {
            let message = "no `[[evaluator]]`: nothing would be measured";
            return Err(self.source.error(0..0, message));
        }
        Ok(evaluators)
    }

    fn objective(
        &self,
        document: &Document,
        evaluators: &[(EvaluatorUse, &Entry)],
    ) -> Result<Objective, ExperimentError> {
        let metrics = MetricReader { source: self.source, evaluators };
        match (&document.objective, &document.pareto) {
            (Some(sum), None) => metrics.weighted_sum(sum.get_ref()),
            (None, Some(pareto)) => metrics.pareto(pareto.get_ref()),
            (Some(_), Some(pareto)) => {
                let message = "both `[objective]` and `[pareto]`: keep the one that is meant";
                Err(self.source.error(pareto.span(), message))
            }
            (None, None) => {
                let message = "neither `[objective]` (a weighted sum) nor `[pareto]`: say what is wanted";
                Err(self.source.error(0..0, message))
            }
        }
    }
}

struct MetricReader<'a> {
    source: Source<'a>,
    evaluators: &'a [(EvaluatorUse, &'a Entry)],
}

impl MetricReader<'_> {
    fn weighted_sum(&self, sum: &document::WeightedSum) -> Result<Objective, ExperimentError> {
        self.some(&sum.terms, "objective.terms")?;
        let term = |term: &document::Term| {
            Ok(Term {
                metric: self.metric(&term.metric)?,
                weight: self.positive("weight", term.weight.as_ref())?,
                normaliser: self.positive("normaliser", term.normaliser.as_ref())?,
                goal: term.goal,
            })
        };
        let terms = sum.terms.get_ref().iter().map(term).collect::<Result<_, _>>()?;
        Ok(Objective { aim: Aim::WeightedSum(terms), constraints: self.constraints(&sum.constraints)? })
    }

    fn pareto(&self, pareto: &document::Pareto) -> Result<Objective, ExperimentError> {
        self.some(&pareto.objectives, "pareto.objectives")?;
        let mut axes: Vec<Axis> = Vec::new();
        for axis in pareto.objectives.get_ref() {
            let metric = self.metric(&axis.metric)?;
            if axes.iter().any(|a| a.metric == metric) {
                return Err(self
                    .source
                    .error(axis.metric.span(), format!("objective `{metric}` is given twice")));
            }
            axes.push(Axis { metric, goal: axis.goal });
        }
        Ok(Objective { aim: Aim::Pareto(axes), constraints: self.constraints(&pareto.constraints)? })
    }

    fn some<T>(&self, list: &Spanned<Vec<T>>, name: &str) -> Result<(), ExperimentError> {
        if list.get_ref().is_empty() {
            return Err(self
                .source
                .error(list.span(), format!("`{name}` is empty: name at least one metric")));
        }
        Ok(())
    }

    fn constraints(&self, raw: &[Spanned<document::Constraint>]) -> Result<Vec<Constraint>, ExperimentError> {
        raw.iter().map(|c| self.constraint(c)).collect()
    }

    fn constraint(&self, raw: &Spanned<document::Constraint>) -> Result<Constraint, ExperimentError> {
        let document::Constraint { metric, max, min } = raw.get_ref();
        let metric = self.metric(metric)?;
        let message = match (min, max) {
            (None, None) => format!("constraint on `{metric}` bounds nothing: give `max`, `min` or both"),
            (Some(min), Some(max)) if min > max => {
                format!("constraint on `{metric}` cannot hold: `min` = {min} is above `max` = {max}")
            }
            _ => return Ok(Constraint { metric, max: *max, min: *min }),
        };
        Err(self.source.error(raw.span(), message))
    }

    fn positive(&self, name: &str, value: Option<&Spanned<f64>>) -> Result<f64, ExperimentError> {
        let Some(value) = value else { return Ok(1.0) };
        let x = *value.get_ref();
        if x > 0.0 {
            return Ok(x);
        }
        let message = format!("`{name}` = {x} is out of range: give a number above 0; `goal` says which way");
        Err(self.source.error(value.span(), message))
    }

    fn metric(&self, raw: &Spanned<String>) -> Result<MetricName, ExperimentError> {
        let text = raw.get_ref();
        let refuse = |message: String| Err(self.source.error(raw.span(), message));
        let Some((evaluator, metric)) = text.split_once('.').filter(|(_, m)| is_identifier(m)) else {
            return refuse(format!(
                "metric `{text}` is malformed: write `evaluator.metric`, such as `train.loss`"
            ));
        };
        let Some((_, entry)) = self.evaluators.iter().find(|(e, _)| e.id == evaluator) else {
            let known: Vec<&str> = self.evaluators.iter().map(|(e, _)| e.id.as_str()).collect();
            return refuse(format!("metric `{text}` is of an unknown evaluator{}", hint(evaluator, &known)));
        };
        if metric.starts_with("test_") {
            return refuse(format!(
                "metric `{text}` is taken on the test split, which the search must not see: use the validation split's"
            ));
        }
        let known: Vec<&str> = entry.info.metrics.iter().map(String::as_str).collect();
        if !known.is_empty() && !known.contains(&metric) {
            let id = &entry.info.id;
            let usable: Vec<&str> = known.into_iter().filter(|m| !m.starts_with("test_")).collect();
            return refuse(format!("plugin `{id}` gives no metric `{metric}`{}", hint(metric, &usable)));
        }
        Ok(MetricName { evaluator: evaluator.to_owned(), metric: metric.to_owned() })
    }
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
