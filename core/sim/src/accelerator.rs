//! Reading an accelerator of the paper's template, with the released code's conversions.

use crate::SimError;
use codebench_model::accelerator::{DEFAULT_VECTOR, PUBLISHED_NAMES};
use codebench_model::{
    AcceleratorInput, MemoryKind, ParameterValue, Parameters, PublishedAccelerator, parameter,
};

const MASK: usize = 10;
const MEMORY: usize = 11;
const CONFIG: usize = 12;
/// Whole numbers up to here are exact in double precision.
const LARGEST: f64 = 9_007_199_254_740_992.0;

/// Turns a vector or named parameters into a point of the template.
///
/// Like the released code, every number but the mask buffer is truncated to a whole one: buffers of 0 MB and fractions
/// are accepted. Named parameters that are not given take the values of the default vector.
///
/// # Errors
/// A vector of another length, an unknown name, a number that is not finite, a PE or lane count below 1, a negative
/// buffer, a memory or organisation that the released code does not know.
///
/// ```
/// use codebench_model::{AcceleratorInput, MemoryKind};
/// let vector = vec![2.0, 16.0, 8.0, 4.0, 8.0, 3.0, 3.0, 1.0, 0.5, 24.0, 4.0, 2.0, 1.0];
/// let accelerator = codebench_sim::accelerator::resolve(&AcceleratorInput::Vector(vector))?;
/// assert_eq!(accelerator.activation_buffer_mb, 0);
/// assert_eq!(accelerator.memory, MemoryKind::Dram);
/// # Ok::<(), codebench_sim::SimError>(())
/// ```
pub fn resolve(input: &AcceleratorInput) -> Result<PublishedAccelerator, SimError> {
    match input {
        AcceleratorInput::Vector(values) => {
            let values: [f64; 13] = values.as_slice().try_into().map_err(|_| SimError::VectorLength {
                length: values.len(),
                names: PUBLISHED_NAMES.join(", "),
            })?;
            from_vector(&values)
        }
        AcceleratorInput::Named(named) => from_vector(&vector_of(named)?),
        AcceleratorInput::Described(_) => Err(SimError::Described),
    }
}

/// The same without fractions that would be cut off, so that two values are two accelerators.
///
/// # Errors
/// As [`resolve`], and a number other than the mask buffer that is not whole.
pub fn resolve_whole(input: &AcceleratorInput) -> Result<PublishedAccelerator, SimError> {
    let resolved = resolve(input)?;
    let values = match input {
        AcceleratorInput::Vector(values) => values.clone(),
        AcceleratorInput::Named(named) => vector_of(named)?.to_vec(),
        AcceleratorInput::Described(_) => return Err(SimError::Described),
    };
    let cut = |(i, value): &(usize, f64)| *i != MASK && value.fract() != 0.0;
    match values.into_iter().enumerate().find(cut) {
        None => Ok(resolved),
        Some((i, value)) => Err(out_of_range(
            PUBLISHED_NAMES[i],
            shown(value),
            "a whole number (the released simulator cuts fractions off)".into(),
        )),
    }
}

fn vector_of(named: &Parameters) -> Result<[f64; 13], SimError> {
    let mut vector = DEFAULT_VECTOR;
    for (name, value) in named {
        let entry = PUBLISHED_NAMES.iter().zip(&mut vector).find(|(known, _)| *known == name);
        let Some((known, entry)) = entry else { return Err(unknown(name)) };
        *entry = number_of(known, value)?;
    }
    Ok(vector)
}

fn unknown(name: &str) -> SimError {
    let hint = parameter::nearest(name, PUBLISHED_NAMES.into_iter())
        .map(|n| format!(" (did you mean `{n}`?)"))
        .unwrap_or_default();
    SimError::UnknownParameter { name: name.to_owned(), hint, known: PUBLISHED_NAMES.join(", ") }
}

fn number_of(name: &str, value: &ParameterValue) -> Result<f64, SimError> {
    match value {
        ParameterValue::Text(text) if name == "memory" => MemoryKind::ALL
            .iter()
            .zip(1u8..)
            .find(|((_, known), _)| known == text)
            .map(|(_, code)| f64::from(code))
            .ok_or_else(|| out_of_range(name, value, memory_range())),
        other => other.as_f64().ok_or_else(|| out_of_range(name, value, "a number".into())),
    }
}

fn memory_range() -> String {
    "1 (rram), 2 (dram) or 3 (hbm)".into()
}

fn out_of_range(name: &str, value: impl std::fmt::Display, allowed: String) -> SimError {
    SimError::OutOfRange { name: name.to_owned(), value: value.to_string(), allowed }
}

/// A number as a person would write it.
fn shown(value: f64) -> String {
    if value.abs() < 1e16 { value.to_string() } else { format!("{value:e}") }
}

fn from_vector(values: &[f64; 13]) -> Result<PublishedAccelerator, SimError> {
    let whole = |index: usize, least: u64| -> Result<u64, SimError> {
        let value = values[index];
        let truncated = value.trunc();
        if !value.is_finite() || truncated < least as f64 || truncated > LARGEST {
            return Err(out_of_range(
                PUBLISHED_NAMES[index],
                shown(value),
                format!("a number from {least} to 2^53 (fractions are cut off)"),
            ));
        }
        Ok(truncated as u64)
    };
    let mask_buffer_mb = values[MASK];
    if !(0.0..=LARGEST).contains(&mask_buffer_mb) {
        return Err(out_of_range(
            PUBLISHED_NAMES[MASK],
            shown(mask_buffer_mb),
            "a number from 0 to 2^53".into(),
        ));
    }
    let memory = memory_of(values[MEMORY])?;
    let memory_config = values[CONFIG].trunc();
    let organisations = memory.organisations();
    if !(1.0..=organisations as f64).contains(&memory_config) {
        let allowed = match organisations {
            1 => format!("1 for {}", memory.name()),
            n => format!("1 to {n} for {}", memory.name()),
        };
        return Err(out_of_range(PUBLISHED_NAMES[CONFIG], shown(values[CONFIG]), allowed));
    }
    Ok(PublishedAccelerator {
        pib: whole(0, 1)?,
        pif: whole(1, 1)?,
        pix: whole(2, 1)?,
        piy: whole(3, 1)?,
        pof: whole(4, 1)?,
        pkx: whole(5, 1)?,
        pky: whole(6, 1)?,
        batch: whole(7, 1)?,
        activation_buffer_mb: whole(8, 0)?,
        weight_buffer_mb: whole(9, 0)?,
        mask_buffer_mb,
        memory,
        memory_config: memory_config as u64,
    })
}

fn memory_of(value: f64) -> Result<MemoryKind, SimError> {
    let code = value.trunc();
    MemoryKind::ALL
        .iter()
        .zip(1u8..)
        .find(|(_, known)| f64::from(*known) == code)
        .map(|((kind, _), _)| *kind)
        .ok_or_else(|| out_of_range(PUBLISHED_NAMES[MEMORY], shown(value), memory_range()))
}
