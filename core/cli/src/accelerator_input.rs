//! Accelerators as the command line names them: the published vector, or a file of named parameters.

use crate::input::read_text;
use crate::{Failure, OrFail};
use codebench_model::{AcceleratorInput, ParameterValue, Parameters, PublishedAccelerator};
use codebench_sim::{SimError, accelerator};
use std::collections::BTreeMap;
use std::path::Path;
use toml::Spanned;

/// The accelerator that `text` names: 13 numbers separated by commas, or the path of a TOML or JSON file.
///
/// # Errors
/// A file that cannot be read, a value that the released code refuses; an error in a file says where.
pub fn load(text: &str) -> Result<PublishedAccelerator, Failure> {
    let path = Path::new(text);
    match path.extension().and_then(|e| e.to_str()) {
        Some("toml") => of_toml(text, &read_text(path)?),
        Some("json") => of_json(text, &read_text(path)?),
        _ if path.is_file() => Err(Failure::of_usage(format!(
            "`{text}` is a file without the extension `.toml` or `.json`: rename it to say which it is"
        ))),
        _ => resolve(&AcceleratorInput::Vector(vector(text)?)).usage(),
    }
}

fn resolve(input: &AcceleratorInput) -> Result<PublishedAccelerator, SimError> {
    accelerator::resolve(input)
}

fn vector(text: &str) -> Result<Vec<f64>, Failure> {
    let list = text.trim().trim_start_matches('[').trim_end_matches(']');
    let number = |entry: &str| {
        entry.trim().parse::<f64>().map_err(|_| {
            Failure::of_usage(format!(
                "`{}` in the accelerator `{text}` is not a number: give 13 numbers separated by commas, such as \
                 2,16,8,4,8,3,3,1,12,24,4,1,1, or the path of a `.toml` file",
                entry.trim()
            ))
        })
    };
    list.split(',').map(number).collect()
}

fn of_toml(file: &str, text: &str) -> Result<PublishedAccelerator, Failure> {
    let at = |offset: usize, message: &str| {
        let (line, column) = place(text, offset);
        Failure::of_usage(format!("{file}:{line}:{column}: {message}"))
    };
    let document: BTreeMap<Spanned<String>, Spanned<ParameterValue>> =
        toml::from_str(text).map_err(|e| at(e.span().map_or(0, |s| s.start), e.message()))?;
    let named: Parameters =
        document.iter().map(|(k, v)| (k.get_ref().clone(), v.get_ref().clone())).collect();
    resolve(&AcceleratorInput::Named(named)).map_err(|error| {
        let entry = parameter_of(&error).and_then(|name| document.iter().find(|(k, _)| k.get_ref() == name));
        match (entry, &error) {
            (Some((key, _)), SimError::UnknownParameter { .. }) => at(key.span().start, &error.to_string()),
            (Some((_, value)), _) => at(value.span().start, &error.to_string()),
            (None, _) => Failure::of_usage(format!("{file}: {error}")),
        }
    })
}

fn of_json(file: &str, text: &str) -> Result<PublishedAccelerator, Failure> {
    let input: AcceleratorInput = serde_json::from_str(text)
        .map_err(|e| Failure::of_usage(format!("{file}:{}:{}: {e}", e.line().max(1), e.column().max(1))))?;
    resolve(&input).map_err(|error| Failure::of_usage(format!("{file}: {error}")))
}

/// The parameter that an error is about.
fn parameter_of(error: &SimError) -> Option<&str> {
    match error {
        SimError::OutOfRange { name, .. } | SimError::UnknownParameter { name, .. } => Some(name),
        SimError::NoMacLane { .. } => Some("pif"),
        _ => None,
    }
}

/// Line and column (in characters) of a byte, counted from 1.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    (before.matches('\n').count() + 1, before.get(line_start..).unwrap_or_default().chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_may_have_brackets_and_blanks() {
        let plain = load("2,16,8,4,8,3,3,1,12,24,4,1,1").unwrap();
        assert_eq!(plain, load("[2, 16, 8, 4, 8, 3, 3, 1, 12, 24, 4, 1, 1]").unwrap());
        assert_eq!(plain.weight_buffer_mb, 24);
    }

    #[test]
    fn errors_in_a_file_say_where() {
        let error = |text: &str| of_toml("a.toml", text).unwrap_err().text().unwrap();
        let unknown = error("pib = 2\n  pixx = 3\n");
        assert!(unknown.starts_with("error: a.toml:2:3: ") && unknown.contains("`pix`"), "{unknown}");
        let range = error("pib = 2\npix = -1\n");
        assert!(range.starts_with("error: a.toml:2:7: "), "{range}");
        let syntax = error("pib = \n");
        assert!(syntax.starts_with("error: a.toml:1:7: "), "{syntax}");
        assert_eq!(of_toml("a.toml", "memory = \"hbm\"").unwrap().memory, codebench_model::MemoryKind::Hbm);
    }
}
