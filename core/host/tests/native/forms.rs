//! The same source gives the same answers built in and as a library, whoever built it.

use super::catalog;
use codebench_api::{Catalog, ErrorKind, Form, SurrogateContext};
use codebench_every_kind::ask::{Answers, METHODS};
use codebench_fixtures::{Build, library, other_compilers};

const PACKAGE: &str = "codebench-every-kind-native";

fn built_in() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("here", codebench_every_kind::PLUGINS).unwrap();
    catalog
}

#[test]
fn a_library_in_the_dev_profile_answers_as_built_in() {
    let native = catalog(&library(PACKAGE, &Build::default()));
    let described = |catalog: &Catalog| catalog.entries().map(|e| e.info.clone()).collect::<Vec<_>>();
    assert_eq!(described(&native), described(&built_in()));
    assert!(native.entries().all(|e| e.form == Form::Native && e.sha256.as_ref().unwrap().len() == 64));
    assert_eq!(Answers::of(&native), Answers::of(&built_in()));
}

#[test]
fn a_panic_in_a_library_is_an_error_of_the_contract() {
    let native = catalog(&library(PACKAGE, &Build::default()));
    let expected = format!("{:?}", ErrorKind::Contract);
    for method in METHODS {
        let said = Answers::with(&native, method);
        let message = format!("the plugin panicked: asked to panic in {method}");
        let caught: Vec<_> = said.iter().filter(|(_, said)| said.contains(&message)).collect();
        assert!(!caught.is_empty(), "{method}: {said:#?}");
        assert!(caught.iter().all(|(_, said)| said.contains(&expected)), "{caught:#?}");
    }
}

#[test]
fn an_older_contract_loads_beside_a_newer_one_and_lacks_what_was_added() {
    let newer = catalog(&library(PACKAGE, &Build::default()));
    let older = catalog(&library(PACKAGE, &Build { features: &["first-contract"], ..Build::default() }));
    let context = SurrogateContext { seed: 1, inputs: 1, outputs: 1, blocks: Vec::new() };
    let surrogate =
        |catalog: &Catalog| catalog.surrogate("test/average", &Default::default(), &context).unwrap();
    assert!(surrogate(&newer).differentiable());
    assert!(!surrogate(&older).differentiable());
    let error = surrogate(&older).gradient(&[0.0], &[1.0, 0.0, 0.0]).unwrap_err();
    assert!(
        error.message.starts_with("this surrogate was built for a contract without derivatives"),
        "{error}"
    );
    // An engine of the first contract knows nothing of its optimiser's state.
    let said = |question: &str| {
        Answers::of(&older).into_iter().find(|(what, _)| *what == question).map(|(_, said)| said).unwrap()
    };
    assert_eq!(said("optimizer_state"), "Ok(None)");
    assert!(
        said("set_optimizer_state").contains("train from the first epoch"),
        "{}",
        said("set_optimizer_state")
    );
    // Everything else is there and answers alike.
    let added = ["differentiable", "gradient", "hvp", "optimizer_state", "set_optimizer_state"];
    let without = |catalog: &Catalog| {
        let mut said = Answers::of(catalog);
        said.retain(|(what, _)| !added.contains(what));
        said
    };
    assert_eq!(without(&older), without(&newer));
}

#[test]
fn a_library_of_another_compiler_answers_as_built_in() {
    let compilers = other_compilers();
    if compilers.is_empty() {
        assert!(std::env::var_os("CI").is_none(), "no other compiler: tests/tools/wasm-toolchain adds one");
        println!(
            "skipped: there is no other compiler; `rustup toolchain install nightly` or tests/tools/wasm-toolchain adds one"
        );
    }
    for compiler in compilers {
        let native = catalog(&library(PACKAGE, &Build { compiler: Some(compiler), ..Build::default() }));
        assert_eq!(Answers::of(&native), Answers::of(&built_in()), "{compiler}");
    }
}
