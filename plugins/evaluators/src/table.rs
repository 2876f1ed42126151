//! The evaluator `codebench/table`: metrics that were measured before.

use crate::table_file::{Form, Settings, Table};
use codebench_sdk::prelude::*;

/// Looks candidates up in a table of measured metrics.
pub struct TableLookup {
    table: Table,
    /// Names of the choices whose values make up a joined key; all if empty.
    choices: Vec<String>,
    /// Number of the first choices whose indices make up a joined key; all if 0.
    leading: usize,
    form: Form,
    separator: String,
    missing_is_infeasible: bool,
}

impl Plugin for TableLookup {
    type Kind = kinds::Evaluator;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/table",
            env!("CARGO_PKG_VERSION"),
            "Looks a candidate's metrics up in a table (CSV, also gzipped, or Parquet) of networks that were measured before.",
        )
        .parameters(vec![
            ParameterDescription::text("file", "", "The table: CSV with a header line, plain or gzipped, or Parquet.").required(),
            ParameterDescription::text("key", "", "Columns that name the candidate, separated by commas.").required(),
            ParameterDescription::choice(
                "form",
                &["values", "joined-indices", "joined-values"],
                "values",
                "What the key holds: columns called as choices, with their values, empty where a choice does not apply; or one \
                 column with the indices, or the values, of the choices one after another.",
            ),
            ParameterDescription::text(
                "choices",
                "",
                "For joined values: names of the choices in the order of the key, separated by commas. Empty is all, by name.",
            ),
            ParameterDescription::integer(
                "leading",
                0,
                100_000,
                0,
                "For joined indices: how many of the space's first choices make up the key; 0 is all.",
            ),
            ParameterDescription::text("separator", "", "For joined keys: what stands between two choices."),
            ParameterDescription::text(
                "metrics",
                "",
                "Columns that become metrics, separated by commas; `name = column` renames. Names that begin with test_ stay \
                 hidden from the search. Empty is every column but the key, under its own name.",
            ),
            ParameterDescription::choice(
                "missing",
                &["failed", "infeasible"],
                "failed",
                "How a trial ends whose candidate the table does not have.",
            ),
            ParameterDescription::text("sha256", "", "SHA-256 of the file, hexadecimal; any other file is refused. Empty: not checked."),
        ])
        .example(
            "NAS-Bench-201 with the test accuracy hidden",
            "[[evaluator]]\nid = \"table\"\nplugin = \"codebench/table\"\n\
             parameters = { file = \"nasbench201.csv.gz\", key = \"ops\", form = \"joined-indices\", \
             metrics = \"validation_accuracy = c10_val_e200, test_accuracy = c10_test_e200\" }\n",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let form = match configuration.text("form")? {
            "joined-indices" => Form::JoinedIndices,
            "joined-values" => Form::JoinedValues,
            _ => Form::Values,
        };
        let settings = Settings {
            file: configuration.text("file")?,
            key: configuration.text("key")?,
            metrics: configuration.text("metrics")?,
            sha256: configuration.text("sha256")?,
            joined: form != Form::Values,
        };
        Ok(TableLookup {
            table: Table::read(&settings).map_err(PluginError::invalid)?,
            choices: list(configuration.text("choices")?),
            leading: usize::try_from(configuration.integer("leading")?).unwrap_or(0),
            form,
            separator: configuration.text("separator")?.to_owned(),
            missing_is_infeasible: configuration.text("missing")? == "infeasible",
        })
    }
}

/// The entries of a list separated by commas.
pub(crate) fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
}

impl Evaluator for TableLookup {
    fn reads(&self) -> Reads {
        Reads { candidate: true, contents: Some(self.table.sha256().to_owned()), ..Reads::default() }
    }

    fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError> {
        if job.candidate.0.is_empty() && job.values.is_empty() {
            return Err(PluginError::invalid(
                "the job has no candidate by which the table could be looked up: give the job `candidate` and `values`",
            ));
        }
        let key = match self.form {
            Form::Values => self.table.key_of_values(&job.values),
            Form::JoinedIndices => self.joined_indices(&job.candidate),
            Form::JoinedValues => self.joined_values(&job.values),
        };
        match self.table.metrics(&key) {
            Some(values) => Ok(Metrics { values, ..Metrics::default() }),
            None => {
                let message = format!(
                    "{} has no row with {}: give a table of the whole space, or `missing = \"infeasible\"`",
                    self.table.file(),
                    self.table.describe(&key)
                );
                let failed =
                    if self.missing_is_infeasible { PluginError::infeasible } else { PluginError::failed };
                Err(failed(message))
            }
        }
    }
}

impl TableLookup {
    fn joined_indices(&self, candidate: &Genotype) -> Vec<String> {
        let count = if self.leading == 0 { candidate.0.len() } else { self.leading };
        let parts: Vec<String> = candidate.0.iter().take(count).map(u32::to_string).collect();
        vec![parts.join(&self.separator)]
    }

    fn joined_values(&self, values: &Parameters) -> Vec<String> {
        let parts: Vec<String> = match self.choices.is_empty() {
            true => values.values().map(text).collect(),
            false => self.choices.iter().filter_map(|name| values.get(name)).map(text).collect(),
        };
        vec![parts.join(&self.separator)]
    }
}

/// A value as a table has it, without quotes.
pub(crate) fn text(value: &ParameterValue) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
