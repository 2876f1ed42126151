//! Messages of readers of TOML and JSON, in the words of the user's file instead of the program's types.

use crate::parameter;

/// `message` of a reader; `quoted` is the text that it is about, if the reader says where that stands.
///
/// ```
/// use codebench_model::wording;
/// let message = wording::of_reader("unknown field `lod`, expected `load`", None);
/// assert_eq!(message, "unknown key `lod` (did you mean `load`?); known: load");
/// assert_eq!(wording::of_reader("duplicate key", Some("pib")), "key `pib` occurs twice: leave one of the two out");
/// ```
pub fn of_reader(message: &str, quoted: Option<&str>) -> String {
    match quoted.filter(|quoted| !quoted.is_empty() && message.trim_end() == "duplicate key") {
        Some(key) => format!("key `{key}` occurs twice: leave one of the two out"),
        None => reworded(message),
    }
}

/// "unknown field `x`, expected ..." with the nearest known name.
fn reworded(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let (what, rest) = match (first.strip_prefix("unknown field "), first.strip_prefix("unknown variant ")) {
        (Some(rest), _) => ("key", rest),
        (None, Some(rest)) => ("name", rest),
        (None, None) => return plain(message),
    };
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let Some(name) = quoted.next() else { return message.to_owned() };
    let known: Vec<&str> = quoted.collect();
    format!("unknown {what} `{name}`{}", hint(name, &known))
}

/// The types of the file in place of those of the program.
fn plain(message: &str) -> String {
    let mut text = message
        .trim_end()
        .replace("` as i128, expected", "`, expected")
        .replace("missing field", "missing key")
        .replace("expected f64", "expected a number")
        .replace("expected struct", "expected a table like");
    for unsigned in ["u64", "u32", "usize"] {
        text = text.replace(&format!("expected {unsigned}"), "expected a whole number, 0 or more");
    }
    text
}

/// ` (did you mean `x`?); known: ...`
pub fn hint(name: &str, known: &[&str]) -> String {
    let nearest = parameter::nearest(name, known.iter().copied());
    let meant = nearest.map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default();
    if known.is_empty() { meant } else { format!("{meant}; known: {}", known.join(", ")) }
}
