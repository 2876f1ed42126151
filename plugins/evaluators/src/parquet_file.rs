//! Rows of a Parquet file, as the texts of their cells.

use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

/// First bytes of a Parquet file.
pub(crate) const MAGIC: &[u8] = b"PAR1";

/// Names of the columns in the file's `bytes`, and the cells of every row in their order; an absent value is empty.
///
/// # Errors
/// A file that is damaged, or a compression that this program does not know.
pub(crate) fn cells(path: &str, bytes: Vec<u8>) -> Result<(Vec<String>, Vec<Vec<String>>), String> {
    let refuse = |e: &dyn std::fmt::Display| {
        format!("{path} cannot be read as Parquet: {e}; write it uncompressed, or with Snappy or gzip")
    };
    // The reader panics on some files that are damaged.
    let read =
        std::panic::catch_unwind(move || read(bytes.into())).unwrap_or_else(|_| Err("it is damaged".into()));
    read.map_err(|e| refuse(&e))
}

fn read(bytes: Bytes) -> Result<(Vec<String>, Vec<Vec<String>>), String> {
    let refuse = |e: &dyn std::fmt::Display| e.to_string();
    let reader = SerializedFileReader::new(bytes).map_err(|e| refuse(&e))?;
    let columns = reader.metadata().file_metadata().schema().get_fields();
    let header = columns.iter().map(|column| column.name().to_owned()).collect();
    let mut rows = Vec::new();
    for row in reader.get_row_iter(None).map_err(|e| refuse(&e))? {
        let row = row.map_err(|e| refuse(&e))?;
        rows.push(row.get_column_iter().map(|(_, field)| text(field)).collect());
    }
    Ok((header, rows))
}

fn text(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => String::from_utf8_lossy(bytes.data()).into_owned(),
        Field::Float(x) => x.to_string(),
        Field::Double(x) => x.to_string(),
        other => other.to_string(),
    }
}
