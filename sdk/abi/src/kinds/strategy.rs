//! Kind `strategy`: one JSON document per call. Its instances are started when they are made.

use super::{call, maker_for_context, table};
use crate::answer::{Answer, guard};
use crate::crossing::Crossing;
use crate::document::{self, Document};
use crate::needs::Needs;
use crate::object::{Object, This, state_mut};
use abi_stable::StableAbi;
use abi_stable::std_types::RStr;
use codebench_api::{Kind, PluginError, Strategy, StrategyContext, Tell, kinds};
use codebench_model::Genotype;

/// Functions of a strategy; both change its state.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = StrategyTableRef)))]
pub(crate) struct StrategyTable {
    /// Answers a list of [`Genotype`]s.
    ask: unsafe extern "C" fn(This, u64) -> Answer<Document>,
    /// A list of [`Tell`]s.
    #[sabi(last_prefix_field)]
    tell: unsafe extern "C" fn(This, RStr<'_>) -> Answer<()>,
}

type State = Box<dyn Strategy>;

unsafe extern "C" fn ask(this: This, count: u64) -> Answer<Document> {
    guard(|| {
        let count = usize::try_from(count)
            .map_err(|_| PluginError::invalid(format!("{count} candidates are more than fit into memory")))?;
        // SAFETY: the contract of this module's functions.
        document::write("the candidates", &unsafe { state_mut::<State>(this) }.ask(count)?)
    })
}

unsafe extern "C" fn tell(this: This, outcomes: RStr<'_>) -> Answer<()> {
    guard(|| {
        let outcomes: Vec<Tell> = document::read("the outcomes", outcomes.as_str())?;
        // SAFETY: the contract of this module's functions.
        unsafe { state_mut::<State>(this) }.tell(&outcomes)
    })
}

/// A strategy of the other side.
struct Imported(Object<StrategyTableRef>);

impl Strategy for Imported {
    fn start(&mut self, _: &StrategyContext) -> Result<(), PluginError> {
        Err(PluginError::contract("the strategy was started when it was made: make another one"))
    }

    fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        document::read("the candidates", &call!(self.0, ask, count as u64)?)
    }

    fn tell(&mut self, outcomes: &[Tell]) -> Result<(), PluginError> {
        let outcomes = document::write("the outcomes", outcomes)?;
        call!(self.0, tell, outcomes.as_rstr())
    }
}

impl Crossing for kinds::Strategy {
    type Instance = dyn Strategy;
    type Context = StrategyContext;
    type Table = StrategyTableRef;
    type Needs = Needs;

    const KIND: Kind = Kind::Strategy;

    maker_for_context!(Strategy);
    table!(StrategyTable as StrategyTableRef { ask, tell });

    fn import(
        object: Object<StrategyTableRef>,
        _: &StrategyContext,
    ) -> Result<Box<dyn Strategy>, PluginError> {
        Ok(Box::new(Imported(object)))
    }
}
