//! `codebench plugin new`: the project of a plugin, from the templates in `sdk/template`.

use crate::{Failure, OrFail};
use anyhow::Context;
use clap::{Args, ValueEnum};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Arguments of `codebench plugin new`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  codebench plugin new accel-module my-array
  codebench plugin new memory my-memory --vendor acme --form wasm

The project is a plain crate with one plugin that works, and beside it a crate of one line that turns it into a plugin
file. It refers to the SDK by path: that of --sdk, else the checkout that this program was built from; where that is
gone, by the version of this program.")]
pub struct Arguments {
    /// Kind of the plugin
    #[arg(value_enum)]
    pub kind: Template,
    /// Name of the project and of the plugin: lower case letters, digits and hyphens
    #[arg(value_parser = parse_name)]
    pub name: String,
    /// First part of the plugin's id
    #[arg(long, default_value = "example", value_parser = parse_name)]
    pub vendor: String,
    /// What the plugin file is
    #[arg(long, value_enum, default_value_t = Form::Native)]
    pub form: Form,
    /// Language of the plugin
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    pub lang: Language,
    /// Where the folder sdk/plugin of codebench is
    #[arg(long, value_name = "PATH")]
    pub sdk: Option<PathBuf>,
    /// Folder of the project, which must not be there yet [default: NAME]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// The kinds that there are templates of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Template {
    CnnOp,
    AccelModule,
    Memory,
    Surrogate,
    Strategy,
    Evaluator,
}

/// Forms of plugin files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// A library that runs with all rights of whoever loads it
    Native,
    /// A WebAssembly component that runs in a sandbox
    Wasm,
}

/// Languages that there are templates in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Rust, with codebench-sdk
    Rust,
}

macro_rules! template {
    ($file:literal) => {
        include_str!(concat!("../../../../sdk/template/rust/", $file, ".in"))
    };
}

impl Template {
    fn text(self) -> &'static str {
        match self {
            Template::CnnOp => template!("kinds/cnn-op.rs"),
            Template::AccelModule => template!("kinds/accel-module.rs"),
            Template::Memory => template!("kinds/memory.rs"),
            Template::Surrogate => template!("kinds/surrogate.rs"),
            Template::Strategy => template!("kinds/strategy.rs"),
            Template::Evaluator => template!("kinds/evaluator.rs"),
        }
    }

    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

fn parse_name(text: &str) -> Result<String, String> {
    let starts = text.starts_with(|c: char| c.is_ascii_lowercase());
    let safe = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if starts && !text.ends_with('-') && text.chars().all(safe) {
        return Ok(text.to_owned());
    }
    Err("write lower case letters, digits and hyphens, a letter first, such as my-array".into())
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let Language::Rust = arguments.lang;
    let folder = arguments.out.clone().unwrap_or_else(|| PathBuf::from(&arguments.name));
    if folder.exists() {
        let message = format!("`{}` is there already: give another --out, or remove it", folder.display());
        return Err(Failure::of_usage(message));
    }
    let sdk = sdk(arguments.sdk.as_deref())?;
    for (path, text) in files(arguments, &sdk) {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(&folder);
        let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, text));
        written.with_context(|| format!("cannot write `{}`", path.display())).failure()?;
    }
    Ok(writeln!(out, "{}: README.md says how to build and load it", folder.display())?)
}

/// Paths within the project, and texts.
fn files(arguments: &Arguments, sdk: &str) -> Vec<(PathBuf, String)> {
    let (form, readme, features, profile) = match arguments.form {
        Form::Native => ("native", template!("README-native.md"), ", features = [\"native\"]", ""),
        Form::Wasm => (
            "wasm",
            template!("README-wasm.md"),
            "",
            "\n[profile.release]\nopt-level = \"s\"\nlto = true\npanic = \"abort\"\n",
        ),
    };
    let name = &arguments.name;
    let words = || name.split('-').filter(|word| !word.is_empty());
    let type_name: String = words().map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect();
    let keyword: String = name.chars().filter(|c| !c.is_ascii_digit()).collect::<String>().replace('-', "_");
    let replacements = [
        ("__NAME__", name.as_str()),
        ("__CRATE__", &name.replace('-', "_")),
        ("__TYPE__", &type_name),
        ("__KEYWORD__", keyword.trim_matches('_')),
        ("__ID__", &format!("{}/{name}", arguments.vendor)),
        ("__KIND__", &arguments.kind.name()),
        ("__FORM__", form),
        ("__FEATURES__", features),
        ("__PROFILE__", profile),
        ("__SDK__", sdk),
    ];
    let fill = |text: &str| {
        let text = replacements.iter().fold(text.to_owned(), |text, (mark, value)| text.replace(mark, value));
        text.trim_end().to_owned() + "\n"
    };
    vec![
        (PathBuf::from("Cargo.toml"), fill(template!("Cargo.toml"))),
        (PathBuf::from("README.md"), fill(readme)),
        (PathBuf::from(".gitignore"), "target\n".to_owned()),
        (PathBuf::from("src/lib.rs"), fill(arguments.kind.text())),
        (Path::new(form).join("Cargo.toml"), fill(template!("wrapper.toml"))),
        (Path::new(form).join("src/lib.rs"), fill(template!("wrapper.rs"))),
    ]
}

/// How the project depends on the SDK.
fn sdk(given: Option<&Path>) -> Result<String, Failure> {
    let checkout = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk/plugin"));
    let (path, is_given) = given.map_or((checkout, false), |given| (given, true));
    match std::fs::canonicalize(path) {
        Ok(path) if path.join("Cargo.toml").is_file() => {
            let path = serde_json::to_string(&path).failure()?;
            Ok(format!("{{ path = {path} }}"))
        }
        _ if is_given => Err(Failure::of_usage(format!(
            "`{}` holds no Cargo.toml: give the folder sdk/plugin of a checkout of codebench",
            path.display()
        ))),
        _ => Ok(format!("\"{}\"", env!("CARGO_PKG_VERSION"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_mark_is_left_in_any_project() {
        for kind in Template::value_variants() {
            for form in [Form::Native, Form::Wasm] {
                let arguments = Arguments {
                    kind: *kind,
                    name: "my-array-2".into(),
                    vendor: "acme".into(),
                    form,
                    lang: Language::Rust,
                    sdk: None,
                    out: None,
                };
                for (path, text) in files(&arguments, "\"0.1.0\"") {
                    assert!(!text.contains("__"), "{}: {text}", path.display());
                }
            }
        }
    }

    #[test]
    fn names_are_those_of_crates_and_ids() {
        assert!(parse_name("my-array-2").is_ok());
        for wrong in ["", "My", "2d", "a_b", "a-", "-a", "a/b"] {
            assert!(parse_name(wrong).is_err(), "{wrong}");
        }
    }
}
