//! What every training engine does in the same way, whatever library computes: the checks of workloads, weights and
//! mini-batches, with their messages, and every random number. Feature `engine`.
//!
//! An engine walks through a [`Plan`], layer by layer, keeps weights in the order of [`Weights`], and draws initial weights
//! and dropout from [`Uniform`]. So two engines start from the same weights and drop the same values.

mod batch;
mod memory;
mod plan;
mod random;
mod weights;

pub use batch::{check_batch, check_memory, correct, weights_values};
pub use memory::keep_memory;
pub use plan::{Op, Plan, PlannedLayer, Window};
pub use random::{Draw, Uniform};
pub use weights::Weights;

use codebench_api::PluginError;
use codebench_model::parameter::nearest;

/// Share of the mini-batch's statistics in the running ones.
pub const STATISTICS_MOMENTUM: f64 = 0.1;

/// Added to Adam's denominator.
pub const ADAM_EPSILON: f64 = 1e-8;

/// How gradients change weights; the rules are those of PyTorch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Stochastic gradient descent with momentum, weight decay as L2.
    Sgd,
    /// Adam, weight decay as L2.
    Adam,
    /// Adam, weight decay apart from the gradient.
    AdamW,
}

/// `betas` to the power of `steps`, as an optimiser has them that multiplies step by step: the same bits.
pub fn powers(betas: [f64; 2], steps: u64) -> [f64; 2] {
    betas.map(|beta| (0..steps).fold(1.0, |power, _| power * beta))
}

impl Rule {
    /// The rules by name.
    const ALL: [(&'static str, Rule); 3] = [("sgd", Rule::Sgd), ("adam", Rule::Adam), ("adamw", Rule::AdamW)];

    /// The rule that a recipe names.
    ///
    /// # Errors
    /// Another name, with the nearest.
    pub fn named(name: &str) -> Result<Rule, PluginError> {
        let found = Rule::ALL.iter().find(|(known, _)| *known == name).map(|(_, rule)| *rule);
        found.ok_or_else(|| {
            let nearest = nearest(name, Rule::ALL.iter().map(|(known, _)| *known));
            let hint = nearest.map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default();
            PluginError::invalid(format!("unknown optimizer `{name}`{hint}: give sgd, adam or adamw"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_rule_is_refused_with_the_nearest() {
        assert_eq!(Rule::named("adamw"), Ok(Rule::AdamW));
        assert_eq!(
            Rule::named("adamv").unwrap_err().message,
            "unknown optimizer `adamv` (did you mean `adam`?): give sgd, adam or adamw"
        );
    }
}
