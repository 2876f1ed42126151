//! The catalogue of the command: a plugin that is missing, extra, renamed or of another version shows here.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use codebench_tests::assert_golden;

#[test]
fn the_catalogue_is_the_golden_one() {
    let catalog = codebench::catalog().unwrap();
    let lines: Vec<String> = catalog
        .entries()
        .map(|e| format!("{} {} {} {}\n", e.info.id, e.kind(), e.info.version, e.source))
        .collect();
    assert_golden("catalog.txt", &lines.concat());
}

#[test]
fn every_description_is_complete() {
    let catalog = codebench::catalog().unwrap();
    for entry in catalog.entries() {
        let info = &entry.info;
        assert!(
            info.summary.len() > 10 && info.summary.ends_with('.'),
            "{}: summary {:?}",
            info.id,
            info.summary
        );
        for parameter in &info.parameters {
            assert!(
                parameter.help.ends_with('.'),
                "{}: help of {}: {:?}",
                info.id,
                parameter.name,
                parameter.help
            );
            if let Some(default) = &parameter.default {
                parameter.check(default).unwrap_or_else(|e| panic!("{}: default: {e}", info.id));
            }
        }
    }
}
