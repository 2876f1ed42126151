//! Search strategies.
