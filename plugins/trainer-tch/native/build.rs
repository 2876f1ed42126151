//! Writes into the library where libtorch lies, so that it is found without any variable.

use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Said by the build script of torch-sys.
    let Some(folder) = std::env::var_os("DEP_TCH_LIBTORCH_LIB").map(PathBuf::from) else { return };
    let folder = absolute(&folder);
    println!("cargo::rustc-link-arg-cdylib=-Wl,-rpath,{}", folder.display());
    // Nothing here names a symbol of it, and the linker would leave it out: it registers the CUDA kernels when it is loaded.
    if folder.join("libtorch_cuda.so").exists() {
        println!("cargo::rustc-link-arg-cdylib=-Wl,--no-as-needed,-ltorch_cuda,--as-needed");
    }
}

/// The host loads a copy of the library: a relative path would point into the folder of the copy.
fn absolute(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}
