//! Reading a table of metrics: CSV, plain or gzipped, or Parquet.

use crate::parquet_file;
use crate::table::{list, text};
use codebench_sdk::model::Parameters;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::io::Read;

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One column per choice, with its value.
    Values,
    /// One column with the indices of choices.
    JoinedIndices,
    /// One column with the values of choices.
    JoinedValues,
}

/// What is read from where.
pub(crate) struct Settings<'a> {
    pub(crate) file: &'a str,
    /// Columns, separated by commas.
    pub(crate) key: &'a str,
    /// `column` or `name = column`, separated by commas.
    pub(crate) metrics: &'a str,
    pub(crate) sha256: &'a str,
    /// Whether the key is a single column.
    pub(crate) joined: bool,
}

/// Rows by key.
pub(crate) struct Table {
    file: String,
    sha256: String,
    key: Vec<String>,
    joined: bool,
    /// Names of the metrics, parallel to a row's values.
    names: Vec<String>,
    /// Values of every row; `None` is an empty cell.
    rows: HashMap<Vec<String>, Vec<Option<f64>>>,
}

impl Table {
    /// Reads the whole file.
    ///
    /// # Errors
    /// A message with file, row (the header is row 1) and column.
    pub(crate) fn read(settings: &Settings<'_>) -> Result<Table, String> {
        let file = settings.file;
        let Cells { header, rows, sha256 } = cells(settings)?;
        let key = list(settings.key);
        let columns = Columns::new(&header, &key, settings)?;
        let mut table = Table {
            file: file.to_owned(),
            sha256,
            key,
            joined: settings.joined,
            names: columns.metrics.iter().map(|(name, _)| name.clone()).collect(),
            rows: HashMap::new(),
        };
        let mut row_of: HashMap<Vec<String>, u64> = HashMap::new();
        for (record, row) in rows.iter().zip(2u64..) {
            let key: Vec<String> = columns.key.iter().map(|at| table.canonical(cell(record, *at))).collect();
            let values = columns.values(record, &header).map_err(|e| format!("{file}: row {row}, {e}"))?;
            if let Some(first) = row_of.insert(key.clone(), row) {
                let described = table.describe(&key);
                return Err(format!(
                    "{file}: rows {first} and {row} have the same key ({described}): keep one of them"
                ));
            }
            table.rows.insert(key, values);
        }
        if table.rows.is_empty() {
            return Err(format!("{file} has no rows below its header: give a table with rows"));
        }
        Ok(table)
    }

    /// SHA-256 of the file, hexadecimal.
    pub(crate) fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The file, for messages.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// The key of a candidate whose choices are columns: empty where a choice does not apply.
    pub(crate) fn key_of_values(&self, values: &Parameters) -> Vec<String> {
        let value = |name: &String| values.get(name).map(|value| self.canonical(&text(value)));
        self.key.iter().map(|name| value(name).unwrap_or_default()).collect()
    }

    /// Metrics of a row, those of empty cells left out.
    pub(crate) fn metrics(&self, key: &[String]) -> Option<BTreeMap<String, f64>> {
        let values = self.rows.get(key)?;
        Some(
            self.names
                .iter()
                .zip(values)
                .filter_map(|(name, value)| Some((name.clone(), (*value)?)))
                .collect(),
        )
    }

    /// A key as `column = value` of every column.
    pub(crate) fn describe(&self, key: &[String]) -> String {
        let pairs: Vec<String> =
            self.key.iter().zip(key).map(|(name, value)| format!("{name} = {value}")).collect();
        pairs.join(", ")
    }

    /// A cell of a key, so that 1 and 1.0 are equal; a joined key is compared as it is written.
    fn canonical(&self, cell: &str) -> String {
        let cell = cell.trim();
        match cell.parse::<f64>() {
            Ok(x) if !self.joined && x.is_finite() => format!("{}", x + 0.0),
            _ => cell.to_owned(),
        }
    }
}

/// Positions of the columns that are read.
struct Columns {
    key: Vec<usize>,
    /// Metrics by name, with the positions of their columns.
    metrics: Vec<(String, usize)>,
}

impl Columns {
    fn new(header: &[String], key: &[String], settings: &Settings<'_>) -> Result<Columns, String> {
        let file = settings.file;
        if key.is_empty() || (settings.joined && key.len() != 1) {
            let wanted = if settings.joined { "one column for a joined key" } else { "at least one column" };
            return Err(format!("key = {:?}: give {wanted}; {file} has {}", settings.key, header.join(", ")));
        }
        let find = |column: &str| {
            let same: Vec<usize> = (0..header.len()).filter(|i| header[*i] == column).collect();
            match same.as_slice() {
                [at] => Ok(*at),
                [] => Err(format!("{file} has no column `{column}`: it has {}", header.join(", "))),
                _ => Err(format!("{file} has column `{column}` more than once: give every column one name")),
            }
        };
        let keys = key.iter().map(|column| find(column)).collect::<Result<Vec<usize>, String>>()?;
        let mut metrics = Vec::new();
        for entry in list(settings.metrics) {
            let (name, column) =
                entry.split_once('=').map_or((entry.as_str(), entry.as_str()), |(n, c)| (n.trim(), c.trim()));
            metrics.push((name.to_owned(), find(column)?));
        }
        if metrics.is_empty() {
            let others = header.iter().filter(|column| !key.contains(column));
            metrics =
                others.map(|column| Ok((column.clone(), find(column)?))).collect::<Result<_, String>>()?;
        }
        let mut names = std::collections::BTreeSet::new();
        for (name, at) in &metrics {
            if !is_metric_name(name) {
                return Err(format!(
                    "{file}: column `{}` as metric `{name}`: write `name = column` in `metrics`, the name in lower case letters, \
                     digits and underscores",
                    header[*at]
                ));
            }
            if !names.insert(name) {
                return Err(format!(
                    "metric `{name}` is given twice in `metrics`: give every metric one column"
                ));
            }
        }
        Ok(Columns { key: keys, metrics })
    }

    fn values(&self, record: &[String], header: &[String]) -> Result<Vec<Option<f64>>, String> {
        let value = |(_, at): &(String, usize)| {
            let cell = cell(record, *at).trim();
            match cell.parse::<f64>() {
                Ok(x) if x.is_finite() => Ok(Some(x)),
                _ if cell.is_empty() => Ok(None),
                _ => Err(format!(
                    "column `{}`: {cell:?} is no finite number: mend the cell, leave it empty, or list the columns that are numbers \
                     in `metrics`",
                    header[*at]
                )),
            }
        };
        self.metrics.iter().map(value).collect()
    }
}

fn cell(record: &[String], at: usize) -> &str {
    record.get(at).map_or("", String::as_str)
}

/// What a file holds.
struct Cells {
    header: Vec<String>,
    /// Below the header.
    rows: Vec<Vec<String>>,
    /// Of the file, hexadecimal.
    sha256: String,
}

fn cells(settings: &Settings<'_>) -> Result<Cells, String> {
    let (bytes, sha256) = bytes_of(settings)?;
    let file = settings.file;
    let trimmed = |header: Vec<String>| header.iter().map(|cell| cell.trim().to_owned()).collect();
    if bytes.starts_with(parquet_file::MAGIC) {
        return parquet_file::cells(file, bytes).map(|(header, rows)| Cells {
            header: trimmed(header),
            rows,
            sha256,
        });
    }
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let texts = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<String>>();
    let header = match reader.headers() {
        Ok(header) => trimmed(texts(header)),
        Err(e) => return Err(format!("{file}: row 1 is no header: {e}")),
    };
    let mut rows = Vec::new();
    for (record, row) in reader.records().zip(2u64..) {
        rows.push(texts(&record.map_err(|e| format!("{file}: row {row} cannot be read: {e}"))?));
    }
    Ok(Cells { header, rows, sha256 })
}

fn is_metric_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// The file's bytes, unpacked, and the SHA-256 of the file.
fn bytes_of(settings: &Settings<'_>) -> Result<(Vec<u8>, String), String> {
    let file = settings.file;
    let raw = std::fs::read(file).map_err(|e| {
        format!("{file} cannot be read: {e}; give the path of a table, relative to where codebench runs")
    })?;
    let is: String = Sha256::digest(&raw).iter().map(|byte| format!("{byte:02x}")).collect();
    if !settings.sha256.is_empty() && !is.eq_ignore_ascii_case(settings.sha256) {
        return Err(format!(
            "{file} has SHA-256 {is}, not {}: give that file, or leave `sha256` out",
            settings.sha256
        ));
    }
    if !raw.starts_with(&[0x1f, 0x8b]) {
        return Ok((raw, is));
    }
    let mut bytes = Vec::new();
    match flate2::read::MultiGzDecoder::new(raw.as_slice()).read_to_end(&mut bytes) {
        Ok(_) => Ok((bytes, is)),
        Err(e) => Err(format!("{file} cannot be unpacked: {e}; fetch it again")),
    }
}
