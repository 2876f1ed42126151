//! The operations of the CNN language, one file each. `flatten` is the smallest to copy.
//!
//! A label is a keyword, what is attached to it and options behind hyphens: `conv` + `3x3` + `-c64-p1-bn-relu`. Which
//! options an op takes stands in its `TAKES` and in the documentation of its type.

mod activation;
mod arguments;
mod average_pool;
mod batch_norm;
mod channel_shuffle;
mod conv;
mod dense;
mod dense_classes;
mod dropout;
mod flatten;
mod global_average_pool;
mod identity;
mod local_response_norm;
mod max_pool;
mod slice;
mod upsample;
mod window;

pub use activation::Act;
pub use average_pool::AveragePool;
pub use batch_norm::BatchNorm;
pub use channel_shuffle::ChannelShuffle;
pub use conv::Conv;
pub use dense::Dense;
pub use dense_classes::DenseClasses;
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use global_average_pool::GlobalAveragePool;
pub use identity::Identity;
pub use local_response_norm::LocalResponseNorm;
pub use max_pool::MaxPool;
pub use slice::Slice;
pub use upsample::Upsample;

codebench_sdk::plugins![
    Act,
    AveragePool,
    BatchNorm,
    ChannelShuffle,
    Conv,
    Dense,
    DenseClasses,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Identity,
    LocalResponseNorm,
    MaxPool,
    Slice,
    Upsample,
];
