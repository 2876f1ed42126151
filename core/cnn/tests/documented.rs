//! Labels in descriptions and in the book are labels of the language.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use codebench_model::{CnnModule, TensorShape};
use common::{cnn, language, module};

fn explicit(label: &str) -> CnnModule {
    module(&["input", label, "sum:output"], &[[0, 1], [1, 2]])
}

/// Lowers `label` on a map, or on features where it takes only those.
fn check(label: &str) {
    let language = language();
    let attempts = [TensorShape::new(464, 28, 28), TensorShape::new(464, 1, 1)]
        .map(|input| language.lower(&cnn(vec![explicit(label)]), input, 10));
    assert!(attempts.iter().any(|a| a.is_ok()), "{label}: {}", attempts[0].as_ref().unwrap_err());
    assert_eq!(language.check_label(label), Ok(()));
}

#[test]
fn every_example_of_a_description_is_lowered() {
    let mut count = 0;
    for registration in codebench_cnn_ops::PLUGINS {
        let info = (registration.info)();
        assert!(!info.examples.is_empty(), "{} has no example", info.id);
        for example in info.examples {
            check(&example.text);
            count += 1;
        }
    }
    assert!(count >= codebench_cnn_ops::PLUGINS.len());
}

#[test]
fn every_label_in_the_book_is_lowered() {
    let page = include_str!("../../../docs/src/language.md");
    let block = page.split("```labels\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(block.lines().count() > 10);
    for label in block.lines() {
        check(label);
    }
    // The tables name every keyword.
    for registration in codebench_cnn_ops::PLUGINS {
        for keyword in (registration.info)().keywords {
            let hyphenated = keyword.replace('_', "-");
            let named = page.contains(&format!("`{keyword}")) || page.contains(&format!("`{hyphenated}"));
            assert!(named, "the book does not name `{keyword}`");
        }
    }
}

#[test]
fn check_label_explains_what_is_wrong() {
    let language = language();
    let message = language.check_label("cnov3x3").unwrap_err();
    assert_eq!(message, "unknown label (did you mean `conv3x3`?)");
    assert!(language.check_label("conv3x3-zz").is_err());
}
