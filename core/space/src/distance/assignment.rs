//! The linear assignment problem.

/// Assigns every row of the `rows x columns` matrix `costs` (`rows <= columns`) to a column of its own at the least total cost.
///
/// By shortest augmenting paths (Jonker and Volgenant, in the form of Crouse, "On implementing 2D rectangular assignment
/// algorithms", 2016). Gives the column of each row, and the sum of the dual variables: no assignment costs less.
pub(crate) fn assign(rows: usize, columns: usize, costs: &[f64], scratch: &mut Scratch) -> f64 {
    scratch.reset(rows, columns);
    let Scratch { of_row, of_column, u, v, path, distance, open, settled } = scratch;
    for start in 0..rows {
        // Columns whose shortest distance is not yet settled.
        open.clear();
        open.extend(0..columns);
        distance.fill(f64::INFINITY);
        let mut row = start;
        let mut shortest = 0.0;
        settled.clear();
        let sink = loop {
            let reduced = shortest - u[row];
            let row_costs = &costs[row * columns..][..columns];
            let (mut least, mut at) = (f64::INFINITY, 0);
            for (index, &column) in open.iter().enumerate() {
                let through = reduced + row_costs[column] - v[column];
                if through < distance[column] {
                    distance[column] = through;
                    path[column] = row;
                }
                let now = distance[column];
                // Among equals a free column ends the search.
                if now < least || (now == least && of_column[column] == NONE && of_column[open[at]] != NONE) {
                    least = now;
                    at = index;
                }
            }
            shortest = least;
            let column = open.swap_remove(at);
            if of_column[column] == NONE {
                break column;
            }
            settled.push(column);
            row = of_column[column];
        };
        u[start] += shortest;
        for &column in settled.iter() {
            let change = shortest - distance[column];
            u[of_column[column]] += change;
            v[column] -= change;
        }
        let mut column = sink;
        loop {
            let row = path[column];
            of_column[column] = row;
            let next = of_row[row];
            of_row[row] = column;
            if row == start {
                break;
            }
            column = next;
        }
    }
    u.iter().sum::<f64>() + v.iter().sum::<f64>()
}

/// No partner.
pub(crate) const NONE: usize = usize::MAX;

/// Memory that is used again from one assignment to the next.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// The column of each row.
    pub(crate) of_row: Vec<usize>,
    of_column: Vec<usize>,
    u: Vec<f64>,
    v: Vec<f64>,
    path: Vec<usize>,
    distance: Vec<f64>,
    open: Vec<usize>,
    settled: Vec<usize>,
}

impl Scratch {
    fn reset(&mut self, rows: usize, columns: usize) {
        let renew = |list: &mut Vec<usize>, count| {
            list.clear();
            list.resize(count, NONE);
        };
        renew(&mut self.of_row, rows);
        renew(&mut self.of_column, columns);
        renew(&mut self.path, columns);
        for (list, count) in [(&mut self.u, rows), (&mut self.v, columns), (&mut self.distance, columns)] {
            list.clear();
            list.resize(count, 0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;

    fn brute(rows: usize, columns: usize, costs: &[f64], row: usize, used: &mut Vec<bool>) -> f64 {
        if row == rows {
            return 0.0;
        }
        let mut best = f64::INFINITY;
        for column in 0..columns {
            if !used[column] {
                used[column] = true;
                best = best.min(costs[row * columns + column] + brute(rows, columns, costs, row + 1, used));
                used[column] = false;
            }
        }
        best
    }

    #[test]
    fn assignments_are_the_cheapest() {
        let mut rng = Rng::new(1, 0);
        let mut scratch = Scratch::default();
        for case in 0..400 {
            let columns = 1 + rng.index(6);
            let rows = 1 + rng.index(columns);
            // Many ties in every second case.
            let number = |rng: &mut Rng| if case % 2 == 0 { rng.below(3) as f64 } else { rng.unit() - 0.5 };
            let costs: Vec<f64> = (0..rows * columns).map(|_| number(&mut rng)).collect();
            let bound = assign(rows, columns, &costs, &mut scratch);
            let cost: f64 = (0..rows).map(|r| costs[r * columns + scratch.of_row[r]]).sum();
            let least = brute(rows, columns, &costs, 0, &mut vec![false; columns]);
            assert!((cost - least).abs() < 1e-12, "{cost} {least}");
            assert!((bound - least).abs() < 1e-12, "{bound} {least}");
            let mut columns_used = scratch.of_row.clone();
            columns_used.sort_unstable();
            columns_used.dedup();
            assert_eq!(columns_used.len(), rows);
        }
    }
}
