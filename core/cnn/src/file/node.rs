//! JSON and TOML as one tree whose every value knows where it stands in the text.

use super::{FileError, Format};
use codebench_model::wording;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::fmt;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Deeper documents are refused: no part of a CNN file nests so far.
const MAX_DEPTH: usize = 16;

/// A value and the byte at which it begins.
pub(super) struct Node {
    pub(super) at: usize,
    pub(super) value: Value,
}

pub(super) enum Value {
    Whole(u64),
    Text(String),
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// Anything else, as the text has it.
    Other(String),
}

pub(super) struct Entry {
    pub(super) key: String,
    pub(super) at: usize,
    pub(super) value: Node,
}

impl Value {
    /// What an error message calls it.
    pub(super) fn describe(&self) -> String {
        match self {
            Value::Whole(number) => format!("`{number}`"),
            Value::Text(text) => format!("the text {text:?}"),
            Value::List(_) => "a list".to_owned(),
            Value::Table(_) => "a table".to_owned(),
            Value::Other(text) => format!("`{text}`"),
        }
    }
}

pub(super) fn parse(text: &str, format: Format) -> Result<Node, FileError> {
    match format {
        Format::Json => parse_json(text),
        Format::Toml => {
            let table = DeTable::parse(text).map_err(|e| {
                let at = e.span().map_or(0, |span| span.start);
                let message = wording::of_reader(e.message(), e.span().and_then(|span| text.get(span)));
                FileError::at(text, at, format!("not valid TOML: {}", message.replace('\n', ", ")))
            })?;
            let at = table.span().start;
            Ok(Node { at, value: Value::Table(toml_entries(text, table.get_ref(), 0)?) })
        }
    }
}

fn too_deep(text: &str, at: usize) -> FileError {
    FileError::at(text, at, format!("nested more than {MAX_DEPTH} levels deep"))
}

fn toml_entries(text: &str, table: &DeTable<'_>, depth: usize) -> Result<Vec<Entry>, FileError> {
    let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
        let name: &std::borrow::Cow<'_, str> = key.get_ref();
        Ok(Entry { key: name.to_string(), at: key.span().start, value: toml_node(text, value, depth + 1)? })
    };
    let mut entries = table.iter().map(entry).collect::<Result<Vec<_>, FileError>>()?;
    entries.sort_by_key(|e| e.at);
    Ok(entries)
}

fn toml_node(text: &str, node: &Spanned<DeValue<'_>>, depth: usize) -> Result<Node, FileError> {
    let at = node.span().start;
    if depth > MAX_DEPTH {
        return Err(too_deep(text, at));
    }
    let value = match node.get_ref() {
        DeValue::String(string) => Value::Text(string.to_string()),
        DeValue::Integer(i) => match u64::from_str_radix(i.as_str(), i.radix()) {
            Ok(number) => Value::Whole(number),
            Err(_) => Value::Other(i.to_string()),
        },
        DeValue::Float(float) => Value::Other(float.to_string()),
        DeValue::Boolean(boolean) => Value::Other(boolean.to_string()),
        DeValue::Datetime(datetime) => Value::Other(datetime.to_string()),
        DeValue::Array(items) => Value::List(
            items.iter().map(|item| toml_node(text, item, depth + 1)).collect::<Result<_, FileError>>()?,
        ),
        DeValue::Table(table) => Value::Table(toml_entries(text, table, depth)?),
    };
    Ok(Node { at, value })
}

fn parse_json(text: &str) -> Result<Node, FileError> {
    let invalid = |e: serde_json::Error| FileError {
        file: None,
        line: e.line().max(1),
        column: e.column().max(1),
        message: format!("not valid JSON: {}", strip_position(&e.to_string())),
    };
    let raw: &RawValue = serde_json::from_str(text).map_err(invalid)?;
    json_node(text, raw, 0)
}

/// serde_json's message without the position, which this reader gives in its own way.
fn strip_position(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(head, _)| head)
}

fn json_node(text: &str, raw: &RawValue, depth: usize) -> Result<Node, FileError> {
    let literal = raw.get();
    let at = offset(text, literal);
    if depth > MAX_DEPTH {
        return Err(too_deep(text, at));
    }
    let invalid = |e: serde_json::Error| {
        FileError::at(text, at, format!("not valid JSON: {}", strip_position(&e.to_string())))
    };
    let value = match literal.as_bytes().first() {
        Some(b'"') => Value::Text(serde_json::from_str(literal).map_err(invalid)?),
        Some(b'[') => {
            let items: Items<'_> = serde_json::from_str(literal).map_err(invalid)?;
            Value::List(items.0.into_iter().map(|i| json_node(text, i, depth + 1)).collect::<Result<_, _>>()?)
        }
        Some(b'{') => {
            let pairs: Pairs<'_> = serde_json::from_str(literal).map_err(invalid)?;
            let entry = |(key, raw): (String, &RawValue)| {
                let at = key_offset(text, &key, offset(text, raw.get()));
                Ok(Entry { key, at, value: json_node(text, raw, depth + 1)? })
            };
            let entries = pairs.0.into_iter().map(entry).collect::<Result<Vec<_>, FileError>>()?;
            let mut seen = HashSet::new();
            if let Some(twice) = entries.iter().find(|entry| !seen.insert(entry.key.as_str())) {
                return Err(FileError::at(text, twice.at, format!("key `{}` occurs twice", twice.key)));
            }
            Value::Table(entries)
        }
        _ => match literal.parse() {
            Ok(number) => Value::Whole(number),
            Err(_) => Value::Other(literal.to_owned()),
        },
    };
    Ok(Node { at, value })
}

/// Where `part`, a slice of `text`, begins.
fn offset(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len())
}

/// Where the key of the value at `value` begins; the value's own place if the key is written with escapes.
fn key_offset(text: &str, key: &str, value: usize) -> usize {
    let quoted = format!("\"{key}\"");
    (text.get(..value))
        .and_then(|before| before.trim_end().strip_suffix(':'))
        .and_then(|before| before.trim_end().strip_suffix(&quoted))
        .map_or(value, str::len)
}

/// The items of a JSON list, unread.
struct Items<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Items<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Items<'de>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = access.next_element()? {
                    items.push(item);
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(Reader)
    }
}

/// The entries of a JSON object in order, values unread.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs: Vec<(String, &'de RawValue)> = Vec::new();
                while let Some(pair) = access.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
