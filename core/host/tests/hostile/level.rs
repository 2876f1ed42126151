//! Memory and threads return to their level.

use crate::guest::{Guest, ask, file, limits};
use codebench_api::Catalog;
use codebench_host::wasm::{WasmLimits, load_with};
use std::process::Command;

/// What the level may rise by: a single round that was not given back is more.
#[cfg(target_os = "linux")]
const SLACK_BYTES: u64 = 1 << 20;

/// Bytes of memory in use, and threads, of this process.
#[cfg(target_os = "linux")]
fn level() -> (u64, usize) {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    (pages * 4096, std::fs::read_dir("/proc/self/task").unwrap().count())
}

/// Runs one test of this file in a process of its own, where no other test moves the level, and where glibc's allocator gives back
/// at once what is freed: otherwise it keeps some of it for each thread, how much is a matter of luck.
#[cfg(target_os = "linux")]
fn alone(test: &str) -> bool {
    if std::env::var_os("ALONE").is_some() {
        return true;
    }
    let this = std::env::current_exe().unwrap();
    let output = Command::new(this)
        .args(["--exact", test, "--nocapture", "--test-threads", "1"])
        .env("ALONE", "1")
        .env("MALLOC_ARENA_MAX", "1")
        .env("MALLOC_MMAP_THRESHOLD_", "131072")
        .env("MALLOC_TRIM_THRESHOLD_", "131072")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    // With another name it would run nothing, and succeed.
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{test} failed in a process of its own: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
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
    assert!(after < before + SLACK_BYTES, "{before} bytes before, {after} after");
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
    assert!(after < before + SLACK_BYTES, "{before} bytes before, {after} after");
}

#[cfg(target_os = "linux")]
#[test]
fn answers_without_end_leave_memory_and_threads_as_they_were() {
    if !alone("level::answers_without_end_leave_memory_and_threads_as_they_were") {
        return;
    }
    let Some(components) = crate::c::endless() else { return };
    let threads = level().1;
    let round = || {
        components.iter().for_each(|component| drop(crate::c::beyond_bounds(component)));
        wait_for_threads(threads);
    };
    (0..2).for_each(|_| round());
    let (before, _) = level();
    (0..4).for_each(|_| round());
    let (after, _) = level();
    assert!(after < before + SLACK_BYTES, "{before} bytes before, {after} after");
}

/// Files with the largest function that is compiled on all processors.
#[cfg(target_os = "linux")]
#[test]
fn compiling_on_all_processors_leaves_memory_and_threads_as_they_were() {
    if !alone("level::compiling_on_all_processors_leaves_memory_and_threads_as_they_were") {
        return;
    }
    let turns = "(local.set $count (i32.mul (local.get $count) (i32.const 3)))".repeat(9_000);
    let cost: &'static str = Box::leak(format!("{turns} unreachable").into_boxed_str());
    let component = Guest { cost, ..Guest::default() }.component();
    assert!((60 << 10..70 << 10).contains(&component.len()), "{} bytes", component.len());
    let component = file(&component);
    let threads = level().1;
    let round = || {
        load_with(&component, &limits(), None).unwrap();
        wait_for_threads(threads);
    };
    (0..10).for_each(|_| round());
    let (before, _) = level();
    (0..40).for_each(|_| round());
    let (after, _) = level();
    assert!(after < before + SLACK_BYTES, "{before} bytes before, {after} after");
}

/// Waits until there are no more than `most` threads: a compiler that nobody waits for any more ends in the background.
#[cfg(target_os = "linux")]
fn wait_for_threads(most: usize) {
    let started = std::time::Instant::now();
    while level().1 > most {
        assert!(started.elapsed().as_secs() < 300, "{} threads, there should be {most}", level().1);
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// Whatever is refused leaves nothing behind; of a file that is slow to compile, that holds once its compiler has ended.
#[cfg(target_os = "linux")]
#[test]
fn refused_files_leave_memory_and_threads_as_they_were() {
    use codebench_host::native::{self, Checker};
    use std::time::Duration;
    if !alone("level::refused_files_leave_memory_and_threads_as_they_were") {
        return;
    }
    let component = Guest::default().component();
    let large = [component.as_slice(), &vec![0; 40 << 20]].concat();
    let turns = "(local.set $count (i32.mul (local.get $count) (i32.const 3)))".repeat(30_000);
    let cost: &'static str = Box::leak(format!("{turns} unreachable").into_boxed_str());
    let slow = file(&Guest { cost, ..Guest::default() }.component());
    let impatient = WasmLimits { compile_s: 0.001, ..WasmLimits::default() };
    let precompiled = file(b"\x7fELF\x02\x01\x01\xc8 and so on");
    let refused: Vec<_> =
        [&component[..component.len() / 2], &component[..9], &large, b"\0asm\x01\0\0\0", b"text"]
            .iter()
            .map(|bytes| file(bytes))
            .chain([precompiled.clone()])
            .collect();
    let library = file(b"\x7fELF\x02\x01\x01\0 truncated");
    let shell = |script: &str, limit| Checker::Process {
        program: "sh".into(),
        arguments: vec!["-c".into(), script.to_owned()],
        limit,
    };
    let checkers = [
        Checker::Nobody,
        shell("echo refused: not good", Duration::from_secs(60)),
        shell("kill -SEGV $$", Duration::from_secs(60)),
        shell("sleep 600 & sleep 600", Duration::from_millis(50)),
    ];
    let copies = codebench_fixtures::copies();
    let threads = level().1;
    let round = || {
        for file in &refused {
            assert!(load_with(file, &limits(), None).is_err());
        }
        let said = load_with(&slow, &impatient, None).err().unwrap().to_string();
        assert!(said.contains("compiling it took longer than"), "{said}");
        for checker in &checkers {
            assert!(native::load_with(&library, checker, None, &copies).is_err());
        }
        assert!(native::load_with(&precompiled, &Checker::Nobody, None, &copies).is_err());
        wait_for_threads(threads);
    };
    (0..2).for_each(|_| round());
    let (before, _) = level();
    (0..5).for_each(|_| round());
    let (after, _) = level();
    assert!(after < before + SLACK_BYTES, "{before} bytes before, {after} after");
}
