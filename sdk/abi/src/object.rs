//! State behind a table of functions.

use crate::answer::guard;
use abi_stable::StableAbi;

/// The state of an object, as the functions of its table receive it.
pub(crate) type This = *mut ();

/// State that only its own side can read, and the table of functions that do.
///
/// The table is a reference to a prefix type of `abi_stable`: a newer side may know more functions than the older one's
/// table has, and asks for each of those whether it is there.
#[repr(C)]
#[derive(StableAbi)]
pub(crate) struct Object<T> {
    this: This,
    drop: unsafe extern "C" fn(This),
    table: T,
}

// SAFETY: `Object::new` takes only state that may be sent.
unsafe impl<T: Send> Send for Object<T> {}
// SAFETY: functions that change the state, or whose state is not `Sync`, are called by the adapters of this crate through
// `&mut` only.
unsafe impl<T: Sync> Sync for Object<T> {}

impl<T> Object<T> {
    /// An object of `state`; every function of `table` must expect a pointer to an `S`.
    pub(crate) fn new<S: Send + 'static>(state: S, table: T) -> Self {
        Object { this: Box::into_raw(Box::new(state)).cast(), drop: drop_state::<S>, table }
    }

    /// What the functions of the table are called with.
    pub(crate) fn this(&self) -> This {
        self.this
    }

    /// The functions.
    pub(crate) fn table(&self) -> &T {
        &self.table
    }
}

impl<T> Drop for Object<T> {
    fn drop(&mut self) {
        // SAFETY: `new` made `this` for this function, and nobody uses it after the drop.
        unsafe { (self.drop)(self.this) }
    }
}

/// # Safety
/// `this` comes from `Object::<_>::new::<S>` and is not used afterwards.
unsafe extern "C" fn drop_state<S>(this: This) {
    // SAFETY: see above.
    let state = unsafe { Box::from_raw(this.cast::<S>()) };
    // A panic of the author's `drop` ends here: nobody could be told.
    let _ = guard(|| {
        drop(state);
        Ok(())
    });
}

/// The state behind `this`.
///
/// # Safety
/// `this` comes from `Object::<_>::new::<S>`, is alive for `'a`, and nobody changes it meanwhile.
pub(crate) unsafe fn state<'a, S>(this: This) -> &'a S {
    // SAFETY: see above.
    unsafe { &*this.cast::<S>() }
}

/// The state behind `this`, to be changed.
///
/// # Safety
/// As [`state`], and nobody else reads it meanwhile.
pub(crate) unsafe fn state_mut<'a, S>(this: This) -> &'a mut S {
    // SAFETY: see above.
    unsafe { &mut *this.cast::<S>() }
}
