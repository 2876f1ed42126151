//! Comma-separated values (RFC 4180 quoting, `\n` line ends).

/// The rows as one text.
pub(crate) fn csv_text(rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut text = String::new();
    for row in rows {
        let fields: Vec<String> = row.into_iter().map(quoted).collect();
        text.push_str(&fields.join(","));
        text.push('\n');
    }
    text
}

fn quoted(field: String) -> String {
    if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

#[cfg(test)]
mod tests {
    use super::csv_text;

    #[test]
    fn fields_with_separators_are_quoted() {
        let rows = [vec!["a".to_owned(), "b,c".into(), "say \"no\"\nthen".into(), String::new()]];
        assert_eq!(csv_text(rows), "a,\"b,c\",\"say \"\"no\"\"\nthen\",\n");
    }
}
