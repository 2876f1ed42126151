//! A library of another program.

#[unsafe(no_mangle)]
pub extern "C" fn something_else() {}
