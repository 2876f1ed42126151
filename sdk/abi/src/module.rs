//! Root modules, one per kind, and how the host opens them.

use crate::answer::guard;
use crate::crossing::{Crossing, Plugin, PluginOf, by_kind, export, import};
use crate::manifest::{Manifest, ManifestPlugin};
use crate::version::{ContractVersion, contract_version};
use abi_stable::StableAbi;
use abi_stable::abi_stability::abi_checking::check_layout_compatibility;
use abi_stable::library::{
    AbiHeaderRef, CheckTypeLayout, LibHeader, RootModule, RootModuleError, RootModuleResult,
};
use abi_stable::marker_type::ErasedPrefix;
use abi_stable::prefix_type::{PrefixRef, PrefixRefTrait, PrefixTypeTrait};
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::{RBoxError, RSlice};
use codebench_api::{Kind, Maker, PluginError, PluginInfo, Registration, kinds};
use std::collections::BTreeMap;

/// The plugins of one kind of one file. Never freed, as the file is never unloaded.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = ModuleRef)))]
pub(crate) struct Module<T: 'static, N: 'static> {
    #[sabi(last_prefix_field)]
    plugins: RSlice<'static, Plugin<T, N>>,
}

pub(crate) type ModuleOf<K> = ModuleRef<<K as Crossing>::Table, <K as Crossing>::Needs>;

macro_rules! root_modules {
    ($($kind:ident $symbol:literal;)*) => {
        $(impl RootModule for ModuleOf<kinds::$kind> {
            abi_stable::declare_root_module_statics! { ModuleOf<kinds::$kind> }
            const BASE_NAME: &'static str = $symbol;
            const NAME: &'static str = $symbol;
            // Contract versions are in the manifest.
            const VERSION_STRINGS: VersionStrings = VersionStrings::new("0.0.0");
        })*

        /// Symbol of the root module of a kind; `None` for the kinds that are built in only.
        pub const fn symbol_of(kind: Kind) -> Option<&'static str> {
            match kind {
                $(Kind::$kind => Some($symbol),)*
                Kind::Executor | Kind::PublishedConstants => None,
            }
        }
    };
}

root_modules! {
    CnnOp "codebench_cnn_op";
    AccelModule "codebench_accel_module";
    Memory "codebench_memory";
    Surrogate "codebench_surrogate";
    Strategy "codebench_strategy";
    Evaluator "codebench_evaluator";
    Engine "codebench_engine";
}

/// The header of the root module of `kind` in a plugin file, as the SDK's macro exports it.
///
/// # Safety
/// `constructor` answers what [`module`] answers for `kind`.
pub const unsafe fn header(kind: Kind, constructor: extern "C" fn() -> RootModuleResult) -> LibHeader {
    macro_rules! of {
        // SAFETY: the caller's contract.
        ($marker:ident) => {
            unsafe {
                LibHeader::from_constructor::<ModuleOf<kinds::$marker>>(constructor, CheckTypeLayout::Yes)
            }
        };
    }
    match kind {
        Kind::CnnOp => of!(CnnOp),
        Kind::AccelModule => of!(AccelModule),
        Kind::Memory => of!(Memory),
        Kind::Surrogate => of!(Surrogate),
        Kind::Strategy => of!(Strategy),
        Kind::Evaluator => of!(Evaluator),
        // The other two are built in only and have no symbol that would name this.
        Kind::Engine | Kind::Executor | Kind::PublishedConstants => of!(Engine),
    }
}

/// The root module of `kind`: the plugins of that kind among `plugins`.
pub fn module(kind: Kind, plugins: &[Registration]) -> RootModuleResult {
    let built = guard(|| {
        let erased = by_kind!(kind, K => erased::<K>(plugins));
        erased.ok_or_else(|| PluginError::contract(format!("kind {kind} is built in only")))
    });
    built.map_err(|error| RootModuleError::Returned(RBoxError::from_fmt(&PluginError::from(error))))
}

fn erased<K: Crossing>(plugins: &[Registration]) -> PrefixRef<ErasedPrefix> {
    let of_kind = plugins.iter().filter_map(|p| export::<K>(&(p.info)(), &p.factory.into()));
    let plugins: Vec<PluginOf<K>> = of_kind.collect();
    let module = Module { plugins: RSlice::from_slice(plugins.leak()) }.leak_into_prefix();
    // SAFETY: `header` names the type of the module.
    unsafe { module.to_prefix_ref().cast() }
}

/// The manifest of a file with these plugins, less those of kinds that exist built in only, as in the sandbox; `panic`
/// says how a panic ends in it.
pub fn manifest_of(plugins: &[Registration], panic: &str) -> Result<Manifest, PluginError> {
    guard(|| {
        let plugin = |p: &Registration| ManifestPlugin { id: (p.info)().id, kind: p.factory.kind() };
        let in_files = plugins.iter().filter(|p| contract_version(p.factory.kind()).is_some());
        let plugins: Vec<ManifestPlugin> = in_files.map(plugin).collect();
        let contracts = plugins.iter().filter_map(|p| Some((p.kind, contract_version(p.kind)?)));
        let contracts: BTreeMap<_, _> = contracts.collect();
        Ok(Manifest { sdk: env!("CARGO_PKG_VERSION").into(), panic: panic.into(), contracts, plugins })
    })
    .into_result()
    .map_err(PluginError::from)
}

/// Why the plugins of a kind cannot be taken out of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Another contract.
    #[error(
        "it was built for version {theirs} of the contract of kind {kind}, but this codebench has version {ours}: build \
         it with this codebench's SDK"
    )]
    Contract {
        /// The kind.
        kind: Kind,
        /// The file's version.
        theirs: ContractVersion,
        /// This program's version.
        ours: ContractVersion,
    },
    /// A kind that exists built in only.
    #[error("kind {0} is built in only: no file can bring plugins of it")]
    BuiltInOnly(Kind),
    /// Another `abi_stable`, or another C ABI.
    #[error(
        "its plugins of kind {0} were built with another version of abi_stable: build it with this codebench's SDK"
    )]
    Runtime(Kind),
    /// The layouts differ.
    #[error(
        "its plugins of kind {0} have another layout than their contract version says: build it with this codebench's \
         SDK, unchanged"
    )]
    Layout(Kind),
    /// The file failed to list its plugins.
    #[error("it cannot list its plugins of kind {0}: {1}")]
    Module(Kind, String),
}

/// The plugins of `kind` in a file that is loaded and never unloaded.
///
/// # Errors
/// [`OpenError`].
///
/// # Safety
/// `header` is the address of the file's symbol [`symbol_of`] the kind, made with [`header`](fn@header).
pub unsafe fn plugins_of(
    kind: Kind,
    theirs: ContractVersion,
    header: *const (),
) -> Result<Vec<(PluginInfo, Maker)>, OpenError> {
    let ours = contract_version(kind).ok_or(OpenError::BuiltInOnly(kind))?;
    if !ours.is_compatible(theirs) {
        return Err(OpenError::Contract { kind, theirs, ours });
    }
    // SAFETY: a transparent wrapper of the address of a header; the caller's contract.
    let header: AbiHeaderRef = unsafe { std::mem::transmute(header) };
    let header = header.upgrade().map_err(|_| OpenError::Runtime(kind))?;
    // SAFETY: the header is of this kind.
    let opened = by_kind!(kind, K => unsafe { open::<K>(header) });
    opened.unwrap_or(Err(OpenError::BuiltInOnly(kind)))
}

/// # Safety
/// `header` belongs to a module of the kind.
unsafe fn open<K: Crossing>(header: &'static LibHeader) -> Result<Vec<(PluginInfo, Maker)>, OpenError>
where
    ModuleOf<K>: StableAbi,
{
    let kind = K::KIND;
    let theirs = header.layout().ok_or(OpenError::Layout(kind))?;
    let ours = <ModuleOf<K> as StableAbi>::LAYOUT;
    // The side with the shorter tables must be a prefix of the other: the file's, if it or a kind that it needs is older.
    check_layout_compatibility(ours, theirs)
        .or_else(|_| check_layout_compatibility(theirs, ours))
        .map_err(|_| OpenError::Layout(kind))?;
    // SAFETY: the layouts agree as far as both have functions, and absent ones are asked for.
    let module = unsafe { header.unchecked_layout::<ModuleOf<K>>() };
    let module = module.map_err(|e| OpenError::Module(kind, e.to_string()))?;
    Ok(module.plugins().as_slice().iter().map(import::<K>).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_those_of_kinds_with_a_contract() {
        for kind in Kind::ALL {
            assert_eq!(symbol_of(kind).is_some(), contract_version(kind).is_some(), "{kind}");
        }
    }
}
