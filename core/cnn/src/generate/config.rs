//! What to generate, as the released design spaces say it.

use crate::file::FileError;
use crate::hash::Algorithm;
use codebench_model::wording;
use codebench_model::{CnnGraph, EdgeLimit};
use num_bigint::BigUint;
use serde::{Deserialize, Serialize};

/// Sizes of modules in vertices, input and output among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ModuleSizes {
    /// 3 up to, but not including, this many.
    Below(usize),
    /// These sizes.
    Listed(Vec<usize>),
}

impl ModuleSizes {
    /// The sizes in order.
    pub fn sizes(&self) -> impl Iterator<Item = usize> + '_ {
        let (range, listed): (_, &[usize]) = match self {
            ModuleSizes::Below(end) => (3..*end, &[]),
            ModuleSizes::Listed(sizes) => (0..0, sizes),
        };
        range.chain(listed.iter().copied())
    }
}

/// The edge limit as the file has it: a number, or a text.
mod edge_limit {
    use codebench_model::EdgeLimit;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Form {
        Number(usize),
        Text(String),
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<EdgeLimit, D::Error> {
        match Form::deserialize(deserializer)? {
            Form::Number(limit) => Ok(EdgeLimit::Edges(limit)),
            Form::Text(text) => text.parse().map_err(D::Error::custom),
        }
    }

    pub(super) fn serialize<S: Serializer>(limit: &EdgeLimit, serializer: S) -> Result<S::Ok, S::Error> {
        match limit {
            EdgeLimit::Edges(limit) => Form::Number(*limit),
            EdgeLimit::VerticesPlus(_) => Form::Text(limit.to_string()),
        }
        .serialize(serializer)
    }
}

/// What to generate. The TOML of `codebench cnn count FILE`:
///
/// ```
/// use codebench_cnn::generate::{GenerationConfig, GraphHash, count};
/// let config = GenerationConfig::from_toml(r#"
///     module_vertices = [3, 4]            # or a number n for the sizes 3 .. n-1
///     max_edges = "module_vertices+3"     # or a number
///     base_ops = ["conv1x1-c16-bn-relu", "maxpool3x3-s2-p1"]
///     max_modules = 2
///     modules_per_stack = 1
///     head_vertices = 5
///     flatten_ops = ["flatten", "global-avg-pool"]
///     dense_ops = ["dropout-p5", "dense-84-relu"]
///     hash_algo = "md5"
/// "#).unwrap();
/// let counts = count(&config, GraphHash::Simple).unwrap();
/// assert_eq!(counts.graphs[1].exactly.to_string(), "10584");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenerationConfig {
    /// Sizes of modules.
    pub module_vertices: ModuleSizes,
    /// The most edges of a module.
    #[serde(with = "edge_limit")]
    pub max_edges: EdgeLimit,
    /// Labels of the interior vertices of modules.
    pub base_ops: Vec<String>,
    /// The most modules of a CNN, its head not counted.
    pub max_modules: u64,
    /// The largest head; the smallest has four vertices.
    pub head_vertices: usize,
    /// Labels of the first vertex of a head.
    pub flatten_ops: Vec<String>,
    /// Labels of the vertices between that and the classes.
    pub dense_ops: Vec<String>,
    /// How often a module is repeated.
    #[serde(default = "one")]
    pub modules_per_stack: u64,
    /// Tells modules and CNNs apart.
    #[serde(default)]
    pub hash_algo: Algorithm,
    /// Channels of a convolution whose label names none.
    #[serde(default = "CnnGraph::standard_default_channels")]
    pub default_channels: u64,
}

fn one() -> u64 {
    1
}

/// Why nothing can be generated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum GenerateError {
    #[error("{0}")]
    File(#[from] FileError),
    #[error("module_vertices has {size}: give sizes from 2 to {max}, input and output counted")]
    ModuleSize { size: usize, max: usize },
    #[error("head_vertices = {size}: give 4 to {max}, input and output counted")]
    HeadSize { size: usize, max: usize },
    #[error(
        "modules_per_stack = {per_stack}, max_modules = {most}: give 1 <= modules_per_stack <= max_modules <= {limit}"
    )]
    Stacks { per_stack: u64, most: u64, limit: u64 },
    #[error("{name} is empty: list at least one label")]
    Empty { name: &'static str },
    #[error(
        "{total} labelled {what} are too many to enumerate: at most {limit}; list fewer operations or fewer vertices"
    )]
    TooManyLabelled { what: &'static str, total: BigUint, limit: u64 },
    #[error(
        "{total} CNNs are too many to tell apart by merged hashes: at most {limit}; count by simple hashes"
    )]
    TooMany { total: BigUint, limit: u64 },
}

const KEYS: [&str; 10] = [
    "module_vertices",
    "max_edges",
    "base_ops",
    "max_modules",
    "head_vertices",
    "flatten_ops",
    "dense_ops",
    "modules_per_stack",
    "hash_algo",
    "default_channels",
];

impl GenerationConfig {
    /// Whether `text` is meant to be a configuration, and not a CNN file: it is TOML and has a key of one alone.
    pub fn recognises(text: &str) -> bool {
        let own = KEYS.iter().filter(|key| **key != "default_channels");
        toml::from_str::<toml::Table>(text)
            .is_ok_and(|table| own.into_iter().any(|key| table.contains_key(*key)))
    }

    /// Reads and checks a configuration written in TOML.
    ///
    /// # Errors
    /// What is wrong with the text, with line and column, or with a value.
    pub fn from_toml(text: &str) -> Result<GenerationConfig, GenerateError> {
        let config: GenerationConfig = toml::from_str(text).map_err(|e| {
            let message =
                wording::of_reader(e.message(), e.span().and_then(|span| text.get(span))).replace('\n', ", ");
            GenerateError::File(FileError::at(text, e.span().map_or(0, |span| span.start), message))
        })?;
        config.check()?;
        Ok(config)
    }

    /// The largest module.
    pub const MAX_MODULE_VERTICES: usize = 8;
    /// The largest head.
    pub const MAX_HEAD_VERTICES: usize = 24;
    /// The most modules of a CNN.
    pub const MAX_MODULES: u64 = 1000;
    /// The most labelled edge sets or heads that are enumerated.
    pub const MAX_LABELLED: u64 = 20_000_000;

    /// Stacks of the deepest CNN.
    pub fn max_stacks(&self) -> u64 {
        self.max_modules.checked_div(self.modules_per_stack).unwrap_or(0)
    }

    /// Sizes of heads.
    pub fn head_sizes(&self) -> impl Iterator<Item = usize> + use<> {
        4..=self.head_vertices
    }

    /// All labels, for a check against a language.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        let lists = self.base_ops.iter().chain(&self.flatten_ops).chain(&self.dense_ops);
        lists.map(String::as_str)
    }

    /// `message` about a label, at its place in the `text` of the configuration.
    pub fn label_error(text: &str, label: &str, message: &str) -> FileError {
        let quoted = [format!("\"{label}\""), format!("'{label}'")];
        let at = quoted.iter().find_map(|quoted| text.find(quoted)).unwrap_or_default();
        FileError::at(text, at, format!("label `{label}`: {message}"))
    }

    /// Checks every value, and that enumerating modules and heads ends in reasonable time.
    pub fn check(&self) -> Result<(), GenerateError> {
        let (max_module, max_head) = (Self::MAX_MODULE_VERTICES, Self::MAX_HEAD_VERTICES);
        if let ModuleSizes::Below(end) = self.module_vertices
            && end > max_module + 1
        {
            return Err(GenerateError::ModuleSize { size: end, max: max_module + 1 });
        }
        if let Some(size) = self.module_vertices.sizes().find(|v| !(2..=max_module).contains(v)) {
            return Err(GenerateError::ModuleSize { size, max: max_module });
        }
        if self.module_vertices.sizes().next().is_none() {
            return Err(GenerateError::Empty { name: "module_vertices" });
        }
        if !(4..=max_head).contains(&self.head_vertices) {
            return Err(GenerateError::HeadSize { size: self.head_vertices, max: max_head });
        }
        if self.max_stacks() == 0 || self.max_modules > Self::MAX_MODULES {
            let (per_stack, most) = (self.modules_per_stack, self.max_modules);
            return Err(GenerateError::Stacks { per_stack, most, limit: Self::MAX_MODULES });
        }
        let lists = [("base_ops", &self.base_ops), ("flatten_ops", &self.flatten_ops)];
        for (name, labels) in lists.into_iter().chain([("dense_ops", &self.dense_ops)]) {
            if labels.is_empty() {
                return Err(GenerateError::Empty { name });
            }
        }
        self.check_effort()
    }

    fn check_effort(&self) -> Result<(), GenerateError> {
        let power = |base: usize, exponent: usize| {
            BigUint::from(base).pow(u32::try_from(exponent).unwrap_or(u32::MAX))
        };
        let edge_sets = |size: usize| (1..size).map(|y| power(2, y) - 1_u32).product::<BigUint>();
        let modules: BigUint =
            self.module_vertices.sizes().map(|v| edge_sets(v) * power(self.base_ops.len(), v - 2)).sum();
        let heads: BigUint =
            self.head_sizes().map(|v| power(self.dense_ops.len(), v - 4) * self.flatten_ops.len()).sum();
        let limit = Self::MAX_LABELLED;
        for (what, total) in [("modules", modules), ("heads", heads)] {
            if total > BigUint::from(limit) {
                return Err(GenerateError::TooManyLabelled { what, total, limit });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> GenerationConfig {
        GenerationConfig {
            module_vertices: ModuleSizes::Below(5),
            max_edges: EdgeLimit::VerticesPlus(3),
            base_ops: vec!["conv1x1".into()],
            max_modules: 2,
            head_vertices: 4,
            flatten_ops: vec!["flatten".into()],
            dense_ops: vec!["dense-84-relu".into()],
            modules_per_stack: 1,
            hash_algo: Algorithm::Md5,
            default_channels: 128,
        }
    }

    #[test]
    fn refused_values_are_quoted_with_their_range() {
        let error = |change: fn(&mut GenerationConfig)| {
            let mut config = config();
            change(&mut config);
            config.check().unwrap_err().to_string()
        };
        assert_eq!(
            error(|c| c.module_vertices = ModuleSizes::Listed(vec![3, 9])),
            "module_vertices has 9: give sizes from 2 to 8, input and output counted"
        );
        assert!(error(|c| c.module_vertices = ModuleSizes::Below(usize::MAX)).contains("to 9"));
        assert!(error(|c| c.module_vertices = ModuleSizes::Below(3)).contains("module_vertices is empty"));
        assert!(error(|c| c.head_vertices = 3).contains("head_vertices = 3"));
        assert!(error(|c| c.modules_per_stack = 0).contains("modules_per_stack = 0"));
        assert!(error(|c| c.modules_per_stack = 3).contains("max_modules = 2"));
        assert!(error(|c| c.max_modules = u64::MAX).contains("<= 1000"));
        assert!(error(|c| c.base_ops.clear()).contains("base_ops is empty"));
        assert!(
            error(|c| {
                c.module_vertices = ModuleSizes::Listed(vec![8]);
                c.base_ops = vec!["conv1x1".into(); 10];
            })
            .contains("labelled modules are too many")
        );
    }

    #[test]
    fn mistakes_in_a_file_are_shown_with_their_place() {
        let text = toml::to_string(&config()).unwrap();
        assert_eq!(GenerationConfig::from_toml(&text), Ok(config()));
        let error = |text: String| GenerationConfig::from_toml(&text).unwrap_err().to_string();
        assert!(error(text.replace("max_modules", "max_module")).starts_with(
            "line 4, column 1: unknown key `max_module` (did you mean `max_modules`?); known: module_v"
        ));
        assert_eq!(
            error(text.replace("max_modules = 2", "max_modules = nan")),
            "line 4, column 15: invalid type: floating point `NaN`, expected a whole number, 0 or more"
        );
        assert_eq!(
            error(text.replace("module_vertices+3", "vertices")),
            "line 2, column 13: \"vertices\" is no limit: give a whole number, or a text such as \"module_vertices+3\""
        );
        assert_eq!(
            GenerationConfig::label_error(&text, "conv1x1", "unknown").to_string(),
            "line 3, column 13: label `conv1x1`: unknown"
        );
        assert!(error(text.replace("base_ops = [\"conv1x1\"]", "")).contains("missing key `base_ops`"));
    }

    #[test]
    fn every_key_is_known() {
        let value = toml::Value::try_from(config()).unwrap();
        let keys: std::collections::BTreeSet<&str> =
            value.as_table().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, KEYS.into_iter().collect());
    }

    #[test]
    fn edge_limits_are_numbers_or_texts() {
        let text = |limit: &str| toml::to_string(&config()).unwrap().replace("\"module_vertices+3\"", limit);
        let limit =
            |written: &str| GenerationConfig::from_toml(&text(written)).map(|config| config.max_edges);
        assert_eq!(limit("9"), Ok(EdgeLimit::Edges(9)));
        assert_eq!(limit("\"module_vertices\""), Ok(EdgeLimit::VerticesPlus(0)));
        assert!(limit("-1").is_err());
    }
}
