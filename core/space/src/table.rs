//! Reading the tables of a description: unknown keys are errors at their own position that suggest the nearest key, and a
//! list may be written as a list, a range or a single value.

use codebench_model::{ParameterValue, parameter};
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Values that a range or list may have at most.
pub(crate) const MAX_VALUES: usize = 10_000;

/// Reads a key that must be one of those listed; the answer is its position.
pub(crate) struct Key<'a>(pub(crate) &'a [&'a str]);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {}", self.0.join(", "))
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<usize, E> {
        self.0.iter().position(|known| *known == key).ok_or_else(|| E::custom(unknown_key(key, self.0)))
    }
}

/// The message for an unknown key.
pub(crate) fn unknown_key(key: &str, known: &[&str]) -> String {
    let hint = parameter::nearest(key, known.iter().copied());
    let hint = hint.map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default();
    format!("unknown key `{key}`{hint}; known: {}", known.join(", "))
}

/// A value list: `[1, 2, 4]`, a range `{ min = 1, max = 8 }` with an optional `step`, or a single value.
///
/// Holds at least one value, all different and finite, when it was read from a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct ValueList(pub Vec<ParameterValue>);

impl ValueList {
    /// The whole numbers from `min` to `max`.
    pub fn range(min: i64, max: i64) -> Self {
        ValueList((min..=max).map(ParameterValue::Integer).collect())
    }

    /// Texts.
    pub fn texts(texts: &[&str]) -> Self {
        ValueList(texts.iter().map(|t| ParameterValue::Text(t.to_string())).collect())
    }

    /// Whole numbers.
    pub fn integers(numbers: &[i64]) -> Self {
        ValueList(numbers.iter().map(|n| ParameterValue::Integer(*n)).collect())
    }

    /// Why the list cannot be used.
    pub(crate) fn fault(&self) -> Option<String> {
        if self.0.is_empty() {
            return Some("the list is empty: give at least one value".into());
        }
        if self.0.len() > MAX_VALUES {
            return Some(format!("{} values exceed the {MAX_VALUES} allowed: give fewer", self.0.len()));
        }
        if self.0.iter().any(|v| matches!(v, ParameterValue::Float(x) if !x.is_finite())) {
            return Some("a value is not a finite number: give finite numbers".into());
        }
        crate::validate::first_duplicate(&self.0).map(|v| format!("{v} occurs twice: give every value once"))
    }
}

impl<'de> Deserialize<'de> for ValueList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor)
    }
}

pub(crate) struct ListVisitor;

fn one<E: de::Error>(value: ParameterValue) -> Result<ValueList, E> {
    checked(ValueList(vec![value]))
}

fn whole<E: de::Error>(value: u64) -> Result<ParameterValue, E> {
    i64::try_from(value).map(ParameterValue::Integer).map_err(|_| E::custom(too_large(value)))
}

fn checked<E: de::Error>(list: ValueList) -> Result<ValueList, E> {
    match list.fault() {
        None => Ok(list),
        Some(fault) => Err(E::custom(fault)),
    }
}

impl<'de> Visitor<'de> for ListVisitor {
    type Value = ValueList;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list such as [1, 2, 4], a range such as { min = 1, max = 8 }, or a single value")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<ValueList, E> {
        one(ParameterValue::Boolean(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<ValueList, E> {
        one(ParameterValue::Integer(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<ValueList, E> {
        whole(value).and_then(one)
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<ValueList, E> {
        Err(E::custom(too_large(value)))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<ValueList, E> {
        one(ParameterValue::Float(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<ValueList, E> {
        one(ParameterValue::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ValueList, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element::<Scalar>()? {
            values.push(value.0);
        }
        checked(ValueList(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ValueList, A::Error> {
        let mut bounds = [None; 3];
        while let Some(key) = map.next_key_seed(Key(&RANGE_KEYS))? {
            bounds[key] = Some(map.next_value::<i64>()?);
        }
        range(bounds)
    }
}

/// The message for a whole number beyond 64 bits.
fn too_large(value: impl fmt::Display) -> String {
    format!("{value} is out of range: give a whole number from {} to {}", i64::MIN, i64::MAX)
}

/// Keys of a range.
pub(crate) const RANGE_KEYS: [&str; 3] = ["min", "max", "step"];

/// The list of a range's whole numbers.
pub(crate) fn range<E: de::Error>([min, max, step]: [Option<i64>; 3]) -> Result<ValueList, E> {
    let min = min.ok_or_else(|| E::missing_field("min"))?;
    let max = max.ok_or_else(|| E::missing_field("max"))?;
    let step = step.unwrap_or(1);
    if step < 1 {
        return Err(E::custom(format!("step = {step}: give a whole number from 1")));
    }
    if min > max {
        return Err(E::custom(format!("the range from {min} to {max} is empty: give min <= max")));
    }
    let count = (i128::from(max) - i128::from(min)) / i128::from(step) + 1;
    if count > MAX_VALUES as i128 {
        return Err(E::custom(format!("{count} values exceed the {MAX_VALUES} allowed: give a larger step")));
    }
    let values = (0..count as i64).map(|i| ParameterValue::Integer(min + i * step)).collect();
    Ok(ValueList(values))
}

/// One value of a list.
struct Scalar(ParameterValue);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;

        impl Visitor<'_> for ScalarVisitor {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a text, true or false")
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar(ParameterValue::Boolean(value)))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar(ParameterValue::Integer(value)))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Scalar, E> {
                whole(value).map(Scalar)
            }

            fn visit_i128<E: de::Error>(self, value: i128) -> Result<Scalar, E> {
                Err(E::custom(too_large(value)))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Scalar, E> {
                match value.is_finite() {
                    true => Ok(Scalar(ParameterValue::Float(value))),
                    false => Err(E::custom(format!("{value} is not finite: give a finite number"))),
                }
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar(ParameterValue::Text(value.to_owned())))
            }
        }

        deserializer.deserialize_any(ScalarVisitor)
    }
}

/// Reads a list whose table form has been told apart by its first key.
pub(crate) fn list_from_scalar<'de, E: de::Error, T: IntoDeserializer<'de, E>>(
    value: T,
) -> Result<ValueList, E> {
    ValueList::deserialize(value.into_deserializer())
}

/// Declares a table with its keys and their defaults, and how it is read: an unknown key is an error at its own
/// position that suggests the nearest one.
macro_rules! table {
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$field_meta:meta])* pub $field:ident: $type:ty = $default:expr,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                $name { $($field: $default,)* }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct TableVisitor;

                impl<'de> serde::de::Visitor<'de> for TableVisitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("a table with keys among", $(" ", stringify!($field)),*))
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        const KEYS: &[&str] = &[$(stringify!($field)),*];
                        let mut table = $name::default();
                        while let Some(key) = map.next_key_seed($crate::table::Key(KEYS))? {
                            match KEYS[key] {
                                $(stringify!($field) => table.$field = map.next_value()?,)*
                                _ => {}
                            }
                        }
                        Ok(table)
                    }
                }

                deserializer.deserialize_map(TableVisitor)
            }
        }
    };
}

pub(crate) use table;
