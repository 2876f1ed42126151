//! Both simulations behind one door.

use crate::{Failure, OrFail};
use codebench_api::Catalog;
use codebench_cnn::Lowered;
use codebench_model::{AcceleratorInput, CostReport, Fidelity, PublishedAccelerator, SimulationFault};
use codebench_sim::accelerator;
use codebench_sim::cycle::{self, CycleError, Machine, Options, Parts, Sparsity};
use codebench_sim::published::Simulator;

/// What simulates, whatever the fidelity.
pub struct Simulators {
    catalog: Catalog,
    published: Simulator,
    /// Modules that several accelerators share.
    parts: Parts,
}

/// An accelerator that has been checked.
pub enum Prepared {
    /// For the fidelity `cycle`.
    Cycle(Box<Machine>),
    /// For the fidelity `published`.
    Published(PublishedAccelerator),
}

impl Simulators {
    /// With the plugins of a catalogue.
    ///
    /// # Errors
    /// A catalogue without the published constants.
    pub fn new(catalog: &Catalog) -> Result<Simulators, Failure> {
        let published = Simulator::new(catalog.published_constants().failure()?);
        Ok(Simulators { catalog: catalog.clone(), published, parts: Parts::default() })
    }

    /// Checks an accelerator, and makes its modules.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn prepare(&self, fidelity: Fidelity, input: &AcceleratorInput) -> Result<Prepared, SimulationFault> {
        match fidelity {
            Fidelity::Published => accelerator::resolve(input)
                .map(Prepared::Published)
                .map_err(|error| fault(error.code(), &error.to_string())),
            Fidelity::Cycle => cycle::describe(input)
                .and_then(|description| Machine::resolve_with(&description, &self.catalog, &self.parts))
                .map(|machine| Prepared::Cycle(Box::new(machine)))
                .map_err(|error| of_cycle(&error)),
        }
    }

    /// Simulates a CNN.
    ///
    /// # Errors
    /// Why it cannot be simulated on that accelerator.
    pub fn simulate(
        &self,
        prepared: &Prepared,
        cnn: &Lowered,
        sparsity: &Sparsity,
    ) -> Result<CostReport, SimulationFault> {
        match prepared {
            Prepared::Published(accelerator) => self
                .published
                .simulate(&cnn.published, accelerator)
                .map(|simulation| simulation.report)
                .map_err(|error| fault(error.code(), &error.to_string())),
            Prepared::Cycle(machine) => cycle::evaluate(machine, &cnn.workload, sparsity, Options::default())
                .map(|(report, _)| report)
                .map_err(|error| of_cycle(&error)),
        }
    }
}

pub(crate) fn of_cycle(error: &CycleError) -> SimulationFault {
    fault(error.code(), &error.to_string())
}

fn fault(code: &str, message: &str) -> SimulationFault {
    SimulationFault { code: code.to_owned(), message: message.to_owned() }
}
