//! What a plugin file exports.

use crate::manifest::NoManifest;
use crate::{Manifest, manifest_of};
use codebench_api::Registration;
use std::sync::OnceLock;

/// The text of a file's manifest, or of why there is none, made once; `length` is set to its bytes.
///
/// # Safety
/// `length` may be written.
#[doc(hidden)]
pub unsafe fn manifest_text(
    text: &'static OnceLock<Option<String>>,
    plugins: &[Registration],
    panic: &str,
    length: *mut usize,
) -> *const u8 {
    let made = || match manifest_of(plugins, panic) {
        Ok(manifest) => serde_json::to_string::<Manifest>(&manifest).ok(),
        Err(error) => serde_json::to_string(&NoManifest { failed: error.message }).ok(),
    };
    match text.get_or_init(made) {
        Some(text) => {
            // SAFETY: the caller's contract.
            unsafe { length.write(text.len()) };
            text.as_ptr()
        }
        None => std::ptr::null(),
    }
}

/// A panic of a plugin becomes an error, which says all that the default hook would print.
#[doc(hidden)]
pub fn silence_panics() {
    std::panic::set_hook(Box::new(|_| {}));
}

/// Exports `PLUGINS` of the crate `$plugins` from a cdylib: the manifest, and one root module per kind.
///
/// The SDK re-exports this as `codebench_sdk::export!`, which is what a wrapper crate writes.
#[macro_export]
macro_rules! export_plugins {
    ($plugins:path) => {
        const _: () = {
            use $plugins as plugins;

            extern "C" fn manifest(length: *mut usize) -> *const u8 {
                static TEXT: ::std::sync::OnceLock<::std::option::Option<::std::string::String>> =
                    ::std::sync::OnceLock::new();
                let panic = if cfg!(panic = "unwind") { "unwind" } else { "abort" };
                // SAFETY: the host gives a place for the length.
                unsafe { $crate::manifest_text(&TEXT, plugins::PLUGINS, panic, length) }
            }

            #[unsafe(export_name = "codebench_plugin_manifest")]
            pub static MANIFEST: $crate::ManifestHeader = $crate::ManifestHeader::new(manifest);

    $crate::export_plugins!(@kind plugins, CnnOp, "codebench_cnn_op");
    $crate::export_plugins!(@kind plugins, AccelModule, "codebench_accel_module");
    $crate::export_plugins!(@kind plugins, Memory, "codebench_memory");
    $crate::export_plugins!(@kind plugins, Surrogate, "codebench_surrogate");
    $crate::export_plugins!(@kind plugins, Strategy, "codebench_strategy");
    $crate::export_plugins!(@kind plugins, Evaluator, "codebench_evaluator");
    $crate::export_plugins!(@kind plugins, Engine, "codebench_engine");
        };
    };
    (@kind $plugins:ident, $kind:ident, $symbol:literal) => {
        const _: () = {
            extern "C" fn module() -> $crate::RootModuleResult {
                $crate::silence_panics();
                $crate::module($crate::Kind::$kind, $plugins::PLUGINS)
            }

            // SAFETY: the constructor answers the module of the same kind.
            #[unsafe(export_name = $symbol)]
            pub static HEADER: $crate::LibHeader = unsafe { $crate::header($crate::Kind::$kind, module) };
        };
    };
}
