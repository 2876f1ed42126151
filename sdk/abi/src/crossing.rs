//! Adapter pairs: a maker of `codebench-api` to an object of the boundary, and back.

use crate::answer::{Answer, guard, received};
use crate::describe::{Configured, Description};
use crate::document;
use crate::needs::CollectNeeds;
use crate::object::{Object, This, state};
use abi_stable::StableAbi;
use codebench_api::{Configuration, Entry, Kind, MakeFor, Maker, PluginError, PluginInfo};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ops::Deref;
use std::sync::Arc;

/// One plugin: its description, and what makes instances with the table `T` from the needs `N`.
#[repr(C)]
#[derive(StableAbi)]
pub(crate) struct Plugin<T, N> {
    description: Description,
    maker: Object<Make<T, N>>,
}

/// Makes an instance.
#[repr(C)]
#[derive(StableAbi)]
pub(crate) struct Make<T, N> {
    make: unsafe extern "C" fn(This, Configured, N) -> Answer<Object<T>>,
}

/// How a kind crosses; implemented by the markers in [`codebench_api::kinds`].
pub(crate) trait Crossing: 'static {
    /// The kind's trait.
    type Instance: ?Sized + Send + 'static;
    /// What it is started with.
    type Context: Serialize + DeserializeOwned + 'static;
    /// Reference to the kind's table of functions.
    type Table: Copy + Send + Sync + 'static;
    /// The plugins that its plugins may need.
    type Needs: CollectNeeds;

    const KIND: Kind;

    /// The functions that answer for a `Box<Self::Instance>`.
    fn table() -> Self::Table;

    /// The object as its trait. What it states once is asked and checked here.
    fn import(
        object: Object<Self::Table>,
        context: &Self::Context,
    ) -> Result<Box<Self::Instance>, PluginError>;

    /// What `maker` makes; `None` if it is of another kind.
    fn make(maker: &Maker) -> Option<MakeFor<Self::Instance, Self::Context>>;

    /// The inverse of [`Crossing::make`].
    fn maker(make: MakeFor<Self::Instance, Self::Context>) -> Maker;
}

pub(crate) type PluginOf<K> = Plugin<<K as Crossing>::Table, <K as Crossing>::Needs>;

/// A plugin of kind `K` for the other side; `None` if `maker` is of another kind.
pub(crate) fn export<K: Crossing>(info: &PluginInfo, maker: &Maker) -> Option<PluginOf<K>> {
    let make = K::make(maker)?;
    Some(Plugin { description: info.into(), maker: Object::new(make, Make { make: make_exported::<K> }) })
}

/// # Safety
/// `this` is the state of a maker that [`export`] made for the kind `K`.
unsafe extern "C" fn make_exported<K: Crossing>(
    this: This,
    configured: Configured,
    needs: K::Needs,
) -> Answer<Object<K::Table>> {
    guard(|| {
        // SAFETY: the caller's contract; a maker is never changed.
        let make = unsafe { state::<MakeFor<K::Instance, K::Context>>(this) };
        let (parameters, catalog) = (configured.parameters(), needs.catalog()?);
        let configuration =
            Configuration { parameters: &parameters, catalog: &catalog, hardware: configured.hardware() };
        let context = document::read("the context", &configured.context)?;
        Ok(Object::new(make(&configuration, &context)?, K::table()))
    })
}

/// A plugin of the other side.
pub(crate) fn import<K: Crossing>(
    plugin: impl Deref<Target = PluginOf<K>> + Send + Sync + 'static,
) -> (PluginInfo, Maker) {
    let info = PluginInfo::from(&plugin.description);
    let needed = info.needs.clone();
    let maker = K::maker(Arc::new(move |configuration: &Configuration<'_>, context: &K::Context| {
        let started_with = document::write("the context", context)?;
        let configured = Configured::new(configuration.parameters, configuration.hardware, started_with);
        let needs = K::Needs::collect(&needed, configuration.catalog);
        // SAFETY: the function belongs to the object.
        let made = unsafe { (plugin.maker.table().make)(plugin.maker.this(), configured, needs) };
        K::import(received(made)?, context)
    }));
    (info, maker)
}

/// Calls a generic expression for the marker of a kind; `None` for the kinds that are built in only.
macro_rules! by_kind {
    ($kind:expr, $marker:ident => $value:expr) => {
        match $kind {
            codebench_api::Kind::CnnOp => by_kind!(@some CnnOp, $marker, $value),
            codebench_api::Kind::AccelModule => by_kind!(@some AccelModule, $marker, $value),
            codebench_api::Kind::Memory => by_kind!(@some Memory, $marker, $value),
            codebench_api::Kind::Surrogate => by_kind!(@some Surrogate, $marker, $value),
            codebench_api::Kind::Strategy => by_kind!(@some Strategy, $marker, $value),
            codebench_api::Kind::Evaluator => by_kind!(@some Evaluator, $marker, $value),
            codebench_api::Kind::Engine => by_kind!(@some Engine, $marker, $value),
            codebench_api::Kind::Executor | codebench_api::Kind::PublishedConstants => None,
        }
    };
    (@some $kind:ident, $marker:ident, $value:expr) => {{
        type $marker = codebench_api::kinds::$kind;
        Some($value)
    }};
}
pub(crate) use by_kind;

/// The same plugin, its every call through both adapters of the boundary without leaving the process: a test hook.
/// `None` for the kinds that are built in only.
pub fn foreign(entry: &Entry) -> Option<Entry> {
    by_kind!(entry.kind(), K => {
        let (info, maker) = import::<K>(Arc::new(export::<K>(&entry.info, &entry.maker)?));
        Entry { info, maker, ..entry.clone() }
    })
}
