//! What can be wrong with an accelerator or a simulation.

/// Quotes the value, then the allowed range, then the remedy.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs)]
pub enum SimError {
    #[error("the accelerator vector has {length} entries: give 13 numbers ({names})")]
    VectorLength { length: usize, names: String },
    #[error("accelerator parameter `{name}` = {value} is out of range: give {allowed}")]
    OutOfRange { name: String, value: String, allowed: String },
    #[error("unknown accelerator parameter `{name}`{hint}; known: {known}")]
    UnknownParameter { name: String, hint: String, known: String },
    #[error(
        "the fidelity `published` knows only the accelerators of the paper's template, not a description of modules: give \
         13 numbers or named parameters, or use the fidelity `cycle`"
    )]
    Described,
    #[error(
        "the CNN has neither a ReLU nor a SiLU, and the released simulator has MAC lanes only for these: give at least \
         one vertex the activation `relu` or `silu`"
    )]
    NoActivation,
    #[error("accelerator parameter `pif` = {pif}: the released simulator has MAC lanes for {known} only")]
    NoMacLane { pif: u64, known: String },
    #[error("operation {operation} of the CNN has {field} = 0: give at least 1")]
    Zero { operation: usize, field: &'static str },
    #[error(
        "{quantity} is too large to be simulated: it must stay below {limit}; make the CNN, the image, the batch or the accelerator smaller"
    )]
    TooLarge { quantity: String, limit: String },
}

impl SimError {
    /// A short stable name of the error, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            SimError::VectorLength { .. } => "accelerator_length",
            SimError::OutOfRange { .. } => "accelerator_range",
            SimError::UnknownParameter { .. } => "accelerator_unknown_parameter",
            SimError::Described => "accelerator_described",
            SimError::NoActivation => "cnn_without_relu_or_silu",
            SimError::NoMacLane { .. } => "accelerator_pif",
            SimError::Zero { .. } => "cnn_zero_size",
            SimError::TooLarge { .. } => "too_large",
        }
    }

    pub(crate) fn too_large(quantity: impl Into<String>) -> SimError {
        SimError::TooLarge { quantity: quantity.into(), limit: "2^53".into() }
    }
}
