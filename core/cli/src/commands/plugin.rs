//! `codebench plugin`: what the catalogue knows.

use crate::{Failure, OrFail, catalog};
use clap::Subcommand;
use codebench_api::{Entry, Kind};
use std::io::Write;

/// Subcommands of `codebench plugin`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List every plugin: id, kind, version, where it comes from, and what it does
    #[command(after_help = "\
Examples:
  codebench plugin list
  codebench plugin list --kind strategy
  codebench plugin list --json")]
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
    /// Check that a plugin keeps the contract of its kind, in processes of its own
    Check(super::plugin_check::Arguments),
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
    if let Command::Check(arguments) = command {
        return super::plugin_check::run(arguments, out);
    }
    let catalog = catalog()?;
    match command {
        Command::Check(_) => Ok(()),
        Command::List { json, kind } => {
            let entries: Vec<&Entry> =
                catalog.entries().filter(|e| kind.is_none_or(|k| e.kind() == k)).collect();
            if *json { list_json(&entries, out) } else { list_text(&entries, out) }
        }
        Command::Info { id: Some(id), json, markdown } => {
            let entry = catalog.get(id).usage()?;
            match (json, markdown) {
                (true, _) => Ok(writeln!(out, "{}", pretty(&as_json(entry))?)?),
                (_, true) => Ok(out.write_all(markdown_of(entry).as_bytes())?),
                _ => Ok(out.write_all(text_of(entry).as_bytes())?),
            }
        }
        Command::Info { id: None, .. } => {
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

fn list_text(entries: &[&Entry], out: &mut dyn Write) -> Result<(), Failure> {
    let width = |f: fn(&Entry) -> usize| entries.iter().map(|e| f(e)).max().unwrap_or(0);
    let id = width(|e| e.info.id.len());
    let kind = width(|e| e.kind().name().len());
    let version = width(|e| e.info.version.len());
    let source = width(|e| e.source.len());
    for e in entries {
        writeln!(
            out,
            "{:id$}  {:kind$}  {:version$}  {:source$}  {}",
            e.info.id,
            e.kind().name(),
            e.info.version,
            e.source,
            e.info.summary
        )?;
    }
    Ok(())
}

fn list_json(entries: &[&Entry], out: &mut dyn Write) -> Result<(), Failure> {
    let all: Vec<_> = entries.iter().map(|e| as_json(e)).collect();
    Ok(writeln!(out, "{}", pretty(&all)?)?)
}

fn pretty(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).failure()
}

/// The description with kind and source beside its fields.
#[derive(serde::Serialize)]
struct Described<'a> {
    kind: Kind,
    source: &'a str,
    #[serde(flatten)]
    info: &'a codebench_api::PluginInfo,
}

fn as_json(entry: &Entry) -> Described<'_> {
    Described { kind: entry.kind(), source: &entry.source, info: &entry.info }
}

fn text_of(entry: &Entry) -> String {
    let info = &entry.info;
    let mut text = format!(
        "{} {}\n  {}\n  kind {}, from {}\n",
        info.id,
        info.version,
        info.summary,
        entry.kind(),
        entry.source
    );
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
