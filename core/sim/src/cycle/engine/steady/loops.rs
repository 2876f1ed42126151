//! The loops over a layer's tiles, and how far each goes on with blocks that are alike.

use super::super::super::tiles::{LayerTiles, Position};
use super::State;
use super::images::Images;
use codebench_model::hardware::LoopOrder;

/// A loop over blocks of tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loop {
    Images,
    Rows,
    Columns,
    /// Channel and output blocks.
    Outputs,
    /// Input blocks.
    Inputs,
}

impl Loop {
    /// The loop that has gone on by one block, all within it starting anew; `None` where the weights' outer loop has.
    pub(super) fn between(tiles: &LayerTiles, before: Position, next: Position) -> Option<Loop> {
        let outputs = next.outer != before.outer;
        if outputs && tiles.order == LoopOrder::WeightsOuter {
            return None;
        }
        Some(if next.n != before.n {
            Loop::Images
        } else if next.y != before.y {
            Loop::Rows
        } else if next.x != before.x {
            Loop::Columns
        } else if outputs {
            Loop::Outputs
        } else {
            Loop::Inputs
        })
    }

    /// Which of its blocks a position is in.
    pub(super) fn block(self, at: Position) -> u64 {
        match self {
            Loop::Images => at.n,
            Loop::Rows => at.y as u64,
            Loop::Columns => at.x as u64,
            Loop::Outputs => at.outer,
            Loop::Inputs => at.inner,
        }
    }

    /// Moves a position on by `blocks`.
    pub(super) fn advance(self, at: &mut Position, blocks: u64) {
        match self {
            Loop::Images => at.n += blocks,
            Loop::Rows => at.y += blocks as usize,
            Loop::Columns => at.x += blocks as usize,
            Loop::Outputs => at.outer += blocks,
            Loop::Inputs => at.inner += blocks,
        }
    }

    /// The position at which this pass of the loop began, at the start of one of its blocks.
    fn start(self, at: Position) -> Position {
        match self {
            Loop::Images => Position { n: 0, ..at },
            Loop::Rows => Position { y: 0, ..at },
            Loop::Columns => Position { x: 0, ..at },
            Loop::Outputs => Position { outer: 0, ..at },
            Loop::Inputs => Position { inner: 0, ..at },
        }
    }

    /// States of a pass that are remembered at most.
    pub(super) fn most_states(self) -> usize {
        match self {
            // Addresses move: the banks come round late.
            Loop::Images => 300,
            _ => 12,
        }
    }
}

/// Passes without a skip after which a loop is not looked at any more.
const MOST_IDLE: u32 = 4;
/// Tiles that a skip must save: fewer are followed sooner than a state is written down.
const FEWEST_TILES: u64 = 64;

/// A loop whose blocks repeat.
pub(super) struct Stretch {
    pub(super) which: Loop,
    /// By block: the last one of those, from there on, that are alike. Input blocks are numbered through all output blocks; of
    /// images there is one number for all.
    last: Vec<u32>,
    /// Tiles of a block.
    each: u64,
    /// Whether the first position of a pass over the images loads the weights that the others find.
    first_loads: bool,
    /// Of the images: what moves with them.
    pub(super) images: Option<Images>,
    pub(super) states: Vec<State>,
    pass: Position,
    idle: u32,
    skipped: bool,
}

impl Stretch {
    /// The loops of a layer whose blocks do the same to the same addresses, given what is resident and whether its weights are loaded
    /// once.
    pub(super) fn fixed(
        tiles: &LayerTiles,
        inputs_resident: bool,
        output_resident: bool,
        weights_kept: bool,
    ) -> Vec<Stretch> {
        if !inputs_resident || tiles.count() < FEWEST_TILES {
            return Vec::new();
        }
        let weighs = tiles.weights.words > 0;
        let channels = tiles.channels.len() as u64;
        let columns = if tiles.order == LoopOrder::ActivationsOuter { channels } else { tiles.inner };
        let mut stretches = Vec::new();
        let mut add = |which, each: u64, first_loads, last: Vec<u32>| {
            stretches.push(Stretch { each, first_loads, ..Stretch::new(which, last) });
        };
        if output_resident {
            add(Loop::Rows, columns * tiles.x.len() as u64, false, last_alike(&tiles.y_class));
            add(Loop::Columns, columns, false, last_alike(&tiles.x_class));
        }
        if !weighs || weights_kept {
            let classes: Vec<u32> = tiles.channels.iter().map(|block| block.class).collect();
            if output_resident && tiles.order == LoopOrder::ActivationsOuter {
                let blocks: Vec<&[u32]> = classes.chunks(tiles.inner as usize).collect();
                add(Loop::Outputs, tiles.inner, weighs, last_alike(&blocks));
            }
            if tiles.inner > 1 {
                add(Loop::Inputs, 1, weighs, last_alike(&classes));
            }
        }
        stretches
    }

    /// Blocks of images up to `last`.
    pub(super) fn of_images(images: Images, tiles: &LayerTiles, last: u64) -> Stretch {
        let mut stretch = Stretch::new(Loop::Images, Vec::new());
        stretch.last = vec![u32::try_from(last).unwrap_or(u32::MAX)];
        stretch.each = tiles.count() / tiles.image_blocks().max(1);
        stretch.images = Some(images);
        stretch
    }

    fn new(which: Loop, last: Vec<u32>) -> Stretch {
        Stretch {
            which,
            last,
            each: 1,
            first_loads: false,
            images: None,
            states: Vec::new(),
            pass: Position::default(),
            idle: 0,
            skipped: false,
        }
    }

    /// The last block that is like the one at `at`, if it is worth looking at; starts a pass anew where one has begun.
    pub(super) fn until(&mut self, tiles: &LayerTiles, at: Position) -> Option<u64> {
        let block = self.which.block(at);
        let last = match self.which {
            Loop::Images => u64::from(*self.last.first()?),
            Loop::Inputs => {
                let first = at.outer * tiles.inner;
                u64::from(*self.last.get((first + block) as usize)?).min(first + tiles.inner - 1) - first
            }
            _ => u64::from(*self.last.get(block as usize)?),
        };
        let worth =
            self.images.is_some() || last.saturating_sub(block).saturating_mul(self.each) >= FEWEST_TILES;
        if last <= block || !worth || (self.first_loads && (at.n, at.y, at.x) == (0, 0, 0)) {
            return None;
        }
        let pass = self.which.start(at);
        if self.pass != pass {
            if !self.states.is_empty() && !self.skipped {
                self.idle += 1;
            }
            self.pass = pass;
            self.skipped = false;
            self.states.clear();
        }
        let given_up = self.images.is_none()
            && (self.idle >= MOST_IDLE || self.states.len() >= self.which.most_states());
        (!given_up).then_some(last)
    }

    /// Notes that blocks were skipped: the states before are not met again.
    pub(super) fn skip(&mut self) {
        self.states.clear();
        self.skipped = true;
        self.idle = 0;
    }
}

/// By index: the last one of the equal ones that follow each other.
fn last_alike<T: PartialEq>(classes: &[T]) -> Vec<u32> {
    let mut last: Vec<u32> = (0..classes.len() as u32).collect();
    for index in (1..classes.len()).rev() {
        if classes[index - 1] == classes[index] {
            last[index - 1] = last[index];
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_of_equal_blocks_end_where_they_differ() {
        assert_eq!(last_alike(&[0, 1, 1, 1, 2]), [0, 3, 3, 3, 4]);
        assert_eq!(last_alike::<u32>(&[]), [0_u32; 0]);
    }
}
