//! A manifest that announces a plugin whose root module is missing.

type Text = extern "C" fn(length: *mut usize) -> *const u8;

#[repr(C)]
pub struct Manifest {
    magic: [u8; 16],
    format: u32,
    text: Text,
}

extern "C" fn text(length: *mut usize) -> *const u8 {
    const TEXT: &str = r#"{"sdk": "0.1.0", "panic": "unwind", "contracts": {"memory": [0, 1, 0]}, "plugins": [{"id": "acme/missing", "kind": "memory"}]}"#;
    // SAFETY: the host gives a place for the length.
    unsafe { length.write(TEXT.len()) };
    TEXT.as_ptr()
}

#[unsafe(no_mangle)]
pub static codebench_plugin_manifest: Manifest = Manifest { magic: *b"codebench-plugin", format: 1, text };
