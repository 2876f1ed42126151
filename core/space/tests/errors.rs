//! What bad descriptions, documents and points are told; `BLESS=1` writes the golden file.
#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_model::{Choice, Condition, Genotype, ParameterValue, Parameters, Space};
use codebench_space::{Points, Rng, SpaceDescription, Weighting, check, decode, find};
use std::fmt::Write;
use std::path::Path;

const DESCRIPTIONS: &[&str] = &[
    "",
    "[cnn]",
    "[accelerator]",
    "[acelerator]\npib = 1",
    "[accelerator]\npic = [1, 2]",
    "[accelerator]\nfrequency = [1, 2]",
    "[accelerator]\npib = []",
    "[[choices]]\nname = \"a\"",
    "[[choices]]\nname = [\"a\", \"b\", \"a\"]\nvalues = [1, 2]",
    "[[choices]]\nname = \"a\"\nvalues = [1, 2]\n[[choices]]\nname = \"a\"\nvalues = [3]",
    "[[choices]]\nname = \"Edge 1\"\nvalues = [1, 2]",
    "[[choices]]\nname = \"pib\"\nvalues = [1, 2]",
    "[[choices]]\nname = 3\nvalues = [1, 2]",
    "[[choices]]\nname = \"a\"\nvalues = [1, \"two\"]",
    "[accelerator]\npib = [1, 2, 1]",
    "[accelerator]\nmask_buffer_mb = [1, 1.0]",
    "[accelerator]\npib = [1, 0]",
    "[accelerator]\npib = [1.5]",
    "[accelerator]\npib = \"two\"",
    "[accelerator]\npib = true",
    "[accelerator]\npif = [1, 0]",
    "[accelerator]\nmask_buffer_mb = [1, nan]",
    "[accelerator]\nmask_buffer_mb = inf",
    "[accelerator]\nmask_buffer_mb = -0.5",
    "[accelerator]\nweight_buffer_mb = [99999999]",
    "[accelerator]\nweight_buffer_mb = [99999999999999999999]",
    "[accelerator]\nbatch = { min = 1 }",
    "[accelerator]\nbatch = { min = 8, max = 1 }",
    "[accelerator]\nbatch = { min = 1, max = 8, stp = 2 }",
    "[accelerator]\nbatch = { min = 1, max = 8, step = 0 }",
    "[accelerator]\nbatch = { min = -9223372036854775808, max = 9223372036854775807 }",
    "[accelerator]\npkx = [1, 3]\npky = { same_as = \"pkz\" }",
    "[accelerator]\npkx = { same_as = \"pky\" }\npky = { same_as = \"pkx\" }",
    "[accelerator]\npky = { same_as = \"pkx\" }",
    "[accelerator]\npkx = [1, 3]\npky = { same_as = \"pkx\", min = 1 }",
    "[accelerator]\npix = [0, 2]\npiy = { same_as = \"pix\" }",
    "[accelerator]\nmask_buffer_mb = [1, 0.5]\npib = { same_as = \"mask_buffer_mb\" }",
    "[accelerator]\nmemory = [\"rram\", \"ddram\"]",
    "[accelerator]\nmemory = { rram = 1, hbm2 = 1 }",
    "[accelerator]\nmemory = { rram = [1, 7] }",
    "[accelerator]\nmemory = {}",
    "[accelerator]\nmemory = { rram = 1 }\nmemory_config = [1]",
    "[accelerator]\nmemory = [\"rram\", \"hbm\"]\nmemory_config = [1, 2]",
    "[cnn]\nop = [\"a\"]",
    "[cnn]\nops = []",
    "[cnn]\nops = [\"a\", \"b\", \"a\"]",
    "[cnn]\nops = [\"a\", 3]",
    "[cnn]\nops = [\"a\"]\nvertices = 2",
    "[cnn]\nops = [\"a\"]\nvertices = [3, 17]",
    "[cnn]\nops = [\"a\"]\nvertices = [3, 6]\nmax_edges = 4",
    "[cnn]\nops = [\"a\"]\nmax_edges = 0",
    "[cnn]\nops = [\"a\"]\nmax_edges = \"edges+3\"",
    "[cnn]\nops = [\"a\"]\nmax_edges = 2.5",
    "[cnn]\nops = [\"a\"]\nstacks = [0, 1]",
    "[cnn]\nops = [\"a\"]\nstacks = 1000\nvertices = 16",
    "[cnn]\nops = [\"a\"]\nstacks = [1, 100]\nmodules_per_stack = 50",
    "[cnn]\nops = [\"a\"]\ndefault_channels = 1000000000000",
    "[cnn]\nops = [\"a\"]\njoins = [\"sum\", \"add\"]",
    "[cnn]\nops = [\"a\"]\n[cnn.head]\nlayers = [0, 2]",
    "[cnn]\nops = [\"a\"]\n[cnn.head]\nflat = \"flatten\"",
    "[cnn]\nnetworks = [\"resnet18\"]",
    "[cnn]\nnetworks = [\"resnet18\"]\nops = [\"a\"]",
    "[cnn]\nnetworks = [{ name = \"x\" }]",
    "[cnn]\nnetworks = [{ name = \"x\", graph = { modules = [] } }, { name = \"x\", graph = { modules = [] } }]",
];

fn space() -> Space {
    let text = "
        [cnn]
        ops = [\"a\", \"b\"]
        vertices = [3, 4]
        max_edges = 5
        [accelerator]
        pib = [1, 2, 4]
        memory = { rram = [1, 2], hbm = 1 }";
    toml::from_str::<SpaceDescription>(text).unwrap().compile().unwrap()
}

fn section(golden: &mut String, input: &str, answer: &str) {
    writeln!(golden, "{input}\n  => {}\n", answer.trim_end().replace('\n', "\n     ")).unwrap();
}

fn descriptions(golden: &mut String) {
    for text in DESCRIPTIONS {
        let answer = match toml::from_str::<SpaceDescription>(text) {
            Err(error) => error.to_string(),
            Ok(description) => description.compile().unwrap_err().to_string(),
        };
        section(golden, if text.is_empty() { "(nothing)" } else { text }, &answer);
    }
}

fn points(golden: &mut String) {
    let space = space();
    let valid = Points::new(&space).unwrap().sample_weighted(&mut Rng::new(1, 0), Weighting::Values);
    section(golden, "too short", &check(&space, &Genotype(vec![0])).unwrap_err().to_string());
    let index = |name: &str| space.choices.iter().position(|c| c.name == name).unwrap();
    let with = |changes: &[(&str, u32)]| {
        let mut point = Points::new(&space).unwrap().nth(&0u32.into()).unwrap();
        changes.iter().for_each(|(name, value)| point.0[index(name)] = *value);
        point
    };
    let edge = |name: &str| format!("cnn.stack0.edge.{name}");
    let all: Vec<String> =
        ["input-v1", "input-v2", "v1-v2", "input-output", "v1-output", "v2-output"].map(edge).into();
    let full: Vec<(&str, u32)> =
        all.iter().map(|n| (n.as_str(), 1)).chain([("cnn.stack0.vertices", 1)]).collect();
    for (what, changes) in [
        ("an index past the list", vec![("pib", 3)]),
        ("an inactive choice", vec![("cnn.stack0.v2.op", 1)]),
        ("a vertex without an outgoing edge", vec![("cnn.stack0.edge.v1-output", 0)]),
        (
            "a vertex without an incoming edge",
            vec![("cnn.stack0.edge.input-v1", 0), ("cnn.stack0.edge.input-output", 1)],
        ),
        ("too many edges", full),
    ] {
        section(golden, what, &decode(&space, &with(&changes)).unwrap_err().to_string());
    }
    let all = Points::new(&space).unwrap();
    let coordinates =
        |x: f64| all.from_unit(&vec![x; space.choices.len()], Weighting::Points).unwrap_err().to_string();
    section(golden, "a coordinate of 1", &coordinates(1.0));
    section(golden, "a coordinate that is no number", &coordinates(f64::NAN));
    section(golden, "one coordinate", &all.from_unit(&[0.5], Weighting::Points).unwrap_err().to_string());
    let values = decode(&space, &valid).unwrap().values;
    let changed = |name: &str, value: Option<ParameterValue>| {
        let mut values: Parameters = values.clone();
        match value {
            Some(value) => values.insert(name.into(), value),
            None => values.remove(name),
        };
        find(&space, &values).unwrap_err().to_string()
    };
    section(golden, "an unknown name", &changed("pibb", Some(ParameterValue::Integer(1))));
    section(golden, "a value outside its list", &changed("pib", Some(ParameterValue::Integer(3))));
    section(golden, "a missing value", &changed("pib", None));
    let inactive =
        space.choices.iter().enumerate().find(|(i, _)| !codebench_space::active(&space, &valid).contains(i));
    let (_, inactive) = inactive.unwrap();
    section(
        golden,
        "a value of an inactive choice",
        &changed(&inactive.name, Some(inactive.values[0].clone())),
    );
}

fn documents(golden: &mut String) {
    let damaged = |what: &str, damage: fn(&mut Space), golden: &mut String| {
        let mut space = space();
        damage(&mut space);
        section(golden, what, &Points::new(&space).unwrap_err().to_string());
    };
    damaged("a newer document", |s| s.v = 2, golden);
    damaged("no choices", |s| s.choices.clear(), golden);
    damaged("a choice without values", |s| s.choices[0].values.clear(), golden);
    damaged("equal names", |s| s.choices[1].name = s.choices[0].name.clone(), golden);
    damaged(
        "a condition on a later choice",
        |s| s.choices[4].when = vec![Condition { choice: 9, is_in: vec![0] }],
        golden,
    );
    damaged("blocks out of order", |s| s.choices[0].block = codebench_model::Block::Accelerator, golden);
    damaged(
        "edges of another shape",
        |s| {
            if let Some(codebench_model::CnnTemplate::Modules { modules, .. }) = &mut s.cnn {
                modules[0].edges.pop();
            }
        },
        golden,
    );
    damaged(
        "conditions on too many combinations",
        |s| {
            let long = |name: &str| Choice {
                name: name.into(),
                values: (0..500).map(ParameterValue::Integer).collect(),
                when: Vec::new(),
                ..s.choices[0].clone()
            };
            let on = |choice: usize| Condition { choice, is_in: vec![0] };
            let both = Choice { when: vec![on(0), on(1)], ..long("both") };
            let choices = vec![long("a"), long("b"), both];
            *s = Space { choices, cnn: None, accelerator: None, ..s.clone() };
        },
        golden,
    );
    damaged(
        "no valid module",
        |s| {
            if let Some(codebench_model::CnnTemplate::Modules { modules, .. }) = &mut s.cnn {
                modules[0].edge_limit = codebench_model::EdgeLimit::Edges(1);
            }
        },
        golden,
    );
}

#[test]
fn messages_are_the_golden_ones() {
    let mut golden = String::new();
    descriptions(&mut golden);
    points(&mut golden);
    documents(&mut golden);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/space_errors.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &golden).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert!(expected == golden, "tests/golden/space_errors.txt differs (BLESS=1 accepts):\n{golden}");
}
