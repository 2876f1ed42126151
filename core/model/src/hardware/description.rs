//! The accelerator that a user describes in TOML.

use super::Role;
use crate::parameter::Parameters;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// An accelerator as its file describes it. Module parameters may be `"$name"`, a name of `parameters`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AcceleratorDescription {
    /// For people.
    #[serde(default)]
    pub name: String,
    /// Clock of the accelerator, MHz; a multiple of 0.001.
    pub clock_mhz: f64,
    /// Images per inference.
    #[serde(default = "one")]
    pub batch: Count,
    /// Fixed-point words.
    #[serde(default)]
    pub word: WordFormat,
    /// Tile sizes.
    #[serde(default)]
    pub tile: TilePolicy,
    /// Nesting of the loops over tiles.
    #[serde(default)]
    pub loop_order: LoopPolicy,
    /// Whether the next tile is loaded while one is computed.
    #[serde(default = "yes")]
    pub double_buffer: bool,
    /// Named values that module parameters may refer to, with their defaults.
    #[serde(default)]
    pub parameters: Parameters,
    /// The modules.
    pub module: Vec<DescribedModule>,
}

fn one() -> Count {
    Count::Number(1)
}

fn yes() -> bool {
    true
}

/// A whole number, or `"$name"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Count {
    /// The number.
    Number(u64),
    /// A reference to [`AcceleratorDescription::parameters`].
    Reference(String),
}

impl<'de> Deserialize<'de> for Count {
    /// By hand, because serde cannot say what is wrong with a value that is neither.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, 0 or more, or a reference such as \"$batch\"")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Count, E> {
                Ok(Count::Number(number))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Count, E> {
                u64::try_from(number)
                    .map(Count::Number)
                    .map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Count, E> {
                Ok(Count::Reference(name.to_owned()))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

/// One module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DescribedModule {
    /// What it is for.
    pub role: Role,
    /// Id of its plugin, or `"$name"`.
    pub plugin: String,
    /// Parameters of the plugin; texts that start with `$` are references.
    #[serde(default)]
    pub parameters: Parameters,
}

/// Bits of a fixed-point word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WordFormat {
    /// Bits before the point, sign included.
    pub integer_bits: u64,
    /// Bits after the point.
    pub fraction_bits: u64,
}

impl Default for WordFormat {
    /// The paper's 4 + 16 bits.
    fn default() -> Self {
        WordFormat { integer_bits: 4, fraction_bits: 16 }
    }
}

/// How tile sizes are found: `"auto"`, or the sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(into = "TileDocument", try_from = "TileDocument")]
#[cfg_attr(feature = "schema", schemars(with = "TileDocument"))]
pub enum TilePolicy {
    /// From the module's wish, shrunk until the tiles fit the buffers.
    #[default]
    Auto,
    /// These, clipped to each layer's extents. An extent of 0 is the whole.
    Fixed(TileSize),
}

/// Who decides which loops over tiles are outermost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LoopPolicy {
    /// Per layer, the one that is estimated to be faster.
    #[default]
    Auto,
    /// Images, rows and columns, then channels: activations are loaded once.
    ActivationsOuter,
    /// Channels, then images, rows and columns: weights are loaded once.
    WeightsOuter,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
enum TileDocument {
    Word(String),
    Size(TileSize),
}

impl<'de> Deserialize<'de> for TileDocument {
    /// By hand, because serde cannot say what is wrong with a value that is neither.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = TileDocument;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"auto\" or sizes such as { batch = 4, x = 64, y = 64, in = 64, out = 64 }")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<TileDocument, E> {
                Ok(TileDocument::Word(word.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TileDocument, A::Error> {
                TileSize::deserialize(MapAccessDeserializer::new(map)).map(TileDocument::Size)
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

impl From<TilePolicy> for TileDocument {
    fn from(policy: TilePolicy) -> Self {
        match policy {
            TilePolicy::Auto => TileDocument::Word("auto".into()),
            TilePolicy::Fixed(size) => TileDocument::Size(size),
        }
    }
}

impl TryFrom<TileDocument> for TilePolicy {
    type Error = String;

    fn try_from(document: TileDocument) -> Result<Self, String> {
        match document {
            TileDocument::Word(word) if word == "auto" => Ok(TilePolicy::Auto),
            TileDocument::Word(word) => Err(format!(
                "tile = {word:?}; give \"auto\" or {{ batch = 4, x = 64, y = 64, in = 64, out = 64 }}"
            )),
            TileDocument::Size(size) => Ok(TilePolicy::Fixed(size)),
        }
    }
}

/// Extents of a tile in elements: images, output rows, output columns, input channels, output channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct TileSize {
    /// Images.
    pub batch: u64,
    /// Output rows.
    pub y: u64,
    /// Output columns.
    pub x: u64,
    /// Input channels.
    #[serde(rename = "in")]
    pub in_channels: u64,
    /// Output channels.
    #[serde(rename = "out")]
    pub out_channels: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_written_as_a_word_or_as_sizes() {
        let read = |text: &str| serde_json::from_str::<TilePolicy>(text);
        assert_eq!(read("\"auto\"").unwrap(), TilePolicy::Auto);
        let size = TileSize { batch: 4, y: 64, x: 32, in_channels: 8, out_channels: 16 };
        let fixed = r#"{"batch":4,"y":64,"x":32,"in":8,"out":16}"#;
        assert_eq!(read(fixed).unwrap(), TilePolicy::Fixed(size));
        assert_eq!(serde_json::to_string(&TilePolicy::Fixed(size)).unwrap(), fixed);
        assert_eq!(serde_json::to_string(&TilePolicy::Auto).unwrap(), "\"auto\"");
        assert!(read("\"big\"").unwrap_err().to_string().contains("\"big\""));
        let wrong = |text: &str| read(text).unwrap_err().to_string();
        assert!(wrong("3").contains("expected \"auto\" or sizes such as"), "{}", wrong("3"));
        assert!(wrong(r#"{"z":3}"#).starts_with("unknown field `z`, expected one of `batch`"));
    }

    #[test]
    fn a_count_that_is_neither_number_nor_reference_is_told() {
        let read = |text: &str| serde_json::from_str::<Count>(text).map_err(|e| e.to_string());
        assert_eq!(read("7"), Ok(Count::Number(7)));
        assert_eq!(read("\"$batch\""), Ok(Count::Reference("$batch".into())));
        let expected = "expected a whole number, 0 or more, or a reference such as \"$batch\"";
        for wrong in ["1.5", "-1", "true", "[1]"] {
            assert!(read(wrong).unwrap_err().contains(expected), "{wrong}: {:?}", read(wrong));
        }
    }
}
