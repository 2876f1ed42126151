//! What wasmtime makes of `sdk/wit`.

#![allow(missing_docs, clippy::all, clippy::expect_used, clippy::unwrap_used, clippy::panic, unreachable_pub)]

wasmtime::component::bindgen!({
    path: "../../sdk/wit/0.1.0",
    world: "plugins",
});
