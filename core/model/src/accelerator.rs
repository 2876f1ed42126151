//! Accelerators: the paper's template with its named parameters.

use crate::hardware::AcceleratorDescription;
use crate::parameter::Parameters;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Main memory technology.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MemoryKind {
    /// Monolithic 3D resistive RAM; published code 1.
    Rram,
    /// Off-chip DRAM; published code 2.
    Dram,
    /// High-bandwidth memory; published code 3.
    Hbm,
}

impl MemoryKind {
    /// Every kind with its name in files, in the order of the published codes 1, 2, 3.
    pub const ALL: [(MemoryKind, &'static str); 3] =
        [(MemoryKind::Rram, "rram"), (MemoryKind::Dram, "dram"), (MemoryKind::Hbm, "hbm")];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            MemoryKind::Rram => "rram",
            MemoryKind::Dram => "dram",
            MemoryKind::Hbm => "hbm",
        }
    }

    /// Number of published organisations, which [`PublishedAccelerator::memory_config`] counts from 1.
    pub fn organisations(self) -> u64 {
        match self {
            MemoryKind::Rram => 6,
            MemoryKind::Dram => 4,
            MemoryKind::Hbm => 1,
        }
    }
}

/// A point of the paper's template, after the released code's conversions: every entry but the mask buffer is
/// truncated to a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PublishedAccelerator {
    /// PEs along the batch.
    pub pib: u64,
    /// Multipliers per MAC lane (input channels): 1 or 16.
    pub pif: u64,
    /// PEs along x.
    pub pix: u64,
    /// PEs along y.
    pub piy: u64,
    /// MAC lanes along output channels.
    pub pof: u64,
    /// MAC lanes along kernel x.
    pub pkx: u64,
    /// MAC lanes along kernel y.
    pub pky: u64,
    /// Images per inference.
    pub batch: u64,
    /// Activation buffer, MB of 2^20 bytes.
    pub activation_buffer_mb: u64,
    /// Weight buffer, MB of 2^20 bytes.
    pub weight_buffer_mb: u64,
    /// Mask buffer, MB of 2^20 bytes.
    pub mask_buffer_mb: f64,
    /// Main memory.
    pub memory: MemoryKind,
    /// Organisation of the memory, from 1 to [`MemoryKind::organisations`].
    pub memory_config: u64,
}

/// An accelerator as a job or a file gives it. A map with the key `module` is a description, any other map named parameters.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum AcceleratorInput {
    /// The published vector of 13 numbers.
    Vector(Vec<f64>),
    /// Named parameters of the paper's template; missing names take the default vector's values.
    Named(Parameters),
    /// Module by module; fidelity `cycle` only.
    Described(Box<AcceleratorDescription>),
}

impl<'de> Deserialize<'de> for AcceleratorInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Input;

        impl<'de> Visitor<'de> for Input {
            type Value = AcceleratorInput;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("13 numbers, named parameters, or a description with `module`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<AcceleratorInput, A::Error> {
                let mut vector = Vec::with_capacity(PUBLISHED_NAMES.len());
                while let Some(value) = list.next_element()? {
                    vector.push(value);
                }
                Ok(AcceleratorInput::Vector(vector))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AcceleratorInput, A::Error> {
                let mut fields = serde_json::Map::new();
                while let Some((name, value)) = map.next_entry()? {
                    fields.insert(name, value);
                }
                let described = fields.contains_key("module");
                let document = serde_json::Value::Object(fields);
                match described {
                    true => {
                        serde_json::from_value(document).map(|d| AcceleratorInput::Described(Box::new(d)))
                    }
                    false => serde_json::from_value(document).map(AcceleratorInput::Named),
                }
                .map_err(A::Error::custom)
            }
        }
        deserializer.deserialize_any(Input)
    }
}

/// Names of the published vector's entries, in order.
pub const PUBLISHED_NAMES: [&str; 13] = [
    "pib",
    "pif",
    "pix",
    "piy",
    "pof",
    "pkx",
    "pky",
    "batch",
    "activation_buffer_mb",
    "weight_buffer_mb",
    "mask_buffer_mb",
    "memory",
    "memory_config",
];

/// The paper's default vector.
pub const DEFAULT_VECTOR: [f64; 13] = [2.0, 16.0, 8.0, 4.0, 8.0, 3.0, 3.0, 1.0, 12.0, 24.0, 4.0, 1.0, 1.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accelerator_is_recognised_by_its_form() {
        let read = |text: &str| serde_json::from_str::<AcceleratorInput>(text);
        assert_eq!(read("[1, 2.5]").unwrap(), AcceleratorInput::Vector(vec![1.0, 2.5]));
        let AcceleratorInput::Named(named) = read(r#"{"pib": 2, "memory": "dram"}"#).unwrap() else {
            panic!()
        };
        assert_eq!((named["pib"].as_i64(), named["memory"].as_str()), (Some(2), Some("dram")));
        let described = r#"{"clock_mhz": 700, "module": [{"role": "memory", "plugin": "a/b"}]}"#;
        let input = read(described).unwrap();
        assert!(matches!(&input, AcceleratorInput::Described(d) if d.module.len() == 1));
        assert_eq!(read(&serde_json::to_string(&input).unwrap()).unwrap(), input);
        let message = read(r#"{"clock_mhz": 700, "modul": 1, "module": []}"#).unwrap_err().to_string();
        assert!(message.contains("modul"), "{message}");
        assert!(read("3").is_err());
    }

    #[test]
    fn a_memory_is_called_as_serde_writes_it() {
        for (kind, name) in MemoryKind::ALL {
            assert_eq!(kind.name(), name);
            assert_eq!(serde_json::to_value(kind).unwrap(), name);
        }
    }
}
