//! Which side of a pair is held fast.

use super::settings::Fix;
use super::state::State;
use super::transfer::Donors;
use codebench_sdk::prelude::*;

impl State {
    /// Before a proposal, holds the side whose turn it is: always, or while nothing gets better, once random trials have begun the search.
    pub(super) fn take_turns(&mut self) -> Result<(), PluginError> {
        let takes_turns = match self.settings.fix {
            Fix::Block(_) => return Ok(()),
            Fix::Nothing => false,
            Fix::InTurn | Fix::Alternate => true,
            Fix::InTurnWhenStale => self.stale >= self.settings.turns_after,
        };
        if !takes_turns {
            self.history.pin(None);
            return Ok(());
        }
        if self.history.known() < self.settings.startup {
            return Ok(());
        }
        let turn = self.proposed / self.settings.turn;
        let is_new = self.turn.replace(turn) != Some(turn);
        self.hold(if turn.is_multiple_of(2) { Block::Cnn } else { Block::Accelerator });
        match self.settings.fix {
            Fix::Alternate if is_new => self.begin_anew(),
            _ => Ok(()),
        }
    }

    /// Whether a side is held that need not be.
    pub(super) fn is_held_for_now(&self) -> bool {
        self.history.is_pinned() && !matches!(self.settings.fix, Fix::Block(_))
    }

    /// A side held fast with which every trial so far has failed is drawn anew.
    pub(super) fn redraw_pin(&mut self) {
        let tried = self.proposed > 0 && self.proposed.is_multiple_of(self.settings.startup);
        if let (Fix::Block(block), true, true) = (self.settings.fix, tried, self.history.outcomes.is_empty())
        {
            self.history.pin(None);
            let point = self.history.sample();
            self.history.pin(Some((block, point)));
        }
    }

    /// Holds a side as the best trial has it. Of trials whose stacks have another size than is searched, none is the best.
    fn hold(&mut self, block: Block) {
        let points = self.history.ranking().into_iter().map(|i| &self.history.outcomes[i].genotype);
        let best = points.into_iter().find(|point| self.history.is_held(point)).cloned();
        self.history.pin(best.map(|best| (block, best)));
    }

    /// Begins a search of its own, which knows the trials that have the side that is held, and no others.
    fn begin_anew(&mut self) -> Result<(), PluginError> {
        self.history.forget_others();
        self.model = self.settings.model(&self.context)?;
        self.donors = Donors::default();
        self.judged = self.history.outcomes.len();
        self.stale = 0;
        Ok(())
    }
}
