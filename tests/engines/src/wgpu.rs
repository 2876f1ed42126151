//! The embedded engine's device `wgpu`.

use crate::{ENGINES, Pair, built_in};
use codebench_model::{ParameterValue, Parameters};

/// Parameters of the embedded engine on the device `wgpu`.
pub fn on_wgpu() -> Parameters {
    Parameters::from([("device".to_owned(), ParameterValue::Text("wgpu".into()))])
}

/// The embedded engine on the processor and on a GPU. `None`, with a note, on a machine without one.
///
/// # Panics
/// Without one where `CODEBENCH_WGPU` is `required`.
pub fn wgpu_pair() -> Option<Pair> {
    let catalog = built_in();
    if let Err(error) = catalog.engine(ENGINES[0], &on_wgpu()) {
        let required = std::env::var_os("CODEBENCH_WGPU").is_some_and(|value| value == "required");
        assert!(!required, "{error}");
        println!("SKIPPED: {error}");
        return None;
    }
    let engines = [(ENGINES[0], Parameters::new()), (ENGINES[0], on_wgpu())];
    Some(Pair { name: "device wgpu", catalog, engines })
}
