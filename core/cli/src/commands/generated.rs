//! `codebench cnn count` of a generation file: how many modules, heads and CNNs it describes.

use crate::input::read_text;
use crate::table::Table;
use crate::{Failure, OrFail, catalog};
use codebench_cnn::Language;
use codebench_cnn::generate::{self, GenerationConfig, GraphHash, SizeCount};
use std::io::Write;
use std::path::Path;

/// The generation file at `file`; `None` if it is anything else.
///
/// # Errors
/// What is wrong with the file: a key, a value, a label.
pub(super) fn load(file: &Path) -> Result<Option<GenerationConfig>, Failure> {
    let shown = file.display().to_string();
    if !file.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) || !file.is_file() {
        return Ok(None);
    }
    let text = read_text(file)?;
    if !GenerationConfig::recognises(&text) {
        return Ok(None);
    }
    let config = GenerationConfig::from_toml(&text)
        .map_err(|error| match error {
            generate::GenerateError::File(error) => error.in_file(&shown).into(),
            other => anyhow::Error::new(other).context(format!("`{shown}` cannot be counted")),
        })
        .usage()?;
    let language = Language::new(&catalog()?).failure()?;
    for label in config.labels() {
        let checked = language.check_label(label);
        checked.map_err(|e| GenerationConfig::label_error(&text, label, &e).in_file(&shown)).usage()?;
    }
    Ok(Some(config))
}

/// Writes the counts of `config`.
pub(super) fn count(
    config: &GenerationConfig,
    merged: bool,
    json: bool,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let by = if merged { GraphHash::Merged } else { GraphHash::Simple };
    let counts = generate::count(config, by).usage()?;
    if json {
        return Ok(writeln!(out, "{}", serde_json::to_string_pretty(&counts).failure()?)?);
    }
    for (what, sizes) in [("modules", &counts.modules), ("heads", &counts.heads)] {
        sizes_table(what, sizes).write(out)?;
        writeln!(out)?;
    }
    let mut table = Table::new(&["stacks", "modules", "CNNs", "CNNs up to here"]);
    for count in &counts.graphs {
        let (stacks, modules) = (count.stacks.to_string(), count.modules.to_string());
        table.row([stacks, modules, count.exactly.to_string(), count.up_to.to_string()]);
    }
    Ok(table.write(out)?)
}

fn sizes_table(what: &str, sizes: &[SizeCount]) -> Table {
    let mut table = Table::new(&["vertices", &format!("{what} up to here"), "with labels in every order"]);
    for size in sizes {
        table.row([size.vertices.to_string(), size.distinct.to_string(), size.labelled.to_string()]);
    }
    table
}
