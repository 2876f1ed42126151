//! The embedded training engine, on burn.
