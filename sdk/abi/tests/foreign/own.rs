//! Plugins of every kind, well-behaved and panicking.

use super::both;
use codebench_api::ErrorKind;
use codebench_every_kind::ask::{Answers, METHODS};

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
