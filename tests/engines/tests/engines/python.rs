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
        println!(
            "SKIPPED: no Python with torch, safetensors and numpy, neither in target/pytorch nor as python3"
        );
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
}
