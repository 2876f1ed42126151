//! Fills the catalogue of plugins.
//!
//! A built-in plugin registers itself (`codebench_sdk::plugins!`), but the linker drops a crate that nobody names.
//! Whoever builds a program therefore names the crates it wants and passes their registrations to
//! [`Host::linked`], which checks that each of them has really arrived in the catalogue. [`load`] adds the plugins of
//! files: native libraries that the user trusts and WebAssembly components, which nobody need trust.

pub mod checks;
mod error;
mod file;
mod folders;
mod kept;
mod load;
pub mod native;
mod table;
mod text;
mod trust;
pub mod wasm;

pub use error::HostError;
pub use file::{FileFormat, ReadFile};
pub use folders::{cache_folder, data_folder};
pub use load::{LoadRequest, Loaded, NamedFile, RESERVED_VENDOR, RefusedFile, load};
pub use table::{FilePlaces, PluginFile, PluginsTable};
pub use trust::{Trust, is_sha256};

use codebench_api::{Catalog, Registration};

/// Makes catalogues.
#[derive(Debug, Clone, Copy)]
pub struct Host;

impl Host {
    /// Every built-in plugin that the linker kept, sorted by id.
    ///
    /// # Errors
    /// A malformed id, or an id or keyword that two plugins claim; the error names both.
    pub fn built_in() -> Result<Catalog, HostError> {
        Ok(Catalog::built_in()?)
    }

    /// [`Host::built_in`], and a check that every plugin of `crates` is there. Naming the crates keeps them linked.
    ///
    /// # Errors
    /// As [`Host::built_in`], and [`HostError::NotRegistered`].
    pub fn linked(crates: &[&[Registration]]) -> Result<Catalog, HostError> {
        let catalog = Host::built_in()?;
        for registration in crates.iter().copied().flatten() {
            let id = (registration.info)().id;
            if catalog.get(&id).is_err() {
                return Err(HostError::NotRegistered { id });
            }
        }
        Ok(catalog)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_api::{
        Configuration, Executor, Factory, Plugin, PluginError, PluginInfo, Registrations, inventory, kinds,
    };

    struct Serial;

    impl Plugin for Serial {
        type Kind = kinds::Executor;

        fn info() -> PluginInfo {
            PluginInfo::new("test/serial", "0.1.0", "Runs tasks one after another.")
        }

        fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
            Ok(Serial)
        }
    }

    impl Executor for Serial {
        fn run(&self, count: usize, task: &(dyn Fn(usize) + Sync)) -> Result<(), PluginError> {
            (0..count).for_each(task);
            Ok(())
        }
    }

    static PLUGINS: &[Registration] = &[Registration::of::<Serial>()];

    inventory::submit! { Registrations { source: "host-test", plugins: PLUGINS } }

    #[test]
    fn a_submitted_plugin_is_in_the_catalogue_with_its_source() {
        let catalog = Host::linked(&[PLUGINS]).unwrap();
        let entry = catalog.get("test/serial").unwrap();
        assert_eq!(entry.source, "host-test");
        let executor = catalog.executor("test/serial", &Default::default()).unwrap();
        let count = std::sync::atomic::AtomicUsize::new(0);
        executor
            .run(3, &|_| {
                count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            })
            .unwrap();
        assert_eq!(count.into_inner(), 3);
    }

    #[test]
    fn a_linked_plugin_that_is_not_submitted_is_an_error() {
        fn info() -> PluginInfo {
            PluginInfo::new("test/lost", "0.1.0", "Not submitted.")
        }
        let lost = [Registration { info, factory: Factory::Executor(|_| Ok(Box::new(Serial))) }];
        let error = Host::linked(&[&lost]).err().unwrap();
        assert_eq!(error, HostError::NotRegistered { id: "test/lost".into() });
    }
}
