//! Aligned columns of text.

use std::io::{self, Write};

/// Rows under a heading; a heading that begins with `<` aligns its column to the left.
#[derive(Debug)]
pub struct Table {
    left: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub fn new(headings: &[&str]) -> Table {
        let left = headings.iter().map(|h| h.starts_with('<')).collect();
        let heading = headings.iter().map(|h| h.trim_start_matches('<').to_owned()).collect();
        Table { left, rows: vec![heading] }
    }

    /// Adds a row of as many cells as there are headings.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// True without a row.
    pub fn is_empty(&self) -> bool {
        self.rows.len() < 2
    }

    /// Writes all rows; no line ends in blanks.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut widths = vec![0; self.left.len()];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, &width), &left) in row.iter().zip(&widths).zip(&self.left) {
                // Widths of formats end at 65,535.
                let blanks = " ".repeat(width - cell.chars().count());
                let (before, after) = if left { ("", blanks.as_str()) } else { (blanks.as_str(), "") };
                line.extend([before, cell, after, "  "]);
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_right_and_names_left() {
        let mut table = Table::new(&["<name", "MACs", "<note"]);
        table.row(["a".into(), "12345".into(), String::new()]);
        table.row(["long".into(), "1".into(), "x".into()]);
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "name   MACs  note\na     12345\nlong      1  x\n");
    }

    #[test]
    fn cells_may_be_of_any_length() {
        let mut table = Table::new(&["<name", "x"]);
        table.row(["n".repeat(70_000), "1".into()]);
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().lines().all(|line| line.len() == 70_003));
    }
}
