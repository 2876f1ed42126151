//! The operations of a catalogue, and lowering with them.

use crate::builder::{Builder, MAX_TENSOR_ELEMENTS, MAX_VERTICES, Place};
use crate::error::{CnnError, Fault, Location};
use crate::keyword::Keywords;
use crate::module::{Module, location};
use crate::ops::{ActivationUnits, Stream};
use crate::{explicit, released};
use codebench_api::{Catalog, ChannelRequest, CnnOp, Kind, LowerContext, LowerRequest, NodeInput, Semantics};
use codebench_model::{CnnGraph, Parameters, PublishedOps, TensorId, TensorShape, Workload};

/// A CNN lowered for the simulators and trainers, and for the released simulator.
#[derive(Debug, Clone, PartialEq)]
pub struct Lowered {
    /// Primitives with true shapes.
    pub workload: Workload,
    /// Operations with the shapes that the released simulator uses.
    pub published: PublishedOps,
}

/// Every cnn-op of a catalogue, made once.
pub struct Language {
    ops: Vec<Box<dyn CnnOp>>,
    ids: Vec<String>,
    keywords: Keywords,
}

impl std::fmt::Debug for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Language").field("keywords", &self.keywords).finish_non_exhaustive()
    }
}

impl Language {
    /// The language of all cnn-ops in `catalog`, with their default parameters.
    ///
    /// # Errors
    /// [`CnnError::Plugin`] if an op cannot be made.
    pub fn new(catalog: &Catalog) -> Result<Language, CnnError> {
        let mut language = Language { ops: Vec::new(), ids: Vec::new(), keywords: Keywords::default() };
        for entry in catalog.entries().filter(|e| e.kind() == Kind::CnnOp) {
            let op = catalog.cnn_op(&entry.info.id, &Parameters::new())?;
            let vendor = entry.info.id.split('/').next().unwrap_or_default();
            for keyword in &entry.info.keywords {
                language.keywords.insert(keyword, language.ops.len(), vendor);
            }
            language.ops.push(op);
            language.ids.push(entry.info.id.clone());
        }
        Ok(language)
    }

    /// Checks that `label` is one of the language, whatever its shapes.
    ///
    /// # Errors
    /// What is wrong with it, in one message.
    pub fn check_label(&self, label: &str) -> Result<(), String> {
        let context = LowerContext {
            default_channels: CnnGraph::standard_default_channels(),
            classes: 10,
            image: TensorShape::new(3, 32, 32),
            semantics: Semantics::Published,
        };
        self.output_channels(label, 128, &context).map(|_| ()).map_err(|fault| fault.message)
    }

    /// Lowers `cnn` for images of shape `input` and a number of classes.
    ///
    /// # Errors
    /// [`CnnError::Malformed`] for labels and edges that are wrong in themselves, [`CnnError::Infeasible`] for shapes
    /// that do not fit, both with the module, vertex and label.
    pub fn lower(&self, cnn: &CnnGraph, input: TensorShape, classes: u64) -> Result<Lowered, CnnError> {
        check_sizes(cnn, input, classes)?;
        let published = !cnn.modules.iter().any(|m| m.is_explicit());
        let mut lowering = Lowering {
            language: self,
            default_channels: cnn.default_channels,
            classes,
            builder: Builder::new(input),
            stream: Stream::default(),
            unused_parameters: 0,
        };
        let mut tensor = Builder::IMAGE;
        let mut expected = input.channels;
        for (index, module) in cnn.modules.iter().enumerate() {
            let is_head = index + 1 == cnn.modules.len();
            let names_join = module.is_explicit();
            let module = Module::new(index, module)
                .map_err(|(vertex, fault)| fault.at(location(index, &module.vertices, vertex)))?;
            // Beside an explicit module, a chain and the head need no joins to be explicit.
            let explicit = names_join || (!published && (is_head || module.is_chain()));
            tensor = if explicit {
                explicit::lower_module(&mut lowering, &module, tensor)?
            } else if is_head {
                released::lower_head(&mut lowering, &module, tensor, expected)?
            } else {
                released::lower_module(&mut lowering, &module, tensor, &mut expected)?
            };
            if explicit {
                expected = lowering.builder.shape(tensor).channels;
            }
        }
        lowering.finish(tensor, published)
    }

    pub(crate) fn output_channels(
        &self,
        label: &str,
        input_channels: u64,
        context: &LowerContext,
    ) -> Result<u64, Fault> {
        let parsed = self.keywords.parse(label)?;
        let request = ChannelRequest {
            keyword: parsed.keyword.to_owned(),
            arguments: parsed.arguments.to_owned(),
            input_channels,
            context: context.clone(),
        };
        Ok(self.op(parsed.op)?.output_channels(&request)?)
    }

    fn op(&self, index: usize) -> Result<&dyn CnnOp, Fault> {
        self.ops.get(index).map(|op| op.as_ref()).ok_or_else(|| Fault::malformed("unknown label"))
    }

    /// The id of the plugin that a label's keyword belongs to.
    pub fn plugin(&self, label: &str) -> Option<&str> {
        let parsed = self.keywords.parse(label).ok()?;
        self.ids.get(parsed.op).map(String::as_str)
    }

    /// The keyword of a label; empty if it has none.
    pub(crate) fn keyword<'a>(&self, label: &'a str) -> &'a str {
        self.keywords.parse(label).map_or("", |p| p.keyword)
    }
}

fn check_sizes(cnn: &CnnGraph, input: TensorShape, classes: u64) -> Result<(), CnnError> {
    let refuse = |what: String| Err(CnnError::Cnn(what));
    if cnn.modules.is_empty() {
        return refuse("the CNN has no modules; give at least a head".into());
    }
    let vertices: usize = cnn.modules.iter().map(|m| m.vertices.len()).sum();
    if vertices > MAX_VERTICES {
        return refuse(format!(
            "the CNN has {vertices} vertices; at most {MAX_VERTICES} are allowed: give fewer or smaller modules"
        ));
    }
    let too_large = input.elements().is_none_or(|n| n > MAX_TENSOR_ELEMENTS);
    if input.elements() == Some(0) || too_large {
        return refuse(format!(
            "an image of {input} (channels x rows x columns) is out of range; give 1 to {MAX_TENSOR_ELEMENTS} elements"
        ));
    }
    for (name, value) in [("classes", classes), ("default_channels", cnn.default_channels)] {
        if value == 0 || value > MAX_TENSOR_ELEMENTS {
            return refuse(format!("{name} = {value} is out of range; give 1 to {MAX_TENSOR_ELEMENTS}"));
        }
    }
    Ok(())
}

/// A CNN while it is lowered.
pub(crate) struct Lowering<'a> {
    pub(crate) language: &'a Language,
    default_channels: u64,
    classes: u64,
    pub(crate) builder: Builder,
    pub(crate) stream: Stream,
    /// Parameters of projections that the released code makes and never runs.
    pub(crate) unused_parameters: u64,
}

impl Lowering<'_> {
    pub(crate) fn context(&self, semantics: Semantics) -> LowerContext {
        LowerContext {
            default_channels: self.default_channels,
            classes: self.classes,
            image: self.builder.shape(Builder::IMAGE),
            semantics,
        }
    }

    /// Lowers the operation of a vertex on `input`.
    pub(crate) fn op(
        &mut self,
        place: Place,
        label: &str,
        input: TensorId,
        semantics: Semantics,
    ) -> Result<TensorId, Fault> {
        let parsed = self.language.keywords.parse(label)?;
        let request = LowerRequest {
            keyword: parsed.keyword.to_owned(),
            arguments: parsed.arguments.to_owned(),
            input: self.builder.shape(input),
            context: self.context(semantics),
        };
        let lowered = self.language.op(parsed.op)?.lower(&request)?;
        lowered.check_size()?;
        let mut outputs: Vec<TensorId> = Vec::with_capacity(lowered.nodes.len());
        for (index, node) in lowered.nodes.iter().enumerate() {
            let well_named = !node.name.is_empty()
                && node.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            let repeated = lowered.nodes.iter().take(index).any(|earlier| earlier.name == node.name);
            if !well_named || repeated {
                return Err(broken(&format!(
                    "names a node {:?}, which is malformed or used twice",
                    node.name
                )));
            }
            let mut inputs = Vec::with_capacity(node.inputs.len());
            for source in &node.inputs {
                inputs.push(match source {
                    NodeInput::Input => input,
                    NodeInput::Node(earlier) => *outputs.get(*earlier).ok_or_else(|| {
                        broken(&format!(
                            "lets node {index} read node {earlier}, which does not come before it"
                        ))
                    })?,
                });
            }
            outputs.push(self.builder.push(place, &node.name, node.primitive.clone(), inputs)?);
        }
        Ok(outputs.last().copied().unwrap_or(input))
    }

    fn finish(self, output: TensorId, published: bool) -> Result<Lowered, CnnError> {
        let Lowering { builder, stream, unused_parameters, .. } = self;
        let workload = builder.finish(output);
        let published = if published {
            stream.finish(&workload, ActivationUnits::RELEASED, unused_parameters)
        } else {
            Stream::of_workload(&workload).finish(&workload, ActivationUnits::NEAREST, 0)
        };
        let published = published.map_err(|fault| {
            fault.at(Location { module: workload.layers.last().map_or(0, |l| l.module), vertex: None })
        })?;
        Ok(Lowered { workload, published })
    }
}

fn broken(what: &str) -> Fault {
    Fault::malformed(format!(
        "the plugin of this label breaks its contract: it {what}; report it to its author"
    ))
}
