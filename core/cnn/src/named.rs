//! Networks with a name: those of the CODEBench paper as it publishes them (`published/resnet18`), and the true
//! networks of their own papers (`resnet18`).

mod published;

use crate::zoo;
use codebench_model::CnnGraph;
use codebench_model::parameter::nearest;

/// A network, its CNN made for a size of image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedCnn {
    /// The name, such as `resnet18`.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// The CNN.
    pub graph: CnnGraph,
    /// The side of the square images it is made for.
    pub image: u64,
    /// Channels of those images.
    pub channels: u64,
    /// Classes that its authors trained it for.
    pub classes: u64,
}

/// A name that no network has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown network `{name}`{}; `codebench cnn list` shows all", suggestion.map_or(String::new(), |s| format!(" (did you mean `{s}`?)")))]
pub struct UnknownNetwork {
    /// The name asked for.
    pub name: String,
    /// The nearest name.
    pub suggestion: Option<&'static str>,
}

/// What is known of a network without building it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) image: u64,
    pub(crate) channels: u64,
    pub(crate) classes: u64,
    pub(crate) build: Build,
}

/// How the CNN of an entry comes about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Build {
    /// By a function.
    Modules(fn() -> CnnGraph),
    /// From a CNN file. Images smaller than `resolution` are enlarged to it first.
    Published { file: &'static str, resolution: Option<u64> },
}

/// Other spellings, among them those of torchvision.
const ALIASES: [(&str, &str); 14] = [
    ("efficientnet_b0", "efficientnet-b0"),
    ("inception_v3", "inception-v3"),
    ("lenet", "lenet-5"),
    ("mobilenet", "mobilenet-v1"),
    ("mobilenet-v3", "mobilenet-v3-large"),
    ("mobilenet_v2", "mobilenet-v2"),
    ("mobilenet_v3_large", "mobilenet-v3-large"),
    ("mobilenet_v3_small", "mobilenet-v3-small"),
    ("shufflenet_v2_x1_0", "shufflenet-v2"),
    ("squeezenet", "squeezenet-1.0"),
    ("squeezenet1_0", "squeezenet-1.0"),
    ("squeezenet1_1", "squeezenet-1.1"),
    ("vgg16_bn", "vgg16-bn"),
    ("inception", "inception-v3"),
];

fn entries() -> impl Iterator<Item = &'static Entry> {
    zoo::ENTRIES.iter().chain(&published::ENTRIES)
}

/// The names of all networks: the true ones, then the published ones, each by family.
pub fn names() -> impl Iterator<Item = &'static str> {
    entries().map(|entry| entry.name)
}

/// The network called `name`, made for its own size of image.
///
/// # Errors
/// No network has this name; the error suggests the nearest.
pub fn find(name: &str) -> Result<NamedCnn, UnknownNetwork> {
    find_entry(name).map(|entry| entry.made_for(entry.image))
}

/// The network called `name`, made for square images of side `image`.
///
/// The CNN differs with the size only for published EfficientNets, which enlarge images that are smaller than the
/// resolution they were designed for.
///
/// # Errors
/// No network has this name; the error suggests the nearest.
pub fn find_for_image(name: &str, image: u64) -> Result<NamedCnn, UnknownNetwork> {
    find_entry(name).map(|entry| entry.made_for(image))
}

fn find_entry(name: &str) -> Result<&'static Entry, UnknownNetwork> {
    let canonical = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, canonical)| canonical);
    entries().find(|entry| entry.name == canonical).ok_or_else(|| UnknownNetwork {
        name: name.to_owned(),
        suggestion: nearest(&name.to_ascii_lowercase().replace('_', "-"), names()),
    })
}

impl Entry {
    fn made_for(&self, image: u64) -> NamedCnn {
        let graph = match self.build {
            Build::Modules(build) => build(),
            Build::Published { file, resolution } => published::graph(file, resolution, image),
        };
        let Entry { name, summary, channels, classes, .. } = *self;
        NamedCnn { name, summary, graph, image, channels, classes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_is_unique_and_every_network_well_formed() {
        let mut seen = BTreeSet::new();
        for name in names() {
            assert!(seen.insert(name), "{name} occurs twice");
            let network = find(name).unwrap();
            for module in &network.graph.modules {
                structure::check_module(&module.vertices, &module.edges).unwrap();
            }
            assert!(network.summary.ends_with('.') && network.image > 0 && network.classes > 0);
        }
        for (alias, canonical) in ALIASES {
            assert!(!seen.contains(alias) && seen.contains(canonical), "{alias}");
            assert_eq!(find(alias).unwrap().name, canonical);
        }
    }

    #[test]
    fn a_slip_is_answered_by_the_nearest_name() {
        let message = |name: &str| find(name).unwrap_err().to_string();
        assert_eq!(
            message("resnet-18"),
            "unknown network `resnet-18` (did you mean `resnet18`?); `codebench cnn list` shows all"
        );
        assert!(message("published/resnet81").contains("`published/resnet18`"));
        assert!(message("ResNet50").contains("`resnet50`"));
        assert_eq!(message("tree"), "unknown network `tree`; `codebench cnn list` shows all");
    }
}
