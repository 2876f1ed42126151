//! Kind `accel-module`.

use super::rows::{numbers, numbers_mut, rows, same_count};
use super::{call, plain_maker, table};
use crate::answer::{Answer, guard};
use crate::crossing::Crossing;
use crate::facts::FactsOfModule;
use crate::needs::NoNeeds;
use crate::object::{Object, This, state};
use abi_stable::StableAbi;
use abi_stable::std_types::{RSlice, RSliceMut};
use codebench_api::{AccelModule, Kind, PluginError, kinds};
use codebench_model::{ModuleFacts, ROW_LAYOUT, TileCost, TileWork};

/// Functions of an accel-module.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = AccelModuleTableRef)))]
pub(crate) struct AccelModuleTable {
    facts: unsafe extern "C" fn(This) -> Answer<FactsOfModule>,
    /// Layout, works, costs.
    #[sabi(last_prefix_field)]
    cost: unsafe extern "C" fn(This, u32, RSlice<'_, u64>, RSliceMut<'_, u64>) -> Answer<()>,
}

type State = Box<dyn AccelModule>;

unsafe extern "C" fn facts(this: This) -> Answer<FactsOfModule> {
    // SAFETY: the contract of this module's functions.
    guard(|| Ok(unsafe { state::<State>(this) }.facts().into()))
}

unsafe extern "C" fn cost(
    this: This,
    layout: u32,
    works: RSlice<'_, u64>,
    costs: RSliceMut<'_, u64>,
) -> Answer<()> {
    guard(|| {
        let (works, costs) = rows::<TileWork, TileCost>(layout, works, costs)?;
        // SAFETY: the contract of this module's functions.
        unsafe { state::<State>(this) }.cost(works, costs)
    })
}

/// An accel-module of the other side; its facts are asked once.
struct Imported {
    object: Object<AccelModuleTableRef>,
    facts: ModuleFacts,
}

impl AccelModule for Imported {
    fn facts(&self) -> ModuleFacts {
        self.facts.clone()
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        same_count(works.len(), costs.len())?;
        // As in the sandbox, a plugin finds rows of zeros.
        costs.fill(TileCost::default());
        call!(self.object, cost, ROW_LAYOUT, numbers(works), numbers_mut(costs))
    }
}

impl Crossing for kinds::AccelModule {
    type Instance = dyn AccelModule;
    type Context = ();
    type Table = AccelModuleTableRef;
    type Needs = NoNeeds;

    const KIND: Kind = Kind::AccelModule;

    plain_maker!(AccelModule);
    table!(AccelModuleTable as AccelModuleTableRef { facts, cost });

    fn import(object: Object<AccelModuleTableRef>, _: &()) -> Result<Box<dyn AccelModule>, PluginError> {
        let facts: ModuleFacts = call!(object, facts)?.try_into()?;
        Ok(Box::new(Imported { object, facts }))
    }
}
