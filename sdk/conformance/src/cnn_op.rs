//! The suite of `cnn-op`.

use crate::check::{Check, Finding, Verdict, ensure, failed, skipped};
use crate::common::examples::keyword_of;
use crate::rows;
use crate::subject::{Shown, Subject};
use codebench_api::{
    ChannelRequest, CnnOp, ErrorKind, LowerContext, LowerRequest, LoweredOp, NodeInput, PluginError,
    Semantics,
};
use codebench_model::{Parameters, Primitive, TensorShape};
use codebench_space::Rng;
use std::collections::BTreeSet;

pub(crate) const CHECKS: &[Check] = &[
    Check {
        name: "labels",
        promise: "Every example is understood: it lowers on at least one input.",
        run: labels,
    },
    Check {
        name: "lowering",
        promise: "Nodes have unique names, read earlier nodes, fit each other; channels are those promised before.",
        run: lowering,
    },
    Check {
        name: "label-refusal",
        promise: "A label that is not understood is refused as invalid, and the message quotes the part.",
        run: refusal,
    },
    Check { name: "determinism", promise: "A fresh instance gives the same answers.", run: determinism },
    Check {
        name: "purity",
        promise: "Neither the order of calls nor repetition changes an answer.",
        run: purity,
    },
    Check {
        name: "monotonicity",
        promise: "A larger input never costs fewer multiply-accumulates.",
        run: monotonicity,
    },
    Check { name: "threads", promise: "Several threads at once get the answers of one.", run: threads },
];

type Answer = (Result<u64, PluginError>, Result<LoweredOp, PluginError>);

fn make(subject: &Subject<'_>, parameters: &Parameters) -> Result<Box<dyn CnnOp>, Finding> {
    match subject.catalog.cnn_op(subject.id(), parameters) {
        Ok(op) => Ok(op),
        Err(e) => failed(format!("with {} it cannot be made: {e}", Shown(parameters))),
    }
}

/// Requests for every example on inputs of many shapes, by example.
fn requests(subject: &Subject<'_>, rng: &mut Rng) -> Result<Vec<(String, Vec<LowerRequest>)>, Finding> {
    let info = &subject.entry.info;
    let mut all = Vec::new();
    for example in &info.examples {
        let Some((keyword, arguments)) = keyword_of(info, &example.text) else { continue };
        let drawn = inputs(rng).into_iter().map(|input| LowerRequest {
            keyword: keyword.to_owned(),
            arguments: arguments.to_owned(),
            input,
            context: LowerContext {
                default_channels: [16, 48, 64][rng.index(3)],
                classes: [2, 10, 1000][rng.index(3)],
                image: TensorShape::new(3, 32, 32),
                semantics: [Semantics::Published, Semantics::Explicit][rng.index(2)],
            },
        });
        all.push((example.text.clone(), drawn.collect()));
    }
    if all.is_empty() { skipped("the description has no examples to lower") } else { Ok(all) }
}

fn inputs(rng: &mut Rng) -> Vec<TensorShape> {
    let mut shapes =
        vec![TensorShape::new(512, 1, 1), TensorShape::new(1, 1, 1), TensorShape::new(64, 32, 32)];
    for _ in 0..24 {
        let extent = [1, 2, 7, 8, 17, 32, 56, 224];
        let channels = [1, 3, 4, 16, 24, 64, 96, 256];
        let mut pick = |of: &[u64]| of[rng.index(of.len())];
        shapes.push(TensorShape::new(pick(&channels), pick(&extent), pick(&extent)));
    }
    shapes
}

fn channels_of(request: &LowerRequest) -> ChannelRequest {
    ChannelRequest {
        keyword: request.keyword.clone(),
        arguments: request.arguments.clone(),
        input_channels: request.input.channels,
        context: request.context.clone(),
    }
}

fn ask(op: &dyn CnnOp, request: &LowerRequest) -> Answer {
    (op.output_channels(&channels_of(request)), op.lower(request))
}

/// Output shape and multiply-accumulates, or why the primitives do not fit the input.
fn measure(op: &LoweredOp, input: TensorShape) -> Result<(TensorShape, u64), String> {
    let (mut shapes, mut macs) = (Vec::<TensorShape>::new(), 0u64);
    for node in &op.nodes {
        let mut inputs = Vec::new();
        for source in &node.inputs {
            inputs.push(match source {
                NodeInput::Input => input,
                NodeInput::Node(i) => {
                    *shapes.get(*i).ok_or_else(|| format!("node {i} is no earlier node"))?
                }
            });
        }
        let shape = node.primitive.output_shape(&inputs).map_err(|e| e.to_string())?;
        let own = node.primitive.mac_count(shape).ok_or("multiply-accumulates overflow")?;
        macs = macs.checked_add(own).ok_or("multiply-accumulates overflow")?;
        shapes.push(shape);
    }
    Ok((shapes.last().copied().unwrap_or(input), macs))
}

fn each(
    subject: &Subject<'_>,
    rng: &mut Rng,
    mut check: impl FnMut(&dyn CnnOp, &Parameters, &str, &[LowerRequest]) -> Verdict,
) -> Verdict {
    let requests = requests(subject, rng)?;
    for (parameters, op) in
        subject.instances(subject.drawn(rng, 4)?, |p| subject.catalog.cnn_op(subject.id(), p))?
    {
        for (label, requests) in &requests {
            check(op.as_ref(), &parameters, label, requests)?;
        }
    }
    Ok(())
}

fn labels(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |op, parameters, label, requests| {
        let mut last = String::new();
        for request in requests {
            match op.lower(request).map_err(|e| e.to_string()).and_then(|o| measure(&o, request.input)) {
                Ok(_) => return Ok(()),
                Err(e) => last = format!("on {}: {e}", request.input),
            }
        }
        failed(format!(
            "example `{label}` lowers on none of {} inputs, with {}: {last}",
            requests.len(),
            Shown(parameters)
        ))
    })
}

fn lowering(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |op, _, label, requests| {
        for request in requests {
            let (channels, lowered) = ask(op, request);
            let place = || format!("`{label}` on {}", request.input);
            let lowered = match lowered {
                Ok(lowered) => lowered,
                Err(e) => {
                    ensure(
                        matches!(e.kind, ErrorKind::Invalid | ErrorKind::Infeasible) && !e.message.is_empty(),
                        || {
                            format!(
                                "{} is refused as {:?} ({e:?}): refuse it as Infeasible and say why",
                                place(),
                                e.kind
                            )
                        },
                    )?;
                    continue;
                }
            };
            structure(&lowered).map_err(|e| Finding::Failed(format!("{}: {e}", place())))?;
            let Ok((shape, _)) = measure(&lowered, request.input) else { continue };
            let flattens = lowered.nodes.iter().any(|n| n.primitive == Primitive::Flatten);
            match channels {
                Ok(promised) => ensure(flattens || promised == shape.channels, || {
                    format!("{} gives {} channels after promising {promised}", place(), shape.channels)
                })?,
                Err(e) => return failed(format!("{} lowers, but its channels are refused: {e}", place())),
            }
        }
        Ok(())
    })
}

fn structure(op: &LoweredOp) -> Result<(), String> {
    let mut names = BTreeSet::new();
    for (i, node) in op.nodes.iter().enumerate() {
        let name = &node.name;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(format!("node name `{name}`: write lower case letters, digits and underscores"));
        }
        if !names.insert(name) {
            return Err(format!("two nodes are named `{name}`"));
        }
        if let Some(NodeInput::Node(later)) =
            node.inputs.iter().find(|input| matches!(input, NodeInput::Node(j) if *j >= i))
        {
            return Err(format!("node {i} reads node {later}: nodes stand in topological order"));
        }
        if node.inputs.is_empty() {
            return Err(format!("node `{name}` reads nothing"));
        }
    }
    Ok(())
}

fn refusal(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    let garbage = [
        "-conformance",
        "-zz9",
        "-c99999999999999999999",
        "-\u{e9}\u{1f600}",
        "--",
        "99999999999999999999x1",
    ];
    each(subject, rng, |op, _, label, requests| {
        let Some(good) = requests.first() else { return Ok(()) };
        for part in garbage {
            let request = LowerRequest { arguments: format!("{}{part}", good.arguments), ..good.clone() };
            let (channels, lowered) = ask(op, &request);
            let refusals = [channels.map(drop).err(), lowered.map(drop).err()];
            // Which of the parts is at fault, the op decides.
            let parts: Vec<&str> = request.arguments.split('-').filter(|p| !p.is_empty()).collect();
            for refusal in refusals {
                match refusal {
                    None => {
                        return failed(format!("`{label}{part}` is accepted: refuse what is not understood"));
                    }
                    Some(e) if e.kind != ErrorKind::Invalid => {
                        return failed(format!(
                            "`{label}{part}` is refused as {:?} instead of Invalid: {e}",
                            e.kind
                        ));
                    }
                    Some(e) => ensure(parts.iter().any(|p| e.message.contains(p)) || part == "--", || {
                        format!("`{label}{part}` is refused with {:?}, which quotes no part of it", e.message)
                    })?,
                }
            }
        }
        Ok(())
    })
}

fn determinism(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |op, parameters, label, requests| {
        let fresh = make(subject, parameters)?;
        for request in requests {
            ensure(ask(op, request) == ask(fresh.as_ref(), request), || {
                format!("a fresh instance answers `{label}` on {} otherwise", request.input)
            })?;
        }
        Ok(())
    })
}

fn purity(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |op, _, label, requests| {
        let expected: Vec<Answer> = requests.iter().map(|r| ask(op, r)).collect();
        for (request, expected) in requests.iter().zip(&expected).rev() {
            // Lowering first, channels after it.
            let lowered = op.lower(request);
            let answer = (op.output_channels(&channels_of(request)), lowered);
            ensure(answer == *expected, || {
                format!("`{label}` on {} is answered otherwise in another order of calls", request.input)
            })?;
        }
        Ok(())
    })
}

fn monotonicity(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |op, _, label, requests| {
        for request in requests {
            let TensorShape { channels, height, width } = request.input;
            let small = op.lower(request).ok().and_then(|o| measure(&o, request.input).ok());
            for larger in [
                TensorShape::new(channels * 2, height, width),
                TensorShape::new(channels, height * 2, width),
                TensorShape::new(channels, height, width * 2),
            ] {
                let wider = LowerRequest { input: larger, ..request.clone() };
                let large = op.lower(&wider).ok().and_then(|o| measure(&o, larger).ok());
                if let (Some((_, small)), Some((_, large))) = (small, large) {
                    ensure(large >= small, || {
                        format!("`{label}` costs {small} MACs on {}, but {large} on {larger}", request.input)
                    })?;
                }
            }
        }
        Ok(())
    })
}

fn threads(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |op, _, label, requests| {
        let answer = || Ok(requests.iter().map(|r| ask(op, r)).collect::<Vec<_>>());
        rows::threads(&answer, &format!("answers for `{label}`"))
    })
}
