//! Parity with the released code: every CNN of the golden file gives its operations, shapes and counts, or an error.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use codebench_api::Catalog;
use codebench_cnn::{Language, Lowered};
use codebench_model::{
    CnnGraph, CnnModule, Layer, Primitive, PublishedOp, ResizeMode, TensorShape, Vertex, Workload,
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Golden {
    cnns: Vec<Row>,
    manual: Vec<Row>,
}

#[derive(Deserialize, Clone)]
struct Row {
    id: String,
    image: u64,
    #[serde(default = "three")]
    channels: u64,
    #[serde(default = "ten")]
    classes: u64,
    #[serde(default = "CnnGraph::standard_default_channels")]
    default_channels: u64,
    modules: Vec<Module>,
    crash: Option<String>,
    params: Option<u64>,
    macs: Option<u64>,
    has_relu: Option<bool>,
    has_silu: Option<bool>,
    #[serde(default)]
    rows: Vec<Value>,
    #[serde(default)]
    ops: Vec<Vec<Value>>,
    #[serde(default)]
    shapes: Vec<Value>,
    #[serde(default)]
    head_shapes: Vec<Value>,
}

#[derive(Deserialize, Clone)]
struct Module {
    labels: Vec<String>,
    edges: Vec<[usize; 2]>,
}

fn three() -> u64 {
    3
}

fn ten() -> u64 {
    10
}

impl Row {
    fn lower(&self, language: &Language) -> Result<Lowered, codebench_cnn::CnnError> {
        let modules = self.modules.iter().map(|m| CnnModule {
            vertices: m.labels.iter().map(Vertex::new).collect(),
            edges: m.edges.clone(),
        });
        let cnn = CnnGraph { default_channels: self.default_channels, modules: modules.collect() };
        language.lower(&cnn, TensorShape::new(self.channels, self.image, self.image), self.classes)
    }
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../../tests/golden/cnn_lowering.json")).unwrap()
}

fn language() -> Language {
    let mut catalog = Catalog::default();
    catalog.add_all("codebench-cnn-ops", codebench_cnn_ops::PLUGINS).unwrap();
    Language::new(&catalog).unwrap()
}

/// The stream in the form of the golden rows.
fn rows(lowered: &Lowered) -> Vec<Value> {
    let image = lowered.published.image;
    let first = json!(["I", image.channels, image.height, image.width]);
    let rows = lowered.published.ops.iter().map(|op| match op {
        PublishedOp::Conv {
            position,
            height,
            width,
            channels,
            kernel_x,
            kernel_y,
            stride_x,
            stride_y,
            in_channels,
            out_channels,
            groups,
            grouped,
        } => json!([
            "C",
            position,
            height,
            width,
            channels,
            kernel_x,
            kernel_y,
            stride_x,
            stride_y,
            in_channels,
            out_channels,
            groups,
            *grouped as u64
        ]),
        PublishedOp::BatchNorm { height, width, channels } => json!(["B", height, width, channels]),
        PublishedOp::Pool { channels, elements } => json!(["P", channels, elements]),
        PublishedOp::GlobalAveragePool { channels, height, width } => json!(["G", channels, height * width]),
        PublishedOp::Upsample { channels, elements } => json!(["U", channels, elements]),
        PublishedOp::Linear { in_features, out_features } => json!(["L", in_features, out_features]),
        PublishedOp::NoCost { name } => json!(["N", name]),
    });
    std::iter::once(first).chain(rows).collect()
}

/// A layer in the form of the golden operations: type, input shape, output shape, parameters, attributes. None for what
/// is not a layer in the released code.
fn true_op(workload: &Workload, layer: &Layer, head: usize) -> Option<Value> {
    let shape = |t: usize| {
        let s = workload.tensors[t];
        // Features have no rows and columns in the released code.
        let flat = layer.module == head && s.height == 1 && s.width == 1;
        if flat { json!([s.channels]) } else { json!([s.channels, s.height, s.width]) }
    };
    let square = |pair: [u64; 2]| if pair[0] == pair[1] { json!(pair[0]) } else { json!(pair) };
    let (kind, attributes) = match &layer.primitive {
        Primitive::Conv { kernel, stride, padding, groups, bias, .. } => {
            ("Conv2d", json!([kernel, stride, [padding.top, padding.left], groups, bias, layer.macs]))
        }
        Primitive::MaxPool { kernel, stride, padding, .. } => {
            ("MaxPool2d", json!([kernel, square(*stride), square([padding.top, padding.left])]))
        }
        Primitive::AveragePool { kernel, stride, padding, .. } => {
            ("AvgPool2d", json!([kernel, square(*stride), square([padding.top, padding.left])]))
        }
        Primitive::BatchNorm { .. } => ("BatchNorm2d", Value::Null),
        Primitive::Dense { .. } => ("Linear", Value::Null),
        Primitive::Dropout { .. } => ("Dropout", Value::Null),
        Primitive::Shuffle { .. } => ("ChannelShuffle", Value::Null),
        Primitive::GlobalAveragePool if layer.module != head => ("AdaptiveAvgPool2d", Value::Null),
        Primitive::Resize { mode: ResizeMode::BilinearAlignCorners, .. } => {
            ("UpsamplingBilinear2d", Value::Null)
        }
        Primitive::Activation { function: codebench_model::Activation::Relu } => ("ReLU", Value::Null),
        Primitive::Activation { function: codebench_model::Activation::Silu } => ("SiLU", Value::Null),
        _ => return None,
    };
    let input = shape(layer.inputs[0]);
    Some(json!([kind, input, shape(layer.output), layer.parameters, attributes]))
}

/// A golden operation without its name, in the same form.
fn golden_op(op: &[Value]) -> Value {
    json!([op[0], op[2], op[3], op[4], op.get(5).cloned().unwrap_or(Value::Null)])
}

/// The last tensor written by each vertex, in the form of the golden shapes.
fn vertex_shapes(row: &Row, workload: &Workload) -> Vec<Value> {
    let mut module_input = workload.input;
    let head = row.modules.len() - 1;
    let mut all = Vec::new();
    for (index, module) in row.modules.iter().enumerate() {
        let last = module.labels.len() - 1;
        let mut outputs = vec![module_input];
        for vertex in 1..=last {
            let of_vertex = workload.layers.iter().filter(|l| l.module == index && l.vertex == vertex);
            let own = of_vertex.map(|l| l.output).next_back();
            let passed_on = *outputs.get(module.edges.iter().find(|e| e[1] == vertex).unwrap()[0]).unwrap();
            outputs.push(own.unwrap_or(passed_on));
        }
        module_input = outputs[last];
        let features = |v: usize, s: TensorShape| index == head && v > 0 && s.height == 1 && s.width == 1;
        let kept = if index == head { last } else { last + 1 };
        let shapes = outputs.iter().take(kept).enumerate().map(|(v, t)| {
            let s = workload.tensors[*t];
            if features(v, s) { json!([s.channels]) } else { json!([s.channels, s.height, s.width]) }
        });
        all.push(shapes.collect());
    }
    all
}

/// The released code counts the parameters of these without a forward pass, which their maps are too small for. They end
/// in a global average pool, so the count is that of a larger image.
const ONLY_BUILT: [&str; 2] = ["googlenet@32", "xception@32"];

fn check(row: &Row, language: &Language) -> Result<(), String> {
    let result = row.lower(language);
    if row.crash.is_some() {
        return match result {
            Err(_) => Ok(()),
            Ok(_) => Err(format!("{}: lowered, but the released code refuses it", row.id)),
        };
    }
    let result = match result {
        Err(e) if ONLY_BUILT.contains(&row.id.as_str()) => {
            assert!(e.is_infeasible(), "{}: {e}", row.id);
            Row { image: 224, ..row.clone() }.lower(language)
        }
        other => other,
    };
    let lowered = result.map_err(|e| format!("{}: {e}", row.id))?;
    let same = |what: &str, ours: Value, theirs: Value| {
        if ours == theirs { Ok(()) } else { Err(format!("{} {what}:\n ours {ours}\n gold {theirs}", row.id)) }
    };
    same("params", json!(lowered.published.params), json!(row.params))?;
    if row.macs.is_none() {
        return Ok(());
    }
    let published = &lowered.published;
    let workload = &lowered.workload;
    for (ours, theirs) in rows(&lowered).into_iter().zip(&row.rows) {
        same("row", ours, theirs.clone())?;
    }
    same("rows", json!(rows(&lowered).len()), json!(row.rows.len()))?;
    same("macs", json!([published.macs, workload.macs()]), json!([row.macs, row.macs]))?;
    same(
        "activations",
        json!([published.has_relu, published.has_silu]),
        json!([row.has_relu, row.has_silu]),
    )?;
    let head = row.modules.len() - 1;
    let ours: Vec<Value> = workload.layers.iter().filter_map(|l| true_op(workload, l, head)).collect();
    for (ours, theirs) in ours.iter().zip(&row.ops) {
        same("operation", ours.clone(), golden_op(theirs))?;
    }
    same("operations", json!(ours.len()), json!(row.ops.len()))?;
    let theirs: Vec<Value> = row.shapes.iter().chain(&row.head_shapes).cloned().collect();
    same("vertex shapes", json!(vertex_shapes(row, workload)), json!(theirs))?;
    // Every operation stands for a layer of the same kind.
    assert_eq!(published.ops.len(), published.layers.len());
    for (op, layer) in published.ops.iter().zip(&published.layers) {
        let primitive = &workload.layers[layer.unwrap()].primitive;
        let conv = matches!(primitive, Primitive::Conv { .. });
        assert_eq!(matches!(op, PublishedOp::Conv { .. }), conv, "{}", row.id);
    }
    Ok(())
}

#[test]
fn every_golden_cnn_is_lowered_as_released() {
    let language = language();
    let golden = golden();
    assert_eq!((golden.cnns.len(), golden.manual.len()), (63, 24));
    let all = golden.cnns.iter().chain(&golden.manual);
    let wrong: Vec<String> = all.filter_map(|row| check(row, &language).err()).collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
