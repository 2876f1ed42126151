//! `codebench/activation-unit`.

use super::mac_lanes::lane;
use crate::common::{Array, Growth, accepted, each, outputs, per_cycle_pj, vector_cost};
use codebench_sdk::prelude::*;

const RUNS: [PrimitiveKind; 1] = [PrimitiveKind::Activation];
/// Comparators, or the table and the product.
const FILL_CYCLES: u64 = 2;

/// Functions that cost what ReLU costs: a comparison and a choice (or a shift and an addition).
const RECTIFIERS: [Activation; 3] = [Activation::Relu, Activation::Relu6, Activation::LeakyRelu];
/// Functions that cost what SiLU costs: a table of the sigmoid, and a product.
const SIGMOIDS: [Activation; 6] = [
    Activation::Silu,
    Activation::Gelu,
    Activation::Hswish,
    Activation::Hsigmoid,
    Activation::Sigmoid,
    Activation::Tanh,
];

/// Activation functions at the outputs of the MAC lanes: `pof` elements of each PE a cycle. Area and leakage are part of the
/// lanes'.
#[derive(Debug)]
pub struct ActivationUnit {
    units: u64,
    activations: Vec<Activation>,
    relu_pj: f64,
    silu_pj: f64,
}

impl Plugin for ActivationUnit {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        let mut parameters = Array::parameters(&["pib", "pif", "pix", "piy", "pof"]);
        parameters.push(ParameterDescription::choice(
            "activation_set",
            &["relu", "silu", "both"],
            "both",
            "Functions in the MAC lanes: relu runs relu, relu6 and leaky_relu, silu the others, both all of them.",
        ));
        PluginInfo::new(
            "codebench/activation-unit",
            "0.1.0",
            "Activation functions at the outputs of the MAC lanes.",
        )
        .parameters(parameters)
        .example(
            "ReLU only",
            "[[module]]\nrole = \"vector\"\nplugin = \"codebench/activation-unit\"\n\
                 parameters = { activation_set = \"relu\" }",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let array = Array::of(configuration)?;
        let word_bits = configuration.hardware.word_bits;
        let power = |set| lane(set, array.pif).map(|lane| Growth::Quadratic.of(lane, word_bits).dynamic_mw);
        let activations = match configuration.text("activation_set")? {
            "relu" => RECTIFIERS.to_vec(),
            "silu" => SIGMOIDS.to_vec(),
            _ => RECTIFIERS.into_iter().chain(SIGMOIDS).collect(),
        };
        Ok(ActivationUnit {
            units: array.pes() * array.pof,
            activations,
            // What a lane with both draws more than one without the function.
            relu_pj: per_cycle_pj(power("both")? - power("silu")?),
            silu_pj: per_cycle_pj(power("both")? - power("relu")?),
        })
    }
}

impl AccelModule for ActivationUnit {
    fn facts(&self) -> ModuleFacts {
        ModuleFacts {
            primitives: RUNS.to_vec(),
            activations: self.activations.clone(),
            events: vec![
                EventFacts::new("rectified", Cause::Vector, self.relu_pj),
                EventFacts::new("sigmoid", Cause::Vector, self.silu_pj),
            ],
            ..ModuleFacts::default()
        }
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        each(works, costs, |work| {
            accepted(work, "activation unit", &RUNS)?;
            let function = Activation::of_code(work.activation).filter(|a| self.activations.contains(a));
            let function = function.ok_or_else(|| {
                PluginError::invalid(format!(
                    "`activation` = {}: the activation unit runs {:?}; `activation_set` chooses",
                    work.activation, self.activations
                ))
            })?;
            let elements = outputs(work)?;
            let mut cost = vector_cost(work, elements.div_ceil(self.units), FILL_CYCLES, 0);
            cost.events[usize::from(SIGMOIDS.contains(&function))] = elements;
            Ok(cost)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::module;

    fn work(function: Activation) -> TileWork {
        TileWork {
            primitive: PrimitiveKind::Activation.code(),
            activation: function.code(),
            batch: 1,
            out_channels: 64,
            out_y: 16,
            out_x: 16,
            ..TileWork::default()
        }
    }

    #[test]
    fn functions_cost_what_relu_or_silu_costs() {
        let both = module("codebench/activation-unit", "");
        let mut costs = [TileCost::default(); 2];
        both.cost(&[work(Activation::Relu6), work(Activation::Gelu)], &mut costs).unwrap();
        assert_eq!(costs.map(|c| c.busy_cycles), [32, 32]);
        assert_eq!(costs.map(|c| (c.events[0], c.events[1])), [(16_384, 0), (0, 16_384)]);
        let facts = both.facts();
        assert!((facts.events[0].energy_pj - 0.1221 / 0.7).abs() < 1e-9);
        assert!((facts.events[1].energy_pj - 0.425 / 0.7).abs() < 1e-9);
        let named: Vec<_> =
            Activation::ALL.iter().map(|(a, _)| *a).filter(|a| *a != Activation::Identity).collect();
        assert!(
            named.iter().all(|a| facts.activations.contains(a)),
            "every function of the language has a cost"
        );
    }

    #[test]
    fn the_set_decides_which_functions_there_are() {
        let relu = module("codebench/activation-unit", "activation_set = \"relu\"");
        assert_eq!(relu.facts().activations, RECTIFIERS);
        let error = relu.cost(&[work(Activation::Silu)], &mut [TileCost::default()]).unwrap_err();
        assert!(error.message.contains("`activation` = 4"), "{error}");
    }

    #[test]
    fn energies_are_positive_for_any_number_of_multipliers() {
        for pif in [1, 2, 16, 256] {
            let facts = module("codebench/activation-unit", &format!("pif = {pif}")).facts();
            assert!(facts.events.iter().all(|e| e.energy_pj > 0.0), "{facts:?}");
        }
    }
}
