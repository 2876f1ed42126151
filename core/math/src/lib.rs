//! Elementary functions with the same bits on every platform and in every plugin form, and dense kernels with a fixed order
//! of summation.
//!
//! The C library's `exp`, `ln`, `pow` and the like differ in the last bit from platform to platform; results that must be
//! equal byte for byte take them from here. [`lanes`] holds branch-free versions for long loops, [`dense`] products and
//! factorisations of matrices.

pub mod dense;
pub mod eigen;
pub mod lanes;

pub use libm::{
    acos, acosh, asin, asinh, atan, atan2, atanh, cbrt, ceil, cos, cosh, exp, exp2, expm1 as exp_m1, floor,
    hypot, log as ln, log1p as ln_1p, log2, log10, pow, sin, sinh, sqrt, tan, tanh,
};
