//! Distances are at most those of the released code, which are the first paths of an unfinished search.

use super::*;
use codebench_model::LabelledVertex;
use serde_json::Value;

/// The labels with their numbers in the list of all operations.
struct Labels {
    list: Vec<String>,
    activations: Value,
    default_channels: u64,
    classes: u64,
}

impl Labels {
    fn of(golden: &Value) -> Self {
        let operations = &golden["config_ops"];
        let mut list = vec!["input".to_owned(), "output".to_owned()];
        for part in ["base_ops", "flatten_ops", "dense_ops"] {
            list.extend(operations[part].as_array().unwrap().iter().map(|l| l.as_str().unwrap().to_owned()));
        }
        list.push("dense_classes".into());
        let number = |name: &str| operations[name].as_u64().unwrap();
        Labels {
            list,
            activations: golden["activation_index"].clone(),
            default_channels: number("default_channels"),
            classes: number("classes"),
        }
    }

    fn vertex(&self, label: &str) -> LabelledVertex {
        let position = self.list.iter().position(|l| l == label).unwrap_or_else(|| panic!("{label}")) as u32;
        LabelledVertex { label: position, weight: self.weight(label) as f64 / 1e6, position }
    }

    fn weight(&self, label: &str) -> u64 {
        let number = |text: &str| text.parse::<u64>().unwrap();
        let parts: Vec<&str> = label.split('-').collect();
        if let Some(kernel) = parts[0].strip_prefix("conv") {
            let (x, y) = kernel.split_once('x').unwrap();
            let valued = |key: &str| {
                let value = |p: &&str| p.strip_prefix(key).and_then(|v| v.parse::<u64>().ok());
                parts[1..].iter().find_map(value)
            };
            let channels = valued("c").unwrap_or(self.default_channels);
            let activation = self.activations[*parts.last().unwrap()].as_u64().unwrap();
            let mut groups = valued("g").unwrap_or(1);
            while !channels.is_multiple_of(groups) || !self.default_channels.is_multiple_of(groups) {
                groups -= 1;
            }
            return (self.default_channels * channels * number(x) * number(y) + activation) / groups;
        }
        match label {
            "output" => 5,
            "global-avg-pool" => 10,
            "dense_classes" => self.classes,
            _ if parts[0] == "dense" => number(parts[1]),
            _ if ["avgpool", "channel_shuffle", "upsample"].iter().any(|w| label.starts_with(w)) => 5,
            _ => 1,
        }
    }

    /// All modules, from the output of each an edge to the input of the next.
    fn graph(&self, cnn: &Value) -> PreparedGraph {
        let mut graph = LabelledGraph::default();
        for module in cnn.as_array().unwrap() {
            let start = graph.vertices.len() as u32;
            if start > 0 {
                graph.edges.push((start - 1, start));
            }
            for (from, row) in module[0].as_array().unwrap().iter().enumerate() {
                for (to, edge) in row.as_array().unwrap().iter().enumerate() {
                    if edge.as_u64() == Some(1) {
                        graph.edges.push((start + from as u32, start + to as u32));
                    }
                }
            }
            graph
                .vertices
                .extend(module[1].as_array().unwrap().iter().map(|l| self.vertex(l.as_str().unwrap())));
        }
        prepared(&graph)
    }
}

#[test]
fn distances_are_at_most_those_of_the_released_code() {
    let golden: Value =
        serde_json::from_str(include_str!("../../../../tests/golden/distances.json")).unwrap();
    let labels = Labels::of(&golden);
    let costs = EditCosts::published();
    let pairs = golden["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 29);
    for pair in pairs {
        let (a, b) = (labels.graph(&pair["a"]), labels.graph(&pair["b"]));
        let path = fast(&a, &b, &costs);
        recost(&a, &b, &costs, &path);
        let released = pair["distance"].as_f64().unwrap();
        // Sums of the same terms in another order.
        let rounding = 1e-13 * released;
        assert!(path.cost <= released + rounding, "{} above {released}", path.cost);
        // The released paths lose edges, which are dust beside vertices: those must cost the same.
        assert!(path.cost >= released - 1e-7, "{} far below {released}", path.cost);
        assert!(path.cost <= path.lower_bound + 1e-7, "{} above {}", path.cost, path.lower_bound);
    }
}
