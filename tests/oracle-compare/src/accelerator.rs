//! Random accelerators, of stubs or of the paper's modules.

use crate::case::Style;
use crate::{Random, StubMemory, StubModule};
use codebench_api::{AccelModule as _, Catalog, Entry, Form, Maker, PluginInfo};
use codebench_model::hardware::Count;
use codebench_model::{
    AcceleratorDescription, Activation, DescribedModule, HardwareContext, LoopPolicy, ModuleFacts,
    ParameterValue, Parameters, PrimitiveKind, Role, TilePolicy, WordFormat,
};
use codebench_oracle::Accelerator;
use std::sync::Arc;

/// An accelerator as a description and the catalogue of its plugins, from which both simulators make their modules.
#[derive(Debug, Clone)]
pub struct Machine {
    /// What a user would write.
    pub description: AcceleratorDescription,
    stubs: Vec<StubModule>,
    memory: Option<StubMemory>,
}

const ACTIVATIONS: [Activation; 3] = [Activation::Relu, Activation::Silu, Activation::Sigmoid];

/// A module of one of the roles that run layers.
fn runner(random: &mut Random, role: Role, kinds: &[PrimitiveKind]) -> (Role, StubModule) {
    let slow = random.pick(&[8, 24, 64]);
    let skips = role == Role::Compute && random.chance(60);
    let facts = ModuleFacts {
        primitives: kinds.to_vec(),
        activations: ACTIVATIONS.to_vec(),
        peak_macs_per_cycle: 16,
        skips_zero_activations: skips && random.chance(70),
        skips_zero_weights: skips && random.chance(70),
        ..ModuleFacts::default()
    };
    (role, StubModule::random(random, facts, slow))
}

fn plain(random: &mut Random, role: Role, capacity_bytes: u64) -> (Role, StubModule) {
    let facts = ModuleFacts {
        capacity_bytes,
        read_bytes_per_cycle: 16,
        write_bytes_per_cycle: 16,
        ..ModuleFacts::default()
    };
    let slow = random.pick(&[4, 16, 48]);
    (role, StubModule::random(random, facts, slow))
}

fn small_capacity(random: &mut Random) -> u64 {
    random.pick(&[64, 64, 64, 200, 500, 2000])
}

/// Vector modules and a second array, so that a layer may have the choice.
fn runners(random: &mut Random, modules: &mut Vec<(Role, StubModule)>) {
    use PrimitiveKind::{Activation, Add, BatchNorm, Conv, Dense, MaxPool};
    modules.push(runner(random, Role::Compute, &[Conv, Dense]));
    if random.chance(30) {
        let kinds = random.pick(&[vec![Dense], vec![Add, Conv], vec![MaxPool]]);
        modules.push(runner(random, Role::Compute, &kinds));
    }
    let fused = [BatchNorm, Activation, Add];
    let mut rest = PrimitiveKind::ALL.to_vec();
    rest.retain(|kind| !fused.contains(kind) && !matches!(kind, Conv | Dense));
    modules.push(runner(random, Role::Vector, &rest));
    if random.chance(50) {
        modules.push(runner(random, Role::Vector, &fused));
    } else {
        fused.iter().for_each(|kind| modules.push(runner(random, Role::Vector, &[*kind])));
    }
}

fn stubs(random: &mut Random) -> Vec<(Role, StubModule)> {
    let mut modules = Vec::new();
    for role in [Role::ActivationBuffer, Role::WeightBuffer, Role::MaskBuffer] {
        if role != Role::MaskBuffer || random.chance(50) {
            let bytes = small_capacity(random);
            modules.push(plain(random, role, bytes));
        }
    }
    for _ in 0..random.from(1, 2) {
        modules.push(plain(random, Role::Dma, 0));
    }
    for role in [Role::Dataflow, Role::Dataflow, Role::PreSparsity, Role::PostSparsity] {
        if random.chance(40) {
            modules.push(plain(random, role, 0));
        }
    }
    runners(random, &mut modules);
    let skips = |(_, stub): &(Role, StubModule)| {
        let facts = stub.facts();
        facts.skips_zero_activations || facts.skips_zero_weights
    };
    if modules.iter().any(skips) {
        // What skipping needs.
        for role in [Role::MaskBuffer, Role::PreSparsity] {
            if !modules.iter().any(|(known, _)| *known == role) {
                let bytes = if role == Role::MaskBuffer { small_capacity(random) } else { 0 };
                modules.push(plain(random, role, bytes));
            }
        }
    }
    random.shuffle(&mut modules);
    modules
}

fn described(role: Role, plugin: String) -> DescribedModule {
    DescribedModule { role, plugin, parameters: Parameters::new() }
}

fn description(random: &mut Random, module: Vec<DescribedModule>) -> AcceleratorDescription {
    let bits = random.pick(&[1, 8, 13, 16, 20, 32, 64]);
    AcceleratorDescription {
        name: "random".into(),
        clock_mhz: random.pick(&[500.0, 700.0, 1000.0, 333.333, 40.0]),
        batch: Count::Number(random.from(1, 4)),
        word: WordFormat { integer_bits: 1, fraction_bits: bits - 1 },
        tile: TilePolicy::Auto,
        loop_order: LoopPolicy::Auto,
        double_buffer: random.chance(75),
        parameters: Parameters::new(),
        module,
    }
}

fn stub_entry(id: String, maker: Maker) -> Entry {
    let info = PluginInfo::new(&id, "0.1.0", "A random module.");
    Entry { info, maker, source: "the comparison".into(), form: Form::BuiltIn, sha256: None }
}

impl Machine {
    /// A random accelerator; its buffers are small and may have to grow.
    pub(crate) fn random(random: &mut Random, style: Style) -> Self {
        let mut machine =
            if random.chance(20) { Machine::of_the_paper(random) } else { Machine::of_stubs(random) };
        if style == Style::Batched {
            machine.description.batch = Count::Number(random.from(5, 40));
        }
        machine
    }

    /// An accelerator of the paper's modules, as a user describes it.
    pub fn described(description: AcceleratorDescription) -> Self {
        Machine { description, stubs: Vec::new(), memory: None }
    }

    fn of_stubs(random: &mut Random) -> Self {
        let stubs = stubs(random);
        let memory_khz = random.pick(&[500_000, 800_000, 1_200_000, 266_667, 3_200_000]);
        let memory = StubMemory::random(random, memory_khz);
        let place = |(n, (role, _)): (usize, &(Role, _))| described(*role, format!("test/module{n}"));
        let mut module: Vec<DescribedModule> = stubs.iter().enumerate().map(place).collect();
        let at = random.from(0, module.len() as u64) as usize;
        module.insert(at, described(Role::Memory, "test/memory".into()));
        let description = description(random, module);
        Machine {
            description,
            stubs: stubs.into_iter().map(|(_, stub)| stub).collect(),
            memory: Some(memory),
        }
    }

    fn of_the_paper(random: &mut Random) -> Self {
        let mut ids = vec![
            (Role::ActivationBuffer, "activation-buffer"),
            (Role::WeightBuffer, "weight-buffer"),
            (Role::Dma, "dma"),
            (Role::Dataflow, "dataflow-control"),
            (Role::Dataflow, "im2col"),
            (Role::Dataflow, "fifo"),
            (Role::Compute, "mac-lanes"),
            (Role::Vector, "batch-norm-unit"),
            (Role::Vector, "activation-unit"),
            (Role::Vector, "elementwise-unit"),
            (Role::Vector, "pooling-unit"),
            (Role::Vector, "global-average-pool-unit"),
            (Role::Vector, "upsample-unit"),
            (Role::Vector, "shuffle-unit"),
            (Role::Vector, "local-response-norm-unit"),
            (Role::Vector, "softmax-unit"),
        ];
        ids.push((Role::Memory, random.pick(&["rram", "rram-off-chip", "dram", "hbm"])));
        let masks = random.chance(60);
        if masks {
            ids.push((Role::MaskBuffer, "mask-buffer"));
            ids.push((Role::PreSparsity, "pre-sparsity"));
            ids.push((Role::PostSparsity, "post-sparsity"));
        }
        let catalog = Machine::paper();
        let mut module = Vec::new();
        let extents: Vec<(&str, i64)> =
            ["pib", "pif", "pix", "piy", "pof", "pkx", "pky", "banks", "ranks", "channels"]
                .map(|name| (name, random.from(1, 3) as i64))
                .to_vec();
        for (role, name) in ids {
            let mut made = described(role, format!("codebench/{name}"));
            let known =
                catalog.get(&made.plugin).map(|entry| entry.info.parameters.clone()).unwrap_or_default();
            for (extent, value) in &extents {
                if known.iter().any(|parameter| parameter.name == *extent) {
                    made.parameters.insert((*extent).into(), ParameterValue::Integer(*value));
                }
            }
            if name == "mac-lanes" {
                made.parameters.insert("skip_zeros".into(), ParameterValue::Boolean(masks));
            }
            if known.iter().any(|parameter| parameter.name == "size_mb") {
                made.parameters.insert("size_mb".into(), megabytes(small_capacity(random)));
            }
            module.push(made);
        }
        Machine::described(description(random, module))
    }

    fn paper() -> Catalog {
        let mut catalog = Catalog::default();
        // Ids of one crate are distinct.
        let _ = catalog.add_all("accelbench", codebench_accelbench::PLUGINS);
        catalog
    }

    /// The plugins that the description names.
    pub fn catalog(&self) -> Catalog {
        let mut catalog = if self.memory.is_none() { Machine::paper() } else { Catalog::default() };
        for (n, stub) in self.stubs.iter().enumerate() {
            let stub = stub.clone();
            let maker = Maker::AccelModule(Arc::new(move |_| Ok(Box::new(stub.clone()))));
            let _ = catalog.add(stub_entry(format!("test/module{n}"), maker));
        }
        if let Some(memory) = self.memory.clone() {
            let maker = Maker::Memory(Arc::new(move |_| Ok(Box::new(memory.clone()))));
            let _ = catalog.add(stub_entry("test/memory".into(), maker));
        }
        catalog
    }

    /// Images per inference.
    pub fn batch(&self) -> u64 {
        match self.description.batch {
            Count::Number(images) => images,
            Count::Reference(_) => 1,
        }
    }

    /// The oracle's form of it; an error tells which module could not be made.
    pub fn for_oracle(&self) -> Result<Accelerator, String> {
        let description = &self.description;
        let clock_khz = (description.clock_mhz * 1e3).round() as u64;
        let word_bits = description.word.integer_bits + description.word.fraction_bits;
        let hardware = HardwareContext { clock_khz, word_bits };
        let catalog = self.catalog();
        let (mut memory, mut modules) = (None, Vec::new());
        for module in &description.module {
            let value = |value: &ParameterValue| match value.as_str().and_then(|text| text.strip_prefix('$'))
            {
                Some(name) => description.parameters.get(name).unwrap_or(value).clone(),
                None => value.clone(),
            };
            let parameters: Parameters =
                module.parameters.iter().map(|(name, given)| (name.clone(), value(given))).collect();
            let plugin = match value(&ParameterValue::Text(module.plugin.clone())) {
                ParameterValue::Text(id) => id,
                other => return Err(format!("{other} is no plugin")),
            };
            let failed = |error| format!("{plugin}: {error}");
            if module.role == Role::Memory {
                memory = Some(catalog.memory(&plugin, &parameters, hardware).map_err(failed)?);
            } else {
                let made = catalog.accel_module(&plugin, &parameters, hardware);
                modules.push((module.role, made.map_err(failed)?));
            }
        }
        let memory = memory.ok_or("no memory")?;
        Ok(Accelerator { clock_khz, word_bits, double_buffer: description.double_buffer, memory, modules })
    }

    /// Makes a buffer larger.
    pub fn grow(&mut self, role: Role, need: u64) {
        for module in self.description.module.iter_mut().filter(|module| module.role == role) {
            let number = module.plugin.strip_prefix("test/module").and_then(|n| n.parse::<usize>().ok());
            match number.and_then(|n| self.stubs.get_mut(n)) {
                Some(stub) => stub.facts.capacity_bytes = stub.facts.capacity_bytes.max(need),
                None => {
                    module.parameters.insert("size_mb".into(), megabytes(need));
                }
            }
        }
    }
}

fn megabytes(bytes: u64) -> ParameterValue {
    ParameterValue::Float(bytes as f64 / f64::from(1 << 20))
}
