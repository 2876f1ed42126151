//! Accelerators as the command line names them: the published vector, a file of named parameters, or a file of modules.

use crate::input::read_text;
use crate::{Failure, OrFail};
use codebench_api::Catalog;
use codebench_model::{AcceleratorInput, ParameterValue, Parameters, PublishedAccelerator};
use codebench_search::accelerator_description;
use codebench_sim::accelerator;
use codebench_sim::cycle::{self, CycleError};
use std::collections::BTreeMap;
use std::path::Path;
use toml::Spanned;

/// An accelerator and where it came from.
#[derive(Debug)]
pub struct AcceleratorFile {
    /// The accelerator, not yet checked.
    pub input: AcceleratorInput,
    /// The file, and where its names stand.
    source: Option<Source>,
}

#[derive(Debug)]
struct Source {
    file: String,
    /// Line and column of each name and of its value.
    places: BTreeMap<String, [(usize, usize); 2]>,
}

/// The accelerator that `text` names: 13 numbers separated by commas, or the path of a TOML or JSON file. The modules of a TOML file
/// are checked against the plugins of `catalog`.
///
/// # Errors
/// A file that cannot be read; it says where.
pub fn load(text: &str, catalog: &Catalog) -> Result<AcceleratorFile, Failure> {
    let path = Path::new(text);
    match path.extension().and_then(|e| e.to_str()) {
        Some("toml") => of_toml(text, &read_text(path)?, catalog),
        Some("json") => of_json(text, &read_text(path)?),
        _ if path.is_file() => Err(Failure::of_usage(format!(
            "`{text}` is a file without the extension `.toml` or `.json`: rename it to say which it is"
        ))),
        _ => Ok(AcceleratorFile { input: AcceleratorInput::Vector(vector(text)?), source: None }),
    }
}

impl AcceleratorFile {
    /// The point of the paper's template, for the fidelity `published`.
    ///
    /// # Errors
    /// A value that the released code refuses; an error in a file says where.
    pub fn published(&self) -> Result<PublishedAccelerator, Failure> {
        accelerator::resolve(&self.input).map_err(|error| self.refuse(&error.to_string()))
    }

    /// The modules, for the fidelity `cycle`.
    ///
    /// # Errors
    /// A name that is not known; an error in a file says where.
    pub fn description(&self) -> Result<codebench_model::AcceleratorDescription, Failure> {
        cycle::describe(&self.input).map_err(|error| self.refuse(&error.to_string()))
    }

    /// The failure of a message that is about this accelerator, with the place of the first name that it quotes and the file has.
    pub fn refuse(&self, message: &str) -> Failure {
        let Some(source) = &self.source else { return Failure::of_usage(message) };
        let mut quoted = message.split('`').skip(1).step_by(2);
        let Some([key, value]) = quoted.find_map(|name| source.places.get(name)) else {
            return Failure::of_usage(format!("{}: {message}", source.file));
        };
        let (line, column) = if message.starts_with("unknown") { key } else { value };
        Failure::of_usage(format!("{}:{line}:{column}: {message}", source.file))
    }

    /// The failure of a simulation: what the accelerator or the CNN cannot do is the user's to mend, what a plugin did is not.
    pub fn simulation(&self, error: &CycleError) -> Failure {
        match error {
            CycleError::Cost { .. } | CycleError::Deadlock { .. } => {
                Failure::Failed(anyhow::Error::msg(error.to_string()))
            }
            _ => self.refuse(&error.to_string()),
        }
    }
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

fn of_toml(file: &str, text: &str, catalog: &Catalog) -> Result<AcceleratorFile, Failure> {
    let refused = |error: toml::de::Error| {
        let (line, column) = place(text, error.span().map_or(0, |s| s.start));
        Failure::of_usage(format!("{file}:{line}:{column}: {}", error.message()))
    };
    let table: toml::Table = toml::from_str(text).map_err(refused)?;
    let mut places = BTreeMap::new();
    let input = if table.contains_key("module") {
        AcceleratorInput::Described(Box::new(accelerator_description(file, text, catalog).usage()?))
    } else {
        let document: BTreeMap<Spanned<String>, Spanned<ParameterValue>> =
            toml::from_str(text).map_err(refused)?;
        let mut named = Parameters::new();
        for (name, value) in document {
            let at = [place(text, name.span().start), place(text, value.span().start)];
            places.insert(name.get_ref().clone(), at);
            named.insert(name.into_inner(), value.into_inner());
        }
        AcceleratorInput::Named(named)
    };
    Ok(AcceleratorFile { input, source: Some(Source { file: file.to_owned(), places }) })
}

fn of_json(file: &str, text: &str) -> Result<AcceleratorFile, Failure> {
    let input: AcceleratorInput = serde_json::from_str(text)
        .map_err(|e| Failure::of_usage(format!("{file}:{}:{}: {e}", e.line().max(1), e.column().max(1))))?;
    let source = Some(Source { file: file.to_owned(), places: BTreeMap::new() });
    Ok(AcceleratorFile { input, source })
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
        let read = |text: &str| load(text, &Catalog::default()).unwrap().published().unwrap();
        let plain = read("2,16,8,4,8,3,3,1,12,24,4,1,1");
        assert_eq!(plain, read("[2, 16, 8, 4, 8, 3, 3, 1, 12, 24, 4, 1, 1]"));
        assert_eq!(plain.weight_buffer_mb, 24);
    }

    #[test]
    fn errors_in_a_file_say_where() {
        let error = |text: &str| {
            let loaded = of_toml("a.toml", text, &Catalog::default()).and_then(|file| file.published());
            loaded.unwrap_err().text().unwrap()
        };
        let unknown = error("pib = 2\n  pixx = 3\n");
        assert!(unknown.starts_with("error: a.toml:2:3: ") && unknown.contains("`pix`"), "{unknown}");
        let range = error("pib = 2\npix = -1\n");
        assert!(range.starts_with("error: a.toml:2:7: "), "{range}");
        let syntax = error("pib = \n");
        assert!(syntax.starts_with("error: a.toml:1:7: "), "{syntax}");
        let hbm = of_toml("a.toml", "memory = \"hbm\"", &Catalog::default()).unwrap();
        assert_eq!(hbm.published().unwrap().memory, codebench_model::MemoryKind::Hbm);
    }

    #[test]
    fn a_file_of_modules_is_recognised() {
        let catalog = crate::catalog().unwrap();
        let text = "clock_mhz = 700\n[[module]]\nrole = \"memory\"\nplugin = \"codebench/rram\"\n";
        let file = of_toml("a.toml", text, &catalog).unwrap();
        assert_eq!(file.description().unwrap().module.len(), 1);
        assert!(file.published().unwrap_err().text().unwrap().contains("description of modules"));
        let wrong = |from: &str, to: &str| {
            of_toml("a.toml", &text.replace(from, to), &catalog).unwrap_err().text().unwrap()
        };
        let role = wrong("memory", "memry");
        assert!(role.starts_with("error: a.toml:3:8: ") && role.contains("did you mean `memory`?"), "{role}");
        let plugin = wrong("codebench/rram", "codebench/rrma");
        assert!(
            plugin.starts_with("error: a.toml:4:10: ") && plugin.contains("`codebench/rram`"),
            "{plugin}"
        );
        let key = wrong("clock_mhz", "clock_mzh");
        assert!(key.starts_with("error: a.toml:1:1: ") && key.contains("`clock_mhz`"), "{key}");
    }
}
