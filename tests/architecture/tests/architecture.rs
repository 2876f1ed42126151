//! The invariants of docs/ARCHITECTURE.md that no compiler checks: who depends on whom, and rules of the source.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use cargo_metadata::{DependencyKind, MetadataCommand, Package};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Which members of the workspace each member may depend on. `cli` and `tests` may use all; a plugin only the SDK.
const ARROWS: &[(&str, &[&str])] = &[
    ("codebench-model", &[]),
    ("codebench-math", &[]),
    ("codebench-space", &["codebench-model", "codebench-math"]),
    ("codebench-api", &["codebench-model"]),
    ("codebench-cnn", &["codebench-model", "codebench-api"]),
    ("codebench-sim", &["codebench-model", "codebench-api", "codebench-math"]),
    (
        "codebench-search",
        &["codebench-model", "codebench-api", "codebench-math", "codebench-space", "codebench-cnn"],
    ),
    ("codebench-abi", &["codebench-model", "codebench-api"]),
    ("codebench-host", &["codebench-model", "codebench-api", "codebench-abi"]),
    (
        "codebench-sdk",
        &["codebench-model", "codebench-api", "codebench-math", "codebench-space", "codebench-abi"],
    ),
    ("codebench-conformance", &["codebench-model", "codebench-api", "codebench-space"]),
    (
        "codebench-engines",
        &[
            "codebench-api",
            "codebench-cnn-ops",
            "codebench-fixtures",
            "codebench-host",
            "codebench-model",
            "codebench-trainer-burn",
            "codebench-training",
        ],
    ),
    ("codebench-misbehaving-native", &["codebench-sdk"]),
    ("codebench-oracle", &["codebench-model", "codebench-api", "codebench-math", "codebench-accelbench"]),
    (
        "codebench-oracle-compare",
        &["codebench-model", "codebench-api", "codebench-accelbench", "codebench-sim", "codebench-oracle"],
    ),
];

/// External crates that only these members may depend on.
const ONLY_USERS: &[(&str, &[&str])] = &[
    ("anyhow", &["codebench"]),
    ("clap", &["codebench"]),
    ("libloading", &["codebench-host"]),
    ("wasmtime", &["codebench-host"]),
    ("wasmparser", &["codebench-host"]),
    ("wit-component", &["codebench-host"]),
    ("wit-parser", &["codebench-host"]),
    ("wit-bindgen", &["codebench-sdk"]),
    ("abi_stable", &["codebench-abi"]),
    ("rusqlite", &["codebench-search"]),
    ("burn", &["codebench-trainer-burn"]),
    ("tch", &["codebench-trainer-tch"]),
];

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// The members of the workspace, and of the one of the engine on libtorch.
fn members() -> Vec<Package> {
    let members = |manifest: &str| {
        let mut command = MetadataCommand::new();
        command.manifest_path(root().join(manifest)).no_deps().other_options(vec!["--offline".into()]);
        command.exec().unwrap().packages
    };
    ["Cargo.toml", "plugins/trainer-tch/Cargo.toml"].into_iter().flat_map(members).collect()
}

fn is_plugin(package: &Package) -> bool {
    let folder = package.manifest_path.strip_prefix(root()).unwrap();
    is_plugin_folder(folder) && !is_wrapper(package) && package.name.as_str() != "codebench-builtin"
}

fn is_plugin_folder(folder: &cargo_metadata::camino::Utf8Path) -> bool {
    folder.starts_with("plugins") || folder.starts_with("examples/plugins")
}

/// Wrapper crates, one per form of a plugin crate: that crate and the SDK, whose features make the form.
fn is_wrapper(package: &Package) -> bool {
    let folder = package.manifest_path.strip_prefix(root()).unwrap();
    folder.starts_with("plugins/forms")
        || (is_test_plugin(package) && ["-native", "-wasm"].iter().any(|form| folder.as_str().contains(form)))
        || (is_plugin_folder(folder) && folder.ends_with("native/Cargo.toml"))
}

/// Plugins that only tests use.
fn is_test_plugin(package: &Package) -> bool {
    package.manifest_path.strip_prefix(root()).unwrap().starts_with("tests/plugins")
}

/// Dependencies of the code itself; tests may use more.
fn dependencies(package: &Package) -> impl Iterator<Item = &str> {
    package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development).map(|d| d.name.as_str())
}

fn internal<'a>(package: &'a Package, names: &BTreeSet<String>) -> Vec<&'a str> {
    dependencies(package).filter(|d| names.contains(*d)).collect()
}

#[test]
fn crates_depend_only_along_the_arrows() {
    let members = members();
    let names: BTreeSet<String> = members.iter().map(|p| p.name.to_string()).collect();
    let plugins: BTreeSet<&str> = members.iter().filter(|p| is_plugin(p)).map(|p| p.name.as_str()).collect();
    assert!(plugins.len() >= 5, "plugins found: {plugins:?}");
    let arrows: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    for package in &members {
        let name = package.name.as_str();
        for dependency in internal(package, &names) {
            let allowed = match name {
                "codebench" | "codebench-tests" => true,
                "codebench-builtin" => dependency == "codebench-sdk" || plugins.contains(dependency),
                _ if plugins.contains(name) => dependency == "codebench-sdk",
                _ if is_wrapper(package) => {
                    let of_sdk = ["codebench-sdk", "codebench-abi"].contains(&dependency);
                    of_sdk || name.starts_with(&format!("{dependency}-"))
                }
                _ if is_test_plugin(package) => dependency == "codebench-sdk",
                _ => arrows
                    .get(name)
                    .unwrap_or_else(|| {
                        panic!("{name} has no row in ARROWS: add it, and to docs/ARCHITECTURE.md")
                    })
                    .contains(&dependency),
            };
            assert!(allowed, "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn the_sdk_carries_the_contracts() {
    let members = members();
    let names: BTreeSet<String> = members.iter().map(|p| p.name.to_string()).collect();
    let sdk = members.iter().find(|p| p.name.as_str() == "codebench-sdk").unwrap();
    let has: BTreeSet<_> = internal(sdk, &names).into_iter().collect();
    for crate_of_contract in ["codebench-api", "codebench-math", "codebench-model", "codebench-space"] {
        assert!(has.contains(crate_of_contract), "codebench-sdk must re-export {crate_of_contract}");
    }
}

/// The oracle is a second simulator only as long as nothing of the first one reaches it, in its tests either.
/// A GPU's libraries are large: whoever builds without a word gets none, and the command's feature reaches burn.
#[test]
fn devices_are_features_that_reach_burn_and_no_default() {
    let members = members();
    let passes = [
        ("codebench", "codebench-builtin"),
        ("codebench-builtin", "codebench-trainer-burn"),
        ("codebench-trainer-burn-native", "codebench-trainer-burn"),
        ("codebench-trainer-burn", "burn"),
    ];
    for (name, next) in passes {
        let package = members.iter().find(|p| p.name.as_str() == name).unwrap();
        assert!(!package.features.contains_key("default"), "{name} has default features");
        for device in ["wgpu", "cuda"] {
            assert_eq!(package.features[device], [format!("{next}/{device}")], "{name}");
        }
    }
}

#[test]
fn the_oracle_never_sees_the_engine() {
    let members = members();
    let mut reached = BTreeSet::from(["codebench-oracle".to_string()]);
    loop {
        let before = reached.len();
        for package in members.iter().filter(|p| reached.contains(p.name.as_str())).collect::<Vec<_>>() {
            let own = package.name.as_str() == "codebench-oracle";
            let all = package.dependencies.iter().filter(|d| own || d.kind != DependencyKind::Development);
            reached.extend(all.map(|d| d.name.clone()));
        }
        if reached.len() == before {
            break;
        }
    }
    assert!(reached.contains("codebench-model"), "reached: {reached:?}");
    assert!(!reached.contains("codebench-sim"), "codebench-oracle must not reach codebench-sim");
}

#[test]
fn external_crates_stay_with_their_only_users() {
    for package in members() {
        for dependency in dependencies(&package) {
            if let Some((_, users)) = ONLY_USERS.iter().find(|(name, _)| *name == dependency) {
                let name = package.name.as_str();
                assert!(users.contains(&name), "{name} must not depend on {dependency}: only {users:?} may");
            }
        }
    }
}

#[test]
fn every_crate_inherits_the_lints_and_the_versions_of_the_workspace() {
    for package in members() {
        let text = std::fs::read_to_string(&package.manifest_path).unwrap();
        let name = &package.name;
        assert!(text.contains("[lints]\nworkspace = true"), "{name}: add [lints] workspace = true");
        assert!(text.contains("rust-version.workspace = true"), "{name}: add rust-version.workspace = true");
        assert!(!text.contains("\nversion = \""), "{name}: versions come from the workspace");
    }
}

/// Files of the repository that Git knows or would know, relative to its root, with their texts.
fn sources(extensions: &[&str]) -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                let built = matches!(name.as_str(), "target" | ".git" | "book" | "corpus" | "artifacts");
                if !built && !name.starts_with("target-") {
                    walk(&path, extensions, found);
                }
            } else if path.extension().is_some_and(|e| extensions.iter().any(|x| e == *x)) {
                found.push(path);
            }
        }
    }
    let root = root();
    let mut found = Vec::new();
    walk(&root, extensions, &mut found);
    found.sort();
    assert!(!found.is_empty());
    let text = |path: &PathBuf| std::fs::read_to_string(path).unwrap();
    found.iter().map(|p| (p.strip_prefix(&root).unwrap().to_owned(), text(p))).collect()
}

#[test]
fn no_source_file_is_longer_than_500_lines() {
    for (path, text) in sources(&["rs"]) {
        let lines = text.lines().count();
        assert!(lines <= 500, "{} has {lines} lines: split it", path.display());
    }
}

/// The contract crates promise: no I/O, no clock, no thread.
#[test]
fn contract_crates_touch_nothing_outside() {
    let forbidden = ["fs", "io", "net", "time", "thread", "process", "env"].map(|m| format!("std::{m}"));
    let mut seen = 0;
    for (path, text) in sources(&["rs"]) {
        if !["core/model/src", "core/space/src", "core/api/src"].iter().any(|c| path.starts_with(c)) {
            continue;
        }
        seen += 1;
        for (number, line) in text.lines().enumerate() {
            let used = forbidden.iter().find(|f| {
                line.split(f.as_str())
                    .skip(1)
                    .any(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
            });
            let place = || format!("{}:{}", path.display(), number + 1);
            assert!(used.is_none(), "{} uses {}", place(), used.map_or("", String::as_str));
        }
    }
    assert!(seen > 10, "only {seen} files seen");
}

/// Everywhere else the lint `unsafe_code` denies it; this test denies allowing it.
#[test]
fn unsafe_stays_where_the_contract_allows_it() {
    let allowed = [
        "sdk/abi/src",
        "sdk/plugin/src",
        "core/host/src/native",
        "core/host/src/wasm/cache.rs",
        "tests/hostile",
    ];
    // Put together here, so that this file does not hold what it looks for.
    let word = ["un", "safe"].concat();
    let mut marks = ["fn", "impl", "extern", "{", "trait"].map(|after| format!("{word} {after}")).to_vec();
    marks.extend([format!("{word}("), format!("allow({word}_code)")]);
    for (path, text) in sources(&["rs"]) {
        if allowed.iter().any(|a| path.starts_with(a)) {
            continue;
        }
        for (number, line) in
            text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
        {
            let used = marks.iter().find(|mark| line.contains(mark.as_str()));
            assert!(
                used.is_none(),
                "{}:{}: unsafe code may stand in {allowed:?} only",
                path.display(),
                number + 1
            );
        }
    }
}

#[test]
fn unfinished_code_and_skipped_tests_are_not_committed() {
    let marks = ["todo", "unimplemented"].map(|m| format!("{m}!("));
    let skipped = format!("#[{}", "ignore");
    for (path, text) in sources(&["rs"]) {
        for mark in marks.iter().chain([&skipped]) {
            assert!(!text.contains(mark.as_str()), "{} contains {mark}", path.display());
        }
    }
}

/// A path of somebody's machine works nowhere else.
#[test]
fn no_absolute_paths_of_a_machine() {
    let marks = ["home", "root", "work", "Users"].map(|folder| format!("/{folder}/"));
    for (path, text) in sources(&["rs", "toml", "md", "json", "jsonl", "txt", "sh", "yml"]) {
        for (number, line) in text.lines().enumerate() {
            for mark in &marks {
                let absolute = line.match_indices(mark.as_str()).any(|(at, _)| {
                    !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '~'))
                });
                assert!(!absolute, "{}:{}: {mark} is a path of one machine", path.display(), number + 1);
            }
        }
    }
}
