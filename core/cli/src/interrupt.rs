//! Ctrl-C.

use crate::failure::INTERRUPTED;
use crate::{Failure, OrFail};
use anyhow::Context;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that the first Ctrl-C (or SIGTERM) sets, for a clean end; the second ends the process at once.
///
/// # Errors
/// If the system refuses a handler.
pub fn flag() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    ctrlc::set_handler(move || {
        if set.swap(true, Ordering::SeqCst) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        // A closed standard error stops nothing.
        let _ = std::io::stderr()
            .write_all(b"\nstopping after the evaluations that are running; Ctrl-C again stops at once\n");
    })
    .context("cannot install a handler for Ctrl-C")
    .failure()?;
    Ok(flag)
}
