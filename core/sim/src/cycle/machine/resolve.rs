//! A description becomes a machine.

use super::super::error::CycleError;
use super::{CostMemo, Machine, MainMemory, Module, Parts, Roles, facts};
use codebench_api::{AccelModule, Catalog, Memory};
use codebench_model::hardware::{Count, DescribedModule};
use codebench_model::{AcceleratorDescription, HardwareContext, ParameterValue, Parameters, Role, parameter};
use std::sync::Arc;

/// The fastest clock, MHz.
const MOST_MHZ: f64 = 1e6;
/// Images per inference.
const MOST_IMAGES: u64 = 1 << 32;

impl Machine {
    /// Makes the modules of a description.
    ///
    /// # Errors
    /// An unknown reference, plugin or parameter, a role that is missing or given twice, a clock, word or fact that
    /// cannot be.
    pub fn resolve(description: &AcceleratorDescription, catalog: &Catalog) -> Result<Machine, CycleError> {
        Machine::resolve_with(description, catalog, &Parts::default())
    }

    /// The same, with modules that other accelerators have too made once, and asked once for each cost.
    ///
    /// # Errors
    /// As [`Machine::resolve`].
    pub fn resolve_with(
        description: &AcceleratorDescription,
        catalog: &Catalog,
        parts: &Parts,
    ) -> Result<Machine, CycleError> {
        let context = context(description)?;
        check_roles(description)?;
        let mut modules = Vec::new();
        let mut memory = None;
        for (position, described) in description.module.iter().enumerate() {
            let plugin = plugin(described, &description.parameters)?;
            let label = format!("{} ({}, {plugin})", position + 1, described.role);
            let failed = |source| CycleError::Plugin { module: label.clone(), source };
            let parameters = references(&label, &described.parameters, &description.parameters)?;
            if described.role == Role::Memory {
                let make = || {
                    let instance: Arc<dyn Memory> = catalog.memory(&plugin, &parameters, context)?.into();
                    Ok((instance.facts(), instance))
                };
                let (stated, instance) =
                    parts.memory((&plugin, &parameters, context), make).map_err(failed)?;
                facts::memory(&label, &stated)?;
                memory = Some(MainMemory { plugin, position, facts: stated, instance });
            } else {
                let make = || {
                    let instance: Arc<dyn AccelModule> =
                        catalog.accel_module(&plugin, &parameters, context)?.into();
                    Ok((instance.facts(), Arc::new(CostMemo::new(instance))))
                };
                let (stated, costs) = parts.module((&plugin, &parameters, context), make).map_err(failed)?;
                facts::module(&label, described.role, &stated)?;
                modules.push(Module { role: described.role, plugin, position, facts: stated, costs });
            }
        }
        let memory = memory.ok_or_else(|| missing(Role::Memory))?;
        let roles = roles(&modules)?;
        check_sparsity(&modules, &roles)?;
        Ok(Machine {
            name: description.name.clone(),
            context,
            batch: batch(description)?,
            double_buffer: description.double_buffer,
            tile: description.tile,
            loop_order: description.loop_order,
            modules,
            memory,
            roles,
            forgetful: false,
        })
    }
}

fn context(description: &AcceleratorDescription) -> Result<HardwareContext, CycleError> {
    let mhz = description.clock_mhz;
    let khz = (mhz * 1e3).round();
    if !(1.0..=MOST_MHZ * 1e3).contains(&khz) || (khz - mhz * 1e3).abs() > 1e-9 * khz {
        return Err(CycleError::Description(format!(
            "`clock_mhz` = {mhz:?} is not allowed: give a multiple of 0.001 from 0.001 to {MOST_MHZ}"
        )));
    }
    let word = description.word;
    let bits = word.integer_bits.checked_add(word.fraction_bits).filter(|bits| (1..=64).contains(bits));
    let word_bits = bits.ok_or_else(|| {
        CycleError::Description(format!(
            "`word` = {} + {} bits is not allowed: give 1 to 64 bits in all",
            word.integer_bits, word.fraction_bits
        ))
    })?;
    Ok(HardwareContext { clock_khz: khz as u64, word_bits })
}

fn batch(description: &AcceleratorDescription) -> Result<u64, CycleError> {
    let refused = |value: String| {
        CycleError::Description(format!(
            "`batch` = {value} is not allowed: give a whole number from 1 to 2^32"
        ))
    };
    let value = match &description.batch {
        Count::Number(number) => return in_range(*number).ok_or_else(|| refused(number.to_string())),
        Count::Reference(text) => resolve_text(|| "`batch`".into(), text, &description.parameters)?,
    };
    let whole = value.as_i64().and_then(|n| u64::try_from(n).ok());
    whole.and_then(in_range).ok_or_else(|| refused(value.to_string()))
}

fn in_range(images: u64) -> Option<u64> {
    Some(images).filter(|n| (1..=MOST_IMAGES).contains(n))
}

/// The value of `text`: of a parameter of the description if it starts with `$`, else itself.
fn resolve_text(
    place: impl Fn() -> String,
    text: &str,
    known: &Parameters,
) -> Result<ParameterValue, CycleError> {
    let Some(name) = text.strip_prefix('$') else { return Ok(ParameterValue::Text(text.to_owned())) };
    known.get(name).cloned().ok_or_else(|| {
        let hint = parameter::nearest(name, known.keys().map(String::as_str))
            .map(|n| format!(" (did you mean `${n}`?)"))
            .unwrap_or_default();
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        let known = if names.is_empty() { "there are none".to_owned() } else { names.join(", ") };
        CycleError::Description(format!(
            "{} refers to `${name}`{hint}, which is no name of [parameters]; known: {known}",
            place()
        ))
    })
}

fn plugin(described: &DescribedModule, known: &Parameters) -> Result<String, CycleError> {
    let place = || format!("plugin of the module with role {}", described.role);
    match resolve_text(place, &described.plugin, known)? {
        ParameterValue::Text(id) => Ok(id),
        other => Err(CycleError::Description(format!(
            "{} is {other}: give a plugin's id such as \"codebench/rram\"",
            place()
        ))),
    }
}

fn references(label: &str, given: &Parameters, known: &Parameters) -> Result<Parameters, CycleError> {
    let resolved = |(name, value): (&String, &ParameterValue)| {
        let value = match value {
            ParameterValue::Text(text) => {
                resolve_text(|| format!("parameter `{name}` of module {label}"), text, known)?
            }
            other => other.clone(),
        };
        Ok((name.clone(), value))
    };
    given.iter().map(resolved).collect()
}

/// How many modules a role takes.
fn limits(role: Role) -> (usize, usize) {
    match role {
        Role::Memory | Role::ActivationBuffer | Role::WeightBuffer => (1, 1),
        Role::MaskBuffer => (0, 1),
        Role::Dma | Role::Compute => (1, usize::MAX),
        Role::Dataflow | Role::PreSparsity | Role::PostSparsity | Role::Vector => (0, usize::MAX),
    }
}

fn check_roles(description: &AcceleratorDescription) -> Result<(), CycleError> {
    for role in Role::ALL {
        let modules = description.module.iter().filter(|m| m.role == role);
        let of_role = modules.map(|m| plugin(m, &description.parameters)).collect::<Result<Vec<_>, _>>()?;
        let (least, most) = limits(role);
        if of_role.len() < least {
            return Err(missing(role));
        }
        if of_role.len() > most {
            return Err(CycleError::Description(format!(
                "{} modules have the role {role} ({}): an accelerator has {}; remove one",
                of_role.len(),
                of_role.join(", "),
                if least == 1 { "exactly one" } else { "at most one" }
            )));
        }
    }
    Ok(())
}

fn missing(role: Role) -> CycleError {
    CycleError::Description(format!(
        "no module has the role {role}: add a [[module]] with role = \"{role}\" (required roles: memory, activation_buffer, \
         weight_buffer, dma, compute)"
    ))
}

/// Zeros are not skipped for nothing: masks say where they are, and a unit in front of the multipliers lines up what is left.
fn check_sparsity(modules: &[Module], roles: &Roles) -> Result<(), CycleError> {
    let skips = |m: &&Module| m.facts.skips_zero_activations || m.facts.skips_zero_weights;
    let Some(module) = modules.iter().filter(|m| m.role == Role::Compute).find(skips) else { return Ok(()) };
    let without = match (roles.mask_buffer, roles.pre_sparsity.is_empty()) {
        (Some(_), false) => return Ok(()),
        (None, true) => "mask_buffer or pre_sparsity",
        (None, false) => "mask_buffer",
        (Some(_), true) => "pre_sparsity",
    };
    Err(CycleError::Description(format!(
        "module {} (compute, `{}`) skips zeros, but no module has the role {without}: add a mask_buffer and a pre_sparsity module, \
         or set a parameter such as `skip_zeros` to false",
        module.position + 1,
        module.plugin
    )))
}

fn roles(modules: &[Module]) -> Result<Roles, CycleError> {
    let all = |role: Role| -> Vec<usize> {
        modules.iter().enumerate().filter(|(_, m)| m.role == role).map(|(i, _)| i).collect()
    };
    let one = |role: Role| all(role).first().copied().ok_or_else(|| missing(role));
    Ok(Roles {
        activation_buffer: one(Role::ActivationBuffer)?,
        weight_buffer: one(Role::WeightBuffer)?,
        mask_buffer: all(Role::MaskBuffer).first().copied(),
        dma: all(Role::Dma),
        dataflow: all(Role::Dataflow),
        pre_sparsity: all(Role::PreSparsity),
        post_sparsity: all(Role::PostSparsity),
    })
}
