//! Components that misbehave on purpose, written without the SDK. Each ends as one clear refusal, or as one error of the one
//! call; the host goes on.

#![allow(clippy::unwrap_used, clippy::panic)]

mod c;
mod cases;
mod files;
mod guest;
mod level;
mod parts;
mod traps;
