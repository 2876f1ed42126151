//! A native library that is well made, and whose plugin misbehaves when it is made: the variable `MISDEED` says how. What
//! misbehaves earlier is in `tests/hostile/native`.

use codebench_sdk::prelude::*;

/// A memory.
pub struct Misbehaving;

fn misdeed() -> String {
    std::env::var("MISDEED").unwrap_or_default()
}

impl Plugin for Misbehaving {
    type Kind = kinds::Memory;

    fn info() -> PluginInfo {
        let (id, summary) = match misdeed().as_str() {
            "claims the vendor of the built-in plugins" => {
                ("codebench/misbehaving", "A memory of codebench, it says.")
            }
            "panics in info" => std::panic::resume_unwind(Box::new("asked to panic in info")),
            "writes to the terminal" => ("test/misbehaving", "A memory.\u{1b}[2J"),
            _ => ("test/misbehaving", "A memory that may misbehave."),
        };
        PluginInfo::new(id, "0.1.0", summary)
    }

    #[allow(unsafe_code)]
    fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
        match misdeed().as_str() {
            "hangs" => loop {
                std::thread::park();
            },
            "aborts" => std::process::abort(),
            "segfaults" => {
                // SAFETY: none; that is the point.
                unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(1) };
            }
            "exits" => std::process::exit(0),
            "panics" => std::panic::resume_unwind(Box::new("asked to panic")),
            "says what a terminal acts on" => return Err(PluginError::contract("red\u{1b}[31m\nand more")),
            _ => {}
        }
        Ok(Misbehaving)
    }
}

impl Memory for Misbehaving {
    fn facts(&self) -> MemoryFacts {
        MemoryFacts {
            clock_khz: 1_000_000,
            channels: 1,
            ranks: 1,
            banks_per_rank: 1,
            row_bytes: 4096,
            burst_bytes: 64,
            interleave_bytes: 4096,
            capacity_bytes: 1 << 32,
            ..MemoryFacts::default()
        }
    }

    fn cost(&self, _: &[TransferProfile], costs: &mut [TransferCost]) -> Result<(), PluginError> {
        costs.fill(TransferCost::default());
        Ok(())
    }
}

codebench_sdk::plugins![Misbehaving];
codebench_sdk::export!(crate);
