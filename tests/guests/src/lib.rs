//! Builds the WASM plugins of this repository, once, for tests.
//!
//! Guests in Rust need a compiler with the standard library of wasm32-unknown-unknown: that of `rustup target add
//! wasm32-unknown-unknown`, or one that the environment variable [`RUSTC_VARIABLE`] names (`tests/tools/wasm-toolchain`
//! makes one where rustup cannot). Where there is none, tests that need a guest say so and pass; with `CI=true` they fail.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Names a compiler for guests.
pub const RUSTC_VARIABLE: &str = "CODEBENCH_WASM_RUSTC";

/// The target of every guest.
const TARGET: &str = "wasm32-unknown-unknown";

/// Packages that are built for the sandbox: the examples, and every wrapper crate of the built-in plugins.
const PACKAGES: &[&str] = &[
    "example-hbm3",
    "example-simulated-annealing",
    "example-squeeze-excite",
    "codebench-accelbench-wasm",
    "codebench-cnn-ops-wasm",
    "codebench-strategies-wasm",
    "codebench-every-kind-wasm",
];

/// The core module of a package, such as `example-hbm3`; `None` where there is no compiler for it, which is said on
/// standard error.
///
/// # Panics
/// If the guests do not build, or if there is no compiler and the environment says `CI=true`.
#[allow(clippy::panic)]
pub fn module(package: &str) -> Option<Vec<u8>> {
    static BUILT: OnceLock<Result<Option<PathBuf>, String>> = OnceLock::new();
    let folder = match BUILT.get_or_init(build) {
        Ok(folder) => folder.as_ref()?,
        Err(e) => panic!("{e}"),
    };
    let path = folder.join(package.replace('-', "_")).with_extension("wasm");
    match std::fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(e) => panic!("{}: {e}; is {package} in PACKAGES of tests/guests?", path.display()),
    }
}

/// The core module of a plugin in C, such as `examples/plugins/tiny-dma/tiny_dma.c`; `None` where there is no clang for
/// wasm32, which is said on standard error.
///
/// # Panics
/// As [`module`].
pub fn c_module(source: &str) -> Option<Vec<u8>> {
    c_module_with(source, &[])
}

/// [`c_module`] with preprocessor definitions, such as `MISDEED=TRAP`.
///
/// # Panics
/// As [`module`].
#[allow(clippy::panic)]
pub fn c_module_with(source: &str, definitions: &[&str]) -> Option<Vec<u8>> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let folder = root().join("target/guests");
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let output =
        folder.join(source.replace('/', "_")).with_extension(format!("{}-{number}.wasm", std::process::id()));
    let compiled = std::fs::create_dir_all(&folder).and_then(|()| {
        let mut clang = Command::new("clang");
        clang.current_dir(root()).args([
            "--target=wasm32",
            "-O2",
            "-nostdlib",
            "-fno-builtin",
            "-Wall",
            "-Werror",
        ]);
        clang.args(["-I", "sdk/c", "-Wl,--no-entry", "-Wl,-z,stack-size=65536"]);
        clang.args(definitions.iter().map(|definition| format!("-D{definition}")));
        clang.arg("-o").arg(&output).arg(source).output()
    });
    match compiled {
        Ok(compiled) if compiled.status.success() => {
            let bytes = std::fs::read(&output);
            // One process, one file: tests run side by side.
            let _ = std::fs::remove_file(&output);
            bytes.ok()
        }
        Ok(compiled) if is_ci() || !String::from_utf8_lossy(&compiled.stderr).contains("wasm") => {
            panic!("{source} does not build:\n{}", String::from_utf8_lossy(&compiled.stderr))
        }
        Err(e) if is_ci() => panic!("clang cannot be started: {e}; tests/tools/wasm-toolchain installs it"),
        Ok(_) | Err(_) => {
            eprintln!("SKIPPED: no clang and lld for wasm32: on Debian, `apt-get install clang lld`");
            None
        }
    }
}

/// Whether there is a clang that builds for wasm32; if not, that is said on standard error.
///
/// # Panics
/// If there is none and the environment says `CI=true`.
pub fn has_clang() -> bool {
    c_module("examples/plugins/tiny-dma/tiny_dma.c").is_some()
}

fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|ci| ci == "true")
}

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("")).to_owned()
}

/// A compiler for guests; `None` where there is none, which is said on standard error.
///
/// # Panics
/// If there is none and the environment says `CI=true`.
#[allow(clippy::panic)]
pub fn compiler() -> Option<PathBuf> {
    let found = find_compiler();
    if found.is_none() {
        let message = format!(
            "no compiler for {TARGET}: run `rustup target add {TARGET}`, or make one with tests/tools/wasm-toolchain and \
             name it in {RUSTC_VARIABLE}"
        );
        assert!(!is_ci(), "{message}");
        eprintln!("SKIPPED: {message}");
    }
    found
}

/// Builds every guest; the folder that holds them.
fn build() -> Result<Option<PathBuf>, String> {
    let Some(rustc) = compiler() else { return Ok(None) };
    let target = root().join("target/guests");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).args(["build", "--quiet", "--profile", "guest", "--target", TARGET]);
    cargo.arg("--target-dir").arg(&target).env("RUSTC", rustc);
    // What the test was built with is not for the guest.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"] {
        cargo.env_remove(variable);
    }
    for package in PACKAGES {
        cargo.args(["--package", package]);
    }
    let output = cargo.output().map_err(|e| format!("cargo cannot be started: {e}"))?;
    match output.status.success() {
        true => Ok(Some(target.join(TARGET).join("guest"))),
        false => Err(format!("the guests do not build:\n{}", String::from_utf8_lossy(&output.stderr))),
    }
}

/// A compiler with the standard library of the target.
fn find_compiler() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(RUSTC_VARIABLE) {
        return Some(named.into());
    }
    let default = PathBuf::from(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    let asked =
        Command::new(&default).args(["--print", "target-libdir", "--target", TARGET]).output().ok()?;
    let folder = PathBuf::from(String::from_utf8(asked.stdout).ok()?.trim());
    let has_std = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .any(|e| e.file_name().to_string_lossy().starts_with("libstd-"));
    has_std.then_some(default)
}
