//! Every plugin that the host knows, by id.

use crate::{
    AccelModule, CnnOp, Configuration, Engine, Evaluator, Executor, Form, Kind, Maker, Memory, PluginError,
    PluginInfo, Registration, Registrations, Strategy, StrategyContext, Surrogate, SurrogateContext,
};
use codebench_model::{HardwareContext, Parameters, PublishedConstants, parameter};
use std::collections::BTreeMap;

/// One plugin of the catalogue.
#[derive(Clone)]
pub struct Entry {
    /// Its description.
    pub info: PluginInfo,
    /// Makes it.
    pub maker: Maker,
    /// Where it came from: a crate's name, or a file.
    pub source: String,
    /// How it came.
    pub form: Form,
    /// SHA-256, hexadecimal, of the file that it came from; part of memo keys. `None` if it is built in.
    pub sha256: Option<String>,
}

impl Entry {
    /// A plugin that is linked into the program, from the crate `source`.
    pub fn built_in(registration: &Registration, source: &str) -> Entry {
        Entry {
            info: (registration.info)(),
            maker: registration.factory.into(),
            source: source.to_owned(),
            form: Form::BuiltIn,
            sha256: None,
        }
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.maker.kind()
    }
}

/// Why a catalogue could not be filled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum CatalogError {
    #[error("plugin id `{id}` is claimed by {first} and by {second}: rename one of them")]
    DuplicateId { id: String, first: String, second: String },
    #[error(
        "keyword `{keyword}` of the CNN language is claimed by {first} and by {second}: give it to one of them only"
    )]
    DuplicateKeyword { keyword: String, first: String, second: String },
    #[error(
        "plugin id `{id}` of {source_name} is malformed: write `vendor/name` in lower case, digits and hyphens"
    )]
    MalformedId { id: String, source_name: String },
    #[error(
        "keyword `{keyword}` of plugin `{id}` is malformed: write lower case letters and underscores, a letter first"
    )]
    MalformedKeyword { id: String, keyword: String },
}

/// Plugins by id, sorted: the order of registration never shows.
#[derive(Clone, Default)]
pub struct Catalog {
    entries: BTreeMap<String, Entry>,
}

impl Catalog {
    /// All built-in plugins that the linker kept.
    pub fn built_in() -> Result<Catalog, CatalogError> {
        let mut catalog = Catalog::default();
        for registrations in inventory::iter::<Registrations> {
            catalog.add_all(registrations.source, registrations.plugins)?;
        }
        Ok(catalog)
    }

    /// Adds all plugins of one source.
    pub fn add_all(&mut self, source: &str, plugins: &[Registration]) -> Result<(), CatalogError> {
        for plugin in plugins {
            self.add(Entry::built_in(plugin, source))?;
        }
        Ok(())
    }

    /// Adds one plugin.
    pub fn add(&mut self, entry: Entry) -> Result<(), CatalogError> {
        let id = entry.info.id.clone();
        if !is_well_formed(&id) {
            return Err(CatalogError::MalformedId { id, source_name: entry.source });
        }
        if let Some(first) = self.entries.get(&id) {
            return Err(CatalogError::DuplicateId { id, first: first.source.clone(), second: entry.source });
        }
        for keyword in &entry.info.keywords {
            if !is_keyword(keyword) {
                return Err(CatalogError::MalformedKeyword { id, keyword: keyword.clone() });
            }
            if let Some(first) = self.entries.values().find(|e| e.info.keywords.contains(keyword)) {
                let (first, keyword) = (first.info.id.clone(), keyword.clone());
                return Err(CatalogError::DuplicateKeyword { keyword, first, second: id });
            }
        }
        self.entries.insert(id, entry);
        Ok(())
    }

    /// All plugins in order of id.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The plugin `id`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound), with the nearest known id.
    pub fn get(&self, id: &str) -> Result<&Entry, PluginError> {
        self.entries.get(id).ok_or_else(|| {
            let nearest = parameter::nearest(id, self.entries.keys().map(String::as_str));
            let hint = nearest.map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default();
            PluginError::not_found(format!(
                "unknown plugin `{id}`{hint}; `codebench plugin list` shows all of them"
            ))
        })
    }

    /// Parameters of plugin `id` checked and completed with defaults.
    pub fn complete(&self, id: &str, given: &Parameters) -> Result<Parameters, PluginError> {
        let entry = self.get(id)?;
        parameter::complete(&entry.info.parameters, given)
            .map_err(|e| PluginError::invalid(format!("plugin `{id}`: {e}")))
    }

    /// The constants of the released simulator.
    pub fn published_constants(&self) -> Result<PublishedConstants, PluginError> {
        self.entries
            .values()
            .find_map(|e| match &e.maker {
                Maker::PublishedConstants(make) => Some(make()),
                _ => None,
            })
            .ok_or_else(|| {
                PluginError::not_found(
                    "no plugin registers the published constants: link `codebench-accelbench` (plugins/builtin does)",
                )
            })
    }
}

/// One function per kind: `for Context` passes a context on to the plugin, `on hardware` makes it part of the configuration.
macro_rules! makers {
    ($($(#[$doc:meta])* $name:ident $kind:ident $(for $context:ident)? $(on $hardware:ident)?;)*) => {
        impl Catalog {
            $($(#[$doc])*
            pub fn $name(
                &self,
                id: &str,
                parameters: &Parameters,
                $(context: &$context,)?
                $($hardware: HardwareContext,)?
            ) -> Result<Box<dyn $kind>, PluginError> {
                match &self.get(id)?.maker {
                    Maker::$kind(make) => {
                        let parameters = self.complete(id, parameters)?;
                        #[allow(unused_mut)]
                        let mut configuration = Configuration {
                            parameters: &parameters,
                            catalog: self,
                            hardware: HardwareContext::default(),
                        };
                        $(configuration.$hardware = $hardware;)?
                        make(&configuration, $({ let context: &$context = context; context })?)
                    }
                    other => Err(wrong_kind(id, other.kind(), Kind::$kind)),
                }
            })*
        }
    };
}

makers! {
    /// Makes a cnn-op.
    cnn_op CnnOp;
    /// Makes an accel-module.
    accel_module AccelModule on hardware;
    /// Makes a memory.
    memory Memory on hardware;
    /// Makes a surrogate.
    surrogate Surrogate for SurrogateContext;
    /// Makes a strategy.
    strategy Strategy for StrategyContext;
    /// Makes an evaluator.
    evaluator Evaluator;
    /// Makes an engine.
    engine Engine;
    /// Makes an executor.
    executor Executor;
}

fn wrong_kind(id: &str, is: Kind, wanted: Kind) -> PluginError {
    PluginError::invalid(format!("plugin `{id}` is of kind {is}, but kind {wanted} is needed here"))
}

/// `[a-z][a-z_]*`.
fn is_keyword(keyword: &str) -> bool {
    keyword.starts_with(|c: char| c.is_ascii_lowercase())
        && keyword.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

/// `vendor/name`, each of lower case letters, digits and hyphens, starting with a letter.
fn is_well_formed(id: &str) -> bool {
    let part = |p: &str| {
        p.starts_with(|c: char| c.is_ascii_lowercase())
            && p.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    matches!(id.split_once('/'), Some((vendor, name)) if part(vendor) && part(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Plugin, kinds};
    use codebench_model::ParameterValue;

    struct Serial;

    impl Plugin for Serial {
        type Kind = kinds::Executor;

        fn info() -> PluginInfo {
            PluginInfo::new("example/serial", "0.1.0", "One after another.")
        }

        fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
            Ok(Serial)
        }
    }

    impl Executor for Serial {
        fn run(&self, count: usize, task: &(dyn Fn(usize) + Sync)) -> Result<(), PluginError> {
            (0..count).for_each(task);
            Ok(())
        }
    }

    fn entry(id: &str, keywords: &[&str]) -> Entry {
        let registration = Registration::of::<Serial>();
        let info = PluginInfo { id: id.into(), ..(registration.info)() }.keywords(keywords);
        Entry { info, ..Entry::built_in(&registration, &format!("crate of {id}")) }
    }

    fn refused(entries: &[Entry]) -> String {
        let mut catalog = Catalog::default();
        entries.iter().try_for_each(|e| catalog.add(e.clone())).unwrap_err().to_string()
    }

    #[test]
    fn what_two_plugins_claim_is_refused_and_names_both() {
        let one = entry("acme/one", &["fold"]);
        assert_eq!(
            refused(&[one.clone(), Entry { source: "elsewhere".into(), ..one.clone() }]),
            "plugin id `acme/one` is claimed by crate of acme/one and by elsewhere: rename one of them"
        );
        assert_eq!(
            refused(&[one, entry("acme/two", &["bend", "fold"])]),
            "keyword `fold` of the CNN language is claimed by acme/one and by acme/two: give it to one of them only"
        );
    }

    #[test]
    fn malformed_ids_and_keywords_are_refused() {
        for id in ["", "one", "acme/", "/one", "Acme/one", "acme/1", "acme/one/two", "acme/o ne"] {
            assert!(refused(&[entry(id, &[])]).contains(&format!("`{id}`")), "{id}");
        }
        for keyword in ["", "Fold", "fold2", "_fold", "fo-ld"] {
            assert!(refused(&[entry("acme/one", &[keyword])]).contains(&format!("`{keyword}`")), "{keyword}");
        }
    }

    #[test]
    fn a_plugin_of_another_kind_is_refused_before_its_parameters_are_read() {
        let mut catalog = Catalog::default();
        catalog.add_all("here", &[Registration::of::<Serial>()]).unwrap();
        let given = Parameters::from([("threads".to_owned(), ParameterValue::Integer(1))]);
        let message = |made: Result<(), PluginError>| made.unwrap_err().message;
        assert_eq!(
            message(catalog.engine("example/serial", &given).map(|_| ())),
            "plugin `example/serial` is of kind executor, but kind engine is needed here"
        );
        assert_eq!(
            message(catalog.executor("example/serial", &given).map(|_| ())),
            "plugin `example/serial`: unknown parameter `threads`; it takes none"
        );
        assert_eq!(
            message(catalog.executor("example/seria", &given).map(|_| ())),
            "unknown plugin `example/seria` (did you mean `example/serial`?); `codebench plugin list` shows all of them"
        );
        assert!(catalog.executor("example/serial", &Parameters::new()).is_ok());
    }
}
