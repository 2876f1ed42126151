//! Rules that can be broken on purpose.

/// One rule of the cycle model, broken. The comparison with the engine must notice each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Deviation {
    /// The halo of a window misses its last row and column.
    HaloShort,
    /// Windows of a dilated kernel are those of a dense one.
    DilationIgnored,
    /// Padding of convolutions does not shift the windows.
    PaddingIgnored,
    /// The operand of a fused addition is loaded for every input block.
    OperandEveryInputBlock,
    /// The operand of a fused addition is not loaded.
    OperandNotLoaded,
    /// The two loop orders change places.
    LoopOrderSwapped,
    /// Bytes of words are rounded down.
    BytesRoundDown,
    /// Partial sums take the space of compressed outputs.
    PartialSumsCompressed,
    /// The storage with the nearest next reader is evicted.
    EvictNearest,
    /// Evicted storages are not written back.
    NoWriteBack,
    /// Evicted storages are written back though they are in memory.
    WriteBackClean,
    /// Storages that are read again are not kept.
    NoPromotion,
    /// Weights are streamed even if they fit.
    WeightsStreamed,
    /// Objects start anywhere instead of on stripes.
    ObjectsUnaligned,
    /// Bias, scale and shift are not loaded.
    PerChannelWordsForgotten,
    /// The last module that accepts a layer runs it.
    LastModule,
    /// Fused operations run for every input block.
    FusedEveryInputBlock,
    /// Masks of kernels are neither loaded nor in the rows.
    KernelMaskIgnored,
    /// The overlap counts even if no zero is skipped.
    OverlapAlways,
    /// Effective multiply-accumulates are rounded down.
    EffectiveRoundDown,
    /// The bus turns around at once.
    TurnaroundIgnored,
    /// Memory cycles are converted to ticks rounding down.
    ClockRoundDown,
    /// Loads go before stores.
    LoadsBeforeStores,
    /// Every transfer finds all rows closed.
    OpenRowForgotten,
    /// Refreshes take no time.
    RefreshIgnored,
    /// The first byte arrives at once.
    FirstByteIgnored,
    /// Full buffers stop nothing.
    SpaceIgnored,
    /// Loads wait for the end of the compute before.
    SingleBuffer,
    /// Pipelines have no fill.
    FillIgnored,
    /// Traffic of computes occupies no buffer.
    BufferTrafficIgnored,
    /// Regions of activations are loaded again for every tile.
    RegionsNotHeld,
    /// Masks of activations are not moved.
    ActivationMasksNotMoved,
    /// A compute does not wait for the producers of resident storages.
    ResidentNotAwaited,
    /// Every tile's weights count as new ones.
    WeightsAlwaysNew,
    /// Masks that modules write occupy no buffer.
    MaskWritesIgnored,
    /// Images lie on stripes, not on rounds or quarter rounds of the banks.
    ImagesOnStripes,
    /// A tile of all output columns drops input columns that no window meets.
    LastColumnsDropped,
}

impl Deviation {
    /// Every deviation.
    pub const ALL: [Deviation; 37] = [
        Deviation::HaloShort,
        Deviation::DilationIgnored,
        Deviation::PaddingIgnored,
        Deviation::OperandEveryInputBlock,
        Deviation::OperandNotLoaded,
        Deviation::LoopOrderSwapped,
        Deviation::BytesRoundDown,
        Deviation::PartialSumsCompressed,
        Deviation::EvictNearest,
        Deviation::NoWriteBack,
        Deviation::WriteBackClean,
        Deviation::NoPromotion,
        Deviation::WeightsStreamed,
        Deviation::ObjectsUnaligned,
        Deviation::PerChannelWordsForgotten,
        Deviation::LastModule,
        Deviation::FusedEveryInputBlock,
        Deviation::KernelMaskIgnored,
        Deviation::OverlapAlways,
        Deviation::EffectiveRoundDown,
        Deviation::TurnaroundIgnored,
        Deviation::ClockRoundDown,
        Deviation::LoadsBeforeStores,
        Deviation::OpenRowForgotten,
        Deviation::RefreshIgnored,
        Deviation::FirstByteIgnored,
        Deviation::SpaceIgnored,
        Deviation::SingleBuffer,
        Deviation::FillIgnored,
        Deviation::BufferTrafficIgnored,
        Deviation::RegionsNotHeld,
        Deviation::ActivationMasksNotMoved,
        Deviation::ResidentNotAwaited,
        Deviation::WeightsAlwaysNew,
        Deviation::MaskWritesIgnored,
        Deviation::ImagesOnStripes,
        Deviation::LastColumnsDropped,
    ];
}
