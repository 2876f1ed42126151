//! All that a plugin author depends on: the contracts, plain data, functions over spaces and mathematics with the same
//! bits in every form.
//!
//! ```
//! use codebench_sdk::prelude::*;
//!
//! /// Proposes the first point of the space for ever.
//! struct First;
//!
//! impl Plugin for First {
//!     type Kind = kinds::Strategy;
//!
//!     fn info() -> PluginInfo {
//!         PluginInfo::new("example/first", "0.1.0", "Proposes the first point for ever.")
//!     }
//!
//!     fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
//!         Ok(First)
//!     }
//! }
//!
//! impl Strategy for First {
//!     fn start(&mut self, _: &StrategyContext) -> Result<(), PluginError> {
//!         Ok(())
//!     }
//!     fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
//!         Ok(vec![Genotype(vec![0]); count])
//!     }
//!     fn tell(&mut self, _: &[Tell]) -> Result<(), PluginError> {
//!         Ok(())
//!     }
//! }
//!
//! codebench_sdk::plugins![First];
//! # fn main() { assert_eq!(PLUGINS.len(), 1); }
//! ```

pub use codebench_api as api;
pub use codebench_math as math;
pub use codebench_model as model;
pub use codebench_space as space;

/// What most plugins import.
pub mod prelude {
    pub use codebench_api::{
        CnnOp, Configuration, Engine, Evaluator, Executor, Kind, Plugin, PluginError, PluginInfo, Strategy,
        StrategyContext, Tell, kinds,
    };
    pub use codebench_model::*;
}

/// Names the plugins of a crate, once, in its `lib.rs`: makes `pub static PLUGINS` and, except on wasm, submits it to
/// the host's catalogue.
#[macro_export]
macro_rules! plugins {
    ($($plugin:ty),+ $(,)?) => {
        /// The plugins of this crate.
        pub static PLUGINS: &[$crate::api::Registration] = &[$($crate::api::Registration::of::<$plugin>()),+];

        #[cfg(not(target_family = "wasm"))]
        $crate::api::inventory::submit! {
            $crate::api::Registrations { source: env!("CARGO_PKG_NAME"), plugins: PLUGINS }
        }
    };
}
