//! Small plugins of every kind that crosses a boundary, for tests of the forms; not for use.
//!
//! Each has the parameter `panics`: the name of the method that panics, `configure` for the constructor, empty for none. With
//! `hang in` before the name, the method never comes back; with `say in`, it says so.

pub mod ask;
pub mod ask_any;
mod hardware;
mod language;
mod learning;
mod network;
mod search;

pub use hardware::{Flat, Lanes};
pub use language::Fold;
pub use learning::{Average, Guided};
pub use network::{Linear, Trained};
pub use search::{Depth, Upwards};

use codebench_sdk::log;
use codebench_sdk::prelude::*;

codebench_sdk::plugins![Fold, Lanes, Flat, Average, Upwards, Guided, Depth, Trained, Linear];

/// Which method panics.
struct Panics(String);

impl Panics {
    fn parameter() -> ParameterDescription {
        ParameterDescription::text("panics", "", "Name of the method that panics.")
    }

    fn new(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let panics = Panics(configuration.text("panics")?.to_owned());
        panics.at("configure");
        Ok(panics)
    }

    #[allow(clippy::panic)]
    fn at(&self, method: &str) {
        assert!(self.0 != method, "asked to panic in {method}");
        if self.0.strip_prefix("say in ") == Some(method) {
            log::write(log::Level::Info, &format!("asked to say something in {method}"));
        }
        if self.0.strip_prefix("hang in ") == Some(method) {
            loop {
                std::hint::spin_loop();
            }
        }
    }
}
