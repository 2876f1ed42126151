//! Kind `cnn-op`: one JSON document per call.

use super::{call, plain_maker, table};
use crate::answer::{Answer, guard};
use crate::crossing::Crossing;
use crate::document::{self, Document};
use crate::needs::NoNeeds;
use crate::object::{Object, This, state};
use abi_stable::StableAbi;
use abi_stable::std_types::RStr;
use codebench_api::{ChannelRequest, CnnOp, Kind, LowerRequest, LoweredOp, PluginError, kinds};

/// Functions of a cnn-op.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = CnnOpTableRef)))]
pub(crate) struct CnnOpTable {
    /// A [`ChannelRequest`].
    output_channels: unsafe extern "C" fn(This, RStr<'_>) -> Answer<u64>,
    /// A [`LowerRequest`]; answers a [`LoweredOp`].
    #[sabi(last_prefix_field)]
    lower: unsafe extern "C" fn(This, RStr<'_>) -> Answer<Document>,
}

type State = Box<dyn CnnOp>;

unsafe extern "C" fn output_channels(this: This, request: RStr<'_>) -> Answer<u64> {
    guard(|| {
        let request: ChannelRequest = document::read("the question about channels", request.as_str())?;
        // SAFETY: the contract of this module's functions.
        unsafe { state::<State>(this) }.output_channels(&request)
    })
}

unsafe extern "C" fn lower(this: This, request: RStr<'_>) -> Answer<Document> {
    guard(|| {
        let request: LowerRequest = document::read("the vertex to lower", request.as_str())?;
        // SAFETY: the contract of this module's functions.
        document::write("the lowered vertex", &unsafe { state::<State>(this) }.lower(&request)?)
    })
}

/// A cnn-op of the other side.
struct Imported(Object<CnnOpTableRef>);

impl CnnOp for Imported {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        let request = document::write("the question about channels", request)?;
        call!(self.0, output_channels, request.as_rstr())
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        let request = document::write("the vertex to lower", request)?;
        document::read("the lowered vertex", &call!(self.0, lower, request.as_rstr())?)
    }
}

impl Crossing for kinds::CnnOp {
    type Instance = dyn CnnOp;
    type Context = ();
    type Table = CnnOpTableRef;
    type Needs = NoNeeds;

    const KIND: Kind = Kind::CnnOp;

    plain_maker!(CnnOp);
    table!(CnnOpTable as CnnOpTableRef { output_channels, lower });

    fn import(object: Object<CnnOpTableRef>, _: &()) -> Result<Box<dyn CnnOp>, PluginError> {
        Ok(Box::new(Imported(object)))
    }
}
