//! The three networks in the shapes of the released surrogate, with one input and with several.

use super::super::network::{Layer, Network, Stack};

/// `inputs-64-32-outputs` with dropout; or per branch `32-32`, joined, `64-32-outputs` with dropout.
pub(super) fn teacher(inputs: usize, outputs: usize, branches: &[Vec<usize>], sigmoid: bool) -> Network {
    let mut network = Network::new(inputs);
    plain_branches(&mut network, branches);
    network.trunk(|trunk| {
        trunk.dense(64).then(Layer::Softplus).dropout();
        trunk.dense(32).then(Layer::Softplus).dropout();
        trunk.dense(outputs);
        if sigmoid {
            trunk.then(Layer::Sigmoid);
        }
    });
    network
}

/// `inputs-64-32-outputs`; or per branch `32-32`, joined, `32-outputs`; positive.
pub(super) fn student(inputs: usize, outputs: usize, branches: &[Vec<usize>]) -> Network {
    let mut network = Network::new(inputs);
    plain_branches(&mut network, branches);
    network.trunk(|trunk| {
        if branches.is_empty() {
            trunk.dense(64).then(Layer::Softplus);
        }
        trunk.dense(32).then(Layer::Softplus);
        trunk.dense(outputs).then(Layer::Softplus);
    });
    network
}

/// Natural parameters: `inputs-32-32-outputs`; or per branch `32-32`, joined, `32-outputs`.
pub(super) fn moments(inputs: usize, outputs: usize, branches: &[Vec<usize>], sigmoid: bool) -> Network {
    let mut network = Network::new(inputs);
    for columns in branches {
        network.branch(columns.clone(), |branch| {
            branch.moments(32, true).then(Layer::MomentsRectifier);
            branch.moments(32, false).then(Layer::MomentsLogistic);
        });
    }
    network.trunk(|trunk| {
        if branches.is_empty() {
            trunk.moments(32, true).then(Layer::MomentsRectifier);
        }
        trunk.moments(32, false).then(Layer::MomentsRectifier);
        trunk.moments(outputs, false);
        if sigmoid {
            trunk.then(Layer::MomentsLogistic);
        }
    });
    network
}

fn plain_branches(network: &mut Network, branches: &[Vec<usize>]) {
    let layers = |branch: &mut Stack<'_>| {
        branch.dense(32).then(Layer::Softplus);
        branch.dense(32).then(Layer::Softplus);
    };
    branches.iter().for_each(|columns| network.branch(columns.clone(), layers));
}
