//! `codebench plugin new`: the project of a plugin, from the templates in `sdk/template`.

use crate::{Failure, OrFail, built_in};
use anyhow::Context;
use clap::{Args, ValueEnum};
use codebench_host::RESERVED_VENDOR;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Arguments of `codebench plugin new`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  codebench plugin new accel-module my-array
  codebench plugin new memory my-memory --vendor acme --form wasm
  codebench plugin new accel-module my-dma --lang c

The project in Rust is a plain crate with one plugin that works, and beside it a crate of one line that turns it into a
plugin file. It refers to the SDK by path: that of --sdk, else the checkout that this program was built from. The project
in C is one file, one header and a script, for accel-modules and memories in the sandbox; it needs clang and nothing else.

There is no template of the kind engine: its contract is not settled. Copy plugins/trainer-burn. Executors exist built in only.")]
pub struct Arguments {
    /// Kind of the plugin
    #[arg(value_enum)]
    pub kind: Template,
    /// Name of the project and of the plugin: lower case letters, digits and hyphens
    #[arg(value_parser = parse_project)]
    pub name: String,
    /// First part of the plugin's id; `codebench` is that of the built-in plugins
    #[arg(long, default_value = "example", value_parser = parse_vendor)]
    pub vendor: String,
    /// What the plugin file is [default: native; wasm with --lang c]
    #[arg(long, value_enum)]
    pub form: Option<Form>,
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
    /// C, with one header; accel-modules and memories in the sandbox
    C,
}

macro_rules! template {
    ($file:literal) => {
        include_str!(concat!("../../../../sdk/template/", $file, ".in"))
    };
}

impl Template {
    fn text(self) -> &'static str {
        match self {
            Template::CnnOp => template!("rust/kinds/cnn-op.rs"),
            Template::AccelModule => template!("rust/kinds/accel-module.rs"),
            Template::Memory => template!("rust/kinds/memory.rs"),
            Template::Surrogate => template!("rust/kinds/surrogate.rs"),
            Template::Strategy => template!("rust/kinds/strategy.rs"),
            Template::Evaluator => template!("rust/kinds/evaluator.rs"),
        }
    }

    /// Its template in C; none for kinds whose answers are documents.
    fn c(self) -> Option<&'static str> {
        match self {
            Template::AccelModule => Some(template!("c/kinds/accel-module.c")),
            Template::Memory => Some(template!("c/kinds/memory.c")),
            _ => None,
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

/// The words of Rust, which name no crate, and the crates that every crate has.
const NO_CRATES: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
    "codebench",
];

/// A name of a project, which is that of a crate too.
fn parse_project(text: &str) -> Result<String, String> {
    let name = parse_name(text)?;
    if NO_CRATES.contains(&name.as_str()) || name.starts_with("codebench-") {
        return Err(format!(
            "no crate can be called `{name}`, a word of Rust or of codebench: give another name, such as my-{name}"
        ));
    }
    Ok(name)
}

fn parse_vendor(text: &str) -> Result<String, String> {
    match parse_name(text)? {
        vendor if vendor == RESERVED_VENDOR => {
            Err("that is the vendor of the built-in plugins, and no file of it is loaded: give your own"
                .into())
        }
        vendor => Ok(vendor),
    }
}

/// Refuses a cnn-op whose keyword would be taken.
fn check_keyword(arguments: &Arguments) -> Result<(), Failure> {
    let keyword = keyword(&arguments.name);
    let catalog = built_in()?;
    let taken = catalog.entries().find(|e| e.info.keywords.contains(&keyword));
    let by = match keyword.as_str() {
        // The two ends of every module.
        "input" | "output" => "the language itself",
        _ => taken.map_or("", |entry| entry.info.id.as_str()),
    };
    if by.is_empty() || arguments.kind != Template::CnnOp {
        return Ok(());
    }
    let name = &arguments.name;
    Err(Failure::of_usage(format!(
        "the operation `{name}` would have the keyword `{keyword}`, which is that of {by}: give another name, such as my-{name}"
    )))
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    check_keyword(arguments)?;
    let folder = arguments.out.clone().unwrap_or_else(|| PathBuf::from(&arguments.name));
    // A link to nowhere is there too.
    if folder.symlink_metadata().is_ok() {
        let message = format!("`{}` is there already: give another --out, or remove it", folder.display());
        return Err(Failure::of_usage(message));
    }
    let files = match arguments.lang {
        Language::Rust => files(arguments, &sdk(arguments.sdk.as_deref(), Path::new(CHECKOUT))?),
        Language::C => files_in_c(arguments)?,
    };
    for (path, text) in files {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(&folder);
        let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, text));
        written
            .and_then(
                |()| if path.extension().is_some_and(|e| e == "sh") { executable(&path) } else { Ok(()) },
            )
            .with_context(|| format!("cannot write `{}`", path.display()))
            .failure()?;
    }
    Ok(writeln!(out, "{}: README.md says how to build and load it", folder.display())?)
}

#[cfg(unix)]
fn executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// `text` with each mark replaced by its value, and one line end at its end.
fn fill(text: &str, replacements: &[(&str, &str)]) -> String {
    let text = replacements.iter().fold(text.to_owned(), |text, (mark, value)| text.replace(mark, value));
    text.trim_end().to_owned() + "\n"
}

/// Paths within a project in C, and texts.
fn files_in_c(arguments: &Arguments) -> Result<Vec<(PathBuf, String)>, Failure> {
    if arguments.form == Some(Form::Native) {
        return Err(Failure::of_usage(
            "--form native with --lang c: plugins in C run in the sandbox; leave --form out",
        ));
    }
    if arguments.sdk.is_some() {
        return Err(Failure::of_usage(
            "--sdk with --lang c: a project in C holds its header itself; leave --sdk out",
        ));
    }
    let kind = arguments.kind.name();
    let plugin = arguments.kind.c().ok_or_else(|| {
        Failure::of_usage(format!(
            "--lang c with kind {kind}: there are templates in C for accel-module and memory; leave --lang out for Rust"
        ))
    })?;
    let name = arguments.name.as_str();
    let id = format!("{}/{name}", arguments.vendor);
    let replacements = [("__NAME__", name), ("__ID__", &id), ("__KIND__", &kind)];
    let file = |path: &str, text: &str| (PathBuf::from(path), fill(text, &replacements));
    Ok(vec![
        file("README.md", template!("c/README.md")),
        file(".gitignore", "*.wasm\n"),
        file("build.sh", template!("c/build.sh")),
        file("plugin.c", plugin),
        (PathBuf::from("codebench.h"), include_str!("../../../../sdk/c/codebench.h").to_owned()),
    ])
}

/// Paths within a project in Rust, and texts.
fn files(arguments: &Arguments, sdk: &str) -> Vec<(PathBuf, String)> {
    let (form, readme, features, profile) = match arguments.form.unwrap_or(Form::Native) {
        Form::Native => (
            "native",
            template!("rust/README-native.md"),
            ", features = [\"native\"]",
            "\n[profile.release]\nlto = true\ncodegen-units = 1\nstrip = true\n",
        ),
        Form::Wasm => (
            "wasm",
            template!("rust/README-wasm.md"),
            "",
            "\n[profile.release]\nlto = true\ncodegen-units = 1\npanic = \"abort\"\nstrip = true\n",
        ),
    };
    let name = &arguments.name;
    let type_name = type_name(name, arguments.kind.text());
    let replacements = [
        ("__NAME__", name.as_str()),
        ("__CRATE__", &name.replace('-', "_")),
        ("__TYPE__", &type_name),
        ("__KEYWORD__", &keyword(name)),
        ("__ID__", &format!("{}/{name}", arguments.vendor)),
        ("__KIND__", &arguments.kind.name()),
        ("__FORM__", form),
        ("__FEATURES__", features),
        ("__PROFILE__", profile),
        // A wrapper for the sandbox is built for its target only.
        ("__DEFAULT__", if form == "wasm" { "\".\"" } else { "\".\", \"native\"" }),
        ("__SDK__", sdk),
    ];
    let fill = |text: &str| fill(text, &replacements);
    vec![
        (PathBuf::from("Cargo.toml"), fill(template!("rust/Cargo.toml"))),
        (PathBuf::from("README.md"), fill(readme)),
        (PathBuf::from(".gitignore"), "target\n".to_owned()),
        (PathBuf::from("src/lib.rs"), fill(arguments.kind.text())),
        (Path::new(form).join("Cargo.toml"), fill(template!("rust/wrapper.toml"))),
        (Path::new(form).join("src/lib.rs"), fill(template!("rust/wrapper.rs"))),
    ]
}

/// The name of a plugin's type: not one that the template uses for something else.
fn type_name(name: &str, template: &str) -> String {
    let words = name.split('-').filter(|word| !word.is_empty());
    let name: String = words.map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect();
    let is_used = template.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name);
    if is_used { name + "Plugin" } else { name }
}

/// The keyword of an operation of this name: letters and underscores.
fn keyword(name: &str) -> String {
    let letters: String = name.chars().filter(|c| !c.is_ascii_digit()).collect();
    let words: Vec<&str> = letters.split('-').filter(|word| !word.is_empty()).collect();
    words.join("_")
}

/// The SDK of the checkout that this program was built from.
const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk/plugin");

/// How the project depends on the SDK.
fn sdk(given: Option<&Path>, checkout: &Path) -> Result<String, Failure> {
    let (path, is_given) = given.map_or((checkout, false), |given| (given, true));
    match std::fs::canonicalize(path) {
        Ok(path) if is_sdk(&path) => {
            let path = serde_json::to_string(&path).failure()?;
            Ok(format!("{{ path = {path} }}"))
        }
        _ if is_given => Err(Failure::of_usage(format!(
            "`{}` is not the SDK: give the folder sdk/plugin of a checkout of codebench",
            path.display()
        ))),
        _ => Err(Failure::of_usage(
            "the checkout that this program was built from is gone: give --sdk, the folder sdk/plugin of a checkout of codebench",
        )),
    }
}

/// Whether the package in `folder` is the SDK.
fn is_sdk(folder: &Path) -> bool {
    let text = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    let manifest = text.parse::<toml::Table>().unwrap_or_default();
    let name = manifest.get("package").and_then(|package| package.get("name"));
    name.and_then(toml::Value::as_str) == Some("codebench-sdk")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(kind: Template, form: Option<Form>, lang: Language) -> Arguments {
        let (name, vendor) = ("my-array-2".to_owned(), "acme".to_owned());
        Arguments { kind, name, vendor, form, lang, sdk: None, out: None }
    }

    #[test]
    fn projects_in_c_are_components_of_the_kinds_of_hardware() {
        let message = |kind, form| match files_in_c(&arguments(kind, form, Language::C)) {
            Err(Failure::Usage(error)) => error.to_string(),
            _ => String::new(),
        };
        assert!(message(Template::Memory, Some(Form::Native)).contains("leave --form out"));
        assert!(message(Template::Strategy, None).contains("accel-module and memory"));
        for kind in [Template::AccelModule, Template::Memory] {
            let files = files_in_c(&arguments(kind, None, Language::C)).unwrap();
            let of_template = files.iter().filter(|(path, _)| path.as_os_str() != "codebench.h");
            let marks = ["__NAME__", "__ID__", "__KIND__"];
            assert!(of_template.clone().all(|(_, text)| !marks.iter().any(|mark| text.contains(mark))));
            assert_eq!(of_template.count(), 4);
        }
    }

    #[test]
    fn no_mark_is_left_in_any_project() {
        for kind in Template::value_variants() {
            for form in [Form::Native, Form::Wasm] {
                let arguments = arguments(*kind, Some(form), Language::Rust);
                for (path, text) in files(&arguments, "\"0.1.0\"") {
                    assert!(!text.contains("__"), "{}: {text}", path.display());
                }
            }
        }
    }

    #[test]
    fn a_checkout_that_is_gone_is_asked_for() {
        let nowhere = tempfile::tempdir().unwrap();
        let Err(Failure::Usage(error)) = sdk(None, nowhere.path()) else { panic!("it is there") };
        assert!(
            error.to_string().ends_with("give --sdk, the folder sdk/plugin of a checkout of codebench"),
            "{error}"
        );
        let given = sdk(Some(Path::new(CHECKOUT)), nowhere.path()).unwrap();
        assert!(given.starts_with("{ path = ") && given.ends_with("plugin\" }"), "{given}");
        // The root of a checkout is not the SDK.
        let Err(Failure::Usage(error)) = sdk(Some(&Path::new(CHECKOUT).join("../..")), nowhere.path()) else {
            panic!("it is the SDK")
        };
        assert!(error.to_string().contains("is not the SDK: give the folder sdk/plugin"), "{error}");
    }

    #[test]
    fn no_type_has_a_name_that_its_template_uses() {
        assert_eq!(type_name("my-array-2", Template::AccelModule.text()), "MyArray2");
        assert_eq!(type_name("systolic--2d", Template::AccelModule.text()), "Systolic2d");
        for (name, kind) in [
            ("memory", Template::Memory),
            ("strategy", Template::Strategy),
            ("evaluator", Template::Evaluator),
            ("surrogate", Template::Surrogate),
            ("plugin", Template::CnnOp),
            ("points", Template::Strategy),
            ("rng", Template::Strategy),
            ("vec", Template::Surrogate),
            ("result", Template::Memory),
        ] {
            let type_name = type_name(name, kind.text());
            assert!(type_name.ends_with("Plugin") && type_name.len() > "Plugin".len(), "{name}: {type_name}");
        }
    }

    #[test]
    fn what_cannot_be_built_or_loaded_is_refused() {
        for name in ["match", "self", "core", "test", "codebench", "codebench-sdk", "async"] {
            let said = parse_project(name).unwrap_err();
            assert!(said.ends_with(&format!("give another name, such as my-{name}")), "{said}");
        }
        assert!(parse_project("matches").is_ok() && parse_project("my-codebench").is_ok());
        assert!(parse_vendor("codebench").unwrap_err().contains("give your own"));
        assert!(parse_vendor("acme").is_ok());
        let said = |kind, name: &str| {
            let arguments = Arguments { name: name.into(), ..arguments(kind, None, Language::Rust) };
            match check_keyword(&arguments) {
                Err(Failure::Usage(error)) => error.to_string(),
                _ => String::new(),
            }
        };
        assert!(said(Template::CnnOp, "conv").contains("keyword `conv`, which is that of codebench/"));
        assert!(said(Template::CnnOp, "conv-2").contains("such as my-conv-2"));
        assert!(said(Template::CnnOp, "input").contains("the language itself"));
        assert_eq!(said(Template::CnnOp, "conv-gate"), "");
        assert_eq!(said(Template::Memory, "conv"), "");
    }

    #[test]
    fn names_are_those_of_crates_and_ids() {
        assert!(parse_name("my-array-2").is_ok());
        for wrong in ["", "My", "2d", "a_b", "a-", "-a", "a/b"] {
            assert!(parse_name(wrong).is_err(), "{wrong}");
        }
    }
}
