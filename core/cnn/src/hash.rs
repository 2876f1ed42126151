//! Hashes of modules and CNNs, equal to those of the released CNNBench.
//!
//! A module's hash does not depend on the numbering of its vertices: every vertex starts from its degrees and label,
//! and as many rounds as there are vertices fold in the hashes of its neighbours. The hash of a CNN is that of its
//! modules' hashes in order. They identify CNNs for display and look-up; memo keys never use them.
//!
//! The released code knows no joins. A vertex with a join is hashed as if its label were `LABEL@JOIN`, such as
//! `act-relu@sum`; no label contains `@`. `default_channels` takes no part.

use crate::CnnError;
use codebench_model::{CnnGraph, CnnModule, Vertex};
use serde::{Deserialize, Serialize};
use sha2::Digest;
use std::fmt::Write;

/// The digest behind a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// MD5: 32 hexadecimal digits.
    Md5,
    /// SHA-256: 64 hexadecimal digits.
    #[default]
    Sha256,
    /// SHA-512: 128 hexadecimal digits.
    Sha512,
}

impl Algorithm {
    /// Every algorithm with its name.
    pub const ALL: [(Algorithm, &'static str); 3] =
        [(Algorithm::Md5, "md5"), (Algorithm::Sha256, "sha256"), (Algorithm::Sha512, "sha512")];

    /// The algorithm called `name`.
    pub fn from_name(name: &str) -> Option<Algorithm> {
        Self::ALL.into_iter().find(|(_, n)| *n == name).map(|(a, _)| a)
    }

    /// The name used in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "md5",
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
        }
    }

    fn hex(self, text: &str) -> String {
        match self {
            Algorithm::Md5 => hex(&md5::Md5::digest(text)),
            Algorithm::Sha256 => hex(&sha2::Sha256::digest(text)),
            Algorithm::Sha512 => hex(&sha2::Sha512::digest(text)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Hash of one module, the same for every topological numbering of its vertices.
pub fn module_hash(module: &CnnModule, algorithm: Algorithm) -> String {
    let count = module.vertices.len();
    let mut sources = vec![Vec::new(); count];
    let mut targets = vec![Vec::new(); count];
    for &[from, to] in module.edges.iter().filter(|[from, to]| *from < count && *to < count) {
        targets[from].push(to);
        sources[to].push(from);
    }
    let mut hashes: Vec<String> = (module.vertices.iter())
        .zip(sources.iter().zip(&targets))
        .map(|(vertex, (ins, outs))| {
            let label = python_repr(&label_with_join(vertex));
            algorithm.hex(&format!("({}, {}, {label})", outs.len(), ins.len()))
        })
        .collect();
    let mut text = String::new();
    for _ in 0..count {
        let round = (0..count).map(|v| {
            text.clear();
            push_sorted(&mut text, &hashes, &sources[v]);
            text.push('|');
            push_sorted(&mut text, &hashes, &targets[v]);
            text.push('|');
            text.push_str(&hashes[v]);
            algorithm.hex(&text)
        });
        hashes = round.collect();
    }
    hashes.sort_unstable();
    let quoted: Vec<String> = hashes.iter().map(|h| format!("'{h}'")).collect();
    algorithm.hex(&format!("[{}]", quoted.join(", ")))
}

/// Hash of a CNN, module by module.
pub fn graph_hash_simple(graph: &CnnGraph, algorithm: Algorithm) -> String {
    hash_of_hashes(graph.modules.iter().map(|m| module_hash(m, algorithm)), algorithm)
}

/// Hash of a CNN after [`merged_modules`], so that where a chain is cut into modules does not matter.
pub fn graph_hash_merged(graph: &CnnGraph, algorithm: Algorithm) -> String {
    hash_of_hashes(merged_modules(&graph.modules).iter().map(|m| module_hash(m, algorithm)), algorithm)
}

/// The hash of a CNN whose (merged) modules have these hashes.
pub fn hash_of_hashes(modules: impl Iterator<Item = String>, algorithm: Algorithm) -> String {
    algorithm.hex(&modules.collect::<Vec<_>>().join("|"))
}

/// Modules with consecutive ones merged where the outputs of both have a single incoming edge.
///
/// The released code merges so, although an edge from the second module's input then counts as an interior edge and
/// means something else: CNNs with different functions can share a merged hash. A module with joins and one without
/// are never merged.
pub fn merged_modules(modules: &[CnnModule]) -> Vec<CnnModule> {
    modules.chunk_by(mergeable).map(merge).collect()
}

fn mergeable(first: &CnnModule, second: &CnnModule) -> bool {
    let single_output = |m: &CnnModule| {
        m.vertices.len() >= 2 && m.predecessors(m.vertices.len().saturating_sub(1)).count() == 1
    };
    single_output(first) && single_output(second) && first.is_explicit() == second.is_explicit()
}

/// Each module's input becomes the last interior vertex of the one before.
fn merge(modules: &[CnnModule]) -> CnnModule {
    let mut merged = CnnModule { vertices: Vec::new(), edges: Vec::new() };
    let mut offset = 0;
    for (i, module) in modules.iter().enumerate() {
        let (is_first, is_last) = (i == 0, i + 1 == modules.len());
        let count = module.vertices.len();
        let end = if is_last { count } else { count.saturating_sub(1) };
        let own = module.vertices.iter().take(end).skip(usize::from(!is_first));
        merged.vertices.extend(own.cloned());
        let interior = count.saturating_sub(2);
        let kept = module.edges.iter().filter(|[from, _]| is_last || *from < interior);
        merged.edges.extend(kept.map(|[from, to]| [from + offset, to + offset]));
        offset += interior;
    }
    merged.edges.sort_unstable_by_key(|[from, to]| (*to, *from));
    merged
}

/// The most hashes that [`check_effort`] lets a CNN fold in: some seconds of work.
pub const MAX_EFFORT: u64 = 1 << 26;

/// Refuses CNNs that would take minutes to hash. A module of V vertices and E edges folds in V x (V + 2 E) hashes.
///
/// # Errors
/// More than [`MAX_EFFORT`] over all modules.
pub fn check_effort(modules: &[CnnModule]) -> Result<(), CnnError> {
    let of = |module: &CnnModule| {
        let (vertices, edges) = (module.vertices.len() as u64, module.edges.len() as u64);
        vertices.saturating_mul(vertices.saturating_add(edges.saturating_mul(2)))
    };
    let effort = modules.iter().map(of).fold(0, u64::saturating_add);
    if effort <= MAX_EFFORT {
        return Ok(());
    }
    Err(CnnError::Cnn(format!(
        "hashing would fold in {effort} hashes (of each module vertices x (vertices + 2 x edges)): give a CNN with at \
         most {MAX_EFFORT}, so with smaller modules"
    )))
}

fn label_with_join(vertex: &Vertex) -> String {
    match vertex.join {
        None => vertex.label.clone(),
        Some(join) => format!("{}@{}", vertex.label, join.name()),
    }
}

/// Appends the hashes of `vertices` in ascending order.
fn push_sorted(text: &mut String, hashes: &[String], vertices: &[usize]) {
    let mut sorted: Vec<&str> = vertices.iter().map(|&v| hashes[v].as_str()).collect();
    sorted.sort_unstable();
    sorted.iter().for_each(|hash| text.push_str(hash));
}

/// The text as Python's `repr` writes it.
fn python_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if c.is_ascii_control() => _ = write!(out, "\\x{:02x}", u32::from(c)),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_model::Join;

    fn chain(labels: &[&str]) -> CnnModule {
        let vertices = labels.iter().map(|l| Vertex::new(*l)).collect();
        CnnModule { vertices, edges: (1..labels.len()).map(|v| [v - 1, v]).collect() }
    }

    #[test]
    fn a_chain_has_one_merged_hash_however_it_is_cut() {
        let whole =
            CnnGraph { default_channels: 128, modules: vec![chain(&["input", "a", "b", "c", "output"])] };
        let cut = CnnGraph {
            default_channels: 128,
            modules: vec![chain(&["input", "a", "output"]), chain(&["input", "b", "c", "output"])],
        };
        for (algorithm, _) in Algorithm::ALL {
            assert_eq!(graph_hash_merged(&whole, algorithm), graph_hash_merged(&cut, algorithm));
            assert_ne!(graph_hash_simple(&whole, algorithm), graph_hash_simple(&cut, algorithm));
        }
        assert_eq!(merged_modules(&cut.modules), whole.modules);
    }

    #[test]
    fn the_hash_ignores_the_numbering_but_not_the_join() {
        let vertices = |labels: [&str; 4]| labels.map(Vertex::new).to_vec();
        let edges = vec![[0, 1], [0, 2], [1, 3], [2, 3]];
        let one = CnnModule { vertices: vertices(["input", "a", "b", "output"]), edges: edges.clone() };
        let mut other = CnnModule { vertices: vertices(["input", "b", "a", "output"]), edges };
        assert_eq!(module_hash(&one, Algorithm::Md5), module_hash(&other, Algorithm::Md5));
        other.vertices[3].join = Some(Join::Concat);
        assert_ne!(module_hash(&one, Algorithm::Md5), module_hash(&other, Algorithm::Md5));
    }

    #[test]
    fn modules_with_and_without_joins_stay_apart() {
        let mut explicit = chain(&["input", "b", "output"]);
        explicit.vertices[2].join = Some(Join::Sum);
        assert_eq!(merged_modules(&[chain(&["input", "a", "output"]), explicit]).len(), 2);
    }

    #[test]
    fn the_longest_chain_is_hashed_and_a_dense_module_is_refused() {
        let label = |i: usize| if i == 0 { "input" } else { "a" };
        let labels: Vec<&str> = (0..4096).map(label).collect();
        assert_eq!(check_effort(&[chain(&labels)]), Ok(()));
        let mut dense = chain(&labels[..1000]);
        dense.edges = (1..1000).flat_map(|to| (0..to).map(move |from| [from, to])).collect();
        let error = check_effort(&[dense]).unwrap_err().to_string();
        assert!(error.starts_with("hashing would fold in 1000000000 hashes"), "{error}");
        assert!(error.contains("at most 67108864"), "{error}");
    }

    #[test]
    fn texts_are_quoted_as_python_does() {
        assert_eq!(python_repr("conv3x3"), "'conv3x3'");
        assert_eq!(python_repr("it's"), "\"it's\"");
        assert_eq!(python_repr("'\"\\\n\u{1}"), "'\\'\"\\\\\\n\\x01'");
    }
}
