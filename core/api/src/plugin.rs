//! What makes a type a plugin, and how it is registered.

use crate::{
    AccelModule, Catalog, CnnOp, Engine, Evaluator, Executor, Kind, Memory, PluginError, PluginInfo,
    Strategy, StrategyContext, Surrogate, SurrogateContext,
};
use codebench_model::{Domain, HardwareContext, ParameterValue, Parameters, PublishedConstants};
use std::sync::Arc;

/// What a plugin instance is made from.
pub struct Configuration<'a> {
    /// Complete and checked against [`PluginInfo::parameters`]: every described parameter is there, in its type.
    pub parameters: &'a Parameters,
    /// For the kinds declared in [`PluginInfo::needs`], and for the parts of core that read other plugins.
    pub catalog: &'a Catalog,
    /// For accel-modules and memories: what the accelerator around them is. The default for the other kinds.
    pub hardware: HardwareContext,
}

impl Configuration<'_> {
    /// A whole-number parameter.
    pub fn integer(&self, name: &str) -> Result<i64, PluginError> {
        self.parameters.get(name).and_then(|v| v.as_i64()).ok_or_else(|| undeclared(name))
    }

    /// A number parameter.
    pub fn float(&self, name: &str) -> Result<f64, PluginError> {
        self.parameters.get(name).and_then(|v| v.as_f64()).ok_or_else(|| undeclared(name))
    }

    /// A text or choice parameter.
    pub fn text(&self, name: &str) -> Result<&str, PluginError> {
        self.parameters.get(name).and_then(|v| v.as_str()).ok_or_else(|| undeclared(name))
    }

    /// A boolean parameter.
    pub fn boolean(&self, name: &str) -> Result<bool, PluginError> {
        self.parameters.get(name).and_then(|v| v.as_bool()).ok_or_else(|| undeclared(name))
    }

    /// The parameters of another plugin, in a text parameter as `name = value` separated by commas; each value is read as the
    /// type that the plugin's description, `info`, gives it.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for what is no such pair. Names and ranges are checked where the plugin
    /// is made.
    pub fn parameters_of(&self, info: &PluginInfo, name: &str) -> Result<Parameters, PluginError> {
        let mut parameters = Parameters::new();
        for pair in self.text(name)?.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let Some((key, value)) =
                pair.split_once('=').map(|(k, v)| (k.trim(), v.trim().trim_matches('"')))
            else {
                return Err(PluginError::invalid(format!(
                    "{name}: {pair:?} is no `name = value`: write it so"
                )));
            };
            let described = info.parameters.iter().find(|d| d.name == key);
            let is_text = described.is_some_and(|d| matches!(d.domain, Domain::Text | Domain::Choice { .. }));
            let read = match (value.parse::<i64>(), value.parse::<f64>(), value.parse::<bool>()) {
                (Ok(whole), ..) if !is_text => ParameterValue::Integer(whole),
                (_, Ok(x), _) if !is_text => ParameterValue::Float(x),
                (.., Ok(flag)) if !is_text => ParameterValue::Boolean(flag),
                _ => ParameterValue::Text(value.to_owned()),
            };
            parameters.insert(key.to_owned(), read);
        }
        Ok(parameters)
    }
}

fn undeclared(name: &str) -> PluginError {
    PluginError::contract(format!(
        "the plugin reads parameter `{name}`, which its description does not declare"
    ))
}

/// Purpose: a type that the host can describe and make instances of; it also implements the trait of its kind.
///
/// Call order: [`Plugin::info`], then [`Plugin::configure`] with parameters that the description allows.
///
/// Purity and threads: both are functions of their arguments, called on any thread, any number of times.
///
/// Units: part of each parameter's description.
///
/// Errors: [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for parameters that contradict each other; each one alone
/// has been checked against its description.
///
/// ```
/// use codebench_api::{Configuration, Executor, Plugin, PluginError, PluginInfo, Registration, kinds};
/// use codebench_model::ParameterDescription;
///
/// /// Runs the tasks of a batch in one direction or the other.
/// struct Serial {
///     backwards: bool,
/// }
///
/// impl Plugin for Serial {
///     type Kind = kinds::Executor;
///
///     fn info() -> PluginInfo {
///         PluginInfo::new("example/serial", "0.1.0", "Runs one task after another.")
///             .parameters(vec![ParameterDescription::boolean("backwards", false, "Whether the last comes first.")])
///     }
///
///     fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
///         Ok(Serial { backwards: configuration.boolean("backwards")? })
///     }
/// }
///
/// impl Executor for Serial {
///     fn run(&self, count: usize, task: &(dyn Fn(usize) + Sync)) -> Result<(), PluginError> {
///         match self.backwards {
///             true => (0..count).rev().for_each(task),
///             false => (0..count).for_each(task),
///         }
///         Ok(())
///     }
/// }
///
/// // What `codebench_sdk::plugins![Serial]` lists.
/// const SERIAL: Registration = Registration::of::<Serial>();
/// assert_eq!((SERIAL.info)().id, "example/serial");
/// ```
///
/// Smallest built-in to copy: `flatten` in `plugins/cnn-ops`.
pub trait Plugin: Sized + Send + Sync + 'static {
    /// One of [`kinds`].
    type Kind: KindOf<Self>;

    /// The description; the same at every call.
    fn info() -> PluginInfo;

    /// An instance.
    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError>;
}

/// A strategy is also given its space, seed and number of objectives.
type StrategyFactory = fn(&Configuration<'_>, &StrategyContext) -> Result<Box<dyn Strategy>, PluginError>;
type MakeFactory<T> = fn(&Configuration<'_>) -> Result<Box<T>, PluginError>;

type SurrogateFactory = fn(&Configuration<'_>, &SurrogateContext) -> Result<Box<dyn Surrogate>, PluginError>;

/// Makes instances of a built-in plugin, by kind.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub enum Factory {
    CnnOp(MakeFactory<dyn CnnOp>),
    AccelModule(MakeFactory<dyn AccelModule>),
    Memory(MakeFactory<dyn Memory>),
    Surrogate(SurrogateFactory),
    Strategy(StrategyFactory),
    Evaluator(MakeFactory<dyn Evaluator>),
    Engine(MakeFactory<dyn Engine>),
    Executor(MakeFactory<dyn Executor>),
    PublishedConstants(fn() -> PublishedConstants),
}

impl Factory {
    /// The kind it makes.
    pub fn kind(&self) -> Kind {
        match self {
            Factory::CnnOp(_) => Kind::CnnOp,
            Factory::AccelModule(_) => Kind::AccelModule,
            Factory::Memory(_) => Kind::Memory,
            Factory::Surrogate(_) => Kind::Surrogate,
            Factory::Strategy(_) => Kind::Strategy,
            Factory::Evaluator(_) => Kind::Evaluator,
            Factory::Engine(_) => Kind::Engine,
            Factory::Executor(_) => Kind::Executor,
            Factory::PublishedConstants(_) => Kind::PublishedConstants,
        }
    }
}

/// Makes instances from parameters.
pub type Make<T> = Arc<dyn Fn(&Configuration<'_>) -> Result<Box<T>, PluginError> + Send + Sync>;
/// Makes instances from parameters and what they are made for.
pub type MakeFor<T, C> = Arc<dyn Fn(&Configuration<'_>, &C) -> Result<Box<T>, PluginError> + Send + Sync>;

/// Makes instances of a plugin of any form, by kind.
#[derive(Clone)]
#[allow(missing_docs)]
pub enum Maker {
    CnnOp(Make<dyn CnnOp>),
    AccelModule(Make<dyn AccelModule>),
    Memory(Make<dyn Memory>),
    Surrogate(MakeFor<dyn Surrogate, SurrogateContext>),
    Strategy(MakeFor<dyn Strategy, StrategyContext>),
    Evaluator(Make<dyn Evaluator>),
    Engine(Make<dyn Engine>),
    Executor(Make<dyn Executor>),
    PublishedConstants(fn() -> PublishedConstants),
}

impl Maker {
    /// The kind it makes.
    pub fn kind(&self) -> Kind {
        match self {
            Maker::CnnOp(_) => Kind::CnnOp,
            Maker::AccelModule(_) => Kind::AccelModule,
            Maker::Memory(_) => Kind::Memory,
            Maker::Surrogate(_) => Kind::Surrogate,
            Maker::Strategy(_) => Kind::Strategy,
            Maker::Evaluator(_) => Kind::Evaluator,
            Maker::Engine(_) => Kind::Engine,
            Maker::Executor(_) => Kind::Executor,
            Maker::PublishedConstants(_) => Kind::PublishedConstants,
        }
    }
}

impl From<Factory> for Maker {
    fn from(factory: Factory) -> Self {
        match factory {
            Factory::CnnOp(make) => Maker::CnnOp(Arc::new(make)),
            Factory::AccelModule(make) => Maker::AccelModule(Arc::new(make)),
            Factory::Memory(make) => Maker::Memory(Arc::new(make)),
            Factory::Surrogate(make) => Maker::Surrogate(Arc::new(make)),
            Factory::Strategy(make) => Maker::Strategy(Arc::new(make)),
            Factory::Evaluator(make) => Maker::Evaluator(Arc::new(make)),
            Factory::Engine(make) => Maker::Engine(Arc::new(make)),
            Factory::Executor(make) => Maker::Executor(Arc::new(make)),
            Factory::PublishedConstants(make) => Maker::PublishedConstants(make),
        }
    }
}

/// One plugin of a crate.
#[derive(Clone, Copy)]
pub struct Registration {
    /// Describes it.
    pub info: fn() -> PluginInfo,
    /// Makes it.
    pub factory: Factory,
}

impl Registration {
    /// The registration of a plugin type.
    pub const fn of<P: Plugin>() -> Registration {
        Registration { info: P::info, factory: <P::Kind as KindOf<P>>::FACTORY }
    }
}

/// All plugins of one crate, as `codebench_sdk::plugins!` submits them.
pub struct Registrations {
    /// The crate, for errors.
    pub source: &'static str,
    /// Its plugins.
    pub plugins: &'static [Registration],
}

inventory::collect!(Registrations);

/// How a kind makes instances of `P`.
pub trait KindOf<P> {
    /// Makes them.
    const FACTORY: Factory;
}

/// Markers for [`Plugin::Kind`].
pub mod kinds {
    use super::*;

    macro_rules! simple_kind {
        ($($(#[$doc:meta])* $name:ident;)*) => {
            $($(#[$doc])*
            pub struct $name;

            impl<P: Plugin + super::$name> KindOf<P> for $name {
                const FACTORY: Factory = Factory::$name(|configuration| Ok(Box::new(P::configure(configuration)?)));
            })*
        };
    }

    simple_kind! {
        /// The type implements [`trait@crate::CnnOp`].
        CnnOp;
        /// The type implements [`trait@crate::AccelModule`].
        AccelModule;
        /// The type implements [`trait@crate::Memory`].
        Memory;
        /// The type implements [`trait@crate::Evaluator`].
        Evaluator;
        /// The type implements [`trait@crate::Engine`].
        Engine;
        /// The type implements [`trait@crate::Executor`].
        Executor;
    }

    /// The type implements [`trait@crate::Strategy`].
    pub struct Strategy;

    impl<P: Plugin + super::Strategy> KindOf<P> for Strategy {
        const FACTORY: Factory = Factory::Strategy(|configuration, context| {
            let mut strategy = P::configure(configuration)?;
            strategy.start(context)?;
            Ok(Box::new(strategy))
        });
    }

    /// The type implements [`trait@crate::Surrogate`].
    pub struct Surrogate;

    impl<P: Plugin + super::Surrogate> KindOf<P> for Surrogate {
        const FACTORY: Factory = Factory::Surrogate(|configuration, context| {
            let mut surrogate = P::configure(configuration)?;
            surrogate.start(context)?;
            Ok(Box::new(surrogate))
        });
    }

    /// The type is [`Default`]-constructible constants of the released simulator.
    pub struct PublishedConstants;

    impl<P: Plugin + Into<codebench_model::PublishedConstants> + Default> KindOf<P> for PublishedConstants {
        const FACTORY: Factory = Factory::PublishedConstants(|| P::default().into());
    }
}
