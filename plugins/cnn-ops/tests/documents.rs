//! Every operation is a pure function from one JSON document to another.
#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_sdk::api::{
    Catalog, ChannelRequest, CnnOp, Kind, LowerContext, LowerRequest, LoweredOp, PluginError, Semantics,
};
use codebench_sdk::model::{Parameters, TensorShape};

const SHAPES: [[u64; 3]; 4] = [[464, 28, 28], [464, 1, 1], [3, 7, 5], [1, 1, 1]];

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("codebench-cnn-ops", codebench_cnn_ops::PLUGINS).unwrap();
    catalog
}

/// Requests for every example of every operation, on several shapes, under both semantics.
fn requests() -> Vec<(String, LowerRequest)> {
    let mut requests = Vec::new();
    for entry in catalog().entries() {
        assert_eq!(entry.kind(), Kind::CnnOp);
        let keyword = entry.info.keywords[0].clone();
        for example in &entry.info.examples {
            let spelling =
                if example.text.starts_with(&keyword) { keyword.clone() } else { keyword.replace('_', "-") };
            let arguments = example.text.strip_prefix(&spelling).unwrap().to_owned();
            for [channels, height, width] in SHAPES {
                for semantics in [Semantics::Published, Semantics::Explicit] {
                    let context = LowerContext {
                        default_channels: 128,
                        classes: 10,
                        image: TensorShape::new(3, 32, 32),
                        semantics,
                    };
                    let request = LowerRequest {
                        keyword: keyword.clone(),
                        arguments: arguments.clone(),
                        input: TensorShape::new(channels, height, width),
                        context,
                    };
                    requests.push((entry.info.id.clone(), request));
                }
            }
        }
    }
    requests
}

fn make(id: &str) -> Box<dyn CnnOp> {
    catalog().cnn_op(id, &Parameters::new()).unwrap()
}

fn through_json<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

#[test]
fn calls_are_documents_and_depend_on_nothing_else() {
    let requests = requests();
    let answer = |(id, request): &(String, LowerRequest)| make(id).lower(request);
    let first: Vec<Result<LoweredOp, PluginError>> = requests.iter().map(answer).collect();
    assert!(first.iter().filter(|a| a.is_ok()).count() > 100);
    // In the opposite order, from documents, with one instance for all calls.
    let conv = make("codebench/conv");
    for ((id, request), expected) in requests.iter().zip(&first).rev() {
        let request = through_json(request);
        let again = if id == "codebench/conv" { conv.lower(&request) } else { make(id).lower(&request) };
        assert_eq!(&again, expected, "{id} {request:?}");
        if let Ok(lowered) = expected {
            assert_eq!(&through_json(lowered), lowered);
        }
    }
}

#[test]
fn channels_asked_for_are_those_that_are_written() {
    for (id, request) in requests() {
        let op = make(&id);
        let Ok(lowered) = op.lower(&request) else { continue };
        let LowerRequest { keyword, arguments, input, context } = request;
        let mut shape = input;
        let mut feasible = true;
        for node in &lowered.nodes {
            match node.primitive.output_shape(&[shape]) {
                Ok(output) => shape = output,
                Err(_) => feasible = false,
            }
        }
        let question = ChannelRequest { keyword, arguments, input_channels: input.channels, context };
        // Flattening depends on more than channels, so it says those of its input.
        if feasible && id != "codebench/flatten" {
            assert_eq!(op.output_channels(&question).unwrap(), shape.channels, "{id} {question:?}");
        }
    }
}
