use crate::{Case, ID, all_noticed, passes};
use codebench_api::{
    ChannelRequest, CnnOp, Entry, Kind, LowerRequest, LoweredNode, LoweredOp, Maker, NodeInput, PluginError,
    PluginInfo,
};
use codebench_conformance::Status::{Crashed, Failed};
use codebench_model::{Padding, Primitive};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// `fold`: a convolution of one pixel to the default channels.
struct Fake {
    channels: Channels,
    lower: Lower,
    seen: Seen,
}

/// What a fault may depend on.
struct Seen {
    calls: AtomicU64,
    running: AtomicU64,
    instance: u64,
}

type Channels = fn(&ChannelRequest, u64) -> Result<u64, PluginError>;
type Lower = fn(&LowerRequest, LoweredOp, &Seen) -> Result<LoweredOp, PluginError>;

static INSTANCES: AtomicU64 = AtomicU64::new(0);

fn nothing_behind(arguments: &str) -> Result<(), PluginError> {
    match arguments {
        "" => Ok(()),
        other => {
            Err(PluginError::invalid(format!("`{other}` behind `fold`: it takes nothing; leave it out")))
        }
    }
}

fn conv(in_channels: u64, out_channels: u64) -> Primitive {
    Primitive::Conv {
        in_channels,
        out_channels,
        kernel: [1, 1],
        stride: [1, 1],
        padding: Padding::default(),
        dilation: [1, 1],
        groups: 1,
        bias: true,
    }
}

impl CnnOp for Fake {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        nothing_behind(&request.arguments)?;
        (self.channels)(request, request.context.default_channels)
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        self.seen.running.fetch_add(1, Ordering::SeqCst);
        let sound =
            LoweredOp::chain([("conv", conv(request.input.channels, request.context.default_channels))]);
        let checked = nothing_behind(&request.arguments).map(|()| sound.clone());
        let answer = match checked {
            // A fault may also accept what is to be refused.
            Err(e) if request.arguments.is_empty() => Err(e),
            Err(e) => (self.lower)(request, LoweredOp { nodes: Vec::new() }, &self.seen).and(Err(e)),
            Ok(sound) => (self.lower)(request, sound, &self.seen),
        };
        self.seen.calls.fetch_add(1, Ordering::SeqCst);
        self.seen.running.fetch_sub(1, Ordering::SeqCst);
        answer
    }
}

fn fake(channels: Channels, lower: Lower) -> Entry {
    let info = PluginInfo::new(ID, "0.1.0", "A fold.").keywords(&["fold"]).example("a fold", "fold");
    let make = move |_: &codebench_api::Configuration<'_>| {
        let zero = || AtomicU64::new(0);
        let seen =
            Seen { calls: zero(), running: zero(), instance: INSTANCES.fetch_add(1, Ordering::Relaxed) };
        Ok(Box::new(Fake { channels, lower, seen }) as Box<dyn CnnOp>)
    };
    crate::entry(info, Maker::CnnOp(Arc::new(make)))
}

fn lower(change: Lower) -> Entry {
    fake(|_, c| Ok(c), change)
}

fn named(name: &str, inputs: Vec<NodeInput>) -> LoweredNode {
    LoweredNode { name: name.into(), primitive: Primitive::Softmax, inputs }
}

#[test]
fn a_sound_op_passes() {
    passes(lower(|_, op, _| Ok(op)));
}

#[test]
fn every_check_can_fail() {
    fn with(mut op: LoweredOp, node: LoweredNode) -> Result<LoweredOp, PluginError> {
        op.nodes.push(node);
        Ok(op)
    }
    let cases: Vec<Case> = vec![
        (lower(|_, _, _| Err(PluginError::infeasible("never"))), "labels", Failed, "lowers on none"),
        (
            lower(|_, op, _| with(op, named("Conv", vec![NodeInput::Node(0)]))),
            "lowering",
            Failed,
            "node name `Conv`",
        ),
        (
            lower(|_, op, _| with(op, named("conv", vec![NodeInput::Node(0)]))),
            "lowering",
            Failed,
            "two nodes",
        ),
        (
            lower(|_, op, _| with(op, named("a", vec![NodeInput::Node(1)]))),
            "lowering",
            Failed,
            "node 1 reads node 1",
        ),
        (lower(|_, op, _| with(op, named("a", vec![]))), "lowering", Failed, "reads nothing"),
        (fake(|_, c| Ok(c + 1), |_, op, _| Ok(op)), "lowering", Failed, "after promising"),
        (
            fake(|_, _| Err(PluginError::invalid("no")), |_, op, _| Ok(op)),
            "lowering",
            Failed,
            "channels are refused",
        ),
        (
            lower(|r, op, _| if r.input.channels == 1 { Err(PluginError::failed("one")) } else { Ok(op) }),
            "lowering",
            Failed,
            "is refused as Failed",
        ),
        (
            lower(|r, op, _| {
                assert!(r.input.channels > 1);
                Ok(op)
            }),
            "lowering",
            Crashed,
            "panicked",
        ),
        (
            lower(|r, op, _| match r.arguments.as_str() {
                "" => Ok(op),
                _ => Err(PluginError::invalid("no")),
            }),
            "label-refusal",
            Failed,
            "quotes no part",
        ),
        (
            lower(|r, op, _| match r.arguments.as_str() {
                "" => Ok(op),
                other => Err(PluginError::failed(format!("`{other}`"))),
            }),
            "label-refusal",
            Failed,
            "instead of Invalid",
        ),
        (
            lower(|_, mut op, s| {
                op.nodes.iter_mut().for_each(|n| n.name = format!("conv{}", s.instance));
                Ok(op)
            }),
            "determinism",
            Failed,
            "a fresh instance",
        ),
        (
            lower(|_, mut op, s| {
                op.nodes.iter_mut().for_each(|n| n.name = format!("conv{}", s.calls.load(Ordering::SeqCst)));
                Ok(op)
            }),
            "purity",
            Failed,
            "in another order",
        ),
        (
            fake(
                |r, _| Ok(1 + 100 / r.input_channels),
                |r, _, _| {
                    Ok(LoweredOp::chain([(
                        "conv",
                        conv(r.input.channels, 1 + 10_000 / (r.input.channels * r.input.channels)),
                    )]))
                },
            ),
            "monotonicity",
            Failed,
            "MACs",
        ),
        (
            lower(|_, mut op, s| {
                std::thread::sleep(std::time::Duration::from_micros(200));
                let name = if s.running.load(Ordering::SeqCst) > 1 { "busy" } else { "conv" };
                op.nodes.iter_mut().for_each(|n| n.name = name.into());
                Ok(op)
            }),
            "threads",
            Failed,
            "several threads",
        ),
    ];
    all_noticed(Kind::CnnOp, cases);
}
