//! What a guest does wrong, and what the host says to it.

use crate::guest::{ANSWER, Guest, ask, limits, load, outcome, root};
use codebench_host::wasm::WasmLimits;

const NAN: u64 = 0x7ff8_0000_0000_0000;
const INFINITY: u64 = 0x7ff0_0000_0000_0000;
const MINUS_ONE: u64 = 0xbff0_0000_0000_0000;

fn cost(cost: &'static str) -> Guest {
    Guest { cost, ..Guest::default() }
}

fn area(bits: u64) -> Guest {
    let mut guest = Guest::default();
    guest.words[12] = bits;
    guest
}

const LOG: &str = "(import \"codebench:plugin/log@0.1.0\" \"write\" (func $import (param i32 i32 i32)))";

fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn log(cost: &'static str) -> Guest {
    Guest { imports: LOG, cost, ..Guest::default() }
}

fn import(imports: &'static str) -> Guest {
    Guest { imports, cost: "(call $import) unreachable", ..Guest::default() }
}

/// Every case by name.
fn cases() -> Vec<(&'static str, Guest)> {
    let plain = Guest::default;
    vec![
        ("behaves", plain()),
        ("endless loop in cost", cost("(loop $l (br $l)) unreachable")),
        ("endless loop in facts", Guest { facts: "(loop $l (br $l)) unreachable", ..plain() }),
        ("endless loop in create", Guest { create: "(loop $l (br $l)) unreachable", ..plain() }),
        ("endless loop in plugins", Guest { plugins: "(loop $l (br $l)) unreachable", ..plain() }),
        ("endless loop at the start", Guest { start: "(loop $l (br $l))", ..plain() }),
        ("memory bomb", cost("(loop $l (drop (memory.grow (i32.const 16))) (br $l)) unreachable")),
        ("memory bomb at the start", Guest { pages: "1000", ..plain() }),
        (
            "table bomb",
            cost(
                "(loop $l (drop (table.grow $table (ref.null func) (i32.const 50000))) (br $l)) unreachable",
            ),
        ),
        ("unbounded recursion", cost("(drop (call $deep (i64.const 0))) unreachable")),
        ("trap in cost", cost("unreachable")),
        ("trap in facts", Guest { facts: "unreachable", ..plain() }),
        ("trap in create", Guest { create: "unreachable", ..plain() }),
        ("trap in plugins", Guest { plugins: "unreachable", ..plain() }),
        ("trap in realloc", Guest { realloc: "unreachable", ..plain() }),
        ("trap at the start", Guest { start: "unreachable", ..plain() }),
        ("division by zero", cost("(i32.div_u (i32.const 1) (i32.const 0))")),
        ("read beyond memory", cost("(i32.load (i32.const -4))")),
        ("area is not a number", area(NAN)),
        ("area is infinite", area(INFINITY)),
        ("area is negative", area(MINUS_ONE)),
        ("clock of zero", Guest { words: [0; 15], ..plain() }),
        ("a thousand million events", Guest { events: 1_000_000_000, ..plain() }),
        (
            "too few costs",
            cost(
                "(i32.store (i32.const 260) (i32.const 0)) (i32.store (i32.const 264) (i32.const 19)) (i32.const 256)",
            ),
        ),
        (
            "no costs",
            cost(
                "(i32.store (i32.const 260) (i32.const 0)) (i32.store (i32.const 264) (i32.const 0)) (i32.const 256)",
            ),
        ),
        (
            "too many costs",
            cost(
                "(i32.store (i32.const 260) (i32.const 0)) (i32.store (i32.const 264) (i32.const 21)) (i32.const 256)",
            ),
        ),
        (
            "a hundred kilobytes of costs",
            cost(
                "(i32.store (i32.const 260) (i32.const 0)) (i32.store (i32.const 264) (i32.const 12800)) (i32.const 256)",
            ),
        ),
        (
            "two gigabytes of costs",
            cost(
                "(i32.store (i32.const 260) (i32.const 0)) (i32.store (i32.const 264) (i32.const 0x10000000)) (i32.const 256)",
            ),
        ),
        (
            "costs beyond memory",
            cost(
                "(i32.store (i32.const 260) (i32.const 0x7ffffff8)) (i32.store (i32.const 264) (i32.const 20)) (i32.const 256)",
            ),
        ),
        (
            "costs at an odd address",
            cost(
                "(i32.store (i32.const 260) (i32.const 3)) (i32.store (i32.const 264) (i32.const 20)) (i32.const 256)",
            ),
        ),
        ("answer beyond memory", cost("(i32.const -16)")),
        ("neither ok nor error", cost("(i32.store8 (i32.const 256) (i32.const 7)) (i32.const 256)")),
        (
            "event that the facts do not list",
            cost(
                "(i64.store (i32.const 16) (i64.const 1)) (i32.store (i32.const 260) (i32.const 0)) (i32.store (i32.const 264) (i32.const 20)) (i32.const 256)",
            ),
        ),
        (
            "error of an unknown kind",
            cost(
                "(i32.store8 (i32.const 256) (i32.const 1)) (i32.store8 (i32.const 260) (i32.const 9)) (i32.const 256)",
            ),
        ),
        (
            "error that is no text",
            cost(
                "(i32.store8 (i32.const 256) (i32.const 1)) (i32.store (i32.const 264) (i32.const 16)) (i32.store (i32.const 268) (i32.const 4)) (i32.store (i32.const 16) (i32.const 0xfffefdff)) (i32.const 256)",
            ),
        ),
        (
            "knows another layout only",
            cost(
                "(i32.store8 (i32.const 256) (i32.const 1)) (i32.store8 (i32.const 260) (i32.const 5)) (i32.store (i32.const 264) (i32.const 2048)) (i32.store (i32.const 268) (i32.const 5)) (i32.const 256)",
            ),
        ),
        (
            "error with what a terminal acts on",
            cost(
                "(i32.store8 (i32.const 256) (i32.const 1)) (i32.store (i32.const 264) (i32.const 16)) (i32.store (i32.const 268) (i32.const 4)) (i32.store (i32.const 16) (i32.const 0x4d5b1b41)) (i32.const 256)",
            ),
        ),
        (
            "log without end",
            log("(loop $l (call $import (i32.const 1) (i32.const 2048) (i32.const 5)) (br $l)) unreachable"),
        ),
        (
            "log of many bytes",
            log(
                "(loop $l (call $import (i32.const 1) (i32.const 131072) (i32.const 60000)) (br $l)) unreachable",
            ),
        ),
        (
            "log of more lines than are shown",
            log(leaked(format!(
                "(loop $l (call $import (i32.const 0) (i32.const 2048) (i32.const 5)) \
                 (br_if $l (i32.lt_u (local.tee $layout (i32.add (local.get $layout) (i32.const 1))) (i32.const 900)))) \
                 {ANSWER}"
            ))),
        ),
        (
            "log of no text",
            log(
                "(i32.store (i32.const 16) (i32.const -1)) (call $import (i32.const 1) (i32.const 16) (i32.const 4)) unreachable",
            ),
        ),
        ("log of no level", log("(call $import (i32.const 9) (i32.const 2048) (i32.const 5)) unreachable")),
        ("log beyond memory", log("(call $import (i32.const 1) (i32.const -16) (i32.const 32)) unreachable")),
        ("files", import("(import \"wasi:filesystem/preopens@0.2.0\" \"open\" (func $import))")),
        ("network", import("(import \"wasi:sockets/network@0.2.0\" \"connect\" (func $import))")),
        (
            "clock",
            Guest {
                cost: "(drop (call $import)) unreachable",
                ..import("(import \"wasi:clocks/monotonic-clock@0.2.0\" \"now\" (func $import (result i64)))")
            },
        ),
        ("environment", import("(import \"wasi:cli/environment@0.2.0\" \"get\" (func $import))")),
        ("an import that nobody knows", import("(import \"hostile:greed/free\" \"call\" (func $import))")),
        (
            "an import that is never called",
            Guest {
                cost: ANSWER,
                ..import("(import \"wasi:cli/environment@0.2.0\" \"get\" (func $import))")
            },
        ),
        ("manifest of nothing", Guest { listed: 0, ..plain() }),
        ("manifest of a thousand million plugins", Guest { listed: 1_000_000_000, ..plain() }),
        ("manifest without texts", Guest { ids: vec![vec![0xff, 0xfe]], ..plain() }),
        ("two plugins of one id", Guest { ids: vec![b"evil/memory".to_vec(); 2], listed: 2, ..plain() }),
        ("an id that a terminal acts on", Guest { ids: vec![b"evil/\x1b[2J".to_vec()], ..plain() }),
        ("an id that turns its line", Guest { ids: vec!["evil/\u{202e}yromem".into()], ..plain() }),
        ("an id that is none", Guest { ids: vec![b"Evil Memory!".to_vec()], ..plain() }),
        ("a kind that is not for a sandbox", Guest { kind: "engine", ..plain() }),
        ("a kind whose interface is not there", Guest { kind: "strategy", ..plain() }),
    ]
}

/// With `BLESS=1` in the environment, writes the file instead.
pub(crate) fn assert_golden(name: &str, actual: &str) {
    let path = root().join("tests/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, actual).unwrap();
        return;
    }
    let expected =
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{name}: {e}; BLESS=1 writes it"));
    for (expected, actual) in expected.lines().zip(actual.lines()) {
        assert_eq!(expected, actual, "{name}");
    }
    assert_eq!(expected, actual, "{name}");
}

#[test]
fn every_case_ends_as_one_error_and_the_host_goes_on() {
    let good = load(&Guest::default().component(), &limits()).unwrap();
    let mut text = String::new();
    for (name, guest) in cases() {
        let outcome = outcome(&guest.component(), &limits());
        text += &format!("{name}\n    {outcome}\n");
        assert_eq!(ask(&good).unwrap().len(), 2, "after {name}");
    }
    assert_golden("hostile-wasm.txt", &text);
}

#[test]
fn wall_time_bounds_a_call() {
    let guest = cost("(loop $l (br $l)) unreachable").component();
    let limits = WasmLimits { wall_s: Some(0.05), ..limits() };
    let started = std::time::Instant::now();
    let outcome = outcome(&guest, &limits);
    assert_eq!(
        outcome,
        "limit: plugin `evil/memory`, cost: it took longer than 0.05 s: raise `wall_s` if the plugin needs more"
    );
    assert!(started.elapsed().as_secs_f64() < 30.0);
}

#[test]
fn fuel_runs_out_at_the_same_instruction_every_time() {
    // A thousand turns, then an answer.
    let turns = "(local.set $layout (i32.const 1000)) \
        (loop $l (br_if $l (local.tee $layout (i32.sub (local.get $layout) (i32.const 1)))))";
    let guest = cost(leaked(format!("{turns} {ANSWER}"))).component();
    // The least fuel with which it answers is the same in every run.
    let least = || {
        let (mut low, mut high) = (1, 1_000_000);
        while low + 1 < high {
            let fuel = (low + high) / 2;
            let limits = WasmLimits { fuel, ..limits() };
            match outcome(&guest, &limits).starts_with("answered") {
                true => high = fuel,
                false => low = fuel,
            }
        }
        high
    };
    let fuel = least();
    assert_eq!(fuel, least());
    assert_golden("hostile-fuel.txt", &format!("a thousand turns and an answer: {fuel}\n"));
}

#[test]
fn the_most_fuel_that_can_be_given_is_given() {
    let limits = WasmLimits { fuel: u64::MAX, ..limits() };
    assert_eq!(outcome(&Guest::default().component(), &limits), "answered 2 costs");
}
