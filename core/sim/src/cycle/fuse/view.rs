//! How a tensor lies in storages.

use codebench_model::hardware::{Segment, Storage, View};
use codebench_model::{Primitive, TensorShape};

/// All of a storage.
pub(super) fn whole(storage: usize, shape: TensorShape) -> View {
    View { shape, segments: vec![Segment { storage, first_channel: 0, channels: shape.channels }] }
}

/// The storage that the view is all of, unflattened.
pub(super) fn whole_storage(view: &View, storages: &[Storage]) -> Option<usize> {
    let [segment] = view.segments.as_slice() else { return None };
    let shape = storages.get(segment.storage)?.shape;
    (segment.first_channel == 0 && segment.channels == shape.channels && view.shape == shape)
        .then_some(segment.storage)
}

/// The view that a primitive without cost makes.
pub(super) fn of(primitive: &Primitive, inputs: &[View], storages: &[Storage]) -> Result<View, String> {
    let first = inputs.first().ok_or_else(|| "it has no input".to_owned())?;
    match primitive {
        Primitive::Flatten => {
            let features =
                first.shape.elements().ok_or_else(|| "its elements overflow 64 bits".to_owned())?;
            Ok(View { shape: TensorShape::new(features, 1, 1), segments: first.segments.clone() })
        }
        Primitive::Slice { start, end } => slice(first, *start, *end, storages),
        Primitive::Concat => {
            let mut joined = first.clone();
            for view in &inputs[1..] {
                joined.shape.channels = joined
                    .shape
                    .channels
                    .checked_add(view.shape.channels)
                    .ok_or_else(|| "its channels overflow 64 bits".to_owned())?;
                joined.segments.extend_from_slice(&view.segments);
            }
            Ok(joined)
        }
        _ => Ok(first.clone()),
    }
}

fn slice(view: &View, start: u64, end: u64, storages: &[Storage]) -> Result<View, String> {
    let mut segments = Vec::new();
    let mut at = 0;
    for segment in &view.segments {
        let each = features_per_channel(view, segment, storages);
        let (from, to) = (at, at + segment.channels * each);
        at = to;
        let (low, high) = (start.max(from), end.min(to));
        if low >= high {
            continue;
        }
        if !(low - from).is_multiple_of(each) || !(high - from).is_multiple_of(each) {
            return Err(format!(
                "slice {start}..{end} of a flattened tensor cuts a channel of {each} features: slice at multiples of {each}"
            ));
        }
        segments.push(Segment {
            first_channel: segment.first_channel + (low - from) / each,
            channels: (high - low) / each,
            ..*segment
        });
    }
    Ok(View { shape: TensorShape { channels: end - start, ..view.shape }, segments })
}

/// Channels of the view per channel of the storage: more than one if the view is flattened.
pub(crate) fn features_per_channel(view: &View, segment: &Segment, storages: &[Storage]) -> u64 {
    let shape = storages[segment.storage].shape;
    let flat = view.shape.height == 1 && view.shape.width == 1;
    if flat { shape.height.saturating_mul(shape.width) } else { 1 }
}
