//! Names the default set of built-in plugins. The linker drops an rlib that nobody names, and its registrations with
//! it; a golden test of the catalogue notices a missing one.

use codebench_sdk::api::Registration;

/// The plugins of every built-in crate. Adding a crate is one line here; calling this keeps them all linked.
pub fn crates() -> Vec<&'static [Registration]> {
    vec![
        codebench_accelbench::PLUGINS,   // constants of the paper's accelerator
        codebench_cnn_ops::PLUGINS,      // operations of the CNN language
        codebench_evaluators::PLUGINS,   // any program
        codebench_trainer_burn::PLUGINS, // the training engine on burn
        codebench_strategies::PLUGINS,   // random and Sobol search
        codebench_training::PLUGINS,     // data sets and the training evaluator
    ]
}
