//! The numbers that networks compute with: `f32` in training, `f64` in predictions and gradients, [`Dual`] in Hessian
//! products.

use codebench_sdk::math::dense::Real;
use codebench_sdk::math::lanes;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A number with the functions that layers need.
pub(crate) trait Scalar: Real + Sub<Output = Self> + Div<Output = Self> + Neg<Output = Self> {
    fn new(x: f64) -> Self;
    fn root(self) -> Self;
    fn exp(self) -> Self;
    fn sigmoid(self) -> Self;
    /// `ln(1 + exp(x))` and its derivative.
    fn softplus(self) -> (Self, Self);
}

impl Scalar for f64 {
    #[inline(always)]
    fn new(x: f64) -> Self {
        x
    }
    #[inline(always)]
    fn root(self) -> Self {
        self.sqrt()
    }
    #[inline(always)]
    fn exp(self) -> Self {
        lanes::exp(self)
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        lanes::sigmoid(self)
    }
    #[inline(always)]
    fn softplus(self) -> (Self, Self) {
        lanes::softplus(self)
    }
}

impl Scalar for f32 {
    #[inline(always)]
    fn new(x: f64) -> Self {
        x as f32
    }
    #[inline(always)]
    fn root(self) -> Self {
        self.sqrt()
    }
    #[inline(always)]
    fn exp(self) -> Self {
        lanes::exp_f32(self)
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        lanes::sigmoid_f32(self)
    }
    #[inline(always)]
    fn softplus(self) -> (Self, Self) {
        lanes::softplus_f32(self)
    }
}

/// A number and its derivative in one direction: a gradient computed with these carries its Hessian product.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Dual {
    pub(crate) value: f64,
    pub(crate) slope: f64,
}

impl Add for Dual {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Dual { value: self.value + other.value, slope: self.slope + other.slope }
    }
}

impl Sub for Dual {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Dual { value: self.value - other.value, slope: self.slope - other.slope }
    }
}

impl Mul for Dual {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Dual { value: self.value * other.value, slope: self.slope * other.value + self.value * other.slope }
    }
}

impl Div for Dual {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        Dual { value, slope: (self.slope - value * other.slope) / other.value }
    }
}

impl Neg for Dual {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Dual { value: -self.value, slope: -self.slope }
    }
}

impl Scalar for Dual {
    fn new(value: f64) -> Self {
        Dual { value, slope: 0.0 }
    }
    fn root(self) -> Self {
        let value = self.value.sqrt();
        // The root of zero is taken for a constant.
        let slope = if value > 0.0 { 0.5 * self.slope / value } else { 0.0 };
        Dual { value, slope }
    }
    fn exp(self) -> Self {
        let value = lanes::exp(self.value);
        Dual { value, slope: value * self.slope }
    }
    fn sigmoid(self) -> Self {
        let value = lanes::sigmoid(self.value);
        Dual { value, slope: value * (1.0 - value) * self.slope }
    }
    fn softplus(self) -> (Self, Self) {
        let (value, share) = lanes::softplus(self.value);
        let bend = share * (1.0 - share);
        (Dual { value, slope: share * self.slope }, Dual { value: share, slope: bend * self.slope })
    }
}
