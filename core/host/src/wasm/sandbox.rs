//! A component that is ready to be instantiated, and pools of its instances.

use super::engine::{Clock, Metering, ticks};
use super::guest::Guest;
use super::{WasmLimits, failure};
use codebench_api::PluginError;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use wasmtime::component::{Instance, InstancePre, ResourceAny};
use wasmtime::{Result, Store};

/// What a guest answered, and around it whether it returned at all.
pub(super) type Answer<T> = Result<std::result::Result<T, super::bindings::codebench::plugin::types::Error>>;

/// Room for an error beside a hot call's answer, bytes.
pub(super) const ERROR_BYTES: usize = 1 << 16;

/// A component, linked and compiled.
pub(super) struct Sandbox {
    pub(super) pre: InstancePre<Guest>,
    pub(super) limits: Arc<WasmLimits>,
    /// File name, before each line of the log.
    pub(super) name: Arc<str>,
    pub(super) clock: Option<Arc<Clock>>,
    /// Workers of one pool at the same time. Found once: to know the number of processors, the system reads files.
    pub(super) most_workers: usize,
}

impl Sandbox {
    pub(super) fn metering(&self) -> Metering {
        if self.clock.is_some() { Metering::Wall } else { Metering::Fuel }
    }

    /// An empty store under the limits.
    pub(super) fn store(&self) -> Store<Guest> {
        let guest = Guest::new(self.limits.clone(), self.name.clone());
        let mut store = Store::new(self.pre.engine(), guest);
        store.limiter(|guest| guest);
        store
    }

    /// Gives the next call its fuel, or time, and the bytes of its answer.
    pub(super) fn begin(&self, store: &mut Store<Guest>, answer_bytes: usize) -> Result<()> {
        store.data_mut().begin();
        let limit = usize::try_from(self.limits.result_bytes).unwrap_or(usize::MAX);
        store.set_hostcall_fuel(answer_bytes.min(limit).saturating_add(ERROR_BYTES));
        match self.metering() {
            Metering::Fuel => store.set_fuel(self.limits.fuel)?,
            Metering::Wall => store.set_epoch_deadline(ticks(self.limits.wall_s.unwrap_or_default())),
        }
        Ok(())
    }

    /// An instance in a store of its own, its start functions run under the limits.
    pub(super) fn instantiate(&self) -> std::result::Result<(Store<Guest>, Instance), PluginError> {
        let mut store = self.store();
        let made = self.begin(&mut store, usize::MAX).and_then(|()| self.pre.instantiate(&mut store));
        match made {
            Ok(instance) => Ok((store, instance)),
            Err(e) => Err(failure::of_call(&e, store.data(), &self.limits, usize::MAX)),
        }
    }
}

/// One instance of a component with one configured plugin in it.
pub(super) struct Worker<E> {
    pub(super) store: Store<Guest>,
    pub(super) exports: E,
    pub(super) instance: ResourceAny,
    /// How many calls of the log its state has seen.
    pub(super) seen: usize,
}

/// How a worker's plugin is made in a fresh instance.
type Create<E> = Box<dyn Fn(&mut Store<Guest>, &Instance) -> Result<(E, Answer<ResourceAny>)> + Send + Sync>;

/// The instances of one configured plugin: at most so many at a time, each used by one thread at a time, and thrown away after
/// a trap.
pub(super) struct Pool<E> {
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) id: String,
    create: Create<E>,
    state: Mutex<State<E>>,
    freed: Condvar,
}

/// The [`Pool`] of plugin `id`, whose instances are made by the interface's `create` from the id and what is `given`: the
/// bindings of every interface have the same shape, but no trait in common.
macro_rules! pool_of {
    ($sandbox:ident, $indices:ident, $id:ident, $($given:ident),+) => {{
        let (indices, name) = ($indices.clone(), $id.clone());
        Pool::new(
            $sandbox.clone(),
            &$id,
            Box::new(move |store, instance| {
                let exports = indices.load(&mut *store, instance)?;
                let made = exports.instance().call_create(store, &name, $(&$given),+)?;
                Ok((exports, Ok(made)))
            }),
        )
    }};
}
pub(super) use pool_of;

struct State<E> {
    idle: Vec<Worker<E>>,
    /// Workers that are idle or at work.
    count: usize,
    /// Threads that wait for one: to wake nobody would be a call of the system.
    waiting: usize,
}

impl<E: 'static> Pool<E> {
    pub(super) fn new(sandbox: Arc<Sandbox>, id: &str, create: Create<E>) -> Self {
        let state = Mutex::new(State { idle: Vec::new(), count: 0, waiting: 0 });
        Pool { sandbox, id: id.to_owned(), create, state, freed: Condvar::new() }
    }

    /// The error of this plugin's call.
    pub(super) fn error(&self, call: &str, error: PluginError) -> PluginError {
        failure::located(error, &self.id, call)
    }

    /// A fresh instance with the plugin in it.
    pub(super) fn worker(&self) -> std::result::Result<Worker<E>, PluginError> {
        let at = |e| self.error("create", e);
        let (mut store, instance) = self.sandbox.instantiate().map_err(at)?;
        let made = self
            .sandbox
            .begin(&mut store, usize::MAX)
            .and_then(|()| (self.create)(&mut store, &instance))
            .and_then(|(exports, answer)| Ok((exports, answer?)));
        match made {
            Ok((exports, Ok(instance))) => Ok(Worker { store, exports, instance, seen: 0 }),
            Ok((_, Err(e))) => Err(failure::of_guest(e)),
            Err(e) => Err(at(failure::of_call(&e, store.data(), &self.sandbox.limits, usize::MAX))),
        }
    }

    /// One call on `worker`; `None` beside the error if the worker is spent.
    pub(super) fn run<T>(
        &self,
        mut worker: Worker<E>,
        call: &str,
        answer_bytes: usize,
        body: impl FnOnce(&mut Worker<E>) -> Answer<T>,
    ) -> (Option<Worker<E>>, std::result::Result<T, PluginError>) {
        let answer = self.sandbox.begin(&mut worker.store, answer_bytes).and_then(|()| body(&mut worker));
        match answer {
            Ok(Ok(value)) => (Some(worker), Ok(value)),
            Ok(Err(e)) => (Some(worker), Err(failure::of_guest(e))),
            Err(e) => {
                let error = failure::of_call(&e, worker.store.data(), &self.sandbox.limits, answer_bytes);
                (None, Err(self.error(call, error)))
            }
        }
    }

    /// One call on any worker, which `prepare` first brings into the state that the call needs.
    pub(super) fn call<T>(
        &self,
        call: &str,
        answer_bytes: usize,
        prepare: impl FnOnce(Worker<E>) -> std::result::Result<Worker<E>, PluginError>,
        body: impl FnOnce(&mut Worker<E>) -> Answer<T>,
    ) -> std::result::Result<T, PluginError> {
        // The place is given back even if something below panics.
        let mut place = Place { pool: self, worker: None };
        let worker = match self.take() {
            Some(worker) => worker,
            None => self.worker()?,
        };
        let (worker, answer) = self.run(prepare(worker)?, call, answer_bytes, body);
        place.worker = worker;
        answer
    }

    /// [`Pool::call`] of a plugin without state.
    pub(super) fn pure<T>(
        &self,
        call: &str,
        answer_bytes: usize,
        body: impl FnOnce(&mut Worker<E>) -> Answer<T>,
    ) -> std::result::Result<T, PluginError> {
        self.call(call, answer_bytes, Ok, body)
    }

    /// Adds a worker that is not at work.
    pub(super) fn keep(&self, worker: Worker<E>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.count += 1;
        state.idle.push(worker);
    }

    /// A worker that is not at work, taken out of the pool; the one that has seen the most.
    pub(super) fn idle(&self) -> Option<Worker<E>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, _) = state.idle.iter().enumerate().max_by_key(|(_, worker)| worker.seen)?;
        state.count -= 1;
        self.freed.notify_one();
        Some(state.idle.swap_remove(at))
    }

    /// An idle worker, or `None` with the right to make one; waits where there are too many.
    fn take(&self) -> Option<Worker<E>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(worker) = state.idle.pop() {
                return Some(worker);
            }
            if state.count < self.sandbox.most_workers {
                state.count += 1;
                return None;
            }
            state.waiting += 1;
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
    }
}

/// A place in the pool, taken by a call.
struct Place<'p, E> {
    pool: &'p Pool<E>,
    worker: Option<Worker<E>>,
}

impl<E> Drop for Place<'_, E> {
    fn drop(&mut self) {
        let mut state = self.pool.state.lock().unwrap_or_else(PoisonError::into_inner);
        match self.worker.take() {
            Some(worker) => state.idle.push(worker),
            None => state.count -= 1,
        }
        if state.waiting > 0 {
            self.pool.freed.notify_one();
        }
    }
}
