//! `codebench plugin`: what the catalogue knows.

use super::{plugin_new, plugin_trust};
use crate::table::Table;
use crate::{Failure, OrFail, built_in, catalog, plugins};
use clap::Subcommand;
use codebench_api::{Entry, Form, Kind};
use codebench_host::{FileFormat, RefusedFile};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Subcommands of `codebench plugin`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List every plugin: id, kind, form, version, where it comes from, whether it is trusted and healthy, and what it does
    #[command(after_help = "\
Examples:
  codebench plugin list
  codebench plugin list --kind strategy
  codebench plugin list --json
  codebench plugin list --plugin my-plugin.so --allow-native

A file in CODEBENCH_PLUGIN_PATH or in the user's plugin folder that cannot be used is listed with the reason, whatever
the kind: it is not known what is in it.")]
    List {
        /// Print a JSON array of complete descriptions
        #[arg(long)]
        json: bool,
        /// Only plugins of this kind
        #[arg(long, value_parser = parse_kind)]
        kind: Option<Kind>,
    },
    /// Describe one plugin: parameters with ranges and defaults, keywords, examples
    #[command(after_help = "\
Examples:
  codebench plugin info codebench/sobol
  codebench plugin info codebench/train --json
  codebench plugin info --markdown > plugins.md      every plugin, as in the book")]
    Info {
        /// Id, such as codebench/sobol
        #[arg(required_unless_present = "markdown")]
        id: Option<String>,
        /// Print the description as JSON
        #[arg(long)]
        json: bool,
        /// Print Markdown; without an id, of every plugin
        #[arg(long, conflicts_with = "json")]
        markdown: bool,
    },
    /// Make a component, which can be loaded, of the WebAssembly module that a compiler made
    #[command(after_help = "\
Examples:
  codebench plugin pack target/wasm32-unknown-unknown/release/my_memory.wasm -o my_memory.wasm")]
    Pack(super::pack::Arguments),
    /// Check that a plugin keeps the contract of its kind, in processes of its own
    Check(super::plugin_check::Arguments),
    /// Make the project of a new plugin: the plugin, the wrapper of its form, a README
    New(plugin_new::Arguments),
    /// Trust a native library, now and whenever it is found: it runs with all your rights
    Trust(plugin_trust::Arguments),
    /// Trust a native library no longer
    Untrust(plugin_trust::Arguments),
    /// Load a native library, make its plugins, call each once, and say what came of it
    #[command(hide = true)]
    LookAt {
        /// The library
        file: PathBuf,
    },
}

fn parse_kind(text: &str) -> Result<Kind, String> {
    let kinds = Kind::ALL.map(Kind::name);
    Kind::ALL.into_iter().find(|k| k.name() == text).ok_or_else(|| {
        let nearest = codebench_model::parameter::nearest(text, kinds.into_iter());
        let hint = nearest.map(|n| format!("did you mean `{n}`? ")).unwrap_or_default();
        format!("{hint}Kinds: {}", kinds.join(", "))
    })
}

pub(super) fn run(command: &Command, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        Command::Check(arguments) => super::plugin_check::run(arguments, out),
        Command::List { json, kind } => {
            let loaded = plugins::load(built_in()?, Default::default())?;
            let entries: Vec<&Entry> =
                loaded.catalog.entries().filter(|e| kind.is_none_or(|k| e.kind() == k)).collect();
            let refused = &loaded.refused;
            if *json { list_json(&entries, refused, out) } else { list_text(&entries, refused, out) }
        }
        Command::New(arguments) => plugin_new::run(arguments, out),
        Command::Trust(arguments) => plugin_trust::trust(arguments, out),
        Command::Untrust(arguments) => plugin_trust::untrust(arguments, out),
        Command::LookAt { file } => {
            codebench_host::native::end_with_parent();
            // A line of its own, whatever the library has printed.
            Ok(writeln!(out, "\n{}", codebench_host::native::check_in_this_process(file))?)
        }
        Command::Info { id: Some(id), json, markdown } => {
            let catalog = catalog()?;
            let entry = catalog.get(id).map_err(|e| {
                anyhow::Error::msg(match Path::new(id).is_file() {
                    true => format!("`{id}` is a file: give the id of a plugin in it, and --plugin {id}; `codebench plugin list --plugin {id}` shows the ids"),
                    false => e.to_string(),
                })
            });
            let entry = entry.usage()?;
            match (json, markdown) {
                (true, _) => Ok(writeln!(out, "{}", pretty(&as_json(entry))?)?),
                (_, true) => Ok(out.write_all(markdown_of(entry).as_bytes())?),
                _ => Ok(out.write_all(text_of(entry).as_bytes())?),
            }
        }
        Command::Pack(arguments) => super::pack::run(arguments, out),
        Command::Info { id: None, .. } => {
            let catalog = catalog()?;
            for kind in Kind::ALL {
                for (i, entry) in catalog.entries().filter(|e| e.kind() == kind).enumerate() {
                    if i == 0 {
                        writeln!(out, "## Kind `{kind}`\n")?;
                    }
                    out.write_all(markdown_of(entry).as_bytes())?;
                }
            }
            Ok(())
        }
    }
}

/// One that is listed by id is loaded, and so healthy; a file that is not, is listed behind them with the reason.
fn list_text(entries: &[&Entry], refused: &[RefusedFile], out: &mut dyn Write) -> Result<(), Failure> {
    let mut table =
        Table::new(&["<id", "<kind", "<form", "<version", "<source", "<trust", "<health", "<summary"]);
    for e in entries {
        table.row([
            e.info.id.clone(),
            e.kind().name().to_owned(),
            e.form.to_string(),
            e.info.version.clone(),
            e.source.clone(),
            trust(e).to_owned(),
            "healthy".to_owned(),
            e.info.summary.clone(),
        ]);
    }
    if !table.is_empty() {
        table.write(out)?;
    }
    for file in refused {
        writeln!(out, "not healthy: {}", file.error)?;
    }
    Ok(())
}

/// Why a plugin may run here.
fn trust(entry: &Entry) -> &'static str {
    match entry.form {
        Form::BuiltIn | Form::Native => "trusted",
        Form::Wasm => "sandboxed",
    }
}

/// A plugin as `list --json` prints it. One that is listed by id is loaded, and so healthy.
#[derive(serde::Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    described: Described<'a>,
    trusted: bool,
    healthy: bool,
}

/// A file that is not loaded, as `list --json` prints it.
#[derive(serde::Serialize)]
struct NotLoaded {
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<Form>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    trusted: bool,
    healthy: bool,
    reason: String,
}

fn list_json(entries: &[&Entry], refused: &[RefusedFile], out: &mut dyn Write) -> Result<(), Failure> {
    let listed = |e: &&Entry| {
        serde_json::to_value(Listed { described: as_json(e), trusted: e.form != Form::Wasm, healthy: true })
    };
    let not_loaded = |file: &RefusedFile| {
        serde_json::to_value(NotLoaded {
            source: file.path.display().to_string(),
            form: match file.format {
                Some(FileFormat::Native) => Some(Form::Native),
                Some(FileFormat::Wasm) => Some(Form::Wasm),
                _ => None,
            },
            sha256: file.sha256.clone(),
            trusted: false,
            healthy: false,
            reason: file.error.to_string(),
        })
    };
    let all = entries.iter().map(listed).chain(refused.iter().map(not_loaded));
    let all: Vec<serde_json::Value> = all.collect::<Result<_, _>>().failure()?;
    Ok(writeln!(out, "{}", pretty(&all)?)?)
}

fn pretty(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).failure()
}

/// The description with kind, form, source and the file's hash beside its fields.
#[derive(serde::Serialize)]
struct Described<'a> {
    kind: Kind,
    form: Form,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
    source: &'a str,
    #[serde(flatten)]
    info: &'a codebench_api::PluginInfo,
}

fn as_json(entry: &Entry) -> Described<'_> {
    Described {
        kind: entry.kind(),
        form: entry.form,
        sha256: entry.sha256.as_deref(),
        source: &entry.source,
        info: &entry.info,
    }
}

fn text_of(entry: &Entry) -> String {
    let info = &entry.info;
    let mut text = format!(
        "{} {}\n  {}\n  kind {}, {}, from {}\n",
        info.id,
        info.version,
        info.summary,
        entry.kind(),
        entry.form,
        entry.source
    );
    if let Some(sha256) = &entry.sha256 {
        text += &format!("  SHA-256 {sha256}\n");
    }
    if !info.keywords.is_empty() {
        text += &format!("  keywords {}\n", info.keywords.join(", "));
    }
    if !info.needs.is_empty() {
        text += &format!("  needs {}\n", names(&info.needs));
    }
    if !info.metrics.is_empty() {
        text += &format!("  metrics {}\n", info.metrics.join(", "));
    }
    text += if info.parameters.is_empty() { "\nNo parameters.\n" } else { "\nParameters:\n" };
    for p in &info.parameters {
        text += &format!("  {}: {}{}, {}\n      {}\n", p.name, p.domain, unit(p), default(p), p.help);
    }
    for example in &info.examples {
        text += &format!("\nExample: {}\n", example.title);
        for line in example.text.lines() {
            text += &format!("  {line}\n");
        }
    }
    text
}

fn markdown_of(entry: &Entry) -> String {
    let info = &entry.info;
    let mut text = format!(
        "### `{}`\n\n{}\n\nKind `{}`, version {}, from `{}`.\n\n",
        info.id,
        info.summary,
        entry.kind(),
        info.version,
        entry.source
    );
    if !info.keywords.is_empty() {
        text += &format!("Keywords: `{}`.\n\n", info.keywords.join("`, `"));
    }
    if !info.needs.is_empty() {
        text += &format!("Needs: {}.\n\n", names(&info.needs));
    }
    if !info.metrics.is_empty() {
        text += &format!("Metrics: `{}`.\n\n", info.metrics.join("`, `"));
    }
    if !info.parameters.is_empty() {
        text += "| parameter | values | default | meaning |\n|---|---|---|---|\n";
        for p in &info.parameters {
            let default = p.default.as_ref().map_or("required".into(), |v| format!("`{v}`"));
            let domain = p.domain.to_string().replace('|', "\\|");
            text += &format!("| `{}` | {domain}{} | {default} | {} |\n", p.name, unit(p), p.help);
        }
        text.push('\n');
    }
    for example in &info.examples {
        text += &format!("{}\n\n```text\n{}\n```\n\n", example.title, example.text.trim_end());
    }
    text
}

fn names(kinds: &[Kind]) -> String {
    kinds.iter().map(|k| k.name()).collect::<Vec<_>>().join(", ")
}

fn unit(p: &codebench_model::ParameterDescription) -> String {
    p.unit.as_ref().map(|u| format!(" ({u})")).unwrap_or_default()
}

fn default(p: &codebench_model::ParameterDescription) -> String {
    p.default.as_ref().map_or("required".into(), |v| format!("default {v}"))
}
