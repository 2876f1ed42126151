//! Nothing but tests: they read manifests and sources only, so that checking an invariant builds none of the program.
