//! Every kind through both adapters of the boundary in one process: the same answers, and errors as the traits give them.

#![allow(clippy::unwrap_used, clippy::panic)]

mod built_in;
mod contract;
mod own;

use codebench_abi::foreign;
use codebench_api::{Catalog, Entry, Registration};

/// The plugins as they are, and the same through the boundary.
fn both(registrations: &[Registration]) -> [Catalog; 2] {
    let mut catalogs = [Catalog::default(), Catalog::default()];
    for registration in registrations {
        let entry = Entry::built_in(registration, "here");
        let foreign = foreign(&entry).unwrap_or_else(|| entry.clone());
        assert_eq!(foreign.info, entry.info);
        catalogs[0].add(entry).unwrap();
        catalogs[1].add(foreign).unwrap();
    }
    catalogs
}

/// The answer of both catalogues, which must be the same.
fn same<T: PartialEq + std::fmt::Debug>(catalogs: &[Catalog; 2], ask: impl Fn(&Catalog) -> T) -> T {
    let [own, foreign] = catalogs.each_ref().map(&ask);
    assert_eq!(own, foreign);
    own
}
