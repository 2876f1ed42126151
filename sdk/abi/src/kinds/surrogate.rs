//! Kind `surrogate`: matrices of f64 in the caller's buffers. Its instances are started when they are made.

use super::rows::same_count;
use super::{call, maker_for_context, table};
use crate::answer::{Answer, check_layout, guard, received};
use crate::crossing::Crossing;
use crate::needs::NoNeeds;
use crate::object::{Object, This, state, state_mut};
use abi_stable::StableAbi;
use abi_stable::std_types::{RSlice, RSliceMut};
use codebench_api::{Kind, PluginError, Prediction, Surrogate, SurrogateContext, kinds};
use codebench_model::MATRIX_LAYOUT;

/// A matrix in, by rows.
type In<'a> = RSlice<'a, f64>;
/// A matrix out, by rows.
type Out<'a> = RSliceMut<'a, f64>;

/// Functions of a surrogate. The first number is the version of the matrices' layout.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = SurrogateTableRef)))]
pub(crate) struct SurrogateTable {
    /// `x`, `y`; changes the state.
    fit: unsafe extern "C" fn(This, u32, In<'_>, In<'_>) -> Answer<()>,
    /// `x`, number of rows; mean, epistemic, aleatoric.
    #[sabi(last_prefix_field)]
    predict: unsafe extern "C" fn(This, u32, In<'_>, u64, Out<'_>, Out<'_>, Out<'_>) -> Answer<()>,
    /// Whether the next two answer.
    #[cfg(not(feature = "first-contract"))]
    differentiable: unsafe extern "C" fn(This) -> Answer<bool>,
    /// `x`, coefficients; the gradient.
    #[cfg(not(feature = "first-contract"))]
    gradient: unsafe extern "C" fn(This, u32, In<'_>, In<'_>, Out<'_>) -> Answer<()>,
    /// `x`, `v`, coefficients; the product.
    #[cfg(not(feature = "first-contract"))]
    hvp: unsafe extern "C" fn(This, u32, In<'_>, In<'_>, In<'_>, Out<'_>) -> Answer<()>,
}

type State = Box<dyn Surrogate>;

unsafe extern "C" fn fit(this: This, layout: u32, x: In<'_>, y: In<'_>) -> Answer<()> {
    guard(|| {
        check_layout(layout, MATRIX_LAYOUT)?;
        // SAFETY: the contract of this module's functions.
        unsafe { state_mut::<State>(this) }.fit(x.as_slice(), y.as_slice())
    })
}

unsafe extern "C" fn predict(
    this: This,
    layout: u32,
    x: In<'_>,
    rows: u64,
    mean: Out<'_>,
    epistemic: Out<'_>,
    aleatoric: Out<'_>,
) -> Answer<()> {
    guard(|| {
        check_layout(layout, MATRIX_LAYOUT)?;
        // SAFETY: the contract of this module's functions.
        let prediction = unsafe { state::<State>(this) }.predict(x.as_slice(), rows as usize)?;
        give(&prediction.mean, mean)?;
        give(&prediction.epistemic, epistemic)?;
        give(&prediction.aleatoric, aleatoric)
    })
}

#[cfg(not(feature = "first-contract"))]
unsafe extern "C" fn differentiable(this: This) -> Answer<bool> {
    // SAFETY: the contract of this module's functions.
    guard(|| Ok(unsafe { state::<State>(this) }.differentiable()))
}

#[cfg(not(feature = "first-contract"))]
unsafe extern "C" fn gradient(
    this: This,
    layout: u32,
    x: In<'_>,
    coefficients: In<'_>,
    out: Out<'_>,
) -> Answer<()> {
    guard(|| {
        check_layout(layout, MATRIX_LAYOUT)?;
        // SAFETY: the contract of this module's functions.
        let surrogate = unsafe { state::<State>(this) };
        give(&surrogate.gradient(x.as_slice(), coefficients.as_slice())?, out)
    })
}

#[cfg(not(feature = "first-contract"))]
unsafe extern "C" fn hvp(
    this: This,
    layout: u32,
    x: In<'_>,
    v: In<'_>,
    coefficients: In<'_>,
    out: Out<'_>,
) -> Answer<()> {
    guard(|| {
        check_layout(layout, MATRIX_LAYOUT)?;
        // SAFETY: the contract of this module's functions.
        let surrogate = unsafe { state::<State>(this) };
        give(&surrogate.hvp(x.as_slice(), v.as_slice(), coefficients.as_slice())?, out)
    })
}

fn give(values: &[f64], out: Out<'_>) -> Result<(), PluginError> {
    same_count(out.len(), values.len())?;
    out.into_mut_slice().copy_from_slice(values);
    Ok(())
}

/// A surrogate of the other side.
struct Imported {
    object: Object<SurrogateTableRef>,
    inputs: usize,
    outputs: usize,
}

impl Surrogate for Imported {
    fn start(&mut self, _: &SurrogateContext) -> Result<(), PluginError> {
        Err(PluginError::contract("the surrogate was started when it was made: make another one"))
    }

    fn fit(&mut self, x: &[f64], y: &[f64]) -> Result<(), PluginError> {
        call!(self.object, fit, MATRIX_LAYOUT, x.into(), y.into())
    }

    fn predict(&self, x: &[f64], rows: usize) -> Result<Prediction, PluginError> {
        let [mut mean, mut epistemic, mut aleatoric] = [(); 3].map(|()| vec![0.0; rows * self.outputs]);
        let (m, e, a) = (Out::from(&mut *mean), Out::from(&mut *epistemic), Out::from(&mut *aleatoric));
        call!(self.object, predict, MATRIX_LAYOUT, x.into(), rows as u64, m, e, a)?;
        Ok(Prediction { mean, epistemic, aleatoric })
    }

    #[cfg(not(feature = "first-contract"))]
    fn differentiable(&self) -> bool {
        // SAFETY: the function belongs to the object.
        let asked = self.object.table().differentiable().map(|f| received(unsafe { f(self.object.this()) }));
        asked.is_some_and(|answer| answer.unwrap_or(false))
    }

    #[cfg(not(feature = "first-contract"))]
    fn gradient(&self, x: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, PluginError> {
        let gradient = self.object.table().gradient().ok_or_else(older)?;
        let mut out = vec![0.0; self.inputs];
        let this = self.object.this();
        // SAFETY: the function belongs to the object.
        received(unsafe {
            gradient(this, MATRIX_LAYOUT, x.into(), coefficients.into(), Out::from(&mut *out))
        })?;
        Ok(out)
    }

    #[cfg(not(feature = "first-contract"))]
    fn hvp(&self, x: &[f64], v: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, PluginError> {
        let hvp = self.object.table().hvp().ok_or_else(older)?;
        let mut out = vec![0.0; self.inputs];
        let (this, to) = (self.object.this(), Out::from(&mut *out));
        // SAFETY: the function belongs to the object.
        received(unsafe { hvp(this, MATRIX_LAYOUT, x.into(), v.into(), coefficients.into(), to) })?;
        Ok(out)
    }
}

#[cfg(not(feature = "first-contract"))]
fn older() -> PluginError {
    PluginError::invalid(
        "this surrogate was built for a contract without derivatives: build it again with a newer SDK, or choose a \
         strategy without them",
    )
}

impl Crossing for kinds::Surrogate {
    type Instance = dyn Surrogate;
    type Context = SurrogateContext;
    type Table = SurrogateTableRef;
    type Needs = NoNeeds;

    const KIND: Kind = Kind::Surrogate;

    maker_for_context!(Surrogate);
    table!(SurrogateTable as SurrogateTableRef {
        fit,
        predict,
        #[cfg(not(feature = "first-contract"))]
        differentiable,
        #[cfg(not(feature = "first-contract"))]
        gradient,
        #[cfg(not(feature = "first-contract"))]
        hvp,
    });

    fn import(
        object: Object<SurrogateTableRef>,
        context: &SurrogateContext,
    ) -> Result<Box<dyn Surrogate>, PluginError> {
        Ok(Box::new(Imported { object, inputs: context.inputs, outputs: context.outputs }))
    }
}
