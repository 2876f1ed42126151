//! The manifest.

use super::bindings::exports::codebench::plugin::manifest as wit;
use super::{Component, Plugins};
use codebench_api::{Kind, PluginInfo, Registration};
use codebench_model::{Domain, ParameterDescription};

impl<P: Plugins> wit::Guest for Component<P> {
    fn plugins() -> Vec<wit::Plugin> {
        super::report_panics();
        P::PLUGINS.iter().filter(|r| is_for_sandbox(r)).map(plugin).collect()
    }
}

/// What makes no sense in a sandbox is left out, so that one crate serves every form: engines, executors, and plugins that make
/// others for themselves.
fn is_for_sandbox(registration: &Registration) -> bool {
    let kind = registration.factory.kind();
    !matches!(kind, Kind::Engine | Kind::Executor | Kind::PublishedConstants)
        && (registration.info)().needs.is_empty()
}

fn plugin(registration: &Registration) -> wit::Plugin {
    let PluginInfo { id, version, summary, parameters, keywords, needs: _, metrics, examples } =
        (registration.info)();
    let examples = examples.into_iter().map(|e| wit::Example { title: e.title, text: e.text }).collect();
    let parameters = parameters.into_iter().map(parameter).collect();
    wit::Plugin {
        id,
        kind: registration.factory.kind().name().to_owned(),
        description: wit::Description { version, summary, parameters, keywords, metrics, examples },
    }
}

fn parameter(description: ParameterDescription) -> wit::ParameterDescription {
    let ParameterDescription { name, unit, domain, default, help } = description;
    let domain = match domain {
        Domain::Integer { min, max } => wit::Domain::Integer(wit::IntegerRange { min, max }),
        Domain::Float { min, max } => wit::Domain::Float(wit::FloatRange { min, max }),
        Domain::Choice { values } => wit::Domain::Choice(values),
        Domain::Boolean => wit::Domain::Boolean,
        Domain::Text => wit::Domain::Text,
    };
    wit::ParameterDescription { name, unit, domain, default: default.map(Into::into), help }
}
