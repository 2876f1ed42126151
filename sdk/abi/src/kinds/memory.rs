//! Kind `memory`.

use super::rows::{numbers, numbers_mut, rows, same_count};
use super::{call, plain_maker, table};
use crate::answer::{Answer, guard};
use crate::crossing::Crossing;
use crate::facts::FactsOfMemory;
use crate::needs::NoNeeds;
use crate::object::{Object, This, state};
use abi_stable::StableAbi;
use abi_stable::std_types::{RSlice, RSliceMut};
use codebench_api::{Kind, Memory, PluginError, kinds};
use codebench_model::{MemoryFacts, ROW_LAYOUT, TransferCost, TransferProfile};

/// Functions of a memory.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = MemoryTableRef)))]
pub(crate) struct MemoryTable {
    facts: unsafe extern "C" fn(This) -> Answer<FactsOfMemory>,
    /// Layout, profiles, costs.
    #[sabi(last_prefix_field)]
    cost: unsafe extern "C" fn(This, u32, RSlice<'_, u64>, RSliceMut<'_, u64>) -> Answer<()>,
}

type State = Box<dyn Memory>;

unsafe extern "C" fn facts(this: This) -> Answer<FactsOfMemory> {
    // SAFETY: the contract of this module's functions.
    guard(|| Ok(unsafe { state::<State>(this) }.facts().into()))
}

unsafe extern "C" fn cost(
    this: This,
    layout: u32,
    profiles: RSlice<'_, u64>,
    costs: RSliceMut<'_, u64>,
) -> Answer<()> {
    guard(|| {
        let (profiles, costs) = rows::<TransferProfile, TransferCost>(layout, profiles, costs)?;
        // SAFETY: the contract of this module's functions.
        unsafe { state::<State>(this) }.cost(profiles, costs)
    })
}

/// A memory of the other side; its facts are asked once.
struct Imported {
    object: Object<MemoryTableRef>,
    facts: MemoryFacts,
}

impl Memory for Imported {
    fn facts(&self) -> MemoryFacts {
        self.facts.clone()
    }

    fn cost(&self, profiles: &[TransferProfile], costs: &mut [TransferCost]) -> Result<(), PluginError> {
        same_count(profiles.len(), costs.len())?;
        // As in the sandbox, a plugin finds rows of zeros.
        costs.fill(TransferCost::default());
        call!(self.object, cost, ROW_LAYOUT, numbers(profiles), numbers_mut(costs))
    }
}

impl Crossing for kinds::Memory {
    type Instance = dyn Memory;
    type Context = ();
    type Table = MemoryTableRef;
    type Needs = NoNeeds;

    const KIND: Kind = Kind::Memory;

    plain_maker!(Memory);
    table!(MemoryTable as MemoryTableRef { facts, cost });

    fn import(object: Object<MemoryTableRef>, _: &()) -> Result<Box<dyn Memory>, PluginError> {
        let facts: MemoryFacts = call!(object, facts)?.try_into()?;
        Ok(Box::new(Imported { object, facts }))
    }
}
