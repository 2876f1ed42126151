//! What facts must keep, whoever states them.

use super::{EventFacts, MAX_EVENTS, MemoryFacts, ModuleFacts};

/// Why facts are refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FactsError {
    /// Not a finite number of at least 0.
    #[error("the fact `{name}` = {value} is out of range: give a finite number of at least 0")]
    OutOfRange {
        /// Name of the fact.
        name: String,
        /// What was stated.
        value: f64,
    },
    /// More events than a row counts.
    #[error("the facts name {count} events, the limit is {MAX_EVENTS}: charge some of them together")]
    TooManyEvents {
        /// How many.
        count: usize,
    },
}

fn amounts(named: &[(&str, f64)]) -> Result<(), FactsError> {
    match named.iter().find(|(_, value)| !(value.is_finite() && *value >= 0.0)) {
        None => Ok(()),
        Some((name, value)) => Err(FactsError::OutOfRange { name: (*name).to_owned(), value: *value }),
    }
}

fn events<'a>(
    events: &'a [EventFacts],
    more: impl IntoIterator<Item = &'a EventFacts>,
) -> Result<(), FactsError> {
    if events.len() > MAX_EVENTS {
        return Err(FactsError::TooManyEvents { count: events.len() });
    }
    events.iter().chain(more).try_for_each(|e| amounts(&[(&format!("energy_pj of {}", e.name), e.energy_pj)]))
}

impl ModuleFacts {
    /// Refuses amounts that are negative or not finite, and more than [`MAX_EVENTS`] events.
    pub fn check(&self) -> Result<(), FactsError> {
        amounts(&[("area_mm2", self.area_mm2), ("leakage_mw", self.leakage_mw)])?;
        events(&self.events, None)
    }
}

impl MemoryFacts {
    /// Refuses amounts that are negative or not finite, and more than [`MAX_EVENTS`] events.
    pub fn check(&self) -> Result<(), FactsError> {
        let MemoryFacts { area_mm2, leakage_mw, background_mw, .. } = *self;
        amounts(&[("area_mm2", area_mm2), ("leakage_mw", leakage_mw), ("background_mw", background_mw)])?;
        events(&self.events, &self.refresh_event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cause;

    #[test]
    fn amounts_are_finite_and_not_negative_and_events_fit() {
        assert_eq!(ModuleFacts::default().check(), Ok(()));
        let facts = ModuleFacts { area_mm2: -1.0, ..ModuleFacts::default() };
        assert_eq!(
            facts.check().unwrap_err().to_string(),
            "the fact `area_mm2` = -1 is out of range: give a finite number of at least 0"
        );
        let refresh_event = Some(EventFacts::new("refresh", Cause::Memory, f64::NAN));
        assert!(MemoryFacts { refresh_event, ..MemoryFacts::default() }.check().is_err());
        let events = vec![EventFacts::new("e", Cause::Mac, 0.0); 9];
        let facts = ModuleFacts { events, ..ModuleFacts::default() };
        assert_eq!(facts.check(), Err(FactsError::TooManyEvents { count: 9 }));
    }
}
