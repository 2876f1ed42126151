//! What the host requires of the answers of a plugin that it did not build.

use crate::text::check_names;
use codebench_api::{LoweredOp, PluginError};
use codebench_model::{EventFacts, MAX_EVENTS, MemoryFacts, Metrics, ModuleFacts, TileCost, TransferCost};

/// Facts of an `accel-module`: finite, nothing negative, at most [`MAX_EVENTS`] events with different names.
///
/// # Errors
/// [`ErrorKind::Contract`](codebench_api::ErrorKind::Contract), naming the fact.
pub fn module_facts(facts: &ModuleFacts) -> Result<(), PluginError> {
    quantity("area_mm2", facts.area_mm2)?;
    quantity("leakage_mw", facts.leakage_mw)?;
    events(&facts.events)
}

/// Facts of a `memory`: as for modules, and a clock, an organisation and sizes that are not zero.
///
/// # Errors
/// [`ErrorKind::Contract`](codebench_api::ErrorKind::Contract), naming the fact.
pub fn memory_facts(facts: &MemoryFacts) -> Result<(), PluginError> {
    quantity("area_mm2", facts.area_mm2)?;
    quantity("leakage_mw", facts.leakage_mw)?;
    quantity("background_mw", facts.background_mw)?;
    let sizes = [
        ("clock_khz", facts.clock_khz),
        ("channels", facts.channels),
        ("ranks", facts.ranks),
        ("banks_per_rank", facts.banks_per_rank),
        ("row_bytes", facts.row_bytes),
        ("burst_bytes", facts.burst_bytes),
        ("interleave_bytes", facts.interleave_bytes),
        ("capacity_bytes", facts.capacity_bytes),
    ];
    if let Some((name, _)) = sizes.into_iter().find(|(_, value)| *value == 0) {
        return Err(PluginError::contract(format!("its fact `{name}` is 0: it must be at least 1")));
    }
    events(&facts.events)?;
    match &facts.refresh_event {
        None => Ok(()),
        Some(event) => events(std::slice::from_ref(event)),
    }
}

/// Metrics: finite, not too many, and names that can be printed and are not too long.
///
/// # Errors
/// [`ErrorKind::Contract`](codebench_api::ErrorKind::Contract), naming the metric.
pub fn metrics(metrics: &Metrics) -> Result<(), PluginError> {
    if let Some(excess) = metrics.excess() {
        return Err(PluginError::contract(excess));
    }
    let maps = metrics.values.keys().chain(metrics.wall.keys());
    let names = maps.chain(metrics.per_layer.keys()).chain(metrics.artifacts.keys());
    check_names("metric", names)?;
    for (name, value) in metrics.values.iter().chain(&metrics.wall) {
        finite(&format!("metric `{name}`"), std::slice::from_ref(value))?;
    }
    metrics.per_layer.iter().try_for_each(|(name, values)| finite(&format!("metric `{name}`"), values))
}

/// Lowered vertices: of bounded size, with names that can be printed. The language checks the rest.
///
/// # Errors
/// [`ErrorKind::Contract`](codebench_api::ErrorKind::Contract), with what is too large, or the control character that is in a name.
pub fn lowered(op: &LoweredOp) -> Result<(), PluginError> {
    op.check_size()?;
    check_names("primitive", op.nodes.iter().map(|node| &node.name))
}

/// Costs of tiles: no event is counted that the facts do not list.
///
/// # Errors
/// [`ErrorKind::Contract`](codebench_api::ErrorKind::Contract), naming the row.
pub fn tile_costs(costs: &[TileCost], events: usize) -> Result<(), PluginError> {
    counted(costs.iter().map(|c| &c.events), events)
}

/// Costs of transfers: no event is counted that the facts do not list.
///
/// # Errors
/// [`ErrorKind::Contract`](codebench_api::ErrorKind::Contract), naming the row.
pub fn transfer_costs(costs: &[TransferCost], events: usize) -> Result<(), PluginError> {
    counted(costs.iter().map(|c| &c.events), events)
}

/// All of `values` finite.
///
/// # Errors
/// [`ErrorKind::Contract`](codebench_api::ErrorKind::Contract), quoting the first that is not.
pub fn finite(name: &str, values: &[f64]) -> Result<(), PluginError> {
    match values.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(at) => Err(PluginError::contract(format!(
            "number {at} of its {name} is {}: every answer must be finite",
            values[at]
        ))),
    }
}

/// All of `values` finite and not negative.
///
/// # Errors
/// [`ErrorKind::Contract`](codebench_api::ErrorKind::Contract), quoting the first that is not.
pub fn deviations(name: &str, values: &[f64]) -> Result<(), PluginError> {
    finite(name, values)?;
    match values.iter().position(|x| *x < 0.0) {
        None => Ok(()),
        Some(at) => Err(PluginError::contract(format!(
            "number {at} of its {name} is {}: a standard deviation is not negative",
            values[at]
        ))),
    }
}

/// As many numbers as were asked for.
///
/// # Errors
/// [`ErrorKind::Contract`](codebench_api::ErrorKind::Contract), with both counts.
pub fn count(name: &str, is: usize, wanted: usize) -> Result<(), PluginError> {
    match is == wanted {
        true => Ok(()),
        false => {
            Err(PluginError::contract(format!("its {name} holds {is} numbers: {wanted} were asked for")))
        }
    }
}

fn quantity(name: &str, value: f64) -> Result<(), PluginError> {
    match value.is_finite() && value >= 0.0 {
        true => Ok(()),
        false => Err(PluginError::contract(format!(
            "its fact `{name}` is {value}: it must be finite and not negative"
        ))),
    }
}

fn events(events: &[EventFacts]) -> Result<(), PluginError> {
    if events.len() > MAX_EVENTS {
        let count = events.len();
        return Err(PluginError::contract(format!("its facts list {count} events: at most {MAX_EVENTS}")));
    }
    check_names("event", events.iter().map(|event| &event.name))?;
    for (i, event) in events.iter().enumerate() {
        quantity(&format!("energy_pj of event {}", event.name), event.energy_pj)?;
        if events[..i].iter().any(|e| e.name == event.name) {
            return Err(PluginError::contract(format!("its facts list event `{}` twice", event.name)));
        }
    }
    Ok(())
}

fn counted<'c>(rows: impl Iterator<Item = &'c [u64; MAX_EVENTS]>, events: usize) -> Result<(), PluginError> {
    for (row, counts) in rows.enumerate() {
        if let Some(at) = counts.iter().skip(events).position(|n| *n != 0) {
            let event = at + events;
            return Err(PluginError::contract(format!(
                "row {row} of its costs counts event {event}, but its facts list {events} events"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_api::{LoweredNode, MAX_LOWERED_INPUTS, MAX_LOWERED_NODES, NodeInput};
    use codebench_model::{
        Cause, MAX_ARTIFACT_BYTES, MAX_LAYER_VALUES, MAX_METRIC_NAME_BYTES, MAX_METRICS, Primitive,
    };

    fn message(checked: Result<(), PluginError>) -> String {
        checked.unwrap_err().message
    }

    #[test]
    fn facts_are_finite_and_not_negative() {
        let area = |area_mm2| ModuleFacts { area_mm2, ..ModuleFacts::default() };
        assert!(module_facts(&area(0.0)).is_ok());
        for wrong in [f64::NAN, f64::INFINITY, -1.0] {
            assert_eq!(
                message(module_facts(&area(wrong))),
                format!("its fact `area_mm2` is {wrong}: it must be finite and not negative")
            );
        }
        let event = |energy| EventFacts::new("mac", Cause::Mac, energy);
        let events = |events| module_facts(&ModuleFacts { events, ..ModuleFacts::default() });
        assert!(message(events(vec![event(f64::NAN)])).contains("energy_pj of event mac"));
        assert!(message(events(vec![event(1.0); 2])).contains("twice"));
        assert!(message(events(vec![event(1.0); 9])).contains("9 events"));
        assert!(message(memory_facts(&MemoryFacts::default())).contains("`clock_khz` is 0"));
    }

    #[test]
    fn events_that_are_not_listed_are_not_counted() {
        let mut cost = TileCost::default();
        cost.events[2] = 1;
        assert!(tile_costs(&[cost], 3).is_ok());
        assert_eq!(
            message(tile_costs(&[TileCost::default(), cost], 2)),
            "row 1 of its costs counts event 2, but its facts list 2 events"
        );
    }

    #[test]
    fn numbers_are_finite_and_deviations_not_negative() {
        assert!(finite("mean", &[0.0, -1.0]).is_ok());
        assert!(message(finite("mean", &[0.0, f64::NAN])).contains("number 1 of its mean is NaN"));
        assert!(message(deviations("epistemic", &[-0.5])).contains("-0.5"));
        assert!(message(count("mean", 3, 4)).contains("holds 3 numbers: 4 were asked for"));
    }

    #[test]
    fn a_flood_of_metrics_is_refused() {
        let flood = |count: usize| Metrics {
            values: (0..count).map(|i| (format!("m{i}"), 1.0)).collect(),
            ..Metrics::default()
        };
        assert!(metrics(&flood(MAX_METRICS)).is_ok());
        assert!(
            message(metrics(&flood(MAX_METRICS + 1))).starts_with("it answers 1025 metrics: at most 1024")
        );
        let named = |bytes: usize| Metrics { wall: [("x".repeat(bytes), 1.0)].into(), ..Metrics::default() };
        assert!(metrics(&named(MAX_METRIC_NAME_BYTES)).is_ok());
        assert!(message(metrics(&named(MAX_METRIC_NAME_BYTES + 1))).contains("has 257 bytes: at most 256"));
        let layers = |count: usize| Metrics {
            per_layer: [("a".to_owned(), vec![1.0; count - 1]), ("b".to_owned(), vec![1.0])].into(),
            ..Metrics::default()
        };
        assert!(metrics(&layers(MAX_LAYER_VALUES)).is_ok());
        assert!(
            message(metrics(&layers(MAX_LAYER_VALUES + 1)))
                .contains("65537 numbers per layer: at most 65536")
        );
        let artifact = |name: &str, bytes: usize| Metrics {
            artifacts: [(name.to_owned(), "x".repeat(bytes))].into(),
            ..Metrics::default()
        };
        assert!(metrics(&artifact("weights", MAX_ARTIFACT_BYTES)).is_ok());
        assert!(
            message(metrics(&artifact("weights", MAX_ARTIFACT_BYTES + 1)))
                .contains("has 4097 bytes: at most 4096")
        );
        assert!(message(metrics(&artifact("a\u{1b}b", 1))).contains("control character"));
    }

    #[test]
    fn a_flood_of_nodes_is_refused() {
        let op = |nodes: usize, inputs: usize, name: &str| {
            let node = LoweredNode {
                name: name.into(),
                primitive: Primitive::Add,
                inputs: vec![NodeInput::Input; inputs],
            };
            LoweredOp { nodes: vec![node; nodes] }
        };
        assert!(lowered(&op(MAX_LOWERED_NODES, 1, "a")).is_ok());
        assert!(message(lowered(&op(MAX_LOWERED_NODES + 1, 1, "a"))).contains("4097 nodes: at most 4096"));
        assert!(message(lowered(&op(2, MAX_LOWERED_INPUTS, "a"))).contains("131072 inputs: at most 65536"));
        assert!(message(lowered(&op(1, 1, &"a".repeat(129)))).contains("129 bytes: at most 128"));
    }
}
