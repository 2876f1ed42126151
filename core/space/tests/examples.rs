//! The spaces that ship with the project.
#![allow(clippy::unwrap_used, clippy::panic)]
use codebench_model::{AcceleratorInput, ParameterValue, Space};
use codebench_space::{BigUint, Candidate, Points, Rng, SpaceDescription, check, decode};
use std::path::Path;

fn read(name: &str) -> Space {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/spaces").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    toml::from_str::<SpaceDescription>(&text).unwrap().compile().unwrap()
}

fn sampled(space: &Space, points: u64) -> Vec<Candidate> {
    let all = Points::new(space).unwrap();
    let mut rng = Rng::new(1, 0);
    (0..points).map(|_| decode(space, &all.sample(&mut rng)).unwrap()).collect()
}

#[test]
fn the_published_accelerator_space_has_228_433_920_points() {
    let space = read("accelbench.toml");
    assert_eq!(codebench_space::count(&space).unwrap(), BigUint::from(228_433_920u32));
    for candidate in sampled(&space, 100) {
        assert!(candidate.cnn.is_none());
        let Some(AcceleratorInput::Named(parameters)) = candidate.accelerator else {
            panic!("no accelerator")
        };
        assert_eq!(parameters.len(), 13);
        assert_eq!(parameters["pkx"], parameters["pky"]);
    }
}

#[test]
fn the_cnn_space_is_counted_though_nobody_could_list_it() {
    let space = read("cnnbench.toml");
    // Edges of modules of 3, 4, 5 vertices; up to nine stacks of one module each; heads of up to four dense layers.
    let ops = BigUint::from(228u32);
    let modules: BigUint =
        [(3, 2u32), (4, 10), (5, 113)].iter().map(|(v, dags)| ops.pow(v - 2) * *dags).sum();
    let stacks: BigUint = (1..=9).map(|s| modules.pow(s)).sum();
    let heads: u32 = 2 * (0..=4).map(|n| 11u32.pow(n)).sum::<u32>();
    assert_eq!(codebench_space::count(&space).unwrap(), stacks * heads);
    for candidate in sampled(&space, 20) {
        let cnn = candidate.cnn.unwrap();
        assert!(cnn.modules.len() > 10 && cnn.modules.len() <= 91);
        assert!(candidate.accelerator.is_none());
    }
}

#[test]
fn the_digits_space_has_both_blocks() {
    let space = read("digits.toml");
    for candidate in sampled(&space, 50) {
        let cnn = candidate.cnn.unwrap();
        assert_eq!(cnn.modules[0].vertices[1].label, "conv3x3-c16-p1-bn-relu");
        assert_eq!(candidate.values["pif"], ParameterValue::Integer(16));
    }
    let points = Points::new(&space).unwrap();
    assert!(check(&space, &points.nth(&BigUint::default()).unwrap()).is_ok());
}

#[test]
fn nasbench201_is_six_plain_choices() {
    let space = read("nasbench201.toml");
    assert_eq!(codebench_space::count(&space).unwrap(), BigUint::from(15_625u32));
    assert!(space.choices.iter().all(|c| !c.ordered && c.when.is_empty() && c.values.len() == 5));
    for candidate in sampled(&space, 20) {
        assert!(candidate.cnn.is_none() && candidate.accelerator.is_none());
        assert_eq!(candidate.values.len(), 6);
    }
}
