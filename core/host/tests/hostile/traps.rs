//! Every export of every kind traps once: components of which one function does, generated from the contract.

use crate::cases::assert_golden;
use crate::guest::{data, limits, load, root, words};
use codebench_api::{
    Catalog, ChannelRequest, LowerContext, LowerRequest, PluginError, Reads, Semantics, StrategyContext,
    SurrogateContext,
};
use codebench_every_kind::ask::{job, space};
use codebench_host::wasm::pack;
use codebench_model::{
    DataSource, HardwareContext, Parameters, TensorShape, TileCost, TileWork, TransferCost, TransferProfile,
};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Function, Resolve, WorldItem};

const ID: &str = "evil/trap";

/// Addresses: 0 the made instance, 64 the manifest's list, 128 a text, 1024 the manifest, 2048 texts, 4096 facts of a memory, 8192
/// nothing but zeros, which is an empty answer of any type.
const ZEROS: u32 = 8192;

/// What a function does that does not trap.
fn body(function: &Function, kind: &str) -> String {
    match function.item_name() {
        "plugins" => "i32.const 64".into(),
        "create" => "(i32.store8 (i32.const 0) (i32.const 0)) (i32.store (i32.const 4) (call $new (i32.const 1))) i32.const 0".into(),
        "reads" => "i32.const 128".into(),
        "facts" if kind == "memory" => "i32.const 4096".into(),
        _ => format!("i32.const {ZEROS}"),
    }
}

fn types(name: &str, types: &[WasmType]) -> String {
    let one = |ty: &WasmType| match ty {
        WasmType::I64 | WasmType::PointerOrI64 => " i64",
        WasmType::F32 => " f32",
        WasmType::F64 => " f64",
        _ => " i32",
    };
    let all: String = types.iter().map(one).collect();
    if all.is_empty() { all } else { format!("({name}{all})") }
}

/// A component of one plugin of this kind, all of whose functions answer with nothing, but for the one that traps.
fn component(world: &str, kind: &str, trapping: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("sdk/wit/0.1.0")).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let reads = serde_json::to_string(&Reads::default()).unwrap();
    let mut text = format!(
        "(module (import \"[export]codebench:plugin/{kind}@0.1.0\" \"[resource-new]instance\" (func $new (param i32) (result i32)))\n\
         (memory (export \"memory\") 1)\n\
         (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) i32.const 16384)\n"
    );
    let (id, version) = ([2048, ID.len() as u32], [2100, 5]);
    let plugin = [id, [2120, kind.len() as u32], version, version, [0; 2], [0; 2], [0; 2], [0; 2]];
    for (at, bytes) in [
        (64, words([1024, 1])),
        (128, words([2200, reads.len() as u32])),
        (1024, words(plugin.into_iter().flatten())),
        (2048, ID.into()),
        (2100, "0.1.0".into()),
        (2120, kind.into()),
        (2200, reads.into()),
        (4096, words([1, 0].repeat(8))),
    ] {
        text += &data(at, &bytes);
    }
    for (_, export) in &resolve.worlds[world].exports {
        let WorldItem::Interface { id, .. } = export else { continue };
        let interface = resolve.id_of(*id).unwrap();
        for function in resolve.interfaces[*id].functions.values() {
            let name = function.legacy_core_export_name(Some(&interface)).into_owned();
            let signature = resolve.wasm_signature(AbiVariant::GuestExport, function);
            let (params, results) = (types("param", &signature.params), types("result", &signature.results));
            let does =
                if function.item_name() == trapping { "unreachable".into() } else { body(function, kind) };
            text += &format!("(func (export \"{name}\") {params} {results} {does})\n");
        }
    }
    let mut module = wat::parse_str(text.clone() + ")").unwrap_or_else(|e| panic!("{e}\n{text}"));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    pack(&module).unwrap()
}

/// What came of each function that the host called, in the order of its calls.
type Said = Vec<(&'static str, Option<PluginError>)>;

/// Making the plugin, which calls `create` and asks what never changes, and then every other function.
fn ask(catalog: &Catalog, kind: &str) -> Result<Said, PluginError> {
    let (none, hardware) = (Parameters::new(), HardwareContext::default());
    Ok(match kind {
        "accel-module" => {
            let module = catalog.accel_module(ID, &none, hardware)?;
            vec![("cost", module.cost(&[TileWork::default()], &mut [TileCost::default()]).err())]
        }
        "memory" => {
            let memory = catalog.memory(ID, &none, hardware)?;
            vec![("cost", memory.cost(&[TransferProfile::default()], &mut [TransferCost::default()]).err())]
        }
        "strategy" => {
            let context = StrategyContext { space: space(), seed: 1, objectives: 1 };
            let mut strategy = catalog.strategy(ID, &none, &context)?;
            vec![("ask", strategy.ask(1).err()), ("tell", strategy.tell(&[]).err())]
        }
        "surrogate" => {
            let context = SurrogateContext { seed: 1, inputs: 1, outputs: 1, blocks: Vec::new() };
            let mut surrogate = catalog.surrogate(ID, &none, &context)?;
            vec![
                ("fit", surrogate.fit(&[0.0], &[0.0]).err()),
                ("predict", surrogate.predict(&[0.0], 1).err()),
                ("gradient", surrogate.gradient(&[0.0], &[0.0; 3]).err()),
                ("hvp", surrogate.hvp(&[0.0], &[0.0], &[0.0; 3]).err()),
            ]
        }
        "cnn-op" => {
            let op = catalog.cnn_op(ID, &none)?;
            let input = TensorShape { channels: 1, height: 4, width: 4 };
            let context = LowerContext {
                default_channels: 1,
                classes: 2,
                image: input,
                semantics: Semantics::Explicit,
            };
            let (keyword, arguments) = (String::new(), String::new());
            let channels = ChannelRequest {
                keyword: keyword.clone(),
                arguments: arguments.clone(),
                input_channels: 1,
                context: context.clone(),
            };
            let lower = LowerRequest { keyword, arguments, input, context };
            vec![("output-channels", op.output_channels(&channels).err()), ("lower", op.lower(&lower).err())]
        }
        _ => {
            let evaluator = catalog.evaluator(ID, &none)?;
            let data = DataSource { id: "digits".into(), parameters: Parameters::new() };
            vec![
                ("evaluate", evaluator.evaluate(&job()).err()),
                ("data-shape", evaluator.data_shape(&data).and_then(Result::err)),
            ]
        }
    })
}

#[test]
fn a_trap_in_any_function_is_the_error_of_its_call() {
    let kinds: [(&str, &str, &[&str]); 6] = [
        ("accel-modules", "accel-module", &["create", "facts", "cost"]),
        ("memories", "memory", &["create", "facts", "cost"]),
        ("strategies", "strategy", &["create", "ask", "tell"]),
        ("surrogates", "surrogate", &["create", "differentiable", "fit", "predict", "gradient", "hvp"]),
        ("cnn-ops", "cnn-op", &["create", "output-channels", "lower"]),
        ("evaluators", "evaluator", &["create", "reads", "evaluate", "data-shape"]),
    ];
    let mut text = String::new();
    for (world, kind, functions) in kinds {
        let said = |trapping: &str| ask(&load(&component(world, kind, trapping), &limits()).unwrap(), kind);
        let sound = said("none").unwrap();
        for &function in functions {
            let trapped = match said(function) {
                Err(e) => e,
                // It is the error of this call, and of no other.
                Ok(said) => {
                    for ((asked, error), (_, sound)) in said.iter().zip(&sound) {
                        assert!(
                            *asked == function || error == sound,
                            "{kind}, {function}: {asked}: {error:?}"
                        );
                    }
                    said.into_iter().find(|(asked, _)| *asked == function).and_then(|(_, e)| e).unwrap()
                }
            };
            assert!(
                trapped.message.contains("it trapped (wasm trap: wasm `unreachable`"),
                "{kind}, {function}: {trapped}"
            );
            text += &format!("{kind}, {function}\n    {:?}: {trapped}\n", trapped.kind);
        }
        let refused = load(&component(world, kind, "plugins"), &limits()).err().unwrap();
        text += &format!("{kind}, plugins\n    {refused}\n");
    }
    assert_golden("hostile-traps.txt", &text);
}
