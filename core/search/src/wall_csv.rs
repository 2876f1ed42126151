//! `wall.csv`: wall-clock values, which differ from run to run.

use crate::csv_text;
use crate::store::WallRow;

/// The whole file.
pub(crate) fn write(rows: &[WallRow]) -> Result<Vec<u8>, csv::Error> {
    let header = ["trial", "evaluator", "purpose", "name", "value"].map(String::from).to_vec();
    let row = |w: &WallRow| {
        vec![
            w.trial.to_string(),
            w.evaluator.clone(),
            w.purpose.clone(),
            w.name.clone(),
            format!("{:?}", w.value),
        ]
    };
    csv_text(std::iter::once(header).chain(rows.iter().map(row)))
}
