//! Kind `cnn-op`: an operation of the CNN language.

use crate::PluginError;
use codebench_model::{Primitive, TensorShape};
use serde::{Deserialize, Serialize};

/// Purpose: turns one vertex of a module into primitives.
///
/// Call order: in a module of the published semantics [`CnnOp::output_channels`] while channels are inferred, then
/// [`CnnOp::lower`] once shapes are known; in an explicit module [`CnnOp::lower`] alone.
///
/// Purity and threads: both are functions of their request, called from any thread, several at once.
///
/// Units: elements. Shapes are those of one image.
///
/// Errors: [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a label that the op does not understand, quoting the
/// offending part; [`ErrorKind::Infeasible`](crate::ErrorKind::Infeasible) for shapes on which it cannot work, such as
/// a kernel larger than the padded input.
///
/// ```
/// use codebench_api::{ChannelRequest, CnnOp, LowerRequest, LoweredOp, PluginError};
/// use codebench_model::Primitive;
///
/// /// `softmax`: no arguments.
/// struct Softmax;
///
/// fn no_arguments(arguments: &str) -> Result<(), PluginError> {
///     match arguments {
///         "" => Ok(()),
///         other => Err(PluginError::invalid(format!("`{other}` behind `softmax`: it takes nothing; leave it out"))),
///     }
/// }
///
/// impl CnnOp for Softmax {
///     fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
///         no_arguments(&request.arguments)?;
///         Ok(request.input_channels)
///     }
///
///     fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
///         no_arguments(&request.arguments)?;
///         Ok(LoweredOp::chain([("softmax", Primitive::Softmax)]))
///     }
/// }
/// ```
///
/// Smallest built-in to copy: `flatten` in `plugins/cnn-ops`.
pub trait CnnOp: Send + Sync {
    /// Channels of the output when the input has `request.input_channels`.
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError>;

    /// Primitives of the vertex.
    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError>;
}

/// A question about channels only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChannelRequest {
    /// The keyword of the label that matched.
    pub keyword: String,
    /// The label after the keyword, such as `3x3-c64-bn-relu`.
    pub arguments: String,
    /// Channels of the input.
    pub input_channels: u64,
    /// What the CNN says.
    pub context: LowerContext,
}

/// What a CNN says to all its vertices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LowerContext {
    /// Channels of a convolution that names none.
    pub default_channels: u64,
    /// Classes of the data set.
    pub classes: u64,
    /// Shape of the image.
    pub image: TensorShape,
    /// Rules of the module in which the vertex stands.
    pub semantics: Semantics,
}

/// The rules by which a module is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Semantics {
    /// As in the released code: a number of groups that does not divide the channels is lowered until it does.
    Published,
    /// What a label asks for is done or refused.
    Explicit,
}

/// One vertex to lower.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LowerRequest {
    /// The keyword of the label that matched.
    pub keyword: String,
    /// The label after the keyword.
    pub arguments: String,
    /// Shape of the (joined) input.
    pub input: TensorShape,
    /// What the CNN says.
    pub context: LowerContext,
}

/// Where a node reads from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeInput {
    /// The vertex's input.
    Input,
    /// The output of an earlier node of the same vertex.
    Node(usize),
}

/// One primitive of a lowered vertex. Its output shape, weights and counts follow from the primitive and its inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoweredNode {
    /// Name within the vertex, unique, of `[a-z0-9_]`, such as `conv`; the layer becomes `m0.v1.conv`.
    pub name: String,
    /// The operation.
    pub primitive: Primitive,
    /// What it reads, in the primitive's order.
    pub inputs: Vec<NodeInput>,
}

/// Nodes of one lowered vertex.
pub const MAX_LOWERED_NODES: usize = 4096;

/// Inputs of all nodes of one lowered vertex together.
pub const MAX_LOWERED_INPUTS: usize = 65_536;

/// Bytes of the name of a node.
pub const MAX_NODE_NAME_BYTES: usize = 128;

/// A lowered vertex of at most [`MAX_LOWERED_NODES`] nodes; its output is the last node's, or the input if there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoweredOp {
    /// Nodes in topological order.
    pub nodes: Vec<LoweredNode>,
}

impl LoweredOp {
    /// Refuses a vertex that is too large to be worked with.
    ///
    /// # Errors
    /// [`ErrorKind::Contract`](crate::ErrorKind::Contract), with what is too large and the bound.
    pub fn check_size(&self) -> Result<(), PluginError> {
        let within = |what: &str, is: usize, unit: &str, most: usize, remedy: &str| match is <= most {
            true => Ok(()),
            false => {
                Err(PluginError::contract(format!("{what} has {is} {unit}: at most {most}, so {remedy}")))
            }
        };
        let vertex = "its lowered vertex";
        within(vertex, self.nodes.len(), "nodes", MAX_LOWERED_NODES, "split it into several vertices")?;
        let inputs = self.nodes.iter().map(|node| node.inputs.len()).sum();
        within(vertex, inputs, "inputs", MAX_LOWERED_INPUTS, "split it into several vertices")?;
        let name = self.nodes.iter().map(|node| node.name.len()).max().unwrap_or(0);
        within("the name of a node", name, "bytes", MAX_NODE_NAME_BYTES, "shorten it")
    }

    /// Named primitives applied one after another.
    pub fn chain(steps: impl IntoIterator<Item = (&'static str, Primitive)>) -> LoweredOp {
        let nodes = steps.into_iter().enumerate().map(|(i, (name, primitive))| LoweredNode {
            name: name.to_owned(),
            primitive,
            inputs: vec![i.checked_sub(1).map_or(NodeInput::Input, NodeInput::Node)],
        });
        LoweredOp { nodes: nodes.collect() }
    }
}
