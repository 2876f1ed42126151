//! `[space]`: written in the experiment, or in a file of its own.

use super::error::{ExperimentError, Source};
use super::{accelerator_file, read};
use codebench_api::Catalog;
use codebench_cnn::Language;
use codebench_model::{CnnGraph, Space};
use codebench_space::{Names, SpaceDescription};
use serde::Deserialize;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What the CNN language of a catalogue knows.
pub(super) struct Known<'c> {
    catalog: &'c Catalog,
    language: Language,
}

impl<'c> Known<'c> {
    pub(super) fn new(catalog: &'c Catalog) -> Result<Known<'c>, String> {
        let language =
            Language::new(catalog).map_err(|e| format!("the CNN language cannot be put together: {e}"))?;
        Ok(Known { catalog, language })
    }
}

impl Names for Known<'_> {
    fn network(&self, name: &str) -> Result<CnnGraph, String> {
        codebench_cnn::named::find(name).map(|network| network.graph).map_err(|e| e.to_string())
    }

    fn label(&self, label: &str) -> Result<(), String> {
        self.language.check_label(label)
    }
}

/// Reads the space of the file `path`: a file of a space, or an experiment with its `[space]`.
///
/// # Errors
/// A file that cannot be read, or the first mistake in its space with line and column.
pub fn read_space(path: &Path, catalog: &Catalog) -> Result<Space, ExperimentError> {
    let text = read::text_of(path)?;
    let shown = path.display().to_string();
    let source = Source { file: &shown, text: &text };
    let names = Known::new(catalog).map_err(|e| source.error(0..0, e))?;
    let mut table = read::parse(source)?;
    match table.get_mut().remove("space") {
        Some(space) => self::read(source, space, folder(path), &names),
        None => compile(source, table, folder(path), &names),
    }
}

/// The folder that paths in a file are relative to.
fn folder(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

/// The compiled space of the value of `space`; a file that it names is relative to `folder`.
pub(super) fn read(
    source: Source<'_>,
    space: Spanned<DeValue<'_>>,
    folder: &Path,
    names: &Known<'_>,
) -> Result<Space, ExperimentError> {
    let span = space.span();
    let DeValue::Table(table) = space.into_inner() else {
        return Err(source.error(span, "`space` is a table: write `[space]`"));
    };
    let Some(file) = table.get("file") else {
        return compile(source, Spanned::new(span, table), folder, names);
    };
    if let Some(other) = table.keys().find(|key| key.get_ref().as_ref() != "file") {
        let message =
            format!("`{}` beside `file`: write the space here or in its file, not both", other.get_ref());
        return Err(source.error(other.span(), message));
    }
    let Some(name) = file.get_ref().as_str() else {
        return Err(source.error(file.span(), "`space.file` is a path, written as a text"));
    };
    let path = folder.join(name);
    let text = read::text_of(&path).map_err(|e| source.error(file.span(), e.to_string()))?;
    let shown = path.display().to_string();
    let inner = Source { file: &shown, text: &text };
    compile(inner, read::parse(inner)?, self::folder(&path), names)
}

fn compile(
    source: Source<'_>,
    table: Spanned<DeTable<'_>>,
    folder: &Path,
    names: &Known<'_>,
) -> Result<Space, ExperimentError> {
    let mut rest = table.clone();
    let names_file = |accelerator: &Spanned<DeValue<'_>>| match accelerator.get_ref() {
        DeValue::Table(entries) => entries.contains_key(accelerator_file::KEY),
        _ => false,
    };
    let described = match table.get_ref().get("accelerator").filter(|a| names_file(a)) {
        Some(accelerator) => {
            rest.get_mut().remove("accelerator");
            Some(accelerator_file::read(source, accelerator, folder, names.catalog)?)
        }
        None => None,
    };
    let mut description =
        SpaceDescription::deserialize(toml::Deserializer::from(rest)).map_err(|e| source.toml(&e))?;
    description.accelerator = described.or(description.accelerator);
    description.compile_with(names).map_err(|e| {
        let span = e.path().and_then(|path| find(table.get_ref(), path));
        let start = table.span().start;
        source.error(span.unwrap_or(start..start), e.to_string())
    })
}

/// Where a path such as `cnn.ops[2]` stands; as much of it as there is.
fn find(table: &DeTable<'_>, path: &str) -> Option<Range<usize>> {
    let mut here: Option<&Spanned<DeValue<'_>>> = None;
    let steps = path.split(['.', '[']).map(|step| step.trim_end_matches(']'));
    for step in steps {
        let next = match here.map(Spanned::get_ref) {
            None => table.get(step),
            Some(DeValue::Table(table)) => table.get(step),
            Some(DeValue::Array(items)) => step.parse::<usize>().ok().and_then(|i| items.get(i)),
            Some(_) => None,
        };
        match next {
            Some(value) => here = Some(value),
            None => break,
        }
    }
    here.map(Spanned::span)
}
