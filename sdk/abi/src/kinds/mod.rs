//! One file per kind: its table, the functions that fill it, and the adapter that calls them.
//!
//! In each file the functions are the exporting side, and every one of them is called with the state for which
//! `Crossing::table` was put into an object, a `Box` of the kind's trait; that is their caller's contract.

mod accel_module;
mod cnn_op;
mod engine;
mod evaluator;
mod memory;
mod rows;
mod strategy;
mod surrogate;

/// `make` and `maker` of a kind that is started with nothing.
macro_rules! plain_maker {
    ($kind:ident) => {
        fn make(maker: &codebench_api::Maker) -> Option<codebench_api::MakeFor<Self::Instance, ()>> {
            let codebench_api::Maker::$kind(make) = maker else { return None };
            let make = make.clone();
            Some(std::sync::Arc::new(move |configuration, _: &()| make(configuration)))
        }

        fn maker(make: codebench_api::MakeFor<Self::Instance, ()>) -> codebench_api::Maker {
            codebench_api::Maker::$kind(std::sync::Arc::new(move |configuration| make(configuration, &())))
        }
    };
}

/// `make` and `maker` of a kind that is started with a context.
macro_rules! maker_for_context {
    ($kind:ident) => {
        fn make(
            maker: &codebench_api::Maker,
        ) -> Option<codebench_api::MakeFor<Self::Instance, Self::Context>> {
            match maker {
                codebench_api::Maker::$kind(make) => Some(make.clone()),
                _ => None,
            }
        }

        fn maker(make: codebench_api::MakeFor<Self::Instance, Self::Context>) -> codebench_api::Maker {
            codebench_api::Maker::$kind(make)
        }
    };
}

/// `table` of a kind: the functions of the same names as the fields, in a table that is made once.
macro_rules! table {
    ($table:ident as $reference:ident { $($(#[$attribute:meta])* $function:ident),* $(,)? }) => {
        fn table() -> Self::Table {
            static TABLE: std::sync::OnceLock<$reference> = std::sync::OnceLock::new();
            *TABLE.get_or_init(|| {
                abi_stable::prefix_type::PrefixTypeTrait::leak_into_prefix($table {
                    $($(#[$attribute])* $function,)*
                })
            })
        }
    };
}

/// Calls a function of an object's table.
macro_rules! call {
    ($object:expr, $function:ident $(, $argument:expr)*) => {{
        let object = &$object;
        // SAFETY: the function belongs to the object, and the borrow of the adapter keeps others away as its table says.
        crate::answer::received(unsafe { (object.table().$function())(object.this() $(, $argument)*) })
    }};
}

pub(crate) use {call, maker_for_context, plain_maker, table};
