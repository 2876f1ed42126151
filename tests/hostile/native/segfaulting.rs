//! It writes where nothing is when it is asked what it is.

type Text = extern "C" fn(length: *mut usize) -> *const u8;

#[repr(C)]
pub struct Manifest {
    magic: [u8; 16],
    format: u32,
    text: Text,
}

extern "C" fn text(length: *mut usize) -> *const u8 {
    let _ = length;
    // SAFETY: none; that is the point.
    unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(1) };
    std::ptr::null()
}

#[unsafe(no_mangle)]
pub static codebench_plugin_manifest: Manifest = Manifest { magic: *b"codebench-plugin", format: 1, text };
