//! The examples of the book's page on spaces are spaces.
#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_model::{CnnGraph, CnnModule};
use codebench_space::{Names, Points, SpaceDescription};
use std::path::Path;

/// Every network exists, and is a module of one edge.
struct AnyName;

impl Names for AnyName {
    fn network(&self, _: &str) -> Result<CnnGraph, String> {
        let vertices = ["input", "output"].map(codebench_model::Vertex::new).to_vec();
        let modules = vec![CnnModule { vertices, edges: vec![[0, 1]] }];
        Ok(CnnGraph { default_channels: 128, modules })
    }

    fn label(&self, _: &str) -> Result<(), String> {
        Ok(())
    }
}

#[test]
fn every_example_of_the_page_compiles() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/spaces.md");
    let text = std::fs::read_to_string(page).unwrap();
    let examples: Vec<&str> =
        text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 7);
    for example in examples {
        let description: SpaceDescription =
            toml::from_str(example).unwrap_or_else(|e| panic!("{e}\nin\n{example}"));
        let space = description.compile_with(&AnyName).unwrap_or_else(|e| panic!("{e}\nin\n{example}"));
        assert!(Points::new(&space).is_ok());
        // A description survives being written and read.
        let json = serde_json::to_string(&description).unwrap();
        assert_eq!(serde_json::from_str::<SpaceDescription>(&json).unwrap(), description);
    }
}
