//! It hangs while it is loaded, before anything of it can be asked.

extern "C" fn hang() {
    loop {
        std::thread::park();
    }
}

#[used]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array"))]
static INITIALISER: extern "C" fn() = hang;
