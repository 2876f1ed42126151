//! The two engines, one for each way of bounding a call, and the clock of the second.

use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};
use wasmtime::{Config, Engine, OptLevel, WasmBacktraceDetails};

/// Deepest stack of a guest, bytes.
pub(super) const STACK_BYTES: usize = 512 << 10;

/// How long one tick of the wall clock is.
const TICK: Duration = Duration::from_millis(10);

/// How calls are bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Metering {
    Fuel,
    Wall,
}

/// The engine of a metering; one for the whole process.
pub(super) fn engine(metering: Metering) -> Result<&'static Engine, String> {
    static FUEL: OnceLock<Result<Engine, String>> = OnceLock::new();
    static WALL: OnceLock<Result<Engine, String>> = OnceLock::new();
    let cell = match metering {
        Metering::Fuel => &FUEL,
        Metering::Wall => &WALL,
    };
    cell.get_or_init(|| Engine::new(&config(metering)).map_err(|e| format!("{e:#}")))
        .as_ref()
        .map_err(Clone::clone)
}

/// An engine for one compilation on many threads. An engine keeps buffers of the compiler, as large as the largest
/// function needed, for each thread: dropped with it, they are given back.
pub(super) fn parallel_compiler(metering: Metering) -> wasmtime::Result<Engine> {
    Engine::new(config(metering).parallel_compilation(true))
}

/// Code that is made fast: whoever compiled the plugin has optimised it, and to do so again costs more time of loading than runs
/// give back.
///
/// Deterministic code: no relaxed SIMD, no threads. NaNs are not made canonical, which would double the time of floating-point
/// code: the host refuses every answer that is not finite instead.
fn config(metering: Metering) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .wasm_relaxed_simd(false)
        .cranelift_nan_canonicalization(false)
        .cranelift_opt_level(OptLevel::None)
        .parallel_compilation(false)
        .max_wasm_stack(STACK_BYTES)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .consume_fuel(metering == Metering::Fuel)
        .epoch_interruption(metering == Metering::Wall);
    config
}

/// Ticks that cover `seconds`; the one that is under way counts for nothing.
pub(super) fn ticks(seconds: f64) -> u64 {
    (seconds / TICK.as_secs_f64()).ceil() as u64 + 1
}

/// While somebody holds it, the wall clock of the sandbox ticks, on a thread of its own.
#[derive(Debug)]
pub(super) struct Clock(());

impl Clock {
    pub(super) fn running() -> Result<Arc<Clock>, String> {
        static RUNNING: Mutex<Weak<Clock>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(clock) = running.upgrade() {
            return Ok(clock);
        }
        let engine = engine(Metering::Wall)?;
        let clock = Arc::new(Clock(()));
        let held = Arc::downgrade(&clock);
        *running = held.clone();
        let tick = move || {
            let (started, mut ticked) = (Instant::now(), 0);
            while held.strong_count() > 0 {
                std::thread::sleep(TICK);
                // As many ticks as time has passed: a sleep takes longer than it is asked to.
                let due = started.elapsed().as_nanos() / TICK.as_nanos();
                (ticked..due).for_each(|_| engine.increment_epoch());
                ticked = due;
            }
        };
        std::thread::Builder::new()
            .name("wasm clock".into())
            .spawn(tick)
            .map_err(|e| format!("the clock of the sandbox cannot be started: {e}"))?;
        Ok(clock)
    }
}
