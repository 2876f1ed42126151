//! The memory that steps take and give back.

use std::hint::black_box;
use std::sync::Once;

/// The largest block that glibc's allocator ever keeps, but for the pages around it.
const BLOCK_BYTES: usize = (32 << 20) - (64 << 10);

/// Has the system's allocator keep what a training step gives back for the next one, up to about 64 MB. Engines call it when they build a
/// network; after the first time it does nothing.
///
/// glibc gives blocks from 128 kB on back to the system at once, until a larger one was given back: from then on it keeps blocks up to that
/// size, and twice as much free memory. Activations are such blocks, and to get their pages anew at every step costs up to a quarter of
/// its time. Other allocators take a block and give it back.
pub fn keep_memory() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| drop(black_box(Vec::<u8>::with_capacity(BLOCK_BYTES))));
}
