//! The versions of the contract that this host speaks.
//!
//! A plugin says by the name of its manifest's interface for which version it was built; the host reads that name before
//! anything of the plugin runs. A frozen version keeps its row, and its adapter to the traits of `codebench-api`, for good.

use super::guest::{Guest, link_log};
use super::sandbox::Sandbox;
use super::{evaluation, hardware, manifest, search};
use codebench_api::{Kind, Maker, PluginInfo};
use std::sync::Arc;
use wasmtime::Result;
use wasmtime::component::{Component, Linker};

/// Descriptions with makers, or why there are none.
pub(super) type Listed = std::result::Result<Vec<(PluginInfo, Maker)>, String>;

/// One version.
pub(super) struct Contract {
    /// As in the package's name, such as `0.1.0`.
    pub(super) version: &'static str,
    /// Gives the imports of this version.
    pub(super) link: fn(&mut Linker<Guest>) -> Result<()>,
    /// What the component holds.
    pub(super) plugins: fn(&Arc<Sandbox>) -> Listed,
}

/// Newest first.
const CONTRACTS: &[Contract] = &[
    Contract { version: "0.1.0", link: link_log, plugins },
    #[cfg(test)]
    super::contract_0_0_1::CONTRACT,
];

/// What every manifest's name starts with.
pub(super) const MANIFEST: &str = "codebench:plugin/manifest@";

/// The newest version that both sides speak.
///
/// # Errors
/// A component without a manifest of a known version; the message says what it has instead.
pub(super) fn of(component: &Component) -> std::result::Result<&'static Contract, String> {
    let has = |c: &&Contract| {
        component.get_export_index(None, format!("{MANIFEST}{}", c.version).as_str()).is_some()
    };
    if let Some(contract) = CONTRACTS.iter().find(has) {
        return Ok(contract);
    }
    let known: Vec<&str> = CONTRACTS.iter().map(|c| c.version).collect();
    let known = known.join(", ");
    let ty = component.component_type();
    let versions: Vec<String> = ty
        .exports(component.engine())
        .filter_map(|(name, _)| Some(name.strip_prefix(MANIFEST)?.to_owned()))
        .collect();
    Err(match versions.as_slice() {
        [] => format!(
            "it exports no `{MANIFEST}VERSION`, so it is no plugin of codebench: build it with the SDK's `export!`, or with the bindings of sdk/wit or sdk/c"
        ),
        versions => format!(
            "it is built for version {} of the contract, this codebench knows {known}: build it with this version's SDK",
            versions.join(", ")
        ),
    })
}

/// The plugins of a component of the current version.
fn plugins(sandbox: &Arc<Sandbox>) -> Listed {
    let made = |(kind, info): (Kind, PluginInfo)| {
        let maker = maker(sandbox, kind, &info.id)?;
        Ok((info, maker))
    };
    manifest::read(sandbox)?.into_iter().map(made).collect()
}

fn maker(sandbox: &Arc<Sandbox>, kind: Kind, id: &str) -> std::result::Result<Maker, String> {
    let made = match kind {
        Kind::AccelModule => hardware::accel_module(sandbox, id),
        Kind::Memory => hardware::memory(sandbox, id),
        Kind::Strategy => search::strategy(sandbox, id),
        Kind::Surrogate => search::surrogate(sandbox, id),
        Kind::CnnOp => evaluation::cnn_op(sandbox, id),
        Kind::Evaluator => evaluation::evaluator(sandbox, id),
        Kind::Engine | Kind::Executor | Kind::PublishedConstants => {
            Err("the kind is not for a sandbox".into())
        }
    };
    made.map_err(|e| {
        format!("its plugin `{id}` is of kind {kind}, but the interface of that kind is not there: {e}; build it with the SDK's `export!`")
    })
}
