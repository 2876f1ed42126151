//! The counting rule.

use codebench_sdk::prelude::PluginError;

/// Which operand stays in the array while the others stream through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dataflow {
    /// A window position per row, a filter per column; input pixels stream.
    WeightStationary,
    /// An output pixel per row, a filter per column; both operands stream.
    OutputStationary,
    /// A window position per row, an output pixel per column; weights stream.
    InputStationary,
}

impl Dataflow {
    /// The names in files, in order of declaration.
    pub const NAMES: [&'static str; 3] = ["weight-stationary", "output-stationary", "input-stationary"];

    /// The dataflow of a name.
    ///
    /// # Errors
    /// Any other name.
    pub fn named(name: &str) -> Result<Dataflow, PluginError> {
        let all = [Dataflow::WeightStationary, Dataflow::OutputStationary, Dataflow::InputStationary];
        let found = Dataflow::NAMES.iter().zip(all).find(|(known, _)| **known == name);
        found.map(|(_, dataflow)| dataflow).ok_or_else(|| {
            PluginError::invalid(format!("dataflow {name:?}: give one of {}", Dataflow::NAMES.join(", ")))
        })
    }
}

/// A matrix product, `pixels x window` times `window x filters`, folded onto an array.
///
/// The two extents that are laid out on the array are cut into folds of its rows and columns: output pixels and filters
/// (output-stationary), window and filters (weight-stationary), window and pixels (input-stationary). The third extent, T,
/// streams. One fold takes
///
/// * `rows + columns + T - 2` cycles from the first operand that enters to the last sum (operands are skewed: the far corner
///   starts `rows + columns - 2` cycles after the first element), and
/// * `rows` cycles more to load a stationary operand (weight- and input-stationary).
///
/// Every fold is charged the whole array, edges included, and folds do not overlap. A run's cycles are counted from 0, so
/// the total is one less than the sum: `folds x cycles of a fold - 1`. That is how SCALE-Sim counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fold {
    /// Rows of the array.
    pub rows: u64,
    /// Columns of the array.
    pub columns: u64,
    /// Output pixels of all images.
    pub pixels: u64,
    /// Positions of the window: input channels x kernel.
    pub window: u64,
    /// Output channels.
    pub filters: u64,
}

/// Words between the buffers and the array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// Activations read.
    pub activations: u128,
    /// Weights read.
    pub weights: u128,
    /// Partial sums written between folds, and read again.
    pub partial_sums: u128,
}

impl Fold {
    /// Cycles of the whole product; at least 1.
    pub fn cycles(&self, dataflow: Dataflow) -> u64 {
        let (on_rows, on_columns, streamed) = match dataflow {
            Dataflow::WeightStationary => (self.window, self.filters, self.pixels),
            Dataflow::OutputStationary => (self.pixels, self.filters, self.window),
            Dataflow::InputStationary => (self.window, self.pixels, self.filters),
        };
        let folds = u128::from(on_rows.div_ceil(self.rows)) * u128::from(on_columns.div_ceil(self.columns));
        let load = if dataflow == Dataflow::OutputStationary { 0 } else { self.rows };
        let fold = u128::from(load + self.rows + self.columns) + u128::from(streamed) - 2;
        u64::try_from((folds * fold).saturating_sub(1).max(1)).unwrap_or(u64::MAX)
    }

    /// Words read and written: each fold reads what streams, and what stays once. Where the window is folded, each
    /// fold but the first adds to the partial sums of the one before.
    pub fn traffic(&self, dataflow: Dataflow) -> Traffic {
        let product = |a: u64, b: u64, folds: u64| u128::from(a) * u128::from(b) * u128::from(folds);
        let spills = self.window.div_ceil(self.rows).saturating_sub(1);
        let on = |extent: u64, array: u64| extent.div_ceil(array);
        match dataflow {
            Dataflow::WeightStationary => Traffic {
                activations: product(self.pixels, self.window, on(self.filters, self.columns)),
                weights: product(self.window, self.filters, 1),
                partial_sums: product(self.pixels, self.filters, spills),
            },
            Dataflow::OutputStationary => Traffic {
                activations: product(self.pixels, self.window, on(self.filters, self.columns)),
                weights: product(self.window, self.filters, on(self.pixels, self.rows)),
                partial_sums: 0,
            },
            Dataflow::InputStationary => Traffic {
                activations: product(self.pixels, self.window, 1),
                weights: product(self.window, self.filters, on(self.pixels, self.columns)),
                partial_sums: product(self.pixels, self.filters, spills),
            },
        }
    }
}
