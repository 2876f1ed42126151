//! The symbol is there, but it is something else.

#[unsafe(no_mangle)]
pub static codebench_plugin_manifest: [u8; 64] = [7; 64];
