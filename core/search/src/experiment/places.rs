//! Where the parts of an experiment stand in its file, for mistakes that show only once plugins are asked.

use super::error::{ExperimentError, Source};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Bytes of the file by path, such as `recipe.epochs` or `evaluator[0].plugin`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Places {
    file: String,
    spans: BTreeMap<String, Range<usize>>,
}

/// Tables whose values are placed, however deep they stand.
const TABLES: [&str; 9] =
    ["space", "image", "data", "recipe", "strategy", "executor", "evaluator", "cnn", "tune"];

impl Places {
    /// The places of what `table` holds; `file` is the name of the file in errors.
    pub(crate) fn of(file: &str, table: &DeTable<'_>) -> Places {
        let mut places = Places { file: file.to_owned(), spans: BTreeMap::new() };
        for (key, value) in table.iter().filter(|(key, _)| TABLES.contains(&key.get_ref().as_ref())) {
            let name = key.get_ref().as_ref();
            places.spans.insert(name.to_owned(), key.span());
            places.add(name, value);
        }
        places
    }

    fn add(&mut self, path: &str, value: &Spanned<DeValue<'_>>) {
        let mut place = |path: String, value: &Spanned<DeValue<'_>>| {
            self.spans.insert(path.clone(), value.span());
            self.add(&path, value);
        };
        match value.get_ref() {
            DeValue::Table(table) => {
                table.iter().for_each(|(key, value)| place(format!("{path}.{}", key.get_ref()), value));
            }
            DeValue::Array(items) => {
                items.iter().enumerate().for_each(|(i, value)| place(format!("{path}[{i}]"), value));
            }
            _ => {}
        }
    }

    /// Whether the file has something at `path`.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.spans.contains_key(path)
    }

    /// A complaint about the value at `path`, or about the innermost of those around it that the file holds; `text` is that of
    /// the file. Without any, about the beginning.
    pub(crate) fn complain(&self, text: &str, path: &str, message: impl Into<String>) -> ExperimentError {
        let mut around = Some(path);
        let mut span = None;
        while let Some(path) = around.filter(|_| span.is_none()) {
            span = self.spans.get(path).cloned();
            around = path.rfind(['.', '[']).map(|end| &path[..end]);
        }
        Source { file: &self.file, text }.error(span.unwrap_or(0..0), message)
    }
}
