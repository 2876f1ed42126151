//! Plugins of every kind, well-behaved and panicking.

use super::both;
use codebench_abi::foreign;
use codebench_api::{AccelModule, Catalog, Entry, ErrorKind, Form, Maker, PluginError, PluginInfo};
use codebench_every_kind::ask::{Answers, METHODS};
use codebench_model::{HardwareContext, ModuleFacts, Parameters, TileCost, TileWork};
use std::sync::Arc;

#[test]
fn every_kind_answers_alike_and_needs_work_in_both_directions() {
    let [own, foreign] = both(codebench_every_kind::PLUGINS);
    let answers = Answers::of(&own);
    assert_eq!(answers, Answers::of(&foreign));
    let refusals = answers.iter().filter(|(_, said)| said.contains("Err(")).count();
    assert!(answers.len() >= 45 && refusals > 5, "{} answers, {refusals} refusals", answers.len());
}

#[test]
fn a_panic_in_any_method_is_an_error_of_the_contract() {
    let [_, foreign] = both(codebench_every_kind::PLUGINS);
    let expected = format!("{:?}", ErrorKind::Contract);
    for method in METHODS {
        let said = Answers::with(&foreign, method);
        let message = format!("the plugin panicked: asked to panic in {method}");
        let caught: Vec<_> = said.iter().filter(|(_, said)| said.contains(&message)).collect();
        assert!(!caught.is_empty(), "{method}: {said:#?}");
        assert!(caught.iter().all(|(_, said)| said.contains(&expected)), "{caught:#?}");
    }
}

/// It adds what it is asked to what it finds.
struct Adds;

impl AccelModule for Adds {
    fn facts(&self) -> ModuleFacts {
        ModuleFacts::default()
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        works.iter().zip(costs).for_each(|(_, cost)| cost.events[0] += 1);
        Ok(())
    }
}

#[test]
fn rows_arrive_as_zeros_whatever_they_held() {
    let entry = Entry {
        info: PluginInfo::new("test/adds", "0.1.0", "Adds."),
        maker: Maker::AccelModule(Arc::new(|_| Ok(Box::new(Adds)))),
        source: "here".into(),
        form: Form::BuiltIn,
        sha256: None,
    };
    let mut catalog = Catalog::default();
    catalog.add(foreign(&entry).unwrap()).unwrap();
    let module = catalog.accel_module("test/adds", &Parameters::new(), HardwareContext::default()).unwrap();
    let mut dirty = TileCost::default();
    dirty.events.fill(9);
    let mut costs = [dirty; 3];
    module.cost(&[TileWork::default(); 3], &mut costs).unwrap();
    let mut expected = TileCost::default();
    expected.events[0] = 1;
    assert_eq!(costs, [expected; 3]);
}
