//! Kind `evaluator`: one JSON document per call.

use super::{call, plain_maker, table};
use crate::answer::{Answer, guard};
use crate::crossing::Crossing;
use crate::document::{self, Document};
use crate::needs::Needs;
use crate::object::{Object, This, state};
use abi_stable::StableAbi;
use abi_stable::std_types::RStr;
use codebench_api::{Evaluator, Kind, PluginError, Reads, kinds};
use codebench_model::{DataShape, DataSource, Job, Metrics};

/// Functions of an evaluator.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = EvaluatorTableRef)))]
pub(crate) struct EvaluatorTable {
    /// Answers [`Reads`].
    reads: unsafe extern "C" fn(This) -> Answer<Document>,
    /// A [`Job`]; answers [`Metrics`].
    evaluate: unsafe extern "C" fn(This, RStr<'_>) -> Answer<Document>,
    /// A [`DataSource`]; answers a [`DataShape`] or `null`.
    #[sabi(last_prefix_field)]
    data_shape: unsafe extern "C" fn(This, RStr<'_>) -> Answer<Document>,
}

type State = Box<dyn Evaluator>;

unsafe extern "C" fn reads(this: This) -> Answer<Document> {
    // SAFETY: the contract of this module's functions.
    guard(|| document::write("what is read", &unsafe { state::<State>(this) }.reads()))
}

unsafe extern "C" fn evaluate(this: This, job: RStr<'_>) -> Answer<Document> {
    guard(|| {
        let job: Job = document::read("the job", job.as_str())?;
        // SAFETY: the contract of this module's functions.
        document::write("the metrics", &unsafe { state::<State>(this) }.evaluate(&job)?)
    })
}

unsafe extern "C" fn data_shape(this: This, data: RStr<'_>) -> Answer<Document> {
    guard(|| {
        let data: DataSource = document::read("the data set", data.as_str())?;
        // SAFETY: the contract of this module's functions.
        let shape = unsafe { state::<State>(this) }.data_shape(&data).transpose()?;
        document::write("the shape of the images", &shape)
    })
}

/// An evaluator of the other side; what it reads is asked once.
struct Imported {
    object: Object<EvaluatorTableRef>,
    reads: Reads,
}

impl Imported {
    fn shape(&self, data: &DataSource) -> Result<Option<DataShape>, PluginError> {
        let data = document::write("the data set", data)?;
        document::read("the shape of the images", &call!(self.object, data_shape, data.as_rstr())?)
    }
}

impl Evaluator for Imported {
    fn reads(&self) -> Reads {
        self.reads.clone()
    }

    fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError> {
        let job = document::write("the job", job)?;
        document::read("the metrics", &call!(self.object, evaluate, job.as_rstr())?)
    }

    fn data_shape(&self, data: &DataSource) -> Option<Result<DataShape, PluginError>> {
        self.shape(data).transpose()
    }
}

impl Crossing for kinds::Evaluator {
    type Instance = dyn Evaluator;
    type Context = ();
    type Table = EvaluatorTableRef;
    type Needs = Needs;

    const KIND: Kind = Kind::Evaluator;

    plain_maker!(Evaluator);
    table!(EvaluatorTable as EvaluatorTableRef { reads, evaluate, data_shape });

    fn import(object: Object<EvaluatorTableRef>, _: &()) -> Result<Box<dyn Evaluator>, PluginError> {
        let reads = document::read("what is read", &call!(object, reads)?)?;
        Ok(Box::new(Imported { object, reads }))
    }
}
