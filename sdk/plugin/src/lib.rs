//! All that a plugin author depends on: the contracts, plain data, functions over spaces and mathematics with the same
//! bits in every form.
//!
//! ```
//! use codebench_sdk::prelude::*;
//!
//! /// Proposes the first value of every choice, for ever.
//! struct First {
//!     choices: usize,
//! }
//!
//! impl Plugin for First {
//!     type Kind = kinds::Strategy;
//!
//!     fn info() -> PluginInfo {
//!         PluginInfo::new("example/first", "0.1.0", "Proposes the first values for ever.")
//!     }
//!
//!     fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
//!         Ok(First { choices: 0 })
//!     }
//! }
//!
//! impl Strategy for First {
//!     fn start(&mut self, context: &StrategyContext) -> Result<(), PluginError> {
//!         self.choices = context.space.choices.len();
//!         Ok(())
//!     }
//!
//!     fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
//!         Ok(vec![Genotype(vec![0; self.choices]); count])
//!     }
//!
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

#[cfg(all(feature = "native", not(target_family = "wasm")))]
#[doc(hidden)]
pub use codebench_abi as abi;

#[cfg(feature = "engine")]
pub mod engine;
pub mod log;
#[cfg(target_family = "wasm")]
pub mod wasm;

/// What a plugin of any kind imports: every type that its trait names.
pub mod prelude {
    pub use codebench_api::{
        AccelModule, ChannelRequest, CnnOp, Configuration, Engine, EvaluateResult, Evaluator, Executor,
        GradientsResult, Kind, LowerRequest, LoweredOp, Memory, MiniBatch, NamedTensor, Network,
        NetworkOptions, OptimizerState, Plugin, PluginError, PluginInfo, Prediction, Reads, StepOptions,
        StepResult, Strategy, StrategyContext, Surrogate, SurrogateContext, Tell, kinds,
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

/// Makes a native library of the plugins of a crate; written once, in the `lib.rs` of a wrapper crate whose `crate-type` is
/// `["cdylib"]` and which depends on that crate and on the SDK with its feature `native`:
///
/// ```ignore
/// codebench_sdk::export!(my_plugins);
/// ```
///
/// It reads only `my_plugins::PLUGINS`, which [`plugins!`] makes.
#[cfg(all(feature = "native", not(target_family = "wasm")))]
#[macro_export]
macro_rules! export {
    ($plugins:path) => {
        $crate::abi::export_plugins!($plugins);
    };
}

/// Makes a component of a crate's plugins: the one line of a wrapper crate (`crate-type = ["cdylib"]`), whose argument is
/// the crate that holds `plugins![..]`.
#[cfg(target_family = "wasm")]
#[macro_export]
macro_rules! export {
    ($plugins:path) => {
        #[allow(unsafe_code)]
        const _: () = {
            use $plugins as plugins;

            struct Exported;

            impl $crate::wasm::Plugins for Exported {
                const PLUGINS: &'static [$crate::api::Registration] = plugins::PLUGINS;
            }

            type Component = $crate::wasm::Component<Exported>;

    $crate::wasm::bindings::export_component!(Component with_types_in $crate::wasm::bindings);
        };
    };
}
