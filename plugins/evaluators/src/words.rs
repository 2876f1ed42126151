//! A command line as words, without a shell.

/// Splits at blanks; single or double quotes keep blanks, and nothing else is special.
///
/// # Errors
/// A quote that is not closed, or no word at all.
pub(crate) fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for c in line.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match (quote, words.is_empty()) {
        (Some(open), _) => Err(format!("command = {line:?} has a {open} that is not closed: close it")),
        (None, true) => {
            Err(format!("command = {line:?} names no program: give one, such as \"python3 train.py\""))
        }
        (None, false) => Ok(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_at_blanks_outside_quotes() {
        let words = |line: &str| split(line).unwrap().join("|");
        assert_eq!(words("python3  train.py --epochs 3"), "python3|train.py|--epochs|3");
        assert_eq!(words(r#"sh -c 'echo "two  words"' "" x"y z""#), r#"sh|-c|echo "two  words"||xy z"#);
        assert_eq!(words(r"a\b $HOME *"), r"a\b|$HOME|*");
        assert!(split("  ").unwrap_err().contains("names no program"));
        assert!(split("sh -c 'x").unwrap_err().contains("not closed"));
    }
}
