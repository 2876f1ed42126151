//! Random small networks, accelerators and plans, on which the engine of `codebench-sim` and `codebench-oracle` must agree.
//! Everything about a case follows from its seed.

mod accelerator;
mod case;
mod compare;
mod network;
mod random;
mod stub;

pub use accelerator::Machine;
pub use case::{Case, cases};
pub use compare::{Agreed, difference};
pub use random::Random;
pub use stub::{StubMemory, StubModule};
