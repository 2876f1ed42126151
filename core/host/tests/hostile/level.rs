//! Memory and threads return to their level.

use crate::guest::{Guest, ask, file, limits};
use codebench_api::Catalog;
use codebench_host::wasm::{WasmLimits, load_with};
use std::process::Command;

/// Bytes of memory in use, and threads, of this process.
#[cfg(target_os = "linux")]
fn level() -> (u64, usize) {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    (pages * 4096, std::fs::read_dir("/proc/self/task").unwrap().count())
}

/// Runs one test of this file in a process of its own, where no other test moves the level.
#[cfg(target_os = "linux")]
fn alone(test: &str) -> bool {
    if std::env::var_os("ALONE").is_some() {
        return true;
    }
    let this = std::env::current_exe().unwrap();
    let status = Command::new(this)
        .args(["--exact", test, "--nocapture", "--test-threads", "1"])
        .env("ALONE", "1")
        .status()
        .unwrap();
    assert!(status.success(), "{test} failed in a process of its own");
    false
}

#[cfg(target_os = "linux")]
#[test]
fn a_thousand_loads_and_drops_leak_nothing() {
    if !alone("level::a_thousand_loads_and_drops_leak_nothing") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let component = file(&Guest::default().component());
    let cycle = || {
        let mut catalog = Catalog::default();
        for entry in load_with(&component, &limits(), Some(&cache)).unwrap() {
            catalog.add(entry).unwrap();
        }
        ask(&catalog).unwrap();
    };
    (0..200).for_each(|_| cycle());
    let (before, threads) = level();
    (0..1000).for_each(|_| cycle());
    let (after, threads_after) = level();
    assert_eq!(threads, threads_after);
    assert!(after < before + (2 << 20), "{before} bytes before, {after} after");
}

#[cfg(target_os = "linux")]
#[test]
fn hostile_guests_leave_memory_and_threads_as_they_were() {
    if !alone("level::hostile_guests_leave_memory_and_threads_as_they_were") {
        return;
    }
    let bomb = "(loop $l (drop (memory.grow (i32.const 16))) (memory.fill (i32.const 200000) (i32.const 1) \
                (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 200000))) (br $l)) unreachable";
    let guests = [
        Guest { cost: bomb, ..Guest::default() },
        Guest { cost: "(loop $l (br $l)) unreachable", ..Guest::default() },
        Guest { cost: "unreachable", ..Guest::default() },
    ]
    .map(|g| g.component());
    let limits = [
        WasmLimits { memory_bytes: 64 << 20, fuel: 1_000_000_000, ..WasmLimits::default() },
        WasmLimits { wall_s: Some(0.03), ..WasmLimits::default() },
    ];
    let round = || {
        for (guest, limits) in guests.iter().flat_map(|g| limits.iter().map(move |l| (g, l))) {
            let entries = load_with(&file(guest), limits, None).unwrap();
            let mut catalog = Catalog::default();
            entries.into_iter().for_each(|e| catalog.add(e).unwrap());
            assert!(ask(&catalog).is_err());
        }
        // The clock of the sandbox stops within a tick of its last user.
        std::thread::sleep(std::time::Duration::from_millis(200));
    };
    round();
    let (before, threads) = level();
    (0..5).for_each(|_| round());
    let (after, threads_after) = level();
    assert_eq!(threads, threads_after);
    assert!(after < before + (8 << 20), "{before} bytes before, {after} after");
}
