//! What a sandboxed plugin may use.

use serde::{Deserialize, Serialize};

/// Bounds on a plugin in the sandbox. The defaults suit a plugin that computes for up to seconds a call.
///
/// Fuel counts the instructions of a call, so that whether it runs out is reproducible; it is the bound unless
/// `wall_s` is given, which makes a run in which it fires a matter of the machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WasmLimits {
    /// Instructions of one call; no bound if `wall_s` is given.
    pub fuel: u64,
    /// Wall-clock seconds of one call, instead of fuel.
    pub wall_s: Option<f64>,
    /// Linear memory of one instance, bytes, over all its memories.
    pub memory_bytes: u64,
    /// Elements of one instance's tables.
    pub table_elements: u64,
    /// Bytes of the answer of one call.
    pub result_bytes: u64,
    /// Lines that one instance may log.
    pub log_lines: u64,
    /// Bytes of one such line; what is longer is cut.
    pub log_line_bytes: u64,
    /// Bytes of the file.
    pub module_bytes: u64,
    /// Bytes of the code of one function, which bounds how long one step of the compiler takes.
    pub function_bytes: u64,
    /// Wall-clock seconds for which the caller waits for the compiler.
    pub compile_s: f64,
    /// Instances of one configured plugin that may work at the same time; 0 is one for each processor.
    pub instances: u64,
}

impl Default for WasmLimits {
    fn default() -> Self {
        WasmLimits {
            fuel: 10_000_000_000,
            wall_s: None,
            memory_bytes: 256 << 20,
            table_elements: 100_000,
            result_bytes: 64 << 20,
            log_lines: 100,
            log_line_bytes: 1_000,
            module_bytes: 32 << 20,
            function_bytes: 1 << 20,
            compile_s: 30.0,
            instances: 0,
        }
    }
}

impl WasmLimits {
    /// Why the limits make no sense, if they do not.
    pub(crate) fn check(&self) -> Result<(), String> {
        let seconds = |name: &str, value: f64| match value > 0.0 && value <= 86_400.0 {
            true => Ok(()),
            false => Err(format!("limit `{name}` = {value}: give seconds, more than 0 and at most 86400")),
        };
        if let Some(wall_s) = self.wall_s {
            seconds("wall_s", wall_s)?;
        }
        seconds("compile_s", self.compile_s)?;
        match self.fuel {
            0 => Err("limit `fuel` = 0: give the instructions of one call, such as 10000000000".into()),
            _ => Ok(()),
        }
    }

    /// Which limits are given that do not bind a native library, if any are.
    pub(crate) fn only_wall(&self) -> Result<(), String> {
        let default = WasmLimits { wall_s: self.wall_s, ..WasmLimits::default() };
        let values = |limits: &WasmLimits| serde_json::to_value(limits).unwrap_or_default();
        let (given, default) = (values(self), values(&default));
        let given = given.as_object().into_iter().flatten();
        let unbound: Vec<String> = given
            .filter(|(name, value)| default[name.as_str()] != **value)
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        match unbound.as_slice() {
            [] => Ok(()),
            unbound => Err(format!(
                "limits {} bind plugins in the sandbox only: nothing but `wall_s` can bind a native library; leave them out",
                unbound.join(", ")
            )),
        }
    }

    pub(super) fn instances(&self) -> usize {
        match self.instances {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => usize::try_from(n).unwrap_or(usize::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_native_library_is_given_no_limit_that_cannot_bind_it() {
        let wall = WasmLimits { wall_s: Some(5.0), ..WasmLimits::default() };
        assert_eq!(wall.only_wall(), Ok(()));
        let more = WasmLimits { fuel: 1, memory_bytes: 2, ..wall };
        let reason = more.only_wall().err();
        assert!(reason.is_some_and(|r| {
            r.starts_with("limits `fuel`, `memory_bytes` bind plugins in the sandbox only")
        }));
    }
}
