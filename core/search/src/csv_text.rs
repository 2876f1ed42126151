//! Comma-separated values as the crate `csv` quotes them, lines ended by `\n`.

/// The rows, each of as many fields as the first, as one text.
///
/// # Errors
/// Rows of different lengths.
pub(crate) fn csv_text(rows: impl IntoIterator<Item = Vec<String>>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(&row)?;
    }
    writer.into_inner().map_err(|e| e.into_error().into())
}

#[cfg(test)]
mod tests {
    use super::csv_text;

    #[test]
    fn fields_with_separators_are_quoted() {
        let rows = [
            vec!["a".to_owned(), "b,c".into(), "say \"no\"\nthen".into(), String::new()],
            vec!["\r".into(), "1.5e-9".into(), "-0.0".into(), "\u{e9}".into()],
        ];
        let text = csv_text(rows.clone()).unwrap();
        let expected = "a,\"b,c\",\"say \"\"no\"\"\nthen\",\n\"\r\",1.5e-9,-0.0,\u{e9}\n";
        assert_eq!(String::from_utf8(text.clone()).unwrap(), expected);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_slice());
        let read: Vec<Vec<String>> = reader.deserialize().map(Result::unwrap).collect();
        assert_eq!(read, rows);
    }

    #[test]
    fn rows_of_different_lengths_are_refused() {
        assert!(csv_text([vec!["a".into(), "b".into()], vec!["c".into()]]).is_err());
    }
}
