//! Limits of plugin files: an evaluation that meets one fails, so results are a function of them.

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

/// The key under which [`add`] puts them.
const KEY: &str = "limits of plugin files";

/// Adds to `identity`, what the results of the file `text` are a function of, the limits that its table `[plugins]` sets, by path and
/// name, as they are written. Nothing where there are none.
pub(crate) fn add(identity: &mut Map<String, Value>, text: &str) {
    let limits = of(text);
    if !limits.is_empty() {
        identity.insert(KEY.to_owned(), Value::Object(limits));
    }
}

fn of(text: &str) -> Map<String, Value> {
    let mut by_path = Map::new();
    let Ok(document) = DeTable::parse(text) else { return by_path };
    let files = document.get_ref().get("plugins").and_then(|plugins| plugins.get_ref().get("file"));
    let files = files.and_then(|files| files.get_ref().as_array()).into_iter().flatten();
    for file in files.map(|file| file.get_ref()) {
        let path = file.get("path").and_then(|path| path.get_ref().as_str());
        let limits = file.get("limits").and_then(|limits| limits.get_ref().as_table());
        let (Some(path), Some(limits)) = (path, limits) else { continue };
        let written =
            limits.iter().map(|(name, value)| (name.get_ref().to_string(), number(value.get_ref())));
        by_path.insert(path.to_owned(), Value::Object(written.collect()));
    }
    by_path
}

/// As it is written: numbers above 2^63 too.
fn number(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::Integer(number) => Value::String(number.as_str().to_owned()),
        DeValue::Float(number) => Value::String(number.as_str().to_owned()),
        // No limit is anything else; whoever loads the file has said so.
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_told_by_path_and_name() {
        let text = |limits: &str| {
            format!(
                "name = \"x\"\nseed = 18446744073709551615\n[[plugins.file]]\npath = \"a.wasm\"\n{limits}\n[[plugins.file]]\npath = \"b.so\"\n"
            )
        };
        let identity = |text: &str| {
            let mut identity = Map::new();
            add(&mut identity, text);
            Value::Object(identity)
        };
        assert_eq!(identity(&text("")), serde_json::json!({}));
        assert_eq!(
            identity(&text("limits = { fuel = 18446744073709551615, wall_s = 0.5 }")),
            serde_json::json!({ KEY: { "a.wasm": { "fuel": "18446744073709551615", "wall_s": "0.5" } } })
        );
        assert_eq!(identity("not = [toml"), serde_json::json!({}));
    }
}
