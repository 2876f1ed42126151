//! From the tree of a document to a CNN, every error with its place.

use super::node::{Entry, Node, Value};
use super::{CnnFile, FileError, Places, VERSION};
use crate::structure::{self, Flaw, Part};
use codebench_model::parameter::nearest;
use codebench_model::{CnnGraph, CnnModule, Join, Vertex};

/// The most modules of a CNN.
const MAX_MODULES: usize = 4096;
/// The most vertices of a module.
const MAX_VERTICES: usize = 4096;
/// The most vertices of a CNN.
const MAX_TOTAL_VERTICES: usize = 65_536;
/// The largest side, number of channels and number of classes.
const MAX_EXTENT: u64 = 1_000_000_000;

const DOCUMENT_KEYS: [&str; 8] =
    ["v", "name", "image", "channels", "classes", "default_channels", "modules", "graph"];
const MODULE_KEYS: [&str; 3] = ["vertices", "edges", "repeat"];
const VERTEX_KEYS: [&str; 2] = ["label", "join"];

pub(super) fn document(text: &str, root: &Node) -> Result<(CnnFile, Places), FileError> {
    Reader {
        text,
        total: 0,
        modules: Vec::new(),
        places: Places { text: text.to_owned(), ..Places::default() },
    }
    .document(root)
}

struct Reader<'a> {
    text: &'a str,
    /// Vertices so far.
    total: usize,
    modules: Vec<CnnModule>,
    places: Places,
}

/// A module as the document has it.
struct Draft {
    vertices: Vec<(Vertex, usize)>,
    edges: Vec<([usize; 2], usize)>,
}

impl Reader<'_> {
    fn error<T>(&self, at: usize, message: impl Into<String>) -> Result<T, FileError> {
        Err(FileError::at(self.text, at, message.into()))
    }

    fn document(mut self, root: &Node) -> Result<(CnnFile, Places), FileError> {
        let mut file = CnnFile {
            name: None,
            image: None,
            channels: None,
            classes: None,
            graph: CnnGraph { default_channels: CnnGraph::standard_default_channels(), modules: Vec::new() },
        };
        match &root.value {
            Value::List(modules) => self.published(root.at, modules)?,
            Value::Table(entries) => self.table(root, entries, &mut file)?,
            other => {
                return self.error(root.at, format!("a CNN is a table or a list, not {}", other.describe()));
            }
        }
        file.graph.modules = self.modules;
        Ok((file, self.places))
    }

    fn table(&mut self, root: &Node, entries: &[Entry], file: &mut CnnFile) -> Result<(), FileError> {
        self.known_keys(entries, &DOCUMENT_KEYS, "a CNN")?;
        if let Some(version) = find(entries, "v") {
            match &version.value {
                Value::Whole(VERSION) => {}
                Value::Whole(newer) if *newer > VERSION => {
                    return self.error(
                        version.at,
                        format!(
                            "v = {newer} is newer than this program, which reads version {VERSION}: update it"
                        ),
                    );
                }
                other => {
                    return self.error(
                        version.at,
                        format!("v = {} is no version: give {VERSION}", other.describe()),
                    );
                }
            }
        }
        if let Some(name) = find(entries, "name") {
            file.name = Some(self.text_of(name, "name")?.to_owned());
        }
        file.image = self.optional_extent(entries, "image")?;
        file.channels = self.optional_extent(entries, "channels")?;
        file.classes = self.optional_extent(entries, "classes")?;
        if let Some(channels) = self.optional_extent(entries, "default_channels")? {
            file.graph.default_channels = channels;
        }
        match (find(entries, "modules"), find(entries, "graph")) {
            (Some(modules), None) => {
                let list = self.list(modules, "modules")?;
                self.modules(modules.at, list)
            }
            (None, Some(graph)) => {
                let list = self.list(graph, "graph")?;
                self.published(graph.at, list)
            }
            (Some(_), Some(graph)) => self.error(graph.at, "both `modules` and `graph` are given: keep one"),
            (None, None) => self.error(root.at, "no `modules`: list the modules of the CNN, the head last"),
        }
    }

    /// The project's own form.
    fn modules(&mut self, at: usize, modules: &[Node]) -> Result<(), FileError> {
        for module in modules {
            let entries = self.entries(module, "a module")?;
            self.known_keys(entries, &MODULE_KEYS, "a module")?;
            let Some(vertices) = find(entries, "vertices") else {
                return self.error(
                    module.at,
                    "a module has no `vertices`: list their labels from `input` to `output`",
                );
            };
            let vertices = self.list_up_to(vertices, "vertices", MAX_VERTICES)?;
            let vertices =
                vertices.iter().map(|v| Ok((self.vertex(v)?, v.at))).collect::<Result<Vec<_>, _>>()?;
            let edges = match find(entries, "edges") {
                None => (1..vertices.len()).map(|to| ([to - 1, to], module.at)).collect(),
                Some(edges) => {
                    let edges = self.list(edges, "edges")?;
                    edges.iter().map(|e| Ok((self.edge(e)?, e.at))).collect::<Result<Vec<_>, _>>()?
                }
            };
            let repeat = match find(entries, "repeat") {
                None => 1,
                Some(repeat) => self.whole(repeat, "repeat", 1, MAX_MODULES as u64)?,
            };
            self.push(module.at, Draft { vertices, edges }, repeat)?;
        }
        self.not_empty(at)
    }

    fn vertex(&self, node: &Node) -> Result<Vertex, FileError> {
        if let Value::Text(label) = &node.value {
            return Ok(Vertex::new(label.clone()));
        }
        let Value::Table(entries) = &node.value else {
            let found = node.value.describe();
            return self.error(
                node.at,
                format!("a vertex is a label, or a table with `label` and `join`, not {found}"),
            );
        };
        self.known_keys(entries, &VERTEX_KEYS, "a vertex")?;
        let Some(label) = find(entries, "label") else {
            return self.error(node.at, "a vertex has no `label`");
        };
        let label = self.text_of(label, "label")?.to_owned();
        let Some(node) = find(entries, "join") else { return Ok(Vertex::new(label)) };
        let name = self.text_of(node, "join")?;
        match Join::from_name(name) {
            Some(join) => Ok(Vertex::joined(label, join)),
            None => {
                let known = Join::ALL.map(|(_, name)| name);
                self.error(
                    node.at,
                    format!("unknown join `{name}`{}; known: {}", hint(name, &known), known.join(", ")),
                )
            }
        }
    }

    fn edge(&self, node: &Node) -> Result<[usize; 2], FileError> {
        let Value::List(ends) = &node.value else {
            return self.error(node.at, format!("an edge is [from, to], not {}", node.value.describe()));
        };
        let [from, to] = ends.as_slice() else {
            return self.error(node.at, format!("an edge is [from, to], not a list of {}", ends.len()));
        };
        let end = |node| self.whole(node, "an edge's vertex", 0, MAX_VERTICES as u64).map(|v| v as usize);
        Ok([end(from)?, end(to)?])
    }

    /// The released form: `[[adjacency, labels], ...]`.
    fn published(&mut self, at: usize, modules: &[Node]) -> Result<(), FileError> {
        for module in modules {
            let Value::List(pair) = &module.value else {
                return self.error(
                    module.at,
                    format!("a module of a graph is [adjacency, labels], not {}", module.value.describe()),
                );
            };
            let [adjacency, labels] = pair.as_slice() else {
                return self.error(
                    module.at,
                    format!("a module of a graph is [adjacency, labels], not a list of {}", pair.len()),
                );
            };
            let labels = self.list_up_to(labels, "labels", MAX_VERTICES)?;
            let label = |node: &Node| Ok((Vertex::new(self.text_of(node, "a label")?), node.at));
            let vertices = labels.iter().map(label).collect::<Result<Vec<_>, FileError>>()?;
            let edges = self.adjacency(adjacency, vertices.len())?;
            self.push(module.at, Draft { vertices, edges }, 1)?;
        }
        self.not_empty(at)
    }

    fn adjacency(&self, node: &Node, size: usize) -> Result<Vec<([usize; 2], usize)>, FileError> {
        let rows = self.list(node, "adjacency")?;
        if rows.len() != size {
            return self.error(node.at, format!("adjacency has {} rows for {size} labels", rows.len()));
        }
        let mut edges = Vec::new();
        for (from, row) in rows.iter().enumerate() {
            let cells = self.list(row, "a row of adjacency")?;
            if cells.len() != size {
                return self.error(
                    row.at,
                    format!("a row of adjacency has {} cells for {size} labels", cells.len()),
                );
            }
            for (to, cell) in cells.iter().enumerate() {
                match cell.value {
                    Value::Whole(0) => {}
                    Value::Whole(1) => edges.push(([from, to], cell.at)),
                    ref other => {
                        let found = other.describe();
                        return self.error(cell.at, format!("a cell of adjacency is 0 or 1, not {found}"));
                    }
                }
            }
        }
        Ok(edges)
    }

    /// Checks a module and keeps it `repeat` times.
    fn push(&mut self, at: usize, draft: Draft, repeat: u64) -> Result<(), FileError> {
        let (vertices, vertex_at): (Vec<Vertex>, Vec<usize>) = draft.vertices.into_iter().unzip();
        let (mut edges, edge_at): (Vec<[usize; 2]>, Vec<usize>) = draft.edges.into_iter().unzip();
        if let Err(Flaw { part, message }) = structure::check_module(&vertices, &edges) {
            return match part {
                Part::Module => self.error(at, format!("a module has {message}")),
                Part::Edge(edge) => self.error(edge_at.get(edge).copied().unwrap_or(at), message),
                Part::Vertex(vertex) => {
                    let label = vertices.get(vertex).map_or("", |v| v.label.as_str());
                    let place = vertex_at.get(vertex).copied().unwrap_or(at);
                    self.error(place, format!("vertex {vertex} `{label}`: {message}"))
                }
            };
        }
        edges.sort_unstable_by_key(|[from, to]| (*to, *from));
        let module = CnnModule { vertices, edges };
        for _ in 0..repeat {
            self.total += module.vertices.len();
            if self.modules.len() == MAX_MODULES || self.total > MAX_TOTAL_VERTICES {
                return self.error(
                    at,
                    format!(
                        "too large: a CNN has at most {MAX_MODULES} modules and {MAX_TOTAL_VERTICES} vertices"
                    ),
                );
            }
            self.modules.push(module.clone());
            self.places.modules.push(at);
            self.places.vertices.push(vertex_at.clone());
        }
        Ok(())
    }

    fn not_empty(&self, at: usize) -> Result<(), FileError> {
        if self.modules.is_empty() {
            self.error(at, "a CNN without modules: list at least its head")
        } else {
            Ok(())
        }
    }

    fn known_keys(&self, entries: &[Entry], known: &[&str], what: &str) -> Result<(), FileError> {
        match entries.iter().find(|e| !known.contains(&e.key.as_str())) {
            None => Ok(()),
            Some(entry) => self.error(
                entry.at,
                format!(
                    "unknown key `{}` of {what}{}; known: {}",
                    entry.key,
                    hint(&entry.key, known),
                    known.join(", ")
                ),
            ),
        }
    }

    fn optional_extent(&self, entries: &[Entry], key: &str) -> Result<Option<u64>, FileError> {
        find(entries, key).map(|node| self.whole(node, key, 1, MAX_EXTENT)).transpose()
    }

    fn whole(&self, node: &Node, what: &str, min: u64, max: u64) -> Result<u64, FileError> {
        match &node.value {
            Value::Whole(number) if (min..=max).contains(number) => Ok(*number),
            other => self.error(
                node.at,
                format!(
                    "{what} = {} is out of range: give a whole number from {min} to {max}",
                    other.describe()
                ),
            ),
        }
    }

    fn text_of<'n>(&self, node: &'n Node, what: &str) -> Result<&'n str, FileError> {
        match &node.value {
            Value::Text(text) => Ok(text),
            other => self.error(node.at, format!("{what} is a text, not {}", other.describe())),
        }
    }

    fn list<'n>(&self, node: &'n Node, what: &str) -> Result<&'n [Node], FileError> {
        match &node.value {
            Value::List(items) => Ok(items),
            other => self.error(node.at, format!("{what} is a list, not {}", other.describe())),
        }
    }

    fn list_up_to<'n>(&self, node: &'n Node, what: &str, most: usize) -> Result<&'n [Node], FileError> {
        let items = self.list(node, what)?;
        if items.len() > most {
            return self.error(node.at, format!("{what} has {} entries: give at most {most}", items.len()));
        }
        Ok(items)
    }

    fn entries<'n>(&self, node: &'n Node, what: &str) -> Result<&'n [Entry], FileError> {
        match &node.value {
            Value::Table(entries) => Ok(entries),
            other => self.error(node.at, format!("{what} is a table, not {}", other.describe())),
        }
    }
}

fn find<'n>(entries: &'n [Entry], key: &str) -> Option<&'n Node> {
    entries.iter().find(|e| e.key == key).map(|e| &e.value)
}

fn hint(name: &str, known: &[&str]) -> String {
    nearest(name, known.iter().copied()).map_or(String::new(), |near| format!(" (did you mean `{near}`?)"))
}
