//! Files that are no good.

use crate::guest::{Guest, ask, file, limits, load, outcome};
use codebench_host::ReadFile;
use codebench_host::wasm::{WasmLimits, load_with};

fn refusal(bytes: &[u8], limits: &WasmLimits) -> String {
    match load(bytes, limits) {
        Err(e) => e.to_string(),
        Ok(_) => panic!("it was loaded"),
    }
}

/// A component with a custom section of so many bytes before it.
fn padded(bytes: usize) -> Vec<u8> {
    let component = Guest::default().component();
    let (header, rest) = component.split_at(8);
    let mut length = Vec::new();
    let mut left = bytes + 2;
    loop {
        let low = (left & 0x7f) as u8;
        left >>= 7;
        length.push(if left == 0 { low } else { low | 0x80 });
        if left == 0 {
            break;
        }
    }
    [header, &[0], &length, &[1, b'x'], &vec![0; bytes], rest].concat()
}

#[test]
fn a_file_that_is_too_large_is_refused_before_it_is_compiled() {
    assert_eq!(outcome(&padded(1000), &limits()), "answered 2 costs");
    let started = std::time::Instant::now();
    let message = refusal(&padded(100 << 20), &limits());
    assert!(
        message.contains("it has 1048") && message.contains("the limit is 33554432: raise `module_bytes`"),
        "{message}"
    );
    assert!(started.elapsed().as_secs_f64() < 30.0);
}

#[test]
fn a_module_that_is_slow_to_compile_is_refused() {
    let body = "(local.set $count (i32.mul (local.get $count) (i32.const 3)))".repeat(200_000);
    let cost: &'static str = Box::leak(format!("{body} unreachable").into_boxed_str());
    let slow = Guest { cost, ..Guest::default() }.component();
    let message = refusal(&slow, &limits());
    assert!(message.contains("one of its functions has 14"), "{message}");
    let patient = WasmLimits { function_bytes: 2 << 20, compile_s: 0.05, ..limits() };
    let message = refusal(&slow, &patient);
    assert!(message.contains("compiling it took longer than 0.05 s: raise `compile_s`"), "{message}");
}

#[test]
fn truncated_and_flipped_components_do_no_harm() {
    let component = Guest::default().component();
    let step = (component.len() / 150).max(1);
    for end in (0..component.len()).step_by(step) {
        refusal(&component[..end], &limits());
    }
    for at in (0..component.len()).step_by(step) {
        let mut flipped = component.clone();
        flipped[at] ^= 1 << (at % 8);
        // A flipped bit may leave a component that works, or one that fails when it is asked.
        if let Ok(catalog) = load(&flipped, &limits()) {
            let _ = ask(&catalog);
        }
    }
}

#[test]
fn other_files_are_refused_with_what_to_do() {
    let message = |bytes: &[u8]| refusal(bytes, &limits());
    assert!(message(b"\0asm\x01\0\0\0").contains("`codebench plugin pack evil.wasm`"));
    assert!(message(b"\0asm\x09\0\x09\0").contains("unknown version"));
    assert!(message(b"").contains("it is no WebAssembly"));
    assert!(message(b"(component)").contains("it is no WebAssembly"));
    assert!(message(b"\0asm\x0d\0\x01\0").contains("so it is no plugin of codebench"));
}

#[test]
fn limits_that_make_no_sense_are_refused() {
    let component = Guest::default().component();
    let message = |limits: WasmLimits| refusal(&component, &limits);
    assert!(message(WasmLimits { fuel: 0, ..limits() }).contains("limit `fuel` = 0: give"));
    assert!(
        message(WasmLimits { wall_s: Some(-1.0), ..limits() }).contains("limit `wall_s` = -1: give seconds")
    );
    assert!(message(WasmLimits { compile_s: f64::NAN, ..limits() }).contains("limit `compile_s` = NaN"));
}

#[test]
fn a_file_swapped_after_its_pin_was_checked_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.wasm");
    std::fs::write(&path, Guest::default().component()).unwrap();
    let pin = ReadFile::read(&path, None).unwrap().sha256;
    let pinned = ReadFile::read(&path, Some(&pin)).unwrap();
    let swapped = Guest { ids: vec![b"evil/swapped".to_vec()], ..Guest::default() };
    std::fs::write(&path, swapped.component()).unwrap();
    let entries = load_with(&pinned, &limits(), None).unwrap();
    assert_eq!(entries[0].info.id, "evil/memory");
    assert_eq!(entries[0].sha256.as_ref(), Some(&pin));
    assert!(ReadFile::read(&path, Some(&pin)).is_err());
}

/// Compiled code is taken from the cache only, and from there only if it is what was put there.
#[test]
fn compiled_code_is_taken_from_nowhere_but_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let component = file(&Guest::default().component());
    let load = || load_with(&component, &limits(), Some(&cache)).unwrap().len();
    let files = || std::fs::read_dir(&cache).unwrap().map(|e| e.unwrap().path()).collect::<Vec<_>>();
    assert_eq!((load(), files().len()), (1, 1));
    let path = &files()[0];
    let stored = std::fs::read(path).unwrap();
    assert_eq!((load(), files().len()), (1, 1));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&cache), 0o700);
    }

    // The code without codebench's own header is a file that wasmtime itself would take.
    let start = stored.windows(4).position(|w| w == b"\x7fELF").unwrap();
    let message = refusal(&stored[start..], &limits());
    assert!(message.contains("machine code that a WebAssembly runtime compiled earlier"), "{message}");

    // A changed file is compiled anew and replaced.
    for at in [0, 40, start + 100, stored.len() - 1] {
        let mut changed = stored.clone();
        changed[at] ^= 1;
        std::fs::write(path, &changed).unwrap();
        assert_eq!(load(), 1);
        assert_ne!(std::fs::read(path).unwrap(), changed, "byte {at}");
    }
    std::fs::write(path, "").unwrap();
    assert_eq!(load(), 1);
}

#[cfg(unix)]
#[test]
fn a_cache_that_others_may_write_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    std::fs::create_dir(&cache).unwrap();
    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o777)).unwrap();
    let component = file(&Guest::default().component());
    assert_eq!(load_with(&component, &limits(), Some(&cache)).unwrap().len(), 1);
    assert_eq!(std::fs::read_dir(&cache).unwrap().count(), 0);
}
