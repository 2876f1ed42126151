//! What a user writes: the tables `[cnn]` and `[accelerator]`.

use crate::cell::CellDescription;
use crate::table::{Key, RANGE_KEYS, ValueList, list_from_scalar, range, table};
use codebench_model::accelerator::PUBLISHED_NAMES;
use codebench_model::{CnnGraph, MemoryKind};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

table! {
    /// A space as its file says it.
    pub struct SpaceDescription {
        /// Name for reports.
        pub name: String = "space".into(),
        /// Plain choices of an architecture that only an evaluator understands, before those of the CNN.
        pub choices: Vec<ChoiceDescription> = Vec::new(),
        /// The CNNs; none leaves the CNN out of the space.
        pub cnn: Option<CnnDescription> = None,
        /// The accelerators; none leaves the accelerator out of the space.
        pub accelerator: Option<AcceleratorDescription> = None,
    }
}

table! {
    /// An entry of `[[choices]]`: one choice per name, all with the same values.
    pub struct ChoiceDescription {
        /// Names.
        pub name: ValueList = ValueList(Vec::new()),
        /// Values: texts are names without an order, numbers are ordered.
        pub values: ValueList = ValueList(Vec::new()),
    }
}

table! {
    /// The table `[cnn]`: either `networks`, or `cell`, or CNNs grown from modules.
    pub struct CnnDescription {
        /// Given CNNs, by name or as graphs; excludes every other key.
        pub networks: Vec<Network> = Vec::new(),
        /// Stacks of equal cells with operations on edges; excludes every other key.
        pub cell: Option<CellDescription> = None,
        /// Labels that an interior vertex may have.
        pub ops: Option<ValueList> = None,
        /// Vertices of a module, its input and output included.
        pub vertices: ValueList = ValueList::range(3, 5),
        /// Edges of a module at most: a number, or `"module_vertices+K"`; unlimited if not given.
        pub max_edges: Option<MaxEdges> = None,
        /// How vertices with several inputs may combine them; empty for the paper's rule.
        pub joins: Option<ValueList> = None,
        /// Number of stacks.
        pub stacks: ValueList = ValueList::integers(&[1]),
        /// Number of equal modules in a stack.
        pub modules_per_stack: ValueList = ValueList::integers(&[1]),
        /// Whether all stacks are made of the same module.
        pub same_stacks: bool = false,
        /// Labels of a chain before the first stack.
        pub stem: Vec<String> = Vec::new(),
        /// Labels of a chain between two stacks.
        pub between: Vec<String> = Vec::new(),
        /// Channels of convolutions whose labels name none.
        pub default_channels: ValueList = ValueList::integers(&[128]),
        /// The last module.
        pub head: HeadDescription = HeadDescription::default(),
    }
}

table! {
    /// The table `[cnn.head]`: flatten, then dense layers, then the classes.
    pub struct HeadDescription {
        /// Labels that may stand first: `flatten`, `global-avg-pool`.
        pub flatten: ValueList = ValueList::texts(&["global-avg-pool"]),
        /// Labels that may stand before the classes: `dense-84-relu`, `dropout-p5`.
        pub dense: Option<ValueList> = None,
        /// How many of them; 0 or 1 if `dense` is given, else 0.
        pub layers: Option<ValueList> = None,
    }
}

/// A bound on the edges of a module, as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum MaxEdges {
    /// A number.
    Number(i64),
    /// `module_vertices+K`.
    Text(String),
}

impl<'de> Deserialize<'de> for MaxEdges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EdgesVisitor;

        impl Visitor<'_> for EdgesVisitor {
            type Value = MaxEdges;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, or a text such as \"module_vertices+3\"")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<MaxEdges, E> {
                Ok(MaxEdges::Number(value))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<MaxEdges, E> {
                Ok(MaxEdges::Number(i64::try_from(value).unwrap_or(i64::MAX)))
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<MaxEdges, E> {
                Ok(MaxEdges::Text(value.to_owned()))
            }
        }

        deserializer.deserialize_any(EdgesVisitor)
    }
}

/// A given CNN: a name, or a table of `name` and `graph`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Network {
    /// A network that the program knows, such as `published/resnet18`.
    Named(String),
    /// A graph of the user's.
    Graph {
        /// Its name in reports.
        name: String,
        /// The CNN.
        graph: CnnGraph,
    },
}

impl Network {
    /// The name.
    pub fn name(&self) -> &str {
        match self {
            Network::Named(name) | Network::Graph { name, .. } => name,
        }
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NetworkVisitor;

        impl<'de> Visitor<'de> for NetworkVisitor {
            type Value = Network;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a network, or a table with keys name and graph")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Network, E> {
                Ok(Network::Named(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Network, A::Error> {
                let (mut name, mut graph) = (None, None);
                while let Some(key) = map.next_key_seed(Key(&["name", "graph"]))? {
                    match key {
                        0 => name = Some(map.next_value()?),
                        _ => graph = Some(map.next_value()?),
                    }
                }
                let name = name.ok_or_else(|| de::Error::missing_field("name"))?;
                let graph = graph.ok_or_else(|| de::Error::missing_field("graph"))?;
                Ok(Network::Graph { name, graph })
            }
        }

        deserializer.deserialize_any(NetworkVisitor)
    }
}

/// The table `[accelerator]`: values of an accelerator's parameters. Parameters that are not named keep their defaults.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AcceleratorDescription {
    /// Values by parameter, in the order of the accelerator's parameters.
    pub values: Vec<(String, AcceleratorValues)>,
    /// The accelerator; `None` is the paper's template, its parameters in the published order with the defaults of the
    /// default vector.
    pub base: Option<Box<codebench_model::AcceleratorDescription>>,
}

impl AcceleratorDescription {
    /// Values of the parameters of `base`.
    pub fn described(
        base: codebench_model::AcceleratorDescription,
        values: BTreeMap<String, AcceleratorValues>,
    ) -> Self {
        AcceleratorDescription { values: values.into_iter().collect(), base: Some(Box::new(base)) }
    }
}

/// Values of one parameter.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum AcceleratorValues {
    /// A list of its own.
    List(ValueList),
    /// The value of another parameter: `{ same_as = "pkx" }`.
    SameAs {
        /// That parameter.
        same_as: String,
    },
    /// For `memory`: configurations by kind, `{ rram = [1, 2], hbm = 1 }`.
    Kinds(MemoryKinds),
}

/// Configurations by kind of memory, in order of [`MemoryKind::ALL`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MemoryKinds(pub Vec<(MemoryKind, ValueList)>);

impl Serialize for AcceleratorDescription {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.values.iter().map(|(name, values)| (name, values)))
    }
}

impl Serialize for MemoryKinds {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(kind, values)| (kind, values)))
    }
}

impl<'de> Deserialize<'de> for AcceleratorDescription {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TableVisitor;

        impl<'de> Visitor<'de> for TableVisitor {
            type Value = AcceleratorDescription;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a table of value lists with keys among {}", PUBLISHED_NAMES.join(", "))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AcceleratorDescription, A::Error> {
                let mut entries: Vec<Option<AcceleratorValues>> = vec![None; PUBLISHED_NAMES.len()];
                while let Some(key) = map.next_key_seed(Key(&PUBLISHED_NAMES))? {
                    entries[key] =
                        Some(map.next_value_seed(Entry { memory: PUBLISHED_NAMES[key] == "memory" })?);
                }
                let entries = PUBLISHED_NAMES.iter().zip(entries);
                let values = entries.filter_map(|(n, e)| Some((n.to_string(), e?))).collect();
                Ok(AcceleratorDescription { values, base: None })
            }
        }

        deserializer.deserialize_map(TableVisitor)
    }
}

/// Values of any parameter but the paper's `memory`, whose configurations have a form of their own.
impl<'de> Deserialize<'de> for AcceleratorValues {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Entry { memory: false }.deserialize(deserializer)
    }
}

/// Reads the values of one parameter.
struct Entry {
    memory: bool,
}

impl<'de> DeserializeSeed<'de> for Entry {
    type Value = AcceleratorValues;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<AcceleratorValues, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Entry {
    type Value = AcceleratorValues;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.memory {
            true => f.write_str(
                "a list such as [\"rram\", \"hbm\"], or configurations by kind such as { rram = [1, 2] }",
            ),
            false => f.write_str(
                "a list such as [1, 2, 4], a range { min = 1, max = 8 }, { same_as = \"pkx\" }, or a value",
            ),
        }
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<AcceleratorValues, E> {
        list_from_scalar(value).map(AcceleratorValues::List)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<AcceleratorValues, E> {
        list_from_scalar(value).map(AcceleratorValues::List)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<AcceleratorValues, E> {
        list_from_scalar(value).map(AcceleratorValues::List)
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<AcceleratorValues, E> {
        crate::table::ListVisitor.visit_i128(value).map(AcceleratorValues::List)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<AcceleratorValues, E> {
        list_from_scalar(value).map(AcceleratorValues::List)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<AcceleratorValues, E> {
        list_from_scalar(value).map(AcceleratorValues::List)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<AcceleratorValues, A::Error> {
        ValueList::deserialize(de::value::SeqAccessDeserializer::new(seq)).map(AcceleratorValues::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AcceleratorValues, A::Error> {
        if self.memory { read_kinds(map) } else { read_link_or_range(map) }
    }
}

fn read_kinds<'de, A: MapAccess<'de>>(mut map: A) -> Result<AcceleratorValues, A::Error> {
    let names = MemoryKind::ALL.map(|(_, name)| name);
    let mut lists = [const { None }; 3];
    while let Some(key) = map.next_key_seed(Key(&names))? {
        lists[key] = Some(map.next_value::<ValueList>()?);
    }
    let kinds = MemoryKind::ALL.iter().zip(lists).filter_map(|((kind, _), list)| Some((*kind, list?)));
    Ok(AcceleratorValues::Kinds(MemoryKinds(kinds.collect())))
}

fn read_link_or_range<'de, A: MapAccess<'de>>(mut map: A) -> Result<AcceleratorValues, A::Error> {
    let [min, max, step] = RANGE_KEYS;
    let mut bounds = [None; 3];
    let mut same_as: Option<String> = None;
    while let Some(key) = map.next_key_seed(Key(&[min, max, step, "same_as"]))? {
        match key {
            3 => same_as = Some(map.next_value()?),
            key => bounds[key] = Some(map.next_value::<i64>()?),
        }
    }
    match same_as {
        Some(same_as) if bounds == [None; 3] => Ok(AcceleratorValues::SameAs { same_as }),
        Some(_) => Err(de::Error::custom("`same_as` stands beside a range: give one of them")),
        None => range(bounds).map(AcceleratorValues::List),
    }
}
