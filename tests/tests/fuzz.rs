//! The fuzz targets' bodies on their seeds and on mutations of them: what a fuzzer does for hours, for a second, so that
//! the targets do not rot.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use codebench_tests::{fuzz, root};

/// Reproducible pseudo-random numbers (xorshift).
struct Mutator(u64);

impl Mutator {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    /// Flips, deletes, repeats, inserts, or splices in a part of another seed.
    fn mutate(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        const PIECES: [&str; 16] = [
            "-",
            "0",
            "999999999999999999999",
            "-1",
            "[",
            "]",
            "{",
            "}",
            "\"",
            "\n",
            "=",
            "nan",
            "inf",
            "1e999",
            ".",
            "\u{00e9}",
        ];
        let at = self.below(bytes.len() + 1);
        let end = at + self.below((bytes.len() - at).min(12) + 1);
        match self.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            3 => {
                let from = self.below(other.len() + 1);
                let to = from + self.below((other.len() - from).min(30) + 1);
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            4 => bytes.truncate(at),
            _ => {
                let piece = PIECES[self.below(PIECES.len())];
                bytes.splice(at..end, piece.bytes());
            }
        }
    }
}

/// Runs `body` on the files of `tests/fuzz/seeds/TARGET` and of `examples`, and on mutations of them.
fn run(target: &str, examples: &[&str], body: fn(&[u8]), rounds: usize) {
    let folder = root().join("tests/fuzz/seeds").join(target);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    files.extend(examples.iter().map(|e| root().join("examples").join(e)));
    let seeds: Vec<Vec<u8>> = files.iter().map(|f| std::fs::read(f).unwrap()).collect();
    assert!(!seeds.is_empty(), "no seeds in {}", folder.display());
    let mut mutator = Mutator(0x9e37_79b9_7f4a_7c15);
    for seed in &seeds {
        body(seed);
        for _ in 0..rounds {
            let mut bytes = seed.clone();
            for _ in 0..=mutator.below(4) {
                let other = &seeds[mutator.below(seeds.len())];
                mutator.mutate(&mut bytes, other);
            }
            let shown = String::from_utf8_lossy(&bytes).into_owned();
            let result = std::panic::catch_unwind(|| body(&bytes));
            assert!(result.is_ok(), "the target `{target}` panics on {shown:?}");
        }
    }
}

#[test]
fn labels() {
    run("label", &[], fuzz::label, 400);
}

#[test]
fn cnn_files() {
    run("cnn_file", &["cnns/tiny.toml", "cnns/residual.json"], fuzz::cnn_file, 400);
}

#[test]
fn jobs() {
    run("job", &["jobs.jsonl"], fuzz::job, 400);
}

#[test]
fn experiments() {
    run("experiment", &["quickstart.toml"], fuzz::experiment, 400);
}
