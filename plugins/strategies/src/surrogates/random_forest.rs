//! `codebench/random-forest`.

use super::columns::Columns;
use super::{Shape, not_fitted};
use codebench_sdk::prelude::*;
use codebench_sdk::space::Rng;

/// Regression trees on samples of the records drawn with replacement.
///
/// At each node the best split among a random share of the inputs, by the sum of squares left in both parts, all
/// objectives together; the threshold is drawn between the two records that it parts. The mean of the trees' answers is
/// the mean, their deviation the epistemic one; the aleatoric variance is the average variance within the leaves.
#[derive(Debug)]
pub struct RandomForest {
    settings: Settings,
    shape: Shape,
    seed: u64,
    fits: u64,
    fitted: Option<(Columns, Vec<Tree>)>,
}

#[derive(Debug, Clone, Copy)]
struct Settings {
    trees: usize,
    leaf: usize,
    share: f64,
    bootstrap: bool,
}

impl Plugin for RandomForest {
    type Kind = kinds::Surrogate;

    fn info() -> PluginInfo {
        let integer = ParameterDescription::integer;
        PluginInfo::new(
            "codebench/random-forest",
            "0.1.0",
            "Regression trees on random samples of the records; for inputs that are mostly categorical.",
        )
        .parameters(vec![
            integer("trees", 2, 1000, 60, "Trees."),
            integer("leaf_records", 1, 1000, 2, "Fewest records of a leaf."),
            ParameterDescription::float(
                "input_share",
                0.01,
                1.0,
                0.7,
                "Share of the inputs that each split chooses from.",
            ),
            ParameterDescription::boolean(
                "bootstrap",
                true,
                "Whether each tree learns from a sample drawn with replacement, or all from all records.",
            ),
        ])
        .example("as the surrogate of a strategy", "[strategy]\nplugin = \"codebench/boshnas\"\nparameters = { surrogate = \"codebench/random-forest\" }")
        .example(
            "a larger forest of deeper trees",
            "[strategy]\nplugin = \"codebench/boshnas\"\nparameters = { surrogate = \"codebench/random-forest\", surrogate_parameters = 'trees = 200, leaf_records = 1' }",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let settings = Settings {
            trees: configuration.integer("trees")? as usize,
            leaf: configuration.integer("leaf_records")? as usize,
            share: configuration.float("input_share")?,
            bootstrap: configuration.boolean("bootstrap")?,
        };
        Ok(RandomForest { settings, shape: Shape::default(), seed: 0, fits: 0, fitted: None })
    }
}

impl Surrogate for RandomForest {
    fn start(&mut self, context: &SurrogateContext) -> Result<(), PluginError> {
        self.shape = Shape::of(context)?;
        (self.seed, self.fits, self.fitted) = (context.seed, 0, None);
        Ok(())
    }

    fn fit(&mut self, x: &[f64], y: &[f64]) -> Result<(), PluginError> {
        let rows = self.shape.records(x, y)?;
        self.fits += 1;
        let scales = Columns::standard(y, self.shape.outputs);
        let y = scales.apply(y);
        let tree = |number: usize| {
            let mut rng = Rng::new(self.seed, self.fits << 32 | number as u64);
            let rows = match self.settings.bootstrap {
                true => (0..rows).map(|_| rng.index(rows)).collect(),
                false => (0..rows).collect(),
            };
            let mut growth =
                Growth { settings: self.settings, shape: self.shape, x, y: &y, tree: Tree::default() };
            growth.grow(rows, &mut rng);
            growth.tree
        };
        let trees = (0..self.settings.trees).map(tree).collect();
        self.fitted = Some((scales, trees));
        Ok(())
    }

    fn predict(&self, x: &[f64], rows: usize) -> Result<Prediction, PluginError> {
        self.shape.rows(x, rows)?;
        let (scales, trees) = self.fitted.as_ref().ok_or_else(not_fitted)?;
        let Shape { inputs, outputs } = self.shape;
        let mut answer = Prediction::default();
        for row in 0..rows {
            let point = &x[row * inputs..][..inputs];
            let leaves: Vec<&[(f64, f64)]> = trees.iter().map(|t| t.leaf(point)).collect();
            let share = 1.0 / leaves.len().max(1) as f64;
            for output in 0..outputs {
                let mean = leaves.iter().map(|l| l[output].0 * share).sum::<f64>();
                let spread =
                    leaves.iter().map(|l| (l[output].0 - mean) * (l[output].0 - mean) * share).sum::<f64>();
                let within = leaves.iter().map(|l| l[output].1 * share).sum::<f64>();
                let (shift, scale) = (scales.shift[output], scales.scale[output]);
                answer.mean.push(shift + scale * mean);
                answer.epistemic.push(scale * spread.sqrt());
                answer.aleatoric.push(scale * within.sqrt());
            }
        }
        Ok(answer)
    }
}

/// Nodes in the order in which they were made; the first is the root.
#[derive(Debug, Default)]
struct Tree {
    nodes: Vec<Node>,
}

#[derive(Debug)]
enum Node {
    /// To `below` where the input is at most the threshold, else to the node after it.
    Split { input: usize, threshold: f64, below: usize },
    /// Mean and variance of each objective.
    Leaf(Vec<(f64, f64)>),
}

impl Tree {
    fn leaf(&self, point: &[f64]) -> &[(f64, f64)] {
        let mut at = 0;
        loop {
            match &self.nodes[at] {
                Node::Leaf(moments) => return moments,
                Node::Split { input, threshold, below } => {
                    at = if point[*input] <= *threshold { *below } else { below + 1 };
                }
            }
        }
    }
}

/// A tree while it grows.
struct Growth<'a> {
    settings: Settings,
    shape: Shape,
    x: &'a [f64],
    y: &'a [f64],
    tree: Tree,
}

/// The best split of a node.
struct Split {
    gain: f64,
    input: usize,
    threshold: f64,
}

impl Growth<'_> {
    fn grow(&mut self, rows: Vec<usize>, rng: &mut Rng) {
        self.tree.nodes.push(Node::Leaf(Vec::new()));
        let mut open = vec![(0, rows)];
        while let Some((at, rows)) = open.pop() {
            let Some(Split { input, threshold, .. }) = self.split(&rows, rng) else {
                self.tree.nodes[at] = Node::Leaf(self.moments(&rows));
                continue;
            };
            let below = self.tree.nodes.len();
            self.tree.nodes[at] = Node::Split { input, threshold, below };
            self.tree.nodes.extend([Node::Leaf(Vec::new()), Node::Leaf(Vec::new())]);
            let (low, high) = rows.into_iter().partition(|r| self.input(*r, input) <= threshold);
            open.extend([(below, low), (below + 1, high)]);
        }
    }

    fn input(&self, row: usize, input: usize) -> f64 {
        self.x[row * self.shape.inputs + input]
    }

    fn moments(&self, rows: &[usize]) -> Vec<(f64, f64)> {
        let outputs = self.shape.outputs;
        let count = rows.len().max(1) as f64;
        let moments = |output: usize| {
            let values = rows.iter().map(|r| self.y[r * outputs + output]);
            let mean = values.clone().sum::<f64>() / count;
            // Of a few records the variance is taken for larger, by Bessel's correction.
            let sum = values.map(|v| (v - mean) * (v - mean)).sum::<f64>();
            (mean, sum / (count - 1.0).max(1.0))
        };
        (0..outputs).map(moments).collect()
    }

    fn split(&self, rows: &[usize], rng: &mut Rng) -> Option<Split> {
        let Shape { inputs, outputs } = self.shape;
        if rows.len() < 2 * self.settings.leaf {
            return None;
        }
        let mut order: Vec<usize> = (0..inputs).collect();
        super::network::shuffle(&mut order, rng);
        let wanted = ((inputs as f64 * self.settings.share) as usize).max(1);
        let totals: Vec<f64> =
            (0..outputs).map(|o| rows.iter().map(|r| self.y[r * outputs + o]).sum()).collect();
        let mut best: Option<Split> = None;
        let mut tried = 0;
        for input in order {
            // Inputs that are constant here do not count.
            let mut sorted: Vec<(f64, usize)> = rows.iter().map(|r| (self.input(*r, input), *r)).collect();
            sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            if sorted[0].0 == sorted[sorted.len() - 1].0 {
                continue;
            }
            if tried == wanted {
                break;
            }
            tried += 1;
            let part = rng.unit();
            let split = self.split_of(input, &sorted, &totals, part);
            best = match (best, split) {
                (Some(best), Some(split)) if split.gain > best.gain => Some(split),
                (None, split) => split,
                (best, _) => best,
            };
        }
        best
    }

    /// The split of one input that explains most; `part` is where between two records the threshold lies.
    fn split_of(&self, input: usize, sorted: &[(f64, usize)], totals: &[f64], part: f64) -> Option<Split> {
        let (count, leaf) = (sorted.len(), self.settings.leaf);
        let outputs = totals.len();
        let mut sums = vec![0.0; outputs];
        let before: f64 = totals.iter().map(|t| t * t).sum::<f64>() / count as f64;
        let mut best: Option<Split> = None;
        for low in 1..count {
            let (value, row) = sorted[low - 1];
            sums.iter_mut().zip(&self.y[row * outputs..]).for_each(|(s, y)| *s += y);
            let next = sorted[low].0;
            if low < leaf || count - low < leaf || value == next {
                continue;
            }
            let squares = |low: f64, of: &dyn Fn(f64, f64) -> f64| -> f64 {
                sums.iter().zip(totals).map(|(s, t)| of(*s, *t)).map(|s| s * s).sum::<f64>() / low
            };
            let gain = squares(low as f64, &|s, _| s) + squares((count - low) as f64, &|s, t| t - s) - before;
            if gain > 1e-12 && best.as_ref().is_none_or(|b| gain > b.gain) {
                let threshold = value + part * (next - value);
                // Rounding may not carry it to the next record.
                let threshold = if threshold < next { threshold } else { value };
                best = Some(Split { gain, input, threshold });
            }
        }
        best
    }
}
