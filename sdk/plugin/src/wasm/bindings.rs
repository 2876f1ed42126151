//! What wit-bindgen makes of `sdk/wit`.

#![allow(missing_docs, unsafe_code, clippy::all, unreachable_pub)]

wit_bindgen::generate!({
    path: "../wit/0.1.0",
    world: "plugins",
    pub_export_macro: true,
    export_macro_name: "export_component",
});
