//! Fills the catalogue of plugins.
