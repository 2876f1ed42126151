//! CNN files: what is written is read back, every mistake is explained with its place, and no text panics.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use codebench_cnn::file::{self, CnnFile, Format};
use codebench_cnn::{CnnError, named};
use codebench_model::{CnnGraph, CnnModule, Join, TensorShape, Vertex};
use common::language;
use proptest::prelude::*;

/// Texts with one mistake each.
fn mistakes() -> Vec<(&'static str, Format, String)> {
    let json = |name, text: &str| (name, Format::Json, text.to_owned());
    let toml = |name, text: &str| (name, Format::Toml, text.to_owned());
    let module = |rest: &str| {
        format!("v = 1\n[[modules]]\nvertices = [\"input\", \"conv1x1\", \"flatten\", \"output\"]\n{rest}")
    };
    let edges = |edges: &str| ("", Format::Toml, module(&format!("edges = {edges}")));
    let named = |name, (_, format, text)| (name, format, text);
    vec![
        json("nothing", ""),
        toml("nothing, TOML", ""),
        json("cut short", "{\"v\": 1,\n \"modules\": ["),
        toml("cut short, TOML", "v = 1\nmodules = ["),
        json("text behind the end", "[] []"),
        json("a number", "3"),
        json("not a number", "{\"v\": 1, \"image\": NaN}"),
        toml("not a number, TOML", "v = 1\nimage = nan"),
        toml("infinity", "image = inf"),
        json("a negative size", "{\"image\": -32, \"modules\": []}"),
        toml("a negative size, TOML", "image = -32"),
        json("a fraction", "{\"channels\": 2.5}"),
        json("a huge number", "{\"classes\": 1e400}"),
        toml("a huge integer", "classes = 99999999999999999999999"),
        toml("too many channels", "default_channels = 1_000_000_000_000"),
        toml("no channels", "default_channels = 0"),
        toml("an unknown key", "v = 1\nmoduls = []"),
        json(
            "an unknown key of a module",
            "{\"modules\": [\n  {\"vertices\": [\"input\", \"output\"], \"edge\": []}]}",
        ),
        toml("an unknown key, nothing near", "colour = \"red\""),
        json("an unknown key of a vertex", "{\"modules\": [{\"vertices\": [{\"lable\": \"input\"}]}]}"),
        json("a key twice", "{\"v\": 1, \"v\": 1}"),
        toml("a key twice, TOML", "v = 1\nv = 1"),
        toml("a newer version", "v = 2"),
        toml("version 0", "v = 0"),
        toml("a version in words", "v = \"one\""),
        toml("no modules", "v = 1"),
        toml("modules that are no list", "modules = 3"),
        json("an empty list of modules", "{\"modules\": []}"),
        json("both forms", "{\"modules\": [], \"graph\": []}"),
        json("a module that is no table", "{\"modules\": [[]]}"),
        json("a module without vertices", "{\"modules\": [{}]}"),
        json("one vertex", "{\"modules\": [{\"vertices\": [\"input\"]}]}"),
        json("a vertex that is a number", "{\"modules\": [{\"vertices\": [\"input\", 3, \"output\"]}]}"),
        json("a vertex without a label", "{\"modules\": [{\"vertices\": [\"input\", {\"join\": \"sum\"}]}]}"),
        json(
            "an unknown join",
            "{\"modules\": [{\"vertices\": [\"input\", {\"label\": \"output\", \"join\": \"summ\"}]}]}",
        ),
        json("no input", "{\"modules\": [{\"vertices\": [\"conv1x1\", \"output\"]}]}"),
        json("input inside", "{\"modules\": [{\"vertices\": [\"input\", \"input\", \"output\"]}]}"),
        named("an edge of three", edges("[[0, 1, 2]]")),
        named("an edge that is a number", edges("[0, 1]")),
        named("an edge to nowhere", edges("[[0, 1], [1, 2], [2, 3],\n  [2, 9]]")),
        named("a negative edge", edges("[[0, -1]]")),
        named("a loop", edges("[[0, 1], [1, 1], [1, 2], [2, 3]]")),
        named("a cycle", edges("[[0, 1], [1, 2], [2, 1], [2, 3]]")),
        named("an edge twice", edges("[[0, 1], [1, 2], [0, 1], [2, 3]]")),
        named("a vertex that nothing enters", edges("[[0, 2], [1, 2], [2, 3]]")),
        named("a vertex that nothing leaves", edges("[[0, 1], [0, 2], [2, 3]]")),
        ("no repetition", Format::Toml, module("repeat = 0")),
        ("too many repetitions", Format::Toml, module("repeat = 1000000000000")),
        (
            "too many modules",
            Format::Toml,
            format!("{}\n{}", module("repeat = 4000"), module("repeat = 4000").replace("v = 1\n", "")),
        ),
        json("nested too deep", &format!("{{\"modules\": {}{}}}", "[".repeat(60), "]".repeat(60))),
        json("nested far too deep", &"[".repeat(100_000)),
        toml("nested far too deep, TOML", &format!("modules = {}", "[".repeat(100_000))),
        json("a published module of one part", "[[[[0]]]]"),
        json("a published module that is no list", "[3]"),
        json("an adjacency of the wrong height", "[[[[0, 1]], [\"input\", \"output\"]]]"),
        json("an adjacency of the wrong width", "[[[[0, 1], [0]], [\"input\", \"output\"]]]"),
        json("an adjacency of other numbers", "[[[[0, 2], [0, 0]], [\"input\", \"output\"]]]"),
        json("a lower triangle", "[\n [[[0, 1], [1, 0]], [\"input\", \"output\"]]]"),
        json("a label in the wrong column", "{\"name\": \"äöü\", \"modules\": 3}"),
    ]
}

#[test]
fn every_mistake_is_explained_with_its_place() {
    let mut text = String::new();
    for (name, format, document) in mistakes() {
        let error = file::parse(&document, format).err().unwrap_or_else(|| panic!("{name}: accepted"));
        text.push_str(&format!("{name}: {}\n", error.in_file("net")));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/cnn_file_errors.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(path).unwrap_or_default();
    for (ours, golden) in text.lines().zip(golden.lines()) {
        assert_eq!(ours, golden, "BLESS=1 accepts it");
    }
    assert_eq!(text.lines().count(), golden.lines().count(), "BLESS=1 accepts it");
}

#[test]
fn a_refused_label_is_found_in_the_file() {
    let document = "v = 1\n\n[[modules]]\nvertices = [\"input\",\n  \"cnov3x3-c8\", \"output\"]\nrepeat = 2\n\n\
        [[modules]]\nvertices = [\"input\", \"global-avg-pool\", \"dense_classes\", \"output\"]\n";
    let (file, places) = file::parse_located(document, Format::Toml).unwrap();
    let error = language().lower(&file.graph, TensorShape::new(3, 8, 8), 10).unwrap_err();
    assert_eq!(
        places.locate(error).to_string(),
        "line 5, column 3: module 0, vertex 1 `cnov3x3-c8`: unknown label (did you mean `conv3x3-c8`?)"
    );
    let whole = CnnError::Cnn("no place".to_owned());
    assert_eq!(places.locate(whole.clone()), whole);
}

#[test]
fn a_file_says_what_it_is_for() {
    let document = "v = 1\nname = \"small\"\nimage = 8\nchannels = 1\nclasses = 10\ndefault_channels = 16\n\
        [[modules]]\nvertices = [\"input\", { label = \"output\", join = \"sum\" }]\n";
    let (file, _) = file::parse_located(document, Format::Toml).unwrap();
    assert_eq!((file.image, file.channels, file.classes), (Some(8), Some(1), Some(10)));
    assert_eq!((file.name.as_deref(), file.graph.default_channels), (Some("small"), 16));
    assert_eq!(file.graph.modules[0].vertices[1], Vertex::joined("output", Join::Sum));
    for format in [Format::Json, Format::Toml] {
        assert_eq!(file::parse_located(&file.write(format), format).unwrap().0, file);
    }
}

#[test]
fn every_named_network_is_written_and_read_back() {
    for name in named::names() {
        let graph = named::find(name).unwrap().graph;
        for format in [Format::Json, Format::Toml] {
            assert_eq!(file::parse(&file::write(&graph, format), format).unwrap(), graph, "{name}");
        }
    }
}

#[test]
fn the_published_form_is_read_alone_and_in_a_document() {
    let modules = serde_json::json!([[[[0, 1, 1], [0, 0, 1], [0, 0, 0]], ["input", "conv1x1", "output"]]]);
    let alone = file::parse(&modules.to_string(), Format::Json).unwrap();
    assert_eq!(alone.default_channels, CnnGraph::standard_default_channels());
    assert_eq!(alone.modules[0].edges, [[0, 1], [0, 2], [1, 2]]);
    let document = serde_json::json!({ "graph": modules, "default_channels": 64 }).to_string();
    let graph = file::parse(&document, Format::Json).unwrap();
    assert_eq!(graph, CnnGraph { default_channels: 64, ..alone });
}

fn any_module() -> impl Strategy<Value = CnnModule> {
    let label = prop_oneof![
        Just("conv3x3-c8-bn-relu".to_owned()),
        // Any label must survive quoting.
        "[^iou]\\PC{0,6}".prop_map(|l| l),
        any::<String>().prop_map(|l| format!("x{l}")),
    ];
    let join =
        prop_oneof![Just(None), Just(Some(Join::Sum)), Just(Some(Join::Concat)), Just(Some(Join::Multiply))];
    let vertices = proptest::collection::vec((label, join.clone()), 0..6);
    (vertices, join, proptest::collection::vec(any::<bool>(), 28)).prop_map(|(interior, join, bits)| {
        let mut vertices = vec![Vertex::new("input")];
        vertices.extend(interior.into_iter().map(|(label, join)| Vertex { label, join }));
        vertices.push(Vertex { label: "output".into(), join });
        let last = vertices.len() - 1;
        let mut bit = bits.into_iter();
        let mut edges = Vec::new();
        for to in 1..=last {
            for from in 0..to {
                // The chain keeps every vertex connected.
                if bit.next().unwrap_or(false) || from + 1 == to {
                    edges.push([from, to]);
                }
            }
        }
        CnnModule { vertices, edges }
    })
}

fn any_file() -> impl Strategy<Value = CnnFile> {
    let size = || proptest::option::of(1..=1_000_000_000_u64);
    let modules = proptest::collection::vec((any_module(), 1..4_usize), 1..5);
    (proptest::option::of(any::<String>()), size(), size(), size(), 1..1000_u64, modules).prop_map(
        |(name, image, channels, classes, default_channels, modules)| {
            let modules = modules.into_iter().flat_map(|(m, count)| std::iter::repeat_n(m, count)).collect();
            CnnFile { name, image, channels, classes, graph: CnnGraph { default_channels, modules } }
        },
    )
}

/// Texts that come close to CNN files.
fn near_miss() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "=",
            "\n",
            " ",
            "\"",
            "v",
            "1",
            "0",
            "-1",
            "1e999",
            "nan",
            "[[modules]]",
            "\"modules\"",
            "\"vertices\"",
            "\"edges\"",
            "\"repeat\"",
            "\"label\"",
            "\"join\"",
            "\"graph\"",
            "\"input\"",
            "\"output\"",
            "\"conv1x1\"",
            "modules",
            "vertices",
            "edges",
            "repeat",
            "null",
            "true",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,3}",
    ];
    proptest::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(file in any_file()) {
        for format in [Format::Json, Format::Toml] {
            let text = file.write(format);
            let (read, _) = file::parse_located(&text, format).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
            prop_assert_eq!(&read, &file);
        }
    }

    #[test]
    fn garbage_is_refused_with_a_place(text in prop_oneof![near_miss(), any::<String>()]) {
        for format in [Format::Json, Format::Toml] {
            if let Err(error) = file::parse(&text, format) {
                prop_assert!(error.line >= 1 && error.column >= 1 && !error.message.is_empty());
                prop_assert!(error.line <= text.matches('\n').count() + 1);
            }
        }
    }

    #[test]
    fn a_damaged_file_never_panics(file in any_file(), at in any::<prop::sample::Index>(), with in "\\PC{0,2}", cut in 0..4_usize) {
        for format in [Format::Json, Format::Toml] {
            let text: Vec<char> = file.write(format).chars().collect();
            let at = at.index(text.len());
            let damaged: String = text[..at].iter().copied().chain(with.chars()).chain(text[(at + cut).min(text.len())..].iter().copied()).collect();
            if let Ok((read, _)) = file::parse_located(&damaged, format) {
                prop_assert_eq!(&file::parse_located(&read.write(format), format).unwrap().0, &read);
            }
        }
    }
}

/// The fenced blocks of the page on CNN files that begin with `fence`.
fn documented(fence: &str) -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/cnn-files.md");
    let page = std::fs::read_to_string(path).unwrap();
    let begin = format!("```{fence}\n");
    let blocks = page.split(&begin).skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_documented_files_are_read_and_lower() {
    let [toml] = documented("toml").try_into().unwrap();
    let [json, published] = documented("json").try_into().unwrap();
    let (file, _) = file::parse_located(&toml, Format::Toml).unwrap();
    assert_eq!(file::parse_located(&json, Format::Json).unwrap().0, file);
    assert_eq!(file.write(Format::Json), json);
    for graph in [file.graph, file::parse(&published, Format::Json).unwrap()] {
        language().lower(&graph, TensorShape::new(3, 32, 32), 10).unwrap();
    }
    let [generate] = documented("toml,generate").try_into().unwrap();
    codebench_cnn::generate::GenerationConfig::from_toml(&generate).unwrap();
}

/// The page that lists the networks is made from them.
#[test]
fn every_network_is_documented() {
    let mut page = String::from(
        "# Networks\n\nMade from the program by `BLESS=1 cargo test -p codebench-cnn --test files`. Parameters and \
         multiply-accumulates are those of the default image size and number of classes. The parameters of a published \
         network (`published/...`) include, as in the released CNNBench, those of the projections that it makes and never \
         runs. Published EfficientNets enlarge images that are smaller than the size they were designed for.\n\n\
         | name | image | classes | parameters | MACs | what it is |\n|---|---|---|---|---|---|\n",
    );
    for name in named::names() {
        let network = named::find(name).unwrap();
        let image = TensorShape::new(network.channels, network.image, network.image);
        let lowered = language().lower(&network.graph, image, network.classes).unwrap();
        page.push_str(&format!(
            "| `{name}` | {image} | {} | {} | {} | {} |\n",
            network.classes,
            lowered.published.params,
            lowered.workload.macs(),
            network.summary
        ));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/reference/networks.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), page, "BLESS=1 accepts it");
}
