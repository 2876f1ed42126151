//! Checks of every kind: the description and what it says of parameters.

mod description;
pub(crate) use description::is_name;
pub(crate) mod examples;
mod parameters;

use crate::check::Check;

pub(crate) const CHECKS: &[Check] = &[
    Check {
        name: "description",
        promise: "The description is complete: id, version, summary, and for each parameter help, range and default.",
        run: description::check,
    },
    Check {
        name: "examples",
        promise: "The examples are what a user could write: a label for a cnn-op, TOML that fits the description for others.",
        run: examples::check,
    },
    Check {
        name: "parameters",
        promise: "Defaults make an instance; values from the declared ranges make one or are refused by name.",
        run: parameters::accepted,
    },
    Check {
        name: "refusal",
        promise: "A bad parameter is refused as invalid, and the message quotes it and what is allowed.",
        run: parameters::refused,
    },
];
