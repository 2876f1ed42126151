//! Accelerators as the command line names them: the published vector, a file of named parameters, or a file of modules.

use crate::input::read_text;
use crate::{Failure, OrFail, distinct};
use codebench_api::Catalog;
use codebench_model::{AcceleratorInput, ParameterValue, Parameters, PublishedAccelerator, wording};
use codebench_search::accelerator_description;
use codebench_sim::accelerator;
use codebench_sim::cycle::{self, CycleError};
use std::collections::BTreeMap;
use std::ffi::OsStr;
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
    /// Line and column of each module.
    modules: Vec<(usize, usize)>,
}

/// The accelerator that `text` names: 13 numbers separated by commas, or the path of a TOML or JSON file. The modules of a TOML file
/// are checked against the plugins of `catalog`.
///
/// # Errors
/// A file that cannot be read; it says where.
pub fn load(text: &OsStr, catalog: &Catalog) -> Result<AcceleratorFile, Failure> {
    let path = Path::new(text);
    let shown = path.display().to_string();
    match path.extension().and_then(|e| e.to_str()) {
        Some("toml") => of_toml(&shown, &read_text(path)?, catalog),
        Some("json") => of_json(&shown, &read_text(path)?),
        _ if !path.is_file() => {
            let values = vector(&text.to_string_lossy())?;
            Ok(AcceleratorFile { input: AcceleratorInput::Vector(values), source: None })
        }
        _ => Err(Failure::of_usage(format!(
            "`{shown}` is a file without the extension `.toml` or `.json`: rename it to say which it is"
        ))),
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

    /// The failure of a message that is about this accelerator, with the place of what it is about.
    pub fn refuse(&self, message: &str) -> Failure {
        match &self.source {
            Some(source) => source.refuse(message),
            None => Failure::of_usage(message),
        }
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

impl Source {
    /// The failure of a message, with the place of the module that it begins with, or of the first name that it quotes and the file has.
    fn refuse(&self, message: &str) -> Failure {
        let number =
            message.strip_prefix("module ").and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok());
        let module = number.and_then(|number| self.modules.get(number.checked_sub(1)?).copied());
        let mut quoted = message.split('`').skip(1).step_by(2);
        let named = || {
            let [key, value] = quoted.find_map(|name| self.places.get(name))?;
            Some(if message.starts_with("unknown") { *key } else { *value })
        };
        match module.or_else(named) {
            Some((line, column)) => Failure::of_usage(format!("{}:{line}:{column}: {message}", self.file)),
            None => Failure::of_usage(format!("{}: {message}", self.file)),
        }
    }
}

fn vector(text: &str) -> Result<Vec<f64>, Failure> {
    let list = text.trim().trim_start_matches('[').trim_end_matches(']');
    let number = |entry: &str| {
        entry.trim().parse::<f64>().map_err(|_| {
            Failure::of_usage(format!(
                "`{}` in the accelerator `{text}` is not a number: give 13 numbers separated by commas, such as \
                 2,16,8,4,8,3,3,1,12,24,4,1,1, or the path of a `.toml` or `.json` file",
                entry.trim()
            ))
        })
    };
    list.split(',').map(number).collect()
}

fn of_toml(file: &str, text: &str, catalog: &Catalog) -> Result<AcceleratorFile, Failure> {
    let refused = |error: toml::de::Error| {
        let (line, column) = place(text, error.span().map_or(0, |s| s.start));
        let message = wording::of_reader(error.message(), error.span().and_then(|span| text.get(span)));
        Failure::of_usage(format!("{file}:{line}:{column}: {message}"))
    };
    let table: Table = toml::from_str(text).map_err(refused)?;
    if table.is_empty() {
        return Err(nothing_in(file));
    }
    let mut source = Source { file: file.to_owned(), places: BTreeMap::new(), modules: Vec::new() };
    for (name, value) in &table {
        let at = [place(text, name.span().start), place(text, value.span().start)];
        source.places.insert(name.get_ref().clone(), at);
    }
    let input = if source.places.contains_key("module") {
        source.modules = modules(text);
        AcceleratorInput::Described(Box::new(accelerator_description(file, text, catalog).usage()?))
    } else {
        AcceleratorInput::Named(named(table).map_err(|message| source.refuse(&message))?)
    };
    Ok(AcceleratorFile { input, source: Some(source) })
}

type Table = BTreeMap<Spanned<String>, Spanned<toml::Value>>;

/// Keys that only a file of modules has.
const OF_MODULES: [&str; 7] =
    ["name", "clock_mhz", "word", "tile", "loop_order", "double_buffer", "parameters"];

/// The parameters of a short file; the message for one that cannot be, its name quoted first.
fn named(table: Table) -> Result<Parameters, String> {
    let value = |name: &str, value: toml::Value| -> Result<ParameterValue, String> {
        Ok(match value {
            toml::Value::Boolean(flag) => ParameterValue::Boolean(flag),
            toml::Value::Integer(whole) => ParameterValue::Integer(whole),
            toml::Value::Float(number) => ParameterValue::Float(number),
            toml::Value::String(text) => ParameterValue::Text(text),
            other => {
                return Err(format!("`{name}` is of type {}: give a number or a text", other.type_str()));
            }
        })
    };
    let mut parameters = Parameters::new();
    for (name, given) in table {
        let name = name.into_inner();
        if OF_MODULES.contains(&name.as_str()) {
            return Err(format!(
                "unknown accelerator parameter `{name}`: it belongs to a file that lists its modules ([[module]]), such as \
                 examples/accelerators/paper.toml; a file without modules holds parameters of the paper's accelerator, such as pib = 4"
            ));
        }
        let value = value(&name, given.into_inner())?;
        parameters.insert(name, value);
    }
    Ok(parameters)
}

/// Where each `[[module]]` starts.
fn modules(text: &str) -> Vec<(usize, usize)> {
    #[derive(serde::Deserialize)]
    struct Modules {
        module: Vec<Spanned<toml::Table>>,
    }
    let read: Result<Modules, _> = toml::from_str(text);
    read.map(|read| read.module.iter().map(|module| place(text, module.span().start)).collect())
        .unwrap_or_default()
}

fn of_json(file: &str, text: &str) -> Result<AcceleratorFile, Failure> {
    let refused = |e: serde_json::Error| {
        Failure::of_usage(format!("{file}:{}:{}: {e}", e.line().max(1), e.column().max(1)))
    };
    distinct::check(text).map_err(refused)?;
    let input: AcceleratorInput = serde_json::from_str(text).map_err(refused)?;
    if matches!(&input, AcceleratorInput::Named(parameters) if parameters.is_empty()) {
        return Err(nothing_in(file));
    }
    let source = Some(Source { file: file.to_owned(), places: BTreeMap::new(), modules: Vec::new() });
    Ok(AcceleratorFile { input, source })
}

/// An empty file would silently be the paper's accelerator with all its defaults.
fn nothing_in(file: &str) -> Failure {
    Failure::of_usage(format!(
        "`{file}` holds nothing: give parameters of the paper's accelerator, such as pib = 4, or modules ([[module]]), such as \
         examples/accelerators/paper.toml"
    ))
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
        let read = |text: &str| load(OsStr::new(text), &Catalog::default()).unwrap().published().unwrap();
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
        let table = error("pib = 2\nword = { integer_bits = 4 }\n");
        assert!(table.starts_with("error: a.toml:2:1: ") && table.contains("[[module]]"), "{table}");
        let list = error("pib = [1, 2]\n");
        assert!(list.starts_with("error: a.toml:1:7: `pib` is of type array: give a number"), "{list}");
        let hbm = of_toml("a.toml", "memory = \"hbm\"", &Catalog::default()).unwrap();
        assert_eq!(hbm.published().unwrap().memory, codebench_model::MemoryKind::Hbm);
    }

    #[test]
    fn a_key_that_stands_twice_in_json_is_refused() {
        let error = of_json("a.json", "{\"pib\": 2,\n \"pib\": 4}").unwrap_err().text().unwrap();
        assert!(error.starts_with("error: a.json:2:6: key `pib` occurs twice"), "{error}");
        assert!(of_json("a.json", "{\"pib\": 2, \"pix\": 4}").is_ok());
    }

    #[test]
    fn a_file_that_holds_nothing_is_refused() {
        let catalog = Catalog::default();
        let refused = [of_toml("a.toml", "# pib = 4\n", &catalog), of_json("a.json", "{}")];
        for error in refused.map(|read| read.unwrap_err().text().unwrap()) {
            assert!(error.contains("holds nothing: give parameters"), "{error}");
        }
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
