//! Kinds `strategy` and `surrogate`.

use super::bindings::codebench::plugin::types::{Configuration, Error};
use super::bindings::exports::codebench::plugin::{strategy, surrogate};
use super::{Component, Configured, Created, Plugins, absent, check_layout, find, has, read, written};
use codebench_api::{Factory, Kind, Strategy, Surrogate, SurrogateContext};
use codebench_model::{Block, MATRIX_LAYOUT};
use std::cell::RefCell;

/// An instance.
pub struct StrategyInstance(RefCell<Box<dyn Strategy>>);

impl<P: Plugins> strategy::Guest for Component<P> {
    type Instance = Created<P, StrategyInstance>;
}

impl<P: Plugins> strategy::GuestInstance for Created<P, StrategyInstance> {
    fn create(
        id: String,
        configuration: Configuration,
        context: String,
    ) -> Result<strategy::Instance, Error> {
        if !const { has(P::PLUGINS, Kind::Strategy) } {
            return Err(absent(&id));
        }
        let Factory::Strategy(make) = find(P::PLUGINS, &id)? else { return Err(absent(&id)) };
        let context = read("strategy context", &context)?;
        let strategy = make(&Configured::new(configuration).as_configuration(), &context)?;
        Ok(strategy::Instance::new(Created::<P, _>::new(StrategyInstance(RefCell::new(strategy)))))
    }

    fn ask(&self, count: u32) -> Result<String, Error> {
        if !const { has(P::PLUGINS, Kind::Strategy) } {
            return Err(absent(""));
        }
        written(&self.instance.0.borrow_mut().ask(count as usize)?)
    }

    fn tell(&self, outcomes: String) -> Result<(), Error> {
        if !const { has(P::PLUGINS, Kind::Strategy) } {
            return Err(absent(""));
        }
        let outcomes: Vec<codebench_api::Tell> = read("list of outcomes", &outcomes)?;
        Ok(self.instance.0.borrow_mut().tell(&outcomes)?)
    }
}

/// An instance.
pub struct SurrogateInstance(RefCell<Box<dyn Surrogate>>);

impl<P: Plugins> surrogate::Guest for Component<P> {
    type Instance = Created<P, SurrogateInstance>;
}

impl<P: Plugins> surrogate::GuestInstance for Created<P, SurrogateInstance> {
    fn create(
        id: String,
        configuration: Configuration,
        context: surrogate::Context,
    ) -> Result<surrogate::Instance, Error> {
        if !const { has(P::PLUGINS, Kind::Surrogate) } {
            return Err(absent(&id));
        }
        let Factory::Surrogate(make) = find(P::PLUGINS, &id)? else { return Err(absent(&id)) };
        let block = |columns: &surrogate::Columns| {
            let block = match columns.block {
                surrogate::Block::Cnn => Block::Cnn,
                surrogate::Block::Accelerator => Block::Accelerator,
            };
            (block, columns.start as usize..columns.end as usize)
        };
        let context = SurrogateContext {
            seed: context.seed,
            inputs: context.inputs as usize,
            outputs: context.outputs as usize,
            blocks: context.blocks.iter().map(block).collect(),
        };
        let surrogate = make(&Configured::new(configuration).as_configuration(), &context)?;
        Ok(surrogate::Instance::new(Created::<P, _>::new(SurrogateInstance(RefCell::new(surrogate)))))
    }

    fn fit(&self, layout: u32, x: Vec<f64>, y: Vec<f64>) -> Result<(), Error> {
        if !const { has(P::PLUGINS, Kind::Surrogate) } {
            return Err(absent(""));
        }
        check_layout(layout, MATRIX_LAYOUT)?;
        Ok(self.instance.0.borrow_mut().fit(&x, &y)?)
    }

    fn predict(&self, layout: u32, x: Vec<f64>, rows: u32) -> Result<Vec<f64>, Error> {
        if !const { has(P::PLUGINS, Kind::Surrogate) } {
            return Err(absent(""));
        }
        check_layout(layout, MATRIX_LAYOUT)?;
        let prediction = self.instance.0.borrow().predict(&x, rows as usize)?;
        let mut all = prediction.mean;
        all.extend(prediction.epistemic);
        all.extend(prediction.aleatoric);
        Ok(all)
    }

    fn differentiable(&self) -> bool {
        has(P::PLUGINS, Kind::Surrogate) && self.instance.0.borrow().differentiable()
    }

    fn gradient(&self, layout: u32, x: Vec<f64>, coefficients: Vec<f64>) -> Result<Vec<f64>, Error> {
        if !const { has(P::PLUGINS, Kind::Surrogate) } {
            return Err(absent(""));
        }
        check_layout(layout, MATRIX_LAYOUT)?;
        Ok(self.instance.0.borrow().gradient(&x, &coefficients)?)
    }

    fn hvp(&self, layout: u32, x: Vec<f64>, v: Vec<f64>, coefficients: Vec<f64>) -> Result<Vec<f64>, Error> {
        if !const { has(P::PLUGINS, Kind::Surrogate) } {
            return Err(absent(""));
        }
        check_layout(layout, MATRIX_LAYOUT)?;
        Ok(self.instance.0.borrow().hvp(&x, &v, &coefficients)?)
    }
}
