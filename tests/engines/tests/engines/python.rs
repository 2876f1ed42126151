//! `examples/pytorch/network.py` reads workloads, checkpoints and `.npz` files, and computes the same logits.

use crate::pair::{chain, lower, options, vary};
use codebench_api::MiniBatch;
use codebench_engines::ENGINES;
use codebench_fixtures::root;
use codebench_model::{CnnGraph, Parameters, TensorShape};
use codebench_training::{checkpoint, export};
use std::path::PathBuf;
use std::process::Command;

/// A Python that has PyTorch, safetensors and NumPy.
fn python() -> Option<PathBuf> {
    let own = root().join("target/pytorch/bin/python");
    [own, "python3".into()].into_iter().find(|python| {
        let ran = Command::new(python).args(["-c", "import torch, safetensors, numpy"]).output();
        ran.is_ok_and(|output| output.status.success())
    })
}

#[test]
fn pytorch_reads_weights() {
    let Some(python) = python() else {
        let missing = "no Python with torch, safetensors and numpy, neither in target/pytorch nor as python3";
        assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{missing}");
        println!("SKIPPED: {missing}");
        return;
    };
    let catalog = codebench_engines::built_in();
    let modules = vec![
        chain(&["conv3x3-c8-p1-bn-relu", "maxpool2x2-s2", "conv3x3-dw-ps-s2-bn-hswish", "lrn"]),
        chain(&["flatten", "dense-12-gelu", "dense_classes"]),
    ];
    let cnn = CnnGraph { default_channels: 8, modules };
    let shape = TensorShape::new(1, 8, 8);
    let workload = lower(&catalog, &cnn, shape).unwrap();
    let engine = catalog.engine(ENGINES[0], &Parameters::new()).unwrap();
    let mut network = engine.build(&workload, &options("sgd")).unwrap();
    network.set_weights(&vary(&network.weights().unwrap(), 1)).unwrap();
    let logits = network.evaluate(&MiniBatch { images: &[0.0; 64], labels: &[], shape }).unwrap().logits;

    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let json = at("workload.json");
    std::fs::write(&json, serde_json::to_string(&workload).unwrap()).unwrap();
    let weights = network.weights().unwrap();
    checkpoint::save(&at("weights.safetensors"), &weights, "key").unwrap();
    export::npz(&at("weights.npz"), &weights).unwrap();
    for file in ["weights.safetensors", "weights.npz"] {
        let script = root().join("examples/pytorch/network.py");
        let ran = Command::new(&python).arg(script).args([&json, &at(file)]).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
        assert!(said.starts_with(&format!("{} parameters", workload.parameters())), "{said}");
        let list = said[said.find('[').unwrap()..].trim();
        let read: Vec<f32> = serde_json::from_str(list).unwrap();
        assert_eq!(read.len(), logits.len());
        for (python, burn) in read.iter().zip(&logits) {
            assert!((python - burn).abs() < 2e-4, "{file}: {read:?} against {logits:?}");
        }
    }
    // The lines that the book has for both kinds of files.
    let page = std::fs::read_to_string(root().join("docs/src/training.md")).unwrap();
    let snippets: Vec<&str> =
        page.split("```python\n").skip(1).map(|after| after.split("```").next().unwrap()).collect();
    assert_eq!(snippets.len(), 2);
    for snippet in snippets {
        assert!(snippet.contains("runs/checkpoints/KEY."), "{snippet}");
        let of_test = snippet.replace("runs/checkpoints/KEY", at("weights").to_str().unwrap());
        let count = "print({name: list(tensor.shape) for name, tensor in weights.items()})";
        let ran = Command::new(&python).args(["-c", &format!("{of_test}\n{count}")]).output().unwrap();
        assert!(ran.status.success(), "{snippet}\n{}", String::from_utf8_lossy(&ran.stderr));
        let said = String::from_utf8_lossy(&ran.stdout).replace('\'', "\"");
        let read: std::collections::BTreeMap<String, Vec<u64>> = serde_json::from_str(&said).unwrap();
        let kept = weights.iter().map(|tensor| (tensor.name.clone(), tensor.shape.clone()));
        assert_eq!(read, kept.collect());
    }
}
