//! What cannot be simulated is refused with the module, layer and parameter; the texts are `tests/golden/cycle_errors.txt`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use codebench_api::{
    AccelModule, Catalog, Configuration, Memory, Plugin, PluginError, PluginInfo, Registration, kinds,
};
use codebench_cnn::{Language, named};
use codebench_model::*;
use codebench_sim::cycle::{CycleError, Machine, Options, Sparsity, evaluate};

/// A module that is as its parameters say.
struct Odd {
    facts: ModuleFacts,
    cost: TileCost,
    refuses: bool,
}

impl Plugin for Odd {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        let text = |name: &str, help: &str| ParameterDescription::text(name, "", help);
        PluginInfo::new("odd/module", "0.1.0", "Anything, for tests of errors.")
            .parameters(vec![text("facts", "Facts as JSON."), text("cost", "A cost as JSON, or `refuses`.")])
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let text = |name: &str| configuration.text(name);
        let read = |e: serde_json::Error| PluginError::invalid(e.to_string());
        let (facts, cost) = (text("facts")?, text("cost")?);
        // JSON has no number that is none.
        let nan = facts.contains("nan");
        let mut facts: ModuleFacts = match facts {
            "" | "nan" => ModuleFacts { capacity_bytes: 1 << 20, ..ModuleFacts::default() },
            json => serde_json::from_str(json).map_err(read)?,
        };
        if nan {
            facts.area_mm2 = f64::NAN;
        }
        Ok(Odd {
            facts,
            cost: match cost {
                "" | "refuses" => TileCost::default(),
                json => serde_json::from_str(json).map_err(read)?,
            },
            refuses: cost == "refuses",
        })
    }
}

impl AccelModule for Odd {
    fn facts(&self) -> ModuleFacts {
        self.facts.clone()
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        if self.refuses {
            return Err(PluginError::invalid(format!("`batch` = {}: it has no batch", works[0].batch)));
        }
        costs.fill(self.cost);
        Ok(())
    }
}

/// A memory with facts as its parameter says.
struct OddMemory(MemoryFacts, u64);

impl Plugin for OddMemory {
    type Kind = kinds::Memory;

    fn info() -> PluginInfo {
        let facts = ParameterDescription::text("facts", "{}", "Facts as JSON.");
        let cycles = ParameterDescription::text("cycles", "1", "Cycles of the bus.");
        PluginInfo::new("odd/memory", "0.1.0", "Anything, for tests of errors.")
            .parameters(vec![facts, cycles])
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let read = |e: serde_json::Error| PluginError::invalid(e.to_string());
        let facts = serde_json::from_str(configuration.text("facts")?).map_err(read)?;
        Ok(OddMemory(facts, configuration.text("cycles")?.parse().unwrap_or(1)))
    }
}

impl Memory for OddMemory {
    fn facts(&self) -> MemoryFacts {
        self.0.clone()
    }

    fn cost(&self, _: &[TransferProfile], costs: &mut [TransferCost]) -> Result<(), PluginError> {
        costs.fill(TransferCost { bus_mem_cycles: self.1, ..TransferCost::default() });
        Ok(())
    }
}

const ODD: &[Registration] = &[Registration::of::<Odd>(), Registration::of::<OddMemory>()];

fn catalog() -> Catalog {
    let _ = (codebench_accelbench::PLUGINS.len(), codebench_cnn_ops::PLUGINS.len());
    let mut catalog = Catalog::built_in().unwrap();
    catalog.add_all("tests", ODD).unwrap();
    catalog
}

/// The paper's accelerator as text.
fn paper() -> String {
    std::fs::read_to_string("../../examples/accelerators/paper.toml").unwrap()
}

/// The paper's accelerator with some text replaced.
fn changed(from: &str, to: &str) -> String {
    let text = paper();
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

/// The module of a role in place of the paper's first of it.
fn instead(role: &str, module: &str) -> String {
    let text = paper();
    let start = text.find(&format!("[[module]]\nrole = \"{role}\"")).unwrap();
    let end = text[start + 1..].find("[[module]]").map_or(text.len(), |end| start + 1 + end);
    format!("{}{module}\n{}", &text[..start], &text[end..])
}

fn odd(role: &str, parameters: &str) -> String {
    instead(
        role,
        &format!("[[module]]\nrole = \"{role}\"\nplugin = \"odd/module\"\nparameters = {{ {parameters} }}\n"),
    )
}

fn odd_memory(facts: &str) -> String {
    let facts = facts.replace('\'', "\"");
    let parameters = format!("facts = '''{facts}'''");
    instead(
        "memory",
        &format!("[[module]]\nrole = \"memory\"\nplugin = \"odd/memory\"\nparameters = {{ {parameters} }}\n"),
    )
}

/// Facts of a sound memory, but for one field.
fn memory_but(field: &str, value: &str) -> String {
    let fields = [
        ("clock_khz", "1000"),
        ("channels", "1"),
        ("ranks", "1"),
        ("banks_per_rank", "1"),
        ("row_bytes", "64"),
        ("burst_bytes", "8"),
        ("interleave_bytes", "64"),
        ("capacity_bytes", "1000000000"),
        ("background_mw", "0.0"),
    ];
    let all = fields.map(|(name, sound)| format!("'{name}': {}", if name == field { value } else { sound }));
    odd_memory(&format!("{{{}}}", all.join(", ")))
}

fn cases() -> Vec<(&'static str, String)> {
    let facts = |json: &str| format!("facts = '''{json}'''");
    let cost =
        |json: &str| format!("facts = '''{{\"primitives\": [\"conv\", \"dense\"]}}''', cost = '''{json}'''");
    vec![
        ("unknown module id", changed("codebench/mac-lanes", "codebench/mac-lane")),
        ("module of another kind", changed("codebench/mac-lanes", "codebench/rram")),
        ("unknown parameter", changed("power = \"$im2col_power\"", "powre = \"$im2col_power\"")),
        ("unknown reference", changed("\"$im2col_power\"", "\"$im2col_pow\"")),
        ("parameter out of range", changed("pif = 16", "pif = 0")),
        ("missing memory", instead("memory", "")),
        ("missing weight buffer", instead("weight_buffer", "")),
        ("missing compute", instead("compute", "")),
        (
            "two memories",
            instead("mask_buffer", "[[module]]\nrole = \"memory\"\nplugin = \"codebench/hbm\"\n"),
        ),
        (
            "two activation buffers",
            instead(
                "mask_buffer",
                "[[module]]\nrole = \"activation_buffer\"\nplugin = \"codebench/activation-buffer\"\n",
            ),
        ),
        ("zeros skipped without masks", instead("mask_buffer", "")),
        ("zeros skipped without a sparsity unit", instead("pre_sparsity", "")),
        ("clock of a tenth of a kilohertz", changed("clock_mhz = 700", "clock_mhz = 700.0001")),
        ("clock 0", changed("clock_mhz = 700", "clock_mhz = 0")),
        ("clock -1", changed("clock_mhz = 700", "clock_mhz = -1")),
        ("clock nan", changed("clock_mhz = 700", "clock_mhz = nan")),
        (
            "word of 0 bits",
            changed("integer_bits = 4, fraction_bits = 16", "integer_bits = 0, fraction_bits = 0"),
        ),
        (
            "word of 200 bits",
            changed("integer_bits = 4, fraction_bits = 16", "integer_bits = 100, fraction_bits = 100"),
        ),
        ("batch 0", changed("batch = 1\n", "batch = 0\n")),
        ("negative area", odd("post_sparsity", &facts("{\"area_mm2\": -1.0}"))),
        ("area that is no number", odd("post_sparsity", "facts = \"nan\"")),
        (
            "negative energy",
            odd(
                "post_sparsity",
                &facts("{\"events\": [{\"name\": \"word\", \"cause\": \"control\", \"energy_pj\": -2.5}]}"),
            ),
        ),
        (
            "buffer of no bandwidth",
            odd("weight_buffer", &facts("{\"capacity_bytes\": 1000, \"write_bytes_per_cycle\": 8}")),
        ),
        (
            "buffer of no capacity",
            odd("weight_buffer", &facts("{\"read_bytes_per_cycle\": 8, \"write_bytes_per_cycle\": 8}")),
        ),
        ("DMA of no bandwidth", odd("dma", &facts("{}"))),
        ("compute module that accepts nothing", odd("compute", &facts("{}"))),
        ("cost of minus one cycle", odd("compute", &cost("{\"busy_cycles\": 18446744073709551615}"))),
        ("event that is not described", odd("compute", &cost("{\"events\": [3, 0, 0, 0, 0, 0, 0, 0]}"))),
        (
            "traffic that a DMA causes",
            odd(
                "dma",
                "facts = '''{\"read_bytes_per_cycle\": 8, \"write_bytes_per_cycle\": 8}''', cost = '''{\"weight_read_bytes\": 9}'''",
            ),
        ),
        (
            "module that refuses a row",
            odd("compute", "facts = '''{\"primitives\": [\"conv\", \"dense\"]}''', cost = \"refuses\""),
        ),
        (
            "memory that costs minus one cycle",
            memory_but("clock_khz", "1000").replacen(
                "facts =",
                "cycles = \"18446744073709551615\", facts =",
                1,
            ),
        ),
        ("memory without clock", memory_but("clock_khz", "0")),
        ("memory without channels", memory_but("channels", "0")),
        ("memory without rows", memory_but("row_bytes", "0")),
        ("memory of too many banks", memory_but("banks_per_rank", "1000000")),
        ("memory of negative power", memory_but("background_mw", "-3.0")),
        ("memory too small", memory_but("capacity_bytes", "1000")),
        (
            "operation that nothing runs",
            changed("codebench/pooling-unit", "codebench/softmax-unit").replacen(
                "parameters = { pib = \"$pib\", pix = \"$pix\", piy = \"$piy\" }",
                "parameters = {}",
                1,
            ),
        ),
        (
            "buffer too small",
            changed("tile = \"auto\"", "tile = { batch = 0, y = 0, x = 0, in = 0, out = 0 }").replacen(
                "activation_buffer_mb = 12",
                "activation_buffer_mb = 0.0078125",
                1,
            ),
        ),
    ]
}

fn workload(catalog: &Catalog, name: &str, side: u64) -> Workload {
    let network = named::find_for_image(name, side).unwrap();
    let language = Language::new(catalog).unwrap();
    language.lower(&network.graph, TensorShape::new(3, side, side), 10).unwrap().workload
}

fn run(catalog: &Catalog, text: &str, workload: &Workload) -> Result<u64, CycleError> {
    let description: AcceleratorDescription =
        toml::from_str(text).map_err(|e| CycleError::Description(e.to_string()))?;
    let machine = Machine::resolve(&description, catalog)?;
    let (report, _) = evaluate(&machine, workload, &Sparsity::Paper, Options::default())?;
    Ok(report.total_cycles)
}

#[test]
fn every_mistake_is_explained() {
    let catalog = catalog();
    let workload = workload(&catalog, "resnet18", 32);
    let mut text = String::new();
    for (name, accelerator) in cases() {
        match run(&catalog, &accelerator, &workload) {
            Ok(cycles) => panic!("{name}: accepted, {cycles} cycles"),
            Err(error) => text.push_str(&format!("{name} [{}]: {error}\n", error.code())),
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/cycle_errors.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(path).unwrap_or_default();
    for (ours, golden) in text.lines().zip(golden.lines()) {
        assert_eq!(ours, golden, "BLESS=1 accepts it");
    }
    assert_eq!(text, golden, "BLESS=1 accepts it");
}

#[test]
fn a_tile_larger_than_the_tensor_is_the_whole_tensor() {
    let catalog = catalog();
    let workload = workload(&catalog, "resnet18", 32);
    let of = |tile: &str| run(&catalog, &changed("tile = \"auto\"", tile), &workload).unwrap();
    let whole = of("tile = { batch = 0, y = 0, x = 0, in = 0, out = 0 }");
    assert_eq!(
        of("tile = { batch = 9, y = 1000, x = 1000, in = 100000, out = 18446744073709551615 }"),
        whole
    );
}

/// A chain of 1 x 1 convolutions that keep the channels.
fn convolutions(channels: u64, side: u64, count: usize) -> Workload {
    let shape = TensorShape::new(channels, side, side);
    let layer = |index: usize| Layer {
        name: format!("l{index}"),
        module: 0,
        vertex: index,
        primitive: Primitive::Conv {
            in_channels: channels,
            out_channels: channels,
            kernel: [1, 1],
            stride: [1, 1],
            padding: Padding::default(),
            dilation: [1, 1],
            groups: 1,
            bias: false,
        },
        inputs: vec![index],
        output: index + 1,
        weights: Vec::new(),
        macs: 0,
        parameters: 0,
    };
    Workload {
        v: 1,
        tensors: vec![shape; count + 1],
        input: 0,
        output: count,
        layers: (0..count).map(layer).collect(),
    }
}

/// Tiles that are too small are refused before they are followed, with what would help.
#[test]
fn too_many_tiles_are_refused_at_once() {
    let catalog = catalog();
    let refused = |tile: &str, replaced: (&str, &str), workload: &Workload| {
        let text = changed("tile = \"auto\"", tile).replacen(replaced.0, replaced.1, 1);
        run(&catalog, &text, workload).unwrap_err().to_string()
    };
    let same = ("word", "word");
    let one = refused("tile = { in = 1, out = 1 }", same, &convolutions(1025, 1, 1));
    assert!(
        one.contains("1050625 blocks of input and output channels") && one.contains("give larger tiles"),
        "{one}"
    );
    let all = refused("tile = { in = 1, out = 1 }", same, &convolutions(1000, 1, 3));
    assert!(all.contains("3000000 blocks of channels: at most 2097152"), "{all}");
    let small = ("weight_buffer_mb = 24", "weight_buffer_mb = 0.00002");
    let automatic = refused("tile = \"auto\"", small, &convolutions(8192, 1, 1));
    assert!(automatic.contains("blocks of") && automatic.contains("give larger buffers"), "{automatic}");
    // Activations that do not stay on chip: every pixel would be followed.
    let small = ("activation_buffer_mb = 12", "activation_buffer_mb = 0.03125");
    let tasks = refused("tile = { y = 1, x = 1, in = 1, out = 1 }", small, &convolutions(1000, 64, 1));
    assert!(tasks.contains("the number of tasks that are followed one by one is too large"), "{tasks}");
}

/// 10^18 multiplications and more: an error or the right number, never a wrapped one.
#[test]
fn huge_workloads_are_right_or_refused() {
    let catalog = catalog();
    let mut answers = Vec::new();
    let endless = memory_but("capacity_bytes", "1000000000000000000").replacen(
        "batch = \"$batch\"",
        "batch = 1048576",
        1,
    );
    for (channels, side, accelerator) in [
        (1 << 14, 1 << 6, endless),
        (1 << 15, 1 << 15, paper()),
        (1 << 20, 1 << 20, paper()),
        (1 << 30, 1 << 30, paper()),
    ] {
        let workload = convolutions(channels, side, 1);
        let description = toml::from_str(&accelerator).unwrap();
        let machine = Machine::resolve(&description, &catalog).unwrap();
        answers.push(match evaluate(&machine, &workload, &Sparsity::Dense, Options::default()) {
            Ok((report, _)) => {
                let macs = report.cycle.unwrap().layers[0].macs;
                let each = u128::from(channels).pow(2) * u128::from(side).pow(2);
                assert_eq!(u128::from(macs), each * u128::from(machine.batch));
                assert!(macs > 1_000_000_000_000_000_000, "{macs}");
                "right"
            }
            Err(CycleError::Infeasible(_)) => "infeasible",
            Err(CycleError::TooLarge { .. }) => "too large",
            Err(CycleError::Layer { .. }) => "too many tiles",
            Err(error) => panic!("{channels} x {side} x {side}: {error}"),
        });
    }
    println!("{answers:?}");
    assert!(answers.contains(&"right") && answers.contains(&"infeasible"), "{answers:?}");
}
