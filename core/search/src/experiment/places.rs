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

/// Tables whose values are placed. Lists within them are placed as a whole.
const TABLES: [&str; 7] = ["space", "image", "data", "recipe", "strategy", "executor", "evaluator"];

impl Places {
    /// The places of what `table` holds; `file` is the name of the file in errors.
    pub(super) fn of(file: &str, table: &DeTable<'_>) -> Places {
        let mut places = Places { file: file.to_owned(), spans: BTreeMap::new() };
        for (key, value) in table.iter().filter(|(key, _)| TABLES.contains(&key.get_ref().as_ref())) {
            let name = key.get_ref().as_ref();
            places.spans.insert(name.to_owned(), key.span());
            match value.get_ref() {
                DeValue::Table(table) => places.add(name, table),
                DeValue::Array(items) => {
                    for (i, item) in items.iter().enumerate() {
                        if let DeValue::Table(table) = item.get_ref() {
                            places.add(&format!("{name}[{i}]"), table);
                        }
                    }
                }
                _ => {}
            }
        }
        places
    }

    fn add(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let value: &Spanned<DeValue<'_>> = value;
            self.spans.insert(format!("{prefix}.{}", key.get_ref()), value.span());
        }
    }

    /// A complaint about the value at `path`, or about the table that would hold it; `text` is that of the file. Without
    /// either, about the beginning.
    pub(crate) fn complain(&self, text: &str, path: &str, message: impl Into<String>) -> ExperimentError {
        let table = path.split(['.', '[']).next().unwrap_or(path);
        let span = self.spans.get(path).or_else(|| self.spans.get(table)).cloned().unwrap_or(0..0);
        Source { file: &self.file, text }.error(span, message)
    }
}
