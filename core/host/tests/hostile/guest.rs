//! Makes hostile components out of `tests/hostile/wasm`.

use codebench_api::{Catalog, PluginError};
use codebench_host::wasm::{WasmLimits, load_with, pack};
use codebench_host::{HostError, ReadFile};
use codebench_model::{HardwareContext, Parameters, TransferCost, TransferProfile};
use std::path::{Path, PathBuf};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// A memory in parts; each part is a piece of the template.
#[derive(Clone)]
pub(crate) struct Guest {
    pub(crate) ids: Vec<Vec<u8>>,
    pub(crate) kind: &'static str,
    /// Plugins that the manifest claims to list.
    pub(crate) listed: u32,
    pub(crate) imports: &'static str,
    pub(crate) pages: &'static str,
    pub(crate) realloc: &'static str,
    pub(crate) start: &'static str,
    pub(crate) plugins: &'static str,
    pub(crate) create: &'static str,
    pub(crate) facts: &'static str,
    pub(crate) cost: &'static str,
    /// Facts: eight that must not be 0, four durations, area, leakage, background.
    pub(crate) words: [u64; 15],
    /// Number of events in the facts.
    pub(crate) events: u32,
}

impl Default for Guest {
    fn default() -> Self {
        Guest {
            ids: vec![b"evil/memory".to_vec()],
            kind: "memory",
            listed: 1,
            imports: "",
            pages: "4",
            realloc: "(call $realloc (local.get 0) (local.get 1) (local.get 2) (local.get 3))",
            start: "",
            plugins: "(i32.const 64)",
            create: "(i32.store8 (i32.const 0) (i32.const 0)) (i32.store (i32.const 4) (call $new (i32.const 1))) (i32.const 0)",
            facts: "(i32.const 512)",
            cost: ANSWER,
            words: [1000, 1, 1, 1, 64, 64, 64, 1 << 30, 0, 0, 0, 0, 0, 0, 0],
            events: 0,
        }
    }
}

/// As many numbers as `$count`, all 0.
pub(crate) const ANSWER: &str = "(i32.store8 (i32.const 256) (i32.const 0)) \
    (i32.store (i32.const 260) (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (i32.mul (local.get $count) (i32.const 8)))) \
    (i32.store (i32.const 264) (local.get $count)) (i32.const 256)";

/// Text of a data segment.
pub(crate) fn data(at: u32, bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|b| format!("\\{b:02x}")).collect();
    format!("(data (i32.const {at}) \"{hex}\")\n  ")
}

pub(crate) fn words(words: impl IntoIterator<Item = u32>) -> Vec<u8> {
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}

impl Guest {
    fn data(&self) -> String {
        let mut text = data(64, &words([1024, self.listed]));
        let mut end = 2048;
        let mut put = |bytes: &[u8]| {
            let at = end;
            end += bytes.len() as u32;
            text += &data(at, bytes);
            [at, bytes.len() as u32]
        };
        let version = put(b"0.1.0");
        let kind = put(self.kind.as_bytes());
        let none = [0, 0];
        let manifest: Vec<[u32; 2]> = self
            .ids
            .iter()
            .flat_map(|id| [put(id), kind, version, version, none, none, none, none])
            .collect();
        let facts: Vec<u8> = self.words.iter().flat_map(|w| w.to_le_bytes()).collect();
        text += &data(1024, &words(manifest.into_iter().flatten()));
        text += &data(512, &facts);
        text += &data(512 + 120, &words([2048, self.events]));
        text
    }

    /// The core module with the contract beside it.
    fn module(&self) -> Vec<u8> {
        let folder = root().join("tests/hostile/wasm");
        let template = std::fs::read_to_string(folder.join("memory.wat")).unwrap();
        // Wasm's order of imports before everything else.
        let text = template
            .replace("{imports}", self.imports)
            .replace("{pages}", self.pages)
            .replace("{data}", &self.data())
            .replace("{realloc}", self.realloc)
            .replace("{start}", self.start)
            .replace("{plugins}", self.plugins)
            .replace("{create}", self.create)
            .replace("{facts}", self.facts)
            .replace("{cost}", self.cost);
        let mut module = wat::parse_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(root().join("sdk/wit/0.1.0")).unwrap();
        let (package, world) = match self.imports {
            "" => (package, "memories"),
            _ => (resolve.push_file(folder.join("hostile.wit")).unwrap(), "greedy"),
        };
        let world = resolve.select_world(&[package], Some(world)).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        module
    }

    pub(crate) fn component(&self) -> Vec<u8> {
        pack(&self.module()).unwrap()
    }
}

/// A file with these bytes, as the host reads it.
pub(crate) fn file(bytes: &[u8]) -> ReadFile {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evil.wasm");
    std::fs::write(&path, bytes).unwrap();
    ReadFile { path: "evil.wasm".into(), ..ReadFile::read(&path, None).unwrap() }
}

/// Limits that end a test soon.
pub(crate) fn limits() -> WasmLimits {
    WasmLimits { fuel: 20_000_000, memory_bytes: 8 << 20, log_lines: 3, ..WasmLimits::default() }
}

pub(crate) fn load(bytes: &[u8], limits: &WasmLimits) -> Result<Catalog, HostError> {
    let mut catalog = Catalog::default();
    for entry in load_with(&file(bytes), limits, None)? {
        catalog.add(entry)?;
    }
    Ok(catalog)
}

/// Makes the memory and asks it for the costs of two transfers.
pub(crate) fn ask(catalog: &Catalog) -> Result<Vec<TransferCost>, PluginError> {
    let memory = catalog.memory("evil/memory", &Parameters::new(), HardwareContext::default())?;
    let mut costs = vec![TransferCost::default(); 2];
    memory.cost(&[TransferProfile::default(); 2], &mut costs)?;
    Ok(costs)
}

/// One line on what came of a component.
pub(crate) fn outcome(bytes: &[u8], limits: &WasmLimits) -> String {
    match load(bytes, limits) {
        Err(e) => format!("refused: {e}"),
        Ok(catalog) => match ask(&catalog) {
            Ok(costs) => format!("answered {} costs", costs.len()),
            Err(e) => format!("{:?}: {e}", e.kind).to_lowercase().replacen(
                &format!("{e}").to_lowercase(),
                &format!("{e}"),
                1,
            ),
        },
    }
}
