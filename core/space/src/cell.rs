//! CNNs of cells: the table `[cnn.cell]`, its choices, and the CNN of a point.

use crate::SpaceError;
use crate::compile::{Builder, Names, counts, text_values};
use crate::decode::chain;
use crate::module::{MAX_VERTICES, pairs};
use crate::table::{ValueList, table};
use crate::validate::{MAX_REPEATS, check_size};
use codebench_model::{
    CellOperation, CellTemplate, Choice, CnnGraph, CnnModule, EdgeChoice, Genotype, Join, ParameterValue,
    Space, Vertex,
};

table! {
    /// The table `[cnn.cell]`: stacks of equal cells, in which operations stand on edges.
    pub struct CellDescription {
        /// Vertices of a cell, its input and output included.
        pub vertices: usize = 4,
        /// What an edge may be.
        pub operations: Vec<OperationDescription> = Vec::new(),
        /// Channels of every stack.
        pub channels: ValueList = ValueList::integers(&[16, 32, 64]),
        /// Number of cells in a stack.
        pub cells: usize = 5,
        /// Labels of a chain before the first stack.
        pub stem: Vec<String> = Vec::new(),
        /// The module between two stacks.
        pub between: Option<CnnModule> = None,
        /// Labels of a chain after the last stack and before the classes.
        pub tail: Vec<String> = vec!["global-avg-pool".into()],
    }
}

table! {
    /// An entry of `operations`.
    pub struct OperationDescription {
        /// Its name.
        pub name: String = String::new(),
        /// Labels of the chain that it stands for; left out, it is no connection.
        pub labels: Option<Vec<String>> = None,
    }
}

/// The choices `edge_TO_FROM`, and what makes CNNs of them.
pub(crate) fn compile(
    cell: &CellDescription,
    names: &dyn Names,
    builder: &mut Builder,
) -> Result<CellTemplate, SpaceError> {
    if !(2..=MAX_VERTICES).contains(&cell.vertices) {
        let message = format!("a cell has {} vertices: give 2 to {MAX_VERTICES}", cell.vertices);
        return Err(SpaceError::at("cnn.cell.vertices", message));
    }
    let channels = positive("cnn.cell.channels", &cell.channels)?;
    check_size(channels.len() as i64, i64::try_from(cell.cells).unwrap_or(i64::MAX).min(MAX_REPEATS + 1))
        .map_err(|e| SpaceError::at("cnn.cell.cells", e))?;
    if cell.cells == 0 || cell.cells as i64 > MAX_REPEATS {
        let message = format!("{} cells in a stack: give 1 to {MAX_REPEATS}", cell.cells);
        return Err(SpaceError::at("cnn.cell.cells", message));
    }
    let operations = operations(&cell.operations)?;
    let values = text_values(&operations.iter().map(|op| op.name.clone()).collect::<Vec<String>>());
    let mut edges = Vec::new();
    for (from, to) in pairs(cell.vertices) {
        let name = format!("edge_{to}_{from}");
        if builder.choices.iter().any(|c| c.name == name) {
            let message = format!("`{name}` is a choice of the cell: give the plain choice another name");
            return Err(SpaceError::at("choices", message));
        }
        let choice = builder.add(name, values.clone(), false, Vec::new());
        edges.push(EdgeChoice { from, to, choice });
    }
    let template = CellTemplate {
        vertices: cell.vertices,
        edges,
        operations,
        channels,
        cells: cell.cells,
        stem: cell.stem.clone(),
        between: cell.between.clone(),
        tail: cell.tail.clone(),
    };
    check_labels(&template, names)?;
    Ok(template)
}

fn positive(path: &str, list: &ValueList) -> Result<Vec<u64>, SpaceError> {
    // A width may occur in several stacks, which `counts` alone would sort and refuse.
    let mut channels = Vec::new();
    for value in &list.0 {
        let one = counts(path, &ValueList(vec![value.clone()]), 1, 1 << 20)?;
        channels.extend(one.into_iter().map(i64::unsigned_abs));
    }
    Ok(channels)
}

fn operations(described: &[OperationDescription]) -> Result<Vec<CellOperation>, SpaceError> {
    let refuse = |message: String| Err(SpaceError::at("cnn.cell.operations", message));
    if described.is_empty() {
        return refuse("the list is empty: give at least one `{ name, labels }`".into());
    }
    let mut operations: Vec<CellOperation> = Vec::new();
    for described in described {
        let name = &described.name;
        if name.is_empty() {
            return refuse("an operation has no name: give every one `name`".into());
        }
        if operations.iter().any(|op| op.name == *name) {
            return refuse(format!("`{name}` occurs twice: give every operation a name of its own"));
        }
        operations.push(CellOperation { name: name.clone(), labels: described.labels.clone() });
    }
    Ok(operations)
}

fn check_labels(template: &CellTemplate, names: &dyn Names) -> Result<(), SpaceError> {
    for label in template.labels() {
        let quoted = |e: String| if e.contains(&label) { e } else { format!("label `{label}`: {e}") };
        names.label(&label).map_err(|e| SpaceError::at("cnn.cell", quoted(e)))?;
    }
    Ok(())
}

/// Checks the cells of a space document.
pub(crate) fn validate(space: &Space, template: &CellTemplate) -> Result<(), SpaceError> {
    let fits = |choice: &Choice| {
        let names = template.operations.iter().map(|op| Some(op.name.as_str()));
        choice.when.is_empty() && choice.values.iter().map(ParameterValue::as_str).eq(names)
    };
    let is_complete = (2..=MAX_VERTICES).contains(&template.vertices)
        && template.edges.iter().map(|e| (e.from, e.to)).eq(pairs(template.vertices))
        && template.edges.iter().all(|e| space.choices.get(e.choice).is_some_and(fits));
    if !is_complete || template.channels.is_empty() {
        return Err(SpaceError::malformed(format!(
            "a cell of 2 to {MAX_VERTICES} vertices must have one choice among its operations for every pair of them, sorted \
             by target, then source, and the channels of at least one stack"
        )));
    }
    check_size(template.channels.len() as i64, template.cells as i64).map_err(SpaceError::malformed)
}

/// The CNN of a point.
///
/// # Errors
/// [`SpaceError::Unconnected`] if no way leads through the cell.
pub(crate) fn decode(template: &CellTemplate, genotype: &Genotype) -> Result<CnnGraph, SpaceError> {
    let cell = Cell::new(template, genotype)?;
    let filled = |labels: &[String], channels: u64| -> Vec<String> {
        labels.iter().map(|label| CellTemplate::label(label, channels)).collect()
    };
    let first = template.channels.first().copied().unwrap_or(1);
    let mut modules: Vec<CnnModule> = chain(&filled(&template.stem, first)).into_iter().collect();
    for (stack, &channels) in template.channels.iter().enumerate() {
        if let Some(between) = template.between.as_ref().filter(|_| stack > 0) {
            let mut between = between.clone();
            between.vertices.iter_mut().for_each(|v| v.label = CellTemplate::label(&v.label, channels));
            modules.push(between);
        }
        modules.extend(std::iter::repeat_n(cell.module(channels), template.cells));
    }
    let last = template.channels.last().copied().unwrap_or(first);
    let mut tail = filled(&template.tail, last);
    tail.push("dense_classes".into());
    modules.extend(chain(&tail));
    Ok(CnnGraph { default_channels: first, modules })
}

/// The edges of a cell that lie on a way from its input to its output.
struct Cell<'a> {
    vertices: usize,
    edges: Vec<(usize, usize, &'a [String])>,
}

impl<'a> Cell<'a> {
    fn new(template: &'a CellTemplate, genotype: &Genotype) -> Result<Cell<'a>, SpaceError> {
        let mut edges: Vec<(usize, usize, &[String])> = Vec::new();
        for edge in &template.edges {
            let value = genotype.0.get(edge.choice).map_or(usize::MAX, |v| *v as usize);
            let Some(operation) = template.operations.get(value) else {
                return Err(SpaceError::malformed("an edge of a cell has no operation"));
            };
            edges.extend(operation.labels.iter().map(|labels| (edge.from, edge.to, labels.as_slice())));
        }
        let last = template.vertices.saturating_sub(1);
        let (mut reached, mut read) = (vec![false; last + 1], vec![false; last + 1]);
        (reached[0], read[last]) = (true, true);
        // Edges are sorted by target, and no edge leads back.
        for (from, to, _) in &edges {
            reached[*to] |= reached[*from];
        }
        for from in (0..last).rev() {
            read[from] = edges.iter().any(|(f, to, _)| *f == from && read[*to]);
        }
        if !reached[last] {
            return Err(SpaceError::Unconnected);
        }
        edges.retain(|(from, to, _)| reached[*from] && read[*to]);
        Ok(Cell { vertices: template.vertices, edges })
    }

    /// The cell as a module in which operations stand on vertices: an `identity` that sums for every vertex of the cell.
    fn module(&self, channels: u64) -> CnnModule {
        let mut module = CnnModule { vertices: vec![Vertex::new("input")], edges: Vec::new() };
        let mut position = vec![0; self.vertices];
        for to in 1..self.vertices {
            let incoming: Vec<_> = self.edges.iter().filter(|(_, t, _)| *t == to).collect();
            if incoming.is_empty() {
                continue;
            }
            let mut sources = Vec::new();
            for (from, _, labels) in incoming {
                let mut source = position[*from];
                for label in *labels {
                    module.vertices.push(Vertex::new(CellTemplate::label(label, channels)));
                    module.edges.push([source, module.vertices.len() - 1]);
                    source = module.vertices.len() - 1;
                }
                sources.push(source);
            }
            sources.sort_unstable();
            let label = if to + 1 == self.vertices { "output" } else { "identity" };
            module.vertices.push(Vertex::joined(label, Join::Sum));
            position[to] = module.vertices.len() - 1;
            module.edges.extend(sources.into_iter().map(|source| [source, position[to]]));
        }
        module
    }
}

#[cfg(test)]
mod tests {
    use crate::{SpaceDescription, SpaceError, decode};
    use codebench_model::{CnnGraph, Genotype};

    const CELLS: &str = r#"
        [cnn.cell]
        channels = [8, 16]
        cells = 2
        stem = ["conv3x3-c{channels}-p1-bn"]
        between = { vertices = ["input", "conv1x1-c{channels}-s2-bn", "output"], edges = [[0, 1], [1, 2]] }
        tail = ["bn-relu", "global-avg-pool"]
        operations = [
            { name = "none" },
            { name = "skip_connect", labels = [] },
            { name = "conv", labels = ["act-relu", "conv3x3-c{channels}-p1-bn"] },
        ]
    "#;

    fn cnn(genes: [u32; 6]) -> Result<CnnGraph, SpaceError> {
        let space = toml::from_str::<SpaceDescription>(CELLS).unwrap().compile().unwrap();
        decode(&space, &Genotype(genes.to_vec())).map(|candidate| candidate.cnn.unwrap())
    }

    #[test]
    fn a_cell_becomes_a_module_without_its_dead_edges() {
        // conv on 1<-0, none on 2<-0 and 2<-1, skip on 3<-0, conv on 3<-1, conv on 3<-2, which nothing reaches.
        let graph = cnn([2, 0, 0, 1, 2, 2]).unwrap();
        assert_eq!((graph.default_channels, graph.modules.len()), (8, 1 + 2 + 1 + 2 + 1));
        let cell = &graph.modules[1];
        let labels: Vec<&str> = cell.vertices.iter().map(|v| v.label.as_str()).collect();
        let conv = "conv3x3-c8-p1-bn";
        assert_eq!(labels, ["input", "act-relu", conv, "identity", "act-relu", conv, "output"]);
        assert_eq!(cell.edges, [[0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [0, 6], [5, 6]]);
        assert!(cell.is_explicit());
        assert_eq!(graph.modules[3].vertices[1].label, "conv1x1-c16-s2-bn");
        assert_eq!(graph.modules[4].vertices[2].label, "conv3x3-c16-p1-bn");
        let head: Vec<&str> = graph.modules[6].vertices.iter().map(|v| v.label.as_str()).collect();
        assert_eq!(head, ["input", "bn-relu", "global-avg-pool", "dense_classes", "output"]);
    }

    #[test]
    fn skips_in_parallel_stay_apart_and_a_cell_without_a_way_is_no_cnn() {
        // The input reaches the output over 1 and 2 and at once, by skips alone: three tensors that are added.
        let cell = cnn([1, 1, 0, 1, 1, 1]).unwrap().modules[1].clone();
        assert_eq!(cell.edges, [[0, 1], [0, 2], [0, 3], [1, 3], [2, 3]]);
        assert_eq!(cnn([2, 2, 2, 0, 0, 0]), Err(SpaceError::Unconnected));
    }
}
