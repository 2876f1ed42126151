//! Components of too many parts: what every instance would hold for each is bounded, or refused before it is compiled.

use crate::guest::{Guest, limits, load, outcome};

/// A guest with `one` so many times beside its own parts.
fn with(one: &str, count: usize) -> Vec<u8> {
    let imports: &'static str = Box::leak(one.repeat(count).into_boxed_str());
    Guest { imports, ..Guest::default() }.component()
}

#[test]
fn globals_and_functions_are_counted_over_the_whole_file() {
    let global = "(global (mut i64) (i64.const 0)) ";
    assert_eq!(outcome(&with(global, 9_000), &limits()), "answered 2 costs");
    let refused = outcome(&with(global, 10_000), &limits());
    assert!(
        refused.ends_with("globals, the sandbox takes 10000, which is fixed: build it smaller"),
        "{refused}"
    );
    let refused = outcome(&with("(func) ", 100_000), &limits());
    assert!(
        refused.ends_with("functions, the sandbox takes 100000, which is fixed: build it smaller"),
        "{refused}"
    );
}

/// A component of core instances that says it has a manifest.
fn instances(module: &str, count: usize) -> Vec<u8> {
    let instances = "(core instance (instantiate $m)) ".repeat(count);
    let text = format!(
        "(component (core module $m {module}) {instances} (instance $nothing) \
         (export \"codebench:plugin/manifest@0.1.0\" (instance $nothing)))"
    );
    wat::parse_str(&text).unwrap()
}

#[test]
fn instances_memories_and_tables_are_counted_over_the_whole_store() {
    let refusal = |component: &[u8]| load(component, &limits()).err().unwrap().to_string();
    let tables = "(table 0 funcref) ".repeat(33);
    for (what, component) in [
        ("instance count too high at 33", instances("", 33)),
        ("memory count too high at 9", instances("(memory 0)", 9)),
        ("table count too high at 33", instances(&tables, 1)),
    ] {
        let refused = refusal(&component);
        assert!(refused.contains(what) && refused.contains("more parts than the sandbox holds"), "{refused}");
    }
    // As many as are allowed fail for another reason: they have no manifest.
    let refused = refusal(&instances("", 32));
    assert!(!refused.contains("more parts"), "{refused}");
}
