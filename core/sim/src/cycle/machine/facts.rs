//! Checks of what modules state about themselves.

use super::super::error::CycleError;
use codebench_model::{EventFacts, MAX_EVENTS, MemoryFacts, ModuleFacts, Role};

/// Refuses facts that cannot be simulated.
struct Check<'a> {
    module: &'a str,
}

impl Check<'_> {
    fn refuse<T: std::fmt::Display>(
        &self,
        name: impl Into<String>,
        value: T,
        allowed: &'static str,
    ) -> CycleError {
        CycleError::Facts {
            module: self.module.to_owned(),
            name: name.into(),
            value: value.to_string(),
            allowed,
        }
    }

    fn amount(&self, name: impl Into<String>, value: f64) -> Result<(), CycleError> {
        if value.is_finite() && value >= 0.0 {
            return Ok(());
        }
        Err(self.refuse(name, value, "its plugin must state a finite number of at least 0"))
    }

    fn positive(&self, name: &str, value: u64) -> Result<(), CycleError> {
        if value > 0 { Ok(()) } else { Err(self.refuse(name, value, "its plugin must state at least 1")) }
    }

    fn events(&self, events: &[EventFacts]) -> Result<(), CycleError> {
        if events.len() > MAX_EVENTS {
            return Err(self.refuse("number of events", events.len(), "a module has at most 8"));
        }
        events.iter().try_for_each(|e| self.amount(format!("energy_pj of event `{}`", e.name), e.energy_pj))
    }
}

/// Checks the facts of a module of `role`.
pub(super) fn module(label: &str, role: Role, facts: &ModuleFacts) -> Result<(), CycleError> {
    let check = Check { module: label };
    check.amount("area_mm2", facts.area_mm2)?;
    check.amount("leakage_mw", facts.leakage_mw)?;
    check.events(&facts.events)?;
    if matches!(role, Role::ActivationBuffer | Role::WeightBuffer | Role::MaskBuffer) {
        let allowed = "it must hold at least 1 byte: give it a larger size (such as its `size_mb`), or name another plugin";
        if facts.capacity_bytes == 0 {
            return Err(check.refuse("capacity_bytes", 0, allowed));
        }
    }
    if matches!(role, Role::ActivationBuffer | Role::WeightBuffer | Role::MaskBuffer | Role::Dma) {
        check.positive("read_bytes_per_cycle", facts.read_bytes_per_cycle)?;
        check.positive("write_bytes_per_cycle", facts.write_bytes_per_cycle)?;
    }
    if matches!(role, Role::Compute | Role::Vector) && facts.primitives.is_empty() {
        return Err(check.refuse(
            "primitives",
            "[]",
            "a module of role compute or vector must accept at least one",
        ));
    }
    Ok(())
}

/// Checks the facts of the memory.
pub(super) fn memory(label: &str, facts: &MemoryFacts) -> Result<(), CycleError> {
    let check = Check { module: label };
    for (name, value) in [
        ("clock_khz", facts.clock_khz),
        ("channels", facts.channels),
        ("ranks", facts.ranks),
        ("banks_per_rank", facts.banks_per_rank),
        ("row_bytes", facts.row_bytes),
        ("burst_bytes", facts.burst_bytes),
        ("interleave_bytes", facts.interleave_bytes),
        ("capacity_bytes", facts.capacity_bytes),
    ] {
        check.positive(name, value)?;
    }
    check.amount("area_mm2", facts.area_mm2)?;
    check.amount("leakage_mw", facts.leakage_mw)?;
    check.amount("background_mw", facts.background_mw)?;
    check.events(&facts.events)?;
    check.events(facts.refresh_event.as_slice())?;
    let banks = facts.ranks.checked_mul(facts.banks_per_rank).and_then(|b| b.checked_mul(facts.channels));
    if banks.is_none_or(|b| b > 1 << 16) {
        let value = format!("{} x {} x {}", facts.channels, facts.ranks, facts.banks_per_rank);
        return Err(check.refuse("channels x ranks x banks_per_rank", value, "at most 65536 banks in all"));
    }
    let stripe = facts.row_bytes.checked_mul(facts.channels);
    if stripe.is_none() || facts.interleave_bytes.checked_mul(facts.channels).is_none() {
        let value = format!("{} and {}", facts.row_bytes, facts.interleave_bytes);
        return Err(check.refuse(
            "row_bytes and interleave_bytes",
            value,
            "times channels they must stay below 2^64",
        ));
    }
    Ok(())
}
