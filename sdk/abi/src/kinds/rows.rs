//! Rows of u64 in the caller's buffers.

use crate::answer::check_layout;
use abi_stable::std_types::{RSlice, RSliceMut};
use bytemuck::Pod;
use codebench_api::PluginError;
use codebench_model::ROW_LAYOUT;

/// The numbers of `rows`, whose fields are all u64.
pub(super) fn numbers<R: Pod>(rows: &[R]) -> RSlice<'_, u64> {
    RSlice::from_slice(bytemuck::cast_slice(rows))
}

/// The same, to be written.
pub(super) fn numbers_mut<R: Pod>(rows: &mut [R]) -> RSliceMut<'_, u64> {
    RSliceMut::from_mut_slice(bytemuck::cast_slice_mut(rows))
}

/// Questions and answers as rows again, as many of the one as of the other.
pub(super) fn rows<'a, Q: Pod, A: Pod>(
    layout: u32,
    questions: RSlice<'a, u64>,
    answers: RSliceMut<'a, u64>,
) -> Result<(&'a [Q], &'a mut [A]), PluginError> {
    check_layout(layout, ROW_LAYOUT)?;
    let malformed = |_| PluginError::contract("the numbers are not a whole number of rows");
    let questions = bytemuck::try_cast_slice(questions.as_slice()).map_err(malformed)?;
    let answers = bytemuck::try_cast_slice_mut(answers.into_mut_slice()).map_err(malformed)?;
    same_count(questions.len(), answers.len())?;
    Ok((questions, answers))
}

/// Refuses buffers for another number of answers than there are questions.
pub(super) fn same_count(questions: usize, answers: usize) -> Result<(), PluginError> {
    if questions == answers {
        return Ok(());
    }
    Err(PluginError::contract(format!(
        "there are {questions} rows to answer, but room for {answers}: give buffers of the same number"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_model::{TileCost, TileWork};

    #[test]
    fn rows_come_back_and_what_is_no_row_is_refused() {
        let works = [TileWork { macs: 3, ..TileWork::default() }; 2];
        let mut costs = [TileCost::default(); 2];
        let (back, room) =
            rows::<TileWork, TileCost>(ROW_LAYOUT, numbers(&works), numbers_mut(&mut costs)).unwrap();
        assert_eq!((back, room.len()), (works.as_slice(), 2));
        let refused = |layout, works: &[u64]| {
            let mut costs = [TileCost::default(); 2];
            let answer = rows::<TileWork, TileCost>(layout, works.into(), numbers_mut(&mut costs));
            answer.unwrap_err().message
        };
        assert_eq!(refused(9, &[]), "rows of layout 9 were given, but layout 1 is known here");
        assert_eq!(refused(ROW_LAYOUT, &[1]), "the numbers are not a whole number of rows");
        assert!(refused(ROW_LAYOUT, &[]).starts_with("there are 0 rows to answer, but room for 2"));
    }
}
