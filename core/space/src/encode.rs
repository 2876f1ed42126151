//! Points as vectors of numbers, for surrogates.

use crate::check::active_flags;
use codebench_model::{Block, Genotype, Space};
use std::ops::Range;

/// How points become vectors; the same for every point of a space.
///
/// Per choice in order, choices of one value left out:
/// - ordered: one column, the position in the list scaled to 0..1; if the choice has conditions, a second column is 1
///   where it is active, and both are 0 where it is not;
/// - categorical: one column per value, 1 for the chosen one; all are 0 where it is inactive.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoding {
    /// The columns in order.
    pub columns: Vec<Column>,
    /// Columns of the CNN.
    pub cnn: Range<usize>,
    /// Columns of the accelerator.
    pub accelerator: Range<usize>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Column {
    /// Position of an ordered choice in its list, scaled to 0..1.
    Position { choice: usize },
    /// 1 where the choice is active.
    Active { choice: usize },
    /// 1 where the choice has this value.
    Is { choice: usize, value: u32 },
}

impl Encoding {
    /// The encoding of a space.
    pub fn new(space: &Space) -> Self {
        let mut columns = Vec::new();
        let mut cnn_end = 0;
        for (index, choice) in space.choices.iter().enumerate() {
            if choice.values.len() > 1 {
                if choice.ordered {
                    columns.push(Column::Position { choice: index });
                    columns.extend((!choice.when.is_empty()).then_some(Column::Active { choice: index }));
                } else {
                    let values = 0..choice.values.len() as u32;
                    columns.extend(values.map(|value| Column::Is { choice: index, value }));
                }
            }
            if choice.block == Block::Cnn {
                cnn_end = columns.len();
            }
        }
        let end = columns.len();
        Encoding { columns, cnn: 0..cnn_end, accelerator: cnn_end..end }
    }

    /// Number of columns.
    pub fn dimension(&self) -> usize {
        self.columns.len()
    }

    /// The vector of a repaired point.
    pub fn encode(&self, space: &Space, genotype: &Genotype) -> Vec<f64> {
        let flags = active_flags(space, genotype);
        let is_active = |choice: usize| flags.get(choice).copied().unwrap_or(false);
        let index = |choice: usize| genotype.0.get(choice).copied().unwrap_or(0);
        self.columns
            .iter()
            .map(|column| match *column {
                Column::Position { choice } if is_active(choice) => {
                    let last =
                        space.choices.get(choice).map_or(1, |c| c.values.len().saturating_sub(1).max(1));
                    f64::from(index(choice)) / last as f64
                }
                Column::Active { choice } if is_active(choice) => 1.0,
                Column::Is { choice, value } if is_active(choice) && index(choice) == value => 1.0,
                _ => 0.0,
            })
            .collect()
    }
}
